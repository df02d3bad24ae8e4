"""Notebook 02's explorers, operated with real keys and a real mouse: what they write is what head and torch say."""

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
TABLES = """[[f'{value:.3f}'.replace('-0.000', '0.000').replace('-', '−')
    for value in part[apart.channel].flatten().tolist()]
    for part in (apart.taken_apart.window, apart.taken_apart.weights, apart.taken_apart.products)]"""


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


# --- one number of a convolution ----------------------------------------------------------------------------------


@pytest.fixture
def convolution(open_and_run: Callable[..., Notebook]) -> View:
    """The second view of notebook 02, where the notebook opens it."""
    view = View(open_and_run("02"), kind="convolution")
    view.root.scroll_into_view_if_needed()
    return view


def tables(view: View) -> list[list[str]]:
    """The three times nine numbers as they are written."""
    return [[cell.inner_text() for cell in table.locator("td").all()] for table in view.root.locator("table").all()]


def test_every_number_is_torchs(convolution: View) -> None:
    expect(convolution.root.locator("table").nth(2).locator("td").nth(8)).not_to_have_text("…")
    expect(convolution.root.locator("table").nth(0).locator("td").nth(0)).not_to_be_empty()
    assert tables(convolution) == convolution.notebook.ask(TABLES)
    convolution.part("map").press("Home")  # half of the window lies on the padding there, in another part of the map
    convolution.part("map").press("PageUp")
    convolution.is_at(19, 0)
    expect(convolution.root.locator(".rpnviz-shown")).to_contain_text("nine products")
    expect(convolution.root.locator("table").nth(0).locator("td").nth(0)).to_have_text("0.000")
    expected = convolution.notebook.ask(TABLES)
    assert [expected[0][k] for k in (0, 3, 6)] == ["0.000"] * 3
    assert tables(convolution) == expected


def test_a_product_shows_what_made_it(convolution: View) -> None:
    product = convolution.root.locator("table").nth(2).locator("td").nth(5)
    product.hover()
    expect(convolution.root.locator("td.rpnviz-hot")).to_have_count(3)
    covered, weights, products = (numbers[5] for numbers in tables(convolution))
    expect(convolution.root.locator(".rpnviz-what")).to_have_text(f"{covered} × {weights} = {products}")


def test_another_filter_is_asked_of_python(convolution: View) -> None:
    convolution.part("filter").focus()
    convolution.press("ArrowRight")
    expect(convolution.root.locator("figcaption", has_text="× filter")).to_contain_text("filter 424")
    expect(convolution.root.locator("table").nth(2).locator("td").nth(8)).not_to_have_text("…")
    assert tables(convolution) == convolution.notebook.ask(TABLES)


def test_all_stands_on_one_screen_of_a_laptop(open_and_run: Callable[..., Notebook]) -> None:
    """JupyterLab leaves 656 px of 768."""
    for kind in ("window", "convolution"):
        view = View(open_and_run("02"), kind=kind)
        body = view.root.bounding_box()
        assert body is not None and body["height"] <= 656, kind


def test_a_saved_page_says_what_it_does_not_have(
    convolution: View, open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    convolution.notebook.execute(f"apart.to_html({str(tmp_path / 'page.html')!r})")
    expected = convolution.notebook.ask(TABLES)
    page = View(open_file(tmp_path / "page.html"), kind="convolution")
    expect(page.root.locator("table").nth(2).locator("td").nth(0)).to_have_text(expected[2][0])
    assert tables(page) == expected
    page.part("map").press("End")
    expect(page.root.locator(".rpnviz-shown")).to_contain_text("not in this page")
