"""Exercise of notebook 08: non-maximum suppression."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.compare import indices_of, is_index_list
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import Boxes, Panel, case_figure
from rpnviz.exercises.figures.tables import Table, tables
from rpnviz.exercises.tasks.strategies import one_of, rows, seeded_boxes, whole

THRESHOLDS = (0.5, 0.25, 0.75)  # exact in binary: an IoU can be equal to it


def _inputs(draw: Draw) -> Arguments:
    """Boxes in few places, so that they overlap, or each a step beside the one before; all scores differ.

    There may be no box, and scores may be logits, below 0.
    """
    from hypothesis import strategies

    if whole(draw, 0, 1):
        steps = [step for (step,) in rows(draw, 0, 6, (1, 3))]
        at = [sum(steps[:i]) for i in range(len(steps))]
        boxes = [[4 * x, 0, 4 * x + 20, 12] for x in at]
    else:
        places = rows(draw, 0, 6, (0, 3), (0, 1), (1, 4), (1, 2))
        boxes = [[4 * x, 4 * y, 4 * (x + w), 4 * (y + h)] for x, y, w, h in places]
    order = draw(strategies.permutations(range(len(boxes))))
    lowest = one_of(draw, (1, 1, -2))
    scores = torch.tensor([(i + lowest) / 8 for i in order])
    return torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), scores, one_of(draw, THRESHOLDS)


def _larger() -> Arguments:
    scores = torch.rand(300, generator=torch.Generator().manual_seed(2))
    return seeded_boxes(300), scores, 0.5


def _walk(boxes: Tensor, scores: Tensor, thresh: float, at_threshold: bool = False, dead_kill: bool = False) -> Tensor:
    """NMS by the book, but for what is asked to be wrong."""
    iou = references.box_iou(boxes, boxes)
    order = scores.argsort(descending=True).tolist()
    dead: set[int] = set()
    for rank, row in enumerate(order):
        if row in dead and not dead_kill:
            continue
        for later in order[rank + 1 :]:
            if iou[row, later] > thresh or (at_threshold and iou[row, later] == thresh):
                dead.add(later)
    return torch.tensor([row for row in order if row not in dead], dtype=torch.int64)


def _dead_kill(boxes: Tensor, scores: Tensor, nms_thresh: float) -> Tensor:
    return _walk(boxes, scores, nms_thresh, dead_kill=True)


def _at_threshold(boxes: Tensor, scores: Tensor, nms_thresh: float) -> Tensor:
    return _walk(boxes, scores, nms_thresh, at_threshold=True)


def _worst_first(boxes: Tensor, scores: Tensor, nms_thresh: float) -> Tensor:
    return _walk(boxes, -scores, nms_thresh)


def _unsorted(boxes: Tensor, scores: Tensor, nms_thresh: float) -> Tensor:
    return _walk(boxes, -torch.arange(len(boxes)).float(), nms_thresh)


def _what_overlaps(boxes: Tensor, scores: Tensor, nms_thresh: float) -> Tensor:
    left, kept = scores.argsort(descending=True), []
    while len(left):
        best, left = left[:1], left[1:]
        kept.append(int(best))
        left = left[references.box_iou(boxes[best], boxes[left])[0] > nms_thresh]
    return torch.tensor(kept, dtype=torch.int64)


def _rows_ascending(boxes: Tensor, scores: Tensor, nms_thresh: float) -> Tensor:
    return _walk(boxes, scores, nms_thresh).sort().values


def _rank_not_row(boxes: Tensor, scores: Tensor, nms_thresh: float) -> Tensor:
    order = scores.argsort(descending=True)
    return _walk(boxes[order], scores[order], nms_thresh)


def _picture(case: Case) -> Figure:
    boxes, scores, wanted = case.arguments["boxes"], case.arguments["scores"], case.wanted.tolist()
    styles = ["proposal" if row in wanted else "dropped" for row in range(len(boxes))]
    names = [f"{row}: {score:.3g}" for row, score in enumerate(scores.tolist())]
    shown = list(zip(boxes.tolist(), styles, names, strict=True))
    iou = Table(f"IoU; nms_thresh is {case.arguments['nms_thresh']}", references.box_iou(boxes, boxes), wide=1.2)
    got = torch.tensor(indices_of(case.got)) if is_index_list(case.got) else case.got
    kept = tables(got, case.wanted, 0, case.raised, columns=("row",), wide=0.5)
    panels: list[Panel] = [Boxes("row: score; thick green ones stay, red ones fall", shown, wide=1.6), iou, *kept]
    return case_figure(panels, height=3.4)


NMS = Exercise(
    name="my_nms",
    notebook="08",
    title="Non-maximum suppression",
    arguments=("boxes", "scores", "nms_thresh"),
    returns=("the kept rows",),
    reference=references.nms,
    oracle="torchvision.ops.nms",
    inputs=_inputs,
    larger=_larger,
    larger_words="300 boxes",
    mistakes=(
        Mistake(
            "dead_boxes_kill",
            "A box that was suppressed suppresses nobody. Skip it when its turn comes.",
            _dead_kill,
        ),
        Mistake(
            "at_threshold",
            "At an IoU of exactly nms_thresh both boxes stay: suppress only above it, > and not ≥.",
            _at_threshold,
        ),
        Mistake(
            "worst_first",
            "You begin with the lowest score. The best box has the first turn: sort in descending order.",
            _worst_first,
        ),
        Mistake(
            "unsorted", "You take the boxes as they come in. Sort them by score first, the best one first.", _unsorted
        ),
        Mistake(
            "what_overlaps_stays",
            "You go on with the boxes that overlap the kept one, and drop the others. It is the other way round: go on "
            "with an IoU ≤ nms_thresh.",
            _what_overlaps,
        ),
        Mistake(
            "rows_in_ascending_order",
            "The right boxes, in the wrong order: return them best score first, not by row number.",
            _rows_ascending,
        ),
        Mistake(
            "ranks_for_rows",
            "You return places in the sorted list. Return rows of the boxes as they were handed in: order[rank].",
            _rank_not_row,
        ),
    ),
    hints=(
        "Sort by score. Take the best box, keep it, drop all others that overlap it by more than nms_thresh; then "
        "take the best of those that are left, and so on until none is left.",
        "Keep a tensor of rows that are left, order = scores.argsort(descending=True). In a while loop: keep order[0], "
        "compute its IoU with boxes[order[1:]], go on with order[1:][iou <= nms_thresh].",
    ),
    picture=_picture,
    indices=True,
)
