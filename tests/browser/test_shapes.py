"""Scales and ratios of one's own in the views of labels and minibatch: saved pages in each browser, and JupyterLab."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from rpnviz.explorers.labels.explorer import LabelsExplorer
from rpnviz.explorers.minibatch.explorer import MinibatchExplorer
from tests.browser.conftest import PIXELS
from tools.browser.lab import Notebook

FOLD = "Anchors: scales and ratios"
LABELS = """
from rpnviz.explorers import LabelsExplorer

explorer = LabelsExplorer("street-03")
explorer
"""


def type_into(root: Locator, name: str, text: str) -> None:
    field = root.get_by_role("textbox", name=name)
    field.fill(text)
    field.press("Enter")


def counted(root: Locator) -> list[str]:
    return root.locator(".rpnviz-counts b").all_inner_texts()


def told(counts: dict[str, int]) -> list[str]:
    return [f"{count:,}" for count in counts.values()]


@pytest.fixture
def labels(show: Callable[..., Page]) -> Locator:
    root = show("labels").locator(".rpnviz-label-map")
    root.locator("summary", has_text=FOLD).click()
    return root


def test_labels_follow_other_shapes_and_back(labels: Locator) -> None:
    before, map_box = counted(labels), labels.locator(".rpnviz-anchor-map").bounding_box()
    seen = labels.locator(".rpnviz-anchor-map").evaluate(PIXELS)
    type_into(labels, "scales", "64, 128")
    explorer = LabelsExplorer("street-03")
    explorer.scales = [64.0, 128.0]
    order = ("positive", "negative", "ignored", "crosses_border")
    expect(labels.locator(".rpnviz-counts b").first).to_have_text(
        told(explorer.counts)[list(explorer.counts).index("positive")]
    )
    assert counted(labels) == told({name: explorer.counts[name] for name in order})
    assert labels.locator(".rpnviz-anchor-map").bounding_box() == map_box  # nothing jumps
    assert labels.locator(".rpnviz-anchor-map").evaluate(PIXELS) != seen
    expect(labels.get_by_role("textbox", name="scales")).to_be_focused()
    labels.get_by_role("button", name="the paper's nine").click()
    expect(labels.get_by_role("textbox", name="scales")).to_have_value("128, 256, 512")
    assert counted(labels) == before
    assert labels.locator(".rpnviz-anchor-map").evaluate(PIXELS) == seen


def test_the_anchor_that_is_shown_stays_where_it_is(labels: Locator) -> None:
    canvas = labels.locator(".rpnviz-anchor-map")
    box = canvas.bounding_box()
    assert box
    canvas.click(position={"x": box["width"] / 2 + 1, "y": box["height"] / 2 + 1})
    labels.page.mouse.move(0, 0)
    expect(labels.locator(".rpnviz-about")).to_contain_text("Row 20, column 30, scale 128, ratio 0.5:")
    type_into(labels, "scales", "64, 128, 256, 512")
    expect(labels.locator(".rpnviz-about")).to_contain_text("Row 20, column 30, scale 128, ratio 0.5:")
    type_into(labels, "aspect_ratios", "0.4, 3")
    expect(labels.locator(".rpnviz-about")).to_contain_text("Row 20, column 30, scale 128, ratio 0.4:")


def test_the_last_anchor_is_selected_where_there_are_fewer(labels: Locator) -> None:
    canvas = labels.locator(".rpnviz-anchor-map")
    box = canvas.bounding_box()
    assert box
    canvas.click(position={"x": box["width"] - 2, "y": box["height"] - 2})
    expect(labels.locator(".rpnviz-about")).to_contain_text("scale 512, ratio 2")
    type_into(labels, "aspect_ratios", "1")
    labels.page.mouse.move(0, 0)
    expect(labels.locator(".rpnviz-about")).to_contain_text("Row 39, column 59, scale 512, ratio 1")
    canvas.focus()
    canvas.press("ArrowLeft")
    expect(labels.locator(".rpnviz-about")).to_contain_text("scale 256, ratio 1")


def test_a_slip_stays_to_be_mended(labels: Locator) -> None:
    before = counted(labels)
    type_into(labels, "scales", "64, 3")
    expect(labels.get_by_role("alert")).to_have_text("scales: got 3, takes numbers from 4 to 2000")
    said, around = labels.get_by_role("alert"), labels.locator(".rpnviz-about")
    assert said.evaluate("e => getComputedStyle(e).color") != around.evaluate("e => getComputedStyle(e).color")
    expect(labels.get_by_role("textbox", name="scales")).to_have_value("64, 3")
    type_into(labels, "scales", "many")
    expect(labels.get_by_role("alert")).to_have_text("scales: got many, takes numbers separated by commas")
    labels.get_by_role("button", name="the paper's nine").click()
    expect(labels.get_by_role("textbox", name="scales")).to_have_value("128, 256, 512")
    expect(labels.get_by_role("alert")).to_have_text("")
    assert counted(labels) == before


def test_the_minibatch_is_drawn_of_other_shapes(show: Callable[..., Page]) -> None:
    root = show("minibatch").locator(".rpnviz-minibatch")
    root.locator("summary", has_text=FOLD).click()
    type_into(root, "scales", "32, 64, 128, 256")
    explorer = MinibatchExplorer("street-03")
    explorer.scales = [32.0, 64.0, 128.0, 256.0]
    drawn = len(explorer.sampled_pos_inds)
    there = told(explorer.counts)[list(explorer.counts).index("positive")]
    expect(root.locator(".rpnviz-masked")).to_contain_text("28,800 anchors")
    row = root.locator(".rpnviz-draw tbody tr").first
    expect(row).to_contain_text(there)
    expect(row.locator("td").nth(2)).to_have_text(str(drawn))


def test_python_has_what_was_typed(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("shapes", LABELS)
    root = notebook.page.locator(".rpnviz-label-map")
    root.locator("summary", has_text=FOLD).click()
    type_into(root, "scales", "64, 128")
    notebook.wait_for("explorer.scales", [64.0, 128.0])
    counts = notebook.ask("explorer.counts")
    expect(root.locator(".rpnviz-counts b").first).to_have_text(told({"positive": counts["positive"]})[0])
    notebook.execute("explorer.aspect_ratios = [1.0]")
    expect(root.get_by_role("textbox", name="aspect_ratios")).to_have_value("1")
    assert counted(root)[0] == told({"positive": notebook.ask("explorer.counts")["positive"]})[0]
