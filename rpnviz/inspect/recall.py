"""How good proposals are: the share of gt boxes that some proposal covers.

Shapes: K proposals, M gt boxes of one picture. Several pictures are joined by counting gt boxes, not pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from rpnviz._files.data import data_folder
from rpnviz._inputs import MOST_PAIRS, check_count, take_each, take_number, take_numbers, take_whole
from rpnviz.boxes import box_iou, check_boxes

IOU_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))  # 0.5, 0.55 … 0.95, none rounded up


def best_ious(proposals: Tensor, gt_boxes: Tensor, top_n: int) -> Tensor:
    """The best IoU that any of the first `top_n` proposals reaches with each gt box.

    Args:
        proposals (Tensor[K, 4]): xyxy, px, best first; K may be 0.
        gt_boxes (Tensor[M, 4]): xyxy, px.
        top_n: how many proposals count.

    Returns:
        Tensor[M]: in [0, 1].

    Raises:
        ValueError: if an argument is not a list of boxes, or top_n < 1.
    """
    proposals, gt_boxes = check_boxes(proposals, "proposals").detach(), check_boxes(gt_boxes, "gt_boxes").detach()
    top_n = take_whole(top_n, "top_n")
    if len(proposals) == 0:
        return gt_boxes.new_zeros(len(gt_boxes))
    proposals = proposals[:top_n].to(gt_boxes.dtype)
    check_count(len(proposals) * len(gt_boxes), MOST_PAIRS, "proposals and gt_boxes make … pairs")
    return box_iou(gt_boxes, proposals).amax(dim=1)


def recall(ious: Tensor, iou_thresh: float = 0.5) -> float:
    """The share of gt boxes covered at a threshold.

    Args:
        ious (Tensor[M]): from `best_ious`, of one or of all pictures.
        iou_thresh: a gt box is covered at or above it.

    Returns:
        In [0, 1].

    Raises:
        ValueError: if ious is not a flat list of numbers with at least one gt box, or the threshold is outside (0, 1].

    Source: Hosang et al. 2015 (arXiv 1502.05082), section 4.
    Differs: one proposal may cover two gt boxes; with boxes of distinct objects this hardly ever counts.
    """
    ious, iou_thresh = take_numbers(ious, "ious", "M"), take_number(iou_thresh, "iou_thresh", 0, 1, above=True)
    if len(ious) == 0:
        raise ValueError("ious is empty: recall needs at least one gt box")
    return float((ious >= iou_thresh).double().mean())


def average_recall(ious: Tensor, iou_thresholds: Sequence[float] = IOU_THRESHOLDS) -> float:
    """The mean of the recalls at IoU 0.5, 0.55 … 0.95 (COCO's "AR").

    Args:
        ious (Tensor[M]): from `best_ious`, of one or of all pictures.
        iou_thresholds: where to measure.

    Returns:
        In [0, 1].

    Raises:
        ValueError: as `recall`, or if there is no threshold.

    Source: Hosang et al. 2015, section 4.2, in COCO's ten steps.
    Differs: no.
    """
    iou_thresholds = take_each(iou_thresholds, "iou_thresholds", take_number, 0, 1, True)
    return sum(recall(ious, thresh) for thresh in iou_thresholds) / len(iou_thresholds)


def recall_table(
    pictures: Iterable[tuple[Tensor, Tensor]], top_ns: Sequence[int] = (10, 50, 100, 300, 1000)
) -> dict[int, dict[str, float]]:
    """Recall against the number of proposals, over many pictures.

    Args:
        pictures: for each picture its proposals (Tensor[K, 4]) and gt boxes (Tensor[M, 4]).
        top_ns: the numbers of proposals.

    Returns:
        {top_n: {"recall@0.5": …, "average_recall": …}}.

    Raises:
        ValueError: if there is no picture, or none of them has a gt box.
    """
    pairs = list(pictures)
    if not pairs:
        raise ValueError("pictures is empty: recall needs at least one")
    table = {}
    for top_n in take_each(top_ns, "top_ns", take_whole):
        ious = torch.cat([best_ious(proposals, gt_boxes, top_n) for proposals, gt_boxes in pairs])
        table[top_n] = {"recall@0.5": recall(ious), "average_recall": average_recall(ious)}
    return table


def recorded_recall() -> tuple[int, dict[str, dict[int, dict[str, float]]]]:
    """The recall tables that come with the bundled weights; `python -m tools.data.recall` measured them.

    Returns:
        How many held-out scenes were measured, and {name of a row: {top_n: {"recall@0.5": …, "average_recall": …}}}.
    """
    return _recorded("recall.json")


def recorded_misreadings() -> tuple[int, dict[str, dict[int, dict[str, float]]]]:
    """What recall is left when "mini" is read by other conventions; `python -m tools.data.misread` measured it.

    Returns:
        As `recorded_recall`; a row for each of `misreadings.MISREADINGS`.
    """
    return _recorded("misreadings.json")


def _recorded(name: str) -> tuple[int, dict[str, dict[int, dict[str, float]]]]:
    """Recall tables from a file beside the weights."""
    record = _record(name)
    rows = {name: {int(top_n): numbers for top_n, numbers in table.items()} for name, table in record["rows"].items()}
    return record["held-out scenes"], rows


def recorded_ablations() -> dict[str, Any]:
    """What breaks a training: recall of heads with one rule left out; `python -m tools.data.ablations` measured it.

    Returns:
        "backbone", "steps", "seeds", "held-out scenes": how; "rows": {name: {figure: one number for each seed}}, the
        first row with all rules; "proposers": likewise, of the intact head and of the one trained without
        cross-boundary anchors, measured beside each other: recall, how many of the 300 proposals of a scene come from
        which anchors, and the mean score of 362×724.
    """
    return _record("ablations.json")


def recorded_photographs() -> dict[str, Any]:
    """How many anchors score like an object on photographs and on streets; `tools/data/photographs.py` counted them.

    Returns:
        "photographs", "streets": their names; "score": from which on it counts; "rows": {"mini": …, "vgg16": …}, each
        {"photographs": a count for each, "streets": likewise}.
    """
    return _record("photographs.json")


def _record(name: str) -> dict[str, Any]:
    """What was measured once, from a file beside the weights."""
    record: dict[str, Any] = json.loads((data_folder() / "weights" / name).read_text(encoding="utf-8"))
    return record
