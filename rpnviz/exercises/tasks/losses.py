"""Exercise of notebook 06: the two losses of the minibatch, smooth L1 included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import case_figure
from rpnviz.exercises.figures.tables import Table
from rpnviz.exercises.tasks.strategies import rows, whole

Losses = tuple[Tensor, Tensor]
BETA = 1 / 9


def _inputs(draw: Draw) -> Arguments:
    halves, ninths = (-6, 6), (-18, 18)
    anchors = rows(draw, 2, 6, halves, (-1, 1), (0, 1), *[ninths] * 8)
    objectness = torch.tensor([row[0] / 2 for row in anchors])
    deltas, targets = (torch.tensor([row[i : i + 4] for row in anchors]) / 18 for i in (3, 7))
    labels, chosen = torch.tensor([row[1] for row in anchors]), torch.tensor([row[2] == 1 for row in anchors])
    labels[0], labels[1], chosen[:2] = 1, 0, True  # one of each is sampled
    if whole(draw, 0, 7) == 7:  # or no positive
        chosen &= labels == 0
    pos_inds, neg_inds = (((labels == label) & chosen).nonzero().flatten() for label in (1, 0))
    return objectness, deltas, labels, targets, pos_inds, neg_inds


def _larger() -> Arguments:
    g = torch.Generator().manual_seed(0)
    labels = torch.cat([torch.ones(300), torch.zeros(3700)]).long()
    logits, deltas, targets = torch.randn(4000, generator=g), torch.randn(4000, 4, generator=g), torch.randn(4000, 4)
    return logits, deltas, labels, targets, torch.arange(128), torch.arange(300, 428)


def _losses(
    arguments: Arguments,
    beta: float = BETA,
    box_by: float | None = None,
    everywhere: bool = False,
    divide: bool = True,
) -> Losses:
    """By the book, but for what is asked to be wrong."""
    objectness, deltas, labels, targets, pos, neg = arguments
    sampled = torch.cat([pos, neg])
    by = len(sampled) if divide else 1
    bce = F.binary_cross_entropy_with_logits(objectness[sampled], labels[sampled].float(), reduction="sum") / by
    moved = sampled if everywhere else pos
    box = F.smooth_l1_loss(deltas[moved], targets[moved], beta=beta, reduction="sum")
    return bce, box / (by if box_by is None else box_by)


def _with_bce(arguments: Arguments, bce: Tensor) -> Losses:
    return bce, _losses(arguments)[1]


def _by_positives(*arguments: Tensor) -> Losses:
    return _losses(arguments, box_by=len(arguments[4]))


def _mean_of_numbers(*arguments: Tensor) -> Losses:
    return _losses(arguments, box_by=4 * len(arguments[4]))


def _beta_one(*arguments: Tensor) -> Losses:
    return _losses(arguments, beta=1)


def _not_smooth(*arguments: Tensor) -> Losses:
    return _losses(arguments, beta=0)


def _squared(*arguments: Tensor) -> Losses:
    _, deltas, _, targets, pos, neg = arguments
    bce = _losses(arguments)[0]
    return bce, ((deltas - targets)[pos] ** 2).sum() / (len(pos) + len(neg))


def _with_smooth(arguments: tuple[Tensor, ...], smooth: Callable[[Tensor], Tensor]) -> Losses:
    """The box loss with another curve over |d|."""
    _, deltas, _, targets, pos, neg = arguments
    return _losses(arguments)[0], smooth((deltas - targets)[pos].abs()).sum() / (len(pos) + len(neg))


def _parabola(*arguments: Tensor) -> Losses:
    return _with_smooth(arguments, lambda d: d**2 / (2 * BETA))


def _huber(*arguments: Tensor) -> Losses:
    return _with_smooth(arguments, lambda d: torch.where(d < BETA, d**2 / 2, BETA * (d - BETA / 2)))


def _plain_parabola(*arguments: Tensor) -> Losses:
    return _with_smooth(arguments, lambda d: torch.where(d < BETA, d**2 / 2, d - BETA / 2))


def _ten_over_2400(*arguments: Tensor) -> Losses:
    return _losses(arguments, box_by=240)


def _negatives_too(*arguments: Tensor) -> Losses:
    return _losses(arguments, everywhere=True)


def _sums(*arguments: Tensor) -> Losses:
    return _losses(arguments, divide=False)


def _softmax(*arguments: Tensor) -> Losses:
    objectness, _, labels, _, pos, neg = arguments
    sampled = torch.cat([pos, neg])
    scores = objectness[sampled].softmax(dim=0)
    return _with_bce(arguments, F.binary_cross_entropy(scores, labels[sampled].float()))


def _sigmoid_twice(*arguments: Tensor) -> Losses:
    objectness, _, labels, _, pos, neg = arguments
    sampled = torch.cat([pos, neg])
    again = objectness[sampled].sigmoid()
    return _with_bce(arguments, F.binary_cross_entropy_with_logits(again, labels[sampled].float()))


def _all_labelled(*arguments: Tensor) -> Losses:
    labels = arguments[2]
    inds = [(labels == label).nonzero().flatten() for label in (1, 0)]
    return _losses((*arguments[:4], *inds))


def _exchanged(*arguments: Tensor) -> Losses:
    return _losses(arguments)[::-1]


def _picture(case: Case) -> Figure:
    objectness, deltas, labels, targets, pos, neg = case.arguments.values()
    sampled = torch.cat([pos, neg])
    names = [f"{i} {'pos' if i in pos.tolist() else 'neg'}" for i in sampled.tolist()]
    rows = torch.cat([objectness[:, None], labels[:, None].float(), deltas - targets], dim=1)[sampled]
    columns = ("logit", "label", "Δdx", "Δdy", "Δdw", "Δdh")
    table = Table("what was sampled; Δ = delta − target", rows, rows=names, columns=columns, wide=2)
    return case_figure([table, *_results(case)], height=1.4 + 0.28 * len(sampled))


def _results(case: Case) -> list[Table]:
    right = torch.tensor([float(loss) for loss in case.wanted])
    look: dict[str, Any] = {"rows": ("objectness", "box"), "columns": ("loss",), "wide": 0.8}
    try:
        got = torch.tensor([float(loss) for loss in case.got])
        wrong = ~torch.isclose(got, right, rtol=LOSSES.tolerance, atol=LOSSES.tolerance)
    except (TypeError, ValueError, RuntimeError):
        yours = [] if case.raised else [Table("your result", case.got, wide=0.8)]
        return [*yours, Table("right result", right, **look)]
    if len(got) != 2:
        return [Table("your result", got, wide=0.8), Table("right result", right, **look)]
    return [Table("your result", got, wrong, **look), Table("right result", right, wrong, right=True, **look)]


LOSSES = Exercise(
    name="my_rpn_losses",
    notebook="06",
    title="The two losses of the minibatch",
    arguments=(
        *("objectness", "pred_bbox_deltas", "labels", "regression_targets"),
        *("sampled_pos_inds", "sampled_neg_inds"),
    ),
    returns=("loss_objectness", "loss_rpn_box_reg"),
    reference=references.rpn_losses,
    oracle="PyTorch's losses, put together as in torchvision",
    inputs=_inputs,
    larger=_larger,
    larger_words="256 of 4,000 anchors",
    mistakes=(
        Mistake(
            "box_loss_by_positives",
            "Divide the box loss by all that was sampled, positives and negatives, like the other loss. By the "
            "positives alone it would be 0 / 0 where there are none.",
            _by_positives,
        ),
        Mistake(
            "box_loss_averaged",
            "You average over all numbers, 4 for each positive. Sum them and divide by the number sampled.",
            _mean_of_numbers,
        ),
        Mistake("beta_of_one", "β is 1/9 here; PyTorch's default is 1.", _beta_one),
        Mistake(
            "not_smooth",
            "Below β smooth L1 is a parabola, d² / (2β); you use |d| everywhere.",
            _not_smooth,
        ),
        Mistake(
            "squared_difference",
            "You use d² everywhere. Below β smooth L1 is d² / (2β), which is 4.5 · d² for β = 1/9; beyond β it is "
            "|d| − β/2.",
            _squared,
        ),
        Mistake(
            "parabola_everywhere",
            "Smooth L1 is the parabola d² / (2β) below β only; beyond it is the line |d| − β/2.",
            _parabola,
        ),
        Mistake(
            "huber",
            "That is the Huber loss, smooth L1 times β: its parabola is d² / 2. Divide by β: d² / (2β), and |d| − β/2.",
            _huber,
        ),
        Mistake(
            "beta_forgotten_in_parabola",
            "Below β smooth L1 is d² / (2β). You take d² / 2: the factor 1/β is missing, and there is a step at "
            "|d| = β.",
            _plain_parabola,
        ),
        Mistake(
            "ten_over_2400",
            "10 / 2,400 are the paper's λ and N_reg. Here both losses are divided by the number sampled.",
            _ten_over_2400,
        ),
        Mistake(
            "box_loss_of_negatives",
            "Background has no box to move to: the box loss sums over the positives alone.",
            _negatives_too,
        ),
        Mistake("not_divided", "Divide both sums by the number sampled.", _sums),
        Mistake(
            "softmax_over_anchors",
            "Each anchor is asked on its own whether it is an object: a sigmoid of its logit, no softmax over anchors.",
            _softmax,
        ),
        Mistake(
            "sigmoid_twice",
            "binary_cross_entropy_with_logits applies the sigmoid itself: give it the logits.",
            _sigmoid_twice,
        ),
        Mistake("all_labelled", "Only the sampled anchors count, not all that have a label.", _all_labelled),
        Mistake("pair_exchanged", "The order is (loss_objectness, loss_rpn_box_reg).", _exchanged),
    ),
    hints=(
        "Pick the sampled rows first: both lists for the first loss, the positives alone for the second. objectness "
        "are logits; labels are whole numbers, .float() makes targets of them.",
        "For a difference d smooth L1 is d² / (2β) where |d| < β = 1/9, else |d| − β/2. Sum over the four numbers of "
        "all positives and divide by len(sampled_pos_inds) + len(sampled_neg_inds), as the sum of the "
        "cross-entropies.",
    ),
    picture=_picture,
)
