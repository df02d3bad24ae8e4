"""When a draw of the minibatch is right: there are many right ones, so rules are checked, over many draws."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from torch import Tensor

from rpnviz.exercises.compare import indices_of, is_index_list, kind
from rpnviz.exercises.exercise import Arguments

SEEDS = 20  # each is used twice, so that a draw that does not listen to the generator shows
SURE = 1e-9  # what a fair draw does less often than this is not one
Drawn = tuple[list[int], list[int]]


def counts(labels: Tensor, batch_size_per_image: int, positive_fraction: float) -> tuple[int, int]:
    """How many positives and negatives are drawn."""
    positives = min(int((labels == 1).sum()), int(batch_size_per_image * positive_fraction))
    return positives, min(int((labels == 0).sum()), batch_size_per_image - positives)


def wanted(arguments: Arguments) -> str:
    """What is right, in words."""
    labels = arguments[0]
    positives, negatives = counts(*arguments[:3])
    return (
        f"{positives} of {int((labels == 1).sum())} positives, {negatives} of {int((labels == 0).sum())} negatives; "
        "others with another seed"
    )


def as_lists(value: Any) -> Drawn | None:
    """Both lists of indices; None if it is something else."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return None
    if not all(is_index_list(part) or _is_index_tensor(part) for part in value):
        return None
    return indices_of(value[0]), indices_of(value[1])


def _is_index_tensor(part: Any) -> bool:
    return isinstance(part, Tensor) and part.ndim == 1 and (not part.dtype.is_floating_point or not len(part))


def judge(arguments: Arguments, values: list[Any]) -> str:
    """Say in one sentence what is wrong with the draws; "" if nothing."""
    for value in values:
        if said := judge_one(arguments, value):
            return said
    return _many_draws(arguments, [drawn for value in values if (drawn := as_lists(value)) is not None])


def judge_one(arguments: Arguments, value: Any) -> str:
    """Say in one sentence what is wrong with a single draw; "" if nothing. Which anchors are drawn is chance."""
    if value is None:
        return "It returns None. Does it end with return?"
    drawn = as_lists(value)
    if drawn is None:
        parts = ", ".join(map(kind, value)) if isinstance(value, (tuple, list)) else kind(value)
        return f"It should return two lists of indices, (pos_inds, neg_inds); it returns {parts}."
    labels = arguments[0]
    for indices, label, name, count in zip(
        drawn, (1, 0), ("pos_inds", "neg_inds"), counts(*arguments[:3]), strict=True
    ):
        if outside := [i for i in indices if not 0 <= i < len(labels)]:
            return f"{name} names an anchor that does not exist: {outside[0]}."
        if wrong := [i for i in indices if labels[i] != label]:
            return f"{name} holds anchor {wrong[0]}, whose label is {int(labels[wrong[0]])}."
        if twice := [i for i, times in Counter(indices).items() if times > 1]:
            return f"{name} holds anchor {twice[0]} more than once."
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


def signature(arguments: Arguments, values: list[Any]) -> Any:
    """What two functions with the same mistake share, though their draws differ."""
    draws = [as_lists(value) for value in values]
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
