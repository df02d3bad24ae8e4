"""Proposals: every stage by hand, NMS against a slow one, the whole against torchvision's RPN, properties, refusals."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection import fasterrcnn_resnet50_fpn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork

from rpnviz import proposals
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.boxes import box_iou
from rpnviz.grid import Grid
from rpnviz.proposals import PRESETS, Stages, _find_suppressors, _top_n, propose

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
PAPER = Grid.paper()
PAPER_ANCHORS = grid_anchors(PAPER, cell_anchors())
SMALL = Grid.floor((160, 240))
SMALL_ANCHORS = grid_anchors(SMALL, cell_anchors((32, 64, 128)))  # 10 · 15 · 9 = 1350


def propose_boxes(boxes: Sequence[Sequence[float]], logits: list[float], **settings: Any) -> Stages:
    """`propose` on boxes that stay where they are: zero deltas, a large picture."""
    anchors = torch.tensor(boxes, dtype=torch.float32)
    image_size = settings.pop("image_size", (10_000, 10_000))
    return propose(torch.tensor(logits), torch.zeros(len(boxes), 4), anchors, image_size, **settings)


def random_head(anchors: Tensor, seed: int, spread: float = 0.2) -> tuple[Tensor, Tensor]:
    """Logits, all different, and deltas."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randperm(len(anchors), generator=generator) / len(anchors) * 8 - 4
    return logits, torch.randn(len(anchors), 4, generator=generator) * spread


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_one_pass_through_every_stage() -> None:
    anchors = [
        [0, 0, 100, 100],  # 0: best
        [0, 0, 100, 80],  # 1: IoU 0.8 with 0, suppressed by it
        [-50, 0, 50, 100],  # 2: clipped to 50 × 100
        [195, 0, 295, 100],  # 3: clipped to 5 × 100, too narrow
        [120, 0, 180, 60],  # 4: survives NMS, but is the third
        [120, 60, 180, 90],  # 5: beyond the top 4
    ]
    logits = [3.0, 2.0, 1.0, 2.5, 0.0, -1.0]
    stages = propose_boxes(anchors, logits, image_size=(100, 200), pre_nms_top_n=4, post_nms_top_n=2)
    assert stages.decoded.tolist() == anchors
    assert stages.all_boxes.tolist() == [
        [0, 0, 100, 100],
        [0, 0, 100, 80],
        [0, 0, 50, 100],
        [195, 0, 200, 100],
        [120, 0, 180, 60],
        [120, 60, 180, 90],
    ]
    assert stages.large_inds.tolist() == [0, 1, 2, 4, 5]
    assert stages.pre_nms_inds.tolist() == [0, 1, 2, 4]
    assert stages.nms_inds.tolist() == [0, 2, 4]
    assert stages.post_nms_inds.tolist() == [0, 2]
    assert stages.rank.tolist() == [0, 1, 2, -1, 3, -1]
    assert stages.suppressed_by.tolist() == [-1, 0, -1, -1, -1, -1]
    assert stages.suppressed_iou.tolist() == pytest.approx([0, 0.8, 0, 0, 0, 0])
    assert stages.proposals.tolist() == [[0, 0, 100, 100], [0, 0, 50, 100]]
    # 1 / (1 + e⁻³), 1 / (1 + e⁻¹)
    assert stages.scores.tolist() == pytest.approx([0.952574, 0.731059], abs=1e-6)
    assert stages.all_scores.shape == (6,)
    assert stages.funnel() == [
        ("anchors", 6),
        ("clipped", 6),
        ("large enough", 5),
        ("top-N by score", 4),
        ("after NMS", 3),
        ("proposals", 2),
    ]
    assert [stages.fate(i) for i in range(6)] == [
        "proposal 1 of 2",
        "suppressed by rank 1, IoU 0.80",
        "proposal 2 of 2",
        "too small after clipping",
        "kept by NMS, beyond the best 2",
        "below the top 4 scores",
    ]


