"""The explorers of notebooks 04 and 05, operated in JupyterLab: what the page works out is what Python says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from playwright.sync_api import Locator, expect

from rpnviz.boxes import box_area, box_iou
from tests.browser.conftest import PIXELS
from tools.browser.lab import Notebook


@pytest.fixture
def four(open_and_run: Callable[..., Notebook]) -> Notebook:
    notebook = open_and_run("04")
    notebook.execute("playground.gt = [400.0, 200, 600, 300]; playground.anchor = [300.0, 150, 556, 406]")
    return notebook


def view(notebook: Notebook, name: str) -> Locator:
    root = notebook.page.locator(f".rpnviz-{name}").first  # notebook 04 shows a second picture further down
    root.scroll_into_view_if_needed()
    return root


def pixels(canvas: Locator) -> int:
    return int(canvas.evaluate(PIXELS))


def result(root: Locator, row: str) -> Locator:
    return root.locator(".rpnviz-sum tr", has=root.page.get_by_role("rowheader", name=row, exact=True)).locator(
        ".rpnviz-result"
    )


def agree(notebook: Notebook, root: Locator) -> None:
    """What the page worked out, shows and sent back is what Python says of the boxes that it has."""
    notebook.wait_for("abs(playground.worked_out['iou'] - playground.iou) < 1e-6", True)
    anchor, gt, sent = notebook.ask("playground.anchor, playground.gt, playground.worked_out")
    boxes = torch.tensor([anchor, gt])
    iou = box_iou(boxes[:1], boxes[1:]).item()
    union = box_area(boxes).sum().item() / (1 + iou)  # A + B = I + U and I = IoU · U
    assert sent == pytest.approx({"intersection": iou * union, "union": union, "iou": iou}, rel=1e-5)
    expect(result(root, "IoU")).to_have_text(f"{iou:.4f}")
    expect(result(root, "union")).to_have_text(f"{round(union):,}")


@pytest.mark.parametrize(
    ("preset", "iou"), [("same box", 1.0), ("half shifted", 1 / 3), ("a box inside a box", 0.25), ("touching", 0.0)]
)
def test_presets(four: Notebook, preset: str, iou: float) -> None:
    root = view(four, "iou")
    root.get_by_role("button", name=preset).click()
    expect(result(root, "IoU")).to_have_text(f"{iou:.4f}")
    agree(four, root)


def test_boxes_move_by_mouse_and_page_agrees_with_python(four: Notebook) -> None:
    root = view(four, "iou")
    expect(result(root, "IoU")).to_have_text(f"{four.ask('playground.iou'):.4f}")
    before = pixels(root.locator("canvas"))
    anchor = root.get_by_role("application", name="anchor:")
    place = anchor.bounding_box()
    assert place
    mouse = four.page.mouse
    x, y = place["x"] + 20, place["y"] + 20
    mouse.move(x, y)
    mouse.down()
    for step in range(1, 8):
        mouse.move(x + 9 * step, y + 4 * step)
    mouse.up()
    four.wait_for("playground.anchor != [300, 150, 556, 406]", True)
    agree(four, root)
    moved = four.ask("playground.anchor")
    assert (moved[2] - moved[0], moved[3] - moved[1]) == (256, 256)  # moved, not resized
    corner = anchor.locator("[data-corner='22']").bounding_box()
    assert corner
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - 30, y + 10, steps=4)
    mouse.up()
    four.wait_for(f"playground.anchor[:2] == {moved[:2]} and playground.anchor[2] < {moved[2]}", True)
    agree(four, root)
    assert pixels(root.locator("canvas")) != before


def test_boxes_move_by_keys(four: Notebook) -> None:
    root = view(four, "iou")
    root.get_by_role("application", name="object:").focus()
    four.page.keyboard.press("ArrowRight")
    four.wait_for("playground.gt", [402, 200, 602, 300])
    four.page.keyboard.press("Shift+ArrowDown")
    four.wait_for("playground.gt", [402, 200, 602, 302])
    four.page.keyboard.press("Tab")
    four.page.keyboard.press("ArrowUp")
    four.wait_for("playground.anchor", [300, 148, 556, 404])
    agree(four, root)


def test_thresholds_cannot_cross_and_recolour(four: Notebook) -> None:
    root = view(four, "iou")
    root.get_by_role("button", name="half shifted").click()
    expect(root.locator(".rpnviz-outcome")).to_have_text("ignored")
    low, high = (root.get_by_role("slider", name=f"{name}_iou_thresh") for name in ("bg", "fg"))
    high.focus()
    four.page.keyboard.press("Home")  # asks for 0; the other one stops it
    expect(high).to_have_value("0.3")
    expect(root.locator(".rpnviz-outcome")).to_have_text("positive")
    low.focus()
    four.page.keyboard.press("End")
    expect(low).to_have_value("0.3")
    four.wait_for("[playground.bg_iou_thresh, playground.fg_iou_thresh]", [0.3, 0.3])
    four.execute("playground.fg_iou_thresh = 0.7")
    expect(high).to_have_value("0.7")


def test_labels_follow_thresholds_and_switches(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("04")
    root = view(notebook, "label-map")
    map_canvas, picture = root.locator("canvas").all()
    counts = root.locator(".rpnviz-counts b")
    expect(counts.first).to_have_text(f"{notebook.ask('int((found.labels == 1).sum())'):,}")
    before = [*counts.all_inner_texts(), pixels(map_canvas), pixels(picture)]
    rule = root.get_by_role("checkbox", name="best anchor of each object")
    rule.uncheck()
    strict = notebook.ask("int((strict.labels == 1).sum())")
    expect(counts.first).to_have_text(f"{strict:,}")
    expect(root.locator("tr.rpnviz-none")).to_have_count(
        notebook.ask("sum(int((strict.matched_idxs == m).sum()) == 0 for m in range(len(picture.gt_boxes)))")
    )
    notebook.wait_for("explorer.allow_low_quality_matches", False)
    assert pixels(picture) != before[-1]
    rule.check()
    expect(counts.first).to_have_text(str(before[0]))
    high = root.get_by_role("slider", name="fg_iou_thresh")
    high.focus()
    notebook.page.keyboard.press("End")
    notebook.wait_for("explorer.fg_iou_thresh", 1.0)
    expect(counts.first).to_have_text(f"{notebook.ask('explorer.counts')['positive']:,}")
    notebook.execute("explorer.fg_iou_thresh = 0.7")
    expect(counts.first).to_have_text(str(before[0]))


def test_label_map_is_walked_by_keys(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("04")
    root = view(notebook, "label-map")
    notebook.execute("explorer.selected = (20 * 60 + 30) * 9 + 4")
    about = root.locator(".rpnviz-about")
    expect(about).to_contain_text("Row 20, column 30, scale 256, ratio 1:")
    root.get_by_role("application").focus()
    notebook.page.keyboard.press("ArrowRight")
    expect(about).to_contain_text("Row 20, column 30, scale 512, ratio 1:")
    notebook.page.keyboard.press("Shift+ArrowUp")
    expect(about).to_contain_text("Row 19, column 30, scale 512, ratio 1:")
    notebook.wait_for("explorer.selected", (19 * 60 + 30) * 9 + 5)
    shown = notebook.ask("round(explorer.found.iou[explorer.selected].item(), 2)")
    expect(about).to_contain_text(f"{shown:.2f}" if shown else "no overlap")


def test_minibatch_is_drawn_again(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("05")
    root = view(notebook, "minibatch")
    map_canvas, picture = root.locator("canvas").all()
    drawn = root.locator(".rpnviz-draw tbody td:nth-child(4)")
    expect(drawn).to_have_text(
        notebook.ask("[str(len(explorer.sampled_pos_inds)), str(len(explorer.sampled_neg_inds))]")
    )
    first = [pixels(map_canvas), pixels(picture), *notebook.ask("explorer.sampled_neg_inds[:5].tolist()")]
    root.get_by_role("button", name="draw again").click()
    notebook.wait_for("explorer.seed", 1)
    expect(root.get_by_role("slider", name="seed")).to_have_value("1")
    changed = f"([canvas, then]) => ({PIXELS})(canvas) !== then"
    notebook.page.wait_for_function(changed, arg=[map_canvas.element_handle(), first[0]])
    assert notebook.ask("explorer.sampled_neg_inds[:5].tolist()") != first[2:]
    size = root.get_by_role("slider", name="batch_size_per_image")
    size.focus()
    notebook.page.keyboard.press("Home")
    expect(drawn).to_have_text(["8", "8"])
    share = root.get_by_role("slider", name="positive_fraction")
    share.focus()
    notebook.page.keyboard.press("Home")
    expect(drawn).to_have_text(["0", "16"])
    notebook.execute("explorer.seed, explorer.batch_size_per_image, explorer.positive_fraction = 0, 256, 0.5")
    expect(root.get_by_role("slider", name="seed")).to_have_value("0")
