"""Objects are moved, drawn, named and deleted by mouse, keys and fingers; counts follow, here and in Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect

from rpnviz.explorers.funnel.explorer import COVERED, FunnelExplorer
from rpnviz.explorers.labels.explorer import LabelsExplorer
from rpnviz.explorers.loss.explorer import LossExplorer
from rpnviz.explorers.minibatch.explorer import MinibatchExplorer
from tests.browser.conftest import FINGERS, PHONE
from tests.browser.test_reach import Finger, spot
from tests.explorers.small_scene import HOSTILE, make_picture
from tools.browser.lab import Notebook

ROOTS = {"labels": "label-map", "minibatch": "minibatch", "funnel": "stage-by-stage", "loss": "loss"}
CAR, TINY, CUT = [300, 200, 560, 460], [800, 100, 830, 130], [0, 400, 120, 600]
SHORT = {
    **{"best": "fits best", "worst": "fits worst", "far": "largest box loss", "unsure": "lowest score"},
    **{"alarm": "highest score", "easy": "lowest score", "out": "nearly positive"},
}
PLACE = re.compile(r"(.*): (\S+) by (\S+), left (\S+), top (\S+)")
LABELS = """
from rpnviz.explorers import LabelsExplorer

explorer = LabelsExplorer("street-03")
explorer
"""


def made(kind: str) -> Any:
    """The explorer of a page in Python, to be asked what the page should say."""
    if kind in ("funnel", "loss"):
        generator = torch.Generator().manual_seed(0)
        logits = torch.randn(21_600, generator=generator) * 2
        answers = logits, torch.randn(21_600, 4, generator=generator) * 0.2
        return (FunnelExplorer if kind == "funnel" else LossExplorer)(make_picture(), *answers)
    return (LabelsExplorer if kind == "labels" else MinibatchExplorer)(make_picture())


class Editor:
    """The editor of an explorer in an open page."""

    def __init__(self, page: Page, kind: str) -> None:
        self.page, self.kind = page, kind
        self.root = page.locator(f".rpnviz-{ROOTS[kind]}")
        self.grips = self.root.locator(".rpnviz-object-layer .rpnviz-movable")
        self.sheet = self.root.locator(".rpnviz-drawing-sheet")
        self.name = self.root.get_by_role("textbox", name="name of the object")

    def open(self) -> Editor:
        for fold in self.root.locator("summary", has_text="Objects").all():
            fold.click()
        self.root.get_by_role("checkbox", name="edit objects").check()
        expect(self.grips.first).to_be_visible()
        self.sheet.scroll_into_view_if_needed()
        return self

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def objects(self) -> list[tuple[str, list[float]]]:
        """Name and box of each, as the grips tell a reader who hears them."""
        found = []
        for grip in self.grips.all():
            told = PLACE.fullmatch((grip.get_attribute("aria-label") or "").replace("−", "-").replace(",\u202f", ""))
            assert told, grip.get_attribute("aria-label")
            width, height, x, y = (float(number.replace(",", "")) for number in told.groups()[1:])
            found.append((told[1], [x, y, x + width, y + height]))
        return found

    def boxes(self) -> list[list[float]]:
        return [box for _, box in self.objects()]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the picture is in the page; the first object tells where and how large the picture is."""
        grip, box = self.grips.first.bounding_box(), self.boxes()[0]
        assert grip
        scale = grip["width"] / (box[2] - box[0])
        return grip["x"] + (x - box[0]) * scale, grip["y"] + (y - box[1]) * scale

    def drag(self, start: tuple[float, float], *ways: tuple[float, float], drop: bool = True) -> None:
        """Press at a point of the picture, go to others."""
        places = [self.at(*point) for point in (start, *ways)]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=4)
        if drop:
            self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def counts_are_pythons(self) -> None:
        """What the page counts is what Python says of the objects as the page has them."""
        explorer = made(self.kind)
        before = self.shown()
        explorer.objects = [{"name": name, "box": box} for name, box in self.objects()]
        assert before == self.wanted(explorer)

    def shown(self) -> list[str]:
        if self.kind == "labels":
            rows = self.root.locator(".rpnviz-objects tbody td").all_inner_texts()
            return [*self.root.locator(".rpnviz-counts b").all_inner_texts(), *rows]
        if self.kind == "minibatch":
            return self.root.locator(
                ".rpnviz-draw tbody td:nth-child(2), .rpnviz-draw tbody td:nth-child(4)"
            ).all_text_contents()  # they are folded
        if self.kind == "loss":
            sums = self.root.locator(".rpnviz-sums tbody td:nth-child(n+5)").all_inner_texts()
            return [*sums, *self.root.locator(".rpnviz-anchor-choice option").all_inner_texts()]
        return self.root.locator(".rpnviz-funnel-stages tbody td:nth-child(n+4)").all_inner_texts()

    def wanted(self, explorer: Any) -> list[str]:
        if self.kind == "labels":
            rows = [list(row.values())[1:] for row in explorer.object_rows]
            texts = [text for iou, *others in rows for text in (f"{iou:.2f}", *(f"{n:,}" for n in others))]
            counts = [explorer.counts[name] for name in ("positive", "negative", "ignored", "crosses_border")]
            return [*(f"{n:,}" for n in counts), *texts]
        if self.kind == "minibatch":
            drawn = len(explorer.sampled_pos_inds), len(explorer.sampled_neg_inds)
            there = explorer.counts["positive"], explorer.counts["negative"]
            return [f"{there[0]:,}", f"{drawn[0]:,}", f"{there[1]:,}", f"{drawn[1]:,}"]
        if self.kind == "loss":
            sums = [f"{loss:.6f}" for pair in explorer.losses.values() for loss in (*pair, sum(pair))]
            return [*sums, *map(offered_text, explorer.offered)]
        return [f"{row.covered(iou)} of {len(explorer.objects)}" for row in explorer.rows for iou in COVERED]


