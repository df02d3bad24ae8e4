"""Every notebook as a reader meets it: whoever opens one of the lessons sees to it that it shows its explorers."""

from __future__ import annotations

import re
from pathlib import Path

from tools.notebooks.run import NOTEBOOKS


def test_every_lesson_is_opened_in_jupyterlab() -> None:
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob("*.py")]
    opened = {number for text in texts for number in re.findall(r'open_and_run\("(\d\d)"', text)}
    # 07 trains for a minute: tests/notebooks runs it, and test_training_views.py has its views.
    assert opened | {"07"} == {path.name[:2] for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}
