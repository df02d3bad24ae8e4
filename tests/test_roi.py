"""RoI pooling, RoIAlign and the second sampling: by hand, against torchvision, by properties, with degenerate input."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
import torchvision.ops
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads

from rpnviz.boxes import encode
from rpnviz.grid import Grid
from rpnviz.roi import align_one_box, neighbours, pool_one_box, sample_proposals, to_cells, to_pixels

PAPER = Grid.paper()
COUNTING = torch.arange(24.0).reshape(1, 4, 6)  # value 6 · row + col


def random_map(seed: int = 0, channels: int = 3, size: tuple[int, int] = (9, 12)) -> Tensor:
    return torch.rand(channels, *size, generator=torch.Generator().manual_seed(seed)) - 0.3


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_boxes_are_measured_in_cells_by_both_strides() -> None:
    boxes = torch.tensor([[100.0, 150, 500, 600]])
    assert torch.allclose(to_cells(boxes, PAPER), torch.tensor([[6.0, 10, 30, 40]]))  # 16.67 px across, 15 px down
    assert torch.allclose(to_pixels(to_cells(boxes, PAPER), PAPER), boxes)
    assert torch.equal(to_cells(boxes, Grid.floor()), boxes / 16)


def test_pooling_rounds_twice() -> None:
    pooled = pool_one_box(COUNTING, torch.tensor([1.4, 0.6, 4.6, 2.4]), (2, 2))
    # x 1.4 -> 1, 4.6 -> 5; y 0.6 -> 1, 2.4 -> 2; the last cell belongs to it: columns 1 … 5, rows 1 … 2
    assert pooled.rectangle.tolist() == [1, 1, 6, 3]
    assert pooled.rows.tolist() == [[1, 2], [2, 3]]
    assert pooled.cols.tolist() == [[1, 4], [3, 6]]  # bins of 2.5 cells, widened: column 3 is in both
    assert pooled.output.tolist() == [[[9, 11], [15, 17]]]  # 6 · 1 + 3, 6 · 1 + 5, 6 · 2 + 3, 6 · 2 + 5


def test_pooling_rounds_halves_away_from_zero() -> None:
    edges = pool_one_box(COUNTING, torch.tensor([0.5, 2.5, 2.5, 2.5]), (1, 1)).rectangle
    assert edges.tolist() == [1, 3, 4, 4]  # 0.5 -> 1, 2.5 -> 3: not to the even number
    beyond = pool_one_box(COUNTING, torch.tensor([-0.5, -1.5, 1, 1]), (1, 1)).rectangle
    assert beyond.tolist() == [-1, -2, 2, 2]  # away from 0, not up
    just_below = torch.tensor([0.49999997, 0, 1, 1])  # the largest float32 below one half
    assert pool_one_box(COUNTING, just_below, (1, 1)).rectangle.tolist() == [0, 0, 2, 2]


def test_a_bin_without_cells_is_zero() -> None:
    pooled = pool_one_box(COUNTING + 1, torch.tensor([4.0, 0, 9, 3]), (1, 3))
    assert pooled.cols.tolist() == [[4, 6], [6, 6], [6, 6]]  # beyond the map's six columns
    assert pooled.output.tolist() == [[[24, 0, 0]]]


def test_aligned_points_and_their_mean() -> None:
    result = align_one_box(COUNTING, torch.tensor([1.0, 0, 3, 2]), (1, 1), sampling_ratio=2)
    # the box's own coordinates 1 … 3 are 0.5 … 2.5 between centres; points a quarter and three quarters in
    assert result.xs.tolist() == [[1.0, 2.0]] and result.ys.tolist() == [[0.0, 1.0]]
    assert result.points(0, 0).tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert result.output.tolist() == [[[(1 + 2 + 7 + 8) / 4]]]


def test_points_are_those_of_the_bin() -> None:
    result = align_one_box(COUNTING, torch.tensor([0.5, 0.5, 3.5, 2.5]), (1, 3), sampling_ratio=1)
    assert result.points(0, 2).tolist() == [[1, 2.5]]  # the middle of rows 0 … 2, of columns 2 … 3 between centres


@pytest.mark.parametrize(("bin_row", "bin_col"), [(-1, 0), (1, 0), (0, 3), (0, 0.5)])
def test_no_bin_outside_the_output(bin_row: int, bin_col: int) -> None:
    result = align_one_box(COUNTING, BOX, (1, 3))
    with pytest.raises(ValueError, match=rf"\(bin_row, bin_col\) must lie in 0…0, 0…2; got \({bin_row}, {bin_col}\)"):
        result.points(bin_row, bin_col)


def test_without_aligned_all_is_half_a_cell_further() -> None:
    settings: dict[str, Any] = {"output_size": (2, 2), "sampling_ratio": 2}
    box = torch.tensor([1.0, 0, 3, 2])
    with_half = align_one_box(COUNTING, box, aligned=True, **settings)
    without = align_one_box(COUNTING, box, aligned=False, **settings)
    assert torch.equal(without.xs, with_half.xs + 0.5) and torch.equal(without.ys, with_half.ys + 0.5)


def test_sampling_ratio_zero_takes_a_point_a_cell() -> None:
    result = align_one_box(COUNTING, torch.tensor([0.0, 0, 5, 1]), (1, 2), sampling_ratio=0)
    assert result.xs.shape == (2, 3)  # a bin is 2.5 cells long
    assert result.ys.shape == (1, 1)


def test_four_neighbours_and_their_weights() -> None:
    found = neighbours(torch.tensor([[1.25, 2.5], [-0.5, 5.0], [3.9, 0.0], [-1.1, 2.0]]), (4, 6))
    assert found.rows.tolist() == [[1, 1, 2, 2], [0, 0, 1, 1], [3, 3, 3, 3], [0, 0, 1, 1]]
    assert found.cols.tolist() == [[2, 3, 2, 3], [5, 5, 5, 5], [0, 1, 0, 1], [2, 3, 2, 3]]
    assert found.weights[0].tolist() == [0.375, 0.375, 0.125, 0.125]  # 3/4 · 1/2, …, 1/4 · 1/2
    assert found.weights[1:].tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]  # at, beyond and off the rim


def test_a_point_a_whole_cell_outside_still_counts() -> None:
    at, beyond = [[-1.0, -1], [4, 6]], [[-1.01, 0], [0, 6.01]]
    assert neighbours(torch.tensor(at + beyond), (4, 6)).weights[:, 0].tolist() == [1, 1, 0, 0]


def test_a_box_without_area_has_no_points_to_average() -> None:
    result = align_one_box(COUNTING, torch.tensor([1.0, 1, 1, 3]), (2, 2), sampling_ratio=0)
    assert result.xs.shape == (2, 0) and len(result.points(0, 0)) == 0
    assert result.output.tolist() == [[[0, 0], [0, 0]]]


# --- against torchvision ----------------------------------------------------------------------------------------------

# Edges on sixteenths of a cell hit the halves of the rounding; any other number hits the rest. Also beyond the map.
edges = st.one_of(st.integers(-32, 240).map(lambda n: n / 16), st.floats(-2, 15, width=32))
boxes = st.tuples(edges, edges, edges, edges).map(
    lambda e: torch.tensor([min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]), max(e[1], e[3])])
)
output_sizes = st.tuples(st.integers(1, 8), st.integers(1, 8))
seeds = st.integers(0, 20)


@given(boxes, output_sizes, seeds)
def test_pooling_is_torchvisions(box: Tensor, output_size: tuple[int, int], seed: int) -> None:
    features = random_map(seed)
    theirs = torchvision.ops.roi_pool(features[None], [box[None]], output_size)[0]
    assert torch.equal(pool_one_box(features, box, output_size).output, theirs)


@given(boxes, output_sizes, st.integers(0, 4), st.booleans(), seeds)
def test_align_is_torchvisions(
    box: Tensor, output_size: tuple[int, int], sampling_ratio: int, aligned: bool, seed: int
) -> None:
    features = random_map(seed)
    theirs = torchvision.ops.roi_align(
        features[None], [box[None]], output_size, sampling_ratio=sampling_ratio, aligned=aligned
    )[0]
    ours = align_one_box(features, box, output_size, sampling_ratio, aligned).output
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-6)


@given(boxes, st.integers(0, 3), st.booleans())
def test_align_is_torchvisions_in_float64(box: Tensor, sampling_ratio: int, aligned: bool) -> None:
    features, box = random_map().double(), box.double()
    theirs = torchvision.ops.roi_align(features[None], [box[None]], 7, sampling_ratio=sampling_ratio, aligned=aligned)
    ours = align_one_box(features, box, (7, 7), sampling_ratio, aligned).output
    assert torch.allclose(ours, theirs[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("grid", [Grid.floor(), Grid.paper()])
def test_proposals_of_a_picture_give_torchvisions_values(grid: Grid) -> None:
    """On square strides also by spatial_scale, as torchvision is mostly called."""
    features = random_map(1, 4, grid.feature_size)
    draw = torch.rand(50, 4, generator=torch.Generator().manual_seed(2))
    corner, size = draw[:, :2] * torch.tensor([900.0, 500]), 20 + draw[:, 2:] * torch.tensor([500.0, 400])
    proposals = torchvision.ops.clip_boxes_to_image(torch.cat([corner, corner + size], dim=1), grid.image_size)
    in_cells = to_cells(proposals, grid)
    pooled = torch.stack([pool_one_box(features, box).output for box in in_cells])
    aligned = torch.stack([align_one_box(features, box).output for box in in_cells])
    calls: list[tuple[Tensor, float]] = [(in_cells, 1.0)]
    if grid.stride[0] == grid.stride[1]:
        calls.append((proposals, 1 / grid.stride[0]))
    for given_boxes, scale in calls:
        assert torch.equal(pooled, torchvision.ops.roi_pool(features[None], [given_boxes], 7, scale))
        theirs = torchvision.ops.roi_align(features[None], [given_boxes], 7, scale, 2, True)
        assert torch.allclose(aligned, theirs, rtol=0, atol=1e-6)


def torchvisions_sample(
    proposals: Tensor, gt_boxes: Tensor, gt_labels: Tensor, fg: float, bg: float, size: int, fraction: float
) -> tuple[Tensor, ...]:
    heads = RoIHeads(nn.Identity(), nn.Identity(), nn.Identity(), fg, bg, size, fraction, (1, 1, 1, 1), 0.05, 0.5, 100)
    chosen = heads.select_training_samples([proposals], [{"boxes": gt_boxes, "labels": gt_labels}])
    return tuple(part[0] for part in chosen)


def random_scene(seed: int, objects: int = 4, count: int = 200) -> tuple[Tensor, Tensor, Tensor]:
    """Objects, and proposals scattered round them: whole pixels, so that IoUs are the same in float32 and 64."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, 400, (objects, 2), generator=generator)
    gt_boxes = torch.cat([corner, corner + torch.randint(40, 200, (objects, 2), generator=generator)], dim=1)
    base = gt_boxes[torch.randint(0, objects, (count,), generator=generator)]
    proposals = base + torch.randint(-30, 31, (count, 4), generator=generator)
    proposals[:, 2:] = torch.maximum(proposals[:, 2:], proposals[:, :2] + 5)
    labels = torch.randint(1, 7, (objects,), generator=generator)
    return proposals.float(), gt_boxes.float(), labels


