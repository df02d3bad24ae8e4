"""Notebook 06's explorer, operated in JupyterLab: what its tables show is what Python works out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import PIXELS, uncovered
from tests.browser.test_questions import answer_all
from tools.browser.lab import Notebook

SUMS = "[f'{x:.6f}' for pair in explorer.losses.values() for x in (*pair, sum(pair))]"
ROWS = "torch.stack([l.deltas, l.targets, l.differences, l.slopes, l.smooth_l1])[:, 0].T.tolist()"
LABELS = {1: "positive", 0: "negative", -1: "left out"}


@pytest.fixture
def six(open_and_run: Callable[..., Notebook]) -> Notebook:
    notebook = open_and_run("06")
    notebook.execute(
        "explorer.chosen = 1; explorer.chosen = 0; explorer.normalisation = 'torchvision'; explorer.close_up = False"
    )
    return notebook


def view(notebook: Notebook) -> Locator:
    root = uncovered(notebook.page.locator(".rpnviz-loss").first)
    root.scroll_into_view_if_needed()
    return root


def minus(value: float, digits: int = 4) -> str:
    text = f"{value:.{digits}f}"
    return (text[1:] if text == f"-{0:.{digits}f}" else text).replace("-", "−")


def agree(notebook: Notebook, root: Locator) -> None:
    """Every number of the ledger and of the sums is what Python says of the answer that it has."""
    notebook.execute("l = explorer.ledger")
    label, has = notebook.ask("explorer.anchor['label'], [explorer.logit, *explorer.deltas]")
    sliders = [root.get_by_role("slider", name=name, exact=True) for name in ("logit", "dx", "dy", "dw", "dh")]
    for slider, value in zip(sliders, has, strict=True):
        assert float(slider.input_value()) == pytest.approx(value, abs=0.0051)
    rows = root.locator(".rpnviz-ledger-box tbody tr")
    for i, row in enumerate(notebook.ask(ROWS)):
        cells = rows.nth(i).locator("td")
        delta, target, difference, slope, loss = (minus(value) for value in row)
        compared = [target, difference] if label == 1 else ["–", "–"]
        expect(cells.nth(0)).to_have_text(delta)
        for k, text in zip((1, 2, 4, 5), [*compared, slope, loss], strict=True):
            expect(cells.nth(k)).to_have_text(text)
    expect(root.locator(".rpnviz-ledger-box tfoot td").last).to_have_text(minus(notebook.ask("l.box_loss.item()")))
    score = root.locator(".rpnviz-ledger-score tbody td")
    expect(score.nth(0)).to_have_text(minus(has[0]))
    expect(score.last).to_have_text(minus(notebook.ask("l.bce.item()")))
    sums = root.locator(".rpnviz-sums tbody tr")
    wanted = notebook.ask(SUMS)
    for i in range(3):
        expect(sums.nth(i).locator("td:nth-last-child(-n + 3)")).to_have_text(wanted[3 * i : 3 * i + 3])


def test_opens_on_the_networks_answer_equal_to_the_tensor_loss(six: Notebook) -> None:
    root = view(six)
    agree(six, root)
    last = root.locator(".rpnviz-sums tfoot td")
    losses = six.ask("explorer.tensor_losses")
    expect(last.first).to_have_text("equal to six digits")
    expect(last.nth(1)).to_have_text(f"{losses[0]:.6f}")
    ours = root.locator(".rpnviz-sums tbody tr.rpnviz-hot td:nth-last-child(-n + 3)")
    expect(ours).to_have_text([last.nth(k).inner_text() for k in (1, 2, 3)])


def test_keys_and_mouse_move_the_box_and_never_the_label(six: Notebook) -> None:
    root = view(six)
    before = int(root.locator("canvas").evaluate(PIXELS))
    dx = root.get_by_role("slider", name="dx", exact=True)
    old = float(dx.input_value())
    dx.focus()
    six.page.keyboard.press("ArrowRight")
    six.wait_for("round(explorer.deltas[0], 2)", round(old + 0.01, 2))
    agree(six, root)
    box = root.get_by_role("application", name="decoded box:")
    box.focus()
    left = six.ask("explorer.decoded[0, 0].item()")
    six.page.keyboard.press("ArrowDown")
    six.page.keyboard.press("ArrowLeft")
    six.wait_for("round(explorer.decoded[0, 0].item(), 2)", round(left - 2, 2))
    place = box.bounding_box()
    assert place
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    six.page.mouse.move(x, y)
    six.page.mouse.down()
    six.page.mouse.move(x + 150, y + 10, steps=5)
    six.page.mouse.up()
    six.wait_for("explorer.describe().find('decoded box at IoU 0.00') > 0", True)
    agree(six, root)
    expect(root.locator(".rpnviz-about")).to_contain_text("positive, and stays so")
    expect(root.locator(".rpnviz-sums tfoot td").first).to_have_text("before you moved")
    assert int(root.locator("canvas").evaluate(PIXELS)) != before


def test_every_anchor_offered_and_every_way(six: Notebook) -> None:
    root = view(six)
    select = root.locator(".rpnviz-anchor-choice")
    for place, anchor in enumerate(six.ask("[(a['label'], a['iou_text']) for a in explorer.offered]")):
        select.select_option(str(place))
        six.wait_for("explorer.chosen", place)
        agree(six, root)
        expect(root.locator(".rpnviz-about")).to_contain_text(LABELS[anchor[0]] if anchor[0] >= 0 else "masked out")
    select.select_option("1")
    root.get_by_role("button", name="all zero").click()
    six.wait_for("explorer.deltas", [0, 0, 0, 0])
    for way in ("detectron2", "paper", "torchvision"):
        root.get_by_role("radio", name=way).check()
        six.wait_for("explorer.normalisation", way)
        agree(six, root)


def test_background_has_no_box_loss(six: Notebook) -> None:
    root = view(six)
    place = six.ask("list(explorer.rows).index('alarm')")
    root.locator(".rpnviz-anchor-choice").select_option(str(place))
    sums = root.locator(".rpnviz-sums tbody").inner_text()
    slider = root.get_by_role("slider", name="dw", exact=True)
    slider.focus()
    six.page.keyboard.press("End")
    six.wait_for("explorer.deltas[2] > 4.9", True)
    expect(root.locator(".rpnviz-ledger-box tfoot td").last).to_have_text("0.0000")
    assert root.locator(".rpnviz-sums tbody").inner_text() == sums
    expect(root.get_by_role("button", name="on target")).to_be_disabled()


def test_clamp_is_seen(six: Notebook) -> None:
    root = view(six)
    expect(root.locator("tr.rpnviz-cut")).to_have_count(0)
    slider = root.get_by_role("slider", name="dw", exact=True)
    slider.focus()
    six.page.keyboard.press("End")
    expect(root.locator(".rpnviz-about")).to_contain_text("decoded as 4.1352 = ln(1000/16)")
    expect(root.locator("tr.rpnviz-cut")).to_have_count(1)
    width = "(explorer.decoded[0, 2] - explorer.decoded[0, 0]).item()"
    anchor = "(explorer.anchor['box'][2] - explorer.anchor['box'][0])"
    six.wait_for("explorer.deltas[2] > 4.2", True)
    assert six.ask(f"{width} / {anchor}") == pytest.approx(62.5, rel=1e-4)
    agree(six, root)  # the loss sees the number uncut


def test_steps_pull_the_box_onto_its_target(six: Notebook) -> None:
    root = view(six)
    root.get_by_role("checkbox", name="close up").check()
    root.get_by_role("button", name="all zero").click()
    six.wait_for("explorer.deltas", [0, 0, 0, 0])
    six.execute("before = explorer.ledger.box_loss.item(); after = take_step(explorer.ledger, 0.05)[1][0].tolist()")
    step = root.get_by_role("button", name="take a step")
    step.click()
    six.wait_for("max(abs(a - b) for a, b in zip(explorer.deltas, after)) < 1e-12", True)
    for _ in range(25):
        step.click()
    six.wait_for("explorer.ledger.box_loss.item() < 0.02 * before", True)
    agree(six, root)


def test_saved_page_moves_without_a_kernel(
    six: Notebook, open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    six.execute(f"explorer.to_html({str(tmp_path / 'page.html')!r})")
    root = uncovered(open_file(tmp_path / "page.html").page.locator(".rpnviz-loss"))
    total = root.locator(".rpnviz-ledger-box tfoot td").last
    before = total.inner_text()
    root.get_by_role("slider", name="dh", exact=True).focus()
    root.page.keyboard.press("End")
    expect(total).not_to_have_text(before)
    root.get_by_role("button", name="on target").click()
    expect(total).to_have_text("0.0000")


def test_picture_and_ledger_stand_side_by_side_next_to_the_file_browser(six: Notebook) -> None:
    """The room that JupyterLab leaves on a laptop of 1366 px, and the anchor with the longest name."""
    root = view(six)
    six.execute("explorer.chosen = 2")
    root.evaluate("root => { root.style.width = '940px'; }")
    picture, ledger = (root.locator(part).bounding_box() for part in (".rpnviz-two-boxes", ".rpnviz-ledger"))
    assert picture and ledger and picture["x"] + picture["width"] <= ledger["x"]
    cut = """root => [...root.querySelectorAll("td, th, .rpnviz-controls")]
      .filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.textContent)"""
    assert root.evaluate(cut) == []
    root.evaluate("root => { root.style.width = ''; }")


def test_the_keys_are_the_cards_and_python_follows(six: Notebook) -> None:
    answer_all(six, "loss")


def test_in_jupyterlab_page_and_python_do_not_fight(six: Notebook) -> None:
    root = view(six)
    root.locator("summary").click()
    seed, low, high = (
        root.get_by_role("slider", name=name, exact=True) for name in ("seed", "bg_iou_thresh", "fg_iou_thresh")
    )
    root.locator(".rpnviz-anchor-choice").select_option(str(six.ask("list(explorer.rows).index('easy')")))
    seed.focus()
    for _ in range(12):  # faster than the kernel answers
        six.page.keyboard.press("ArrowRight")
    high.focus()
    for _ in range(25):
        six.page.keyboard.press("ArrowLeft")
    six.wait_for("[explorer.seed, explorer.fg_iou_thresh]", [12, 0.45])
    assert six.ask("explorer.anchor['key']") == "easy" and six.ask("explorer.logit == explorer.anchor['logit']")
    agree(six, root)
    expect(root.locator(".rpnviz-anchor-choice option:checked")).to_contain_text("lowest score")
    six.execute("explorer.objects = []")  # from a cell the page follows Python
    expect(root.locator(".rpnviz-anchor-choice option")).to_have_count(2)
    expect(root.locator(".rpnviz-anchor-choice option:checked")).to_contain_text("lowest score")
    agree(six, root)
    low.focus()
    six.page.keyboard.press("ArrowLeft")
    six.wait_for("explorer.bg_iou_thresh", 0.29)
    agree(six, root)
    assert six.ask("explorer.error") == ""