def test_settings_are_py_faster_rcnns_for_testing() -> None:
    logits, deltas = random_head(PAPER_ANCHORS, 0, spread=0.0)
    stages = propose(logits, deltas, PAPER_ANCHORS, PAPER.image_size)
    assert [len(stages.pre_nms_inds), len(stages.post_nms_inds)] == [6000, 300]
    # nms_thresh 0.7 and min_size 16, seen from both sides
    assert len(propose_boxes([[0, 0, 100, 100], [0, 0, 100, 71]], [2.0, 1.0]).proposals) == 1
    assert len(propose_boxes([[0, 0, 100, 100], [0, 0, 100, 70]], [2.0, 1.0]).proposals) == 2
    assert len(propose_boxes([[0, 0, 16, 16], [20, 0, 36, 15.9], [40, 0, 55.9, 16]], [2.0, 1.0, 0.0]).proposals) == 1


def test_anchors_move_by_their_deltas() -> None:
    anchors = torch.tensor([[100.0, 100, 200, 200], [300, 100, 400, 200]])
    deltas = torch.tensor([[0.1, 0.4, 0.0, math.log(1.4)], [0.0, 0.0, 0.0, 0.0]])
    stages = propose(torch.tensor([1.0, 2.0]), deltas, anchors, (600, 1000))
    assert stages.proposals[0].tolist() == [300, 100, 400, 200]  # best first
    assert stages.proposals[1].tolist() == pytest.approx([110, 120, 210, 260], abs=1e-3)  # FACTS' example, decoded


def test_background_scores_are_ranked_not_dropped() -> None:
    assert len(propose_boxes([[0, 0, 50, 50], [100, 0, 150, 50]], [-20.0, -30.0]).proposals) == 2


# --- NMS -------------------------------------------------------------------------------------------------------------


def exact_iou(a: list[int], b: list[int]) -> Fraction:
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return Fraction(width * height, sum(areas) - width * height)


def slow_nms(boxes: list[list[int]], logits: list[float], thresh: Fraction) -> tuple[list[int], dict[int, int]]:
    """(kept, best first; who removed whom), in exact fractions, one box after the other."""
    kept: list[int] = []
    removed_by: dict[int, int] = {}
    for i in sorted(range(len(boxes)), key=lambda i: -logits[i]):  # sorted is stable: ties by index
        killers = [k for k in kept if exact_iou(boxes[k], boxes[i]) > thresh]
        if killers:
            removed_by[i] = killers[0]  # the best of them comes first, and its turn came first
        else:
            kept.append(i)
    return kept, removed_by


BOXES = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(2, 10), st.integers(2, 10), st.integers(0, 5)),
    min_size=1,
    max_size=40,
)


@given(BOXES, st.integers(0, 20))
def test_nms_is_the_slow_one(rows: list[tuple[int, ...]], twentieths: int) -> None:
    # a coarse lattice, six scores: full of equal boxes, equal scores and IoUs exactly at the threshold
    boxes = [[10 * x, 10 * y, 10 * (x + w), 10 * (y + h)] for x, y, w, h, _ in rows]
    logits = [float(row[4]) for row in rows]
    stages = propose_boxes(boxes, logits, nms_thresh=twentieths / 20)
    kept, removed_by = slow_nms(boxes, logits, Fraction(twentieths, 20))
    assert stages.nms_inds.tolist() == kept
    assert stages.suppressed_by.tolist() == [removed_by.get(i, -1) for i in range(len(boxes))]
    assert stages.suppressed_iou.tolist() == pytest.approx(
        [float(exact_iou(boxes[removed_by[i]], box)) if i in removed_by else 0 for i, box in enumerate(boxes)]
    )


def test_chain_a_suppressed_box_suppresses_nobody() -> None:
    # A, B, C of width 100 shifted by 20: IoU of neighbours 80/120 = 0.67, of A and C 60/140 = 0.43
    stages = propose_boxes([[0, 0, 100, 100], [20, 0, 120, 100], [40, 0, 140, 100]], [3.0, 2.0, 1.0], nms_thresh=0.5)
    assert stages.nms_inds.tolist() == [0, 2]
    assert stages.suppressed_by.tolist() == [-1, 0, -1]


def test_a_better_box_is_not_suppressed_by_a_worse_one() -> None:
    # B goes because of A (80/120); C, which is worse than B, overlaps B more (90/110) but came too late
    stages = propose_boxes([[0, 0, 100, 100], [20, 0, 120, 100], [30, 0, 130, 100]], [3.0, 2.0, 1.0], nms_thresh=0.6)
    assert stages.nms_inds.tolist() == [0, 2]
    assert stages.suppressed_by.tolist() == [-1, 0, -1]
    assert stages.suppressed_iou.tolist() == pytest.approx([0, 80 / 120, 0])


