"""Every explorer on every type of number: it sends the page what it sends for float32, or names what it refuses."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rpnviz.backbone import Backbone
from rpnviz.detection import CLASSES, RoIHead
from rpnviz.explorers import (
    EXPLORERS,
    AnchorsExplorer,
    ChannelsExplorer,
    ConventionsExplorer,
    ConvolutionExplorer,
    DetectionsExplorer,
    FunnelExplorer,
    LinkedExplorer,
    LiveExplorer,
    LossExplorer,
    NmsExplorer,
    OverviewExplorer,
    PrecomputedExplorer,
    RoIExplorer,
    WindowExplorer,
    load,
)
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.linked.scene import Scene, run_scene
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from tests.explorers.small_scene import make_picture
from tests.test_inputs import KINDS, maps

SIZE = (256, 320)
GRID = Grid.floor(SIZE)  # 16 × 20 cells
BOXES = torch.tensor([[0.0, 0, 64, 64], [16, 8, 80, 72], [128, 32, 192, 160], [4, 4, 60, 200]])
SCORES = torch.tensor([0.5, 0.75, 0.25, 0.5])
FEATURES = maps(16, 16, 20).abs()[None]


def small() -> Picture:
    """256×320, one object."""
    return Picture(np.full((*SIZE, 3), 100, np.uint8), BOXES[:1], ["dog"], "mine")


@cache
def heads() -> tuple[RPNHead, RoIHead]:
    torch.manual_seed(0)
    head = RPNHead(16, 9).eval()
    torch.nn.init.normal_(head.cls_logits.weight, std=0.3)
    return head, RoIHead(16, len(CLASSES), channels=4, hidden=8).eval()


@cache
def answers() -> tuple[Tensor, Tensor]:
    """Logits and deltas of the 21,600 anchors of a picture, in quarters."""
    return maps(1, 1, 21_600)[0, 0] + 2, maps(1, 21_600, 4)[0] / 2


def handed(features: Tensor) -> PrecomputedExplorer:
    return PrecomputedExplorer(dataclasses.replace(scene(), features=features))


@cache
def scene() -> Scene:
    return run_scene(small(), GRID, FEATURES, heads()[0])


# By class: what makes it, and the tensors that it is given.
ROWS: dict[str, tuple[Callable[..., RpnvizWidget], dict[str, Tensor]]] = {
    "WindowExplorer": (lambda features: WindowExplorer(small(), GRID, features, heads()[0]), {"features": FEATURES}),
    "OverviewExplorer": (
        lambda features: OverviewExplorer(small(), GRID, features, heads()[0]),
        {"features": FEATURES},
    ),
    "ConvolutionExplorer": (
        lambda features: ConvolutionExplorer(small(), GRID, features, heads()[0]),
        {"features": FEATURES},
    ),
    "ChannelsExplorer": (
        lambda features: ChannelsExplorer({"mine": small()}, GRID, {"mine": features}),
        {"features": FEATURES},
    ),
    "NmsExplorer": (lambda **given: NmsExplorer(small(), **given), {"boxes": BOXES, "scores": SCORES}),
    "RoIExplorer": (
        lambda **given: RoIExplorer(small(), GRID, **given),
        {"features": FEATURES, "proposals": BOXES},
    ),
    "DetectionsExplorer": (
        lambda **given: DetectionsExplorer(small(), GRID, head=heads()[1], **given),
        {"features": FEATURES, "proposals": BOXES},
    ),
    "FunnelExplorer": (
        lambda **given: FunnelExplorer(small(), **given, pre_nms_top_n=100, post_nms_top_n=50),
        {"objectness": answers()[0], "pred_bbox_deltas": answers()[1]},
    ),
    "ConventionsExplorer": (
        lambda **given: ConventionsExplorer(small(), GRID, **given),
        {"objectness": answers()[0][:2880], "pred_bbox_deltas": answers()[1][:2880]},
    ),
    "LossExplorer": (
        lambda **given: LossExplorer(small(), **given),
        {"objectness": answers()[0], "pred_bbox_deltas": answers()[1]},
    ),
    "LinkedExplorer": (
        lambda features: LinkedExplorer(small(), lambda picture, grid: features, heads()[0], "floor"),
        {"features": FEATURES},
    ),
    "PrecomputedExplorer": (handed, {"features": FEATURES[0]}),
}
ELSEWHERE = {"LiveExplorer": "is tried below: what it shows at first is not made of its features"}


def test_every_explorer_that_is_given_tensors_has_a_row() -> None:
    wanted = set()
    for name in EXPLORERS:
        parameters = inspect.signature(load(name).__init__).parameters.values()
        if any(re.search(r"\b(Tensor|Scene)\b", str(parameter.annotation)) for parameter in parameters):
            wanted.add(EXPLORERS[name])
    assert wanted == set(ROWS) | set(ELSEWHERE)


NAMED = [(name, argument) for name, (_, given) in ROWS.items() for argument in given]


@pytest.mark.parametrize("name", ROWS)
def test_the_page_gets_the_same_whatever_the_type(name: str) -> None:
    make, given = ROWS[name]
    wanted = make(**given).saved_state()
    for kind, convert in KINDS.items():
        if kind == "lists" and max(values.numel() for values in given.values()) > 20_000:
            continue  # the smaller ones show it
        got = make(**{argument: convert(values) for argument, values in given.items()}).saved_state()
        assert got.keys() == wanted.keys()
        different = [trait for trait in wanted if got[trait] != wanted[trait]]
        assert not different, (kind, different)


@pytest.mark.parametrize(("name", "argument"), NAMED)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_refused_by_name(name: str, argument: str, value: float) -> None:
    make, given = ROWS[name]
    spoilt = given[argument].clone()
    spoilt.view(-1)[-1] = value
    with pytest.raises(ValueError, match=rf"^{argument}\b"):
        make(**{**given, argument: spoilt})


@pytest.mark.parametrize(("name", "argument"), NAMED)
def test_another_shape_is_refused_by_name(name: str, argument: str) -> None:
    make, given = ROWS[name]
    with pytest.raises(ValueError, match=rf"^{argument}\b"):
        make(**{**given, argument: given[argument][..., :3]})


def test_anchors_that_are_handed_over_may_have_any_type() -> None:
    wanted = PrecomputedExplorer(scene()).saved_state()
    others: list[Any] = [scene().anchors.double(), scene().anchors.numpy(), scene().anchors.clone().requires_grad_()]
    for anchors in others:
        assert PrecomputedExplorer(dataclasses.replace(scene(), anchors=anchors)).saved_state() == wanted


@pytest.mark.parametrize("convert", [np.asarray, torch.tensor, tuple])
def test_scales_may_be_an_array_or_a_tensor(convert: Callable[..., Any]) -> None:
    explorer = AnchorsExplorer(small(), GRID)
    explorer.use("own", [32, 64], [0.5, 1])
    wanted = explorer.saved_state()
    explorer.use("own", convert([32, 64]), convert([0.5, 1]))
    assert explorer.saved_state() == wanted
    for scales in (128, None, [[32.0]], "32"):
        with pytest.raises(ValueError, match=r"^scales"):
            explorer.use("own", scales, [1])


@pytest.mark.parametrize("seed", [np.int64(3), torch.tensor(3)])
def test_a_seed_may_be_numpys(seed: Any) -> None:
    assert LossExplorer(small(), *answers(), seed=seed).offered == LossExplorer(small(), *answers(), seed=3).offered
    with pytest.raises(ValueError, match=r"^seed must be a whole number"):
        LossExplorer(small(), *answers(), seed=0.5)


def test_a_live_training_takes_features_of_any_type_and_names_what_it_refuses(tmp_path: Path) -> None:
    picture = make_picture()
    backbone = Backbone((2, 2, 2, 2, 2)).eval()
    both = maps(512, 40, 60).repeat(2, 1, 1, 1)

    def open_live(**given: Any) -> LiveExplorer:
        given = {"features": [both], "steps": 3, "seed": 0, **given}
        return LiveExplorer(backbone, [picture], watched=picture, checkpoint=tmp_path / "head.pt", **given)

    wanted = open_live()
    wanted.finish()
    for kind in ("half", "bfloat16", "float64", "turned array", "half with a gradient"):
        explorer = open_live(features=[KINDS[kind](both)], steps=np.int64(3), seed=torch.tensor(0))
        explorer.finish()
        assert explorer.losses == wanted.losses, kind
    for name, bad in (("features", [both * math.nan]), ("steps", 10_001), ("steps", 1.5), ("seed", "0")):
        with pytest.raises(ValueError, match=rf"^{name}\b"):
            open_live(**{name: bad})


def test_channels_may_be_numpys() -> None:
    explorer = RoIExplorer(small(), GRID, FEATURES, BOXES, channels=np.array([2, 5]), proposal=np.int64(1))
    assert explorer.plan["channels"] == [2, 5] and explorer.box == BOXES[1].tolist()


def test_no_more_goes_to_a_page_than_it_can_show() -> None:
    many = BOXES[:1].expand(2001, 4)
    with pytest.raises(ValueError, match=r"^proposals are 2,001 boxes; at most 2,000 are taken"):
        DetectionsExplorer(small(), GRID, FEATURES, many, heads()[1])
    with pytest.raises(ValueError, match=r"^proposals are 2,001 boxes; at most 2,000 are taken"):
        RoIExplorer(small(), GRID, FEATURES, many)
