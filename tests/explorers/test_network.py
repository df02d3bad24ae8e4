"""The network in the page against PyTorch, from the input to the detections; and how it runs, stops and fails."""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from playwright.sync_api import Browser
from torch import Tensor

from rpnviz import detection
from rpnviz._files.data import data_folder
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import DEPTHS, MEAN, OUT_CHANNELS, STD, Backbone, preprocess
from rpnviz.detection import CLASSES, Detections, RoIHead, detect
from rpnviz.explorers.common import bundle
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import Stages, propose
from rpnviz.rpn import RPNHead, flatten_head
from tests.explorers.compute_page import ComputePage, compute_page
from tests.explorers.page_code import ask_page
from tools.site.policy import policy

NETWORK = "common/network.js"
MODULES = (
    NETWORK,
    *(
        f"common/compute/{name}.js"
        for name in ("backbone", "convolution", "detection", "grid", "kernel", "rpn", "safetensors", "turns")
    ),
)
WEIGHTS = {
    name: (data_folder() / "weights" / f"{file}_mini.safetensors").read_bytes()
    for name, file in (("backbone", "backbone"), ("rpnHead", "rpn_head"), ("roiHead", "roi_head"))
}
MAKE = """({ backbone, rpnHead, roiHead }) => {
  globalThis.weights = { backbone: backbone.buffer, rpnHead: rpnHead.buffer, roiHead: roiHead.buffer };
  globalThis.network = new Network(weights);
}"""
LOOK = """async (image, grid) => {
  const progress = [];
  const look = await network.lookAt({ image, imageSize: grid.imageSize }, grid, (step) => progress.push(step));
  return { ...look, progress };
}"""
DETECT = "(features, proposals, grid, settings) => network.detect(features, proposals, grid, settings)"
GRIDS = ("paper", "floor", "ceil")
# Every bundled picture on the paper's grid, three of them on the other two.
CASES = [(name, "paper") for name in Picture.bundled()] + [
    (name, grid) for name in ("street-03", "street-07", "street-11") for grid in GRIDS[1:]
]
TIE = 1e-3  # logits that are nearer to each other than this may change places


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[ComputePage]:
    made = compute_page(browser, *MODULES)
    made.run(MAKE, WEIGHTS)
    yield made
    made.page.close()


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


