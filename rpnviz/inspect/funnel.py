"""Stage by stage from all anchors to the proposals: what is left, what was dropped where, which objects are covered.

Shapes: N anchors, M gt boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz._inputs import take_number
from rpnviz.boxes import check_boxes
from rpnviz.inspect.recall import best_ious
from rpnviz.proposals import Stages

STAGES = ("anchors", "decoded", "clipped", "large enough", "top-N by score", "after NMS", "proposals")


@dataclass(frozen=True)
class Stage:
    """What one stage leaves.

    Attributes:
        name (str): one of STAGES.
        inds (Tensor[K]): int64; the anchors that are left, best score first.
        boxes (Tensor[K, 4]): xyxy, px; where their boxes are at this stage.
        best_ious (Tensor[M]): the best IoU of any of these boxes with each object.
    """

    name: str
    inds: Tensor
    boxes: Tensor
    best_ious: Tensor

    def covered(self, iou_thresh: float) -> int:
        """How many objects some box covers at or above a threshold; a ValueError if it lies outside [0, 1]."""
        return int((self.best_ious >= take_number(iou_thresh, "iou_thresh", 0, 1)).sum())


def stage_by_stage(stages: Stages, anchors: Tensor, gt_boxes: Tensor) -> list[Stage]:
    """Every stage of `propose`, with what is left of the objects.

    Args:
        stages: from `propose`.
        anchors (Tensor[N, 4]): what it was given.
        gt_boxes (Tensor[M, 4]): xyxy, px. Only looked at here; `propose` never sees them.

    Returns:
        list[Stage], one for each of STAGES.

    Raises:
        ValueError: if an argument is not a list of boxes, or the anchors are not those of the stages.
    """
    anchors, gt_boxes = check_boxes(anchors, "anchors").detach(), check_boxes(gt_boxes, "gt_boxes").detach()
    if anchors.shape != stages.all_boxes.shape:
        raise ValueError(f"anchors must be {list(stages.all_boxes.shape)}, as the stages; got {list(anchors.shape)}")
    by_score = score_order(stages)
    dropped = dropped_at(stages)
    found = []
    for number, name in enumerate(STAGES):
        inds = by_score[dropped[by_score] > number]
        boxes = (anchors, stages.decoded, stages.all_boxes)[min(number, 2)][inds]
        found.append(Stage(name, inds, boxes, best_ious(boxes, gt_boxes, max(len(boxes), 1))))
    return found


def score_order(stages: Stages) -> Tensor:
    """Tensor[N]: int64; all anchors, best score first; those that reach NMS in its very order."""
    order = stages.all_scores.argsort(descending=True, stable=True)
    reached = stages.rank[order] >= 0
    order[reached] = stages.pre_nms_inds
    return order


def dropped_at(stages: Stages) -> Tensor:
    """Tensor[N]: int8; the number in STAGES of the stage that drops each anchor, len(STAGES) if none does."""
    dropped = torch.full_like(stages.rank, STAGES.index("large enough"), dtype=torch.int8)
    lefts = (stages.large_inds, stages.pre_nms_inds, stages.nms_inds, stages.post_nms_inds)
    for number, left in enumerate(lefts, start=STAGES.index("top-N by score")):
        dropped[left] = number
    return dropped
