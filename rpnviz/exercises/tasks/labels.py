"""Exercise of notebook 04: labels from the matrix of IoUs."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import case_figure
from rpnviz.exercises.figures.tables import Table, differing
from rpnviz.exercises.tasks.strategies import one_of, rows, whole

FG, BG = (0.75, 0.5, 0.625), (0.25, 0.375, 0.125)  # exact in binary: an IoU can be equal to them


def _inputs(draw: Draw) -> Arguments:
    """IoUs in eighths, so that there are ties and IoUs at a threshold; every object overlaps some anchor."""
    kind = whole(draw, 0, 6)
    if kind > 4:
        return _crowded(draw) if kind == 5 else _nearly(draw), one_of(draw, FG), one_of(draw, BG)
    objects = whole(draw, 1, 3)
    matrix = torch.tensor(rows(draw, 1, 6, *[(0, 8)] * objects)).T / 8
    matrix[matrix.amax(dim=1) == 0, 0] = 0.125
    return matrix, one_of(draw, FG), one_of(draw, BG)


def _crowded(draw: Draw) -> Tensor:
    """The best anchor of the first object overlaps the second more, whose own best anchor is another one."""
    low, beside = whole(draw, 1, 3), whole(draw, 0, 2)
    matrix = torch.tensor([[low, min(beside, low - 1)], [low + 1, low + 2]]) / 8
    return matrix.flip(whole(draw, 0, 1))


def _nearly(draw: Draw) -> Tensor:
    """The second anchor is nearly as good as the best one, the third lies far off."""
    best = torch.tensor([[whole(draw, 2, 4), 0, 0]]) / 8
    best[0, 1] = best[0, 0] - 1 / 64
    return best


def _larger() -> Arguments:
    return (torch.rand(8, 400, generator=torch.Generator().manual_seed(0)) ** 3).round(decimals=3), 0.75, 0.25


def _labels(iou: Tensor, fg: Tensor, bg: Tensor, best: Tensor, between: int = -1) -> Tensor:
    labels = torch.full(iou.shape, between)
    labels[bg] = 0
    labels[fg | best] = 1
    return labels


def _by_the_book(match_quality_matrix: Tensor, fg: float, bg: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    iou = match_quality_matrix.amax(dim=0)
    best = (match_quality_matrix == match_quality_matrix.amax(dim=1, keepdim=True)).any(dim=0)
    return iou, iou >= fg, iou < bg, best


def _no_best(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    iou, fg, bg, best = _by_the_book(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    return _labels(iou, fg, bg, torch.zeros_like(best))


def _wrong_axis(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    iou, fg, bg, _ = _by_the_book(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    return _labels(iou, fg, bg, torch.ones_like(bg))


def _no_ties(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    iou, fg, bg, best = _by_the_book(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    first = torch.zeros_like(best)
    first[match_quality_matrix.argmax(dim=1)] = True
    return _labels(iou, fg, bg, first)


def _only_without_positive(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    iou, fg, bg, best = _by_the_book(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    labels = _labels(iou, fg, bg, torch.zeros_like(best))
    nearest = match_quality_matrix.argmax(dim=0)
    for i, row in enumerate(match_quality_matrix):
        if not (nearest[labels == 1] == i).any():
            labels[row == row.max()] = 1
    return labels


def _no_background(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    iou, fg, bg, best = _by_the_book(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    return _labels(iou, fg, torch.zeros_like(bg), best)


def _above_not_at(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    iou, _, bg, best = _by_the_book(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    return _labels(iou, iou > fg_iou_thresh, bg, best)


def _at_not_below(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    iou, fg, _, best = _by_the_book(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    return _labels(iou, fg, iou <= bg_iou_thresh, best)


def _between_is_background(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    return _labels(*_by_the_book(match_quality_matrix, fg_iou_thresh, bg_iou_thresh), between=0)


def _background_wins(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    labels = references.label_anchors(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    labels[match_quality_matrix.amax(dim=0) < bg_iou_thresh] = 0
    return labels


def _below_with_one(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    iou, fg, _, best = _by_the_book(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    return _labels(iou, fg, match_quality_matrix.amin(dim=0) < bg_iou_thresh, best)


def _signs_swapped(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    labels = references.label_anchors(match_quality_matrix, fg_iou_thresh, bg_iou_thresh)
    return torch.where(labels == 1, 1, -1 - labels)


def _picture(case: Case) -> Figure:
    matrix = case.arguments["match_quality_matrix"]
    fg, bg = case.arguments["fg_iou_thresh"], case.arguments["bg_iou_thresh"]
    rows, values = [f"IoU with object {i}" for i in range(len(matrix))], [*matrix]
    wrong = differing(case.got, case.wanted, 0)
    marks = torch.zeros(len(matrix) + 2, matrix.shape[1], dtype=torch.bool)
    if wrong is not None:
        rows, values = [*rows, "your label"], [*values, case.got.float()]
        marks[len(matrix)] = wrong
    table = Table(
        f"one column for each anchor; positive at {fg} or above, negative below {bg}",
        torch.stack([*values, case.wanted.float()]),
        marks[: len(values) + 1],
        rows=[*rows, "right label"],
        columns=[f"anchor {j}" for j in range(matrix.shape[1])],
        wide=3,
    )
    more = [] if wrong is not None or case.raised else [Table("your result", case.got)]
    return case_figure([table, *more], height=1.2 + 0.3 * (len(matrix) + 2))


LABELS = Exercise(
    name="my_label_anchors",
    notebook="04",
    title="Labels from the IoUs",
    arguments=("match_quality_matrix", "fg_iou_thresh", "bg_iou_thresh"),
    returns=("the labels",),
    reference=references.label_anchors,
    oracle="torchvision's Matcher",
    inputs=_inputs,
    larger=_larger,
    larger_words="8 objects × 400 anchors",
    mistakes=(
        Mistake(
            "no_best_per_gt",
            "An object whose best anchor stays below the threshold goes without a positive one. The best anchor of "
            "each object is positive, whatever its IoU.",
            _no_best,
        ),
        Mistake(
            "best_over_the_wrong_axis",
            "You take the best object of each anchor, and every anchor has one. Take the best anchor of each object: "
            "the largest value of each row.",
            _wrong_axis,
        ),
        Mistake(
            "ties_lost",
            "If several anchors share the best IoU of an object, all of them are positive. argmax names the first "
            "only.",
            _no_ties,
        ),
        Mistake(
            "only_without_positive",
            "The best anchor of each object is positive. Do not ask whether the object has a positive anchor yet: that "
            "one may be positive for another object's sake.",
            _only_without_positive,
        ),
        Mistake("no_background", "Below bg_iou_thresh with every object the label is 0, not −1.", _no_background),
        Mistake("above_not_at", "At fg_iou_thresh exactly an anchor is positive: ≥, not >.", _above_not_at),
        Mistake("at_not_below", "At bg_iou_thresh exactly an anchor is ignored: < and not ≤.", _at_not_below),
        Mistake(
            "nothing_ignored",
            "Between the thresholds an anchor is neither: its label is −1, not 0.",
            _between_is_background,
        ),
        Mistake(
            "background_has_the_last_word",
            "The best-per-object rule comes last: such an anchor is positive even below bg_iou_thresh.",
            _background_wins,
        ),
        Mistake(
            "below_with_one_object",
            "Negative is below the threshold with every object, so its largest IoU decides, not the smallest.",
            _below_with_one,
        ),
        Mistake("zero_and_minus_one_swapped", "0 is background, −1 is ignored; yours are exchanged.", _signs_swapped),
    ),
    hints=(
        "First the best IoU of each anchor, the largest value of each column: it decides between 1, 0 and −1. Then "
        "make the best anchor of each object positive, whatever it was before.",
        "best = match_quality_matrix.amax(dim=1, keepdim=True); an anchor in whose column the matrix equals best "
        "somewhere is positive. Every object here has an anchor that overlaps it: with or without a guard against a "
        "best IoU of 0, your function passes.",
    ),
    picture=_picture,
)
