"""Where a learner's function and ours differ on a real picture: one such row in words, and drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from rpnviz.boxes import box_iou, decode
from rpnviz.exercises.compare import wrong_entries
from rpnviz.exercises.formatting import in_words
from rpnviz.exercises.notebooks.judging import NMS, Stage
from rpnviz.figures.primitives import Still, draw_box, legend, new_still, show_picture

YOURS, OURS, GIVEN = "proposal", "compared", "ground_truth"  # keys of LINE_STYLES
ROOM = 40  # px round a box that reaches beyond the picture
LABELS = {1: "positive", 0: "negative", -1: "neither"}
Named = tuple[str, str, Tensor]  # what it is, its line, xyxy


def row_in_words(stage: Stage) -> str:
    """A row in which two tensors of one shape differ: "Row 3: yours [1, 2], ours [1, 4]."; else ""."""
    row = _one_row(stage)
    if row is None or stage.got[row].numel() > 12:
        return ""
    return f"Row {row:,}: yours {in_words(stage.got[row])}, ours {in_words(stage.wanted[row])}."


def figure_of(stage: Stage | None, image: Any, anchors: Tensor, whose: Sequence[str]) -> Still:
    """Draw what differs at a stage on the picture; without a difference, the bare picture under a sentence.

    Args:
        stage: with a difference, or None.
        image (uint8 [H, W, 3]): the picture.
        anchors (Tensor[N, 4]): xyxy, px; of the labels.
        whose: for each stage so far the notebook it comes from, "" where ours stood in.
    """
    if stage is None:
        own = sum(map(bool, whose))
        return _draw(image, f"No difference: {own} of the {len(whose)} functions that ran are yours.", [])
    drawn = DRAWN.get(stage.name)
    if drawn is None or not _drawable(stage):
        return _draw(image, f"{stage.name}: {stage.message}", [])
    sentence, boxes = drawn(stage, anchors)
    return _draw(image, f"{stage.name}: {sentence}", boxes)


def _drawable(stage: Stage) -> bool:
    return stage.verdict == "differs" and (stage.name == NMS or _one_row(stage) is not None)


def _one_row(stage: Stage) -> int | None:
    """The middle one of those that differ; of labels the anchor with the highest IoU. None if rows do not pair up."""
    got, wanted = stage.got, stage.wanted
    if not isinstance(got, Tensor) or not isinstance(wanted, Tensor) or got.shape != wanted.shape or not got.ndim:
        return None
    wrong = wrong_entries(got, wanted, 1e-4).flatten(1) if got.ndim > 1 else wrong_entries(got, wanted, 1e-4)[:, None]
    rows: list[int] = wrong.any(dim=1).nonzero().flatten().tolist()
    if stage.name == "my_label_anchors" and rows:
        best = stage.arguments[0].amax(dim=0)
        return max(rows, key=lambda row: float(best[row]))
    return rows[len(rows) // 2] if rows else None


def _row(stage: Stage) -> int:
    row = _one_row(stage)
    assert row is not None  # see _drawable
    return row


def _two_boxes(stage: Stage, anchors: Tensor) -> tuple[str, list[Named]]:
    row = _row(stage)
    return f"row {row:,}", [("ours", OURS, stage.wanted[row]), ("yours", YOURS, stage.got[row])]


def _cell(stage: Stage, anchors: Tensor) -> tuple[str, list[Named]]:
    row, middle = _row(stage), torch.tensor([500.0, 300.0, 500.0, 300.0])
    boxes = [("ours", OURS, stage.wanted[row] + middle), ("yours", YOURS, stage.got[row] + middle)]
    return f"anchor {row} of a cell", boxes


def _iou(stage: Stage, anchors: Tensor) -> tuple[str, list[Named]]:
    apart = (stage.got - stage.wanted).abs()
    i, j = divmod(int(apart.argmax()), apart.shape[1])
    sentence = f"of these two boxes, yours {float(stage.got[i, j]):.4f}, ours {float(stage.wanted[i, j]):.4f}"
    return sentence, [(f"box {i}", GIVEN, stage.arguments[0][i]), (f"box {j:,}", "anchor", stage.arguments[1][j])]


def _label(stage: Stage, anchors: Tensor) -> tuple[str, list[Named]]:
    row, matrix = _row(stage), stage.arguments[0]
    yours, ours = (LABELS.get(int(labels[row]), str(int(labels[row]))) for labels in (stage.got, stage.wanted))
    said = f"anchor {row:,}, best IoU {float(matrix[:, row].max()):.2f}: yours {yours}, ours {ours}"
    return said, [("this anchor", "anchor", anchors[row])]


def _deltas(stage: Stage, anchors: Tensor) -> tuple[str, list[Named]]:
    row, (gt_boxes, own) = _row(stage), stage.arguments
    moved = decode(stage.got[row][None], own[row][None])[0]
    boxes = [("object", GIVEN, gt_boxes[row]), ("anchor", "anchor", own[row]), ("moved by your deltas", YOURS, moved)]
    return f"pair {row}", boxes


def _decoded(stage: Stage, anchors: Tensor) -> tuple[str, list[Named]]:
    row = _row(stage)
    return f"row {row:,}", [
        ("anchor", GIVEN, stage.arguments[1][row]),
        ("ours", OURS, stage.wanted[row]),
        ("yours", YOURS, stage.got[row]),
    ]


def _kept(stage: Stage, anchors: Tensor) -> tuple[str, list[Named]]:
    boxes, scores, thresh = stage.arguments
    mine, ours = set(stage.got.tolist()), set(stage.wanted.tolist())
    if mine == ours:
        return "the right rows, but not best score first", []
    row = max(mine ^ ours, key=lambda one: float(scores[one]))
    others = torch.tensor([one for one in ours if one != row and scores[one] >= scores[row]])
    sentence = f"row {row:,} is {'kept by yours' if row in mine else 'removed by yours'}, not by ours"
    if not len(others):
        return sentence, [("this box", YOURS, boxes[row])]
    iou = box_iou(boxes[row][None], boxes[others])[0]
    best = int(others[iou.argmax()])
    sentence += f"; IoU {float(iou.max()):.2f} with a better kept box, threshold {thresh:g}"
    return sentence, [("better, kept", OURS, boxes[best]), ("this box", YOURS, boxes[row])]


DRAWN: dict[str, Callable[[Stage, Tensor], tuple[str, list[Named]]]] = {
    "my_cell_anchors": _cell,
    "my_grid_anchors": _two_boxes,
    "my_box_iou": _iou,
    "my_label_anchors": _label,
    "my_encode": _deltas,
    "my_decode": _decoded,
    NMS: _kept,
}


def _draw(image: Any, sentence: str, boxes: Sequence[Named]) -> Still:
    figure = new_still(8, 5.5, sentence)
    ax = figure.add_axes((0.01, 0.07, 0.98, 0.86))
    show_picture(ax, image)
    height, width = image.shape[:2]
    for _, line, box in boxes:
        draw_box(ax, box, line)
        x1, y1, x2, y2 = box.tolist()
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        ax.set_xlim(max(min(left, x1 - ROOM), -width), min(max(right, x2 + ROOM), 2 * width))
        ax.set_ylim(min(max(bottom, y2 + ROOM), 2 * height), max(min(top, y1 - ROOM), -height))
    if boxes:
        legend(figure, [(line, name) for name, line, _ in boxes], 3, (0.01, 0.055))
    return figure
