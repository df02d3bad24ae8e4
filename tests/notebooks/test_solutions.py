"""The solutions that some notebooks hold behind a click pass the notebooks' own checks; the stubs do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
import torch

from tools.run_notebooks import NOTEBOOKS

SOLUTION = re.compile(r"<details>.*?```python\n(def (\w+)\(.*?)```", re.DOTALL)


@pytest.fixture(autouse=True)
def grad_mode() -> Iterator[None]:
    """Notebook 01 switches gradients off, for its kernel; not for the tests after it."""
    before = torch.is_grad_enabled()
    yield
    torch.set_grad_enabled(before)


@pytest.mark.parametrize(("name", "exercises"), [("01", 1), ("04", 2), ("05", 1), ("06", 1), ("08", 1), ("09", 1)])
@pytest.mark.parametrize("solved", [True, False])
def test_solutions_pass_the_checks(name: str, exercises: int, solved: bool, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = NOTEBOOKS.glob(f"{name}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells  # type: ignore[no-untyped-call]
    solutions = {match[2]: match[1] for cell in cells if (match := SOLUTION.search(cell.source))}
    assert len(solutions) == exercises
    scope: dict[str, Any] = {}
    checks = []
    for cell in (cell for cell in cells if cell.cell_type == "code"):
        stub = re.match(r"def (\w+)\(", cell.source)
        if stub and solved:
            exec(solutions[stub[1]], scope)
        elif "plt.subplots" not in cell.source:  # what is drawn is not checked
            capsys.readouterr()
            exec(cell.source, scope)
            if "Not yet" in cell.source:
                checks.append(capsys.readouterr().out)
    assert len(checks) == exercises
    assert all(check.startswith("Right" if solved else "Not yet") for check in checks), checks
