"""The network in the page against PyTorch on one thread: time, bytes, memory.

street-03 on the paper's grid, in turns. The page's times are what its reader waits: from the call until the answer has
come back from the worker. Processor is how long the page's process and Python's have computed, which on a busy machine
says more. Bytes are what a server sends that compresses with gzip (level 6): the code that the
network adds to a page, and its weights. Memory is what the page's process holds besides mapped files, at most; it is
read from /proc, and left out where there is none.
"""

from __future__ import annotations

import gzip
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Browser, Page

from benchmarks.side_by_side import Compared, megabytes, served_page, threads
from rpnviz._files.data import data_folder
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.detection import RoIHead, detect
from rpnviz.explorers.common import bundle
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head

MODULES = ("common/network.js", "common/picture_reader.js")
PICTURE = "street-03"
FILES = {"backbone": "backbone_mini", "rpnHead": "rpn_head_mini", "roiHead": "roi_head_mini"}
SAMPLES = 15
WARM_UP = 2
# Before the first sample: the weights are there, the picture is open, the worker has started.
START = """async ({ names, picture, grid }) => {
  const { Network } = rpnviz.take("common/network.js");
  const { PictureReader } = rpnviz.take("common/picture_reader.js");
  const got = async (path) => (await fetch(path)).arrayBuffer();
  const weights = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await got(name)])));
  window.file = new Blob([await got(picture)]);
  window.network = new Network(async () => weights);
  window.grid = grid;
  window.reader = new PictureReader();
  window.picture = await reader.openPicture(file);
  window.timed = async (work) => {
    const started = performance.now();
    window.answer = await work();
    return (performance.now() - started) / 1000;
  };
}"""
OPEN = "() => timed(() => reader.openPicture(file))"
LOOK = "() => timed(async () => (window.look = await network.lookAt(picture, grid)))"
DETECT = "(proposals) => timed(() => network.detect(look.features, new Float32Array(proposals), grid))"


@dataclass
class Network:
    """What was measured."""

    compared: list[Compared]
    code_bytes: int
    weight_bytes: dict[str, int]
    megabytes: float | None


def measure(browser: Browser, samples: int = SAMPLES) -> Network:
    """Time the steps in turns on one thread of PyTorch, and weigh what the page has to load."""
    page = _open(browser)
    with threads(1), torch.no_grad():
        compared = _compare(browser, page, samples)
    found = Network(compared, code_bytes(), weight_bytes(), megabytes(browser))
    page.close()
    return found


def table(found: Network) -> str:
    """What was measured, to be printed."""
    lines = ["| median ms | page, in its worker | Python, PyTorch on one thread | ratio |", "|---|---|---|---|"]
    for one in found.compared:
        lines.append(_row(one.name, one.page, one.python))
        lines.append(_row(f"{one.name}: processor", one.page_busy, one.python_busy))
    weights = sum(found.weight_bytes.values())
    memory = f"{found.megabytes:.0f} MB" if found.megabytes else "not known here"
    return "\n".join(
        [
            *lines,
            "",
            f"Bytes, gzip: {found.code_bytes:,} of code, {weights:,} of weights "
            f"({', '.join(f'{name} {size:,}' for name, size in found.weight_bytes.items())}).",
            f"Memory of the page: {memory}. {len(found.compared[0].page)} runs each, in turns.",
            "Budget: features and RPN head 1.2 ×; 7,500,000 bytes without the second head; 400 MB.",
        ]
    )


def _row(name: str, page: list[float], python: list[float]) -> str:
    ours, theirs = (1000 * statistics.median(times) for times in (page, python))
    return f"| {name} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} × |"


def code_bytes() -> int:
    """The network's modules as they stand in a bundle, gzip'd."""
    return len(gzip.compress(bundle.bundle(*MODULES).encode(), 6))


def weight_bytes() -> dict[str, int]:
    """Each file of weights, gzip'd."""
    return {file: len(gzip.compress(_weights(file).read_bytes(), 6)) for file in FILES.values()}


def _weights(file: str) -> Path:
    return data_folder() / "weights" / f"{file}.safetensors"


def _open(browser: Browser) -> Page:
    """A page with the network in it, that has opened the picture."""
    files = {name: _weights(file).read_bytes() for name, file in FILES.items()}
    files["picture"] = (data_folder() / "pictures" / f"{PICTURE}.webp").read_bytes()
    page = served_page(browser, MODULES, files)
    grid = Grid.paper()
    given = {"name": grid.name, "imageSize": grid.image_size, "inputSize": grid.input_size, "ceilMode": False}
    page.evaluate(START, {"names": list(FILES), "picture": "picture", "grid": given})
    return page


def _steps(page: Page) -> list[tuple[Compared, Callable[[], Any], Callable[[], Any]]]:
    """What is compared, how the page does it, and how Python does."""
    picture, grid = Picture.load(PICTURE), Grid.paper()
    backbone, head, roi_head = Backbone.load("mini"), RPNHead.load("mini"), RoIHead.load("mini")
    features = backbone.features(picture, grid)
    anchors = grid_anchors(grid, cell_anchors())
    proposals = propose(*flatten_head(*head(features)), anchors, grid.image_size).proposals
    path = data_folder() / "pictures" / f"{PICTURE}.webp"
    return [
        (Compared("open a picture file"), lambda: page.evaluate(OPEN), lambda: Picture.open(path)),
        (
            Compared("features and RPN head"),
            lambda: page.evaluate(LOOK),
            lambda: flatten_head(*head(backbone.features(picture, grid))),
        ),
        (
            Compared("detections in 300 proposals"),
            lambda: page.evaluate(DETECT, proposals.flatten().tolist()),
            lambda: detect(features, proposals, roi_head, grid),
        ),
    ]


def _compare(browser: Browser, page: Page, samples: int) -> list[Compared]:
    steps = _steps(page)
    for number in range(samples + WARM_UP):
        for compared, in_page, in_python in steps:
            compared.take(browser, in_page, in_python, keep=number >= WARM_UP)
    return [compared for compared, _, _ in steps]
