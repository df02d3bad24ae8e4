"""One number of a convolution, operated with real keys and a real mouse: what is written is what torch says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import View
from tools.browser.lab import Notebook

TABLES = """[[f'{value:.3f}'.replace('-0.000', '0.000').replace('-', '−')
    for value in part[apart.channel].flatten().tolist()]
    for part in (apart.taken_apart.window, apart.taken_apart.weights, apart.taken_apart.products)]"""


@pytest.fixture
def view(open_and_run: Callable[..., Notebook]) -> View:
    """The view of notebook 02, where the notebook opens it."""
    view = View(open_and_run("02"), kind="convolution")
    view.root.scroll_into_view_if_needed()
    return view


def tables(view: View) -> list[list[str]]:
    """The three times nine numbers as they are written."""
    return [[cell.inner_text() for cell in table.locator("td").all()] for table in view.root.locator("table").all()]


def test_every_number_is_torchs(view: View) -> None:
    expect(view.root.locator("table").nth(2).locator("td").nth(8)).not_to_have_text("…")
    expect(view.root.locator("table").nth(0).locator("td").nth(0)).not_to_be_empty()
    assert tables(view) == view.notebook.ask(TABLES)
    view.part("map").press("Home")  # half of the window lies on the padding there, in another part of the map
    view.part("map").press("PageUp")
    view.is_at(19, 0)
    expect(view.root.locator(".rpnviz-shown")).to_contain_text("nine products")
    expect(view.root.locator("table").nth(0).locator("td").nth(0)).to_have_text("0.000")
    expected = view.notebook.ask(TABLES)
    assert [expected[0][k] for k in (0, 3, 6)] == ["0.000"] * 3
    assert tables(view) == expected


def test_a_product_shows_what_made_it(view: View) -> None:
    product = view.root.locator("table").nth(2).locator("td").nth(5)
    product.hover()
    expect(view.root.locator("td.rpnviz-hot")).to_have_count(3)
    covered, weights, products = (numbers[5] for numbers in tables(view))
    expect(view.root.locator(".rpnviz-what")).to_have_text(f"{covered} × {weights} = {products}")


def test_another_filter_is_asked_of_python(view: View) -> None:
    view.part("filter").focus()
    view.press("ArrowRight")
    expect(view.root.locator("figcaption", has_text="× filter")).to_contain_text("filter 424")
    expect(view.root.locator("table").nth(2).locator("td").nth(8)).not_to_have_text("…")
    assert tables(view) == view.notebook.ask(TABLES)


def test_all_stands_on_one_screen_of_a_laptop(open_and_run: Callable[..., Notebook]) -> None:
    """JupyterLab leaves 656 px of 768."""
    for kind in ("window", "convolution"):
        view = View(open_and_run("02"), kind=kind)
        body = view.root.bounding_box()
        assert body is not None and body["height"] <= 656, kind


def test_a_saved_page_says_what_it_does_not_have(
    view: View, open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    view.notebook.execute(f"apart.to_html({str(tmp_path / 'page.html')!r})")
    expected = view.notebook.ask(TABLES)
    page = View(open_file(tmp_path / "page.html"), kind="convolution")
    expect(page.root.locator("table").nth(2).locator("td").nth(0)).to_have_text(expected[2][0])
    assert tables(page) == expected
    page.part("map").press("End")
    expect(page.root.locator(".rpnviz-shown")).to_contain_text("not in this page")
