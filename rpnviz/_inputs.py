"""What a public function is given, looked at once: it becomes something to compute with, or a ValueError that names it.

Whoever calls may hold half or bfloat16 (after autocast), whole numbers, NumPy arrays or nested lists. Half does not
tell neighbouring pixels apart beyond 2,048 px, bfloat16 not beyond 256: all is computed in float32, and float64 stays
float64. Gradients are kept; a function whose result has none says `.detach()` behind the check.

Whatever grows with a number in the input has a limit here, so that a slip of the keyboard costs a sentence and not the
kernel's memory.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

Taken = TypeVar("Taken", int, float)

FURTHEST = 2**24  # px from the corner: float32 counts single pixels up to here, and no area overflows
MOST_PIXELS = 2**23  # of the network's input: VGG-16's first layers then hold 2 GB each
MOST_ANCHORS = 2**22  # 64 MB
MOST_PAIRS = 2**25  # of an IoU matrix: 1 to 2 GB while it is worked out
MOST_IN_NMS = 100_000  # half a minute, if none suppresses another
MOST_VALUES = 2**24  # read off a feature map for one box: four cells each, 256 MB
MOST_BIN_VALUES = 2**28  # in the bins of all boxes that the second head looks at: 1 GB


def take_numbers(values: Any, argument: str, shape: str = "...", gaps: bool = False) -> Tensor:
    """Take finite numbers, as a tensor of float32; float64 stays float64. Gradients are kept.

    Args:
        values: a tensor, an array or nested lists.
        argument: what the caller calls them.
        shape: e.g. "N, 4": a letter is any length, a number that length; "..." is any shape.
        gaps: NaN is taken too: it stands for what is missing.

    Raises:
        ValueError: if they are no numbers, of another shape, NaN or infinite.
    """
    tensor = _shaped(values, argument, shape)
    tensor = tensor.to(torch.float64 if tensor.dtype == torch.float64 else torch.float32)
    seen = tensor.detach().nan_to_num(0, torch.inf, -torch.inf) if gaps else tensor.detach()
    if tensor.numel() and not math.isfinite(sum(seen.aminmax())):
        where = (~torch.isfinite(seen)).nonzero()[0].tolist()
        raise ValueError(f"{argument} must be finite; {argument}{where} is {tensor[tuple(where)].item()}")
    return tensor


def take_shown(values: Any, argument: str, shape: str = "...", gaps: bool = False) -> Tensor:
    """Take finite numbers that are only shown: float32 on the CPU without a gradient, as pages and NumPy want them.

    Raises:
        ValueError: as `take_numbers`.
    """
    return take_numbers(values, argument, shape, gaps).detach().float().cpu()


def take_whole_numbers(
    values: Any, argument: str, shape: str, low: int | None = None, high: int | None = None
) -> Tensor:
    """Take labels or indices of any number type, as int64.

    Raises:
        ValueError: if they are not whole, of another shape, or one lies outside low … high.
    """
    tensor = _shaped(values, argument, shape).detach()
    whole = tensor.long()
    bad = whole != tensor  # also what is NaN
    if low is not None:
        bad |= whole < low
    if high is not None:
        bad |= whole > high
    if bad.any():
        limits = "" if low is None else f" from {low} on" if high is None else f", {low} to {high}"
        raise ValueError(f"{argument} must be whole numbers{limits}; got {tensor[bad][0].item():g}")
    return whole


def take_flags(values: Any, argument: str, shape: str) -> Tensor:
    """Take what is true or false, as a BoolTensor; 1 and 0 are true and false.

    Raises:
        ValueError: if they are anything else, or of another shape.
    """
    if getattr(values, "dtype", None) in (torch.bool, np.bool_):
        values = torch.as_tensor(values).byte()
    return take_whole_numbers(values, argument, shape, 0, 1).bool()


def to_one_type(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Bring what `take_numbers` returned to one type: float64 if one of them is."""
    widest = torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32
    return tuple(tensor.to(widest) for tensor in tensors)


