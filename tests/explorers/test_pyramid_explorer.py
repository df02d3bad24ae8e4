"""The pyramid explorer: what the page works out is what Python says; anchors alone; own pictures; refusals; stills."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image
from playwright.sync_api import Browser
from torch import nn
from torchvision.models import get_model
from torchvision.models.detection import FasterRCNN

from rpnviz.boxes import box_iou
from rpnviz.explorers.pyramid.explorer import COVERED, REACHED, PyramidExplorer
from rpnviz.inspect.detector import OpenedDetector, load_detector, open_anchors, open_detector
from rpnviz.inspect.pyramid import propose_by_level
from rpnviz.pictures import Picture
from tests.explorers.page_code import as_state, ask_page
from tests.explorers.photos import photograph
from tests.explorers.small_scene import drawn_pyramid, make_picture, payload

MODULES = ["pyramid/view.js", "pyramid/levels.js", "common/compute/pyramid.js"]
ASK = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export function ask(state) {
  const model = standIn(JSON.parse(state, revive));
  const { covered, objects, plan, stages, top } = readStore({ model, redraw: () => {} });
  const { postNmsInds, topInds, largeInds, nmsInds } = stages();
  const count = (rows) => countByLevel(top, rows, plan.levels.length);
  return {
    fits: objects().map(({ fits }) => fits),
    why: objects().map(({ name, fits }) => whyLevel(name, plan.levels, fits)),
    left: [topInds, largeInds, nmsInds, postNmsInds].map(count),
    rows: Array.from(postNmsInds),
    found: objects().map(({ inInput }) => count(covering(top, postNmsInds, inInput, covered))),
    anchors: plan.levels.map((level) => [0, 1, Math.floor(anchorsOf(level) / 2), anchorsOf(level) - 1].map(
      (i) => [i, ...anchorOf(level, i)])),
    twice: plan.levels.map((level) => [0.3, 0.5].map((iou) => objects().map(
      ({ inInput }) => countReaching(level, inInput, iou)))),
    best: plan.levels.map((level) => objects().map(({ inInput }) => bestAnchor(level, inInput).iou)),
    again: Array.from(proposeByLevel(top, { preNmsTopN: 7, postNmsTopN: 9, nmsThresh: 0.3, minSize: 20,
      scoreThresh: 0.2 }).postNmsInds),
  };
}
"""


@pytest.fixture(scope="module")
def model() -> FasterRCNN:
    return drawn_pyramid()


@pytest.fixture
def explorer(model: FasterRCNN) -> PyramidExplorer:
    return PyramidExplorer(make_picture(), model)


def ask(browser: Browser, explorer: PyramidExplorer) -> dict[str, Any]:
    """What the page works out, asked in an empty page."""
    answer: dict[str, Any] = ask_page(browser, MODULES, ASK, as_state(explorer.saved_state()))
    return answer


def whole(explorer: PyramidExplorer) -> OpenedDetector:
    assert isinstance(explorer.opened, OpenedDetector)
    return explorer.opened


def check_geometry(explorer: PyramidExplorer, said: dict[str, Any]) -> None:
    """Every anchor is where torchvision put it, and fits the objects as Python says."""
    gt_boxes, split = explorer.gt_boxes, explorer.opened.anchors.split([level.count for level in explorer.levels])
    for own, sent in zip(split, said["anchors"], strict=True):
        for i, *box in sent:
            np.testing.assert_allclose(box, own[i].numpy(), atol=1e-3)
    wanted = explorer.best_iou_by_level
    got = [[fit["iou"] for fit in fits] for fits in said["fits"]]
    np.testing.assert_allclose(got, wanted.numpy(), atol=2e-5)
    np.testing.assert_allclose(said["best"], wanted.T.numpy(), atol=2e-5)
    for level, own in enumerate(split):
        ious = box_iou(gt_boxes, own)
        assert [fits[level]["reaching"] for fits in said["fits"]] == (ious >= REACHED).sum(dim=1).tolist()
        assert said["twice"][level] == [(ious >= thresh).sum(dim=1).tolist() for thresh in (0.3, 0.5)]
        for m, fits in enumerate(said["fits"]):  # the anchor itself has that IoU, and no anchor has more than it may
            own_iou = box_iou(gt_boxes[[m]], torch.tensor([fits[level]["box"]]))
            assert abs(float(own_iou) - fits[level]["iou"]) < 2e-5
            assert fits[level]["atMost"] >= fits[level]["iou"] - 2e-5


MOVED: list[dict[str, Any]] = [
    {},
    {"pre_nms_top_n": 50, "post_nms_top_n": 120},
    {"post_nms_top_n": 1},
    {"objects": [{"name": "van", "box": [10.0, 20, 400, 300]}, {"name": "", "box": [332.0, 56, 432, 196]}]},
    {"objects": []},
]


@pytest.mark.parametrize("moved", MOVED, ids=lambda moved: "-".join(moved) or "as it opens")
def test_page_works_out_what_python_says(explorer: PyramidExplorer, browser: Browser, moved: dict[str, Any]) -> None:
    explorer.set_state(moved)
    said, stages = ask(browser, explorer), explorer.stages
    assert said["left"] == [counts for _, counts in stages.funnel()[1:]]
    sent = whole(explorer).stages.top_inds[said["rows"]]
    assert torch.equal(sent, stages.post_nms_inds)
    for m, counts in enumerate(said["found"]):
        covers = box_iou(stages.proposals, explorer.gt_boxes[[m]])[:, 0] >= COVERED
        own = stages.level_of[stages.post_nms_inds[covers]]
        assert counts == torch.bincount(own, minlength=5).tolist()
    if explorer.objects:
        check_geometry(explorer, said)


