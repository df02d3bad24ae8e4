"""Exercise of notebook 07: how many objects the best proposals find."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import case_figure
from rpnviz.exercises.figures.tables import Table, got_and_wanted
from rpnviz.exercises.tasks.strategies import rows, whole


def _inputs(draw: Draw) -> Arguments:
    k = whole(draw, 1, 5)
    return torch.tensor(rows(draw, 1, 4, *[(0, 8)] * k)) / 8, whole(draw, 1, k + 1)


def _larger() -> Arguments:
    return torch.rand(20, 300, generator=torch.Generator().manual_seed(0)) ** 4, 100


def _share(found: Tensor) -> float:
    return float(found.double().mean())


def _above_not_at(iou: Tensor, top_n: int) -> float:
    return _share((iou[:, :top_n] > 0.5).any(dim=1))


def _all_proposals(iou: Tensor, top_n: int) -> float:
    return references.recall(iou, iou.shape[1])


def _precision(iou: Tensor, top_n: int) -> float:
    return _share((iou[:, :top_n] >= 0.5).any(dim=0))


def _pairs(iou: Tensor, top_n: int) -> float:
    return _share(iou[:, :top_n] >= 0.5)


def _top_rows(iou: Tensor, top_n: int) -> float:
    return references.recall(iou[:top_n], iou.shape[1])


def _one_less(iou: Tensor, top_n: int) -> float:
    return _share((iou[:, : top_n - 1] >= 0.5).any(dim=1))


def _that_one_alone(iou: Tensor, top_n: int) -> float:
    return _share(iou[:, min(top_n, iou.shape[1]) - 1] >= 0.5)


def _mean_of_best(iou: Tensor, top_n: int) -> float:
    return float(iou[:, :top_n].amax(dim=1).mean())


def _count(iou: Tensor, top_n: int) -> float:
    return float((iou[:, :top_n] >= 0.5).any(dim=1).sum())


def _percent(iou: Tensor, top_n: int) -> float:
    return 100 * references.recall(iou, top_n)


def _found_by_any(iou: Tensor, top_n: int) -> float:
    return float((iou[:, :top_n] >= 0.5).any())


def _picture(case: Case) -> Figure:
    iou, top_n = case.arguments["iou"], case.arguments["top_n"]
    marks = torch.zeros_like(iou, dtype=torch.bool)
    marks[:, :top_n] = iou[:, :top_n] >= 0.5
    title = f"IoU; framed: 0.5 or more among the first {top_n}"
    rows = [f"object {i}" for i in range(len(iou))]
    columns = [f"prop. {j}" for j in range(iou.shape[1])]
    table = Table(title, iou, marks, right=True, rows=rows, columns=columns, wide=2)
    look = {"rows": [""], "columns": ["recall"], "wide": 0.8}
    return case_figure([table, *got_and_wanted(case, RECALL.tolerance, **look)], 1.5 + 0.28 * len(iou))


RECALL = Exercise(
    name="my_recall",
    notebook="07",
    title="Recall of the best proposals",
    arguments=("iou", "top_n"),
    returns=("the recall",),
    reference=references.recall,
    oracle="counting the objects",
    inputs=_inputs,
    larger=_larger,
    larger_words="20 objects × 300 proposals",
    mistakes=(
        Mistake("above_not_at", "An object is found at an IoU of 0.5 exactly too: ≥, not >.", _above_not_at),
        Mistake("all_proposals", "Only the first top_n columns count.", _all_proposals),
        Mistake(
            "share_of_proposals",
            "That is the share of the proposals that cover an object (precision). Recall is the share of the objects.",
            _precision,
        ),
        Mistake("share_of_pairs", "An object is found once, however many proposals cover it: use any or amax.", _pairs),
        Mistake("top_rows", "Rows are objects, columns are proposals: cut the columns, iou[:, :top_n].", _top_rows),
        Mistake("one_proposal_less", "The first top_n columns are iou[:, :top_n]; yours is one less.", _one_less),
        Mistake("one_proposal_alone", "All of the first top_n count, not number top_n alone.", _that_one_alone),
        Mistake("mean_of_the_best", "Ask whether the best IoU reaches 0.5 before you average.", _mean_of_best),
        Mistake("percent", "Return a share from 0 to 1, not percent: 0.5, not 50.", _percent),
        Mistake(
            "any_of_all",
            "any() asks all objects at once. Ask each object, any(dim=1), and take the mean.",
            _found_by_any,
        ),
        Mistake("count_for_share", "Divide by the number of objects.", _count),
    ),
    hints=(
        "Cut off the columns after top_n. Which is the best IoU of each object? Does it reach 0.5?",
        "iou[:, :top_n].amax(dim=1) >= 0.5 is one True or False for each object; its mean is the share.",
    ),
    picture=_picture,
)
