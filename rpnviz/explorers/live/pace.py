"""How long a training still takes, worked out from the steps that it has taken."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from statistics import median

FIRST = 3  # measured steps before anything is said: the very first one is slower than all others
LAST = 20  # the machine may have something else to do by now


class Pace:
    """What a step of each run takes: the median of its last steps, so that a pause or a hiccup counts for nothing.

    Args:
        clock: gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Nothing is measured yet."""
        self._clock = clock
        self._steps: dict[str, deque[float]] = {}
        self._since = clock()

    def begin(self) -> None:
        """The next step begins now."""
        self._since = self._clock()

    def step_of(self, run: str) -> None:
        """A step of a run has just ended, and the next one begins."""
        now = self._clock()
        self._steps.setdefault(run, deque(maxlen=LAST)).append(now - self._since)
        self._since = now

    def seconds(self, left: Mapping[str, int]) -> float | None:
        """Seconds that the steps left of each run take; None as long as one of them has taken too few to tell."""
        known = {run: self._steps.get(run, ()) for run, steps in left.items() if steps}
        if any(len(steps) < FIRST for steps in known.values()):
            return None
        return sum(left[run] * median(steps) for run, steps in known.items())


def time_left(seconds: float) -> str:
    """Say it roughly, as one would to a friend: an estimate has no use for single seconds.

    Args:
        seconds: 0 or more.
    """
    if seconds < 7.5:
        return "a few seconds left"
    if seconds < 57.5:
        return f"about {5 * round(seconds / 5)} seconds left"
    minutes = round(seconds / 60)
    if minutes < 60:
        return "about a minute left" if minutes < 2 else f"about {minutes} minutes left"
    hours = round(seconds / 3600)
    return "about an hour left" if hours < 2 else f"about {hours} hours left"
