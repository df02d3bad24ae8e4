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
from rpnviz.boxes import box_iou, check_boxes

IOU_THRESHOLDS = tuple(0.5 + 0.05 * i for i in range(10))  # 0.5, 0.55 … 0.95


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
    check_boxes(proposals, "proposals")
    check_boxes(gt_boxes, "gt_boxes")
    if top_n < 1:
        raise ValueError(f"top_n must be at least 1; got {top_n}")
    if len(proposals) == 0:
        return gt_boxes.new_zeros(len(gt_boxes))
    return box_iou(gt_boxes, proposals[:top_n].to(gt_boxes.dtype)).amax(dim=1)


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
    if ious.ndim != 1 or ious.isnan().any():
        raise ValueError(f"ious must be Tensor[M] without NaN; got {list(ious.shape)}, NaN: {int(ious.isnan().sum())}")
    if len(ious) == 0:
        raise ValueError("ious is empty: recall needs at least one gt box")
    if not 0 < iou_thresh <= 1:
        raise ValueError(f"iou_thresh must lie in (0, 1]; got {iou_thresh}")
    return float((ious >= iou_thresh - 1e-9).double().mean())


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
    if not iou_thresholds:
        raise ValueError("iou_thresholds is empty: average_recall needs at least one")
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
    for top_n in top_ns:
        ious = torch.cat([best_ious(proposals, gt_boxes, top_n) for proposals, gt_boxes in pairs])
        table[top_n] = {"recall@0.5": recall(ious), "average_recall": average_recall(ious)}
    return table


def recorded_recall() -> tuple[int, dict[str, dict[int, dict[str, float]]]]:
    """The recall tables that come with the bundled weights; `python -m tools.data.recall` measured them.

    Returns:
        How many held-out scenes were measured, and {name of a row: {top_n: {"recall@0.5": …, "average_recall": …}}}.
    """
    record = json.loads((data_folder() / "weights" / "recall.json").read_text(encoding="utf-8"))
    rows = {name: {int(top_n): numbers for top_n, numbers in table.items()} for name, table in record["rows"].items()}
    return record["held-out scenes"], rows


def recorded_ablations() -> dict[str, Any]:
    """What breaks a training: recall of heads with one rule left out; `python -m tools.data.ablations` measured it.

    Returns:
        "backbone", "steps", "seeds", "held-out scenes": how; "rows": {name: {figure: one number for each seed}}, the
        first row with all rules.
    """
    record: dict[str, Any] = json.loads((data_folder() / "weights" / "ablations.json").read_text(encoding="utf-8"))
    return record
