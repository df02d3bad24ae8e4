"""What the network in the page says, against PyTorch: input, convolutions, features, heads, proposals, detections."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from playwright.sync_api import Browser
from torch import Tensor

from rpnviz import detection
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import DEPTHS, MEAN, OUT_CHANNELS, STD, preprocess
from rpnviz.detection import CLASSES, Detections, detect
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import Stages, propose
from rpnviz.rpn import flatten_head
from tests.explorers.compute_page import ComputePage
from tests.explorers.network_page import DETECT, LOOK, as_grid, far, network_page, networks

GRIDS = ("paper", "floor", "ceil")
# Every bundled picture, the grids in turn.
CASES = [(name, GRIDS[number % len(GRIDS)]) for number, name in enumerate(Picture.bundled())]
TIE = 1e-3  # logits that are nearer to each other than this may change places


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[ComputePage]:
    made = network_page(browser)
    yield made
    made.page.close()


@functools.lru_cache(maxsize=2)
@torch.no_grad()
def looked_at(name: str, grid_name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Features, logits and deltas that PyTorch has."""
    backbone, head, _ = networks()
    features = backbone.features(Picture.load(name), Grid.named(grid_name))
    return features, *flatten_head(*head(features))


def proposed(logits: Tensor, deltas: Tensor, grid: Grid) -> Stages:
    return propose(logits, deltas, grid_anchors(grid, cell_anchors()), grid.image_size)


@pytest.mark.parametrize("grid_name", GRIDS)
def test_input_is_that_of_pytorch(page: ComputePage, grid_name: str) -> None:
    picture, grid = Picture.load("street-03"), Grid.named(grid_name)
    said = page.run("preprocess", picture.image, picture.image_size, grid.input_size)
    expected = preprocess(torch.from_numpy(picture.image).permute(2, 0, 1)[None], grid.input_size)
    assert far(said, expected) < 2e-6


@pytest.mark.parametrize("size", [(640, 960), (300, 500), (127, 1999), (601, 999), (64, 64)])
def test_bilinear_takes_a_channel_of_any_size_as_pytorch_does(page: ComputePage, size: tuple[int, int]) -> None:
    values = np.random.default_rng(1).random((233, 417), np.float32)
    given = torch.from_numpy(values)[None, None]
    expected = torch.nn.functional.interpolate(given, size=size, mode="bilinear", antialias=True)
    assert far(page.run("resizeBilinear", values, values.shape, size), expected) < 1e-6


@pytest.mark.parametrize("size", [(640, 960), (64, 64)])
def test_any_picture_is_resampled_as_pytorch_does(page: ComputePage, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (233, 417, 3), np.uint8)
    expected = preprocess(torch.from_numpy(image).permute(2, 0, 1)[None], size)
    assert far(page.run("preprocess", image, image.shape[:2], size), expected) < 2e-6


@pytest.mark.parametrize(("name", "grid_name"), CASES)
def test_features_head_proposals_and_detections_are_those_of_pytorch(
    page: ComputePage, name: str, grid_name: str
) -> None:
    picture, grid = Picture.load(name), Grid.named(grid_name)
    features, logits, deltas = looked_at(name, grid_name)
    # 1. What the network says.
    said = page.run(LOOK, picture.image, as_grid(grid))
    assert said["featureSize"] == list(features.shape[2:])
    assert far(said["features"], features) < 1e-4
    assert far(said["objectness"], logits) < 1e-3  # of −70 to 10
    assert far(said["deltas"], deltas) < 1e-4
    # 2. The proposals that follow from it.
    page_logits, page_deltas = (torch.tensor(said[name]) for name in ("objectness", "deltas"))
    expected, found = proposed(logits, deltas, grid), proposed(page_logits, page_deltas.view(-1, 4), grid)
    assert_same_but_for_ties(found.post_nms_inds, expected.post_nms_inds, logits)
    # 3. The detections in these.
    detected = page.run(DETECT, said["features"], found.proposals.numpy(), as_grid(grid), {})
    _, _, roi_head = networks()
    assert_same_detections(detected, detect(features, found.proposals, roi_head, grid))


def assert_same_but_for_ties(found: Tensor, expected: Tensor, logits: Tensor) -> None:
    """The same anchors, in the same order, but that neighbours in the order may change places if they nearly tie."""
    assert len(expected) == 300
    assert set(found.tolist()) == set(expected.tolist())
    assert (logits[found] - logits[expected]).abs().max() < TIE


