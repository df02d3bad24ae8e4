"""How trained weights are written."""

from __future__ import annotations

from torch import Tensor, nn


def half(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """The weights of a network in float16, for a small file."""
    state = module.state_dict()
    return {prefix + key.removeprefix("layers."): value.half().contiguous().cpu() for key, value in state.items()}
