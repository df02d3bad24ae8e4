"""Labels, the minibatch and its targets: by hand, against torchvision, by properties, and with degenerate input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
import torchvision.ops
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher

from rpnviz import boxes, targets
from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.boxes import box_iou, encode
from rpnviz.grid import Grid
from rpnviz.targets import AnchorLabels, label_anchors, regression_targets, sample_minibatch, sample_unbalanced

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
FLOOR = Grid.floor()
FLOOR_ANCHORS = grid_anchors(FLOOR, cell_anchors())
PAPER = Grid.paper()
PAPER_ANCHORS = grid_anchors(PAPER, cell_anchors())
EXACT_PAPER_ANCHORS = grid_anchors(PAPER, cell_anchors().double())
SMALL = Grid.floor((160, 240))
SMALL_ANCHORS = grid_anchors(SMALL, cell_anchors((32, 64, 128)))
LARGE_PICTURE = (10_000, 10_000)  # no anchor of a hand-made list crosses its border

Boxes = Sequence[Sequence[float]]


def label(anchors: Boxes, gt_boxes: Boxes, **settings: Any) -> AnchorLabels:
    return label_anchors(
        torch.tensor(anchors, dtype=torch.float32),
        torch.tensor(gt_boxes, dtype=torch.float32).reshape(-1, 4),
        settings.pop("image_size", LARGE_PICTURE),
        **settings,
    )


# --- by hand ----------------------------------------------------------------------------------------------------------

HEIGHTS = (100, 70, 69, 50, 30, 29)  # anchors [0, 0, 100, height] in a gt box of 100 × 100: IoU is height / 100


def test_two_thresholds() -> None:
    found = label([[0, 0, 100, height] for height in HEIGHTS], [[0, 0, 100, 100]])
    assert found.iou.tolist() == pytest.approx([1.0, 0.7, 0.69, 0.5, 0.3, 0.29])
    # at 0.7 positive, below it ignored; at 0.3 still ignored, below it negative
    assert found.labels.tolist() == [1, 1, -1, -1, -1, 0]
    assert found.matched_idxs.tolist() == [0, 0, -1, -1, -1, -1]
    assert found.best_gt_idxs.tolist() == [0] * 6  # also of those that are not positive
    assert not found.low_quality.any()
    assert found.best_iou_per_gt.tolist() == [1.0]
    assert (found.labels.dtype, found.matched_idxs.dtype, found.iou.dtype) == (torch.int8, torch.int64, torch.float32)


def test_thresholds_of_ones_own() -> None:
    found = label([[0, 0, 100, h] for h in HEIGHTS], [[0, 0, 100, 100]], fg_iou_thresh=0.5, bg_iou_thresh=0.5)
    assert found.labels.tolist() == [1, 1, 1, 1, 0, 0]


def test_best_anchor_is_positive_whatever_its_iou() -> None:
    anchors = [[0, 0, 100, 40], [0, 0, 100, 20], [0, 0, 20, 100]]  # IoU 0.4, 0.2, 0.2 with the first gt box
    gt_boxes = [[0, 0, 100, 100], [500, 0, 600, 100]]
    found = label([*anchors, [500, 0, 600, 5], [500, 95, 600, 100]], gt_boxes)
    # 0.4 is the best of gt 0; gt 1 has two best, both 0.05
    assert found.labels.tolist() == [1, 0, 0, 1, 1]
    assert found.matched_idxs.tolist() == [0, -1, -1, 1, 1]
    assert found.low_quality.tolist() == [True, False, False, True, True]
    assert found.best_iou_per_gt.tolist() == pytest.approx([0.4, 0.05])
    without = label([*anchors, [500, 0, 600, 5]], gt_boxes, allow_low_quality_matches=False)
    assert without.labels.tolist() == [-1, 0, 0, 0]
    assert not without.low_quality.any()


def test_best_of_a_gt_box_keeps_its_own_argmax() -> None:
    # IoU of the anchors with (gt 0, gt 1): 6000/10000 and 6500/10000; 390/6260 and 650/6500.
    # Both gt boxes like anchor 0 best; it goes to gt 1, so gt 0 ends with no anchor
    anchors: Boxes = [[0.0, 0, 100, 100], [0, 0, 100, 6.5]]
    gt_boxes: Boxes = [[0.0, 0, 60, 100], [0, 0, 100, 65]]
    found = label(anchors, gt_boxes)
    assert box_iou(torch.tensor(gt_boxes), torch.tensor(anchors)).T.tolist() == [
        pytest.approx([0.60, 0.65]),
        pytest.approx([0.0623, 0.10], abs=1e-4),
    ]
    assert found.labels.tolist() == [1, 0]
    assert found.matched_idxs.tolist() == [1, -1]
    assert found.best_iou_per_gt.tolist() == pytest.approx([0.60, 0.65])


def test_cross_boundary_anchors_are_dropped_before_labelling() -> None:
    anchors = [[-1, 0, 100, 100], [0, 0, 100, 80], [0, 0, 100, 20], [150, 50, 201, 100]]
    gt_boxes = [[0, 0, 100, 100], [160, 50, 200, 100]]
    found = label(anchors, gt_boxes, image_size=(100, 200))
    assert found.crosses_boundary.tolist() == [True, False, False, True]
    assert found.labels.tolist() == [-1, 1, 0, -1]
    assert found.iou.tolist() == pytest.approx([100 / 101, 0.8, 0.2, 40 / 51])  # known of dropped ones, too
    assert found.best_iou_per_gt.tolist() == pytest.approx([0.8, 0.0])  # the best of what is left
    kept = label(anchors, gt_boxes, image_size=(100, 200), drop_cross_boundary=False)
    assert kept.labels.tolist() == [1, 1, 0, 1]
    assert not kept.crosses_boundary.any()
    assert kept.best_iou_per_gt.tolist() == pytest.approx([100 / 101, 40 / 51])


def test_dropping_a_best_anchor_makes_the_next_one_best() -> None:
    found = label([[-1, 0, 100, 40], [0, 0, 100, 35]], [[0, 0, 100, 100]], image_size=(100, 200))
    assert found.labels.tolist() == [-1, 1]
    assert found.low_quality.tolist() == [False, True]


@pytest.mark.parametrize(
    ("grid", "ties"),
    [
        # 182 × 90 holds the ball if its centre is in x 434 … 566, y 280 … 320: 8 + 16·i for i 27 … 34, 17 … 19: 8 · 3.
        # 90 × 182: x 480 … 520, y 234 … 366: i 30 … 32, 15 … 22: 3 · 8
        (Grid.floor(), 48),
        # the same with centres 16.667·(i + .5), 15·(i + .5): i 26 … 33, 19 … 20, and 29 … 30, 16 … 23
        (Grid.paper(), 32),
    ],
    ids=["floor", "paper"],
)
def test_a_small_ball_lives_by_the_best_per_gt_rule_alone(grid: Grid, ties: int) -> None:
    ball = torch.tensor([[475.0, 275, 525, 325]])
    found = label_anchors(grid_anchors(grid, cell_anchors()), ball, grid.image_size)
    # the smallest anchors that hold it are 182 × 90 (128 × 128 is larger by 4 px²): 2500 / 16380
    assert found.best_iou_per_gt.item() == pytest.approx(2500 / 16380)
    assert found.best_iou_per_gt.item() < 0.16
    assert int((found.labels == 1).sum()) == ties
    assert torch.equal(found.labels == 1, found.low_quality)
    assert not (found.labels == -1)[~found.crosses_boundary].any()


@pytest.mark.parametrize(
    ("anchors", "image_size", "positives", "torchvisions"),
    [
        # The box is 480 … 488, 300 … 308. 182 × 90 holds it if its centre is in x 397 … 571, y 263 … 345, that is
        # 8 + 16·i for i 25 … 35, 16 … 21: 11 · 6. 90 × 182: x 443 … 525, y 217 … 391: i 28 … 32, 14 … 23: 5 · 10
        (FLOOR_ANCHORS, FLOOR.image_size, 116, 116),
        # the same with centres 16.667·(i + .5), 15·(i + .5): i 24 … 33, 18 … 22: 10 · 5, and 27 … 31, 14 … 25: 5 · 12
        (PAPER_ANCHORS, PAPER.image_size, 110, 12),
    ],
    ids=["floor", "paper"],
)
def test_a_tie_is_relative(anchors: Tensor, image_size: tuple[int, int], positives: int, torchvisions: int) -> None:
    # 64 / 16380 and 64 / 16384 are two IoUs, though they differ by less than a millionth
    gt_boxes = torch.tensor([[480.0, 300, 488, 308]])
    found = label_anchors(anchors, gt_boxes, image_size)
    positive = found.labels == 1
    assert found.best_iou_per_gt.item() == pytest.approx(64 / 16380)
    assert int(positive.sum()) == found.num_tied.item() == positives
    areas = (anchors[:, 2:] - anchors[:, :2]).prod(dim=1)
    assert areas[positive].tolist() == pytest.approx([182 * 90] * positives)
    assert int((torchvisions_labels(anchors, gt_boxes, True)[0] == 1).sum()) == torchvisions


def test_what_each_gt_box_has() -> None:
    # gt 0: IoU 0.4 with anchors 1 and 2, 0.2 with 3. gt 1: 0.5 with 3. gt 2: none. Anchor 0 fits best, but was dropped.
    anchors = [[-1, 0, 100, 100], [0, 0, 100, 40], [0, 60, 100, 100], [0, 100, 100, 120], [700, 0, 710, 10]]
    gt_boxes = [[0, 0, 100, 100], [0, 100, 100, 140], [900, 900, 910, 910]]
    found = label(anchors, gt_boxes)
    assert found.best_iou_per_gt.tolist() == pytest.approx([0.4, 0.5, 0])
    assert found.best_anchor_per_gt.tolist() == [1, 3, -1]  # the first of those that tie
    assert found.num_tied.tolist() == [2, 1, 0]
    assert found.best_for_gt_idxs.tolist() == [-1, 0, 0, 1, -1]
    assert found.labels.tolist() == [-1, 1, 1, 1, 0]
    assert {tensor.dtype for tensor in (found.best_anchor_per_gt, found.num_tied, found.best_for_gt_idxs)} == {
        torch.int64
    }


def test_an_anchor_may_be_the_best_of_several_gt_boxes_and_counts_for_each() -> None:
    # one anchor, two gt boxes in it, each half as large; it goes to the first
    found = label([[0, 0, 100, 100], [300, 0, 310, 10]], [[0, 0, 100, 50], [0, 50, 100, 100]])
    assert (found.num_tied.tolist(), found.best_anchor_per_gt.tolist()) == ([1, 1], [0, 0])
    assert (found.best_for_gt_idxs.tolist(), found.matched_idxs.tolist()) == ([0, -1], [0, -1])


# --- torchvision as oracle --------------------------------------------------------------------------------------------


def random_gt_boxes(seed: int, count: int, image_size: tuple[int, int]) -> Tensor:
    """Whole-numbered boxes inside the picture, from small to as large as it is."""
    generator = torch.Generator().manual_seed(seed)
    height, width = image_size
    size = torch.tensor([width, height])
    corners = (torch.rand(count, 2, 2, generator=generator) * size).round().sort(dim=1).values.flatten(1)
    corners[:, 2:] = torch.maximum(corners[:, 2:], corners[:, :2] + 10)
    return corners


def torchvisions_labels(anchors: Tensor, gt_boxes: Tensor, low_quality: bool) -> tuple[Tensor, Tensor]:
    """(labels, matched_idxs) in our notation: its -1 is our label 0, its -2 our label -1."""
    matches = Matcher(0.7, 0.3, low_quality)(torchvision.ops.box_iou(gt_boxes, anchors))
    labels = torch.where(matches >= 0, 1, torch.where(matches == Matcher.BELOW_LOW_THRESHOLD, 0, -1))
    return labels.to(torch.int8), matches.clamp(min=-1)


@pytest.mark.parametrize("low_quality", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_labels_are_torchvisions(seed: int, low_quality: bool) -> None:
    # whole-numbered anchors and gt boxes: ties are ties in any arithmetic
    gt_boxes = random_gt_boxes(seed, 6, FLOOR.image_size)
    gt_boxes[0, 2:] = gt_boxes[0, :2] + 20  # a small one: many ties
    found = label_anchors(
        FLOOR_ANCHORS,
        gt_boxes,
        FLOOR.image_size,
        allow_low_quality_matches=low_quality,
        drop_cross_boundary=False,
    )
    labels, matched_idxs = torchvisions_labels(FLOOR_ANCHORS, gt_boxes, low_quality)
    assert torch.equal(found.labels, labels)
    assert torch.equal(found.matched_idxs, matched_idxs)


# On a small box the best anchors hold it and are of the smallest area; next come 128 × 128, 1 / 4096 larger, and those
# that miss a pixel of it, a share of 1 / 40 or more. So there is no doubt about what ties.
SMALL_BOXES = st.tuples(st.integers(220, 700), st.integers(220, 340), st.integers(6, 40), st.integers(6, 40)).map(
    lambda row: torch.tensor([[row[0], row[1], row[0] + row[2], row[1] + row[3]]], dtype=torch.float32)
)


@given(SMALL_BOXES)
def test_ties_are_torchvisions_where_corners_are_whole_numbers(gt_boxes: Tensor) -> None:
    found = label_anchors(FLOOR_ANCHORS, gt_boxes, FLOOR.image_size, drop_cross_boundary=False)
    assert torch.equal(found.labels, torchvisions_labels(FLOOR_ANCHORS, gt_boxes, True)[0])
    assert found.num_tied.tolist() == [int((found.labels == 1).sum())]


@given(SMALL_BOXES)
def test_ties_are_those_of_exact_corners_where_float32_rounds_them(gt_boxes: Tensor) -> None:
    found = label_anchors(PAPER_ANCHORS, gt_boxes, PAPER.image_size, drop_cross_boundary=False)
    iou = box_iou(gt_boxes.double(), EXACT_PAPER_ANCHORS)[0]
    assert torch.equal(found.labels == 1, iou > iou.max() * (1 - 1e-12))


def test_zero_overlap_trap() -> None:
    anchors: Boxes = [[0.0, 0, 10, 10], [20, 0, 30, 10]]
    far: Boxes = [[500.0, 500, 510, 510]]
    # torchvision: the best IoU of the gt box is 0, and every anchor has it
    assert torchvisions_labels(torch.tensor(anchors), torch.tensor(far), True)[0].tolist() == [1, 1]
    found = label(anchors, far)
    assert found.labels.tolist() == [0, 0]
    assert found.best_gt_idxs.tolist() == [-1, -1]
    assert found.best_iou_per_gt.tolist() == [0.0]
    # and beside a gt box that is overlapped: only that one has anchors
    assert label(anchors, [*far, [0.0, 0, 10, 20]]).matched_idxs.tolist() == [1, -1]


# --- properties -------------------------------------------------------------------------------------------------------

GT_BOXES = st.lists(
    st.tuples(st.floats(0, 230), st.floats(0, 150), st.floats(0, 120), st.floats(0, 120)), max_size=5
).map(lambda rows: torch.tensor([[x, y, x + w, y + h] for x, y, w, h in rows]).reshape(-1, 4))


@given(GT_BOXES, st.booleans(), st.booleans())
def test_label_properties(gt_boxes: Tensor, low_quality: bool, drop: bool) -> None:
    found = label_anchors(
        SMALL_ANCHORS,
        gt_boxes,
        SMALL.image_size,
        allow_low_quality_matches=low_quality,
        drop_cross_boundary=drop,
    )
    positive, negative = found.labels == 1, found.labels == 0
    crosses = ~inside_picture(SMALL_ANCHORS, SMALL.image_size) & drop
    assert torch.equal(found.crosses_boundary, crosses)
    assert torch.isin(found.labels, torch.tensor([-1, 0, 1])).all()
    assert torch.equal(positive, found.matched_idxs >= 0)
    assert torch.equal(found.matched_idxs[positive], found.best_gt_idxs[positive])
    assert torch.equal(found.best_gt_idxs >= 0, found.iou > 0)
    assert (found.labels[crosses] == -1).all()
    assert (found.iou[negative] < 0.3 + 1e-6).all()
    assert (found.iou[found.low_quality] < 0.7 + 1e-6).all()
    assert positive[found.low_quality].all()
    assert positive[(found.iou > 0.7 + 1e-6) & ~crosses].all()
    assert (positive | crosses | (found.iou >= 0.3 - 1e-6) | negative).all()
    iou = box_iou(gt_boxes.double(), SMALL_ANCHORS.double()).masked_fill(crosses, 0)  # [M, N]
    best = iou.amax(dim=1, keepdim=True)  # [M, 1]
    torch.testing.assert_close(found.best_iou_per_gt, best[:, 0].float())
    surely = (iou >= best * (1 - 5e-6)) & (iou.float() > 0)  # ties included
    perhaps = (iou >= best * (1 - 2e-5)) & (iou.float() > 0)  # relative, however small the IoU is
    assert torch.equal(surely.any(dim=1), found.best_anchor_per_gt >= 0)
    assert ((surely.sum(dim=1) <= found.num_tied) & (found.num_tied <= perhaps.sum(dim=1))).all()
    assert (found.best_for_gt_idxs[surely.any(dim=0)] >= 0).all()
    assert (found.best_for_gt_idxs[~perhaps.any(dim=0)] == -1).all()
    for gt, anchor in enumerate(found.best_anchor_per_gt.tolist()):
        assert anchor < 0 or (perhaps[gt, anchor] and not surely[gt, :anchor].any())  # the first
    if low_quality:
        assert torch.equal(positive, ((found.iou >= 0.7) & ~crosses) | (found.best_for_gt_idxs >= 0))


# --- degenerate input -------------------------------------------------------------------------------------------------


PER_GT = ("best_iou_per_gt", "best_anchor_per_gt", "num_tied")


def found_per_gt(found: AnchorLabels, name: str) -> Tensor:
    tensor: Tensor = getattr(found, name)
    return tensor


def test_without_gt_boxes_all_is_background() -> None:
    found = label_anchors(FLOOR_ANCHORS, torch.zeros(0, 4), FLOOR.image_size)
    assert torch.equal(found.labels == 0, inside_picture(FLOOR_ANCHORS, FLOOR.image_size))
    assert torch.equal(found.labels == -1, found.crosses_boundary)
    assert (found.matched_idxs == -1).all()
    assert (found.best_gt_idxs == -1).all()
    assert (found.iou == 0).all()
    assert (found.best_for_gt_idxs == -1).all()
    assert {tuple(found_per_gt(found, name).shape) for name in PER_GT} == {(0,)}


def test_gt_box_without_area_matches_nothing() -> None:
    found = label([[0, 0, 10, 10], [2, 2, 8, 8]], [[5, 5, 5, 9], [3, 3, 3, 3]])
    assert found.labels.tolist() == [0, 0]
    assert found.best_iou_per_gt.tolist() == [0, 0]


def test_gt_box_that_only_dropped_anchors_overlap_matches_nothing() -> None:
    found = label([[-5, 0, 10, 10], [50, 50, 60, 60]], [[0, 0, 10, 10]], image_size=(100, 100))
    assert found.labels.tolist() == [-1, 0]
    assert not found.low_quality.any()


def test_no_anchors() -> None:
    found = label_anchors(torch.zeros(0, 4), torch.tensor([[0.0, 0, 1, 1]]), (10, 10))
    assert found.labels.shape == found.best_for_gt_idxs.shape == (0,)
    assert [found_per_gt(found, name).tolist() for name in PER_GT] == [[0.0], [-1], [0]]
    found = label_anchors(torch.zeros(0, 4), torch.zeros(0, 4), (10, 10))
    assert {tuple(tensor.shape) for tensor in vars(found).values()} == {(0,)}


@pytest.mark.parametrize(("fg", "bg"), [(0.3, 0.7), (1.1, 0.3), (0.7, -0.1), (math.nan, 0.3), (0.7, math.nan)], ids=str)
def test_crossed_thresholds_are_refused(fg: float, bg: float) -> None:
    with pytest.raises(
        ValueError,
        match=r"^(bg|fg)_iou_thresh must be (at most fg_iou_thresh|a number of at least 0)",
    ):
        label([[0, 0, 1, 1]], [[0, 0, 1, 1]], fg_iou_thresh=fg, bg_iou_thresh=bg)


@pytest.mark.parametrize("argument", ["anchors", "gt_boxes"])
@pytest.mark.parametrize(
    "bad",
    [
        torch.tensor([[0, 0, math.nan, 1]]),
        torch.tensor([[0, 0, math.inf, 1]]),
        torch.tensor([[1.0, 0, 0, 1]]),
        torch.zeros(4),
        torch.zeros(1, 5),
        "a box",
    ],
    ids=["nan", "inf", "turned", "flat", "five columns", "text"],
)
def test_malformed_boxes_are_refused_by_name(argument: str, bad: Any) -> None:
    good = torch.tensor([[0.0, 0, 1, 1]])
    boxes = {"anchors": good, "gt_boxes": good, argument: bad}
    with pytest.raises(ValueError, match=rf"^{argument}(\[0\])? must (be|have)"):
        label_anchors(**boxes, image_size=(10, 10))


# --- the minibatch ----------------------------------------------------------------------------------------------------


def labels_of(positive: int, negative: int, ignored: int = 50) -> Tensor:
    labels = torch.tensor([1] * positive + [0] * negative + [-1] * ignored, dtype=torch.int8)
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]


@pytest.mark.parametrize(
    ("positive", "negative", "drawn"),
    [
        (200, 10_000, (128, 128)),
        (20, 10_000, (20, 236)),  # missing positives are filled with negatives: 256 − 20
        (200, 50, (128, 50)),  # missing negatives are not filled
        (0, 10_000, (0, 256)),
        (3, 5, (3, 5)),
        (0, 0, (0, 0)),
    ],
)
def test_sample_counts(positive: int, negative: int, drawn: tuple[int, int]) -> None:
    labels = labels_of(positive, negative)
    pos_inds, neg_inds = sample_minibatch(labels)
    assert (len(pos_inds), len(neg_inds)) == drawn
    assert (labels[pos_inds] == 1).all()
    assert (labels[neg_inds] == 0).all()


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 50), st.floats(0, 1), st.integers(0, 2**31))
def test_sample_properties(positive: int, negative: int, size: int, fraction: float, seed: int) -> None:
    labels = labels_of(positive, negative)
    drawn = sample_minibatch(labels, size, fraction, torch.Generator().manual_seed(seed))
    theirs = BalancedPositiveNegativeSampler(size, fraction)([labels.float()])
    for inds, masks, value in zip(drawn, theirs, (1, 0), strict=True):
        assert inds.dtype == torch.int64
        assert len(inds) == int(masks[0].sum())  # as many as torchvision draws
        assert (inds.diff() > 0).all()  # ascending, none twice
        assert (labels[inds] == value).all()


def test_the_seed_decides_the_sample() -> None:
    labels = labels_of(500, 5000)
    first, again, other = (sample_minibatch(labels, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_every_anchor_is_equally_likely() -> None:
    labels, generator = labels_of(10, 10, 0), torch.Generator().manual_seed(0)
    counts = torch.zeros(20)
    for _ in range(1000):
        counts[torch.cat(sample_minibatch(labels, 10, 0.5, generator))] += 1
    # 5 of 10 each time: 500 expected, standard deviation √(1000 · ½ · ½) = 15.8, so ± 80 is five of them
    assert ((counts - 500).abs() < 80).all()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("batch_size_per_image", 0),
        ("positive_fraction", -0.1),
        ("positive_fraction", 1.1),
        ("positive_fraction", math.nan),
    ],
)
def test_impossible_samples_are_refused(argument: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{argument} must"):
        sample_minibatch(labels_of(5, 5), **{argument: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^labels must be Tensor\[N\]; got float32 \[2, 3\]"):
        sample_minibatch(torch.zeros(2, 3))


# --- the targets ------------------------------------------------------------------------------------------------------


def test_targets_of_positives_are_encoded_and_zero_elsewhere() -> None:
    anchors = torch.tensor([[100.0, 100, 200, 200], [0, 0, 50, 50], [0, 0, 200, 50]])
    gt_boxes = torch.tensor([[100.0, 0, 200, 100], [110, 120, 210, 260]])
    targets = regression_targets(anchors, gt_boxes, torch.tensor([1, -1, 0]))
    assert targets[0].tolist() == pytest.approx([0.1, 0.4, 0.0, 0.336472], abs=1e-6)  # as in test_boxes
    assert targets[1].tolist() == [0, 0, 0, 0]
    assert torch.equal(targets[2:], encode(gt_boxes[:1], anchors[2:]))


def test_targets_without_gt_boxes_are_zero() -> None:
    anchors = torch.tensor([[0.0, 0, 50, 50]])
    assert regression_targets(anchors, torch.zeros(0, 4), torch.tensor([-1])).tolist() == [[0, 0, 0, 0]]


def test_targets_never_meet_a_gt_box_without_area() -> None:
    gt_boxes = torch.tensor([[60.0, 60, 60, 90], [50, 50, 120, 120]])
    found = label_anchors(SMALL_ANCHORS, gt_boxes, SMALL.image_size)
    assert torch.isfinite(regression_targets(SMALL_ANCHORS, gt_boxes, found.matched_idxs)).all()


@pytest.mark.parametrize("matched_idxs", [[0], [0, 0, 0], [0, 1], [[0, 0]]])
def test_impossible_matches_are_refused(matched_idxs: list[int]) -> None:
    boxes = torch.tensor([[0.0, 0, 50, 50]] * 2)
    with pytest.raises(ValueError, match="matched_idxs must be"):
        regression_targets(boxes, boxes[:1], torch.tensor(matched_idxs))


@pytest.mark.parametrize("device", DEVICES)
def test_everything_stays_on_its_device(device: str) -> None:
    gt_boxes = random_gt_boxes(0, 3, SMALL.image_size)
    expected = label_anchors(SMALL_ANCHORS, gt_boxes, SMALL.image_size)
    found = label_anchors(SMALL_ANCHORS.to(device), gt_boxes.to(device), SMALL.image_size)
    for name, value in vars(found).items():
        assert value.device.type == device
        torch.testing.assert_close(value.cpu(), getattr(expected, name))
    drawn = sample_minibatch(found.labels, generator=torch.Generator().manual_seed(0))
    assert {inds.device.type for inds in drawn} == {device}
    same = sample_minibatch(expected.labels, generator=torch.Generator().manual_seed(0))
    assert all(torch.equal(a.cpu(), b) for a, b in zip(drawn, same, strict=True))  # one seed, one sample
    targets = regression_targets(SMALL_ANCHORS.to(device), gt_boxes.to(device), found.matched_idxs)
    assert targets.device.type == device


# --- drawn without balance -------------------------------------------------------------------------------------------


def test_without_balance_the_few_positives_are_as_rare_as_they_are() -> None:
    labels = torch.full((10_000,), -1, dtype=torch.int8)
    labels[:8_000] = 0
    labels[8_000:8_800] = 1  # one in eleven of those that have a label
    counts = []
    for seed in range(20):
        pos_inds, neg_inds = sample_unbalanced(labels, generator=torch.Generator().manual_seed(seed))
        assert len(pos_inds) + len(neg_inds) == 256
        assert (labels[pos_inds] == 1).all() and (labels[neg_inds] == 0).all()
        drawn = torch.cat([pos_inds, neg_inds])
        assert len(drawn.unique()) == 256
        counts.append(len(pos_inds))
    assert abs(sum(counts) / 20 - 256 / 11) < 4  # the mean of twenty draws scatters by about 1
    again = sample_unbalanced(labels, generator=torch.Generator().manual_seed(19))
    assert torch.equal(torch.cat(again), drawn)


def test_without_balance_no_more_than_there_are() -> None:
    pos_inds, neg_inds = sample_unbalanced(torch.tensor([1, -1, 0, 0, 1, -1]))
    assert (pos_inds.tolist(), neg_inds.tolist()) == ([0, 4], [2, 3])


# --- labels made elsewhere -------------------------------------------------------------------------------------------


def test_of_labels_made_elsewhere_the_rest_is_worked_out() -> None:
    """IoU of two objects with four anchors; the last anchor crosses the border."""
    matrix = torch.tensor([[0.8, 0.2, 0.0, 0.9], [0.1, 0.4, 0.0, 0.0]], dtype=torch.float64)
    before = matrix.clone()
    found = AnchorLabels.from_labels(
        labels=torch.tensor([1, 1, 0, -1]),
        match_quality_matrix=matrix,
        crosses_boundary=torch.tensor([False, False, False, True]),
    )
    assert found.labels.dtype == torch.int8
    assert found.matched_idxs.tolist() == [0, 1, -1, -1]
    assert found.best_gt_idxs.tolist() == [0, 1, -1, 0]
    assert found.low_quality.tolist() == [False, True, False, False]
    assert found.best_iou_per_gt.tolist() == pytest.approx([0.8, 0.4])
    assert found.iou.tolist() == pytest.approx([0.8, 0.4, 0, 0.9])
    assert (found.best_anchor_per_gt.tolist(), found.num_tied.tolist()) == ([0, 1], [1, 1])
    assert found.best_for_gt_idxs.tolist() == [0, 1, -1, -1]
    assert torch.equal(matrix, before)  # it is the caller's


def test_of_wrong_labels_the_rest_is_true() -> None:
    # the second anchor is the best of no gt box, and positive all the same
    found = AnchorLabels.from_labels(
        labels=torch.tensor([0, 1]),
        match_quality_matrix=torch.tensor([[0.6, 0.5]]),
        crosses_boundary=torch.tensor([False, False]),
        fg_iou_thresh=0.55,
    )
    assert found.low_quality.tolist() == [False, True]
    assert found.best_for_gt_idxs.tolist() == [0, -1]
    assert found.matched_idxs.tolist() == [-1, 0]


@pytest.mark.parametrize("drop", [True, False])
def test_of_our_own_labels_the_rest_is_our_own(drop: bool) -> None:
    gt_boxes = random_gt_boxes(3, 5, SMALL.image_size)
    found = label_anchors(SMALL_ANCHORS, gt_boxes, SMALL.image_size, drop_cross_boundary=drop)
    again = AnchorLabels.from_labels(
        labels=found.labels,
        match_quality_matrix=box_iou(gt_boxes, SMALL_ANCHORS),
        crosses_boundary=found.crosses_boundary,
    )
    for name, tensor in vars(found).items():
        assert torch.equal(getattr(again, name), tensor), name


def test_labelling_compares_the_boxes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def counting(boxes1: Tensor, boxes2: Tensor) -> Tensor:
        compared.append((len(boxes1), len(boxes2)))
        return boxes.pairwise_iou(boxes1, boxes2)

    monkeypatch.setattr(targets, "pairwise_iou", counting)
    label_anchors(SMALL_ANCHORS, random_gt_boxes(0, 3, SMALL.image_size), SMALL.image_size)
    assert compared == [(3, len(SMALL_ANCHORS))]