def test_a_suppressor_is_better_even_if_the_library_rounds_the_last_bit_differently() -> None:
    # as if NMS had removed B for A, whose IoU is 60 / 100 and not above 0.6. C and D, worse than B, overlap B more;
    # E is removed by C and stands in the same block as B
    widths = torch.tensor([100.0, 60, 55, 58, 54])  # A … E, nested: the IoU of two is the ratio of their widths
    boxes = torch.stack([torch.zeros(5), torch.zeros(5), widths, torch.full((5,), 100.0)], dim=1)
    best_first = torch.arange(5)
    by, iou = _find_suppressors(boxes, best_first, torch.tensor([0, 2, 3]), best_first, 0.6)
    assert by.tolist() == [-1, 0, -1, -1, 2]
    assert iou.tolist() == pytest.approx([0, 0.6, 0, 0, 54 / 55])


@pytest.mark.parametrize("tenths", range(1, 10))
def test_at_the_threshold_both_stay(tenths: int) -> None:
    # IoU of a box with its own left part is that part: exactly the threshold, and one hundredth above it
    settings = {"nms_thresh": tenths / 10, "min_size": 0}
    boxes = [[0, 0, 100, 100], [0, 0, 10 * tenths, 100]]
    assert propose_boxes(boxes, [2.0, 1.0], **settings).nms_inds.tolist() == [0, 1]
    boxes[1][2] += 1
    assert propose_boxes(boxes, [2.0, 1.0], **settings).nms_inds.tolist() == [0]


def test_equal_scores_keep_the_order_of_the_anchors() -> None:
    logits, deltas = torch.zeros(len(SMALL_ANCHORS)), torch.zeros(len(SMALL_ANCHORS), 4)
    stages = propose(logits, deltas, SMALL_ANCHORS, SMALL.image_size)
    assert torch.equal(stages.pre_nms_inds, stages.large_inds)
    assert (stages.nms_inds.diff() > 0).all()
    assert stages.scores.unique().tolist() == [0.5]


def test_scores_that_round_to_one_are_still_ranked() -> None:
    # both sigmoids are 1 in float32; the logits say which is better
    stages = propose_boxes([[0, 0, 50, 50], [0, 0, 50, 49]], [30.0, 40.0])
    assert stages.all_scores.tolist() == [1.0, 1.0]
    assert stages.nms_inds.tolist() == [1]
    assert stages.suppressed_by.tolist() == [1, -1]


# --- torchvision as oracle -------------------------------------------------------------------------------------------


def torchvisions_proposals(
    logits: Tensor, deltas: Tensor, anchors: Tensor, image_size: tuple[int, int], settings: dict[str, float]
) -> tuple[Tensor, Tensor]:
    """The boxes and scores of torchvision's RPN in evaluation."""
    rpn = RegionProposalNetwork(
        AnchorGenerator(),
        torch.nn.Identity(),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 0, "testing": int(settings["pre_nms_top_n"])},
        post_nms_top_n={"training": 0, "testing": int(settings["post_nms_top_n"])},
        nms_thresh=settings["nms_thresh"],
    ).eval()
    rpn.min_size = settings["min_size"]
    decoded = rpn.box_coder.decode(deltas, [anchors]).view(1, -1, 4)
    boxes, scores = rpn.filter_proposals(decoded, logits[:, None], [image_size], [len(anchors)])
    return boxes[0], scores[0]


@pytest.mark.parametrize("nms_thresh", [0.5, 0.7])
@pytest.mark.parametrize("seed", range(3))
def test_proposals_are_torchvisions_where_the_top_n_is_everything(seed: int, nms_thresh: float) -> None:
    settings = {"pre_nms_top_n": 5000, "post_nms_top_n": 200, "nms_thresh": nms_thresh, "min_size": 16}
    logits, deltas = random_head(SMALL_ANCHORS, seed, spread=0.6)
    stages = propose(logits, deltas, SMALL_ANCHORS, SMALL.image_size, **settings)  # type: ignore[arg-type]
    assert len(stages.large_inds) < len(SMALL_ANCHORS)  # some are dropped
    boxes, scores = torchvisions_proposals(logits, deltas, SMALL_ANCHORS, SMALL.image_size, settings)
    torch.testing.assert_close(stages.scores, scores, rtol=1e-6, atol=0)  # ours are rounded once
    torch.testing.assert_close(stages.proposals, boxes, rtol=0, atol=1e-3)


