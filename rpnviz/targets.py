"""The training branch: anchors → labels → a sampled minibatch → regression targets. No network and no NMS in it.

Shapes: N anchors, M gt boxes of one picture. Labels: 1 positive, 0 negative, -1 ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz.anchors import inside_picture
from rpnviz.boxes import box_iou, check_boxes, encode

POSITIVE, NEGATIVE, IGNORED = 1, 0, -1
TIE = 1e-6  # IoUs this close are the same IoU: float32 corners of equal anchors differ in the last bit


@dataclass(frozen=True)
class AnchorLabels:
    """What `label_anchors` found, one entry for each of the N anchors unless said otherwise.

    Attributes:
        labels (Tensor[N]): int8; 1 positive, 0 negative, -1 ignored.
        matched_idxs (Tensor[N]): int64; the gt box a positive anchor has to move to, -1 for all others.
        iou (Tensor[N]): float32; best IoU with any gt box, also of anchors that were dropped.
        best_gt_idxs (Tensor[N]): int64; whose IoU that is, -1 if no gt box overlaps the anchor.
        crosses_boundary (Tensor[N]): bool; dropped before labelling because it crosses the picture's border.
        low_quality (Tensor[N]): bool; positive only because no anchor fits some gt box better.
        best_iou_per_gt (Tensor[M]): float32; the best any labelled anchor reaches with that gt box.
    """

    labels: Tensor
    matched_idxs: Tensor
    iou: Tensor
    best_gt_idxs: Tensor
    crosses_boundary: Tensor
    low_quality: Tensor
    best_iou_per_gt: Tensor

    @classmethod
    def of(
        cls, labels: Tensor, match_quality_matrix: Tensor, crosses_boundary: Tensor, fg_iou_thresh: float = 0.7
    ) -> AnchorLabels:
        """Say of labels, however they were made, what they are owed to.

        Args:
            labels (Tensor[N]): 1 positive, 0 negative, -1 ignored.
            match_quality_matrix (Tensor[M, N]): IoU; rows gt boxes, columns anchors.
            crosses_boundary (Tensor[N]): bool; who took no part.
            fg_iou_thresh: what a positive anchor below it is positive for is the best-per-gt rule.
        """
        iou, best_gt_idxs = _best_per_anchor(match_quality_matrix)
        eligible = match_quality_matrix.masked_fill(crosses_boundary, 0.0)
        best_iou_per_gt = eligible.amax(dim=1) if labels.numel() else eligible.new_zeros(len(eligible))  # [M]
        positive = labels == POSITIVE
        return cls(
            labels=labels.to(torch.int8),
            matched_idxs=torch.where(positive, best_gt_idxs, -1),
            iou=iou.float(),
            best_gt_idxs=best_gt_idxs,
            crosses_boundary=crosses_boundary,
            low_quality=positive & (iou < fg_iou_thresh),
            best_iou_per_gt=best_iou_per_gt.float(),
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
        ValueError: if a box is malformed, or not 0 ≤ bg_iou_thresh ≤ fg_iou_thresh ≤ 1.

    Source: Ren et al. 2015, section 3.1.2 (labels) and 3.3 (cross-boundary anchors).
    Differs: torchvision and detectron2 keep cross-boundary anchors (drop_cross_boundary=False). In torchvision a gt
        box that overlaps no anchor makes every anchor of IoU 0 a "best" one; here it makes none. torchvision asks
        ties to be equal to the last bit; here to 1e-6, so that float32 corners cannot break a tie.
        As in torchvision, an anchor that is best for one gt box but overlaps another more is matched to the other.
    """
    if not 0 <= bg_iou_thresh <= fg_iou_thresh <= 1:
        raise ValueError(
            f"thresholds must be 0 ≤ bg_iou_thresh ≤ fg_iou_thresh ≤ 1; got bg_iou_thresh={bg_iou_thresh}, "
            f"fg_iou_thresh={fg_iou_thresh}"
        )
    check_boxes(anchors, "anchors")
    check_boxes(gt_boxes, "gt_boxes")
    # 1. Compare every anchor with every gt box, on the picture.
    match_quality_matrix = box_iou(gt_boxes.double(), anchors.double())  # [M, N]
    iou, best_gt_idxs = _best_per_anchor(match_quality_matrix)

    # 2. Anchors that cross the border take no part.
    crosses_boundary = torch.zeros_like(iou, dtype=torch.bool)
    if drop_cross_boundary:
        crosses_boundary = ~inside_picture(anchors, image_size)
    eligible = match_quality_matrix.masked_fill(crosses_boundary, 0.0)
    best_iou_per_gt = eligible.amax(dim=1) if anchors.numel() else eligible.new_zeros(len(gt_boxes))  # [M]

    # 3. Two thresholds: positive above, negative below, ignored between.
    labels = torch.full_like(best_gt_idxs, IGNORED, dtype=torch.int8)
    labels[iou < bg_iou_thresh] = NEGATIVE
    labels[(iou >= fg_iou_thresh) & (best_gt_idxs >= 0)] = POSITIVE

    # 4. No gt box shall go without: its best anchors are positive too.
    if allow_low_quality_matches:
        is_best = (eligible >= best_iou_per_gt[:, None] - TIE) & (eligible > 0)  # [M, N]
        labels[is_best.any(dim=0)] = POSITIVE

    labels[crosses_boundary] = IGNORED
    return AnchorLabels.of(labels, match_quality_matrix, crosses_boundary, fg_iou_thresh)


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
        ValueError: if labels is not flat, batch_size_per_image < 1 or not 0 ≤ positive_fraction ≤ 1.

    Source: Ren et al. 2015, section 3.1.3: 256 anchors of one image, up to 1 : 1.
    Differs: no; the counts are those of torchvision's BalancedPositiveNegativeSampler. The draw is made on the CPU,
        so that one seed gives one sample on every device.
    """
    if labels.ndim != 1:
        raise ValueError(f"labels must be Tensor[N]; got {list(labels.shape)}")
    if batch_size_per_image < 1:
        raise ValueError(f"batch_size_per_image must be at least 1; got {batch_size_per_image}")
    if not 0 <= positive_fraction <= 1:
        raise ValueError(f"positive_fraction must lie in [0, 1]; got {positive_fraction}")
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
    """
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
    if matched_idxs.shape != (len(anchors),):
        raise ValueError(f"matched_idxs must be [{len(anchors)}], as anchors; got {list(matched_idxs.shape)}")
    if len(anchors) and matched_idxs.max() >= len(gt_boxes):
        raise ValueError(f"matched_idxs must be below {len(gt_boxes)}, as gt_boxes; got {int(matched_idxs.max())}")
    targets = torch.zeros_like(anchors)
    matched = matched_idxs >= 0
    targets[matched] = encode(gt_boxes.to(anchors.dtype)[matched_idxs[matched]], anchors[matched])
    return targets


def _best_per_anchor(match_quality_matrix: Tensor) -> tuple[Tensor, Tensor]:
    """[M, N] -> the best IoU of each anchor [N], and whose it is [N] (-1: nobody's)."""
    num_gt, num_anchors = match_quality_matrix.shape
    if num_gt == 0:
        return match_quality_matrix.new_zeros(num_anchors), match_quality_matrix.new_full((num_anchors,), -1).long()
    iou, best_gt_idxs = match_quality_matrix.max(dim=0)
    return iou, torch.where(iou.float() > 0, best_gt_idxs, -1)  # float, as it is handed on


def _draw(indices: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """`count` of the indices, each set equally likely, in ascending order."""
    chosen = torch.randperm(len(indices), generator=generator)[:count].to(indices.device)
    return indices[chosen].sort().values
