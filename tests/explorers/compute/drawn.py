"""Inputs drawn for the page's compute modules: boxes that tie, touch, are empty, lie at the border; odd thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Rng = np.random.Generator
IMAGE_SIZE = (600, 1000)
THRESHOLDS = (0.0, 0.3, 0.5, 0.6, 0.7, 1.0)


def boxes(rng: Rng, count: int) -> Array:
    """float32 [N, 4]: on a lattice half the time, so that many tie and touch; some without area, some at the border."""
    height, width = IMAGE_SIZE
    step = float(rng.choice([0.0, 20.0]))
    corners = rng.uniform((-100, -100), (width, height), (count, 2))
    far = corners + rng.uniform(0, 300, (count, 2)) * (rng.random((count, 1)) > 0.05)
    edges = np.concatenate([corners, far], axis=1)
    edges = np.round(edges / step) * step if step else edges
    border = rng.random(count) < 0.1
    edges[border, :2], edges[border, 2:] = 0, (width, height)
    return edges.astype(np.float32)


def solid(rng: Rng, count: int) -> Array:
    """float32 [N, 4]: none without area."""
    found = boxes(rng, count)
    found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
    return found


def many(rng: Rng, most: int) -> int:
    """Also none, and one."""
    return int(rng.choice([0, 1, 2, int(rng.integers(3, most + 1))]))


def threshold(rng: Rng) -> float:
    return float(rng.choice([*THRESHOLDS, rng.random()]))


def deltas(rng: Rng, count: int) -> Array:
    """float32 [N, 4]; some beyond the cut-off."""
    return (rng.normal(0, 1, (count, 4)) * (0.3, 0.3, 1.5, 1.5)).astype(np.float32)


def logits(rng: Rng, count: int) -> Array:
    """float32 [N]; some tie, also those whose sigmoid is 1."""
    found = rng.normal(0, 8, count)
    return np.where(rng.random(count) < 0.5, np.round(found), found).astype(np.float32)


def labels(rng: Rng, count: int) -> Array:
    return rng.choice([-1, 0, 1], count, p=rng.dirichlet([1, 1, 1])).astype(np.int8)
