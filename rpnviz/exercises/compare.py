"""What is wrong with a returned value: its kind, its shape, its type, its numbers. Each answer is one sentence."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rpnviz.exercises.sandbox.protocol import Foreign


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
            return said.replace("It returns None", f"It returns None for {name}", 1)
    return ""


def _difference_of_tensors(value: Any, right: Tensor, name: str, tolerance: float, indices: bool) -> str:
    if indices and is_index_list(value):
        value = torch.tensor(indices_of(value), dtype=torch.int64)
    if indices and isinstance(value, Tensor) and value.ndim == 1 and not torch.equal(value.double(), right.double()):
        return _came_out(name, value.tolist(), right.tolist())
    if not isinstance(value, Tensor):
        help_with_lists = " torch.tensor(…) or torch.stack(…) makes one." if isinstance(value, list) else ""
        wanted = "a Tensor or a list of ints" if indices else "a Tensor"
        return f"It should return {wanted}; it returns {kind(value)}.{help_with_lists}"
    if value.shape != right.shape:
        if value.numel() == right.numel() == 0:
            return ""
        return f"{_start(name)} has the wrong shape: {list(value.shape)} came out, {list(right.shape)} is right."
    whole = not right.dtype.is_floating_point
    wrong_kind = value.dtype.is_complex or value.dtype == torch.bool or not (whole or value.dtype.is_floating_point)
    if wrong_kind and right.numel():
        return f"{_start(name)} has the wrong dtype: {_dtype(value)} came out, {_dtype(right)} is right."
    if not torch.isfinite(value).all():
        what = "NaN (0 divided by 0?)" if value.isnan().any() else "infinity"
        return f"{_start(name)} holds {what}."
    differs = wrong_entries(value, right, 0 if whole else tolerance)
    if not differs.any():
        return ""
    if right.numel() == 1:
        return _came_out(name, f"{float(value):.5g}", f"{float(right):.5g}")
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
        return f"{_start(name)} is {value}."
    expected = float(right)
    if abs(value - expected) <= tolerance * max(1.0, abs(expected)):
        return ""
    return _came_out(name, f"{value:.5g}", f"{expected:.5g}")


def same(value: Any, other: Any, tolerance: float) -> bool:
    """Whether two returned values are the same, whatever is right: NaN equals NaN here."""
    if isinstance(value, (tuple, list)) and isinstance(other, (tuple, list)):
        pairs = list(zip(value, other, strict=False))
        return len(value) == len(other) and all(same(a, b, tolerance) for a, b in pairs)
    if not all(isinstance(one, (Tensor, int, float, list)) for one in (value, other)):
        return False
    try:
        a, b = (torch.as_tensor(one) for one in (value, other))
    except (ValueError, TypeError, RuntimeError):
        return False
    if a.shape != b.shape or a.dtype.is_complex:
        return False
    return torch.allclose(a.double(), b.double(), rtol=tolerance, atol=tolerance, equal_nan=True)


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
    if isinstance(value, (bool, str)) or value is None or value is Ellipsis:
        return "text" if isinstance(value, str) else "..." if value is Ellipsis else str(value)
    return f"the number {value:.5g}"


def _came_out(name: str, value: object, right: object) -> str:
    return f"{_start(name)}: {value} came out, {right} is right."


def _start(name: str) -> str:
    """A name at the beginning of a sentence; names of code stay as they are."""
    return name.replace("the ", "The ", 1) if name.startswith("the ") else name


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
