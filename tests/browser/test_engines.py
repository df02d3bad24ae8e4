"""Every explorer's saved page from file:// in each of the browsers: it opens, it moves, nothing goes wrong."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.explorer_pages import NAMES
from tests.browser.test_reach import CONTROLS, FAULTS, LEAST_LETTER, WIDTHS
from tests.moving import FRAMES, live, move
from tools.browser.page import Page

CELL = "() => document.querySelector('.rpnviz-linked').dataset.cell"


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_page_opens_and_moves(new_page: Callable[[], Page], explorer_pages: dict[str, Path], name: str) -> None:
    page = new_page()
    page.open(explorer_pages[name].as_uri())
    live(page)
    assert move(page)
    for width in (360, 1366):
        page.resize(width, WIDTHS[width])
        assert page.evaluate(FAULTS, [LEAST_LETTER, 0, CONTROLS, width]) == []


# Of bars that style sheets draw, how much of their place is dark.
BARS = {"nms": (".rpnviz-over", 0.95, 1), "channels": (".rpnviz-fires-bar i:last-child", 0.5, 0.7)}
PLACE = """(selector) => {
  const { left, top, right, bottom } = document.querySelector(selector).getBoundingClientRect();
  return [Math.ceil(left) + 1, Math.ceil(top) + 1, Math.floor(right), Math.floor(bottom) - 1];
}"""


@pytest.mark.parametrize("name", BARS)
def test_bars_are_seen(new_page: Callable[[], Page], explorer_pages: dict[str, Path], name: str) -> None:
    selector, least, most = BARS[name]
    page = new_page()
    page.open(explorer_pages[name].as_uri())
    live(page)
    page.wait_for("(selector) => document.querySelector(selector)", selector)
    screen = Image.open(io.BytesIO(page.screenshot())).convert("L")
    place = np.asarray(screen.crop(page.evaluate(PLACE, selector)))
    assert place.size and least <= (place < 128).mean() <= most


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
