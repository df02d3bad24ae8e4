"""When a draw of the minibatch is right: there are many right ones, so rules are checked, over many draws."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import torch
from torch import Tensor

from rpnviz.exercises.compare import AS_A_MASK, indices_of, is_index_list, kind
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
    if not isinstance(part, Tensor) or part.ndim != 1 or part.dtype == torch.bool:
        return False
    return not part.dtype.is_floating_point or not len(part)


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
        return _no_indices(value)
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
            return f"{name} holds {len(indices)} anchor{'' if len(indices) == 1 else 's'}; it should hold {count}."
    return ""


def _no_indices(value: Any) -> str:
    """Say what came instead of two lists of indices, and what makes indices of it where that is a usual slip."""
    parts = list(value) if isinstance(value, (tuple, list)) else []
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if len(parts) == 2 and any(part.dtype == torch.bool for part in tensors):
        name = "pos_inds" if parts[0] is tensors[0] and tensors[0].dtype == torch.bool else "neg_inds"
        return f"{name} is {AS_A_MASK}"
    what = ", ".join(map(kind, parts)) if parts else kind(value)
    said = f"It should return two lists of indices, (pos_inds, neg_inds); it returns {what}."
    columns = any(part.ndim == 2 and part.shape[1] == 1 for part in tensors)
    return f"{said} nonzero() makes a column: add .flatten()." if columns else said


def shown(arguments: Arguments, values: list[Any]) -> int:
    """The number of the draw that `judge` speaks of: the first that is wrong by itself, or the first of all."""
    return next((i for i, value in enumerate(values) if judge_one(arguments, value)), 0)


def _many_draws(arguments: Arguments, draws: list[Drawn]) -> str:
    labels = arguments[0]
    for side, label, name in ((0, 1, "pos_inds"), (1, 0, "neg_inds")):
        sets = [frozenset(drawn[side]) for drawn in draws]
        if sets[::2] != sets[1::2]:
            return f"With the same seed it draws other {name} each time: draw with the generator that is handed in."
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
