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


def picks(draw: Draw, shape: Sequence[int], choices: Sequence[float]) -> Tensor:
    """A float tensor of some of the choices; a failing case shrinks to the first of them."""
    places = numbers(draw, shape, 0, len(choices) - 1).long()
    return torch.tensor(choices, dtype=torch.float32)[places]


def rows(draw: Draw, fewest: int, most: int, *ranges: tuple[int, int]) -> list[tuple[int, ...]]:
    """From `fewest` to `most` rows of whole numbers, each from its range; a failing case shrinks row by row."""
    from hypothesis import strategies

    row = strategies.tuples(*(strategies.integers(low, high) for low, high in ranges))
    drawn: list[tuple[int, ...]] = draw(strategies.lists(row, min_size=fewest, max_size=most))
    return drawn


CORNER, SIDE = (0, 40), (0, 29)  # px


def boxes(draw: Draw, most: int) -> Tensor:
    """Up to so many boxes with whole corners and an area, px: [N, 4], N ≥ 1."""
    return as_boxes(rows(draw, 1, most, CORNER, CORNER, SIDE, SIDE))


def as_boxes(drawn: Sequence[Sequence[int]]) -> Tensor:
    """Boxes from rows of x1, y1 and sides less one."""
    return torch.tensor([[x, y, x + 1 + w, y + 1 + h] for x, y, w, h in drawn], dtype=torch.float32)


def seeded_boxes(count: int, extent: int = 500, largest: int = 200, seed: int = 0) -> Tensor:
    """Many boxes, always the same: the larger input on which speed is measured."""
    generator = torch.Generator().manual_seed(seed)
    corners = (torch.rand(count, 2, generator=generator) * extent).round()
    return torch.cat([corners, corners + 1 + (torch.rand(count, 2, generator=generator) * largest).round()], dim=1)
