"""How fast the views follow their controls in JupyterLab, at rest and while another cell of the same kernel trains.

Key → frame as in knobs.py, for every control of an explorer: the median control and the slowest one. A drag: the box of
an object is moved by sixty pointer events, one in each frame, as a hand moves it; counted are the frames a second. The
baseline, in the same kernel: Python works out the labels at another threshold and draws them with matplotlib, the
way to the page not counted.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat
from nbformat import v4
from playwright.sync_api import Browser, Page

from benchmarks.keys import training
from benchmarks.knobs import Knob, press, walk
from tools.browser.lab import Lab, Notebook, new_page, open_notebook
from tools.notebooks.run import METADATA

PREPARE = """
import statistics, time

import torch

import rpnviz
from rpnviz.backbone import Backbone
from rpnviz.explorers import FunnelExplorer, LabelsExplorer, LossExplorer, MinibatchExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, flatten_head

picture = Picture.load("street-03")
with torch.no_grad():
    said = flatten_head(*RPNHead.load("mini")(Backbone.load("mini").features(picture, Grid.paper())))
"""
SHOW = {
    "linked": "explorer = rpnviz.explore('street-03').unfold()\nexplorer",
    "labels": "explorer = LabelsExplorer('street-03')\nexplorer",
    "minibatch": "explorer = MinibatchExplorer('street-03')\nexplorer",
    "loss": "explorer = LossExplorer(picture, *said)\nexplorer",
    "funnel": "explorer = FunnelExplorer(picture, *said, stage=5)\nexplorer",
}
BASELINE = """
still, times = LabelsExplorer('street-03'), []
for i in range(7):
    before = time.perf_counter()
    still.fg_iou_thresh = 0.6 + i / 100
    still.to_png()
    times.append((time.perf_counter() - before) * 1000)
"""
DRAG = """async () => {
  const box = document.querySelector(".rpnviz .rpnviz-object-layer .rpnviz-movable");
  const { left, top } = box.getBoundingClientRect();
  const at = (i) => ({ pointerId: 1, isPrimary: true, button: 0, buttons: 1, bubbles: true,
    clientX: left + 20 + 20 * Math.sin(i / 10), clientY: top + 20 + i / 4 });
  box.setPointerCapture = () => {}; // of a pointer that no hand holds
  box.dispatchEvent(new PointerEvent("pointerdown", at(0)));
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  const begun = performance.now();
  for (let i = 1; i <= 60; i++) {
    box.dispatchEvent(new PointerEvent("pointermove", at(i)));
    await frame();
  }
  const took = performance.now() - begun;
  box.dispatchEvent(new PointerEvent("pointerup", at(60)));
  return 60_000 / took;
}"""
HEAD = (
    "| in JupyterLab | controls | key → frame, median ms | slowest control | drag, frames a second |\n"
    "|---|---|---|---|---|"
)


@dataclass
class Group:
    """An explorer's controls, or a baseline; drag: frames a second, 0 where nothing was dragged."""

    name: str
    knobs: list[Knob]
    drag: float = 0.0


def measure(browser: Browser, lab: Lab) -> Iterator[Group]:
    """Walk through the controls of each explorer twice; the baseline and a key that changes nothing first."""
    for name in SHOW:
        notebook = _open(browser, lab, name)
        if name == "linked":
            yield _baseline(notebook, "labelled and drawn by Python and matplotlib")
            page = notebook.page
            knobs = list(walk(page, name))
            yield Group("a key that changes nothing", [Knob("(any)", "F9", press(page, "F9", "F9"))])
            yield Group(name, knobs, _drag(page))
        else:
            yield Group(name, list(walk(notebook.page, name)), _drag(notebook.page))
        with training(notebook, lab.root):
            yield Group(f"{name}, while another cell trains", list(walk(notebook.page, name)), _drag(notebook.page))
        if troubles := notebook.collect():
            raise RuntimeError(f"{name}: {'; '.join(troubles)}")
        notebook.close()


def _open(browser: Browser, lab: Lab, name: str) -> Notebook:
    path = f"{name}.ipynb"
    nbformat.write(v4.new_notebook(metadata=METADATA), lab.root / path)
    notebook = open_notebook(new_page(browser), lab, path)
    notebook.run(PREPARE)
    notebook.run(SHOW[name])
    return notebook


def _baseline(notebook: Notebook, name: str) -> Group:
    times: list[float] = notebook.ask("times", BASELINE)
    return Group(name, [Knob("", "fg_iou_thresh", times)])


def _drag(page: Page) -> float:
    rates = [float(page.evaluate(DRAG)) for _ in range(3)]
    return statistics.median(rates)


def row(group: Group) -> str:
    """Return the explorer's row of the table."""
    medians = {knob.control: statistics.median(knob.ms) for knob in group.knobs}
    slowest = max(medians, key=lambda control: medians[control])
    typical = statistics.median(medians.values())
    drag = f"{group.drag:.0f}" if group.drag else "–"
    return f"| {group.name} | {len(group.knobs)} | {typical:.1f} | {medians[slowest]:.1f}, {slowest} | {drag} |"
