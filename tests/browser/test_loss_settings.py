"""Notebook 06's view when a hand moves its rules and objects: sums and offered anchors are those of Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from rpnviz.explorers.loss.explorer import LossExplorer
from tests.browser.conftest import FINGERS, PHONE
from tests.browser.test_objects import Editor, made
from tests.browser.test_reach import Finger
from tools.browser.lab import Notebook


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("loss") / "loss.html"
    made("loss").to_html(path)
    return path


@pytest.fixture
def editor(open_file: Callable[[Path], Notebook], saved: Path) -> Editor:
    return Editor(open_file(saved).page, "loss")


@pytest.fixture
def phone(browser: Browser, saved: Path) -> Iterator[Editor]:
    page = browser.new_context(offline=True, viewport=PHONE, **FINGERS).new_page()
    page.goto(saved.as_uri())
    yield Editor(page, "loss")
    page.context.close()


def unfold(editor: Editor) -> None:
    editor.root.locator("summary").click()


def slide(editor: Editor, name: str, *keys: str) -> None:
    slider = editor.root.get_by_role("slider", name=name, exact=True)
    slider.focus()
    editor.press(*keys)


def is_pythons(editor: Editor, **traits: Any) -> LossExplorer:
    """Sums and offered anchors are those of an explorer with these traits."""
    explorer: LossExplorer = made("loss")
    explorer.set_state(traits)
    assert explorer.error == "" and editor.shown() == editor.wanted(explorer)
    return explorer


def drawn(editor: Editor) -> list[dict[str, Any]]:
    """The objects as they stand in the page, for Python."""
    return [{"name": name.split()[0], "box": box} for name, box in editor.objects()]


def answer(page: Page) -> list[str]:
    """Logit and deltas, as the sliders say them."""
    return page.locator(".rpnviz-answer output").all_inner_texts()


def decoded(editor: Editor) -> tuple[float, float, float, float]:
    box = editor.root.get_by_role("application", name="decoded box:").bounding_box()
    assert box
    return box["x"], box["y"], box["width"], box["height"]


def test_rules_seed_and_objects_move_sums_and_offer_without_a_kernel(editor: Editor) -> None:
    first = editor.shown()
    is_pythons(editor)
    editor.open()
    slide(editor, "fg_iou_thresh", *["ArrowLeft"] * 20)
    moved: dict[str, Any] = {"fg_iou_thresh": 0.5}
    is_pythons(editor, **moved)
    slide(editor, "seed", *["ArrowRight"] * 3)
    slide(editor, "batch_size_per_image", "ArrowLeft", "ArrowLeft")
    slide(editor, "positive_fraction", "Home", "ArrowRight")
    moved |= {"seed": 3, "batch_size_per_image": 224, "positive_fraction": 0.05}
    is_pythons(editor, **moved)
    editor.root.get_by_role("checkbox", name="best anchor of each object").uncheck()
    editor.root.get_by_role("checkbox", name="leave out border crossers").uncheck()
    moved |= {"allow_low_quality_matches": False, "drop_cross_boundary": False}
    is_pythons(editor, **moved)
    editor.drag((430, 330), (500, 250), drop=False)
    moved["objects"] = drawn(editor)
    assert moved["objects"][0]["box"] != [300, 200, 560, 460]
    is_pythons(editor, **moved)  # while the button is still down
    editor.page.mouse.up()
    assert editor.shown() != first
    expect(editor.root.locator(".rpnviz-sums tfoot td").first).to_have_text("equal to six digits")


def test_the_last_object_goes_and_the_view_lives(editor: Editor) -> None:
    editor.open()
    editor.grips.first.focus()
    editor.press("Delete", "Delete", "Delete")
    explorer = is_pythons(editor, objects=[])
    assert list(explorer.rows) == ["alarm", "easy"]
    expect(editor.root.locator(".rpnviz-about")).to_contain_text("negative")
    boxes = editor.root.locator(".rpnviz-sums tbody td:nth-child(6)")
    expect(boxes).to_have_text(["0.000000"] * 3)
    slide(editor, "dx", "ArrowRight")
    expect(boxes).to_have_text(["0.000000"] * 3)
    editor.button("as they were").click()
    is_pythons(editor)


def test_nothing_is_sampled_and_the_view_lives(editor: Editor) -> None:
    editor.open()
    editor.drag((10, 590), (990, 10))  # an object nearly as large as the picture
    slide(editor, "bg_iou_thresh", "Home")
    slide(editor, "fg_iou_thresh", "End")
    editor.root.get_by_role("checkbox", name="best anchor of each object").uncheck()
    expect(editor.root.locator(".rpnviz-sums tbody td:nth-child(7)")).to_have_text(["0.000000"] * 3)
    expect(editor.root.locator(".rpnviz-anchor-choice option")).to_have_count(1)
    expect(editor.root.locator(".rpnviz-about")).to_contain_text("masked out")


def test_the_view_stays_with_its_kind_of_anchor_and_its_answer(editor: Editor) -> None:
    unfold(editor)
    choice = editor.root.locator(".rpnviz-anchor-choice")
    choice.select_option(label=choice.locator("option", has_text="highest score").inner_text())
    slide(editor, "dx", "ArrowRight", "ArrowRight")
    moved = answer(editor.page)
    slide(editor, "positive_fraction", "ArrowRight")  # all positives are in the batch already
    assert answer(editor.page) == moved
    limits = [editor.root.get_by_role("slider", name=name, exact=True).get_attribute("min") for name in ("dx", "logit")]
    slide(editor, "seed", *["ArrowRight"] * 5)
    expect(choice.locator("option:checked")).to_contain_text("highest score")
    expect(editor.root.locator(".rpnviz-sums tfoot td").first).to_have_text("equal to six digits")
    assert answer(editor.page) != moved
    assert limits == [
        editor.root.get_by_role("slider", name=name, exact=True).get_attribute("min") for name in ("dx", "logit")
    ]


def test_decoded_box_and_objects_are_moved_by_mouse_and_keys_one_at_a_time(editor: Editor) -> None:
    page = editor.page
    first = answer(page)
    x, y, width, height = decoded(editor)
    at = x + width / 2, y + height / 2
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + 20, at[1] + 10, steps=3)
    page.mouse.up()
    dragged = answer(page)
    assert dragged != first
    editor.open()
    boxes = editor.boxes()
    slide(editor, "dx", "ArrowRight")
    by_slider = answer(page)
    assert by_slider != dragged and editor.boxes() == boxes
    grip = editor.root.get_by_role("application", name="decoded box:")
    grip.focus()
    editor.press("ArrowRight")  # keys move it while objects are edited
    expect(grip).to_be_focused()
    by_key = answer(page)
    assert by_key != by_slider and editor.boxes() == boxes
    centre = ((boxes[2][0] + boxes[2][2]) / 2, (boxes[2][1] + boxes[2][3]) / 2)
    editor.drag(centre, (centre[0] + 40, centre[1]))  # not the object of the anchor that is shown
    assert editor.boxes()[2][0] == pytest.approx(boxes[2][0] + 40, abs=2) and answer(page) == by_key
    editor.root.get_by_role("checkbox", name="edit objects").uncheck()
    x, y, width, height = decoded(editor)
    page.mouse.move(x + width / 2, y + height / 2)
    page.mouse.down()
    page.mouse.move(x + width / 2 - 30, y + height / 2, steps=3)
    page.mouse.up()
    assert answer(page) != by_key


def test_a_finger_moves_the_decoded_box_or_an_object(phone: Editor) -> None:
    finger, first = Finger(phone.page), answer(phone.page)
    phone.root.locator(".rpnviz-two-boxes").scroll_into_view_if_needed()
    x, y, width, height = decoded(phone)
    finger.drag((x + width / 2, y + height / 2), (15, 10))
    moved = answer(phone.page)
    assert moved != first
    phone.open()
    boxes = phone.boxes()
    at = phone.at((boxes[0][0] + boxes[0][2]) / 2, (boxes[0][1] + boxes[0][3]) / 2)
    finger.drag(at, (20, 0))
    assert phone.boxes()[0][0] > boxes[0][0] and phone.boxes()[1:] == boxes[1:]


def test_close_up_shows_the_whole_while_objects_are_edited(editor: Editor) -> None:
    editor.root.get_by_role("checkbox", name="close up").check()
    near = decoded(editor)
    editor.open()
    assert decoded(editor)[2] < near[2]
    editor.drag((430, 330), (500, 250))
    is_pythons(editor, objects=drawn(editor))
    editor.root.get_by_role("checkbox", name="edit objects").uncheck()
    assert decoded(editor)[2] > 0.8 * near[2]


def test_a_link_brings_rules_objects_anchor_and_answer(browser: Browser, saved: Path) -> None:
    traits = {"fg_iou_thresh": 0.5, "seed": 4, "objects": [{"name": "van", "box": [100, 100, 356, 356]}]}
    spelt = "fg_iou_thresh=0.5&seed=4&objects=van,100,100,356,356&chosen=4&logit=1.5&deltas=0.1,0.2,0.3,0.4"
    page = browser.new_context(offline=True).new_page()
    page.goto(f"{saved.as_uri()}#explorer=loss&{spelt}")
    explorer = is_pythons(Editor(page, "loss"), **traits, chosen=4, logit=1.5, deltas=[0.1, 0.2, 0.3, 0.4])
    assert explorer.chosen == 4 and answer(page)[4] == "1.50"
    page.context.close()


def test_a_target_beyond_the_slider_is_reached_and_said(editor: Editor) -> None:
    editor.open()
    for i in (2, 1):
        editor.grips.nth(i).focus()
        editor.press("Delete")
    editor.drag((990, 590), (10, 10))
    slide(editor, "bg_iou_thresh", "Home")
    slide(editor, "fg_iou_thresh", "Home", "ArrowRight")
    choice = editor.root.locator(".rpnviz-anchor-choice")
    choice.select_option(label=choice.locator("option", has_text="largest box loss").inner_text())
    editor.button("on target").click()
    explorer: LossExplorer = made("loss")
    explorer.set_state({"bg_iou_thresh": 0.0, "fg_iou_thresh": 0.01, "objects": drawn(editor)})
    explorer.chosen = list(explorer.rows).index("far")
    dx = explorer.anchor["targets"][0]
    assert abs(dx) > 2 and answer(editor.page)[0] == f"{dx:.2f}".replace("-", "−")
    expect(editor.root.locator(".rpnviz-ledger-box tfoot td").last).to_have_text("0.0000")


def test_a_presenters_keys_bring_the_anchors_own_answer(editor: Editor) -> None:
    first = answer(editor.page)
    editor.root.page.get_by_role("button", name="lecture mode").click()
    editor.press("PageDown")
    expect(editor.root.locator(".rpnviz-anchor-choice option:checked")).to_contain_text("fits worst")
    expect(editor.root.locator(".rpnviz-sums tfoot td").first).to_have_text("equal to six digits")
    assert answer(editor.page) != first
