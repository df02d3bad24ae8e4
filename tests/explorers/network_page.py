"""A page with the network in it, and what PyTorch has of the same."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rpnviz._files.data import data_folder
from rpnviz.backbone import Backbone, preprocess
from rpnviz.detection import RoIHead
from rpnviz.grid import Grid
from rpnviz.rpn import RPNHead, flatten_head
from tests.explorers.compute_page import ComputePage, compute_page
from tests.explorers.page_code import Opening

NETWORK = "common/network.js"
MODULES = (
    NETWORK,
    "common/picture_reader.js",
    *(
        f"common/compute/{name}.js"
        for name in (
            *("backbone", "bilinear", "convolution", "detection", "grid", "kernel", "rpn", "safetensors", "turns"),
            "winograd",
        )
    ),
)
WEIGHTS = {
    name: (data_folder() / "weights" / f"{file}_mini.safetensors").read_bytes()
    for name, file in (("backbone", "backbone"), ("rpnHead", "rpn_head"), ("roiHead", "roi_head"))
}
MAKE = """({ backbone, rpnHead, roiHead }) => {
  globalThis.weights = { backbone: backbone.buffer, rpnHead: rpnHead.buffer, roiHead: roiHead.buffer };
  globalThis.network = new Network(async () => weights);
  globalThis.reader = new PictureReader();
}"""
LOOK = """async (image, grid) => {
  const progress = [];
  const look = await network.lookAt({ image, imageSize: grid.imageSize }, grid, (step) => progress.push(step));
  return { ...look, progress };
}"""
DETECT = "(features, proposals, grid, settings) => network.detect(features, proposals, grid, settings)"
NO_PAGE_KERNEL = "WebAssembly.instantiate = () => { throw new Error('the kernel belongs into the worker'); };"
# A picture that takes no time.
SMALL = Grid.floor((96, 128))
SMALL_IMAGE = np.random.default_rng(1).integers(0, 256, (96, 128, 3), np.uint8)


def network_page(browser: Opening) -> ComputePage:
    """An empty page with the weights and a network in its scope."""
    page = compute_page(browser, *MODULES)
    page.run(MAKE, WEIGHTS)
    return page


def as_grid(grid: Grid) -> dict[str, Any]:
    """A grid as the page has it."""
    return {
        "name": grid.name,
        "imageSize": grid.image_size,
        "inputSize": grid.input_size,
        "ceilMode": grid.ceil_mode,
    }


@functools.cache
def networks() -> tuple[Backbone, RPNHead, RoIHead]:
    return Backbone.load("mini"), RPNHead.load("mini"), RoIHead.load("mini")


def far(page: npt.NDArray[np.float32], torch_has: Tensor) -> float:
    """The largest difference."""
    assert page.size == torch_has.numel()
    return float(np.abs(page.reshape(torch_has.shape) - torch_has.numpy()).max())


@torch.no_grad()
def small_logits(image: npt.NDArray[np.uint8] = SMALL_IMAGE) -> Tensor:
    """What the RPN says of a picture of SMALL."""
    backbone, head, _ = networks()
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
    return flatten_head(*head(backbone(preprocess(pixels, SMALL.input_size))))[0]
