"""Exercise of notebook 11: a head that was trained by another convention, made to speak this one."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import case_figure
from rpnviz.exercises.figures.tables import Table, got_and_wanted
from rpnviz.exercises.tasks.strategies import numbers, one_of, whole

Weights = tuple[float, float, float, float]
WEIGHTS: list[Weights] = [(2.0, 4.0, 5.0, 8.0), (10.0, 10.0, 5.0, 5.0)]


def _inputs(draw: Draw) -> Arguments:
    ratios, scales = whole(draw, 1, 3), whole(draw, 1, 3)
    rows = numbers(draw, (4 * ratios * scales, whole(draw, 1, 2)), -40, 40)
    return rows, ratios, scales, one_of(draw, WEIGHTS)


def _larger() -> Arguments:
    return torch.randn(4 * 15, 512, generator=torch.Generator().manual_seed(0)), 3, 5, WEIGHTS[1]


def _plain(weight: Tensor, weights: Weights) -> Tensor:
    """The rows as they stand, in plain deltas."""
    return weight / torch.tensor(weights).repeat(len(weight) // 4)[:, None]


def _ordered(weight: Tensor, outer: int, inner: int) -> Tensor:
    return weight.reshape(outer, inner, 4, -1).transpose(0, 1).reshape(weight.shape)


def _order_kept(weight: Tensor, num_ratios: int, num_scales: int, weights: Weights) -> Tensor:
    return _plain(weight, weights)


def _wrong_way_round(weight: Tensor, num_ratios: int, num_scales: int, weights: Weights) -> Tensor:
    return _ordered(_plain(weight, weights), num_ratios, num_scales)


def _weights_forgotten(weight: Tensor, num_ratios: int, num_scales: int, weights: Weights) -> Tensor:
    return _ordered(weight, num_scales, num_ratios)


def _multiplied(weight: Tensor, num_ratios: int, num_scales: int, weights: Weights) -> Tensor:
    one, two, three, four = weights
    return references.port_head(weight, num_ratios, num_scales, (1 / one, 1 / two, 1 / three, 1 / four))


def _weights_in_blocks(weight: Tensor, num_ratios: int, num_scales: int, weights: Weights) -> Tensor:
    blocks = torch.tensor(weights).repeat_interleave(len(weight) // 4)[:, None]
    return _ordered(weight, num_scales, num_ratios) / blocks


def _rows_alone(weight: Tensor, num_ratios: int, num_scales: int, weights: Weights) -> Tensor:
    """All dx first, then all dy, …: as if the four numbers of an anchor did not stand together."""
    split = weight.reshape(4, num_scales, num_ratios, -1).transpose(1, 2).reshape(weight.shape)
    return _plain(split, weights)


def _one_weight(weight: Tensor, num_ratios: int, num_scales: int, weights: Weights) -> Tensor:
    return _ordered(weight, num_scales, num_ratios) / weights[0]


def _picture(case: Case) -> Figure:
    weight = case.arguments["weight"]
    ratios, scales = case.arguments["num_ratios"], case.arguments["num_scales"]
    four = ("dx", "dy", "dw", "dh")
    given = [f"s{s} r{r} {one}" for s in range(scales) for r in range(ratios) for one in four]
    wanted = [f"r{r} s{s} {one}" for r in range(ratios) for s in range(scales) for one in four]
    words = ", ".join(f"{value:g}" for value in case.arguments["weights"])
    left = Table(f"weight; weights {words}", weight, rows=given)
    return case_figure([left, *got_and_wanted(case, PORT.tolerance, rows=wanted)], 1.3 + 0.28 * min(len(weight), 12))


PORT = Exercise(
    name="my_port_head",
    notebook="11",
    title="Read somebody's head",
    arguments=("weight", "num_ratios", "num_scales", "weights"),
    returns=("the weight",),
    reference=references.port_head,
    oracle="what such a head says of each anchor",
    inputs=_inputs,
    larger=_larger,
    larger_words="15 anchors, 512 channels",
    mistakes=(
        Mistake(
            "order_kept",
            "The rows stay in their order: scale by scale. Wanted is ratio by ratio.",
            _order_kept,
        ),
        Mistake(
            "wrong_way_round",
            "You take the rows for ratio by ratio and make them scale by scale. At first the scale is the outer one.",
            _wrong_way_round,
        ),
        Mistake(
            "weights_forgotten",
            "The order is right. The deltas are still multiplied by the weights.",
            _weights_forgotten,
        ),
        Mistake(
            "multiplied_again",
            "This head says its deltas times the weights. To have plain deltas, divide.",
            _multiplied,
        ),
        Mistake(
            "weights_in_blocks",
            "The four weights go with dx, dy, dw, dh of every anchor: rows 0, 1, 2, 3, and again from row 4 on.",
            _weights_in_blocks,
        ),
        Mistake(
            "four_taken_apart",
            "The four rows of an anchor stand together, 4 · a + {0, 1, 2, 3}. Move them as one block.",
            _rows_alone,
        ),
        Mistake("one_weight_for_all", "Each of the four numbers has a weight of its own.", _one_weight),
    ),
    hints=(
        "Give the rows a shape in which scale, ratio and the four numbers are axes of their own. Which two change "
        "places?",
        "weight.reshape(num_scales, num_ratios, 4, -1).transpose(0, 1), divided by torch.tensor(weights)[:, None], in "
        "the first shape again.",
    ),
    picture=_picture,
)
