"""Values and cases in text, as a learner would write them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from rpnviz.exercises.compare import kind
from rpnviz.exercises.exercise import Case
from rpnviz.exercises.sandbox.protocol import Foreign, Seed

MOST = 12  # rows, and numbers of a row, that are written out


def case_in_words(case: Case) -> str:
    """The input, what came out and what should, one under the other."""
    names = [*case.arguments, "your result", "right result"]
    values = [*case.arguments.values(), case.got, case.wanted]
    rows = list(zip(names, values, strict=True))
    if case.raised:
        del rows[-2]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}} = {_indented(in_words(value), width + 3)}" for name, value in rows)


def _indented(text: str, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)


def in_words(value: Any) -> str:
    """A value as a learner would write it, cut off where it gets long."""
    if isinstance(value, Tensor):
        return _tensor_in_words(value)
    if isinstance(value, (list, tuple)):
        inside = ", ".join(in_words(one) for one in value[:MOST]) + (", …" if len(value) > MOST else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, Seed):
        return f"torch.Generator().manual_seed({value.number})"
    if isinstance(value, Foreign) or value is None:
        return kind(value)
    return repr(value)[:200]


def _tensor_in_words(tensor: Tensor) -> str:
    if tensor.ndim == 0:
        return f"{tensor.item():.5g}" if tensor.is_floating_point() else str(tensor.item())
    if tensor.ndim == 1:
        shown = [in_words(one) for one in tensor[:MOST]] + (["…"] if len(tensor) > MOST else [])
        return f"[{', '.join(shown)}]"
    rows = [_tensor_in_words(one).replace("\n", "\n ") for one in tensor[:MOST]]
    shown = rows + (["…"] if len(tensor) > MOST else [])
    return f"[{(',' + chr(10) + ' ').join(shown)}]" if shown else str(list(tensor.shape))
