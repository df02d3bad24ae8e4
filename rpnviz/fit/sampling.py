"""Some of many objects, drawn evenly while they pass by."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]


class Reservoir:
    """At most `size` rows, each of those that passed by as likely as any other: those with the least random numbers."""

    def __init__(self, size: int, seed: int) -> None:
        """Begin with none."""
        self._size, self._random = size, np.random.default_rng(seed)
        self._tickets = np.zeros(0)
        self._kept: dict[str, Column] = {}

    def add(self, **columns: Column) -> None:
        """Let rows pass by, given as columns of one length."""
        tickets = np.concatenate([self._tickets, self._random.random(len(next(iter(columns.values()))))])
        stay = np.sort(np.argsort(tickets, kind="stable")[: self._size])
        for name, values in columns.items():
            before = self._kept.get(name, values[:0])
            self._kept[name] = np.concatenate([before, values])[stay]
        self._tickets = tickets[stay]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._tickets)

    def __getitem__(self, name: str) -> Column:
        """A column of what was kept, in the order in which it passed by."""
        return self._kept[name]


def halves(pictures: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.bool_]:
    """Whether each picture is of the second half; the same number is always of the same half, whatever its neighbours.

    The numbers are mixed as splitmix64 mixes them, so that no pattern of the data set falls together with the halves.
    """
    mixed = pictures.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15 * (seed + 1) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) & np.uint64(1)).astype(bool)
