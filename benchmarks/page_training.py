"""The training of notebook 07 in the page against PyTorch's: steps a second of one run, and of two beside each other.

The eight pictures of the notebook, and its 240 steps; the features are worked out in the page. There each run has a
worker, so two take their steps at the same time; in Python they take them by turns, on one core less than there are, as
in `LiveExplorer`. All is measured in turns, so that what else the machine does meets all alike.
"""

from __future__ import annotations

import gzip
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from playwright.sync_api import Browser

from benchmarks.side_by_side import Compared, megabytes, served_page, threads
from rpnviz._files.data import data_folder
from rpnviz.backbone import Backbone
from rpnviz.explorers.common import bundle
from rpnviz.explorers.live.runs import Run
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.train.head import features_and_mirrored
from rpnviz.train.variants import INTACT

PICTURES = ("street-01", "street-04", "street-05", "street-06", "street-08", "street-09", "street-10", "street-11")
WATCHED = "street-03"
VARIANT = "256 drawn without balance"
STEPS = 240
SAMPLES = 60
WARM_UP = 3
MODULES = ("live/materials.js", "live/page_run.js")
# Pictures and backbone → features: seconds. Then the runs, and how long the page lets a frame wait meanwhile.
START = """async ({ watched, pictures, boxes, steps, names }) => {
  const got = async (path) => (await fetch(path)).arrayBuffer();
  const sent = async (name) => ({ file: new DataView(await got(name)), boxes: boxes[name] });
  const training = {
    seed: 0, watched: await sent(watched), pictures: await Promise.all(pictures.map((name) => sent(name))),
  };
  const files = { training: async () => training, weights: async () => ({ backbone: await got("backbone") }) };
  const started = performance.now();
  const { materials } = rpnviz.take("live/materials.js");
  const made = await materials({ get: (name) => files[name] }, () => {}, () => true);
  const seconds = (performance.now() - started) / 1000;
  const { PageRun } = rpnviz.take("live/page_run.js");
  window.runs = await Promise.all(names.map((name) => PageRun.begin({ ...made, name, steps })));
  window.frames = [];
  let last = performance.now();
  const frame = () => {
    const now = performance.now();
    frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return seconds;
}"""
ADVANCE = """async (count) => {
  const started = performance.now();
  await Promise.all(runs.slice(0, count).map((run) => run.advance()));
  return (performance.now() - started) / 1000;
}"""


@dataclass
class Training:
    """What was measured.

    Attributes:
        compared: one run, and two.
        features: seconds from pictures and backbone to the features of all.
        frames: ms from one animation frame of the page to the next while it trained.
        bytes: of what the page loads, gzip'd.
        megabytes: what the page's process held at most, besides mapped files.
    """

    compared: list[Compared]
    features: float
    frames: list[float]
    bytes: dict[str, int]
    megabytes: float | None


def measure(browser: Browser, samples: int = SAMPLES) -> Training:
    """Take steps in the page and in Python, in turns."""
    page = served_page(browser, MODULES, {name: _file(name) for name in ("backbone", WATCHED, *PICTURES)})
    boxes = {name: Picture.load(name).gt_boxes.tolist() for name in (*PICTURES, WATCHED)}
    names = (INTACT, VARIANT)
    given = {"watched": WATCHED, "pictures": PICTURES, "boxes": boxes, "steps": STEPS, "names": names}
    features = page.evaluate(START, given)
    runs = _in_python(names)
    compared = [Compared("a step of the intact run"), Compared("a step of both, a variant beside it")]
    with threads(max(1, (os.cpu_count() or 2) - 1)):
        for number in range(samples + WARM_UP):
            for count, one in enumerate(compared, 1):
                in_page, in_python = partial(page.evaluate, ADVANCE, count), partial(_advance, runs[:count])
                one.take(browser, in_page, in_python, keep=number >= WARM_UP)
    found = Training(compared, features, page.evaluate("() => frames.slice(1)"), weights(), megabytes(browser))
    page.close()
    return found


def table(found: Training) -> str:
    """What was measured, to be printed."""
    lines = ["| median ms; steps a second | page, a worker a run | Python, one after the other |", "|---|---|---|"]
    for one in found.compared:
        lines.append(f"| {one.name} | {_said(one.page)} | {_said(one.python)} |")
        lines.append(f"| {one.name}: processor | {_said(one.page_busy)} | {_said(one.python_busy)} |")
    frames = sorted(found.frames)
    memory = f"{found.megabytes:.0f} MB" if found.megabytes else "not known here"
    return "\n".join(
        [
            *lines,
            "",
            f"{len(found.compared[0].page)} each, in turns, a look at the watched picture after every tenth step.",
            f"Features of {len(PICTURES)} pictures, as they are and mirrored, in the page: {found.features:.1f} s.",
            f"Frames of the page meanwhile: every {statistics.median(frames):.0f} ms, "
            f"95 % within {frames[int(0.95 * len(frames))]:.0f} ms, the longest {frames[-1]:.0f} ms.",
            f"Bytes, gzip: {', '.join(f'{size:,} of {name}' for name, size in found.bytes.items())}. "
            f"Memory of the page: {memory}.",
            "Budget: 2 steps of both a second.",
        ]
    )


def _said(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f}; {len(seconds) / sum(seconds):.1f}"


def weights() -> dict[str, int]:
    """What the page loads, gzip'd."""
    code, backbone = bundle.bundle(*MODULES).encode(), _file("backbone")
    sizes = {"code": len(gzip.compress(code, 6)), "the backbone": len(gzip.compress(backbone, 6))}
    return {**sizes, "pictures": sum(len(_file(name)) for name in (*PICTURES, WATCHED))}


def _file(name: str) -> bytes:
    if name == "backbone":
        return (data_folder() / "weights" / "backbone_mini.safetensors").read_bytes()
    return Picture.load(name).file()


def _in_python(names: Sequence[str]) -> list[Run]:
    backbone, grid = Backbone.load("mini"), Grid.paper()
    pictures = [Picture.load(name) for name in PICTURES]
    features = [features_and_mirrored(backbone, picture, grid) for picture in pictures]
    watched = Picture.load(WATCHED)
    looked_at = watched, backbone.features(watched, grid)
    return [Run(name, backbone, pictures, features, looked_at, STEPS, seed=0) for name in names]


def _advance(runs: Sequence[Run]) -> None:
    for run in runs:
        run.advance()
