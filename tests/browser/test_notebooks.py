"""Every notebook as a reader meets it; the explorer of notebook 03 operated."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import View
from tools.browser.lab import Notebook
from tools.notebooks.run import NOTEBOOKS

COLOURS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


@pytest.mark.parametrize("name", sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")))
def test_runs_and_shows_its_explorers(open_and_run: Callable[..., Notebook], name: str) -> None:
    page = open_and_run(name).page
    views = page.locator(".rpnviz")
    expect(views.first).to_be_attached()
    for view in views.all():
        view.scroll_into_view_if_needed()
        expect(view).to_be_visible()
        for canvas in view.locator("canvas").all():
            expect(canvas).to_be_visible()
            lens = "rpnviz-lens" in (canvas.get_attribute("class") or "")  # 3×3 pixels, at the first layer
            assert canvas.evaluate(COLOURS) > (1 if lens else 10), "an empty canvas"
    assert "Error displaying widget" not in page.locator(".jp-Notebook").inner_text()


@pytest.fixture
def anchors(open_and_run: Callable[..., Notebook]) -> View:
    view = View(open_and_run("03"), kind="anchors")
    view.root.scroll_into_view_if_needed()
    view.notebook.execute("explorer.use()")
    view.put(20, 30)
    return view


def test_03_follows_keys_sliders_and_mouse(anchors: View) -> None:
    before = anchors.looks()[:2]
    anchors.part("map").focus()
    anchors.press("ArrowRight", "ArrowDown")
    anchors.is_at(21, 31)
    assert all(now != then for now, then in zip(anchors.looks(), before, strict=False))
    anchors.part("col").focus()
    anchors.press("ArrowRight")
    anchors.is_at(21, 32)
    anchors.part("row").focus()
    anchors.press("ArrowLeft")
    anchors.is_at(20, 32)
    anchors.python_has(row=20, col=32)
    for panel in ("map", "picture"):
        anchors.put(20, 30)
        box = anchors.part(panel).bounding_box()
        assert box
        anchors.part(panel).click(position={"x": 0.5 * box["width"], "y": 3})  # scrolls there first
        expect(anchors.part("row")).to_have_value("0")  # the upper edge of the panel


def test_03_shows_other_anchors_and_grids(anchors: View) -> None:
    rows = anchors.root.locator("tbody tr")
    expect(rows).to_have_count(9)
    anchors.part("preset").select_option("ctpn")
    expect(rows).to_have_count(10)
    expect(rows.first).to_contain_text("16")
    anchors.notebook.wait_for("explorer.choice['preset']", "ctpn")
    anchors.part("preset").select_option("paper")
    expect(rows).to_have_count(9)
    anchors.part("scales").fill("50, 300")
    anchors.press("Enter")
    expect(rows).to_have_count(6)
    anchors.notebook.wait_for("explorer.choice['scales']", "50, 300")
    anchors.part("grids").get_by_role("radio", name="40×60").focus()
    anchors.press("ArrowRight")
    expect(anchors.part("col")).to_have_attribute("max", "61")
    anchors.notebook.execute("explorer.use(grid='paper')")
    expect(rows).to_have_count(9)


def test_03_draws_every_box_of_a_shape(anchors: View) -> None:
    before = anchors.pixels("picture")
    anchors.part("mode").get_by_role("radio", name="this cell").focus()
    for mode in ("centres", "boxes", "cell"):
        anchors.press("ArrowRight")
        anchors.python_has(mode=mode)
        if mode != "cell":
            assert anchors.pixels("picture") != before
