"""What is wrong with a returned value: its kind, its shape, its type, its numbers. Each answer is one sentence."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rpnviz.exercises.sandbox.protocol import Foreign

AS_A_MASK = "a mask of True and False. Return the places where it is True: mask.nonzero().flatten()."


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
        return f"It should return {len(right)} values, ({', '.join(names)}); it returns {kind(value)}."
    for part, right_part, name in zip(value, right, names, strict=True):
        if said := difference(part, right_part, (name,), tolerance, indices):
            return said.replace("It returns None", f"It returns None for {name}", 1)
    return ""


def _difference_of_tensors(value: Any, right: Tensor, name: str, tolerance: float, indices: bool) -> str:
    if indices and is_index_list(value):
        value = torch.tensor(indices_of(value), dtype=torch.int64)
    if indices and isinstance(value, Tensor) and value.dtype == torch.bool:
        return f"{_start(name)} {_verb(name, 'are')} {AS_A_MASK}"
    if indices and isinstance(value, Tensor) and value.ndim == 1 and not torch.equal(value.double(), right.double()):
        return _should_be(name, value.tolist(), right.tolist())
    if not isinstance(value, Tensor):
        help_with_lists = " torch.tensor(…) or torch.stack(…) makes one." if isinstance(value, list) else ""
        wanted = "a Tensor or a list of ints" if indices else "a Tensor"
        return f"It should return {wanted}; it returns {kind(value)}.{help_with_lists}"
    if value.shape != right.shape:
        if value.numel() == right.numel() == 0:
            return ""
        shapes = f"{list(value.shape)} instead of {list(right.shape)}"
        return f"{_start(name)} {_verb(name, 'have')} the wrong shape: {shapes}."
    whole = not right.dtype.is_floating_point
    wrong_kind = value.dtype.is_complex or value.dtype == torch.bool or not (whole or value.dtype.is_floating_point)
    if wrong_kind and right.numel():
        return _wrong_dtype(value, right, name, tolerance)
    if not torch.isfinite(value).all():
        what = "NaN (0 divided by 0?)" if value.isnan().any() else "infinity"
        return f"{_start(name)} {_verb(name, 'hold')} {what}."
    differs = wrong_entries(value, right, 0 if whole else tolerance)
    if not differs.any():
        return ""
    if right.numel() == 1:
        return _should_be(name, f"{float(value):.5g}", f"{float(right):.5g}")
    return _count_wrong(int(differs.sum()), right.numel(), name)


def wrong_entries(value: Tensor, right: Tensor, tolerance: float) -> Tensor:
    """Which numbers differ: a BoolTensor of the shape of both."""
    return ~torch.isclose(value.double(), right.double(), rtol=tolerance, atol=tolerance)


def _difference_of_numbers(value: Any, right: Any, name: str, tolerance: float) -> str:
    if isinstance(value, Tensor) and value.numel() == 1 and not value.dtype.is_complex:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"It should return one number, {name}; it returns {kind(value)}."
    if not abs(value) < float("inf"):
        return f"{_start(name)} is {'NaN (0 divided by 0?)' if value != value else 'infinity'}."
    expected = float(right)
    if abs(value - expected) <= tolerance * max(1.0, abs(expected)):
        return ""
    return _should_be(name, f"{value:.5g}", f"{expected:.5g}")


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


def _should_be(name: str, value: object, right: object) -> str:
    return f"{_start(name)} should be {right}; your function returns {value}."


def _count_wrong(wrong: int, of: int, name: str) -> str:
    if wrong == of:
        return f"All {of} numbers of {name} are wrong."
    return f"{wrong} of the {of} numbers of {name} {'is' if wrong == 1 else 'are'} wrong."


def _wrong_dtype(value: Tensor, right: Tensor, name: str, tolerance: float) -> str:
    """Say which dtype is wrong; where the numbers are right, say that it is nothing else."""
    dtypes = f"{_dtype(value)} instead of {_dtype(right)}"
    if value.dtype.is_complex or value.dtype == torch.bool or wrong_entries(value, right, tolerance).any():
        return f"{_start(name)} {_verb(name, 'have')} the wrong dtype: {dtypes}."
    return f"The numbers are right, but {name} {_verb(name, 'have')} the wrong dtype: {dtypes}. Add .float()."


def _verb(name: str, plural: str) -> str:
    """The verb in the number of a name: the boxes have, the IoU has; names of code are one thing."""
    if name.startswith("the ") and name.endswith("s"):
        return plural
    return {"have": "has", "are": "is"}.get(plural, f"{plural}s")


def _start(name: str) -> str:
    """A name at the beginning of a sentence; names of code stay as they are."""
    return name.replace("the ", "The ", 1) if name.startswith("the ") else name


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