def assert_same_detections(detected: dict[str, npt.NDArray[Any]], expected: Detections) -> None:
    """The same classes in the same proposals, with nearly the same scores and boxes; near-ties may change places."""
    whose = list(zip(detected["proposalInds"].tolist(), detected["labels"].tolist(), strict=True))
    rows = {one: row for row, one in enumerate(whose)}
    assert len(rows) == len(whose) == len(expected.labels) > 0
    order = [rows[one] for one in zip(expected.proposal_inds.tolist(), expected.labels.tolist(), strict=True)]
    assert np.abs(detected["scores"][order] - expected.scores.numpy()).max() < 1e-4
    assert np.abs(detected["boxes"].reshape(-1, 4)[order] - expected.boxes.numpy()).max() < 0.01
    assert (np.diff(detected["scores"]) <= 0).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"scoreThresh": 0.5},
        {"scoreThresh": 0.0, "nmsThresh": 0.3, "maxDetections": 40},
        {"nmsThresh": 1, "maxDetections": 7},
        {"scoreThresh": 1},
    ],
    ids=str,
)
def test_settings_of_detections_say_the_same_as_in_python(page: ComputePage, settings: dict[str, float]) -> None:
    grid = Grid.paper()
    features, logits, deltas = looked_at("street-07", "paper")
    proposals = proposed(logits, deltas, grid).proposals
    said = page.run(DETECT, features.numpy(), proposals.numpy(), as_grid(grid), settings)
    names = {"scoreThresh": "score_thresh", "nmsThresh": "nms_thresh", "maxDetections": "max_detections"}
    given: dict[str, Any] = {names[name]: value for name, value in settings.items()}
    expected = detect(features, proposals, networks()[2], grid, **given)
    if settings == {"scoreThresh": 1}:
        assert len(expected.labels) == len(said["labels"]) == 0
    else:
        assert_same_detections(said, expected)


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_few_proposals_are_answered_like_many(page: ComputePage, count: int) -> None:
    """Four cells are summed up at a time: fewer boxes are filled up."""
    grid, head = Grid.floor(), networks()[2]
    features, logits, deltas = looked_at("street-03", "floor")
    proposals = proposed(logits, deltas, grid).proposals[:count]
    said = page.run(
        """async (features, proposals, grid) => {
          const kernel = await Kernel.load(nobodyWaits);
          return RoIHead.load(kernel, weights.roiHead).forward(features, proposals, Grid.of(grid));
        }""",
        *(features.numpy(), proposals.numpy(), as_grid(grid)),
    )
    with torch.no_grad():
        class_logits, box_regression = head(features, proposals, grid)
    assert said["classLogits"].size == 7 * count and said["boxRegression"].size == 28 * count
    if count:
        assert far(said["classLogits"], class_logits) < 1e-4
        assert far(said["boxRegression"], box_regression) < 1e-4


@pytest.mark.parametrize("inputs", [3, 8])  # window by window; by Winograd's way
@pytest.mark.parametrize("size", [(5, 7), (6, 8), (1, 4)])
def test_a_convolution_is_that_of_pytorch_in_both_kernels(
    page: ComputePage, inputs: int, size: tuple[int, int]
) -> None:
    """The one without fused multiply-add is what Safari and older browsers get."""
    torch.manual_seed(0)
    weight, bias, values = torch.randn(12, inputs, 3, 3), torch.randn(12), torch.randn(1, inputs, *size)
    with torch.no_grad():
        expected = torch.relu(torch.nn.functional.conv2d(values, weight, bias, padding=1))
    said = page.run(
        """async (weight, bias, values, inputs, size) => Promise.all([SIMD, FUSED].map(async (text) => {
          const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
          const kernel = new Kernel((await WebAssembly.instantiate(bytes)).instance, nobodyWaits);
          const layer = kernel.layer({ shape: [12, inputs, 3, 3], values: weight }, { shape: [12], values: bias });
          return kernel.take(await kernel.convolve(kernel.put(values, inputs, size), layer, true), 12);
        }))""",
        *(weight.numpy(), bias.numpy(), values.numpy(), inputs, size),
    )
    for one in said:
        assert far(one, expected) < 1e-5


def test_winograd_turns_weights_as_its_matrices_say(page: ComputePage) -> None:
    """U = G g Gᵀ, Lavin and Gray 2015, equation 8; with the other two matrices it is the convolution, see above."""
    windows = np.random.default_rng(0).normal(size=(5, 3, 3)).astype(np.float32)
    g = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    said = page.run("turnedWeights", windows)
    np.testing.assert_array_equal(said.reshape(5, 4, 4), (g @ windows.astype(float) @ g.T).astype(np.float32))


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_poolings_round_as_pytorch_does(page: ComputePage, ceil_mode: bool) -> None:
    torch.manual_seed(0)
    values = torch.relu(torch.randn(1, 8, 9, 11))
    expected = torch.nn.functional.max_pool2d(values, 2, ceil_mode=ceil_mode)
    said = page.run(
        """async (values, ceilMode) => {
          const kernel = await Kernel.load(nobodyWaits);
          return kernel.take(await kernel.pool(kernel.put(values, 8, [9, 11]), ceilMode));
        }""",
        *(values.numpy(), ceil_mode),
    )
    assert far(said, expected) == 0


def test_constants_are_those_of_python(page: ComputePage) -> None:
    said = page.run("() => ({ DEPTHS, OUT_CHANNELS, MEAN, STD, CLASSES, BINS, BOX_WEIGHTS })")
    assert said == {
        "DEPTHS": list(DEPTHS),
        "OUT_CHANNELS": OUT_CHANNELS,
        "MEAN": list(MEAN),
        "STD": list(STD),
        "CLASSES": list(CLASSES),
        "BINS": detection.BINS,
        "BOX_WEIGHTS": list(detection.BOX_WEIGHTS),
    }
