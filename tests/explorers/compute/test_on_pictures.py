"""The page's compute modules on the bundled pictures and all grids: 21,600 anchors, real objects, real answers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from playwright.sync_api import Browser

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head, rpn_losses
from rpnviz.targets import label_anchors, regression_targets, sample_minibatch
from tests.explorers.compute.conversation import check_same
from tests.explorers.compute.test_twins import LABELS, converse, minibatch, seeded, stages

GRIDS = ("paper", "floor", "ceil")
SETTINGS = [6000, 300, 0.7, 16.0]
TRAINING = """(() => {
  const [name, size, gtBoxes, objectness, deltas] = args;
  const anchors = gridAnchors(Grid.named(name, size), cellAnchors());
  const found = labelAnchors(anchors, gtBoxes, size);
  const sampled = sampleMinibatch(found.labels, 256, 0.5, manualSeed(3));
  const targets = regressionTargets(anchors, gtBoxes, found.matchedIdxs);
  return {
    anchors, ...found, ...sampled, targets,
    ...rpnLosses(objectness, deltas, found.labels, targets, sampled.posInds, sampled.negInds),
  };
})()"""
PROPOSALS = """propose(args[2], args[3], gridAnchors(Grid.named(args[0], args[1]), cellAnchors()), args[1],
  { preNmsTopN: args[4], postNmsTopN: args[5], nmsThresh: args[6], minSize: args[7] })"""


def training(name: str, size: list[int], gt_boxes: Any, objectness: Any, deltas: Any) -> dict[str, Any]:
    anchors = grid_anchors(Grid.named(name, (size[0], size[1])), cell_anchors())
    found = label_anchors(anchors, gt_boxes, (size[0], size[1]))
    sampled = sample_minibatch(found.labels, 256, 0.5, seeded(3))
    targets = regression_targets(anchors, gt_boxes, found.matched_idxs)
    losses = rpn_losses(objectness.double(), deltas.double(), found.labels, targets, *sampled)
    says = {ours: getattr(found, theirs) for ours, theirs in LABELS.items()}
    both = dict(zip(("lossObjectness", "lossRpnBoxReg"), map(float, losses), strict=True))
    return {"anchors": anchors, **says, **minibatch(sampled), "targets": targets, **both}


def test_labels_minibatch_and_losses_on_every_picture_and_grid(browser: Browser) -> None:
    generator = torch.Generator().manual_seed(0)
    cases: list[Any] = []
    for picture in map(Picture.load, Picture.bundled()):
        for name in GRIDS:
            count = len(grid_anchors(Grid.named(name), cell_anchors()))
            answers = torch.randn(count, generator=generator), torch.randn(count, 4, generator=generator)
            cases.append([name, list(picture.image_size), picture.gt_boxes, *answers])
    for case, said in zip(cases, converse(browser, TRAINING, cases), strict=True):
        check_same(said, training(*case), f"{case[0]} grid")


@torch.no_grad()
@pytest.mark.parametrize("number", range(len(Picture.bundled())))
def test_every_stage_of_the_proposals_of_the_trained_network(browser: Browser, number: int) -> None:
    picture, name = Picture.load(Picture.bundled()[number]), GRIDS[number % 3]
    grid = Grid.named(name)
    answers = flatten_head(*RPNHead.load("mini")(Backbone.load("mini").features(picture, grid)))
    (said,) = converse(browser, PROPOSALS, [[name, list(picture.image_size), *answers, *SETTINGS]])
    check_same(said, stages(*answers, grid_anchors(grid, cell_anchors()), picture.image_size, *SETTINGS), name)
    assert len(propose(*answers, grid_anchors(grid, cell_anchors()), picture.image_size).nms_inds) > 300
