"""The second sampling: which proposals train the head that names the objects.

Shapes: N proposals and M gt boxes of one picture, K of them drawn. Class labels: 0 is background, objects count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz._inputs import MOST_PAIRS, check_count, take_thresholds, take_whole_numbers
from rpnviz.boxes import box_iou, check_boxes
from rpnviz.targets import IGNORED, NEGATIVE, POSITIVE, regression_targets, sample_minibatch


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
    proposals = check_boxes(proposals, "proposals").detach()
    gt_boxes = check_boxes(gt_boxes, "gt_boxes").detach().to(proposals)
    given = torch.ones(len(gt_boxes)) if gt_labels is None else gt_labels
    classes = take_whole_numbers(given, "gt_labels", f"{len(gt_boxes)}", low=1)
    bg_iou_thresh, fg_iou_thresh = take_thresholds(bg_iou_thresh, fg_iou_thresh)
    check_count((len(proposals) + len(gt_boxes)) * len(gt_boxes), MOST_PAIRS, "proposals and gt_boxes make … pairs")
    # 1. The boxes are numbers from here on, not outputs of a network: no gradient flows back through them.
    # The gt boxes join them, so that there is foreground before the RPN has learnt anything.
    candidates = torch.cat([proposals, gt_boxes])
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
