"""What comes after the proposals: a fixed number of values for a box of any size; and a second sampling.

RoI pooling and RoIAlign are written out here for one box, cell by cell, to be read; `torchvision.ops` has both for many
boxes, and a test holds these against it.
Shapes: C channels, h × w feature map, oh × ow bins of the output (7 × 7 in the paper). A box on the feature map is xyxy
in cells: cell (row, col) covers row … row + 1 and col … col + 1. Of the sampling: N proposals and M gt boxes of one
picture, K of them drawn; class labels: 0 is background, objects count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz._inputs import (
    MOST_PAIRS,
    MOST_VALUES,
    check_count,
    take_numbers,
    take_size,
    take_thresholds,
    take_whole,
    take_whole_numbers,
    to_one_type,
)
from rpnviz.boxes import box_iou, check_boxes
from rpnviz.grid import Grid
from rpnviz.targets import IGNORED, NEGATIVE, POSITIVE, regression_targets, sample_minibatch


def to_cells(boxes: Tensor, grid: Grid) -> Tensor:
    """Boxes of the picture, measured in cells of the feature map.

    Args:
        boxes (Tensor[N, 4]): xyxy, px of the picture.
        grid: how the feature map lies on the picture.

    Returns:
        Tensor[N, 4]: xyxy in cells, not rounded; for `torchvision.ops` with its spatial_scale left at 1.

    Raises:
        ValueError: if boxes is not a list of boxes.

    Source: Girshick 2015 (Fast R-CNN), section 2.1.
    Differs: torchvision multiplies by one spatial_scale; a Grid may have two strides (15 and 16.67 px on the paper's).
    """
    boxes = check_boxes(boxes, "boxes")
    stride_y, stride_x = grid.stride
    return boxes / boxes.new_tensor([stride_x, stride_y, stride_x, stride_y])


def to_pixels(boxes: Tensor, grid: Grid) -> Tensor:
    """The inverse of `to_cells`: xyxy in cells → xyxy in px of the picture, Tensor[N, 4] each."""
    boxes = check_boxes(boxes, "boxes")
    stride_y, stride_x = grid.stride
    return boxes * boxes.new_tensor([stride_x, stride_y, stride_x, stride_y])


@dataclass(frozen=True)
class PooledBox:
    """What `pool_one_box` did.

    Attributes:
        rectangle (Tensor[4]): xyxy in cells, whole numbers: the cells that are pooled instead of the box.
        rows (Tensor[oh, 2]): int64; first row and one past the last row of each row of bins, cut off at the map's rim.
        cols (Tensor[ow, 2]): int64; likewise for columns.
        output (Tensor[C, oh, ow]): the largest value of each bin; 0 for a bin without cells.
    """

    rectangle: Tensor
    rows: Tensor
    cols: Tensor
    output: Tensor


def pool_one_box(features: Tensor, box: Tensor, output_size: tuple[int, int] = (7, 7)) -> PooledBox:
    """RoI max pooling of one box: round the box to whole cells, then the bins, and take the largest value of each.

    Args:
        features (Tensor[C, h, w]): the feature map of one picture.
        box (Tensor[4]): xyxy in cells, see `to_cells`.
        output_size: (oh, ow), bins; at most 100 each way.

    Returns:
        PooledBox: the cells of every bin and the output.

    Raises:
        ValueError: if a shape, the box or output_size is not as said.

    Source: Girshick 2015, section 2.1; the rounding is that of its code.
    Differs: no; torchvision.ops.roi_pool with spatial_scale 1.
    """
    features, box, output_size = _checked(features, box, output_size)
    # 1. First rounding: the box's edges to the nearest whole cell (halves away from 0). The last cell counts too.
    first, last = _round(box[:2]), _round(box[2:])  # (x, y) each
    rectangle = torch.cat([first, last + 1])
    # 2. Second rounding: equal bins, each widened to whole cells; neighbours may share a row or a column.
    x1, y1, x2, y2 = rectangle
    rows = _whole_bins(y1, y2, output_size[0], features.shape[1])
    cols = _whole_bins(x1, x2, output_size[1], features.shape[2])
    # 3. The largest value in each bin, channel by channel.
    output = features.new_zeros(len(features), *output_size)
    for i, (top, bottom) in enumerate(rows.tolist()):
        for j, (left, right) in enumerate(cols.tolist()):
            if top < bottom and left < right:
                output[:, i, j] = features[:, top:bottom, left:right].amax(dim=(1, 2))
    return PooledBox(rectangle, rows, cols, output)


def _round(edges: Tensor) -> Tensor:
    """Round halves away from zero, as C does; torch.round takes them to the even number. All edges are small."""
    exact = edges.detach().double()
    return (exact.sign() * (exact.abs() + 0.5).floor()).to(edges.dtype)


def _whole_bins(start: Tensor, end: Tensor, bins: int, size: int) -> Tensor:
    """[bins, 2]: whole cells of equal bins between two whole edges, first and one past the last, within 0 … size."""
    length = (end - start) / bins
    numbers = torch.arange(bins, dtype=start.dtype, device=start.device)
    edges = torch.stack([(numbers * length).floor(), ((numbers + 1) * length).ceil()], dim=1)
    return (edges + start).long().clamp(0, size)


@dataclass(frozen=True)
class AlignedBox:
    """What `align_one_box` did. A coordinate is r at the centre of row r: where the map's values sit.

    Attributes:
        ys (Tensor[oh, gy]): rows of the sampling points, gy of them in each row of bins.
        xs (Tensor[ow, gx]): columns of the sampling points.
        output (Tensor[C, oh, ow]): the mean over the gy · gx points of each bin; 0 if there are none.
    """

    ys: Tensor
    xs: Tensor
    output: Tensor

    def points(self, bin_row: int, bin_col: int) -> Tensor:
        """Tensor[gy · gx, 2]: (y, x) of a bin's sampling points, row by row; a ValueError if there is no such bin."""
        if bin_row not in range(len(self.ys)) or bin_col not in range(len(self.xs)):
            last = len(self.ys) - 1, len(self.xs) - 1
            raise ValueError(f"(bin_row, bin_col) must lie in 0…{last[0]}, 0…{last[1]}; got ({bin_row}, {bin_col})")
        return torch.cartesian_prod(self.ys[bin_row], self.xs[bin_col])


def align_one_box(
    features: Tensor, box: Tensor, output_size: tuple[int, int] = (7, 7), sampling_ratio: int = 2, aligned: bool = True
) -> AlignedBox:
    """RoIAlign of one box: no rounding; read the map at points inside each bin, between the cells, and average.

    Args:
        features (Tensor[C, h, w]): the feature map of one picture.
        box (Tensor[4]): xyxy in cells, see `to_cells`. A gradient flows back to it.
        output_size: (oh, ow), bins; at most 100 each way.
        sampling_ratio: points of a bin in each direction; 0 takes as many as the bin is cells long, rounded up. In
            all at most 16,777,216 values are read: points · channels.
        aligned: the values sit at the centres of the cells, so a point of the map lies half a cell before its
            coordinate. False leaves that half out, as the first implementations did.

    Returns:
        AlignedBox: the sampling points and the output.

    Raises:
        ValueError: if a shape, the box or a setting is not as said.

    Source: He et al. 2017 (Mask R-CNN), section 3.
    Differs: torchvision.ops.roi_align has aligned=False and sampling_ratio=-1 (here 0) by default, and gives the box
        no gradient. torchvision's Faster R-CNN takes aligned=False and 2 points, detectron2's aligned=True and 0.
    """
    features, box, output_size = _checked(features, box, output_size)
    sampling_ratio = take_whole(sampling_ratio, "sampling_ratio", 0, 1000)
    # 1. From the box to the coordinates in which the values sit at whole numbers.
    x1, y1, x2, y2 = box - 0.5 if aligned else box
    height, width = y2 - y1, x2 - x1
    if not aligned:
        height, width = height.clamp(min=1), width.clamp(min=1)  # at least a cell
    # 2. Equal bins, and in each of them points on an even grid. Nothing is rounded.
    ys = _even_points(y1, height, output_size[0], sampling_ratio)
    xs = _even_points(x1, width, output_size[1], sampling_ratio)
    read = ys.numel() * xs.numel() * len(features)
    check_count(read, MOST_VALUES, "box, output_size and sampling_ratio read … values")
    # 3. At each point: the four cells round it, the nearer the more.
    found = neighbours(torch.cartesian_prod(ys.flatten(), xs.flatten()), (features.shape[1], features.shape[2]))
    values = (features[:, found.rows, found.cols] * found.weights).sum(dim=2)  # [C, points]
    # 4. The mean over the points of each bin.
    values = values.view(len(features), ys.shape[0], ys.shape[1], xs.shape[0], xs.shape[1])
    return AlignedBox(ys, xs, values.sum(dim=(2, 4)) / max(ys.shape[1] * xs.shape[1], 1))


def _even_points(start: Tensor, length: Tensor, bins: int, sampling_ratio: int) -> Tensor:
    """[bins, g]: the coordinates of g points in each of the equal bins of a side."""
    bin_size = length / bins
    points = sampling_ratio or int(bin_size.detach().ceil())
    numbers, within = torch.arange(bins).to(start), torch.arange(points).to(start) + 0.5
    return (start + numbers * bin_size)[:, None] + within * bin_size / points


@dataclass(frozen=True)
class Neighbours:
    """The cells that a point of the map is interpolated from, and their shares.

    Attributes:
        rows (Tensor[K, 4]): int64; of the upper left, upper right, lower left, lower right cell.
        cols (Tensor[K, 4]): int64.
        weights (Tensor[K, 4]): in [0, 1], sum 1; all 0 for a point more than a cell outside the map.
    """

    rows: Tensor
    cols: Tensor
    weights: Tensor


def neighbours(points: Tensor, feature_size: tuple[int, int]) -> Neighbours:
    """The four cells round each point, and the weights of bilinear interpolation.

    Args:
        points (Tensor[K, 2]): (y, x), whole numbers at the cells' centres.
        feature_size: (h, w).

    Returns:
        Neighbours: of each point. Beyond the outermost centres the nearest cell is repeated.

    Raises:
        ValueError: if points is not Tensor[K, 2] of finite numbers, or feature_size is no size.

    Source: He et al. 2017, figure 3.
    Differs: no; as in torchvision.ops.roi_align.
    """
    points = take_numbers(points, "points", "K, 2")
    size = points.new_tensor(take_size(feature_size, "feature_size"))
    outside = ((points < -1) | (points > size)).any(dim=1)
    at = torch.minimum(points.clamp(min=0), size - 1)
    low = at.detach().floor()
    part = at - low  # 0 at the upper or left cell's centre, towards 1 at the next one's
    (top, left), (bottom, right) = low.long().T, torch.minimum(low + 1, size - 1).long().T
    down, across = part.T
    weights = torch.stack(
        [(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across], dim=1
    ).masked_fill(outside[:, None], 0)
    rows, cols = torch.stack([top, top, bottom, bottom], dim=1), torch.stack([left, right, left, right], dim=1)
    return Neighbours(rows, cols, weights)


def _checked(features: Tensor, box: Tensor, output_size: tuple[int, int]) -> tuple[Tensor, Tensor, tuple[int, int]]:
    """What both poolings are given, fit to compute with."""
    features, box = take_numbers(features, "features", "C, h, w"), take_numbers(box, "box", "4")
    if 0 in features.shape[1:]:
        raise ValueError(f"features must be of at least one cell; got {list(features.shape)}")
    features, box = to_one_type(features, check_boxes(box[None], "box")[0])
    output_size = take_size(output_size, "output_size", high=100)
    check_count(len(features) * output_size[0] * output_size[1], MOST_VALUES, "features and output_size make … values")
    return features, box, output_size


@dataclass(frozen=True)
class SampledProposals:
    """The boxes that train the second head in one step, K of them.

    Attributes:
        inds (Tensor[K]): int64, ascending; rows among the proposals with the gt boxes appended.
        proposals (Tensor[K, 4]): xyxy, px; these rows.
        labels (Tensor[K]): int64; the class of the matched gt box, 0 for background.
        matched_idxs (Tensor[K]): int64; the gt box of a foreground row, -1 for background.
        regression_targets (Tensor[K, 4]): (dx, dy, dw, dh) to that gt box; zeros for background.
    """

    inds: Tensor
    proposals: Tensor
    labels: Tensor
    matched_idxs: Tensor
    regression_targets: Tensor


def sample_proposals(
    proposals: Tensor,
    gt_boxes: Tensor,
    batch_size_per_image: int = 512,
    positive_fraction: float = 0.25,
    fg_iou_thresh: float = 0.5,
    bg_iou_thresh: float = 0.5,
    generator: torch.Generator | None = None,
    gt_labels: Tensor | None = None,
) -> SampledProposals:
    """The second sampling: draw the proposals that train the head which names the objects.

    Args:
        proposals (Tensor[N, 4]): xyxy, px; of the RPN, up to 2,000 in training.
        gt_boxes (Tensor[M, 4]): xyxy, px; M may be 0.
        batch_size_per_image: how many to draw in all.
        positive_fraction: at most this share of them is foreground.
        fg_iou_thresh: a proposal at or above it with some gt box is foreground.
        bg_iou_thresh: a proposal below it with every gt box is background; between the two it is not drawn.
        generator: a CPU generator, for a draw that can be repeated.
        gt_labels (Tensor[M], optional): int64; the class of each gt box, from 1 on. Left out, every object is 1.

    Returns:
        SampledProposals: no gradient leads from them back to the RPN.

    Raises:
        ValueError: if a box is malformed, gt_labels does not fit, or a setting is out of range.

    Source: Girshick 2015, section 2.3: 128 of two pictures, 25 % of them foreground.
    Differs: Fast R-CNN takes 64 a picture and background from IoU 0.1 on only; py-faster-rcnn 128, torchvision and
        detectron2 512 a picture and all from 0 on, as here. torchvision multiplies the targets by (10, 10, 5, 5)
        and writes 0 where matched_idxs is -1 here.
    """
    proposals, gt_boxes = check_boxes(proposals, "proposals"), check_boxes(gt_boxes, "gt_boxes").detach()
    given = torch.ones(len(gt_boxes)) if gt_labels is None else gt_labels
    classes = take_whole_numbers(given, "gt_labels", f"{len(gt_boxes)}", low=1)
    bg_iou_thresh, fg_iou_thresh = take_thresholds(bg_iou_thresh, fg_iou_thresh)
    check_count((len(proposals) + len(gt_boxes)) * len(gt_boxes), MOST_PAIRS, "proposals and gt_boxes make … pairs")
    # 1. The boxes are numbers from here on, not outputs of a network: no gradient flows back through them.
    # The gt boxes join them, so that there is foreground before the RPN has learnt anything.
    candidates = torch.cat([proposals.detach(), gt_boxes.to(proposals)])
    # 2. Each belongs to the gt box that it overlaps most, if it does so enough.
    quality = box_iou(gt_boxes.double(), candidates.double())  # [M, N + M]
    best = quality.max(dim=0) if len(gt_boxes) else None
    iou = best.values if best else quality.new_zeros(len(candidates))
    labels = torch.full_like(iou, IGNORED, dtype=torch.int8)
    labels[iou < bg_iou_thresh] = NEGATIVE
    if best:
        labels[iou >= fg_iou_thresh] = POSITIVE
    matched_idxs = torch.where(labels == POSITIVE, best.indices, -1) if best else torch.full_like(iou, -1).long()
    # 3. Draw: up to a quarter foreground, background fills up.
    inds = torch.cat(sample_minibatch(labels, batch_size_per_image, positive_fraction, generator)).sort().values
    # 4. What each should be called, and where it should move to.
    matched = matched_idxs[inds]
    named = torch.cat([classes.to(inds), inds.new_zeros(1)])[matched]  # -1 reads the 0 at the end: background
    targets = regression_targets(candidates[inds], gt_boxes, matched)
    return SampledProposals(inds, candidates[inds], named, matched, targets)
