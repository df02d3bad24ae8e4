"""Every explorer of every notebook: key → frame and payload. Every notebook: the time and memory of a run.

Explorers. Each notebook is opened in a real JupyterLab and run; then, in every explorer on the page, the first control
that an ArrowRight moves is pressed KEYS times. How a press is timed is said in `keys`. The payload is what goes to the
page when the explorer opens: the JSON and the buffers of its state, code and style sheet included.

Notebooks. Each is run in a fresh kernel without a browser, as `tools.notebooks.run --check` does it; so is BARE, which
only imports, to compare with. Memory is the most that the kernel held (resident).
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import nbformat
from nbformat import v4
from playwright.sync_api import Browser, ElementHandle, Page

from benchmarks.keys import LIMIT, METER
from tools.browser.lab import Lab, Notebook, new_page, open_notebook
from tools.notebooks.run import METADATA, chosen

KEYS = 12
CONTROLS = "input[type=range], canvas[tabindex='0'], [role=slider], [role=application]"
EXPLORERS = """\
| notebook | explorer | key on | key → frame, median ms | better than matplotlib by |
|---|---|---|---|---|"""
RUNS = """\
| run in a fresh kernel | seconds | × bare | memory, MB | × bare |
|---|---|---|---|---|"""
BARE = "import torch, torchvision, matplotlib.pyplot, rpnviz\nrpnviz.explore"
# As in views.LOOK_AT_EXPLORER, for any explorer: all its canvases and its text, but what is spoken, which comes later.
LOOK_AT_ROOT = """() => {
  const root = window.measured;
  if (root.ariaBusy === "true") return ""; // Python has not answered yet
  const parts = [".rpnviz-body", ".rpnviz-shown"].map((part) => root.querySelector(part).textContent);
  const copy = (window.meterCopy ??= new OffscreenCanvas(1, 1));
  for (const canvas of root.querySelectorAll("canvas")) {
    if (!canvas.width || !canvas.height) continue;
    [copy.width, copy.height] = [canvas.width, 96];
    const g = copy.getContext("2d", { willReadFrequently: true });
    g.imageSmoothingEnabled = false;
    g.drawImage(canvas, 0, 0, copy.width, copy.height);
    let hash = 0;
    for (const pixel of new Uint32Array(g.getImageData(0, 0, copy.width, copy.height).data.buffer)) {
      hash = (Math.imul(hash, 31) + pixel) | 0;
    }
    parts.push(hash);
  }
  return parts.join("|");
}"""
PAYLOADS = """
import json
from ipywidgets.widgets.widget import _instances, _remove_buffers
from rpnviz.explorers.common.base import RpnvizWidget

def _payload(widget):
    state, _, buffers = _remove_buffers(widget.get_state())
    return len(json.dumps(state).encode()) + sum(len(buffer) for buffer in buffers)

_payloads = {w.model_id: (type(w).__name__, _payload(w)) for w in _instances.values() if isinstance(w, RpnvizWidget)}
"""


@dataclass
class Explorer:
    """What was measured of one explorer; no ms if no key moves it."""

    notebook: str
    name: str
    control: str
    ms: list[float | None]


@dataclass
class Run:
    """What was measured of one notebook's run."""

    name: str
    seconds: float
    megabytes: float


def measure_explorers(browser: Browser, lab: Lab, path: Path) -> tuple[list[Explorer], dict[str, int]]:
    """All explorers of a notebook, and the payload in bytes of each kind of explorer."""
    shutil.copy(path, lab.root / path.name)
    notebook = open_notebook(new_page(browser), lab, path.name)
    notebook.run_all()
    notebook.execute(PAYLOADS)
    payload: list[tuple[str, int]] = notebook.ask("list(_payloads.values())")
    roots = notebook.page.query_selector_all(".rpnviz")
    explorers = [measure_root(notebook, path.stem[:2], root) for root in roots if root.bounding_box()]
    notebook.close()
    return explorers, dict(sorted(payload))