def test_proposals_are_torchvisions_on_the_paper_grid_where_nothing_is_dropped() -> None:
    settings = {"pre_nms_top_n": 3000, "post_nms_top_n": 300, "nms_thresh": 0.7, "min_size": 1e-3}
    logits, deltas = random_head(PAPER_ANCHORS, 0, spread=0.1)
    stages = propose(logits, deltas, PAPER_ANCHORS, PAPER.image_size, **settings)  # type: ignore[arg-type]
    assert len(stages.large_inds) == 21_600
    boxes, scores = torchvisions_proposals(logits, deltas, PAPER_ANCHORS, PAPER.image_size, settings)
    assert len(boxes) == 300
    torch.testing.assert_close(stages.scores, scores, rtol=1e-6, atol=0)  # ours are rounded once
    torch.testing.assert_close(stages.proposals, boxes, rtol=0, atol=1e-3)


def test_the_one_difference_in_order() -> None:
    # the best box is too small. torchvision fills its top 1 with it and is left with nothing; here the next moves up
    settings = {"pre_nms_top_n": 1, "post_nms_top_n": 10, "nms_thresh": 0.7, "min_size": 16}
    anchors, deltas = torch.tensor([[0.0, 0, 5, 5], [0, 0, 50, 50]]), torch.zeros(2, 4)
    logits = torch.tensor([2.0, 1.0])
    assert len(torchvisions_proposals(logits, deltas, anchors, (100, 100), settings)[0]) == 0
    stages = propose(logits, deltas, anchors, (100, 100), **settings)  # type: ignore[arg-type]
    assert stages.post_nms_inds.tolist() == [1]


# --- properties ------------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 2**31),
    st.floats(0, 1.5),
    st.integers(1, 1500),
    st.integers(1, 300),
    st.floats(0.05, 1),
    st.floats(0, 80),
)
def test_proposal_properties(seed: int, spread: float, pre: int, post: int, thresh: float, min_size: float) -> None:
    logits, deltas = random_head(SMALL_ANCHORS, seed, spread)
    stages = propose(logits, deltas, SMALL_ANCHORS, SMALL.image_size, pre, post, thresh, min_size)
    # each stage is a part of the one before, in the same order
    assert torch.isin(stages.pre_nms_inds, stages.large_inds).all()
    kept = torch.isin(stages.pre_nms_inds, stages.nms_inds)
    assert torch.equal(stages.pre_nms_inds[kept], stages.nms_inds)
    assert torch.equal(stages.nms_inds[:post], stages.post_nms_inds)
    assert len(stages.pre_nms_inds) == min(pre, len(stages.large_inds))
    counts = [count for _, count in stages.funnel()]
    assert counts == sorted(counts, reverse=True)
    # proposals: sorted, inside, large, apart
    assert (stages.scores.diff() <= 0).all()
    assert (stages.proposals >= 0).all()
    assert (stages.proposals[:, 2:] <= torch.tensor([240, 160])).all()
    assert (stages.proposals[:, 2:] - stages.proposals[:, :2] >= min_size).all()
    assert (stages.proposals[:, 2:] > stages.proposals[:, :2]).all()
    apart = box_iou(stages.proposals, stages.proposals).fill_diagonal_(0)
    assert (apart <= thresh + 1e-6).all()
    # ranks and suppressors
    assert torch.equal(stages.rank[stages.pre_nms_inds], torch.arange(len(stages.pre_nms_inds)))
    assert int((stages.rank >= 0).sum()) == len(stages.pre_nms_inds)
    removed = stages.pre_nms_inds[~kept]
    assert torch.equal((stages.suppressed_by >= 0).nonzero().flatten(), removed.sort().values)
    by = stages.suppressed_by[removed]
    assert torch.isin(by, stages.nms_inds).all()
    assert (stages.rank[by] < stages.rank[removed]).all()
    assert (stages.suppressed_iou[removed] > thresh - 1e-6).all()
    # what no one dropped is told so
    fates = {stages.fate(int(i)).split(" ")[0] for i in stages.post_nms_inds[:5]}
    assert fates <= {"proposal"}


