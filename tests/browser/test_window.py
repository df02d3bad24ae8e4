"""Notebook 02's explorer, operated with real keys and a real mouse: what it writes is what the head says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import View
from tools.browser.lab import Notebook

HERE = """[[f'{value:.2f}'.replace('-0.00', '0.00').replace('-', '−') for value in (logit, *deltas)]
    for logit, deltas in zip(explorer.logits[:, explorer.row, explorer.col].tolist(),
    explorer._deltas[:, explorer.row, explorer.col].reshape(-1, 4).tolist())]"""


@pytest.fixture
def window(open_and_run: Callable[..., Notebook]) -> View:
    """The first view of notebook 02, over the middle of the map, on the mean of all channels."""
    view = View(open_and_run("02"), kind="window")
    view.root.scroll_into_view_if_needed()
    view.set(channel=-1, selected=-1, show_anchors=False)
    view.put(20, 30)
    return view


def written(view: View) -> list[list[str]]:
    """Logit and deltas of each anchor as the table has them."""
    rows = view.part("outputs").locator("tbody tr").all()
    texts = [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]
    return [[logit, *deltas] for logit, bar, *deltas in texts if bar == ""]


def looks(view: View) -> list[int]:
    """A hash of map, picture and both sheets."""
    sheets = [view.part("sheet").nth(i) for i in (0, 1)]
    pixels = "canvas => canvas.toDataURL()"
    return [hash(str(canvas.evaluate(pixels))) for canvas in (view.part("map"), view.part("picture"), *sheets)]


@pytest.mark.parametrize(
    ("key", "cell"), [("ArrowRight", (20, 31)), ("Shift+ArrowUp", (15, 30)), ("PageDown", (25, 30)), ("Home", (20, 0))]
)
def test_keys_move_the_window_and_all_its_numbers(window: View, key: str, cell: tuple[int, int]) -> None:
    before = looks(window)
    window.part("map").press(key)
    window.is_at(*cell)
    window.python_has(row=cell[0], col=cell[1])
    assert all(now != then for now, then in zip(looks(window), before, strict=True))
    assert written(window) == window.notebook.ask(HERE)
    expect(window.root.locator(".rpnviz-shown")).to_contain_text(f"at row {cell[0]}, column {cell[1]}: 4608 numbers")


def test_the_slider_changes_the_map_alone(window: View) -> None:
    before = looks(window)
    window.part("channel").focus()
    window.press("ArrowRight", "ArrowRight")
    window.python_has(channel=1)
    after = looks(window)
    assert after[0] != before[0] and after[1:] == before[1:]


def test_anchors_are_shown_and_chosen(window: View) -> None:
    before = looks(window)
    window.part("switch").click()
    window.python_has(show_anchors=True)
    row = window.part("outputs").locator("tbody tr").nth(4)
    row.focus()
    expect(row).to_have_class("rpnviz-hot")
    window.python_has(selected=4)
    assert looks(window)[1] != before[1]


def test_a_saved_page_has_all_the_numbers(window: View, open_file: Callable[[Path], Notebook], tmp_path: Path) -> None:
    window.notebook.execute(f"explorer.to_html({str(tmp_path / 'page.html')!r})")
    page = View(open_file(tmp_path / "page.html"), kind="window")
    expect(page.root.locator(".rpnviz-shown")).to_contain_text("row 20, column 30")
    page.part("map").press("ArrowLeft")
    page.is_at(20, 29)
    window.set(col=29)
    assert written(page) == window.notebook.ask(HERE)
