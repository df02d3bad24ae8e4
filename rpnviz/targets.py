"""The training branch: anchors → labels → a sampled minibatch → regression targets. No network and no NMS in it.

Shapes: N anchors, M gt boxes of one picture. Labels: 1 positive, 0 negative, -1 ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from rpnviz._inputs import (
    MOST_PAIRS,
    check_count,
    take_flags,
    take_number,
    take_numbers,
    take_size,
    take_thresholds,
    take_whole,
    take_whole_numbers,
)
from rpnviz.anchors import inside_picture
from rpnviz.boxes import check_boxes, encode, pairwise_iou

POSITIVE, NEGATIVE, IGNORED = 1, 0, -1

# IoUs that differ by less than this share of the larger one are the same IoU. Where strides are no whole numbers, as on
# the 40 × 60 grid, float32 rounds the corners of anchors: beyond 512 px to steps of 0.00006 px. Then the areas of two
# equal anchors of 182 × 90 px differ by up to 2 millionths, and so do their IoUs with a box in both. The next anchor in
# size, 128 × 128 px, is larger by 1 / 4096.
TIE = 1e-5


class _Match(NamedTuple):
    """Which anchor fits which gt box best, before any threshold; the fields are those of `AnchorLabels`."""

    iou: Tensor
    best_gt_idxs: Tensor
    best_for_gt_idxs: Tensor
    best_iou_per_gt: Tensor
    best_anchor_per_gt: Tensor
    num_tied: Tensor


@dataclass(frozen=True)
class AnchorLabels:
    """What `label_anchors` found, one entry for each of the N anchors or M gt boxes.

    Attributes:
        labels (Tensor[N]): int8; 1 positive, 0 negative, -1 ignored.
        matched_idxs (Tensor[N]): int64; the gt box a positive anchor has to move to, -1 for all others.
        iou (Tensor[N]): float32; best IoU with any gt box, also of anchors that were dropped.
        best_gt_idxs (Tensor[N]): int64; the gt box of that IoU, -1 if no gt box overlaps the anchor.
        crosses_boundary (Tensor[N]): bool; dropped before labelling because it crosses the picture's border.
        low_quality (Tensor[N]): bool; positive although its IoU is below the upper threshold: by the best-per-gt rule.
        best_for_gt_idxs (Tensor[N]): int64; the first gt box that no anchor fits better, ties included; -1 if none.
        best_iou_per_gt (Tensor[M]): float32; the best IoU of any anchor that was not dropped with that gt box.
        best_anchor_per_gt (Tensor[M]): int64; the first anchor with that IoU, -1 if none overlaps the gt box.
        num_tied (Tensor[M]): int64; how many anchors have that IoU; 0 if no anchor overlaps the gt box.
    """

    labels: Tensor
    matched_idxs: Tensor
    iou: Tensor
    best_gt_idxs: Tensor
    crosses_boundary: Tensor
    low_quality: Tensor
    best_for_gt_idxs: Tensor
    best_iou_per_gt: Tensor
    best_anchor_per_gt: Tensor
    num_tied: Tensor

    @classmethod
    def from_labels(
        cls, *, labels: Tensor, match_quality_matrix: Tensor, crosses_boundary: Tensor, fg_iou_thresh: float = 0.7
    ) -> AnchorLabels:
        """Work out all but the labels, which may have been made in another way.

        Args:
            labels (Tensor[N]): 1 positive, 0 negative, -1 ignored.
            match_quality_matrix (Tensor[M, N]): IoU; rows gt boxes, columns anchors.
            crosses_boundary (Tensor[N]): bool; the anchors that took no part.
            fg_iou_thresh: a positive anchor below it is positive by the best-per-gt rule.

        Returns:
            AnchorLabels: see there.

        Raises:
            ValueError: if the shapes do not fit, a label is none of the three, or a number is NaN or infinite.
        """
        labels = take_whole_numbers(labels, "labels", "N", IGNORED, POSITIVE)
        crosses_boundary = take_flags(crosses_boundary, "crosses_boundary", f"{len(labels)}")
        ious = take_numbers(match_quality_matrix, "match_quality_matrix", f"M, {len(labels)}").detach()
        match = _match(ious, crosses_boundary)
        fg_iou_thresh = take_number(fg_iou_thresh, "fg_iou_thresh", 0, 1)
        return cls._from_match(labels, match, crosses_boundary, fg_iou_thresh)

    @classmethod
    def _from_match(cls, labels: Tensor, match: _Match, crosses_boundary: Tensor, fg_iou_thresh: float) -> AnchorLabels:
        positive = labels == POSITIVE
        return cls(
            labels=labels.to(torch.int8),
            matched_idxs=torch.where(positive, match.best_gt_idxs, -1),
            crosses_boundary=crosses_boundary,
            low_quality=positive & (match.iou < fg_iou_thresh),
            **match._asdict(),
        )


def label_anchors(
    anchors: Tensor,
    gt_boxes: Tensor,
    image_size: tuple[int, int],
    fg_iou_thresh: float = 0.7,
    bg_iou_thresh: float = 0.3,
    allow_low_quality_matches: bool = True,
    drop_cross_boundary: bool = True,
) -> AnchorLabels:
    """Label each anchor as object, background or neither.

    Args:
        anchors (Tensor[N, 4]): xyxy, px of the picture.
        gt_boxes (Tensor[M, 4]): xyxy, px of the picture; M may be 0.
        image_size: (H, W) of the picture, px.
        fg_iou_thresh: an anchor at or above it with some gt box is positive.
        bg_iou_thresh: an anchor below it with every gt box is negative.
        allow_low_quality_matches: the anchors with the highest IoU of a gt box, ties included, are positive,
            whatever that IoU is, unless it is 0.
        drop_cross_boundary: leave out anchors that cross the picture's border.

    Returns:
        AnchorLabels: see there.

    Raises:
        ValueError: if a box is malformed, there are more than 33,554,432 pairs of anchor and gt box, or not
            0 ≤ bg_iou_thresh ≤ fg_iou_thresh ≤ 1.

    Source: Ren et al. 2015, section 3.1.2 (labels) and 3.3 (cross-boundary anchors).
    Differs: torchvision and detectron2 keep cross-boundary anchors (drop_cross_boundary=False). In torchvision a gt
        box that overlaps no anchor makes every anchor of IoU 0 a "best" one; here it makes none. torchvision asks
        ties to be equal to the last bit; here to 1e-5 of the IoU, so that float32 corners cannot break a tie. On the
        40 × 60 grid 110 anchors tie for a box of 8 × 8 px at (480, 300); torchvision finds 12 of them.
        As in torchvision, an anchor that is best for one gt box but overlaps another more is matched to the other.
    """
    image_size = take_size(image_size, "image_size")
    bg_iou_thresh, fg_iou_thresh = take_thresholds(bg_iou_thresh, fg_iou_thresh)
    anchors, gt_boxes = check_boxes(anchors, "anchors").detach(), check_boxes(gt_boxes, "gt_boxes").detach()
    check_count(len(anchors) * len(gt_boxes), MOST_PAIRS, "anchors and gt_boxes make … pairs")
    # 1. Compare every anchor with every gt box, on the picture.
    match_quality_matrix = pairwise_iou(gt_boxes, anchors)  # [M, N]

    # 2. Anchors that cross the border take no part: no gt box has its best anchor among them.
    crosses_boundary = torch.zeros(len(anchors), dtype=torch.bool, device=anchors.device)
    if drop_cross_boundary:
        crosses_boundary = ~inside_picture(anchors, image_size)
    match = _match(match_quality_matrix, crosses_boundary)

    # 3. Two thresholds: positive above, negative below, ignored between.
    labels = torch.full_like(match.best_gt_idxs, IGNORED, dtype=torch.int8)  # [N]
    labels[match.iou < bg_iou_thresh] = NEGATIVE
    labels[(match.iou >= fg_iou_thresh) & (match.best_gt_idxs >= 0)] = POSITIVE

    # 4. No gt box shall go without: its best anchors are positive too, ties included.
    if allow_low_quality_matches:
        labels[match.best_for_gt_idxs >= 0] = POSITIVE

    labels[crosses_boundary] = IGNORED
    return AnchorLabels._from_match(labels, match, crosses_boundary, fg_iou_thresh)


def sample_minibatch(
    labels: Tensor,
    batch_size_per_image: int = 256,
    positive_fraction: float = 0.5,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw the anchors that the losses of this step see; all others are masked out.

    Args:
        labels (Tensor[N]): 1 positive, 0 negative, anything else is not drawn.
        batch_size_per_image: how many to draw in all.
        positive_fraction: at most this share of them is positive.
        generator: a CPU generator, for a draw that can be repeated.

    Returns:
        (pos_inds, neg_inds): two int64 tensors of indices into `labels`, ascending. Missing positives are filled up
        with negatives; missing negatives are not filled up.

    Raises:
        ValueError: if labels is not a flat list of whole numbers, batch_size_per_image < 1, or not
            0 ≤ positive_fraction ≤ 1.

    Source: Ren et al. 2015, section 3.1.3: 256 anchors of one image, up to 1 : 1.
    Differs: no; the counts are those of torchvision's BalancedPositiveNegativeSampler. The draw is made on the CPU,
        so that one seed gives one sample on every device.
    """
    labels = take_whole_numbers(labels, "labels", "N")
    batch_size_per_image = take_whole(batch_size_per_image, "batch_size_per_image")
    positive_fraction = take_number(positive_fraction, "positive_fraction", 0, 1)
    positive = (labels == POSITIVE).nonzero().flatten()
    negative = (labels == NEGATIVE).nonzero().flatten()
    num_pos = min(len(positive), int(batch_size_per_image * positive_fraction))
    num_neg = min(len(negative), batch_size_per_image - num_pos)
    return _draw(positive, num_pos, generator), _draw(negative, num_neg, generator)


