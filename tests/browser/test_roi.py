"""Notebook 09's explorers, operated in JupyterLab: what the page works out is what Python says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import PIXELS
from tools.browser.lab import Notebook

START = [376.5, 378.5, 540.25, 514.75]


@pytest.fixture
def nine(open_and_run: Callable[..., Notebook]) -> Notebook:
    notebook = open_and_run("09")
    notebook.execute(
        f"explorer.box = {START}; explorer.channel = channel; explorer.bin_row = explorer.bin_col = 3; "
        "explorer.sampling_ratio, explorer.aligned, explorer.point, explorer.probe = 2, True, 0, []"
    )
    expect(view(notebook)).to_have_attribute("data-bin", "3 3")
    return notebook


def view(notebook: Notebook, name: str = "roi", number: int = 0) -> Locator:
    root = notebook.page.locator(f".rpnviz-{name}").nth(number)
    root.scroll_into_view_if_needed()
    return root


def pixels(canvas: Locator) -> int:
    return int(canvas.evaluate(PIXELS))


def agree(notebook: Notebook) -> None:
    """What the page worked out and sent back is what rpnviz.roi says of the settings that Python has."""
    near = "all(abs(explorer.worked_out.get(name, 9e9) - value) < 1e-5 for name, value in explorer.values.items())"
    notebook.wait_for(near, True)
    assert sorted(notebook.ask("list(explorer.worked_out)")) == ["align", "pool", "value"]


def says(root: Locator, side: int) -> Locator:
    return root.locator(".rpnviz-roi-says").nth(side)


def test_box_moves_by_keys(nine: Notebook) -> None:
    root = view(nine)
    box = root.get_by_role("application", name="box:")
    box.focus()
    for key, expected in (
        ("ArrowRight", [378.5, 378.5, 542.25, 514.75]),
        ("ArrowDown", [378.5, 380.5, 542.25, 516.75]),
        ("Shift+ArrowLeft", [378.5, 380.5, 540.25, 516.75]),
    ):
        nine.page.keyboard.press(key)
        nine.wait_for("explorer.box", expected)
        agree(nine)
    edges = root.locator(".rpnviz-edges tbody tr")
    expect(edges.first).to_contain_text("378.5")
    shift = nine.ask("float(to_pixels(explorer.pooled.rectangle[None], grid)[0, 0]) - explorer.box[0]")
    expect(edges.first.locator("td").last).to_have_text(f"{shift:+.1f}".replace("-", "−"))


def test_many_boxes_agree_with_python_to_the_last_cell(nine: Notebook) -> None:
    """Edges that fall on the half of a cell too: 125 px is 7.5 cells of 16.67, 112.5 px is 7.5 cells of 15."""
    for box in (
        [125.0, 112.5, 375, 187.5],
        [0, 0, 1000, 600],
        [991.7, 592.5, 1000, 600],
        [8.3334, 7.5, 25, 22.5],
        [333.33, 100.01, 350.0, 500.7],
    ):
        for aligned, ratio in ((True, 2), (False, 0), (False, 3)):
            nine.execute(f"explorer.worked_out = {{}}; explorer.sampling_ratio = {ratio}; explorer.aligned = {aligned}")
            nine.execute(f"explorer.box = {box}")
            # the page answers only to its reader's hand: one bin to the left
            nine.execute("explorer.bin_row, explorer.bin_col = 6, 1")
            expect(view(nine)).to_have_attribute("data-bin", "6 1")
            view(nine).locator(".rpnviz-pool-output").focus()
            nine.page.keyboard.press("ArrowLeft")
            nine.wait_for("explorer.bin_col", 0)
            agree(nine)


def test_box_is_dragged_and_resized(nine: Notebook) -> None:
    root = view(nine)
    box = root.get_by_role("application", name="box:")
    before = [pixels(canvas) for canvas in root.locator("canvas").all()]
    place = box.bounding_box()
    assert place
    mouse = nine.page.mouse
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 40, y - 10, steps=5)
    mouse.up()
    nine.wait_for("explorer.box[0] > 450 and explorer.box[1] < 378", True)
    size = nine.ask("[explorer.box[2] - explorer.box[0], explorer.box[3] - explorer.box[1]]")
    assert size == pytest.approx([163.75, 136.25])  # moved, not resized
    agree(nine)
    assert [pixels(canvas) for canvas in root.locator("canvas").all()] != before
    expect(root.get_by_label("proposal", exact=True)).to_have_value("own")
    corner = box.locator("[data-corner='22']").bounding_box()
    assert corner
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 25, y + 12, steps=4)
    mouse.up()
    nine.wait_for("explorer.box[2] - explorer.box[0] > 200", True)
    agree(nine)


def test_box_stops_at_the_border(nine: Notebook) -> None:
    root = view(nine)
    nine.execute("explorer.box = [990.3, 300.1, 999.7, 320.7]")
    expect(root.locator(".rpnviz-edges tbody tr").first).to_contain_text("990.3")
    root.get_by_role("application", name="box:").focus()
    for _ in range(3):
        nine.page.keyboard.press("ArrowRight")
    nine.wait_for("explorer.box[2] == 1000 and 990 < explorer.box[0] < 991", True)
    agree(nine)


def test_choices(nine: Notebook) -> None:
    root = view(nine)
    root.get_by_label("proposal", exact=True).select_option("0")
    nine.wait_for("explorer.box == proposals[0].tolist()", True)
    channel = root.get_by_role("slider", name="channel")
    channel.focus()
    nine.page.keyboard.press("Home")
    nine.wait_for("explorer.channel == explorer.plan['channels'][0]", True)
    agree(nine)
    points = root.get_by_role("radiogroup", name="sampling points")
    points.get_by_role("radio", name="3").check(force=True)
    nine.wait_for("explorer.sampling_ratio", 3)
    expect(root.get_by_role("slider", name="sampling point of the bin")).to_have_attribute("max", "9")
    agree(nine)
    points.get_by_role("radio", name="auto").check(force=True)
    nine.wait_for("explorer.sampling_ratio", 0)
    root.get_by_role("checkbox", name="aligned").uncheck()
    nine.wait_for("explorer.aligned", False)
    agree(nine)


def test_bins_are_chosen_and_their_arithmetic_shown(nine: Notebook) -> None:
    root = view(nine)
    output = root.locator(".rpnviz-align-output")
    place = output.bounding_box()
    assert place
    output.click(position={"x": place["width"] * 1.5 / 7, "y": place["height"] * 2.5 / 7})
    nine.wait_for("[explorer.bin_row, explorer.bin_col]", [2, 1])
    agree(nine)
    nine.page.keyboard.press("ArrowDown")
    nine.page.keyboard.press("ArrowRight")
    nine.wait_for("[explorer.bin_row, explorer.bin_col]", [3, 2])
    expect(root).to_have_attribute("data-bin", "3 2")
    pool, align = nine.ask("[f'{explorer.values[name]:.3f}' for name in ('pool', 'align')]")
    expect(says(root, 0)).to_contain_text(f"= {pool}")
    expect(says(root, 1)).to_contain_text(f"= {align}")
    rows = nine.ask("(explorer.pooled.rows[3] @ torch.tensor([-1, 1])).item()")
    cols = nine.ask("(explorer.pooled.cols[2] @ torch.tensor([-1, 1])).item()")
    expect(root.locator(".rpnviz-cells tbody tr")).to_have_count(rows)
    expect(root.locator(".rpnviz-cells tbody td")).to_have_count(rows * cols)
    digits = 2 if cols > 2 else 3
    most = nine.ask(f"f'{{explorer.values[\"pool\"]:.{digits}f}}▲'")
    expect(root.locator(".rpnviz-cells .rpnviz-most")).to_have_text(most)
    four = nine.ask("[f'{weight:.2f}' for weight in explorer.at_point[0].weights[0].tolist()]")
    expect(root.locator(".rpnviz-four tbody td:nth-child(3)")).to_have_text(four)
    expect(root.locator(".rpnviz-four tfoot td")).to_have_text(nine.ask("f'{explorer.values[\"value\"]:.3f}'"))
    pool_map = root.locator(".rpnviz-pool-map")
    place = pool_map.bounding_box()
    assert place
    pool_map.click(position={"x": place["width"] / 2, "y": place["height"] / 2})
    nine.wait_for("abs(explorer.bin_row - 3) <= 1 and abs(explorer.bin_col - 3) <= 1", True)
    agree(nine)


def test_nothing_is_cut_in_a_narrow_notebook(nine: Notebook) -> None:
    """As wide as a laptop leaves it beside the file browser, and with the widest bin of the twelve proposals."""
    root = view(nine)
    screen = nine.page.viewport_size
    assert screen
    nine.page.set_viewport_size({"width": 1114, "height": 768})
    nine.execute("explorer.box, explorer.bin_row, explorer.bin_col = proposals[1].tolist(), 2, 1")
    expect(root.locator(".rpnviz-cells thead th")).to_have_count(5)
    parts = ".rpnviz-roi-left, figcaption, .rpnviz-cells-frame, .rpnviz-four :is(td, th)"
    cut = """(root, parts) => [...root.querySelectorAll(parts)]
      .filter((part) => part.scrollWidth > part.clientWidth).map((part) => `${part.className} ${part.textContent}`)"""
    assert root.evaluate(cut, parts) == []
    nine.page.set_viewport_size(screen)


def test_a_sampling_point_is_dragged(nine: Notebook) -> None:
    root = view(nine)
    canvas = root.locator(".rpnviz-align-map")
    place = canvas.bounding_box()
    assert place
    # Two points each way: the bin's first one, in the page's pixels. The view is asked where a cell is drawn.
    y, x = nine.ask("explorer.aligned_box.points(3, 3)[0].tolist()")
    left, top, right = extent(nine, place["width"] / place["height"])
    per_cell = place["width"] / (right - left)
    at = place["x"] + (x + 0.5 - left) * per_cell, place["y"] + (y + 0.5 - top) * per_cell
    mouse = nine.page.mouse
    mouse.move(*at)
    mouse.down()
    mouse.move(at[0] + per_cell, at[1], steps=4)
    mouse.up()
    nine.wait_for(f"len(explorer.probe) == 2 and abs(explorer.probe[1] - {x + 1}) < 0.15", True)
    agree(nine)
    expect(says(root, 1)).to_contain_text("Dragged to row")
    canvas.focus()
    before = nine.ask("explorer.probe")
    nine.page.keyboard.press("Shift+ArrowDown")
    nine.wait_for(f"abs(explorer.probe[0] - {before[0] + 0.1}) < 1e-6", True)
    agree(nine)
    nine.page.keyboard.press("Escape")
    nine.wait_for("explorer.probe", [])
    agree(nine)
    expect(root.get_by_role("button", name="put back")).to_be_disabled()


def extent(notebook: Notebook, shape: float) -> tuple[float, float, float]:
    """Left, top and right of the part of the map that is shown, in cells, by the middle of the box and the scale."""
    ratio = notebook.page.locator(".rpnviz-align-map").first.evaluate("canvas => canvas.style.aspectRatio")
    wide, high = (float(part) for part in ratio.split("/"))
    assert wide / high == pytest.approx(shape, rel=0.02)
    x1, y1, x2, y2 = notebook.ask("explorer.box_in_cells.tolist()")
    left, top = round((x1 + x2 - wide) / 2), round((y1 + y2 - high) / 2)
    return left, top, left + wide


def test_point_slider_walks_the_bin(nine: Notebook) -> None:
    root = view(nine)
    slider = root.get_by_role("slider", name="sampling point of the bin")
    slider.focus()
    seen = []
    for point in (1, 2, 3):
        nine.page.keyboard.press("ArrowRight")
        nine.wait_for("explorer.point", point)
        agree(nine)
        seen.append(root.locator(".rpnviz-four tbody").inner_text())
    assert len(set(seen)) == 3


def test_pooling_stands_still_while_align_moves(nine: Notebook) -> None:
    """Four pixels to the right of this box no edge crosses the half of a cell: the promise of the notebook's part 4."""
    root = view(nine)
    nine.execute("explorer.box = [385.0, 380, 545, 515]")
    expect(root.locator(".rpnviz-edges tbody tr").first).to_contain_text("385.0")
    pool, align = root.locator(".rpnviz-pool-output"), root.locator(".rpnviz-align-output")
    pooled, aligned = [pixels(pool)], [pixels(align)]
    root.get_by_role("application", name="box:").focus()
    for x in (387, 389):
        nine.page.keyboard.press("ArrowRight")
        expect(root.locator(".rpnviz-edges tbody tr").first).to_contain_text(f"{x}.0")
        pooled.append(pixels(pool))
        aligned.append(pixels(align))
    assert len(set(pooled)) == 1 and len(set(aligned)) == 3


