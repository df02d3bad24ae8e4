"""Try a function on unseen input and shrink what it fails on, by hypothesis, always in the same order."""

from __future__ import annotations

import os
import random
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import platformdirs

from rpnviz.exercises.exercise import Arguments, Exercise
from rpnviz.exercises.result import Result
from rpnviz.exercises.sandbox import protocol

EXAMPLES = 150  # inputs that a right function sees
PROBES = 40  # inputs of usual size that tell mistakes apart
SECONDS = 12.0  # after which nothing new is tried
SHRINK_SECONDS = 4.0  # to make a failing input smaller


@dataclass(frozen=True)
class Trial:
    """One input, and what the function did with it.

    Attributes:
        arguments: of the first call.
        values: what the calls returned.
        problem (str): what is wrong, one sentence; "" if nothing.
        raised (dict): type, text, kind and places of an exception; None if there was none.
        said (dict): "output" and "lines": the beginning of what it printed, and how many lines there were.
    """

    arguments: Arguments
    values: list[Any]
    problem: str
    raised: dict[str, Any] | None = None
    said: dict[str, Any] = field(default_factory=dict)

    def size(self) -> tuple[int, float]:
        """How large the input is: how many numbers, then how large they are."""
        tensors = [a for a in self.arguments if hasattr(a, "numel")]
        return sum(t.numel() for t in tensors), sum(float(t.double().abs().sum()) for t in tensors)


class Stopped(Exception):
    """Raised by a trial: the function does not return, or has ended its process; nothing more can be tried."""

    def __init__(self, result: Result) -> None:
        """Keep what to tell the learner."""
        super().__init__(result.message)
        self.result = result


@dataclass
class Search:
    """Tries inputs one after another.

    Attributes:
        exercise: what is to be computed.
        trial: runs the learner's function on one input. Its answers are remembered: the same input is tried once, so
            that a function that draws at random does not contradict itself.
        tried (int): how many different inputs there were.
        said (dict): what the function printed on the last of them.
        stopped: the exception of the trial that ended the search, if one did.
    """

    exercise: Exercise
    trial: Callable[[Arguments], Trial]
    tried: int = 0
    said: dict[str, Any] = field(default_factory=dict)
    stopped: Stopped | None = None
    _failed: bool = False
    _known: dict[bytes, Trial] = field(default_factory=dict)
    _give_up: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def smallest_failure(self) -> Trial | None:
        """Return the smallest input found on which the function is wrong; None if it is right on all."""
        if (found := self._find(EXAMPLES, 0, lambda trial: bool(trial.problem))) is not None:
            return found
        failed = [trial for trial in self._known.values() if trial.problem]  # the search was cut short
        return min(failed, key=Trial.size, default=None)

    def probes(self) -> list[Trial]:
        """Return trials of usual size, failing ones among them."""
        self._give_up = time.monotonic() + SHRINK_SECONDS
        seen: list[Trial] = []
        self._find(PROBES, 1, lambda trial: bool(seen.append(trial)))  # type: ignore[func-returns-value]
        return seen

    def _find(self, examples: int, seed: int, condition: Callable[[Trial], bool]) -> Trial | None:
        hypothesis = _hypothesis()
        strategy = hypothesis.strategies.composite(lambda draw: self.exercise.inputs(draw))()
        settings = hypothesis.settings(
            max_examples=examples,
            database=None,
            deadline=None,
            verbosity=hypothesis.Verbosity.quiet,
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = hypothesis.find(
                    strategy,
                    lambda arguments: self._condition(arguments, condition),
                    settings=settings,
                    random=random.Random(seed),
                )
            except hypothesis.errors.HypothesisException:  # there is none, or the time was up while shrinking
                return None
        return self._known.get(protocol.encode(found))

    def _condition(self, arguments: Arguments, condition: Callable[[Trial], bool]) -> bool:
        key = protocol.encode(arguments)
        if key not in self._known:
            if self.stopped is not None or time.monotonic() > self._give_up:
                return False
            try:
                self._known[key] = self.trial(arguments)
            except Stopped as error:
                self.stopped = error
                return False
            self.tried, self.said = self.tried + 1, self._known[key].said
            if self._known[key].problem and not self._failed:
                self._failed, self._give_up = True, time.monotonic() + SHRINK_SECONDS
        return condition(self._known[key])


def _hypothesis() -> Any:
    """Import hypothesis, with what it keeps on disk in the user's cache folder, not beside the notebook."""
    if "hypothesis" not in sys.modules:
        os.environ.setdefault(
            "HYPOTHESIS_STORAGE_DIRECTORY", str(platformdirs.user_cache_path("rpnviz") / "hypothesis")
        )
    import hypothesis

    return hypothesis