def offered_text(anchor: dict[str, Any]) -> str:
    """How an anchor of the loss view stands in its list."""
    object_ = f", {anchor['object']}" if anchor["object"] else ""
    return f"{SHORT[anchor['key']]}: IoU {anchor['iou_text']}, {anchor['size']}{object_}"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("objects")
    for kind in ROOTS:
        made(kind).to_html(folder / f"{kind}.html")
    return {kind: folder / f"{kind}.html" for kind in ROOTS}


@pytest.fixture
def edit(open_file: Callable[[Path], Notebook], pages: dict[str, Path]) -> Callable[[str], Editor]:
    return lambda kind: Editor(open_file(pages[kind]).page, kind).open()


each = pytest.mark.parametrize("kind", ROOTS)


@each
def test_a_box_and_its_corner_are_dragged_and_the_counts_follow_the_hand(
    edit: Callable[[str], Editor], kind: str
) -> None:
    editor = edit(kind)
    assert editor.objects() == [("car", CAR), ("dog 1", TINY), ("dog 2", CUT)]
    editor.counts_are_pythons()
    before = editor.shown()
    editor.drag((430, 330), (500, 250), drop=False)
    moved = editor.boxes()[0]
    assert moved == pytest.approx([370, 120, 630, 380], abs=2) and [edge % 1 for edge in moved] == [0] * 4
    assert editor.boxes()[1:] == [TINY, CUT] and editor.shown() != before
    editor.counts_are_pythons()  # while the button is still down
    editor.drag((500, 250), (2000, -900), drop=False)  # no farther than the picture
    assert editor.boxes()[0] == [740, 0, 1000, 260]
    editor.page.mouse.up()
    x1, y1, x2, y2 = editor.boxes()[0]
    editor.drag((x2 - 1, y2 - 1), (900, 200))
    assert editor.boxes()[0] == pytest.approx([x1, y1, 900, 200], abs=2)
    editor.drag((x1 + 1, y1 + 1), (2000, 900))  # never too small to be gripped
    assert editor.boxes()[0][2] - editor.boxes()[0][0] == editor.boxes()[0][3] - editor.boxes()[0][1] == 8
    editor.counts_are_pythons()


