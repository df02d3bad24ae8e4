"""How long a training still takes: tables worked out by hand, by a clock that is set."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpnviz.explorers.live.pace import FIRST, LAST, Pace, time_left


class Clock:
    """Seconds that pass when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def measured(**runs: Sequence[float]) -> Pace:
    """A pace after steps of these lengths, the runs one after the other."""
    clock = Clock()
    pace = Pace(clock)
    for run, steps in runs.items():
        pace.begin()
        for seconds in steps:
            clock.now += seconds
            pace.step_of(run)
    return pace


def test_nothing_is_promised_before_it_was_measured() -> None:
    assert FIRST == 3
    assert measured().seconds({"a": 240}) is None
    assert measured(a=[9, 1]).seconds({"a": 238}) is None
    assert measured(a=[9, 1, 1]).seconds({"a": 237}) == 237  # the slow first step counts for nothing


def test_each_run_counts_with_its_own_steps() -> None:
    pace = measured(a=[1, 1, 1, 1], b=[2, 4, 6])
    assert pace.seconds({"a": 10, "b": 5}) == 10 * 1 + 5 * 4
    assert pace.seconds({"a": 0, "b": 5}) == 20
    assert pace.seconds({"a": 10}) == 10
    assert pace.seconds({"a": 10, "c": 5}) is None
    assert pace.seconds({"a": 10, "c": 0}) == 10, "c has no steps left to wait for"
    assert pace.seconds({"a": 0}) == 0


def test_a_pause_counts_for_nothing() -> None:
    clock = Clock()
    pace = Pace(clock)
    for seconds in (1, 1, 1, 1):
        clock.now += 3600  # stopped for an hour
        pace.begin()
        clock.now += seconds
        pace.step_of("a")
    assert pace.seconds({"a": 7}) == 7


def test_it_follows_a_machine_that_gets_slower() -> None:
    assert LAST == 20
    assert measured(a=[1] * 100 + [3] * 9).seconds({"a": 10}) == 10
    assert measured(a=[1] * 100 + [3] * 10).seconds({"a": 10}) == 20  # half of the last twenty
    assert measured(a=[1] * 100 + [3] * 11).seconds({"a": 10}) == 30


@given(st.lists(st.floats(0.001, 1000), min_size=FIRST, max_size=50), st.integers(1, 5000))
def test_it_lies_between_the_quickest_and_the_slowest_of_the_last_steps(steps: list[float], left: int) -> None:
    seconds = measured(a=steps).seconds({"a": left})
    assert seconds is not None
    assert left * min(steps[-LAST:]) <= seconds * (1 + 1e-6) + 1e-6
    assert seconds <= left * max(steps[-LAST:]) * (1 + 1e-6) + left * 1e-9


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.1, "a few seconds left"),
        (7.4, "a few seconds left"),
        (7.6, "about 10 seconds left"),
        (12.4, "about 10 seconds left"),
        (31, "about 30 seconds left"),
        (57.4, "about 55 seconds left"),
        (57.6, "about a minute left"),
        (89, "about a minute left"),
        (91, "about 2 minutes left"),
        (149, "about 2 minutes left"),
        (151, "about 3 minutes left"),
        (14.4 * 60, "about 14 minutes left"),
        (59.4 * 60, "about 59 minutes left"),
        (59.6 * 60, "about an hour left"),
        (89 * 60, "about an hour left"),
        (91 * 60, "about 2 hours left"),
        (30 * 3600, "about 30 hours left"),
    ],
)
def test_it_is_said_in_words(seconds: float, said: str) -> None:
    assert time_left(seconds) == said


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_seconds_are_never_said_to_be_less(one: float, other: float) -> None:
    units = {"second": 1, "minute": 60, "hour": 3600}

    def worth(said: str) -> float:
        words = said.split()
        unit = next(units[word.removesuffix("s")] for word in words if word.removesuffix("s") in units)
        return unit * next((float(word) for word in words if word.isdigit()), 5.0 if "few" in words else 1.0)

    less, more = sorted((one, other))
    assert worth(time_left(less)) <= worth(time_left(more))
