"""Notebook 10's pyramid, operated in JupyterLab: objects by key and mouse, levels, both numbers, a smaller object."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import PIXELS
from tests.explorers.photos import photograph
from tools.browser.lab import Notebook

RESET = (
    "pyramid.selected, pyramid.level, pyramid.shown = 0, -1, 'anchors'\n"
    "pyramid.pre_nms_top_n, pyramid.post_nms_top_n = 1000, 1000\n"
    "pyramid.objects = [{'name': n, 'box': b} for n, b in zip(street.class_names, street.gt_boxes.tolist())]"
)
FIGURE = ".rpnviz-strip .rpnviz-hot figcaption"


@pytest.fixture
def ten(open_and_run: Callable[..., Notebook]) -> Notebook:
    notebook = open_and_run("10")
    notebook.execute(RESET)
    return notebook


@pytest.fixture
def root(ten: Notebook) -> Locator:
    found = ten.page.locator(".rpnviz-pyramid").first
    found.scroll_into_view_if_needed()
    expect(found.locator(".rpnviz-why")).to_contain_text("person 1: P4 answers")
    return found


def cells(root: Locator, table: str, row: int) -> list[str]:
    return root.locator(f".rpnviz-{table} tbody tr").nth(row).locator("td").all_inner_texts()


def test_objects_by_key_mouse_and_row(ten: Notebook, root: Locator) -> None:
    picture, why = root.locator(".rpnviz-picture"), root.locator(".rpnviz-why")
    before = picture.evaluate(PIXELS)
    picture.focus()
    ten.page.keyboard.press("ArrowRight")
    expect(why).to_contain_text("person 2: P5 answers")
    ten.wait_for("pyramid.selected", 1)
    assert picture.evaluate(PIXELS) != before
    expect(root.locator(".rpnviz-answers")).to_contain_text("P5")
    bike = ten.page.evaluate(
        """(canvas) => {
          const { left, top } = canvas.getBoundingClientRect();
          const panel = canvas.rpnvizPanel, ratio = window.devicePixelRatio;
          return [left + panel.x(630) / ratio, top + panel.y(275) / ratio];
        }""",
        picture.element_handle(),
    )
    ten.page.mouse.click(*bike)
    expect(why).to_contain_text("bicycle: P3 answers")
    root.locator(".rpnviz-objects tbody tr").nth(4).press("Enter")
    expect(why).to_contain_text("person 5: P3 answers")
    ten.wait_for("pyramid.selected", 4)


def test_a_level_alone(ten: Notebook, root: Locator) -> None:
    picture = root.locator(".rpnviz-picture")
    before = picture.evaluate(PIXELS)
    root.locator(".rpnviz-levels tbody tr").nth(2).click()
    expect(root.locator(FIGURE)).to_have_text("P4 40×64")
    ten.wait_for("pyramid.level", 2)
    assert picture.evaluate(PIXELS) != before
    root.locator(".rpnviz-levels tbody tr").nth(2).click()
    expect(root.locator(FIGURE)).to_have_count(0)
    ten.wait_for("pyramid.level", -1)


def test_both_numbers_are_pythons(ten: Notebook, root: Locator) -> None:
    root.get_by_role("slider", name="pre_nms_top_n", exact=True).press("Home")
    expect(root.locator(".rpnviz-how")).to_contain_text("1 + 1 + 1 + 1 + 1 = 5")
    ten.wait_for("len(pyramid.stages.top_inds)", 5)
    root.get_by_role("slider", name="pre_nms_top_n", exact=True).press("PageUp")
    expect(root.locator(".rpnviz-how")).not_to_contain_text("= 5.")
    for stage, column in (("top-N of the level", 5), ("after NMS", 6), ("proposals", 7)):
        shown = [int(cells(root, "levels", row)[column].replace(",", "")) for row in range(5)]
        ten.wait_for(f"[row[{stage!r}] for row in pyramid.level_rows]", shown)
    root.get_by_role("slider", name="post_nms_top_n", exact=True).press("Home")
    expect(root.locator(".rpnviz-how")).to_contain_text("of all levels together: 1.")


def test_a_smaller_object_is_another_levels(ten: Notebook, root: Locator) -> None:
    root.get_by_role("checkbox", name="edit objects").check()
    grip = root.locator(".rpnviz-object-layer .rpnviz-movable").first
    grip.focus()
    for _ in range(20):
        ten.page.keyboard.press("Shift+ArrowUp")
        ten.page.keyboard.press("Shift+ArrowLeft")
    expect(root.locator(".rpnviz-why")).not_to_contain_text("person 1: P4 answers")
    answer = cells(root, "objects", 0)[1]
    ten.wait_for("pyramid.levels[int(pyramid.best_iou_by_level[0].argmax())].name", answer)
    root.get_by_role("checkbox", name="edit objects").uncheck()


def test_a_photograph_goes_through_the_same_detector(ten: Notebook, root: Locator) -> None:
    row = root.locator(".rpnviz-own")
    row.locator("input").set_input_files(photograph())
    expect(root.locator(".rpnviz-own-said")).to_contain_text("china.jpg, 640×427 pixels")
    ten.wait_for("pyramid.picture.name, len(pyramid.objects)", ("china.jpg", 0))
    root.get_by_role("button", name="new").click()
    expect(root.locator(".rpnviz-why")).to_contain_text("object: P4 answers")  # a square of 160 px
    kept = ten.ask("sum(row['after NMS'] for row in pyramid.level_rows)")
    assert cells(root, "levels", 5)[6] == f"{kept:,}"
    row.get_by_role("button", name="close it").click()
    ten.wait_for("pyramid.picture.name, len(pyramid.objects)", ("street-07", 6))
