"""Exercise of notebook 05: draw the minibatch. There are many right answers, so rules are checked, over many draws."""

from __future__ import annotations

import math
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.compare import indices_of, is_index_list, kind
from rpnviz.exercises.drawing import Table, case_figure
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.inputs import one_of, whole
from rpnviz.exercises.wire import Seed

SEEDS = 20  # each is used twice, so that a draw that does not listen to the generator shows
SURE = 1e-9  # what a fair draw does less often than this is not one
Drawn = tuple[list[int], list[int]]
Pair = tuple[Tensor, Tensor]


def _inputs(draw: Draw) -> Arguments:
    labels = torch.tensor([one_of(draw, (0, 1, -1)) for _ in range(whole(draw, 2, 10))])
    return labels, whole(draw, 1, 8), one_of(draw, (0.5, 0.25, 0.75)), Seed(0)


def _larger() -> Arguments:
    labels = torch.randint(-1, 2, (2000,), generator=torch.Generator().manual_seed(0))
    return labels, 256, 0.5, Seed(0)


def _calls(arguments: Arguments) -> list[Arguments]:
    return [(*arguments[:3], Seed(seed)) for seed in range(SEEDS) for _ in range(2)]


def counts(labels: Tensor, batch_size_per_image: int, positive_fraction: float) -> tuple[int, int]:
    """How many positives and negatives are drawn."""
    positives = min(int((labels == 1).sum()), int(batch_size_per_image * positive_fraction))
    return positives, min(int((labels == 0).sum()), batch_size_per_image - positives)


def _wanted(arguments: Arguments) -> str:
    labels = arguments[0]
    positives, negatives = counts(*arguments[:3])
    return (
        f"{positives} of the {int((labels == 1).sum())} positives and {negatives} of the {int((labels == 0).sum())} "
        "negatives, others with another seed"
    )


