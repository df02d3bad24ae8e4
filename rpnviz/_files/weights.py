"""Weights from a file nobody vouches for."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from rpnviz._files.tables import one_line, printable


def read_matching_weights(path: Path, wanted: dict[str, Tensor], whose: str) -> dict[str, Tensor]:
    """Read a state dict that has just the names and shapes of `wanted`. A ValueError names file and network if not."""
    state = read_weights(path)
    if {key: one.shape for key, one in state.items()} != {key: one.shape for key, one in wanted.items()}:
        raise ValueError(
            f"weights {printable(str(path))} are not those of {whose}: their tensors have other names or shapes"
        )
    return state


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict; no pickled code is run. A ValueError says what the file is instead."""
    if not path.is_file():
        raise ValueError(f"weights must be a file; there is none at {printable(str(path))}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        kinds = "safetensors or a torch state dict"
        raise ValueError(f"weights {printable(str(path))} cannot be read as {kinds}: {one_line(error)}") from error
    except Exception as error:  # torch refuses anything but tensors, and says how to run what is in there nevertheless
        why = "they hold something other than tensors, or are broken"
        raise ValueError(f"weights {printable(str(path))} are not loaded: {why}") from error
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise ValueError(f"weights {printable(str(path))} must hold a state dict of tensors")
    return state