@functools.lru_cache(maxsize=2)
@torch.no_grad()
def looked_at(name: str, grid_name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Features, logits and deltas that PyTorch has."""
    backbone, head, _ = networks()
    features = backbone.features(Picture.load(name), Grid.named(grid_name))
    return features, *flatten_head(*head(features))


def proposed(logits: Tensor, deltas: Tensor, grid: Grid) -> Stages:
    return propose(logits, deltas, grid_anchors(grid, cell_anchors()), grid.image_size)


def far(page: npt.NDArray[np.float32], torch_has: Tensor) -> float:
    """The largest difference."""
    assert page.size == torch_has.numel()
    return float(np.abs(page.reshape(torch_has.shape) - torch_has.numpy()).max())


# --- the numbers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid_name", GRIDS)
def test_input_is_that_of_pytorch(page: ComputePage, grid_name: str) -> None:
    picture, grid = Picture.load("street-03"), Grid.named(grid_name)
    said = page.run("preprocess", picture.image, picture.image_size, grid.input_size)
    expected = preprocess(torch.from_numpy(picture.image).permute(2, 0, 1)[None], grid.input_size)
    assert far(said, expected) < 2e-6


@pytest.mark.parametrize("size", [(640, 960), (300, 500), (127, 1999), (601, 999), (64, 64)])
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


def test_both_kernels_say_the_same(page: ComputePage) -> None:
    """The one without fused multiply-add is what Safari and older browsers get."""
    torch.manual_seed(0)
    weight, bias, values = torch.randn(12, 6, 3, 3), torch.randn(12), torch.randn(1, 6, 5, 7)
    with torch.no_grad():
        expected = torch.relu(torch.nn.functional.conv2d(values, weight, bias, padding=1))
    said = page.run(
        """async (weight, bias, values) => Promise.all([SIMD, FUSED].map(async (text) => {
          const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
          const kernel = new Kernel((await WebAssembly.instantiate(bytes)).instance, nobodyWaits);
          const layer = kernel.layer({ shape: [12, 6, 3, 3], values: weight }, { shape: [12], values: bias });
          return kernel.take(await kernel.convolve(kernel.put(values, 6, [5, 7]), layer, true), 12);
        }))""",
        *(weight.numpy(), bias.numpy(), values.numpy()),
    )
    for one in said:
        assert far(one, expected) < 1e-5


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


# --- weights ---------------------------------------------------------------------------------------------------------


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def test_weights_are_read_to_the_bit(page: ComputePage) -> None:
    halves = np.arange(1 << 16, dtype=np.uint16)
    numbers = np.array([1.5, -0.0, 3e38, 1e-45], np.float32)
    header = {
        "__metadata__": {"made": "by hand"},
        "halves": {"dtype": "F16", "shape": [256, 256], "data_offsets": [16, 16 + (1 << 17)]},
        "numbers": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
    }
    file = safetensors(header, numbers.tobytes() + halves.tobytes())
    said = page.run("(bytes) => Object.fromEntries(readSafetensors(bytes.buffer))", file)
    assert set(said) == {"halves", "numbers"} and said["halves"]["shape"] == [256, 256]
    assert said["numbers"]["values"].tobytes() == numbers.tobytes()
    np.testing.assert_array_equal(said["halves"]["values"], halves.view(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (b"", "no safetensors file, or cut off: its header does not fit into 0 bytes"),
        (b"1234567", "its header does not fit into 7 bytes"),
        (struct.pack("<Q", 2**63) + b"{}", "its header does not fit into 10 bytes"),
        (struct.pack("<Q", 3) + b"{}", "its header does not fit into 10 bytes"),
        (safetensors(b"{'a': 1}"), "its header is not a JSON object"),
        (safetensors(b"\xff\xfe{}"), "its header is not a JSON object"),
        (safetensors([1]), "its header is not a JSON object"),
        (safetensors({"a": None}), "a is of undefined, takes F16 or F32"),
        (safetensors(entry(dtype="I64")), "a is of I64, takes F16 or F32"),
        (safetensors(entry(dtype="constructor")), "a is of constructor, takes F16 or F32"),
        (safetensors(entry(shape=[-2])), "a has a shape or data_offsets that are no whole numbers"),
        (safetensors(entry(shape=[1.5])), "a has a shape or data_offsets that are no whole numbers"),
        (safetensors(entry(shape={})), "a has a shape or data_offsets that are no whole numbers"),
        (safetensors(entry(offsets=[0])), "a has a shape or data_offsets that are no whole numbers"),
        (safetensors(entry(offsets=[-8, 0])), "a has a shape or data_offsets that are no whole numbers"),
        (safetensors(entry(), bytes(7)), "a lies at bytes 0 to 8 of 7, takes 8 bytes for [2]; is the file cut off?"),
        (safetensors(entry(shape=[3]), bytes(8)), "a lies at bytes 0 to 8 of 8, takes 12 bytes for [3]"),
        (safetensors(entry(offsets=[8, 0]), bytes(8)), "a lies at bytes 8 to 0 of 8"),
        (safetensors(entry(shape=[2**50, 2**50]), bytes(8)), "a lies at bytes 0 to 8 of 8"),
    ],
)
def test_a_file_that_holds_no_weights_says_why(page: ComputePage, file: bytes, says: str) -> None:
    said = page.run("(bytes) => readSafetensors(bytes.buffer)", file)
    assert said["name"] == "Error" and said["error"].startswith("weights: ") and says in said["error"]


def without(file: bytes, name: str) -> bytes:
    """The same weights, one of another name."""
    return file.replace(f'"{name}"'.encode(), f'"{name[:-1]}_"'.encode())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"backbone": WEIGHTS["backbone"][:-1]}, "is the file cut off?"),
        ({"backbone": WEIGHTS["rpnHead"]}, "weights: there is no features.0.weight; are they of another network?"),
        ({"rpnHead": without(WEIGHTS["rpnHead"], "conv.bias")}, "weights: there is no conv.bias"),
        ({"rpnHead": WEIGHTS["roiHead"]}, "weights: conv.weight has the shape [64, 512, 1, 1], takes [any, any, 3, 3]"),
    ],
)
def test_weights_of_another_network_are_refused(page: ComputePage, changed: dict[str, bytes], says: str) -> None:
    said = page.run(
        """async (given, image, grid) => {
          const other = new Network({ ...weights, ...Object.fromEntries(
            Object.entries(given).map(([name, bytes]) => [name, bytes.buffer])) });
          try {
            return await other.lookAt({ image, imageSize: grid.imageSize }, grid);
          } finally {
            other.close();
          }
        }""",
        *(changed, np.zeros((64, 64, 3), np.uint8), as_grid(Grid.floor((64, 64)))),
    )
    assert says in said["error"]


def test_weights_that_are_not_finite_are_refused(page: ComputePage) -> None:
    file = safetensors(entry(), np.array([1, np.nan], np.float32).tobytes())
    said = page.run('(bytes) => tensorOf(readSafetensors(bytes.buffer), "a", [2])', file)
    assert said["error"] == "weights: a is not finite"


# --- how it runs -----------------------------------------------------------------------------------------------------

SMALL = Grid.floor((96, 128))
SMALL_IMAGE = np.random.default_rng(1).integers(0, 256, (96, 128, 3), np.uint8)
LAYERS = [f"conv{stage + 1}_{i + 1}" for stage, depth in enumerate(DEPTHS) for i in range(depth)]
LAYERS += ["conv", "cls_logits", "bbox_pred"]


@torch.no_grad()
def small_logits() -> Tensor:
    backbone, head, _ = networks()
    image = torch.from_numpy(SMALL_IMAGE).permute(2, 0, 1)[None]
    return flatten_head(*head(backbone(preprocess(image, SMALL.input_size))))[0]


def test_each_layer_is_told_in_turn(page: ComputePage) -> None:
    said = page.run(LOOK, SMALL_IMAGE, as_grid(SMALL))
    assert said["progress"] == [{"name": name, "done": i + 1, "all": 16} for i, name in enumerate(LAYERS)]
    assert far(said["objectness"], small_logits()) < 1e-3


def test_work_is_done_in_one_worker(page: ComputePage) -> None:
    """The page itself never loads the kernel, and a second job takes the same worker."""
    said = page.run(
        """async (image, grid) => {
          const [made, loaded, real, instantiate] = [[], [], Worker, WebAssembly.instantiate];
          globalThis.Worker = class extends real { constructor(url) { super(url); made.push(url); } };
          WebAssembly.instantiate = (...given) => (loaded.push(1), instantiate(...given));
          const own = new Network(weights);
          try {
            for (let i = 0; i < 2; i++) await own.lookAt({ image, imageSize: grid.imageSize }, grid);
            return [made.length, made[0].slice(0, 5), loaded.length];
          } finally {
            own.close();
            [globalThis.Worker, WebAssembly.instantiate] = [real, instantiate];
          }
        }""",
        *(SMALL_IMAGE, as_grid(SMALL)),
    )
    assert said == [1, "blob:", 0]


CANCELLED = """async (image, grid) => {
  const own = new Network(weights);
  own.cancel(); // nothing is being done
  const seen = [];
  const stopped = own.lookAt({ image, imageSize: grid.imageSize }, grid, ({ name }) => {
    seen.push(name);
    own.cancel();
  });
  const said = await stopped.then(() => "not stopped", (error) => error.name);
  const busy = own.busy;
  const { objectness } = await own.lookAt({ image, imageSize: grid.imageSize }, grid);
  own.close();
  return { said, seen, busy, objectness };
}"""


def test_what_is_cancelled_ends_and_the_next_job_starts_afresh(page: ComputePage) -> None:
    said = page.run(CANCELLED, SMALL_IMAGE, as_grid(SMALL))
    assert (said["said"], said["busy"]) == ("AbortError", False)
    assert said["seen"] == ["conv1_1"]
    assert far(said["objectness"], small_logits()) < 1e-3


def test_one_thing_at_a_time(page: ComputePage) -> None:
    said = page.run(
        """async (image, grid) => {
          const [picture, errors] = [{ image, imageSize: grid.imageSize }, []];
          const first = network.lookAt(picture, grid);
          const busy = network.busy;
          await network.lookAt(picture, grid).catch((error) => errors.push(error.message));
          await network.openPicture(new Blob(["x"])).catch((error) => errors.push(error.message));
          const { objectness } = await first;
          return { busy, errors, objectness };
        }""",
        *(SMALL_IMAGE, as_grid(SMALL)),
    )
    assert said["busy"] is True
    assert said["errors"] == 2 * ["the network is still at work, and does one thing at a time: cancel it first"]
    assert far(said["objectness"], small_logits()) < 1e-3


def test_a_job_that_fails_says_why_and_the_next_one_works(page: ComputePage) -> None:
    said = page.run(LOOK, SMALL_IMAGE, as_grid(Grid.floor()))
    assert said["error"] == f"image has {SMALL_IMAGE.size} numbers, takes 600×1000×3"
    other = page.run("(image, grid) => network.lookAt({ image, imageSize: [1, 2] }, grid)", SMALL_IMAGE, as_grid(SMALL))
    assert other["error"] == "picture must have the grid's imageSize 96×128; got 1×2"
    tiny = page.run(LOOK, np.zeros((48, 64, 3), np.uint8), as_grid(Grid.floor((48, 64))))
    assert tiny["error"] == "a picture of 48×64 px, takes 64 at least"
    assert far(page.run(LOOK, SMALL_IMAGE, as_grid(SMALL))["objectness"], small_logits()) < 1e-3


def test_pictures_are_opened_in_the_worker_too(page: ComputePage) -> None:
    picture = Picture.load("street-03")
    file = (data_folder() / "pictures" / "street-03.webp").read_bytes()
    said = page.run("(bytes) => network.openPicture(new File([bytes], 'street-03.webp'))", file)
    assert (said["image"].reshape(picture.image.shape) == picture.image).all()
    bad = page.run("(bytes) => network.openPicture(new File([bytes], 'notes.txt'))", b"hello")
    assert bad["error"] == "notes.txt is no picture that this browser reads; JPEG and PNG are"


NO_PAGE_KERNEL = "WebAssembly.instantiate = () => { throw new Error('the kernel belongs into the worker'); };"
NO_WORKER = "globalThis.Worker = class { constructor() { throw new DOMException('no', 'SecurityError'); } };"


def test_without_a_worker_the_page_does_it_and_has_its_turns(browser: Browser) -> None:
    own = compute_page(browser, *MODULES)
    own.page.evaluate(f"() => {{ {NO_WORKER} }}")
    own.run(MAKE, WEIGHTS)
    said = own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))
    assert [step["name"] for step in said["progress"]] == LAYERS
    assert far(said["objectness"], small_logits()) < 1e-3
    cancelled = own.run(CANCELLED, SMALL_IMAGE, as_grid(SMALL))
    assert (cancelled["said"], cancelled["busy"]) == ("AbortError", False)
    assert far(cancelled["objectness"], small_logits()) < 1e-3
    turns = own.run(
        """async (image, grid) => {
          let [turns, going] = [0, true];
          const tick = () => { turns++; if (going) setTimeout(tick); };
          setTimeout(tick);
          await network.lookAt({ image, imageSize: grid.imageSize }, grid);
          going = false;
          return turns;
        }""",
        *(Picture.load("street-03").image, as_grid(Grid.paper())),
    )
    assert turns > 1
    own.page.close()


def test_a_browser_without_simd_is_told_so(page: ComputePage) -> None:
    said = page.run(
        """() => {
          const real = WebAssembly.validate;
          WebAssembly.validate = () => false;
          try {
            return bestBinary();
          } finally {
            WebAssembly.validate = real;
          }
        }"""
    )
    assert said["error"].startswith("this browser has no WebAssembly SIMD") and "Safari 16.4" in said["error"]


def test_fused_multiply_add_is_taken_where_there_is_one(page: ComputePage) -> None:
    taken = """(fused) => {
      const real = WebAssembly.validate;
      WebAssembly.validate = (binary) => fused || btoa(String.fromCharCode(...binary)) !== FUSED;
      try {
        return btoa(String.fromCharCode(...bestBinary())) === FUSED;
      } finally {
        WebAssembly.validate = real;
      }
    }"""
    assert page.run(taken, True) is True and page.run(taken, False) is False


# --- where it runs ---------------------------------------------------------------------------------------------------

PLAIN = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>a page</title></head><body></body></html>\n'
)
ADDED = (("script-src ", "script-src 'wasm-unsafe-eval' "), ("base-uri", "worker-src blob:; base-uri"))


def under_policy(browser: Browser, content: str) -> ComputePage:
    """A page that is sent with a policy. Its code is put in from outside, which no policy forbids."""
    opened = browser.new_page()
    opened.route(
        "http://rpnviz.test/*",
        lambda route: route.fulfill(body=PLAIN, content_type="text/html", headers={"Content-Security-Policy": content}),
    )
    opened.goto("http://rpnviz.test/page.html")
    opened.evaluate(
        """() => {
          globalThis.violations = [];
          addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
        }"""
    )
    made = ComputePage(opened, *MODULES)
    made.run(MAKE, WEIGHTS)
    return made


def site_policy(*additions: tuple[str, str]) -> str:
    content = policy(PLAIN)
    for old, new in additions:
        assert content.count(old) == 1
        content = content.replace(old, new)
    return content


def test_the_policy_of_the_site_and_two_words_are_enough(browser: Browser) -> None:
    own = under_policy(browser, site_policy(*ADDED))
    own.page.evaluate(f"() => {{ {NO_PAGE_KERNEL} }}")
    assert far(own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))["objectness"], small_logits()) < 1e-3
    file = (data_folder() / "pictures" / "street-03.webp").read_bytes()
    said = own.run("(bytes) => network.openPicture(new Blob([bytes]))", file)
    assert (said["image"].reshape(600, 1000, 3) == Picture.load("street-03").image).all()
    assert own.page.evaluate("violations") == []
    own.page.close()


def test_a_policy_without_workers_has_the_page_do_it(browser: Browser) -> None:
    own = under_policy(browser, site_policy(ADDED[0]))
    assert far(own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))["objectness"], small_logits()) < 1e-3
    assert set(own.page.evaluate("violations")) == {"worker-src"}
    own.page.close()


def test_a_policy_without_webassembly_is_said(browser: Browser) -> None:
    own = under_policy(browser, site_policy(ADDED[1]))
    said = own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))
    assert said["error"] == (
        "the policy of this page keeps the network from running: it takes 'wasm-unsafe-eval' in script-src"
    )
    own.page.close()


def test_it_runs_in_a_page_from_the_disk(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    script = f"<script>{bundle.bundle(NETWORK)}</script></body>"
    path.write_text(PLAIN.replace("</body>", script), encoding="utf-8")
    opened = browser.new_page()
    opened.goto(path.as_uri())
    opened.evaluate('() => Object.assign(globalThis, rpnviz.take("common/network.js"))')
    opened.evaluate(f"() => {{ {NO_PAGE_KERNEL} }}")
    own = ComputePage(opened)
    own.run(MAKE, WEIGHTS)
    assert far(own.run(LOOK, SMALL_IMAGE, as_grid(SMALL))["objectness"], small_logits()) < 1e-3
    opened.close()


def test_it_runs_in_a_module_as_a_widget_is_loaded(browser: Browser) -> None:
    """An ES module from a blob:, as JupyterLab imports it; here it fails for want of weights, in its worker."""
    ask = f"""export const ask = async ({{ image, grid }}) => {{
      {NO_PAGE_KERNEL}
      const none = new ArrayBuffer(0);
      const own = new Network({{ backbone: none, rpnHead: none, roiHead: null }});
      const picture = {{ image: Uint8ClampedArray.from(image), imageSize: grid.imageSize }};
      return own.lookAt(picture, grid).catch(({{ message }}) => message);
    }};"""
    said = ask_page(browser, NETWORK, ask, {"image": [0] * 12288, "grid": as_grid(Grid.floor((64, 64)))})
    assert said == "weights: no safetensors file, or cut off: its header does not fit into 0 bytes"
