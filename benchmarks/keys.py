"""How fast a view follows the keys, in a real JupyterLab in Chromium.

Key → frame. A real ArrowRight (DevTools' Input.dispatchKeyEvent, not a synthetic event) goes to the focused column
control. In the page, a capturing listener takes the event's own time stamp (set by the browser when the key arrived).
From then on every animation frame is looked at *after* it was produced: a task posted from inside the frame compares
what stands on the canvases and in the table (for matplotlib: the image of the output, and waits for its decoding) with
the look recorded for the new column beforehand. The first match ends the measurement. So the figure holds input
dispatch, the wait for the next frame, all drawing, and for matplotlib the way through the kernel and back; what it does
not hold is the screen's own delay. A key whose column is not on the screen within LIMIT counts as not shown.

Burst. Fifty changes, one in each animation frame, made as a dragged control makes them; counted is how many of the
fifty columns were on the screen in at least one frame.

While another cell trains: both again while a cell of the same kernel trains an RPN head.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import v4
from playwright.sync_api import Browser

from benchmarks.traffic import Traffic
from benchmarks.views import FIRST, View
from tools.browser.lab import Lab, Notebook, new_page, open_notebook
from tools.notebooks.run import METADATA

WARM_UP = 4  # presses that are not counted
CHANGES = 50  # columns FIRST + 1 … FIRST + 50
LIMIT = 3000  # ms; under training the baseline never comes
METER = Path(__file__).with_name("meter.js")
TRAIN = """
import pathlib

import torch

from rpnviz.rpn import RPNHead

head = RPNHead()
optimizer = torch.optim.SGD(head.parameters(), lr=1e-6)
features = torch.rand(1, 512, 40, 60)
while not pathlib.Path("stop").exists():
    objectness, deltas = head(features)
    optimizer.zero_grad()
    (objectness.sigmoid().mean() + deltas.abs().mean()).backward()
    optimizer.step()
    pathlib.Path("training").touch()
"""


@dataclass
class Keys:
    """What was measured of one view: key → frame in ms (None: not shown), columns shown of the burst, bytes."""

    ms: list[float | None]
    shown: int
    training_ms: list[float | None]
    training_shown: int
    threads: int
    opening: dict[str, int] = field(default_factory=dict)
    bytes_per_step: float = 0.0


def measure(browser: Browser, lab: Lab, view: View) -> Keys:
    """Open a view in a notebook of its own and measure all of it."""
    traffic = Traffic()
    notebook = _open(browser, lab, view, traffic)
    opening = dict(traffic.count)
    looks = _record_looks(notebook, view)
    _back_to_first(notebook, view, looks)
    traffic.reset()
    ms = _key_to_frame(notebook, view, looks)
    notebook.wait_for(view.column, FIRST + CHANGES)  # the kernel has heard of every change
    per_step = traffic.total / CHANGES
    _back_to_first(notebook, view, looks)
    shown = _burst(notebook, view, looks)
    _back_to_first(notebook, view, looks)
    with training(notebook, lab.root):
        training_ms = _key_to_frame(notebook, view, looks)
    _back_to_first(notebook, view, looks)
    with training(notebook, lab.root):
        training_shown = _burst(notebook, view, looks)
    threads = notebook.ask("__import__('torch').get_num_threads()")
    troubles = notebook.collect()
    notebook.close()
    if troubles:
        raise RuntimeError(f"{view.name}: {'; '.join(troubles)}")
    return Keys(ms, shown, training_ms, training_shown, threads, opening, per_step)


def _open(browser: Browser, lab: Lab, view: View, traffic: Traffic) -> Notebook:
    name = "measured.ipynb"
    blank = v4.new_notebook(metadata=METADATA)
    nbformat.write(blank, lab.root / name)
    page = new_page(browser)
    traffic.watch(page)
    notebook = open_notebook(page, lab, name)
    notebook.run(view.prepare)
    traffic.reset()
    notebook.run(view.show)
    page.locator(view.control).focus()
    page.evaluate(f"{METER.read_text()}startMeter({view.look});")
    page.evaluate("() => meter.settle('', 60)")
    return notebook


def _record_looks(notebook: Notebook, view: View) -> list[str]:
    """Return the look of the columns FIRST … FIRST + CHANGES, each reached by a key and waited for.

    The kernel must not be asked anything meanwhile: JupyterLab lets widgets' callbacks run in a thread of their own,
    and matplotlib's pyplot would draw in two threads at once.
    """
    looks: list[str] = [notebook.page.evaluate("() => meter.settle('', 10)")]
    for _ in range(CHANGES):
        notebook.page.keyboard.press("ArrowRight")
        looks.append(notebook.page.evaluate("before => meter.settle(before, 10)", looks[-1]))
    if len(set(looks)) != len(looks) or "" in looks:
        raise RuntimeError(f"{view.name}: not every column looks different, so nothing can be measured")
    return looks


def _back_to_first(notebook: Notebook, view: View, looks: list[str]) -> None:
    """Move to the column FIRST from Python, once Python has heard of every change before: the last would undo it."""
    control = notebook.page.locator(view.control)
    notebook.wait_for(view.column, int(float(control.evaluate("e => e.ariaValueNow ?? e.value"))))
    notebook.execute(f"{view.column} = {FIRST}")
    if not notebook.page.evaluate("look => meter.comes(look)", looks[0]):
        raise RuntimeError(f"{view.name}: the first column does not look as it did before")
    control.focus()


def _key_to_frame(notebook: Notebook, view: View, looks: list[str]) -> list[float | None]:
    times: list[float | None] = []
    for look in looks[1:]:
        notebook.page.evaluate("([look, limit]) => meter.arm(look, limit)", [look, LIMIT])
        notebook.page.keyboard.press("ArrowRight")
        times.append(notebook.page.evaluate("() => meter.shown"))
        if times[-5:] == [None] * 5:  # nothing moves: the rest would only take as long
            times += [None] * (CHANGES - len(times))
            break
    return times[WARM_UP:]


def _burst(notebook: Notebook, view: View, looks: list[str]) -> int:
    script = f"([looks, limit]) => meter.burst(looks, {view.push}, limit)"
    shown: int = notebook.page.evaluate(script, [looks[1:], LIMIT])
    return shown


@contextmanager
def training(notebook: Notebook, folder: Path) -> Iterator[None]:
    """Let a cell of the notebook's kernel train, from its first finished step on, until the block ends."""
    started, stop = folder / "training", folder / "stop"
    for flag in (started, stop):
        flag.unlink(missing_ok=True)
    execute = """code => void (window.training =
        jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code }).done)"""
    notebook.page.evaluate(execute, TRAIN)
    while not started.exists():
        notebook.page.wait_for_timeout(50)
    yield
    stop.touch()
    reply: dict[str, Any] = notebook.page.evaluate("async () => (await training).content")
    if reply["status"] != "ok":
        raise RuntimeError(f"the training cell ended with {reply['ename']}: {reply['evalue']}")
