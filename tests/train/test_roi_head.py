"""Training the second head: what it sees, that it learns, that a run goes on where it stopped."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from rpnviz.backbone import Backbone
from rpnviz.detection import CLASSES, RoIHead
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from rpnviz.train.head import features_and_mirrored, mirror_boxes
from rpnviz.train.roi_head import RoITraining, RoIView, class_labels, roi_views
from tests.train.test_training import PICTURES

GRID = Grid.paper()
CHANNELS = 4
CAR = CLASSES.index("car")


def views(count: int = 2) -> list[RoIView]:
    """A car each, ten proposals on it and ten elsewhere; its features are brighter."""
    made = []
    for number in range(count):
        x = 100 + 300 * number
        car = torch.tensor([[x, 200.0, x + 200, 400]])
        features = torch.zeros(CHANNELS, 40, 60)
        features[:, 13:27, x * 60 // 1000 : (x + 200) * 60 // 1000] = 1
        moved = torch.arange(10.0)[:, None]
        proposals = torch.cat([car + 4 * moved, torch.tensor([[0.0, 0, 90, 90]]) + moved])
        made.append(RoIView(features.half(), proposals, car, torch.tensor([CAR])))
    return made


def roi_training(steps: int, seed: int = 0, weights_seed: int = 0) -> RoITraining:
    torch.manual_seed(weights_seed)
    return RoITraining(RoIHead(CHANNELS, channels=8, hidden=16), views(), GRID, steps, seed=seed, max_lr=1e-2)


def test_a_picture_is_seen_as_it_is_and_mirrored() -> None:
    torch.manual_seed(0)
    backbone, head = Backbone((4, 4, 4, 4, 4)).eval(), RPNHead()
    picture = replace(PICTURES[0], class_names=["car", "dog"])
    plain, mirror = roi_views(picture, backbone, head, GRID)
    both = features_and_mirrored(backbone, picture, GRID)
    assert torch.equal(plain.features, both[0]) and torch.equal(mirror.features, both[1])
    assert torch.equal(plain.gt_boxes, picture.gt_boxes)
    assert torch.equal(mirror.gt_boxes, mirror_boxes(picture.gt_boxes, GRID))
    assert plain.gt_labels.tolist() == mirror.gt_labels.tolist() == [CAR, CLASSES.index("dog")]
    for view in (plain, mirror):
        assert 0 < len(view.proposals) <= 300 and not view.proposals.requires_grad
    assert plain.proposals.shape != mirror.proposals.shape or not torch.equal(plain.proposals, mirror.proposals)


def test_it_learns_and_the_losses_have_torchvisions_names() -> None:
    records = list(roi_training(30).run())
    assert list(records[0]) == ["step", "loss_classifier", "loss_box_reg"]
    assert records[0]["loss_classifier"] == pytest.approx(math.log(len(CLASSES)), rel=0.3)
    assert records[-1]["loss_classifier"] < 0.3 * records[0]["loss_classifier"]


def test_losses_are_the_mean_over_the_pictures() -> None:
    run, (one, two) = roi_training(1), views()
    found = []
    for of_step in ([one, two], [one], [two]):  # 20 proposals and the object are fewer than 128: all are drawn
        found.append(torch.stack(list(run.losses(of_step).values())))
    torch.testing.assert_close(found[0], (found[1] + found[2]) / 2)


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path) -> None:
    records = list(roi_training(4).run())
    begun = roi_training(4)
    early = list(islice(begun.run(), 2))
    begun.save(tmp_path / "run.pt")
    resumed = roi_training(4, seed=7, weights_seed=8)
    resumed.load(tmp_path / "run.pt")
    assert early + list(resumed.run()) == records


def test_an_object_that_the_head_cannot_name_is_refused() -> None:
    picture = Picture(PICTURES[0].image, PICTURES[0].gt_boxes, ["car", "zebra"], "zoo")
    with pytest.raises(ValueError, match=r"class_names of zoo must be among .*; got \['car', 'zebra'\]"):
        class_labels(picture)