def take_whole(value: Any, argument: str, low: int = 1, high: int | None = None) -> int:
    """Take one whole number, also NumPy's.

    Raises:
        ValueError: if it is none, or lies outside low … high.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or number < low or (high is not None and number > high):
        limits = f"of at least {low}" if high is None else f"from {low} to {high:,}"
        raise ValueError(f"{argument} must be a whole number {limits}; got {value!r}")
    return number


def take_number(value: Any, argument: str, low: float = 0.0, high: float = math.inf, above: bool = False) -> float:
    """Take one finite number, also NumPy's or a tensor's; `above` leaves `low` itself out.

    Raises:
        ValueError: if it is none, or lies outside low … high.
    """
    try:
        value = value.detach() if isinstance(value, Tensor) else value
        taken = math.nan if isinstance(value, (str, bytes, bool)) or np.ndim(value) else float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        taken = math.nan
    if not (math.isfinite(taken) and low <= taken <= high) or (above and taken == low):
        least = "" if low == -math.inf else f" above {low:g}" if above else f" of at least {low:g}"
        takes = f"a finite number{least}" if high == math.inf else f"a number{least} and at most {high:g}"
        raise ValueError(f"{argument} must be {takes}; got {value!r}")
    return taken


def take_each(values: Any, argument: str, take: Callable[..., Taken], *limits: Any) -> list[Taken]:
    """Take one or more single numbers, each by `take_whole` or `take_number`.

    Raises:
        ValueError: if there is none, or one of them is not as `take` wants it.
    """
    try:
        given = list(values)
    except TypeError:
        given = []
    if not given:
        raise ValueError(f"{argument} must be one or more numbers; got {values!r}")
    return [take(value, f"{argument}[{i}]", *limits) for i, value in enumerate(given)]


def take_thresholds(bg_iou_thresh: Any, fg_iou_thresh: Any) -> tuple[float, float]:
    """Take the two thresholds below which is background and from which on is foreground.

    Raises:
        ValueError: if not 0 ≤ bg_iou_thresh ≤ fg_iou_thresh ≤ 1.
    """
    low, high = take_number(bg_iou_thresh, "bg_iou_thresh", 0, 1), take_number(fg_iou_thresh, "fg_iou_thresh", 0, 1)
    if low > high:
        raise ValueError(f"bg_iou_thresh must be at most fg_iou_thresh, {high}; got {low}")
    return low, high


def take_size(value: Any, argument: str, low: int = 1, high: int = FURTHEST) -> tuple[int, int]:
    """Take (height, width) as two whole numbers, also NumPy's.

    Raises:
        ValueError: if it is not two whole numbers from low to high.
    """
    try:
        height, width = value
        return take_whole(height, argument, low, high), take_whole(width, argument, low, high)
    except (TypeError, ValueError):
        takes = f"(height, width), two whole numbers from {low} to {high:,}"
        raise ValueError(f"{argument} must be {takes}; got {value!r}") from None


def check_count(count: int, most: int, what: str) -> None:
    """Refuse what would not fit into the memory; `what` names the arguments, e.g. "grid and cells make … anchors".

    Raises:
        ValueError: if there are more.
    """
    if count > most:
        raise ValueError(f"{what.replace('…', f'{count:,}')}; at most {most:,} are taken")


def _shaped(values: Any, argument: str, shape: str) -> Tensor:
    """Any numbers as a tensor, if they have the shape; nothing is rounded yet."""
    tensor = values if isinstance(values, Tensor) else _from_array(values, argument)
    kind = str(tensor.dtype).removeprefix("torch.")
    if tensor.is_complex() or tensor.dtype == torch.bool or tensor.is_quantized or tensor.layout != torch.strided:
        raise ValueError(f"{argument} must be plain numbers; got {kind}, {tensor.layout}")
    if shape != "...":
        sides = shape.split(", ")
        fits = len(sides) == tensor.ndim and all(
            side.isalpha() or int(side) == length for side, length in zip(sides, tensor.shape, strict=True)
        )
        if not fits:
            raise ValueError(f"{argument} must be Tensor[{shape}]; got {kind} {list(tensor.shape)}")
    return tensor.as_subclass(Tensor)


def _from_array(values: Any, argument: str) -> Tensor:
    """A copy of an array or of nested lists, whatever its strides and byte order; decimals of a list are float32."""
    try:
        array = np.array(values, order="C")
        if array.dtype == np.float64 and not isinstance(values, np.ndarray):
            array = array.astype(np.float32)
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{argument} must be a tensor, an array or lists of numbers; {error}") from error
