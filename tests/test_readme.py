"""What the README shows runs, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_code_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(CODE) == 2
    names: dict[str, Any] = {}
    for block in CODE:
        exec(block, names)
    assert len(names["pos_inds"]) + len(names["neg_inds"]) == 256
    assert re.findall(r"21,600", capsys.readouterr().out)


def test_every_module_is_in_the_map_of_modules() -> None:
    table = (ROOT / "docs" / "how-it-is-built.md").read_text("utf-8").split("## Where to look")[0]
    named = {name for name in re.findall(r"`(\w+)\.py`", table)}
    assert named == {path.stem for path in (ROOT / "rpnviz").glob("*.py")} - {"__init__", "__main__"}


def test_notebooks_of_the_readme_are_those_that_exist() -> None:
    numbers = re.findall(r"^\| \[(\d\d)\]\(notebooks/\1_\w+\.ipynb\) \| .* \| .* \|$", README, re.MULTILINE)
    assert numbers == sorted(path.name[:2] for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
