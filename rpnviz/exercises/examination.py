"""One check of one function, from loading it to the answer."""

from __future__ import annotations

from typing import Any

import cloudpickle

from rpnviz.exercises.compare import difference, same
from rpnviz.exercises.exercise import Arguments, Case, Exercise, Mistake
from rpnviz.exercises.result import Result
from rpnviz.exercises.sandbox import protocol
from rpnviz.exercises.sandbox.own_code import own_line
from rpnviz.exercises.sandbox.process import EndedError, NoAnswerError, Worker
from rpnviz.exercises.search import Search, Stopped, Trial

TIMING_SECONDS = 20.0  # for the comparison of speed, after which there is none
DEFINE_SECONDS = 60.0  # to load the function with what it imports


class Examination:
    """One check of one function."""

    def __init__(self, exercise: Exercise, worker: Worker, source: str = "") -> None:
        """Take what is to be computed, who runs the function, and its text if it came as one."""
        self.exercise, self.worker, self.source = exercise, worker, source

    def examine(self, pickled: bytes | None, source: str | None) -> Result:
        """Load the function, search a failing case, say what came of it; leave nothing running."""
        result = self._examine(pickled, source)
        try:
            if self.worker.pid is not None and self.worker.ask("spoiled"):
                self.worker.stop()
        except (NoAnswerError, EndedError):
            pass  # it is stopped already
        return result

    def _examine(self, pickled: bytes | None, source: str | None) -> Result:
        self.worker.start()  # it imports PyTorch while hypothesis is imported here
        count = len(self.exercise.arguments)
        try:
            loaded = self.worker.ask("define", self.exercise.name, pickled, source, count, seconds=DEFINE_SECONDS)
        except (NoAnswerError, EndedError):
            return self._result("error", "Loading the function did not come to an end, or ended its process.")
        if "raised" in loaded and loaded["raised"]["kind"] == "undefined":
            return self._result("not written", f"The code defines no function {self.exercise.name}.")
        if "raised" in loaded:
            return self._raised(loaded["raised"], None, _said(loaded))
        if not loaded["takes"]:
            return self._result("error", self._wrong_parameters(loaded["parameters"]))
        search = Search(self.exercise, self._trial)
        failure = search.smallest_failure()
        if failure is not None:
            return self._failed(failure, search)
        if search.stopped is not None:
            return search.stopped.result
        return self._passed(search)

    def _result(self, verdict: str, message: str, **more: Any) -> Result:
        return Result(
            self.exercise.name, verdict, message, hints=self.exercise.hints if verdict != "pass" else (), **more
        )

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
        said = _said(answers[0])
        for answer in answers:
            if "raised" in answer:
                return Trial(arguments, [], "It raises an exception.", answer["raised"], said)
        values = [answer["value"] for answer in answers]
        problem = self._problem(arguments, values)
        changed = sorted({i for answer in answers for i in answer["changed"]})
        if not problem and changed:
            names = ", ".join(exercise.arguments[i] for i in changed)
            problem = f"The result is right, but {names} is changed in place: it is no longer what the caller had."
        return Trial(arguments, values, problem, None, said)

    def _problem(self, arguments: Arguments, values: list[Any]) -> str:
        exercise = self.exercise
        if exercise.judge is not None:
            return exercise.judge(arguments, values)
        right = exercise.reference(*arguments)
        return difference(values[0], right, exercise.returns, exercise.tolerance, exercise.indices)

    def _no_answer(self, arguments: Arguments) -> Result:
        case = self._case(arguments, [], raised=True)
        message = f"It did not return within {self.worker.seconds:g} s and was stopped. Does a loop never end?"
        return self._result("error", message, case=case, png=self._png(case))

    def _ended(self, arguments: Arguments, code: int | None) -> Result:
        case = self._case(arguments, [], raised=True)
        if code is None:
            message = "It spoiled the process in which it ran, so that no answer came. Does it change files or modules?"
        else:
            how = f"by signal {-code}" if code < 0 else f"with exit status {code}"
            message = f"It ended the process in which it ran, {how}, instead of returning something."
        return self._result("error", message, case=case, png=self._png(case))

    def _case(self, arguments: Arguments, values: list[Any], raised: bool = False) -> Case:
        exercise = self.exercise
        right = exercise.reference(*map(protocol.ready, arguments))
        wanted = right if exercise.wanted is None else protocol.Foreign(exercise.wanted(arguments))
        named = dict(zip(exercise.arguments, arguments, strict=True))
        return Case(named, values[0] if values else None, wanted, raised, values)

    def _failed(self, failure: Trial, search: Search) -> Result:
        if failure.raised is not None:
            case = self._case(failure.arguments, [], raised=True)
            return self._raised(failure.raised, case, failure.said)
        case = self._case(failure.arguments, failure.values)
        mistake = None if "changed in place" in failure.problem else self._recognised(failure, search.probes())
        shown = {"case": case, "png": self._png(case), **failure.said}
        known = {"mistake": mistake.key, "hint": mistake.hint} if mistake is not None else {}
        if all(value is Ellipsis for value in failure.values):
            return self._result("not written", "It returns ‘...’.")
        return self._result("not yet", failure.problem, **known, **shown)

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
            values = [mistake.function(*map(protocol.ready, call)) for call in self.exercise.calls(trial.arguments)]
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
        line, code, inside = own_line(raised["places"], self.source)
        if raised["kind"] == "memory":
            self.worker.stop()  # what is left of it may be short of memory
        png = self._png(case) if case is not None else b""
        return self._result("error", message, case=case, png=png, line=line, code=code, inside=inside, **said)

    def _png(self, case: Case) -> bytes:
        from rpnviz.figures.primitives import to_png

        return to_png(self.exercise.picture(case))

    def _passed(self, search: Search) -> Result:
        exercise = self.exercise
        message = f"It agrees with {exercise.oracle} on {search.tried} unseen inputs."
        try:
            seconds = TIMING_SECONDS
            timed = self.worker.ask("time", cloudpickle.dumps(exercise.reference), exercise.larger(), seconds=seconds)
        except (NoAnswerError, EndedError):
            timed = {}
        if "value" not in timed:
            slow = f" On {exercise.larger_words} it takes more than {TIMING_SECONDS:g} s, too long to compare."
            return self._result("pass", message + slow, **search.said)
        own, theirs = timed["value"]
        message = f"{message} {speed_in_words(own / theirs, exercise)}"
        return self._result("pass", message, speed=own / theirs, **search.said)


def _said(answer: dict[str, Any]) -> dict[str, Any]:
    return {"output": answer["output"], "lines": answer["lines"]}


def speed_in_words(ratio: float, exercise: Exercise) -> str:
    """How a function's time compares with its reference's, said kindly."""
    on = f"on {exercise.larger_words}"
    if ratio < 0.8:
        return f"It is even faster than the reference {on}: {1 / ratio:.1f} times."
    if ratio < 1.5:
        return f"It is as fast as the reference {on}."
    times = f"{ratio:.1f}" if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f}"
    return f"It takes {times} times as long as the reference {on}. That is fine: it was to be right."