def test_the_twin_takes_every_setting(explorer: PyramidExplorer, browser: Browser) -> None:
    opened = whole(explorer)
    given = opened.objectness, opened.stages.decoded, explorer.levels, opened.input_size
    wanted = propose_by_level(*given, pre_nms_top_n=7, post_nms_top_n=9, nms_thresh=0.3, min_size=20, score_thresh=0.2)
    rows = ask(browser, explorer)["again"]
    assert torch.equal(opened.stages.top_inds[rows], wanted.post_nms_inds) and len(rows) > 3


@pytest.mark.parametrize("name", ["retinanet_resnet50_fpn", "ssd300_vgg16"])
def test_anchors_alone(browser: Browser, name: str) -> None:
    sizes = {"min_size": 160, "max_size": 320} if name.startswith("retina") else {}
    model = get_model(name, weights=None, weights_backbone=None, **sizes).eval()
    explorer = PyramidExplorer(make_picture(), model)
    assert explorer.plan["scored"] is False and explorer.scores == b""
    check_geometry(explorer, ask(browser, explorer))
    assert "answers" in explorer.describe() and "NMS" not in explorer.describe()
    assert [set(row) for row in explorer.level_rows] == [{"name", "anchors", "best_iou", "reaching"}] * len(
        explorer.levels
    )
    assert explorer.to_png() and "rpnviz" in explorer.to_html()
    with pytest.raises(ValueError, match="stages: this view shows anchors alone"):
        explorer.stages  # noqa: B018
    explorer.objects = []
    assert explorer.describe().endswith(f"anchors on {len(explorer.levels)} levels.")
    with pytest.raises(ValueError, match=r"model must be a RetinaNet or an SSD .* after model\.eval"):
        open_anchors(model.train(), make_picture().image)


def test_words(explorer: PyramidExplorer, browser: Browser) -> None:
    said = ask(browser, explorer)
    car, *_ = said["why"]
    best = int(explorer.best_iou_by_level[0].argmax())
    assert car.startswith(f"car: {explorer.levels[best].name} answers; its best anchor, ")
    assert f"has an IoU of {float(explorer.best_iou_by_level[0].max()):.2f}." in car
    assert explorer.describe().startswith(f"car: {explorer.levels[best].name} answers, its best anchor has an IoU of ")


def test_each_level_has_its_row(explorer: PyramidExplorer) -> None:
    rows = explorer.level_rows
    assert [row["name"] for row in rows] == ["P2", "P3", "P4", "P5", "P6"]
    assert [row["anchors"] for row in rows] == [level.count for level in explorer.levels]
    assert sum(row["proposals"] for row in rows) == len(explorer.stages.proposals)
    explorer.selected = -1
    assert "best_iou" not in explorer.level_rows[0] and explorer.to_png()
    explorer.selected = 199  # as many objects as may be drawn: it is the last that there is
    assert explorer.describe().startswith("dog 2: ")


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("selected", -2, "selected: got -2, takes -1 to 199"),
        ("level", 5, "level: got 5, takes -1 to 4"),
        ("pre_nms_top_n", 0, "pre_nms_top_n: got 0, takes 1 to 1000"),
        ("post_nms_top_n", 10**6, "post_nms_top_n: got 1000000, takes 1 to"),
        ("shown", "labels", "shown"),
    ],
)
def test_refusals(explorer: PyramidExplorer, trait: str, value: Any, message: str) -> None:
    with pytest.raises(t.TraitError, match=message):
        setattr(explorer, trait, value)


def test_what_was_opened_before_is_not_opened_again(model: FasterRCNN) -> None:
    picture = make_picture()
    opened = open_detector(model, picture.image)
    assert PyramidExplorer(picture, model, opened).opened is opened
    with pytest.raises(ValueError, match="model must be a FasterRCNN"):
        PyramidExplorer(picture, nn.Identity())
    with pytest.raises(ValueError, match="picture: got str, takes a Picture"):
        PyramidExplorer("street-03", model)  # type: ignore[arg-type]


def test_a_picture_of_the_readers_own_goes_through_the_same_detector(explorer: PyramidExplorer) -> None:
    before = explorer.top_boxes, explorer.objects, explorer.selected
    own = Picture.open(photograph())
    file_size = list(Image.open(photograph()).size[::-1])
    explorer.set_state(
        {
            "own_picture": {"name": "china.jpg", "file_size": file_size, "number": 1},
            "own_pixels": memoryview(own.image.tobytes()),
            "objects": [],
        }
    )
    wanted = open_detector(explorer._model, own.image)
    assert torch.equal(explorer.stages.proposals, wanted.stages.proposals)
    assert explorer.objects == [] and explorer.picture.image_size == (600, 1000)
    explorer.set_state({"own_picture": {}, "own_pixels": memoryview(b"")})
    assert (explorer.top_boxes, explorer.objects, explorer.selected) == before


def test_what_goes_to_the_page_is_small() -> None:
    assert payload(PyramidExplorer(Picture.load("street-07"), load_detector("fasterrcnn_mini_fpn"))) < 600_000


def test_still_has_the_levels(explorer: PyramidExplorer) -> None:
    image = Image.open(io.BytesIO(explorer.to_png()))
    assert image.size == (1150, 520)