@each
def test_keys_move_resize_and_delete(edit: Callable[[str], Editor], kind: str) -> None:
    editor = edit(kind)
    editor.grips.first.focus()
    editor.press("ArrowRight", "ArrowDown", "ArrowDown")
    assert editor.boxes()[0] == [302, 204, 562, 464]
    editor.press("Shift+ArrowLeft", "Shift+ArrowDown")
    assert editor.boxes()[0] == [302, 204, 560, 466]
    editor.counts_are_pythons()
    editor.press("Escape")
    assert editor.boxes()[0] == [302, 204, 560, 466] and editor.grips.count() == 3
    editor.press("Delete")
    assert editor.objects() == [("dog 1", TINY), ("dog 2", CUT)]
    expect(editor.grips.first).to_be_focused()
    editor.counts_are_pythons()
    editor.press("Backspace", "Delete")
    expect(editor.grips).to_have_count(0)
    expect(editor.sheet).to_be_focused()
    assert editor.shown() == editor.wanted(_without(kind))
    editor.press("Delete")  # nothing is left to delete
    editor.button("as they were").click()
    assert editor.objects() == [("car", CAR), ("dog 1", TINY), ("dog 2", CUT)]
    expect(editor.button("as they were")).to_be_disabled()
    assert editor.shown() == editor.wanted(made(kind))


def _without(kind: str) -> Any:
    explorer = made(kind)
    explorer.objects = []
    return explorer


@each
def test_a_drag_on_free_ground_draws_an_object(edit: Callable[[str], Editor], kind: str) -> None:
    editor = edit(kind)
    editor.drag((600, 300), (603, 303))  # a click draws nothing
    assert editor.grips.count() == 3
    editor.drag((900, 500), (750, 350), drop=False)  # to the upper left
    assert editor.grips.count() == 4
    editor.counts_are_pythons()
    editor.page.mouse.move(*editor.at(700, 300), steps=4)
    editor.page.mouse.up()
    editor.page.mouse.move(*editor.at(600, 200), steps=4)  # the button is up
    assert editor.grips.count() == 4
    assert editor.boxes()[3] == pytest.approx([700, 300, 900, 500], abs=2)
    assert editor.objects()[3][0] == "car 2"  # named as the one that was chosen
    editor.counts_are_pythons()
    expect(editor.name).to_have_value("car")
    editor.button("delete").click()
    assert editor.boxes() == [CAR, TINY, CUT]


def test_names_buttons_and_the_table(edit: Callable[[str], Editor]) -> None:
    editor = edit("labels")
    heads = editor.root.locator(".rpnviz-objects tbody th")
    editor.grips.nth(1).focus()
    expect(editor.name).to_have_value("dog")
    editor.name.fill("a, b; 50 % 🚗")
    editor.press("Enter")
    expect(heads).to_have_text(["car", "a, b; 50 % 🚗", "dog"])
    editor.name.fill(HOSTILE)
    editor.press("Tab")
    expect(heads.nth(1)).to_have_text(HOSTILE)
    assert editor.root.locator("img, script").count() == 0
    editor.name.fill("")
    editor.press("Enter")
    expect(heads).to_have_text(["car", "object", "dog"])
    editor.button("new").click()
    expect(heads).to_have_count(4)
    assert editor.boxes()[3] == [420, 220, 580, 380]
    editor.counts_are_pythons()
    editor.root.get_by_role("checkbox", name="edit objects").uncheck()
    expect(editor.grips.first).to_be_hidden()
    expect(editor.button("new")).to_be_hidden()
    expect(heads).to_have_count(4)