def measure_root(notebook: Notebook, of: str, root: ElementHandle) -> Explorer:
    """One explorer: the first control that a key moves."""
    page = notebook.page
    name = root.get_attribute("aria-label") or root.get_attribute("class") or ""
    root.scroll_into_view_if_needed()
    root.evaluate("root => { window.measured = root; }")
    page.evaluate(f"{METER.read_text()}startMeter({LOOK_AT_ROOT});")
    for control in root.query_selector_all(CONTROLS):
        if not control.is_visible() or not control.is_enabled():
            continue
        control.focus()
        first = page.evaluate("() => meter.settle('', 20)")
        page.keyboard.press("ArrowRight")
        page.evaluate("() => new Promise(done => setTimeout(done, 400))")
        if page.evaluate(f"({LOOK_AT_ROOT})()") == first:
            continue
        page.keyboard.press("ArrowLeft")
        page.evaluate("() => meter.settle('', 20)")
        label = control.get_attribute("aria-label") or control.evaluate("e => e.labels?.[0]?.textContent ?? ''")
        return Explorer(of, name, label.strip(), _time_keys(notebook))
    return Explorer(of, name, "", [])


def _time_keys(notebook: Notebook) -> list[float | None]:
    """Time KEYS times ArrowRight, each expected to lead where it led on the way before."""
    page = notebook.page
    _walk(page)  # some views keep where they have been, as the trace of a box: they look alike from the second way on
    looks = _walk(page)
    if not page.evaluate("look => meter.comes(look)", looks[0]):
        return [None] * KEYS  # it does not come back: nothing can be compared
    times: list[float | None] = []
    for before, look in pairwise(looks):
        if before == look:
            continue
        page.evaluate("([look, limit]) => meter.arm(look, limit)", [look, LIMIT])
        page.keyboard.press("ArrowRight")
        times.append(page.evaluate("() => meter.shown"))
    return times


def _walk(page: Page) -> list[str]:
    """Go KEYS steps to the right and back again; return how the first place looks and each on the way."""
    looks = [page.evaluate("() => meter.settle('', 20)")]
    for _ in range(KEYS):
        page.keyboard.press("ArrowRight")
        looks.append(page.evaluate("() => meter.settle('', 20)"))
    for before, look in pairwise(looks):
        if before != look:  # else it was the end of the control
            page.keyboard.press("ArrowLeft")
    return looks


def measure_runs() -> Iterator[Run]:
    """BARE first, then every notebook."""
    with tempfile.TemporaryDirectory(prefix="rpnviz-") as folder:
        bare = Path(folder) / "bare.ipynb"
        cells = [v4.new_code_cell(line) for line in BARE.splitlines()]
        nbformat.write(v4.new_notebook(metadata=METADATA, cells=cells), bare)
        for path in (bare, *chosen([])):
            yield _run(path)


def _run(path: Path) -> Run:
    code = (
        "import sys, nbformat; from rpnviz.site.running import execute; from tools.notebooks.run import NOTEBOOKS;"
        "sys.exit('; '.join(execute(nbformat.read(sys.argv[1], as_version=4), NOTEBOOKS)) or None)"
    )
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, str(path)])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{path.name} does not run")
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Run(path.stem, time.perf_counter() - started, kilobytes / 1024)


def explorer_row(one: Explorer, baseline_ms: float | None) -> str:
    """A row of EXPLORERS; `baseline_ms` is matplotlib's key → frame in the same run."""
    shown = [ms for ms in one.ms if ms is not None]
    median = f"{statistics.median(shown):.1f} ({len(shown)} keys)" if shown else "–"
    ratio = f"{baseline_ms / statistics.median(shown):.1f} ×" if baseline_ms and shown else "–"
    return f"| {one.notebook} | {one.name} | {one.control or '–'} | {median} | {ratio} |"


def run_row(run: Run, bare: Run) -> str:
    """A row of RUNS."""
    ratios = run.seconds / bare.seconds, run.megabytes / bare.megabytes
    return f"| {run.name} | {run.seconds:.1f} | {ratios[0]:.1f} | {run.megabytes:,.0f} | {ratios[1]:.1f} |"
