"""`check(my_function)`: run a learner's function on unseen input and say how it fares."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import cloudpickle

from rpnviz.exercises import parcel, wire
from rpnviz.exercises.compare import difference, same
from rpnviz.exercises.exercise import Arguments, Case, Exercise, Mistake
from rpnviz.exercises.process import MEMORY, SECONDS, EndedError, NoAnswerError, Worker
from rpnviz.exercises.progress_file import record
from rpnviz.exercises.result import Result
from rpnviz.exercises.search import Search, Stopped, Trial
from rpnviz.exercises.source import gap, own_line, parsed, source_of
from rpnviz.exercises.tasks import EXERCISES

TIMING_SECONDS = 20.0  # for the comparison of speed, after which there is none
DEFINE_SECONDS = 60.0  # to load the function with what it imports

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
        pickled = parcel.pack(function)
    except parcel.CannotTravelError as error:
        return Result(name, "error", str(error))
    result = Examination(exercise, _worker).examine(pickled, None)
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
        tree = parsed(source)
    except SyntaxError as error:
        return Result(name, "error", f"It is not Python: {error.msg}.", line=error.lineno or 0, code=(error.text or "").strip())
    if left := gap(tree, name):
        return Result(name, "not written", left)
    key = f"{seconds} {memory} {source}"
    if key not in _submissions:
        for worker in _submissions.values():
            worker.stop()
        _submissions.clear()
        _submissions[key] = Worker(seconds, memory)
    return Examination(EXERCISES[name], _submissions[key], source).examine(None, source)


def _gap(source: str, name: str) -> str:
    try:
        return gap(parsed(source), name)
    except SyntaxError:  # not a function's text: a lambda in the middle of a line
        return ""


def _unknown(function: Any, name: str) -> str:
    if not callable(function):
        return "check takes the function itself, without calling it: check(my_box_iou)."
    near = difflib.get_close_matches(name, EXERCISES, n=1, cutoff=0.4)
    meant = f" Do you mean {near[0]}?" if near else f" There are: {', '.join(EXERCISES)}."
    return f"No exercise is called {name or 'so'}.{meant}"


class Examination:
    """One check of one function."""

    def __init__(self, exercise: Exercise, worker: Worker, source: str = "") -> None:
        """Take what is to be computed, who runs the function, and its text if it came as one."""
        self.exercise, self.worker, self.source = exercise, worker, source

    def examine(self, pickled: bytes | None, source: str | None) -> Result:
        """Load the function, search a failing case, say what came of it."""
        self.worker.start()  # it imports PyTorch while hypothesis is imported here
        count = len(self.exercise.arguments)
        try:
            loaded = self.worker.ask("define", self.exercise.name, pickled, source, count, seconds=DEFINE_SECONDS)
        except (NoAnswerError, EndedError):
            return self._result("error", "Loading the function did not come to an end, or ended its process.")
        if "raised" in loaded:
            return self._raised(loaded["raised"], None, loaded)
        if not loaded["takes"]:
            return self._result("error", self._wrong_parameters(loaded["parameters"]))
        search = Search(self.exercise, self._trial)
        failure = search.smallest_failure()
        if failure is not None:
            return self._failed(failure, search)
        if search.stopped is not None:
            return search.stopped.args[0]
        return self._passed(search.tried)

    def _result(self, verdict: str, message: str, **more: Any) -> Result:
        return Result(self.exercise.name, verdict, message, hints=self.exercise.hints if verdict != "pass" else (), **more)

    def _wrong_parameters(self, parameters: list[str]) -> str:
        count, name = len(self.exercise.arguments), self.exercise.name
        takes = f"{len(parameters)}: ({', '.join(parameters)})" if parameters else "none"
        return f"{name} takes {count} arguments, ({', '.join(self.exercise.arguments)}). Yours takes {takes}."

    def _trial(self, arguments: Arguments) -> Trial:
        """Run the function on one input."""
        exercise = self.exercise
        try:
            answers = self.worker.ask("call", exercise.calls(arguments))
        except NoAnswerError:
            raise Stopped(self._no_answer(arguments)) from None
        except EndedError as error:
            raise Stopped(self._ended(arguments, error.code)) from None
        said = {"printed": answers[0]["printed"], "lines": answers[0]["lines"]}
        for answer in answers:
            if "raised" in answer:
                return Trial(arguments, [], "It raises an exception.", answer["raised"], **said)
        values = [answer["value"] for answer in answers]
        problem = self._problem(arguments, values)
        changed = sorted({i for answer in answers for i in answer["changed"]})
        if not problem and changed:
            names = ", ".join(exercise.arguments[i] for i in changed)
            problem = f"The result is right, but {names} is changed in place: the caller's tensor is no longer what it was."
        return Trial(arguments, values, problem, **said)

    def _problem(self, arguments: Arguments, values: list[Any]) -> str:
        exercise = self.exercise
        if exercise.judge is not None:
            return exercise.judge(arguments, values)
        right = exercise.reference(*arguments)
        return difference(values[0], right, exercise.returns, exercise.tolerance, exercise.indices)

    def _no_answer(self, arguments: Arguments) -> Result:
        case = self._case(arguments, [], "It does not return.", raised=True)
        message = f"It did not return within {self.worker.seconds:g} s and was stopped. Does a loop never end?"
        return self._result("error", message, case=case, png=self._png(case))

    def _ended(self, arguments: Arguments, code: int) -> Result:
        case = self._case(arguments, [], "It ends its process.", raised=True)
        how = f"by signal {-code}" if code < 0 else f"with exit status {code}"
        message = f"It ended the process in which it ran, {how}, instead of returning something."
        return self._result("error", message, case=case)

    def _case(self, arguments: Arguments, values: list[Any], problem: str, raised: bool = False) -> Case:
        exercise = self.exercise
        right = exercise.reference(*map(wire.ready, arguments))
        wanted = right if exercise.wanted is None else wire.Foreign(exercise.wanted(arguments))
        named = dict(zip(exercise.arguments, arguments, strict=True))
        return Case(named, values[0] if values else None, wanted, problem, raised, values)

    def _failed(self, failure: Trial, search: Search) -> Result:
        if failure.raised is not None:
            case = self._case(failure.arguments, [], failure.problem, raised=True)
            return self._raised(failure.raised, case, {"printed": failure.printed, "lines": failure.lines})
        case = self._case(failure.arguments, failure.values, failure.problem)
        mistake = None if "changed in place" in failure.problem else self._recognised(failure, search.probes())
        said = {"output": failure.printed, "lines": failure.lines, "case": case, "png": self._png(case)}
        known = {"mistake": mistake.key, "hint": mistake.hint} if mistake is not None else {}
        if all(value is Ellipsis for value in failure.values):
            return self._result("not written", "It returns ‘...’.")
        return self._result("not yet", failure.problem, **known, **said)

    def _recognised(self, smallest: Trial, probes: list[Trial]) -> Mistake | None:
        """The usual mistake that gives the learner's results: on the smallest case, and on most that she fails.

        Of several, the one that agrees with her most often, where she is right as well.
        """
        best, most = None, 0
        for mistake in self.exercise.mistakes:
            if not self._alike(mistake, smallest):
                continue
            alike = [(bool(trial.problem), self._alike(mistake, trial)) for trial in probes]
            failures = [same_there for failed, same_there in alike if failed]
            agrees = 1 + sum(same_there for _, same_there in alike)
            if 2 * sum(failures) >= len(failures) and agrees > most:
                best, most = mistake, agrees
        return best

    def _alike(self, mistake: Mistake, trial: Trial) -> bool:
        if trial.raised is not None:
            return False
        try:
            values = [mistake.function(*map(wire.ready, call)) for call in self.exercise.calls(trial.arguments)]
        except Exception:  # a wrong function need not work everywhere
            return False
        signature = self.exercise.signature
        if signature is not None:
            return bool(signature(trial.arguments, values) == signature(trial.arguments, trial.values))
        return same(trial.values, values, self.exercise.tolerance)

    def _raised(self, raised: dict[str, Any], case: Case | None, said: dict[str, Any]) -> Result:
        sayings = {
            "recursion": "It calls itself without end.",
            "exit": "It calls exit() instead of returning something.",
            "input": "It asks for input; everything it needs is in its arguments.",
            "memory": f"It asks for more than {self.worker.memory:,} MB of memory.",
        }
        text = f"{raised['type']}: {raised['text']}" if raised["text"] else raised["type"]
        message = sayings.get(raised["kind"], f"It raises {text}")
        line, code = own_line(raised["places"], self.source)
        if raised["kind"] == "memory":
            self.worker.stop()  # what is left of it may be short of memory
        png = self._png(case) if case is not None else b""
        more = {"line": line, "code": code, "output": said["printed"], "lines": said["lines"]}
        return self._result("error", message, case=case, png=png, **more)

    def _png(self, case: Case) -> bytes:
        from rpnviz.draw import to_png

        return to_png(self.exercise.picture(case))

    def _passed(self, tried: int) -> Result:
        exercise = self.exercise
        message = f"Right on {tried} unseen inputs, compared with {exercise.oracle}."
        try:
            seconds = TIMING_SECONDS
            timed = self.worker.ask("time", cloudpickle.dumps(exercise.reference), exercise.larger(), seconds=seconds)
        except (NoAnswerError, EndedError):
            timed = {}
        if "value" not in timed:
            slow = f" On {exercise.larger_words} it takes more than {TIMING_SECONDS:g} s, too long to compare."
            return self._result("pass", message + slow)
        own, theirs = timed["value"]
        return self._result("pass", f"{message} {speed_in_words(own / theirs, exercise)}", speed=own / theirs)


def speed_in_words(ratio: float, exercise: Exercise) -> str:
    """How a function's time compares with its reference's, said kindly."""
    on = f"on {exercise.larger_words}"
    if ratio < 0.8:
        return f"It is even faster than the reference {on}: {1 / ratio:.1f} times."
    if ratio < 1.5:
        return f"It is as fast as the reference {on}."
    times = f"{ratio:.1f}" if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f}"
    return f"It takes {times} times as long as the reference {on}. That is fine: it was to be right."
