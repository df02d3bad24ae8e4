"""Every explorer's saved page from file:// in each of the browsers: it opens, it moves, nothing goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.explorer_pages import NAMES
from tests.moving import FRAMES, live, move
from tools.browser.page import Page

CELL = "() => document.querySelector('.rpnviz-linked').dataset.cell"


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_page_opens_and_moves(new_page: Callable[[], Page], explorer_pages: dict[str, Path], name: str) -> None:
    page = new_page()
    page.open(explorer_pages[name].as_uri())
    live(page)
    assert move(page)


def test_a_pointer_drags_the_window(new_page: Callable[[], Page], explorer_pages: dict[str, Path]) -> None:
    page = new_page()
    page.open(explorer_pages["linked"].as_uri())
    live(page)
    cells = []
    for by in ((0, 0), (-60, -30)):
        page.drag(".rpnviz-map", by)
        page.evaluate(FRAMES)
        cells.append([int(part) for part in page.evaluate(CELL).split()])
    (row, col), (later_row, later_col) = cells
    assert later_row < row and later_col < col
