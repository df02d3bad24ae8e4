"""A learner's function on one large input: how it is judged, and whether its result can go on to the next function.

What `check` takes for right is right here too; results are then made what later functions expect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rpnviz.exercises.compare import difference, indices_of, is_index_list
from rpnviz.exercises.tasks import EXERCISES
from rpnviz.exercises.tasks.sampler_rules import judge_one

SAMPLER, NMS = "my_sample_minibatch", "my_nms"


@dataclass(frozen=True)
class Stage:
    """One function of the learner's on one input.

    Attributes:
        name (str): of the function.
        verdict (str): "same", "differs", "fails" or "missing"; with the last two, ours stands in.
        message (str): what is wrong, one sentence; "" if it is the same.
        arguments, got, wanted: the input, what the function returned (None if nothing) and what ours returns.
    """

    name: str
    verdict: str
    message: str
    arguments: tuple[Any, ...]
    got: Any
    wanted: Any


def judge(name: str, arguments: tuple[Any, ...], value: Any, wanted: Any, changed: str) -> tuple[str, str, Any]:
    """Compare a result with ours.

    Args:
        name: of the exercise.
        arguments: that both functions got.
        value: what the learner's function returned.
        wanted: what ours returns.
        changed: what is said of arguments that it changed in place, or "".

    Returns:
        "same", "differs", or "fails" if the next function could not take it; what is wrong, one sentence, or ""; and
        the result as later functions expect it.
    """
    exercise = EXERCISES[name]
    got = _to_tensors(value, wanted)
    usable = _usable(name, got, wanted, arguments)
    if name == SAMPLER:
        message = judge_one(arguments, value)
    elif name == NMS and usable:
        message = _wrong_rows(got, wanted, len(arguments[0]))
    else:
        message = difference(value, wanted, exercise.returns, exercise.tolerance, exercise.indices)
    if message and not usable:
        return "fails", message, got
    message = message or changed
    return "differs" if message else "same", message, _convert(got, wanted)


def copy_result(value: Any) -> Any:
    """A result with tensors of its own."""
    if isinstance(value, tuple):
        return tuple(map(copy_result, value))
    return value.clone() if isinstance(value, Tensor) else value


def _to_tensors(value: Any, wanted: Any) -> Any:
    """Numbers and lists of indices as tensors, a list of results as a tuple, where ours are."""
    if isinstance(wanted, tuple) and isinstance(value, (list, tuple)) and len(value) == len(wanted):
        return tuple(_to_tensors(*pair) for pair in zip(value, wanted, strict=True))
    if not isinstance(wanted, Tensor):
        return value
    if wanted.ndim == 0 and isinstance(value, (int, float)):
        return torch.tensor(float(value))
    if wanted.ndim == 0 and isinstance(value, Tensor) and value.numel() == 1:
        return value.reshape(())
    if not wanted.is_floating_point() and is_index_list(value):
        return torch.tensor(indices_of(value), dtype=torch.int64)
    return value


def _convert(got: Any, wanted: Any) -> Any:
    """A usable result in the type of ours, float32 for float64, say: the next function need not know of others."""
    if isinstance(wanted, tuple):
        return tuple(_convert(*pair) for pair in zip(got, wanted, strict=True))
    if not isinstance(wanted, Tensor):
        return round(float(got)) if isinstance(wanted, int) else float(got)
    tensor = got.to(wanted.dtype)
    return tensor.reshape(wanted.shape) if tensor.numel() == wanted.numel() else tensor


def _wrong_rows(got: Tensor, wanted: Tensor, boxes: int) -> str:
    """What is wrong with the rows that NMS keeps; there are too many to list them."""
    if len(got) != len(wanted):
        return f"It keeps {len(got):,} of {boxes:,} boxes; it should keep {len(wanted):,}."
    wrong = int((got != wanted).sum())
    return f"{wrong:,} of the {len(got):,} rows that it keeps are wrong, or in the wrong place." if wrong else ""


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
        one = isinstance(got, (int, float)) or (isinstance(got, Tensor) and got.numel() == 1 and not got.is_complex())
        return one and math.isfinite(float(got))
    if not isinstance(got, Tensor) or got.shape != wanted.shape:
        return False
    return got.is_floating_point() == wanted.is_floating_point() and bool(torch.isfinite(got).all())