# --- degenerate input ------------------------------------------------------------------------------------------------


def test_nothing_is_large_enough() -> None:
    stages = propose_boxes([[0, 0, 50, 50], [0, 0, 60, 60]], [1.0, 2.0], min_size=100)
    assert stages.proposals.shape == (0, 4)
    assert stages.scores.shape == (0,)
    assert stages.suppressed_by.tolist() == [-1, -1]
    assert [count for _, count in stages.funnel()] == [2, 2, 0, 0, 0, 0]
    assert stages.fate(0) == "too small after clipping"


def test_boxes_without_area_are_dropped_even_at_min_size_0() -> None:
    outside = [[200, 0, 250, 50], [0, 0, 50, 50]]  # clipped to a line at x = 100
    assert propose_boxes(outside, [2.0, 1.0], image_size=(100, 100), min_size=0).large_inds.tolist() == [1]


def test_no_anchors() -> None:
    stages = propose(torch.zeros(0), torch.zeros(0, 4), torch.zeros(0, 4), (100, 100))
    assert [count for _, count in stages.funnel()] == [0] * 6


def test_wild_deltas_stay_finite() -> None:
    deltas = torch.tensor([[1e30, 0, 0, 0], [0, 0, 100.0, 100], [0, 0, -100.0, -100], [3e38, 0, 90, 0]])
    stages = propose(torch.arange(4.0), deltas, torch.tensor([[10.0, 10, 60, 60]] * 4), (100, 100))
    assert stages.post_nms_inds.tolist() == [1]  # it grew over the whole picture, the others left it or shrank
    assert stages.proposals.tolist() == [[0, 0, 100, 100]]


def good() -> dict[str, Any]:
    return {
        "objectness": torch.zeros(3),
        "pred_bbox_deltas": torch.zeros(3, 4),
        "anchors": torch.tensor([[0.0, 0, 50, 50]] * 3),
        "image_size": (100, 100),
    }


