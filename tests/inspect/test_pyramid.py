"""Proposals of a pyramid: by hand, and as torchvision's filter_proposals on drawn input; who answers for an object."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from rpnviz.boxes import box_iou
from rpnviz.inspect.pyramid import STAGES, Level, PyramidStages, best_by_level, level_numbers, propose_by_level

FINE, COARSE = Level("P2", (1, 2), (4, 4), 2), Level("pool", (1, 1), (8, 8), 3)
BOXES = torch.tensor(
    [
        *([0.0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [50, 50, 60, 60]),  # the fine level: 1 overlaps 0 by 0.9
        *([0, 0, 10, 10], [-5, 0, -1, 10], [0, 0, 40, 40]),  # the coarse one: the first as in the fine one; one outside
    ]
)
LOGITS = torch.tensor([2.0, 1, 0, -3, 1.5, 3, -1])


def by_hand(**given: float) -> PyramidStages:
    return propose_by_level(LOGITS, BOXES, (FINE, COARSE), (40, 40), **{"pre_nms_top_n": 3, **given})  # type: ignore[arg-type]


def test_each_stage_by_hand() -> None:
    stages = by_hand()
    assert stages.top_inds.tolist() == [0, 1, 2, 5, 4, 6]  # three of each level, best first
    assert stages.large_inds.tolist() == [0, 1, 2, 4, 6]  # 5 lies beside the picture: no width is left
    assert stages.nms_inds.tolist() == [0, 4, 2, 6]  # 1 falls to 0; 4 is the same box as 0, but of another level
    assert stages.post_nms_inds.tolist() == stages.nms_inds.tolist()
    assert torch.equal(stages.proposals, BOXES[[0, 4, 2, 6]])
    torch.testing.assert_close(stages.scores, LOGITS[[0, 4, 2, 6]].sigmoid())
    assert stages.funnel() == list(zip(STAGES, [[4, 3], [3, 3], [3, 2], [2, 2], [2, 2]], strict=True))
    assert by_hand(score_thresh=0.5).large_inds.tolist() == [0, 1, 2, 4]  # 2 is at it, and stays
    assert level_numbers((FINE, COARSE)).tolist() == stages.level_of.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_fates_in_words() -> None:
    stages = by_hand(post_nms_top_n=3)
    assert [stages.fate(i) for i in range(7)] == [
        "proposal 1 of 3",
        "suppressed by a better box of P2",
        "proposal 3 of 3",
        "below the top 3 scores of P2",
        "proposal 2 of 3",
        "too small after clipping, or below the least score",
        "kept by NMS, beyond the best 3 of all levels",
    ]
    with pytest.raises(ValueError, match="index must be a whole number from 0 to 6; got 7"):
        stages.fate(7)


def test_one_level_gives_nms_no_more_than_may_come_out() -> None:
    """Why 2,000 and 2,000: with five levels up to 10,000 go into NMS."""
    one = propose_by_level(LOGITS[:4], BOXES[:4], (FINE,), (60, 60), pre_nms_top_n=2, post_nms_top_n=2)
    assert len(one.post_nms_inds) == 1  # two went in, one fell: a place stays empty
    both = by_hand(pre_nms_top_n=2, post_nms_top_n=2)
    assert len(both.top_inds) == 4 and len(both.post_nms_inds) == 2


@st.composite
def drawn(draw: st.DrawFn) -> tuple[list[Level], Tensor, Tensor, dict[str, float]]:
    sizes = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=5))
    levels = [Level(f"P{i}", (h, w), (8, 8), a) for i, (h, w, a) in enumerate(sizes)]
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    count = sum(level.count for level in levels)
    corners = torch.rand(count, 2, generator=generator) * 140 - 20
    sides = torch.rand(count, 2, generator=generator) * draw(st.sampled_from([3.0, 60.0, 200.0]))
    logits = (torch.randn(count, generator=generator) * 3).round(decimals=draw(st.integers(0, 3)))  # some tie
    given = {
        "pre_nms_top_n": draw(st.integers(1, 40)),
        "post_nms_top_n": draw(st.integers(1, 40)),
        "nms_thresh": draw(st.sampled_from([0.0, 0.3, 0.7, 1.0])),
        "min_size": draw(st.sampled_from([1e-3, 2.0, 16.0])),
        "score_thresh": draw(st.sampled_from([0.0, 0.3])),
    }
    return levels, logits, torch.cat([corners, corners + sides], dim=1), given


@settings(max_examples=300)
@given(drawn())
def test_as_torchvision_filters(case: tuple[list[Level], Tensor, Tensor, dict[str, float]]) -> None:
    levels, logits, boxes, given = case
    stages = propose_by_level(logits, boxes, levels, (90, 100), **given)  # type: ignore[arg-type]
    tops = ({"training": int(given[key]), "testing": int(given[key])} for key in ("pre_nms_top_n", "post_nms_top_n"))
    rpn = RegionProposalNetwork(
        *(AnchorGenerator(((32,),)), RPNHead(8, 1), 0.7, 0.3, 256, 0.5),
        *(*tops, given["nms_thresh"], given["score_thresh"]),
    ).eval()
    rpn.min_size = given["min_size"]
    (expected,), (scores,) = rpn.filter_proposals(boxes[None], logits[None], [(90, 100)], [one.count for one in levels])
    assert torch.equal(stages.proposals, expected) and torch.equal(stages.scores, scores)
    ends = [set(inds.tolist()) for inds in (stages.top_inds, stages.large_inds, stages.nms_inds, stages.post_nms_inds)]
    assert ends[0] >= ends[1] >= ends[2] >= ends[3]
    assert all(sum(counts) == len(left) for (_, counts), left in zip(stages.funnel()[1:], ends, strict=True))


def test_who_answers_for_an_object() -> None:
    objects = torch.tensor([[0.0, 0, 10, 10], [0, 0, 36, 36], [80, 80, 90, 90]])
    best = best_by_level(BOXES, objects, (FINE, COARSE))
    assert best[0].tolist() == [1, 1] and best[2].tolist() == [0, 0]
    assert best[1, 1] == box_iou(objects[1:2], BOXES[6:7]).item() > best[1, 0]
    assert best_by_level(BOXES, torch.zeros(0, 4), (FINE, COARSE)).shape == (0, 2)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"objectness": LOGITS[:6]}, "objectness 6 and decoded 7 rows must both be 7, the anchors of the levels"),
        ({"objectness": LOGITS * torch.nan}, "objectness"),
        ({"decoded": BOXES[:, :3]}, "decoded"),
        ({"pre_nms_top_n": 0}, "pre_nms_top_n"),
        ({"post_nms_top_n": 2.5}, "post_nms_top_n"),
        ({"nms_thresh": 1.1}, "nms_thresh"),
        ({"min_size": -1}, "min_size"),
        ({"score_thresh": 2}, "score_thresh"),
    ],
)
def test_bad_input_is_named(changed: dict[str, object], words: str) -> None:
    good = {"objectness": LOGITS, "decoded": BOXES, "levels": (FINE, COARSE), "image_size": (40, 40)}
    with pytest.raises(ValueError, match=words):
        propose_by_level(**{**good, **changed})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="boxes: got 6, the levels have 7 anchors"):
        best_by_level(BOXES[:6], BOXES[:1], (FINE, COARSE))
