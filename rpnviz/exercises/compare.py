"""What is wrong with a returned value: its kind, its shape, its type, its numbers. Each answer is one sentence."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rpnviz.exercises.wire import Foreign


def difference(value: Any, right: Any, names: tuple[str, ...], tolerance: float, indices: bool = False) -> str:
    """Say in one sentence how a value differs from the right one; "" if it does not.

    Args:
        value: what the learner's function returned.
        right: a Tensor, a number, or a tuple of these.
        names: of what should come out; as many as `right` has entries if it is a tuple.
        tolerance: by how much floats may differ, absolute and relative.
        indices: whether a list of ints is welcome where `right` is a Tensor.
    """
    if value is None:
        return "It returns None. Does it end with return?"
    if isinstance(right, tuple):
        return _difference_of_tuples(value, right, names, tolerance, indices)
    if isinstance(right, Tensor) and right.ndim:
        return _difference_of_tensors(value, right, names[0], tolerance, indices)
    return _difference_of_numbers(value, right, names[0], tolerance)


def _difference_of_tuples(
    value: Any, right: tuple[Any, ...], names: tuple[str, ...], tolerance: float, indices: bool
) -> str:
    if not isinstance(value, (tuple, list)) or len(value) != len(right):
        return f"It should return {len(right)} things, ({', '.join(names)}); it returns {kind(value)}."
    for part, right_part, name in zip(value, right, names, strict=True):
        if said := difference(part, right_part, (name,), tolerance, indices):
            return said.replace("It returns", f"For {name} it returns", 1)
    return ""


def _difference_of_tensors(value: Any, right: Tensor, name: str, tolerance: float, indices: bool) -> str:
    if indices and is_index_list(value):
        value = torch.tensor(indices_of(value), dtype=torch.int64)
    if indices and isinstance(value, Tensor) and value.ndim == 1 and not torch.equal(value.double(), right.double()):
        return f"{name} is {value.tolist()}; right is {right.tolist()}."
    if not isinstance(value, Tensor):
        wanted = f"It should return a Tensor{' or a list of ints' if indices else ''}; it returns {kind(value)}."
        return wanted + (" torch.tensor(…) or torch.stack(…) makes one." if isinstance(value, list) else "")
    if value.shape != right.shape:
        if value.numel() == right.numel() == 0:
            return ""
        return f"{name} has the wrong shape: {list(value.shape)} came out, {list(right.shape)} is right."
    whole = not right.dtype.is_floating_point
    if value.dtype.is_complex or (value.dtype == torch.bool and right.numel()):
        return f"{name} has the wrong dtype: {_dtype(value)} came out, {_dtype(right)} is right."
    if right.dtype.is_floating_point and not value.dtype.is_floating_point:
        return f"{name} has the wrong dtype: {_dtype(value)} came out, whole numbers; it should be {_dtype(right)}."
    if not torch.isfinite(value).all():
        what = "NaN (0 divided by 0?)" if value.isnan().any() else "infinity"
        return f"{name} holds {what}."
    differs = wrong_entries(value, right, 0 if whole else tolerance)
    if not differs.any():
        return ""
    if right.numel() == 1:
        return f"{name} is {float(value):.5g}; right is {float(right):.5g}."
    return f"{int(differs.sum())} of the {right.numel()} numbers of {name} are wrong."


def wrong_entries(value: Tensor, right: Tensor, tolerance: float) -> Tensor:
    """Which numbers differ: a BoolTensor of the shape of both."""
    return ~torch.isclose(value.double(), right.double(), rtol=tolerance, atol=tolerance)


def _difference_of_numbers(value: Any, right: Any, name: str, tolerance: float) -> str:
    if isinstance(value, Tensor) and value.numel() == 1 and not value.dtype.is_complex:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"It should return one number, {name}; it returns {kind(value)}."
    if not abs(value) < float("inf"):
        return f"{name} is {value}."
    expected = float(right)
    if abs(value - expected) <= tolerance * max(1.0, abs(expected)):
        return ""
    return f"{name} is {value:.5g}; right is {expected:.5g}."


def same(value: Any, other: Any, tolerance: float) -> bool:
    """Whether two returned values are the same, whatever is right: NaN equals NaN here."""
    if isinstance(value, (tuple, list)) and isinstance(other, (tuple, list)):
        pairs = list(zip(value, other, strict=False))
        return len(value) == len(other) and all(same(a, b, tolerance) for a, b in pairs)
    if not all(isinstance(one, (Tensor, int, float, list)) for one in (value, other)):
        return False
    try:
        a, b = (torch.as_tensor(one).double() for one in (value, other))
    except (ValueError, TypeError, RuntimeError):
        return False
    return a.shape == b.shape and torch.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)


def is_index_list(value: Any) -> bool:
    """Whether a value is a list (or tuple) of ints, or of tensors that hold one."""
    if not isinstance(value, (list, tuple)):
        return False
    return all(
        (isinstance(one, int) and not isinstance(one, bool))
        or (isinstance(one, Tensor) and one.numel() == 1 and not one.dtype.is_floating_point)
        for one in value
    )


def indices_of(value: Any) -> list[int]:
    """The ints of what `is_index_list`, or of a flat Tensor."""
    return [int(one) for one in value]


def kind(value: Any) -> str:
    """Name what a value is: "a list of 3", "a NumPy array of shape [2]"."""
    if isinstance(value, Foreign):
        return value.what
    if isinstance(value, Tensor):
        return f"a Tensor of shape {list(value.shape)}"
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    if value is None or value is Ellipsis:
        return "None" if value is None else "..."
    names = {bool: f"{value}", int: f"the number {value}", float: f"the number {value:.5g}", str: "text"}
    return names[type(value)]


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
