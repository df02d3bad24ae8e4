"""Stage by stage: the very boxes of `propose`, who is dropped where, and which objects remain covered."""

from __future__ import annotations

import pytest
import torch

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.grid import Grid
from rpnviz.inspect.funnel import STAGES, dropped_at, score_order, stage_by_stage
from rpnviz.proposals import Stages, propose

SMALL = Grid.floor((160, 240))
ANCHORS = grid_anchors(SMALL, cell_anchors((32, 64, 128)))


def proposed(seed: int = 0) -> Stages:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(len(ANCHORS), generator=generator) * 40  # many sigmoids round to 1
    deltas = torch.randn(len(ANCHORS), 4, generator=generator) * 0.2
    return propose(logits, deltas, ANCHORS, SMALL.image_size, pre_nms_top_n=600, post_nms_top_n=40, min_size=16)


def test_by_hand() -> None:
    # as in test_proposals.test_one_pass_through_every_stage
    anchors = torch.tensor(
        [
            [0.0, 0, 100, 100],  # 0: a proposal
            [0, 0, 100, 80],  # 1: suppressed by 0
            [-50, 0, 50, 100],  # 2: a proposal
            [195, 0, 295, 100],  # 3: too narrow once clipped
            [120, 0, 180, 60],  # 4: the third of two
            [120, 60, 180, 90],  # 5: beyond the top 4
        ]
    )
    logits = torch.tensor([3.0, 2.0, 1.0, 2.5, 0.0, -1.0])
    stages = propose(logits, torch.zeros(6, 4), anchors, (100, 200), pre_nms_top_n=4, post_nms_top_n=2)
    assert [STAGES[i] if i < len(STAGES) else "stays" for i in dropped_at(stages).tolist()] == [
        "stays",
        "after NMS",
        "stays",
        "large enough",
        "proposals",
        "top-N by score",
    ]
    objects = torch.tensor([[120.0, 0, 180, 60], [0, 0, 100, 80]])
    rows = stage_by_stage(stages, anchors, objects)
    assert [row.inds.tolist() for row in rows] == [
        [0, 3, 1, 2, 4, 5],
        [0, 3, 1, 2, 4, 5],
        [0, 3, 1, 2, 4, 5],
        [0, 1, 2, 4, 5],
        [0, 1, 2, 4],
        [0, 2, 4],
        [0, 2],
    ]
    assert [row.covered(0.9) for row in rows] == [2, 2, 2, 2, 2, 1, 0]
    assert rows[5].best_ious.tolist() == pytest.approx([1.0, 0.8])  # the second object is left to box 0
    assert rows[1].boxes[3].tolist() == [-50, 0, 50, 100] and rows[2].boxes[3].tolist() == [0, 0, 50, 100]


@pytest.mark.parametrize("seed", range(3))
def test_stages_are_those_of_propose(seed: int) -> None:
    stages = proposed(seed)
    rows = stage_by_stage(stages, ANCHORS, torch.zeros(0, 4))
    counts = [count for _, count in stages.funnel()]
    assert [len(row.inds) for row in rows] == [counts[0], *counts]
    assert torch.equal(rows[4].inds, stages.pre_nms_inds)
    assert torch.equal(rows[5].inds, stages.nms_inds)
    assert torch.equal(rows[6].inds, stages.post_nms_inds) and torch.equal(rows[6].boxes, stages.proposals)
    assert torch.equal(rows[0].boxes, ANCHORS[score_order(stages)])
    assert [row.name for row in rows] == list(STAGES) and {row.covered(0.5) for row in rows} == {0}


def test_order_is_a_permutation_that_keeps_the_order_of_nms() -> None:
    stages = proposed()
    assert (stages.all_scores == 1).sum() > 100  # the scores alone could not tell
    order = score_order(stages)
    assert order.sort().values.tolist() == list(range(len(ANCHORS)))
    assert (stages.all_scores[order].diff() <= 0).all()


def test_nothing_large_enough_covers_nothing() -> None:
    stages = propose(torch.zeros(1), torch.zeros(1, 4), torch.tensor([[0.0, 0, 8, 8]]), (100, 200), min_size=16)
    rows = stage_by_stage(stages, stages.decoded, stages.decoded)
    assert [row.covered(1.0) for row in rows] == [1, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("iou_thresh", [-0.1, 1.1, float("nan")])
def test_a_threshold_out_of_range_is_named(iou_thresh: float) -> None:
    row = stage_by_stage(proposed(), ANCHORS, torch.zeros(0, 4))[0]
    with pytest.raises(ValueError, match=f"iou_thresh must be .* at most 1; got {iou_thresh}"):
        row.covered(iou_thresh)


def test_other_anchors_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"anchors must be \[1350, 4\], as the stages; got \[1349, 4\]"):
        stage_by_stage(proposed(), ANCHORS[1:], torch.zeros(0, 4))
    with pytest.raises(ValueError, match=r"anchors\[0\] must have x1 ≤ x2"):
        stage_by_stage(proposed(), ANCHORS.flip(1), torch.zeros(0, 4))
    with pytest.raises(ValueError, match=r"gt_boxes must be Tensor\[N, 4\]"):
        stage_by_stage(proposed(), ANCHORS, torch.zeros(4))