def _as_lists(value: Any) -> Drawn | None:
    """Both lists of indices; None if it is something else."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return None
    if not all(is_index_list(part) or _is_index_tensor(part) for part in value):
        return None
    return indices_of(value[0]), indices_of(value[1])


def _is_index_tensor(part: Any) -> bool:
    return isinstance(part, Tensor) and part.ndim == 1 and (not part.dtype.is_floating_point or not len(part))


def _judge(arguments: Arguments, values: list[Any]) -> str:
    draws = []
    for value in values:
        if value is None:
            return "It returns None. Does it end with return?"
        drawn = _as_lists(value)
        if drawn is None:
            parts = ", ".join(map(kind, value)) if isinstance(value, (tuple, list)) else kind(value)
            return f"It should return two lists of indices, (pos_inds, neg_inds); it returns {parts}."
        if said := _one_draw(arguments, drawn):
            return said
        draws.append(drawn)
    return _many_draws(arguments, draws)


def _one_draw(arguments: Arguments, drawn: Drawn) -> str:
    labels = arguments[0]
    for indices, label, name, count in zip(drawn, (1, 0), ("pos_inds", "neg_inds"), counts(*arguments[:3]), strict=True):
        if any(not 0 <= i < len(labels) for i in indices):
            return f"{name} names an anchor that does not exist: {indices}."
        if wrong := [i for i in indices if labels[i] != label]:
            return f"{name} holds anchor {wrong[0]}, whose label is {int(labels[wrong[0]])}."
        if len(set(indices)) < len(indices):
            return f"{name} holds an anchor twice: {indices}."
        if len(indices) != count:
            return f"{name} holds {len(indices)} anchors; {count} is right."
    return ""


def _many_draws(arguments: Arguments, draws: list[Drawn]) -> str:
    labels = arguments[0]
    for side, label, name in ((0, 1, "pos_inds"), (1, 0, "neg_inds")):
        sets = [frozenset(drawn[side]) for drawn in draws]
        if sets[::2] != sets[1::2]:
            return f"With the same seed twice it draws other {name}: draw with the generator that is handed in."
        there, count = (labels == label).nonzero().flatten().tolist(), len(sets[0])
        if not 0 < count < len(there):
            continue
        if len(set(sets)) == 1 and math.comb(len(there), count) ** -(SEEDS - 1) < SURE:
            return f"With {SEEDS} different seeds it always draws the same {name}: {sorted(sets[0])}."
        missing = set(there) - frozenset.union(*sets)
        if missing and (1 - count / len(there)) ** SEEDS < SURE:
            return f"With {SEEDS} different seeds it never draws anchor {min(missing)}: not all have a chance."
    return ""


def _signature(arguments: Arguments, values: list[Any]) -> Any:
    """What two functions with the same mistake share, though their draws differ."""
    draws = [_as_lists(value) for value in values]
    if any(drawn is None for drawn in draws):
        return object()  # like nothing else
    labels, found = arguments[0], []
    for side in (0, 1):
        sets = [tuple(drawn[side]) for drawn in draws if drawn is not None]
        seen = {int(labels[i]) if 0 <= i < len(labels) else None for indices in sets for i in indices}
        repeats = sets[::2] == sets[1::2]
        twice = any(len(set(indices)) < len(indices) for indices in sets)
        found.append(({len(indices) for indices in sets}, seen, repeats, twice, len(set(sets)) == 1))
    return found


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
    return references.sample(labels, batch, fraction, generator)[::-1]  # type: ignore[return-value]


def _no_limit(labels: Tensor, batch: int, fraction: float, generator: torch.Generator) -> Pair:
    pos, neg = _both(labels)
    return _draw(pos, batch, generator), _draw(neg, max(batch - len(pos), 0), generator)


def _picture(case: Case) -> Figure:
    labels, batch, fraction = (case.arguments[name] for name in MINIBATCH.arguments[:3])
    rows, values = ["label"], [labels]
    draws = [drawn for value in case.values if (drawn := _as_lists(value)) is not None]
    for side, name in ((0, "times in pos_inds"), (1, "times in neg_inds")):
        drawn = [i for both in draws for i in both[side] if 0 <= i < len(labels)]
        rows.append(name)
        values.append(torch.bincount(torch.tensor(drawn, dtype=torch.int64), minlength=len(labels)))
    table = torch.stack([value.float() for value in values])
    marks = torch.zeros_like(table, dtype=torch.bool)
    marks[1], marks[2] = (table[1] > 0) & (labels != 1), (table[2] > 0) & (labels != 0)
    title = f"{len(draws)} draws of {batch}, at most {fraction:.0%} positive. Right: {case.wanted.what}"
    columns = [f"anchor {i}" for i in range(len(labels))]
    return case_figure(case.problem, [Table(title, table, marks, rows=rows, columns=columns)], height=2.1)


MINIBATCH = Exercise(
    name="my_sample_minibatch",
    notebook="05",
    title="Draw the minibatch",
    arguments=("labels", "batch_size_per_image", "positive_fraction", "generator"),
    returns=("pos_inds", "neg_inds"),
    reference=references.sample,
    oracle="the counts of torchvision's BalancedPositiveNegativeSampler, over 20 seeds each",
    inputs=_inputs,
    larger=_larger,
    larger_words="2,000 labels",
    mistakes=(
        Mistake(
            "not_filled_up",
            "Where positives are missing the batch is filled up with negatives: batch_size_per_image less the positives "
            "that are really drawn.",
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
            "You return places in the list of positives (or negatives). Return indices into labels: positive[permutation].",
            _places_for_indices,
        ),
        Mistake("pair_swapped", "The pair is exchanged: first pos_inds, then neg_inds.", _swapped),
        Mistake(
            "positives_without_limit",
            "At most batch_size_per_image · positive_fraction are positive, however many there are.",
            _no_limit,
        ),
    ),
    hints=(
        "Two urns: the indices of label 1 and those of label 0. First find out how many to take from each. Then take so many "
        "at random, none twice.",
        "num_pos = min(number of positives, int(batch_size_per_image * positive_fraction)), num_neg = min(number of "
        "negatives, batch_size_per_image − num_pos); positive[torch.randperm(len(positive), generator=generator)[:num_pos]].",
    ),
    picture=_picture,
    indices=True,
    calls=_calls,
    judge=_judge,
    wanted=_wanted,
    signature=_signature,
)
