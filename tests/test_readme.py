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


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^    )make ([a-z]+)", README, re.MULTILINE))
    assert named and named <= targets


def test_every_module_is_in_the_readme() -> None:
    table = README.split("## How it is built")[1].split("## What")[0]
    named = {name for name in re.findall(r"`(\w+)\.py`", table)}
    assert named == {path.stem for path in (ROOT / "rpnviz").glob("[!_]*.py")}


def test_notebooks_of_the_readme_are_those_that_exist() -> None:
    rows = re.findall(r"^\| (\d\d) \| .* \| (.*) \|$", README, re.MULTILINE)
    written = {number for number, moves in rows if moves != "in the making"}
    assert written == {path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb")}
