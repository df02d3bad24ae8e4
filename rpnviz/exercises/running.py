"""Load a learner's function into the worker process, and say what kept it from returning: one way for all who run it.

`check`, `rpnviz grade` and `Assembly` all come by here, so that one function has one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rpnviz.exercises.exercise import Exercise
from rpnviz.exercises.result import Result
from rpnviz.exercises.sandbox.own_code import own_line
from rpnviz.exercises.sandbox.process import EndedError, NoAnswerError, Worker

LOADING_SECONDS = 60.0  # with all that the function imports
ANOTHERS_CHANCE = (
    "The result is right, but it changes the random state that all of PyTorch shares. Draw with generator=generator "
    "alone, without torch.manual_seed: the generator goes on from draw to draw."
)
_SAYINGS = {
    "recursion": "{it} calls itself without end.",
    "exit": "{it} calls exit() instead of returning something.",
    "input": "{it} asks for input; everything it needs is in its arguments.",
    "memory": "{it} asks for more than {memory:,} MB of memory.",
}
_REFUSED = {
    "write": "In an exercise a function may read files, but not write them.",
    "network": "In an exercise a function has no network.",
}


def load(exercise: Exercise, worker: Worker, pickled: bytes | None, source: str = "") -> Result | None:
    """Hand a function to the worker.

    Args:
        exercise: that it solves.
        worker: that is to run it.
        pickled: the function; or None, if it comes as text.
        source: the text that defines it, with what it needs.

    Returns:
        Result: what is wrong, if the function cannot be called; else None.
    """
    count = len(exercise.arguments)
    text = source if pickled is None else None
    try:
        loaded = worker.ask("define", exercise.name, pickled, text, count, seconds=LOADING_SECONDS)
    except (NoAnswerError, EndedError):
        message = "Loading it, with the lines that it needs, did not finish, or ended its process."
        return Result(exercise.name, "error", message, hints=exercise.hints)
    if "raised" not in loaded:
        if loaded["takes"]:
            return None
        return Result(exercise.name, "error", _wrong_parameters(exercise, loaded["parameters"]), hints=exercise.hints)
    if loaded["raised"]["kind"] == "undefined":
        message = f"The code defines no function {exercise.name}."
        return Result(exercise.name, "not written", message, hints=exercise.hints)
    said = explain_exception(loaded["raised"], worker, source, "A line that it needs")
    return Result(exercise.name, "error", **said, hints=exercise.hints, **printed_by(loaded))


def _wrong_parameters(exercise: Exercise, parameters: list[str]) -> str:
    takes = f"{len(parameters)}: ({', '.join(parameters)})" if parameters else "none"
    wanted = f"{len(exercise.arguments)} arguments, ({', '.join(exercise.arguments)})"
    return f"{exercise.name} takes {wanted}. Yours takes {takes}."


def explain_exception(exception: dict[str, Any], worker: Worker, source: str = "", it: str = "It") -> dict[str, Any]:
    """Say what an exception means: `message`, and where it arose in the learner's code, as in `Result`.

    Args:
        exception: as the worker describes it.
        worker: that ran the function; it is stopped if the exception has left it short of memory.
        source: the function's text, if it came as one.
        it: what raised the exception.
    """
    kind, text = exception["kind"], exception["text"]
    if kind == "memory":
        worker.stop()
    if kind == "stays":
        return {"message": text}
    plain = f"{it} raises {exception['type']}{f': {text}' if text else ''}"
    message = _SAYINGS[kind].format(it=it, memory=worker.memory) if kind in _SAYINGS else plain
    if kind in _REFUSED:
        message = f"{plain.rstrip('.')}. {_REFUSED[kind]}"
    line, code, inside = own_line(exception["places"], source)
    return {"message": message, "line": line, "code": code, "inside": inside}


def printed_by(answer: dict[str, Any]) -> dict[str, Any]:
    """What the function printed, as in `Result`."""
    return {"output": answer["output"], "lines": answer["lines"]}


def explain_silence(worker: Worker) -> str:
    """Say that a call took too long."""
    return f"It did not return within {worker.seconds:g} s and was stopped. Does a loop never end?"


def explain_end(code: int | None) -> str:
    """Say that a call ended its process; `code` is the exit status, None if it has none."""
    if code is None:
        return "It spoiled the process in which it ran, so that no answer came. Does it change files or modules?"
    how = f"by signal {-code}" if code < 0 else f"with exit status {code}"
    return f"It ended the process in which it ran, {how}, instead of returning something."


def explain_changes(exercise: Exercise, answers: Sequence[dict[str, Any]]) -> str:
    """Say which arguments the function has changed, or whose chance; "" if nothing."""
    names = ", ".join(exercise.arguments[i] for i in sorted({i for answer in answers for i in answer["changed"]}))
    if names:
        return f"The result is right, but {names} is changed in place: it is no longer what the caller had."
    if "generator" in exercise.arguments and any(answer["random"] for answer in answers):
        return ANOTHERS_CHANCE
    return ""


def leave_nothing_running(worker: Worker) -> None:
    """End a process in which the function has left something behind, or has changed a library."""
    try:
        if worker.pid is not None and worker.ask("spoiled"):
            worker.stop()
    except (NoAnswerError, EndedError):
        pass  # it is stopped already
