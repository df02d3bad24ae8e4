"""Draw unseen input: whole numbers first, so that a failing case shrinks to something one can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rpnviz.exercises.exercise import Draw


def whole(draw: Draw, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    from hypothesis import strategies

    return int(draw(strategies.integers(low, high)))


def one_of(draw: Draw, choices: Sequence[Any]) -> Any:
    """One of several; the first is the simplest."""
    return choices[whole(draw, 0, len(choices) - 1)]


def numbers(draw: Draw, shape: Sequence[int], low: int, high: int, per: float = 1) -> Tensor:
    """A float tensor of whole numbers from low to high, divided by `per`."""
    from hypothesis import strategies

    count = int(torch.Size(shape).numel())
    drawn = draw(strategies.lists(strategies.integers(low, high), min_size=count, max_size=count))
    return torch.tensor(drawn, dtype=torch.float32).reshape(list(shape)) / per


def boxes(draw: Draw, count: int, extent: int = 40, largest: int = 30) -> Tensor:
    """Boxes with whole corners and an area, px: [count, 4], x1 and y1 up to `extent`, sides up to `largest`."""
    corners = numbers(draw, (count, 2), 0, extent)
    return torch.cat([corners, corners + 1 + numbers(draw, (count, 2), 0, largest - 1)], dim=1)


def seeded_boxes(count: int, extent: int = 500, largest: int = 200, seed: int = 0) -> Tensor:
    """Many boxes, always the same: the larger input on which speed is measured."""
    generator = torch.Generator().manual_seed(seed)
    corners = (torch.rand(count, 2, generator=generator) * extent).round()
    return torch.cat([corners, corners + 1 + (torch.rand(count, 2, generator=generator) * largest).round()], dim=1)