@pytest.mark.parametrize("argument", ["objectness", "pred_bbox_deltas", "anchors"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused_by_name(argument: str, value: float) -> None:
    arguments = good()
    arguments[argument].view(-1)[1] = value
    with pytest.raises(ValueError, match=f"^{argument} must be finite"):
        propose(**arguments)


@pytest.mark.parametrize(
    ("argument", "shape"),
    [
        ("objectness", (1, 3)),
        ("pred_bbox_deltas", (3, 5)),
        ("pred_bbox_deltas", (2, 4)),
        ("anchors", (2, 4)),
        ("anchors", (12,)),
    ],
)
def test_other_shapes_are_refused_by_name(argument: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"^{argument} must be"):
        propose(**{**good(), argument: torch.zeros(shape)})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("pre_nms_top_n", 0),
        ("post_nms_top_n", 0),
        ("nms_thresh", -0.1),
        ("nms_thresh", 1.1),
        ("nms_thresh", math.nan),
        ("min_size", -1),
        ("min_size", math.nan),
    ],
)
def test_settings_out_of_range_are_refused_by_name(argument: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{argument} .*must"):
        propose(**{**good(), argument: value})


# --- what is worked out when asked for -------------------------------------------------------------------------------


def test_suppressors_are_worked_out_when_asked_for_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counting(*args: Any) -> tuple[Tensor, Tensor]:
        calls.append(len(args[0]))
        return _find_suppressors(*args)

    monkeypatch.setattr(proposals, "_find_suppressors", counting)
    stages = propose_boxes([[0, 0, 100, 100], [0, 0, 100, 80]], [3.0, 2.0])
    assert len(stages.proposals) == len(stages.scores) == dict(stages.funnel())["proposals"] == 1
    assert stages.fate(0) == "proposal 1 of 1" and stages.rank.tolist() == [0, 1]
    assert calls == []
    assert stages.fate(1) == "suppressed by rank 1, IoU 0.80"
    assert stages.suppressed_by.tolist() == [-1, 0] and stages.suppressed_iou.tolist() == pytest.approx([0, 0.8])
    assert calls == [2]


@given(st.lists(st.integers(-3, 3), max_size=40), st.integers(1, 50))
def test_the_top_n_are_those_of_a_stable_sort(logits: list[int], count: int) -> None:
    by_score = sorted(range(len(logits)), key=lambda i: -logits[i])  # stable: ties by index
    assert _top_n(torch.tensor(logits, dtype=torch.float32), count).tolist() == by_score[:count]


# --- gradient and device ---------------------------------------------------------------------------------------------


def all_of(stages: Stages) -> list[Tensor]:
    kept = [value for value in vars(stages).values() if isinstance(value, Tensor)]
    assert len(kept) == 7
    return [*kept, stages.rank, stages.suppressed_by, stages.suppressed_iou, stages.proposals, stages.scores]


def test_no_gradient_flows_through_a_proposal() -> None:
    arguments = good()
    arguments["objectness"].requires_grad_()
    arguments["pred_bbox_deltas"].requires_grad_()
    assert not any(tensor.requires_grad for tensor in all_of(propose(**arguments)))


@pytest.mark.parametrize("device", DEVICES)
def test_everything_stays_on_its_device(device: str) -> None:
    logits, deltas = random_head(SMALL_ANCHORS, 0)
    expected = propose(logits, deltas, SMALL_ANCHORS, SMALL.image_size)
    stages = propose(logits.to(device), deltas.to(device), SMALL_ANCHORS.to(device), SMALL.image_size)
    assert {tensor.device.type for tensor in all_of(stages)} == {device}
    assert stages.proposals.device.type == device
    torch.testing.assert_close(stages.proposals.cpu(), expected.proposals, rtol=0, atol=1e-3)
    assert stages.fate(int(stages.post_nms_inds[0])) == "proposal 1 of 300"


# --- presets ---------------------------------------------------------------------------------------------------------


def test_torchvisions_presets_are_its_own_defaults() -> None:
    rpn = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None).rpn
    for phase, settings in PRESETS["torchvision"].items():
        rpn.train(phase == "train")
        assert settings == {
            "pre_nms_top_n": rpn.pre_nms_top_n(),
            "post_nms_top_n": rpn.post_nms_top_n(),
            "nms_thresh": rpn.nms_thresh,
            "min_size": rpn.min_size,
        }


def test_py_faster_rcnns_preset_is_the_default() -> None:
    defaults = {
        name: p.default for name, p in inspect.signature(propose).parameters.items() if p.default is not p.empty
    }
    assert PRESETS["py-faster-rcnn"]["test"] == defaults


@pytest.mark.parametrize("phase", ["train", "test"])
@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_settings_of_propose(name: str, phase: str) -> None:
    settings = PRESETS[name][phase]
    stages = propose(*random_head(SMALL_ANCHORS, 0), SMALL_ANCHORS, SMALL.image_size, **settings)
    counts = dict(stages.funnel())
    assert counts["top-N by score"] == min(counts["large enough"], settings["pre_nms_top_n"])
    assert counts["proposals"] == min(counts["after NMS"], settings["post_nms_top_n"])


def test_an_nms_of_somebody_else_is_traced_and_nothing_it_removed_is_without_a_suppressor() -> None:
    """Three boxes, best first: the first two overlap by half, the third lies apart."""
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60]])
    rows, scores = torch.arange(3), torch.tensor([0.9, 0.8, 0.7])

    def removed(kept: list[int]) -> list[tuple[int, float]]:
        stages = Stages.from_nms(
            all_scores=scores,
            decoded=boxes,
            all_boxes=boxes,
            large_inds=rows,
            pre_nms_inds=rows,
            nms_inds=torch.tensor(kept, dtype=torch.int64),
            post_nms_top_n=300,
            nms_thresh=0.4,
        )
        return list(zip(stages.suppressed_by.tolist(), stages.suppressed_iou.tolist(), strict=True))

    assert removed([0, 2]) == [(-1, 0), (0, 0.5), (-1, 0)]
    assert removed([0]) == [(-1, 0), (0, 0.5), (0, 0)]  # the third for no reason
    assert removed([1, 2]) == [(1, 0.5), (-1, 0), (-1, 0)]  # by a worse one
    assert removed([]) == [(-1, 0)] * 3
