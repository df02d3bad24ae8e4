"""Exercise of notebook 05: draw the minibatch."""

from __future__ import annotations

import math

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import case_figure
from rpnviz.exercises.figures.tables import Table
from rpnviz.exercises.sandbox.protocol import Seed
from rpnviz.exercises.tasks.sampler_rules import SEEDS, as_lists, counts, judge, judge_one, shown, signature, wanted
from rpnviz.exercises.tasks.strategies import one_of, rows, whole

Pair = tuple[Tensor, Tensor]


def _inputs(draw: Draw) -> Arguments:
    labels = torch.tensor([(0, 1, -1)[i] for (i,) in rows(draw, 2, 10, (0, 2))])
    return labels, whole(draw, 1, 8), one_of(draw, (0.5, 0.25, 0.75)), Seed(0)


def _larger() -> Arguments:
    labels = torch.randint(-1, 2, (2000,), generator=torch.Generator().manual_seed(0))
    return labels, 256, 0.5, Seed(0)


def _calls(arguments: Arguments) -> list[Arguments]:
    return [(*arguments[:3], Seed(seed)) for seed in range(SEEDS) for _ in range(2)]


def _draw(indices: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    return indices[torch.randperm(len(indices), generator=generator)[:count]]


def _both(labels: Tensor) -> Pair:
    return (labels == 1).nonzero().flatten(), (labels == 0).nonzero().flatten()


def _no_fill_up(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    pos, neg = _both(labels)
    return _draw(pos, int(batch * fraction), generator), _draw(neg, batch - int(batch * fraction), generator)


def _first_ones(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    (pos, neg), (num_pos, num_neg) = _both(labels), counts(labels, batch, fraction)
    return pos[:num_pos], neg[:num_neg]


def _own_chance(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    (pos, neg), (num_pos, num_neg) = _both(labels), counts(labels, batch, fraction)
    return _draw(pos, num_pos, None), _draw(neg, num_neg, None)


def _with_replacement(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    pairs = zip(_both(labels), counts(labels, batch, fraction), strict=True)
    pos, neg = (indices[torch.randint(max(len(indices), 1), (count,), generator=generator)] for indices, count in pairs)
    return pos, neg


def _ignored_as_negative(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    return references.sample(labels.clamp(min=0), batch, fraction, generator)


def _places_for_indices(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    (pos, neg), (num_pos, num_neg) = _both(labels), counts(labels, batch, fraction)
    places = (torch.randperm(len(pos), generator=generator), torch.randperm(len(neg), generator=generator))
    return places[0][:num_pos], places[1][:num_neg]


def _swapped(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    return references.sample(labels, batch, fraction, generator)[::-1]


def _no_limit(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    pos, neg = _both(labels)
    return _draw(pos, batch, generator), _draw(neg, max(batch - len(pos), 0), generator)


def _ignored_as_positive(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    return references.sample(labels.abs(), batch, fraction, generator)


def _share_rounded_up(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    pos, neg = _both(labels)
    num_pos = min(len(pos), math.ceil(batch * fraction))
    return _draw(pos, num_pos, generator), _draw(neg, batch - num_pos, generator)


def _batch_overfull(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    pos, neg = _both(labels)
    return _draw(pos, int(batch * fraction), generator), _draw(neg, batch, generator)


def _picture(case: Case) -> Figure:
    """One draw, where it is wrong by itself; else how often each anchor was drawn in all of them."""
    arguments = tuple(case.arguments.values())
    labels, batch, fraction = arguments[:3]
    alone = not case.values or bool(judge_one(arguments, case.got))
    draws = [drawn for one in ([case.got] if alone else case.values) if (drawn := as_lists(one)) is not None]
    rows, values = ["label"], [labels]
    for side, name in ((0, "times in pos_inds"), (1, "times in neg_inds")):
        indices = [i for both in draws for i in both[side] if 0 <= i < len(labels)]
        rows.append(name)
        values.append(torch.bincount(torch.tensor(indices, dtype=torch.int64), minlength=len(labels)))
    table = torch.stack([value.float() for value in values])
    marks = torch.zeros_like(table, dtype=torch.bool)
    for row, label in ((1, 1), (2, 0)):
        marks[row] = (table[row] > 0) & ((labels != label) | ((table[row] > 1) & alone))
    what = f"Seed {case.arguments['generator'].number}, a draw" if alone else f"{len(draws)} draws"
    title = f"{what} of {batch}, at most {fraction:.0%} positive. Right: {case.wanted.what}"
    columns = [f"anchor {i}" for i in range(len(labels))]
    return case_figure([Table(title, table, marks, rows=rows, columns=columns)], height=2.1)


MINIBATCH = Exercise(
    name="my_sample_minibatch",
    notebook="05",
    title="Draw the minibatch",
    arguments=("labels", "batch_size_per_image", "positive_fraction", "generator"),
    returns=("pos_inds", "neg_inds"),
    reference=references.sample,
    oracle="the counts of torchvision's BalancedPositiveNegativeSampler",
    inputs=_inputs,
    larger=_larger,
    larger_words="2,000 labels",
    mistakes=(
        Mistake(
            "not_filled_up",
            "Where positives are missing the batch is filled up with negatives: batch_size_per_image less the "
            "positives that are really drawn.",
            _no_fill_up,
        ),
        Mistake("first_ones", "You always take the first ones of the list. Shuffle with torch.randperm.", _first_ones),
        Mistake(
            "generator_ignored",
            "Your draw does not listen to the generator: torch.randperm(n, generator=generator).",
            _own_chance,
        ),
        Mistake(
            "drawn_twice",
            "torch.randint may draw an anchor twice. torch.randperm(n)[:count] does not.",
            _with_replacement,
        ),
        Mistake(
            "ignored_as_negative",
            "Label −1 is ignored, not negative: draw negatives where the label is 0.",
            _ignored_as_negative,
        ),
        Mistake(
            "places_for_indices",
            "You return places in the list of positives (or negatives). Return indices into labels: "
            "positive[permutation].",
            _places_for_indices,
        ),
        Mistake("pair_swapped", "The pair is exchanged: first pos_inds, then neg_inds.", _swapped),
        Mistake(
            "positives_without_limit",
            "At most batch_size_per_image · positive_fraction are positive, however many there are.",
            _no_limit,
        ),
        Mistake(
            "ignored_as_positive",
            "Label −1 is ignored, not positive: draw positives where the label is 1.",
            _ignored_as_positive,
        ),
        Mistake(
            "share_rounded_up",
            "The share is a ceiling: where batch_size_per_image · positive_fraction is not whole, int() rounds it "
            "down.",
            _share_rounded_up,
        ),
        Mistake(
            "batch_overfull",
            "Positives and negatives fill the batch together: take the number of positives off before you draw "
            "negatives.",
            _batch_overfull,
        ),
    ),
    hints=(
        "Two urns: the indices of label 1 and those of label 0. First find out how many to take from each. Then take "
        "so many at random, none twice.",
        "num_pos = min(number of positives, int(batch_size_per_image * positive_fraction)), num_neg = min(number of "
        "negatives, batch_size_per_image − num_pos); positive[torch.randperm(len(positive), "
        "generator=generator)[:num_pos]].",
    ),
    picture=_picture,
    indices=True,
    calls=_calls,
    judge=judge,
    wanted=wanted,
    shown=shown,
    signature=signature,
)
