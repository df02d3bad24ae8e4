"""The pictures of docs/look.md are those that the script draws, small, whole, and each is shown."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from rpnviz.figures.palette import IN_WORDS, STYLES
from tests.tools.docs.test_board import OUTSIDE, OVERLAPS
from tools.docs import look
from tools.docs.look import DRAWINGS, FOLDER

PAGE = (FOLDER.parent / "look.md").read_text("utf-8")


def test_what_is_committed_is_what_the_script_draws() -> None:
    assert look.main(["--check"]) == 0
    assert {path.stem for path in FOLDER.iterdir()} == set(DRAWINGS)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 150_000


def test_the_page_shows_every_picture_and_every_line() -> None:
    assert re.findall(r"!\[.+?\]\(look/(\w+)\.svg\)", PAGE) == [*DRAWINGS]
    shown = DRAWINGS["labels"]().svg() + DRAWINGS["kinds"]().svg()
    lines = {name for group in ("labels", "boxes", "steps") for name in STYLES[group]}
    assert all(f">{IN_WORDS[name]}</text>" in shown for name in lines)


@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_is_cut_and_no_words_lie_on_others(name: str, browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(DRAWINGS[name]().svg())
    assert page.locator("svg").evaluate(OUTSIDE) == []
    assert page.locator("svg").evaluate(OVERLAPS) == []
    page.close()


def test_sheets_name_the_sizes_of_letters() -> None:
    """But for the phone's letters, print, and a drawing of its own scale; tools below a page stand outside a view."""
    sheets = [path for path in look.SHEET.parent.parent.glob("*/*.css") if path.name != "saved.css"]
    sizes = {size for path in sheets for size in re.findall(r"font-size: ([^;]+);", path.read_text("utf-8"))}
    assert len(sheets) > 8
    assert {size for size in sizes if not size.startswith("var(--text")} <= {"1em", "12px", "13px", "14px"}
