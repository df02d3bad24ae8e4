"""Notebook 13's view: by keys and mouse in a saved page; and in JupyterLab, where Python shows the pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from rpnviz.explorers.fit.explorer import FitExplorer
from rpnviz.explorers.fit.questions import without_an_anchor
from tests.browser.conftest import PIXELS
from tests.explorers.fit_result import SIZES, make_result
from tools.browser.lab import Notebook


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fit") / "fit.html"
    explorer = FitExplorer(make_result())
    explorer.ask(without_an_anchor)
    explorer.to_html(path)
    return path


@pytest.fixture
def page(open_file: Callable[[Path], Notebook], saved: Path) -> Page:
    return open_file(saved).page


def about(page: Page) -> Locator:
    return page.locator(".rpnviz-object > p")


def shares(page: Page) -> Locator:
    return page.locator(".rpnviz-shares")


def test_arrow_keys_walk_by_width_and_height(page: Page) -> None:
    dots = page.locator(".rpnviz-scatter")
    before = dots.evaluate(PIXELS)
    dots.press("ArrowRight")  # the widest of all
    expect(about(page)).to_have_text(
        "car in streets/picture 000001.png (500×300 px), box 20 10 175 160: 155×150 px in the picture, "
        "310×300 px in the network; its best anchor is 2 · 512 px, ratio 2, IoU 0.70."
    )
    assert dots.evaluate(PIXELS) != before
    order = sorted(range(5), key=lambda i: -SIZES[i][1])
    for i in order[1:]:
        dots.press("ArrowLeft")
        expect(about(page)).to_contain_text(f"{SIZES[i][1]:.0f}×{SIZES[i][0]:.0f} px in the network")
    dots.press("ArrowLeft")  # the narrowest stays
    expect(about(page)).to_contain_text("30×60 px in the network")
    dots.press("ArrowUp")
    expect(about(page)).to_contain_text("128×128 px in the network")
    dots.press("ArrowDown")
    expect(about(page)).to_contain_text("30×60 px in the network")
    dots.press("Escape")
    expect(about(page)).to_have_text("No object is chosen.")
    assert dots.evaluate(PIXELS) == before


def place_of(box: FloatRect, height: float, width: float) -> tuple[float, float]:
    """Where a size stands in the window; see PLANE of scatter.js. The axes go from 8 to 905 px."""
    across, up = (math.log(side / 8) / math.log(724 / 10 * 1.25**2) for side in (width, height))
    x, y = (11 + across * 84.5) / 100, (64.5 - up * 62.5) / 70
    return box["x"] + box["width"] * x, box["y"] + box["height"] * y


def test_a_mouse_points_and_clicks(page: Page) -> None:
    dots = page.locator(".rpnviz-scatter")
    box = dots.bounding_box()
    assert box
    page.mouse.move(*place_of(box, height=10, width=90))
    expect(about(page)).to_contain_text("90×10 px in the network")
    expect(about(page)).to_contain_text("no anchor overlaps it")
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(box["x"], box["y"] - 20)
    expect(about(page)).to_contain_text("90×10 px in the network")
    expect(page.locator(".rpnviz-no-thumbnail")).to_have_text(
        "Its picture: in a notebook only, where Python reads it from your folder."
    )


def test_shares_follow_threshold_and_class(page: Page) -> None:
    thresh = page.get_by_role("slider", name="iou_thresh")
    expect(shares(page)).to_have_text("5 objects: 40.0% (2) have a best anchor with an IoU of at least 0.70.")
    thresh.press("ArrowLeft")
    expect(shares(page)).to_have_text("5 objects: 60.0% (3) have a best anchor with an IoU of at least 0.69.")
    thresh.press("Home")
    expect(shares(page)).to_contain_text("80.0% (4) have a best anchor with an IoU of at least 0.30.")
    thresh.press("End")
    expect(shares(page)).to_contain_text("20.0% (1)")
    page.get_by_label("class", exact=True).select_option("1")
    expect(shares(page)).to_contain_text("2 objects of class <b>dog</b>: 50.0% (1)")
    page.locator(".rpnviz-scatter").press("ArrowRight")
    expect(about(page)).to_contain_text("<b>dog</b> in streets/picture")


def test_a_suggestion_shows_its_own_shapes_and_nothing_that_nobody_knows(page: Page) -> None:
    dots, rows = page.locator(".rpnviz-scatter"), page.locator(".rpnviz-fit-shapes tbody tr")
    before = dots.evaluate(PIXELS)
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_have_class("rpnviz-never")
    expect(rows.nth(1)).to_contain_text("never matches")
    page.get_by_label("anchors", exact=True).select_option("2")
    expect(rows).to_have_count(4)
    expect(rows.nth(3)).to_have_text("4256×64 px––")
    expect(rows.nth(1)).not_to_have_class("rpnviz-never")
    expect(shares(page)).to_contain_text("95.0% at 0.5 and 80.0% at 0.7; the present ones: 61.0% at 0.5 and 39.0% at")
    expect(page.get_by_role("slider", name="iou_thresh")).to_be_disabled()
    assert dots.evaluate(PIXELS) != before
    page.get_by_label("anchors", exact=True).select_option("0")
    expect(rows).to_have_count(2)
    assert dots.evaluate(PIXELS) == before


def test_coverage_by_group(page: Page) -> None:
    rows = page.locator(".rpnviz-fit-bars tbody tr")
    expect(rows.nth(1)).to_have_text("small250.0%25.0%1.3")
    expect(rows.nth(3)).to_have_text("large0–––")
    widths = rows.nth(1).locator("i").evaluate_all("(bars) => bars.map((bar) => bar.style.width)")
    assert widths == ["50%", "25%"]
    page.get_by_label("coverage by", exact=True).select_option("class")
    expect(rows.nth(2)).to_contain_text("<b>dog</b>")
    expect(rows).to_have_count(4)


def test_settings_are_copied(page: Page) -> None:
    copy, code = page.get_by_role("button", name="copy", exact=True), page.locator(".rpnviz-snippet code")
    expect(copy).to_be_disabled()
    page.get_by_label("anchors", exact=True).select_option("1")
    expect(code).to_have_text("torchvision = 3  # <b>pasted</b>")
    page.get_by_role("radio", name="MMDetection").check(force=True)
    expect(code).to_have_text("MMDetection = 3  # <b>pasted</b>")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy.click()
    expect(page.locator(".rpnviz-fit .rpnviz-controls [role=status]")).to_have_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == "MMDetection = 3  # <b>pasted</b>"


def test_findings_are_text(page: Page) -> None:
    page.locator(".rpnviz-fold summary").click()
    expect(page.locator(".rpnviz-findings li")).to_have_text(
        ["2 have no area, and are left out: entry 7; <i>entry 9</i>", "1 are crowds"]
    )
    assert page.locator("b, i").filter(has_text=re.compile("dog|entry|pasted")).count() == 0


def test_the_question_moves_the_view(page: Page) -> None:
    page.get_by_role("button", name="Nobody").click()
    expect(about(page)).to_contain_text("IoU 0.69")
    page.get_by_role("button", name="Each object's best anchor").click()
    expect(about(page)).to_contain_text("IoU 0.31")


def test_python_shows_the_picture_of_an_object(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("13")
    root = notebook.page.locator(".rpnviz-fit").first
    root.scroll_into_view_if_needed()
    dots, canvas = root.locator(".rpnviz-scatter"), root.locator(".rpnviz-thumbnail")
    expect(canvas).to_be_hidden()
    dots.press("ArrowRight")
    expect(canvas).to_be_visible()
    widest = canvas.evaluate(PIXELS)
    notebook.wait_for("explorer.pictured == explorer.selected >= 0", True)
    for _ in range(6):  # faster than Python may answer: the last one counts
        dots.press("ArrowLeft")
    notebook.wait_for("explorer.answered['pictured'] == explorer.selected", True)
    expect(canvas).to_be_visible()
    changed = f"([canvas, before]) => ({PIXELS})(canvas) !== before"
    notebook.page.wait_for_function(changed, arg=[canvas.element_handle(), widest])
    notebook.execute("for one in folder.glob('*.jpg'):\n    one.unlink()")
    dots.press("ArrowLeft")
    expect(root.locator(".rpnviz-no-thumbnail")).to_contain_text("no such file in the folder of pictures")
    expect(canvas).to_be_hidden()
    dots.press("Escape")
    expect(root.locator(".rpnviz-no-thumbnail")).to_be_empty()
