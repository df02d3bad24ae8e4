"""How fast a page without a kernel follows every one of its controls: key → frame.

Explorers of street-03 as pages of `to_html()`, all folds and the object editor open. Each slider, number field, switch
and movable box gets the focus and real keys (DevTools' Input.dispatchKeyEvent). A capturing listener takes the event's
own time stamp; the view draws before the browser's next frame, and a task posted from inside that frame takes the time
after it. So the figure holds input dispatch, all computing and drawing, and the wait for the frame, up to 17 ms. The
floor is the same for keys that change nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from playwright.sync_api import Browser, Page

import rpnviz
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.detection import RoIHead
from rpnviz.explorers import (
    AnchorsExplorer,
    DetectionsExplorer,
    FunnelExplorer,
    IouExplorer,
    LabelsExplorer,
    LossExplorer,
    MinibatchExplorer,
    NmsExplorer,
)
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head
from tools.browser.lab import new_page

PRESSES = 12
WATCH = """async () => {
  const known = window.times;
  window.times = [];
  if (!known) addEventListener("keydown", ({ timeStamp }) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => times.push(performance.now() - timeStamp);
    port2.postMessage(0);
  }), true);
  for (const fold of document.querySelectorAll(".rpnviz details")) fold.open = true;
  const labels = [...document.querySelectorAll(".rpnviz label")];
  const editor = labels.find(({ textContent }) => textContent === "edit objects");
  if (!editor?.control.checked) editor?.click();
  await new Promise(requestAnimationFrame);
  const kinds = "input:is([type=range], [type=number], [type=checkbox]), .rpnviz-movable";
  window.controls = [...document.querySelectorAll(".rpnviz")]
    .flatMap((root) => [...root.querySelectorAll(kinds)])
    .filter((one) => !one.disabled && one.checkVisibility() && one.parentNode.textContent !== "edit objects");
  return controls.length;
}"""
NAME = """(i) => (controls[i].ariaLabel || controls[i].closest("label")?.textContent || "").trim()"""
HEAD = "| explorer | key on | key → frame, median ms | slowest |\n|---|---|---|---|"


@dataclass
class Knob:
    """One control: key → frame, ms."""

    explorer: str
    control: str
    ms: list[float]


def measure(browser: Browser, folder: Path) -> Iterator[Knob]:
    """Walk through all controls of all explorers, the floor first."""
    for name, make in _explorers().items():
        path = folder / f"{name}.html"
        make().to_html(path)
        page = new_page(browser)
        page.goto(path.as_uri())
        yield from walk(page, name, floor=name == "linked")
        page.close()


def walk(page: Page, name: str, floor: bool = False) -> Iterator[Knob]:
    """Walk through all controls of the explorer in an open page; `floor`: a key that changes nothing before them."""
    page.locator(".rpnviz canvas").first.wait_for()
    page.wait_for_timeout(500)
    count = page.evaluate(WATCH)
    if floor:
        yield Knob("(any)", "a key that changes nothing", press(page, "F9", "F9"))
    for i in range(count):
        page.evaluate("(i) => controls[i].focus()", i)
        kind = page.evaluate("(i) => controls[i].type || 'box'", i)
        keys = ("Space", "Space") if kind == "checkbox" else ("ArrowUp", "ArrowDown")
        yield Knob(name, page.evaluate(NAME, i), press(page, *keys))


def press(page: Page, there: str, back: str) -> list[float]:
    page.evaluate("() => { times.length = 0; }")
    for i in range(PRESSES):
        page.keyboard.press(there if i < PRESSES / 2 else back)
        page.wait_for_function("(n) => times.length > n", arg=i)
    times: list[float] = page.evaluate("() => times")
    return times


def row(knob: Knob) -> str:
    """Return the control's row of the table."""
    return f"| {knob.explorer} | {knob.control} | {statistics.median(knob.ms):.1f} | {max(knob.ms):.1f} |"


@torch.no_grad()
def _explorers() -> dict[str, Callable[[], RpnvizWidget]]:
    picture, grid = Picture.load("street-03"), Grid.paper()
    features = Backbone.load("mini").features(picture, grid)
    answers = flatten_head(*RPNHead.load("mini")(features))
    stages = propose(*answers, grid_anchors(grid, cell_anchors()), picture.image_size)
    best = stages.pre_nms_inds[:300]
    return {
        "linked": lambda: rpnviz.explore("street-03").unfold(),
        "anchors": lambda: AnchorsExplorer(picture, grid),
        "iou": lambda: IouExplorer("street-03"),
        "labels": lambda: LabelsExplorer("street-03"),
        "minibatch": lambda: MinibatchExplorer("street-03"),
        "loss": lambda: LossExplorer("street-03", *answers),
        "nms": lambda: NmsExplorer(picture, stages.all_boxes[best], stages.all_scores[best]),
        "funnel": lambda: FunnelExplorer(picture, *answers, stage=5),
        "detections": lambda: DetectionsExplorer(picture, grid, features, stages.proposals, RoIHead.load("mini")),
    }
