"""`check(my_function)`: run a learner's function on unseen input and say how it fares."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from rpnviz.exercises.examination import Examination
from rpnviz.exercises.progress_file import record
from rpnviz.exercises.result import Result
from rpnviz.exercises.sandbox import pickling
from rpnviz.exercises.sandbox.process import MEMORY, SECONDS, Worker
from rpnviz.exercises.source import find_gap, parse, source_of
from rpnviz.exercises.tasks import EXERCISES

_worker = Worker()


def check(function: Callable[..., Any]) -> Result:
    """Try a function on unseen input, in a process of its own, and compare it with the right one.

    Args:
        function: yours; its name says which exercise it solves, e.g. my_box_iou.

    Returns:
        Result: "pass", "not yet", "error" or "not written", with the smallest failing case found. It never raises what
        your function raises, and a function that does not return is stopped after some seconds.
    """
    name = getattr(function, "__name__", "")
    if name not in EXERCISES:
        return Result("", "error", _unknown(function, name))
    exercise, source = EXERCISES[name], source_of(function)
    if left := _gap(source, name):
        return Result(name, "not written", left, hints=exercise.hints)
    try:
        pickled = pickling.pack(function)
    except pickling.CannotTravelError as error:
        return Result(name, "error", str(error))
    result = Examination(exercise, _worker).examine(pickled)
    if result.verdict != "not written":
        record(name, result.verdict)
    return result


_submissions: dict[str, Worker] = {}  # at most one: the text that was checked last, and the process it runs in


def check_source(source: str, name: str, *, seconds: float = SECONDS, memory: int = MEMORY) -> Result:
    """Check a function that comes as text, as `rpnviz grade` does. Nothing is recorded as progress.

    Args:
        source: Python text that defines the function, with its imports and helpers.
        name: of the exercise, which is the function's name.
        seconds: that a call may take.
        memory: megabytes that it may add, where the system can limit that.

    Returns:
        Result: as of `check`. Every new text gets a new process, so that no submission can tamper with another's.

    Raises:
        ValueError: if there is no such exercise.
    """
    if name not in EXERCISES:
        raise ValueError(f"name must be one of {', '.join(EXERCISES)}; got {name!r}")
    try:
        tree = parse(source)
    except SyntaxError as error:
        return Result(
            name, "error", f"It is not Python: {error.msg}.", line=error.lineno or 0, code=(error.text or "").strip()
        )
    if left := find_gap(tree, name):
        return Result(name, "not written", left)
    key = f"{seconds} {memory} {source}"
    if key not in _submissions:
        for worker in _submissions.values():
            worker.stop()
        _submissions.clear()
        _submissions[key] = Worker(seconds, memory)
    return Examination(EXERCISES[name], _submissions[key], source).examine(None)


def _gap(source: str, name: str) -> str:
    try:
        return find_gap(parse(source), name)
    except SyntaxError:  # not a function's text: a lambda in the middle of a line
        return ""


def _unknown(function: Any, name: str) -> str:
    if not callable(function):
        return "check takes the function itself, without calling it: check(my_box_iou)."
    near = difflib.get_close_matches(name, EXERCISES, n=1, cutoff=0.4)
    meant = f" Do you mean {near[0]}?" if near else f" The exercises are: {', '.join(EXERCISES)}."
    return f"No exercise is called {name or 'that'}.{meant}"