@pytest.fixture
def phone(browser: Browser, pages: dict[str, Path]) -> Iterator[Page]:
    page = browser.new_context(offline=True, viewport=PHONE, **FINGERS).new_page()
    page.goto(pages["labels"].as_uri())
    yield page
    page.context.close()


def test_a_finger_moves_and_draws(phone: Page) -> None:
    editor = Editor(phone, "labels").open()
    finger, scrolled = Finger(phone), phone.evaluate("scrollY")
    at = spot(editor.grips.first)
    scrolled = phone.evaluate("scrollY")
    finger.drag(at, (30, -20))
    expect(editor.grips.first).not_to_have_attribute("aria-label", re.compile("left 300, top 200"))
    (x1, y1, x2, y2), *_ = editor.boxes()
    assert x1 > 300 and y1 < 200 and (x2 - x1, y2 - y1) == (260, 260)
    finger.drag(editor.at(x1 + 10, 590), (40, -40))
    expect(editor.grips).to_have_count(4)
    editor.counts_are_pythons()
    assert phone.evaluate("scrollY") == scrolled  # the page stayed


def test_objects_come_by_a_link_and_hostile_names_stay_text(
    open_file: Callable[[Path], Notebook], pages: dict[str, Path], browser: Browser
) -> None:
    page = browser.new_context(offline=True).new_page()
    spelt = f"{quote(HOSTILE, safe='')},100,100,356,356;{quote('a, b; 50 % 🚗', safe='')},0,0,50,40.5"
    page.goto(f"{pages['labels'].as_uri()}#explorer=labels&objects={quote(spelt, safe=',')}")
    editor = Editor(page, "labels").open()
    assert editor.objects() == [(HOSTILE, [100, 100, 356, 356]), ("a, b; 50 % 🚗", [0, 0, 50, 40.5])]
    expect(editor.root.locator(".rpnviz-objects tbody th")).to_have_text([HOSTILE, "a, b; 50 % 🚗"])
    assert editor.root.locator("img, script").count() == 0
    editor.counts_are_pythons()
    page.context.close()


def test_in_jupyterlab_the_objects_arrive_in_python(open_and_run: Callable[..., Notebook]) -> None:
    lab = open_and_run("objects", LABELS)
    opened = lab.ask("explorer.objects")
    editor = Editor(lab.page, "labels")
    editor.root.scroll_into_view_if_needed()
    editor.open()
    counts = editor.root.locator(".rpnviz-counts b")
    editor.grips.first.focus()
    editor.press("ArrowRight", "Shift+ArrowDown")
    x1, y1, x2, y2 = opened[0]["box"]
    lab.wait_for("explorer.objects[0]['box']", [x1 + 2, y1, x2 + 2, y2 + 2])
    lab.wait_for("explorer.picture.gt_boxes[0].tolist()", [x1 + 2, y1, x2 + 2, y2 + 2])
    expect(counts.first).to_have_text(f"{lab.ask('explorer.counts')['positive']:,}")
    editor.name.fill("van")
    editor.press("Enter")
    lab.wait_for("explorer.picture.class_names[0]", "van")
    editor.button("new").click()
    lab.wait_for("len(explorer.picture.gt_boxes)", len(opened) + 1)
    expect(counts.first).to_have_text(f"{lab.ask('explorer.counts')['positive']:,}")
    editor.grips.nth(1).focus()
    editor.press("Delete")  # no cell of the notebook goes
    lab.wait_for("len(explorer.objects)", len(opened))
    lab.execute("explorer.objects = explorer.objects[:1]")
    expect(editor.root.locator(".rpnviz-objects tbody th")).to_have_text(["van"])
    expect(editor.grips).to_have_count(1)
    editor.button("as they were").click()
    lab.wait_for("explorer.objects", opened)
    assert lab.ask("explorer.error") == ""
