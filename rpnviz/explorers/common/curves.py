"""What the curves of a training show, live or recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

TOP_NS = (10, 50)


def smoothed(values: np.ndarray[Any, np.dtype[np.float32]], width: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The mean of each value and up to `width` - 1 before it, as float32."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    means: np.ndarray[Any, np.dtype[np.float32]] = ((sums[ends] - sums[starts]) / (ends - starts)).astype(np.float32)
    return means
