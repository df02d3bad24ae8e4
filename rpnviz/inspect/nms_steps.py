"""Non-maximum suppression, one box at a time: written to be read, and held against torchvision.ops.nms by tests.

Shapes: N boxes. A row is a place in the list as it was handed in; a rank is a place in the order of the scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz._inputs import check_count, take_number, take_numbers, take_whole, to_one_type
from rpnviz.boxes import box_iou, check_boxes

MOST_BOXES = 2**15  # so many turns take seconds


@dataclass(frozen=True)
class NmsStep:
    """What happens when it is a box's turn.

    Attributes:
        row (int): the box.
        suppressed_by (int): row of the box that suppressed it before its turn; -1 if none did: then it is kept.
        iou (float): the IoU of these two, 0 if it is kept.
        suppresses (Tensor[K]): int64; rows of the boxes that it suppresses now, best score first.
        ious (Tensor[K]): its IoU with each of them.
        spares (Tensor[L]): int64; rows that it would suppress now, had it not been suppressed itself.
    """

    row: int
    suppressed_by: int
    iou: float
    suppresses: Tensor
    ious: Tensor
    spares: Tensor

    @property
    def kept(self) -> bool:
        """Whether the box is still there when its turn comes."""
        return self.suppressed_by < 0


def ranking(scores: Tensor, reverse_ties: bool = False) -> Tensor:
    """The order in which boxes have their turn.

    Args:
        scores (Tensor[N]): logits or probabilities.
        reverse_ties: among equal scores the last of the list first. Either order is as good as the other.

    Returns:
        Tensor[N]: int64; rows, best score first, equal scores in the order of the list.

    Raises:
        ValueError: if scores are not flat, or one is NaN or infinite.
    """
    scores = take_numbers(scores, "scores", "N").detach()
    if reverse_ties:
        return len(scores) - 1 - scores.flip(0).argsort(descending=True, stable=True)
    return scores.argsort(descending=True, stable=True)


def nms_steps(boxes: Tensor, scores: Tensor, nms_thresh: float = 0.7, suppressed_too: bool = False) -> list[NmsStep]:
    """Go down the list of boxes, and say of each what happens at its turn.

    Args:
        boxes (Tensor[N, 4]): xyxy, px; at most 32,768.
        scores (Tensor[N]): the higher, the earlier its turn.
        nms_thresh: a box is suppressed by a better kept box if their IoU is above it; at it, both stay.
        suppressed_too: let suppressed boxes suppress others as well. Many believe this, but it is not NMS.

    Returns:
        list[NmsStep], N entries: best score first; of equal scores the first in the list.

    Raises:
        ValueError: if an argument is not a list of boxes, there are too many, the shapes do not fit, a score is NaN or
            infinite, or the threshold lies outside [0, 1].

    Source: Ren et al. 2015, section 3.3; Felzenszwalb et al. 2010, section 7.2.
    Differs: torchvision on a CPU suppresses a box of IoU 0.6 at nms_thresh 0.6, since that IoU in float32 is a little
        above 0.6; here it stays, as in `proposals.propose`.
    """
    boxes, scores, nms_thresh = _checked(boxes, scores, nms_thresh)
    nms_thresh = boxes.new_tensor(nms_thresh).item()  # rounded as the IoUs are
    # 1. Best score first.
    order = ranking(scores)
    suppressed_by = torch.full((len(boxes),), -1)
    suppressed_iou = boxes.new_zeros(len(boxes))
    steps = []
    for rank, row in enumerate(order.tolist()):
        # 2. Which boxes that come later, and are still there, overlap this one more than the threshold?
        later = order[rank + 1 :]
        later = later[suppressed_by[later] < 0]
        ious = box_iou(boxes[row, None], boxes[later])[0]
        above = ious > nms_thresh
        # 3. A box that is still there is kept, and suppresses them. One that was suppressed suppresses none.
        kept = bool(suppressed_by[row] < 0)
        acts = above if kept or suppressed_too else torch.zeros_like(above)
        suppressed_by[later[acts]] = row
        suppressed_iou[later[acts]] = ious[acts]
        by, iou = int(suppressed_by[row]), float(suppressed_iou[row])
        steps.append(NmsStep(row, by, iou, later[acts], ious[acts], later[above & ~acts]))
    return steps


def kept_rows(steps: list[NmsStep]) -> Tensor:
    """Rows of the boxes that are kept, best first: what torchvision.ops.nms returns.

    Args:
        steps: from `nms_steps`.

    Returns:
        Tensor[K]: int64.
    """
    return torch.tensor([step.row for step in steps if step.kept], dtype=torch.int64)


def states_after(steps: list[NmsStep], turns: int) -> list[str]:
    """How every box stands once so many have had their turn.

    Args:
        steps: from `nms_steps`.
        turns: 0 for the start, len(steps) for the end.

    Returns:
        list[str], by row: "current" has its turn now, "falls" is suppressed by it, "suppressed" was suppressed earlier,
        "kept" was kept earlier, "waiting" is still to come.

    Raises:
        ValueError: if there are not so many turns.
    """
    turns = take_whole(turns, "turns", 0, len(steps))
    states = ["waiting"] * len(steps)
    for turn, step in enumerate(steps[:turns], start=1):
        now = turn == turns
        if now:
            states[step.row] = "current"
        elif step.kept:
            states[step.row] = "kept"
        for row in step.suppresses.tolist():
            states[row] = "falls" if now else "suppressed"
    return states


def _checked(boxes: Tensor, scores: Tensor, nms_thresh: float) -> tuple[Tensor, Tensor, float]:
    """The arguments of `nms_steps`, fit to compute with."""
    boxes = check_boxes(boxes, "boxes").detach()
    check_count(len(boxes), MOST_BOXES, "boxes are … boxes")
    boxes, scores = to_one_type(boxes, take_numbers(scores, "scores", f"{len(boxes)}").detach())
    return boxes, scores, take_number(nms_thresh, "nms_thresh", 0, 1)
