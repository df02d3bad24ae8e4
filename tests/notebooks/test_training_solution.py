"""The solution that notebook 07 holds behind a click passes the notebook's own check; the stub does not.

By itself, since running all of notebook 07 trains a network: the check needs nothing but torch.
"""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
import torch

from tools.run_notebooks import NOTEBOOKS

SOLUTION = re.compile(r"<details>.*?```python\n(def recall_of\(.*?)```", re.DOTALL)


@pytest.mark.parametrize("solved", [True, False])
def test_solution_passes_the_check(solved: bool, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = NOTEBOOKS.glob("07_*.ipynb")
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells]  # type: ignore[no-untyped-call]
    (stub,) = (source for source in sources if source.startswith("def recall_of("))
    (check,) = (source for source in sources if "Not yet" in source)
    (solution,) = (match[1] for source in sources if (match := SOLUTION.search(source)))
    scope: dict[str, Any] = {"torch": torch}
    exec(solution if solved else stub, scope)
    exec(check, scope)
    assert capsys.readouterr().out.startswith("Right" if solved else "Not yet")