def sample_unbalanced(
    labels: Tensor, batch_size_per_image: int = 256, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Draw from all anchors that have a label, without regard to which: what `sample_minibatch` is there to prevent.

    Args:
        labels (Tensor[N]): 1 positive, 0 negative, anything else is not drawn.
        batch_size_per_image: how many to draw.
        generator: a CPU generator, for a draw that can be repeated.

    Returns:
        (pos_inds, neg_inds): two int64 tensors of indices into `labels`, ascending.

    Raises:
        ValueError: if labels is not a flat list of whole numbers, or batch_size_per_image < 1.
    """
    labels = take_whole_numbers(labels, "labels", "N")
    batch_size_per_image = take_whole(batch_size_per_image, "batch_size_per_image")
    labelled = ((labels == POSITIVE) | (labels == NEGATIVE)).nonzero().flatten()
    drawn = _draw(labelled, min(len(labelled), batch_size_per_image), generator)
    return drawn[labels[drawn] == POSITIVE], drawn[labels[drawn] == NEGATIVE]


def regression_targets(anchors: Tensor, gt_boxes: Tensor, matched_idxs: Tensor) -> Tensor:
    """What each positive anchor's four deltas should be.

    Args:
        anchors (Tensor[N, 4]): xyxy, px.
        gt_boxes (Tensor[M, 4]): xyxy, px.
        matched_idxs (Tensor[N]): gt index of a positive anchor, -1 for all others.

    Returns:
        Tensor[N, 4]: (dx, dy, dw, dh); zeros where matched_idxs is -1, which the loss never reads.

    Raises:
        ValueError: if matched_idxs is not one index for each anchor, or names a gt box there is not.

    Source: Ren et al. 2015, equation 2.
    Differs: torchvision encodes a placeholder gt box for anchors that are not positive; the loss reads neither.
    """
    anchors, gt_boxes = check_boxes(anchors, "anchors").detach(), check_boxes(gt_boxes, "gt_boxes").detach()
    matched_idxs = take_whole_numbers(matched_idxs, "matched_idxs", f"{len(anchors)}", -1, len(gt_boxes) - 1)
    targets = torch.zeros_like(anchors)
    matched = matched_idxs >= 0
    targets[matched] = encode(gt_boxes.to(anchors.dtype)[matched_idxs[matched]], anchors[matched])
    return targets


def _match(match_quality_matrix: Tensor, crosses_boundary: Tensor) -> _Match:
    """Find the best gt box of each anchor, and the best anchors of each gt box among those that take part."""
    num_gt, num_anchors = match_quality_matrix.shape
    match_quality_matrix = match_quality_matrix.float()
    # 1. The gt box that each anchor overlaps most.
    iou = match_quality_matrix.new_zeros(num_anchors)  # [N]
    best_gt_idxs = torch.full_like(iou, -1, dtype=torch.int64)
    if num_gt:
        iou, best_gt_idxs = match_quality_matrix.max(dim=0)
        best_gt_idxs.masked_fill_(iou == 0, -1)

    # 2. The highest IoU of each gt box with an anchor that takes part.
    eligible = match_quality_matrix  # [M, N]
    if crosses_boundary.any():
        eligible = eligible.masked_fill(crosses_boundary, 0.0)
    best_iou_per_gt = eligible.amax(dim=1) if num_anchors else eligible.new_zeros(num_gt)  # [M]

    # 3. All pairs of gt box and anchor that reach it. A gt box that no anchor overlaps is in no pair.
    least = torch.where(best_iou_per_gt > 0, best_iou_per_gt * (1 - TIE), torch.inf)
    gt_idxs, anchor_idxs = torch.where(eligible >= least[:, None])  # [T] each
    return _Match(
        iou=iou,
        best_gt_idxs=best_gt_idxs,
        best_for_gt_idxs=_first(num_anchors, anchor_idxs, gt_idxs),
        best_iou_per_gt=best_iou_per_gt,
        best_anchor_per_gt=_first(num_gt, gt_idxs, anchor_idxs),
        num_tied=torch.bincount(gt_idxs, minlength=num_gt),
    )


def _first(count: int, places: Tensor, values: Tensor) -> Tensor:
    """For each of `count` places the smallest value that lies there, -1 where none does."""
    return values.new_full((count,), -1).scatter_reduce(0, places, values, "amin", include_self=False)


def _draw(indices: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """`count` of the indices, each set equally likely, in ascending order."""
    chosen = torch.randperm(len(indices), generator=generator)[:count].to(indices.device)
    return indices[chosen].sort().values
