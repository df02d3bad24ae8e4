"""Every notebook as a reader meets it: whoever opens one of the lessons sees to it that it shows its explorers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.browser.lab import Notebook
from tools.notebooks.run import NOTEBOOKS

LESSONS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
# Other tests of this folder open these; running them twice would show nothing new.
ELSEWHERE = {
    number
    for path in Path(__file__).parent.glob("*.py")
    for number in re.findall(r'open_and_run\("(\d\d)"', path.read_text("utf-8"))
}
ELSEWHERE.add("07")  # trains for a minute: tests/notebooks runs it, and test_training_views.py has its views


def test_other_tests_open_lessons() -> None:
    assert {"00", "01", "04", "08"} <= ELSEWHERE <= {name[:2] for name in LESSONS}


@pytest.mark.parametrize("name", [name for name in LESSONS if name[:2] not in ELSEWHERE])
def test_runs_and_shows_its_explorers(open_and_run: Callable[..., Notebook], name: str) -> None:
    assert open_and_run(name).page.locator(".rpnviz").count() > 0