def test_second_view_follows_the_first(nine: Notebook) -> None:
    views = nine.page.locator(".rpnviz-roi")
    assert views.count() == 3  # the third is another explorer, with the question of section 7
    views.nth(0).locator(".rpnviz-pool-output").focus()
    nine.page.keyboard.press("ArrowUp")
    for number in (0, 1):
        expect(views.nth(number)).to_have_attribute("data-bin", "2 3")


def test_detections_follow_threshold_and_stage(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("09")
    notebook.execute(
        "found_explorer.stage, found_explorer.score_thresh, found_explorer.nms_thresh = 'detections', 0.05, 0.5"
    )
    root = view(notebook, "detections", 1)  # the first one only asks what comes next
    left = root.locator(".rpnviz-by-class tbody td:nth-child(4)")

    def counts(column: int) -> int:
        return sum(map(int, root.locator(f".rpnviz-by-class tbody td:nth-child({column})").all_inner_texts()))

    notebook.wait_for("found_explorer.nms_thresh", 0.5)
    expect(left.first).to_have_text(notebook.ask("str(int((found_explorer.detections.labels == 1).sum()))"))
    assert counts(4) == notebook.ask("len(found_explorer.detections.boxes)")
    assert counts(3) == notebook.ask("int((found_explorer.named.scores > 0.05).sum())") >= counts(4)
    seen = [pixels(root.locator("canvas"))]
    root.get_by_role("radio", name="proposals").focus()
    listed = root.locator(".rpnviz-found")
    for stage in ("proposals", "named"):
        notebook.execute(f"found_explorer.stage = {stage!r}")
        radio = root.locator(f"input[value={stage}]")
        expect(radio).to_be_checked()
        seen.append(pixels(root.locator("canvas")))
        expect(listed.locator("thead")).to_be_visible(visible=stage == "named")
        expect(listed.get_by_text("No names yet")).to_be_visible(visible=stage == "proposals")
    assert len(set(seen)) == 3
    notebook.page.keyboard.press("ArrowRight")
    score = root.get_by_role("slider", name="score_thresh")
    score.focus()
    notebook.page.keyboard.press("End")
    notebook.wait_for("found_explorer.score_thresh", 0.95)
    few = notebook.ask("[str(int((found_explorer.detections.labels == i).sum())) for i in range(1, 7)]")
    expect(left).to_have_text(few)
    score.press("Home")
    nms = root.get_by_role("slider", name="nms_thresh")
    nms.focus()
    notebook.page.keyboard.press("End")
    notebook.wait_for("found_explorer.nms_thresh", 1.0)
    expect(left).to_have_text(
        notebook.ask("[str(int((found_explorer.detections.labels == i).sum())) for i in range(1, 7)]")
    )
    expect(root.locator(".rpnviz-roi-says")).to_contain_text("→ the best 100 after NMS")
    notebook.execute("found_explorer.nms_thresh, found_explorer.stage = 0.5, 'detections'")
    row = root.locator(".rpnviz-found tbody tr").first
    row.focus()
    notebook.wait_for("found_explorer.selected >= 0", True)
    expect(row).to_have_class("rpnviz-hot")