@given(st.integers(0, 200), st.sampled_from([(0.5, 0.5), (0.7, 0.3), (0.6, 0.1)]))
def test_labels_and_targets_are_torchvisions(seed: int, thresholds: tuple[float, float]) -> None:
    """With room for all, the draw has nothing to decide, and every row must agree."""
    proposals, gt_boxes, gt_labels = random_scene(seed)
    fg, bg = thresholds
    ours = sample_proposals(proposals, gt_boxes, 10_000, 1.0, fg, bg, gt_labels=gt_labels)
    boxes, matched_idxs, labels, targets = torchvisions_sample(proposals, gt_boxes, gt_labels, fg, bg, 10_000, 1.0)
    assert torch.equal(ours.proposals, boxes)
    assert torch.equal(ours.labels, labels)
    foreground = labels > 0
    assert torch.equal(ours.matched_idxs[foreground], matched_idxs[foreground])
    assert (ours.matched_idxs[~foreground] == -1).all()
    assert torch.allclose(ours.regression_targets[foreground], targets[foreground], atol=1e-6)
    assert not ours.regression_targets[~foreground].any()


@given(st.integers(0, 200), st.sampled_from([1, 16, 100, 128, 512]), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_draw_has_torchvisions_counts(seed: int, size: int, fraction: float) -> None:
    proposals, gt_boxes, gt_labels = random_scene(seed)
    ours = sample_proposals(proposals, gt_boxes, size, fraction, gt_labels=gt_labels)
    labels = torchvisions_sample(proposals, gt_boxes, gt_labels, 0.5, 0.5, size, fraction)[2]
    assert ((ours.labels > 0).sum(), len(ours.labels)) == ((labels > 0).sum(), len(labels))
    candidates = torch.cat([proposals, gt_boxes])
    assert torch.equal(ours.proposals, candidates[ours.inds])
    assert (ours.inds[1:] > ours.inds[:-1]).all()


# --- the second sampling by hand --------------------------------------------------------------------------------------

GT = torch.tensor([[0.0, 0, 100, 100], [200, 0, 300, 100]])
PROPOSALS = torch.tensor([[0.0, 0, 100, 50], [0, 0, 100, 49], [200, 0, 300, 90], [500, 500, 600, 600]])


def test_sampled_by_hand() -> None:
    drawn = sample_proposals(PROPOSALS, GT, 100, 1.0, gt_labels=torch.tensor([3, 6]))
    # IoU 0.5, 0.49, 0.9, 0; then the two gt boxes themselves
    assert drawn.labels.tolist() == [3, 0, 6, 0, 3, 6]
    assert drawn.matched_idxs.tolist() == [0, -1, 1, -1, 0, 1]
    assert drawn.inds.tolist() == [0, 1, 2, 3, 4, 5]
    expected = encode(GT[[0, 1, 0, 1]], drawn.proposals[[0, 2, 4, 5]])
    assert torch.equal(drawn.regression_targets[[0, 2, 4, 5]], expected)
    assert not drawn.regression_targets[[1, 3]].any()


def test_between_two_thresholds_nobody_is_drawn() -> None:
    drawn = sample_proposals(PROPOSALS, GT, 100, 1.0, fg_iou_thresh=0.6, bg_iou_thresh=0.3)
    assert drawn.inds.tolist() == [2, 3, 4, 5]
    assert drawn.labels.tolist() == [1, 0, 1, 1]
    at = sample_proposals(PROPOSALS, GT, 100, 1.0, fg_iou_thresh=0.6, bg_iou_thresh=0.5)
    assert at.inds.tolist() == [1, 2, 3, 4, 5]  # IoU 0.5 is not below it


@pytest.mark.parametrize("size", [128, 512])
def test_a_quarter_at_most_is_foreground(size: int) -> None:
    many = torch.cat([PROPOSALS[2:3].expand(1000, 4), PROPOSALS[3:].expand(1000, 4)])
    drawn = sample_proposals(many, GT, size)
    assert (int((drawn.labels > 0).sum()), len(drawn.labels)) == (size // 4, size)
    few = sample_proposals(PROPOSALS[3:].expand(1000, 4), GT, size)
    assert (int((few.labels > 0).sum()), len(few.labels)) == (2, size)  # only the gt boxes; background fills up


def test_without_objects_all_is_background() -> None:
    drawn = sample_proposals(PROPOSALS, torch.zeros(0, 4), 3)
    assert drawn.labels.tolist() == [0, 0, 0] and drawn.matched_idxs.tolist() == [-1, -1, -1]
    assert not drawn.regression_targets.any()
    alone = sample_proposals(torch.zeros(0, 4), GT, 8, 1.0)
    assert alone.labels.tolist() == [1, 1] and torch.equal(alone.proposals, GT)


def test_one_seed_one_draw() -> None:
    proposals, gt_boxes, _ = random_scene(7)
    first, again, other = (
        sample_proposals(proposals, gt_boxes, 64, generator=torch.Generator().manual_seed(seed)).inds
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_no_gradient_leads_back_to_the_boxes() -> None:
    proposals = PROPOSALS.clone().requires_grad_()
    drawn = sample_proposals(proposals, GT, 4)
    assert not drawn.proposals.requires_grad and not drawn.regression_targets.requires_grad


# --- properties -------------------------------------------------------------------------------------------------------


@given(boxes)
def test_a_constant_map_stays_constant(box: Tensor) -> None:
    """Weights sum to 1 wherever a point lies on the map."""
    result = align_one_box(torch.full((1, 9, 12), 0.75), box.clamp(0, 9), (3, 3))
    assert torch.allclose(result.output, torch.tensor(0.75))


@given(st.floats(1, 7), st.floats(1, 5), st.floats(0.5, 3), st.floats(0.5, 3))
def test_on_a_ramp_align_reads_the_middle_of_each_bin(x: float, y: float, width: float, height: float) -> None:
    """Exact only with the half cell: without it every value is that of a point half a cell further."""
    ramp = torch.arange(12.0).expand(9, 12)[None] + 0.5  # the value at x is x
    box = torch.tensor([x, y, x + width, y + height])
    middles = x + width * (torch.arange(4) + 0.5) / 4
    assert torch.allclose(align_one_box(ramp, box, (2, 4)).output[0, 0], middles, atol=1e-5)
    shifted = align_one_box(ramp, torch.tensor([x, y, x + max(width, 1), y + 1]), (1, 1), aligned=False).output
    assert shifted.item() == pytest.approx(x + max(width, 1) / 2 + 0.5, abs=1e-5)


def test_pooling_does_not_notice_small_moves_and_align_does() -> None:
    features, box, step = random_map(4), torch.tensor([2.1, 3.1, 7.1, 8.1]), torch.tensor([0.05, 0.05, 0.05, 0.05])
    pooled = [pool_one_box(features, box + n * step).output for n in range(20)]
    aligned = [align_one_box(features, box + n * step).output for n in range(20)]
    jumps = [not torch.equal(a, b) for a, b in pairwise(pooled)]
    assert sum(jumps) == 1  # over a whole cell: once
    moves = [float((a - b).abs().max()) for a, b in pairwise(aligned)]
    assert min(moves) > 0 and max(moves) < 0.2


def test_a_gradient_reaches_the_box_through_align_and_none_through_pooling() -> None:
    box = torch.tensor([2.1, 3.1, 7.1, 8.1], requires_grad=True)
    align_one_box(random_map(), box).output.sum().backward()
    assert box.grad is not None and box.grad.abs().min() > 0
    assert not pool_one_box(random_map(), box).output.requires_grad


# --- bad input --------------------------------------------------------------------------------------------------------

BOX = torch.tensor([1.0, 1, 3, 3])


@pytest.mark.parametrize("operation", [pool_one_box, align_one_box])
@pytest.mark.parametrize(
    ("features", "box", "output_size", "message"),
    [
        (COUNTING[None], BOX, (7, 7), r"features must be Tensor\[C, h, w\].*got float32 \[1, 1, 4, 6\]"),
        (COUNTING > 0, BOX, (7, 7), "features must be plain numbers; got bool"),
        (torch.zeros(3, 0, 4), BOX, (7, 7), "features must be"),
        (COUNTING, BOX[None], (7, 7), r"box must be Tensor\[4\]; got float32 \[1, 4\]"),
        (COUNTING, torch.tensor([3.0, 1, 1, 3]), (7, 7), r"box\[0\] must have x1 ≤ x2"),
        (COUNTING, torch.tensor([float("nan"), 1, 1, 3]), (7, 7), r"box must be finite; box\[0\] is nan"),
        (COUNTING, BOX, (7, 0), r"output_size must be .* from 1 to 100; got \(7, 0\)"),
        (COUNTING, BOX, (7,), "output_size must be"),
        (COUNTING, BOX, (7.0, 7), "output_size must be"),
        (COUNTING, BOX, 7, "output_size must be"),
    ],
)
def test_bad_input_is_named(operation: Any, features: Tensor, box: Tensor, output_size: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        operation(features, box, output_size)


def test_bad_settings_are_named() -> None:
    for sampling_ratio in (-1, 1.5):
        with pytest.raises(
            ValueError, match=rf"sampling_ratio must be a whole number from 0 to 1,000; got {sampling_ratio}"
        ):
            align_one_box(COUNTING, BOX, sampling_ratio=sampling_ratio)  # type: ignore[arg-type]
    for points in (torch.zeros(3), torch.zeros(3, 3)):
        with pytest.raises(ValueError, match=r"points must be Tensor\[K, 2\]"):
            neighbours(points, (4, 6))
    with pytest.raises(ValueError, match=r"points must be finite; points\[1, 0\] is nan"):
        neighbours(torch.tensor([[0.0, 0], [float("nan"), 0]]), (4, 6))
    with pytest.raises(ValueError, match=r"feature_size must be .* got \(0, 6\)"):
        neighbours(torch.zeros(1, 2), (0, 6))
    for move in (to_cells, to_pixels):
        with pytest.raises(ValueError, match="boxes must be Tensor"):
            move(BOX, PAPER)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fg_iou_thresh": 0.3}, "bg_iou_thresh must be at most fg_iou_thresh, 0.3; got 0.5"),
        ({"fg_iou_thresh": 1.2}, "fg_iou_thresh must be .* at most 1; got 1.2"),
        ({"bg_iou_thresh": float("nan")}, "bg_iou_thresh must be .*; got nan"),
        ({"bg_iou_thresh": -0.1}, "bg_iou_thresh must be .* at least 0"),
        ({"batch_size_per_image": 0}, "batch_size_per_image must be a whole number of at least 1; got 0"),
        ({"positive_fraction": 1.5}, "positive_fraction must be a number of at least 0 and at most 1; got 1.5"),
        ({"gt_labels": torch.tensor([1])}, r"gt_labels must be Tensor\[2\]; got int64 \[1\]"),
        ({"gt_labels": torch.tensor([1.5, 2])}, "gt_labels must be whole numbers from 1 on; got 1.5"),
        ({"gt_labels": torch.tensor([0, 1])}, "gt_labels must be whole numbers from 1 on; got 0"),
        ({"gt_boxes": torch.tensor([[5.0, 0, 1, 1]])}, r"gt_boxes\[0\] must have x1 ≤ x2"),
        ({"proposals": torch.zeros(4)}, r"proposals must be Tensor\[N, 4\]"),
    ],
)
def test_bad_sampling_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample_proposals(**{"proposals": PROPOSALS, "gt_boxes": GT, **settings})
