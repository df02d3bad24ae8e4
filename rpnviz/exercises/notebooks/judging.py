"""A function of the learner's on one input: how it is judged, and whether its result can go on to the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rpnviz.exercises.compare import difference, is_index_list
from rpnviz.exercises.tasks import EXERCISES

SAMPLER, NMS = "my_sample_minibatch", "my_nms"


@dataclass(frozen=True)
class Stage:
    """One function of the learner's on one input.

    Attributes:
        name (str): of the function.
        verdict (str): "same", "differs", "fails" or "missing"; with the last two, ours stands in.
        message (str): what is wrong, one sentence; "" if it is the same.
        arguments, got, wanted: the input, what hers gave (None if nothing) and what ours gives.
    """

    name: str
    verdict: str
    message: str
    arguments: tuple[Any, ...]
    got: Any
    wanted: Any


def judged(name: str, arguments: tuple[Any, ...], got: Any, wanted: Any) -> tuple[str, str]:
    """Compare a result with ours: ("same", ""), or "differs" or "fails" with what is wrong, one sentence.

    It fails if the next function could not take it.
    """
    exercise = EXERCISES[name]
    if name == SAMPLER:
        message = _wrong_sample(got, arguments[0], wanted)
    elif name == NMS and _usable(name, got, wanted, arguments) and len(got) != len(wanted):
        message = f"It keeps {len(got):,} of {len(arguments[0]):,} boxes; right is {len(wanted):,}."
    else:
        message = difference(got, wanted, exercise.returns, exercise.tolerance, exercise.indices)
    if not message:
        return "same", ""
    return ("differs" if _usable(name, got, wanted, arguments) else "fails"), message


def copy_of(value: Any) -> Any:
    """A result with tensors of its own."""
    if isinstance(value, tuple):
        return tuple(map(copy_of, value))
    return value.clone() if isinstance(value, Tensor) else value


def as_ours(got: Any, wanted: Any) -> Any:
    """A list of indices as a tensor, a list of results as a tuple: what the exercises accept, later stages take."""
    if isinstance(wanted, tuple) and isinstance(got, (list, tuple)) and len(got) == len(wanted):
        return tuple(as_ours(*pair) for pair in zip(got, wanted, strict=True))
    if isinstance(wanted, Tensor) and not wanted.is_floating_point() and is_index_list(got):
        return torch.tensor([int(one) for one in got], dtype=torch.int64)
    if isinstance(wanted, Tensor) and wanted.ndim == 0 and isinstance(got, (int, float)):
        return torch.tensor(float(got))
    return got


def _wrong_sample(got: Any, labels: Tensor, wanted: tuple[Tensor, Tensor]) -> str:
    """What is wrong with a drawn minibatch, "" if nothing: which anchors are drawn is chance, how many is not."""
    if not isinstance(got, tuple) or len(got) != 2 or not all(_indices(one, len(labels)) for one in got):
        return "It should return two integer tensors of places in labels."
    for drawn, right, label in zip(got, wanted, (1, 0), strict=True):
        if len(drawn) != len(right):
            return f"It draws {len(drawn)} anchors of label {label}; right is {len(right)}."
        if len(drawn.unique()) < len(drawn) or (labels[drawn] != label).any():
            return f"Among those drawn for label {label}, one has another label or is drawn twice."
    return ""


def _indices(value: Any, count: int) -> bool:
    """Whether a value is a flat integer tensor of places in a list of `count`."""
    flat = isinstance(value, Tensor) and value.ndim == 1 and value.dtype in (torch.int64, torch.int32)
    return flat and bool(((value >= 0) & (value < count)).all())


def _usable(name: str, got: Any, wanted: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a wrong result can go on to the next stage."""
    if name == SAMPLER:
        return isinstance(got, tuple) and len(got) == 2 and all(_indices(one, len(arguments[0])) for one in got)
    if name == NMS:
        return _indices(got, len(arguments[0])) and len(got.unique()) == len(got) > 0
    if isinstance(wanted, tuple):
        return isinstance(got, tuple) and all(_usable("", *pair, ()) for pair in zip(got, wanted, strict=True))
    if not isinstance(wanted, Tensor):
        return isinstance(got, (int, float)) or (isinstance(got, Tensor) and got.numel() == 1)
    if not isinstance(got, Tensor) or got.shape != wanted.shape:
        return False
    return got.is_floating_point() == wanted.is_floating_point() and bool(torch.isfinite(got).all())
