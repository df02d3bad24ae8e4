"""One check of one function, from loading it to the answer."""

from __future__ import annotations

from typing import Any

import cloudpickle

from rpnviz.exercises.compare import difference, same
from rpnviz.exercises.exercise import Arguments, Case, Exercise, Mistake
from rpnviz.exercises.result import Result
from rpnviz.exercises.running import (
    explain_changes,
    explain_end,
    explain_exception,
    explain_silence,
    leave_nothing_running,
    load,
    printed_by,
)
from rpnviz.exercises.sandbox import protocol, resting
from rpnviz.exercises.sandbox.process import EndedError, NoAnswerError, Worker
from rpnviz.exercises.search import Search, Stopped, Trial

TIMING_SECONDS = 20.0  # for the comparison of speed, after which there is none


class Examination:
    """One check of one function."""

    def __init__(self, exercise: Exercise, worker: Worker, source: str = "") -> None:
        """Take what is to be computed, who runs the function, and its text if it came as one."""
        self.exercise, self.worker, self.source = exercise, worker, source

    def examine(self, pickled: bytes | None) -> Result:
        """Load the function, search a failing case, say what came of it; leave nothing running."""
        with resting.using(self.worker):
            self.worker.start()  # it imports PyTorch while hypothesis is imported here
            result = load(self.exercise, self.worker, pickled, self.source) or self._searched()
            leave_nothing_running(self.worker)
            return result

    def _searched(self) -> Result:
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

    def _trial(self, arguments: Arguments) -> Trial:
        """Run the function on one input."""
        exercise = self.exercise
        try:
            answers = self.worker.ask("call", exercise.calls(arguments))
        except NoAnswerError:
            raise Stopped(self._stopped(arguments, explain_silence(self.worker))) from None
        except EndedError as error:
            raise Stopped(self._stopped(arguments, explain_end(error.code))) from None
        said = printed_by(answers[0])
        for answer in answers:
            if "raised" in answer:
                return Trial(arguments, [], "It raises an exception.", answer["raised"], said)
        values = [answer["value"] for answer in answers]
        changed = explain_changes(exercise, answers)
        problem = self._problem(arguments, values) or changed
        return Trial(arguments, values, problem, None, said)

    def _problem(self, arguments: Arguments, values: list[Any]) -> str:
        exercise = self.exercise
        if exercise.judge is not None:
            return exercise.judge(arguments, values)
        right = exercise.reference(*arguments)
        return difference(values[0], right, exercise.returns, exercise.tolerance, exercise.indices)

    def _stopped(self, arguments: Arguments, message: str) -> Result:
        case = self._case(arguments, [], raised=True)
        return self._result("error", message, case=case, png=self._png(case))

    def _case(self, arguments: Arguments, values: list[Any], raised: bool = False) -> Case:
        exercise = self.exercise
        right = exercise.reference(*map(protocol.ready, arguments))
        wanted = right if exercise.wanted is None else protocol.Foreign(exercise.wanted(arguments))
        call = exercise.shown(arguments, values) if exercise.shown is not None and values else 0
        named = dict(zip(exercise.arguments, exercise.calls(arguments)[call], strict=True))
        return Case(named, values[call] if values else None, wanted, raised, values)

    def _failed(self, failure: Trial, search: Search) -> Result:
        if failure.raised is not None:
            case = self._case(failure.arguments, [], raised=True)
            what = explain_exception(failure.raised, self.worker, self.source)
            return self._result("error", **what, case=case, png=self._png(case), **failure.said)
        case = self._case(failure.arguments, failure.values)
        mistake = (
            None if failure.problem.startswith("The result is right") else self._recognised(failure, search.probes())
        )
        shown = {"case": case, "png": self._png(case), **failure.said}
        known = {"mistake": mistake.key, "hint": mistake.hint} if mistake is not None else {}
        if all(value is Ellipsis for value in failure.values):
            return self._result("not written", "It returns ‘...’.")
        return self._result("not yet", failure.problem, **known, **shown)

    def _recognised(self, smallest: Trial, probes: list[Trial]) -> Mistake | None:
        """Find the usual mistake that gives the same results: on the smallest case, and on most inputs.

        On three of four inputs that fail, and on half of all: who rounds a box is wrong nearly everywhere, which is not
        what fails at the rim alone. Of several, the one that gives the same most often. One that is right on the
        smallest case is not what is wrong there: the type of the result is, say.
        """
        best, most = None, 0
        for mistake in self.exercise.mistakes:
            values = self._values_of(mistake, smallest.arguments)
            if not self._alike(mistake, smallest) or not self._problem(smallest.arguments, values):
                continue
            alike = [(bool(trial.problem), self._alike(mistake, trial)) for trial in probes]
            failures = [same_there for failed, same_there in alike if failed]
            agrees = 1 + sum(same_there for _, same_there in alike)
            fits = 4 * sum(failures) >= 3 * len(failures) and 2 * agrees > len(alike)
            if fits and agrees > most:
                best, most = mistake, agrees
        return best

    def _alike(self, mistake: Mistake, trial: Trial) -> bool:
        values = self._values_of(mistake, trial.arguments)
        if trial.raised is not None or not values:
            return trial.raised is not None and not values  # neither works there
        signature = self.exercise.signature
        if signature is not None:
            return bool(signature(trial.arguments, values) == signature(trial.arguments, trial.values))
        return same(trial.values, values, self.exercise.tolerance)

    def _values_of(self, mistake: Mistake, arguments: Arguments) -> list[Any]:
        """What a wrong function returns; none where it does not work."""
        try:
            return [mistake.function(*map(protocol.ready, call)) for call in self.exercise.calls(arguments)]
        except Exception:  # it need not work everywhere
            return []

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


def speed_in_words(ratio: float, exercise: Exercise) -> str:
    """How a function's time compares with its reference's, said kindly."""
    on = f"on {exercise.larger_words}"
    if ratio < 0.8:
        return f"It is even faster than the reference {on}: {1 / ratio:.1f} times."
    if ratio < 1.5:
        return f"It is as fast as the reference {on}."
    times = f"{ratio:.1f}" if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f}"
    return f"It takes {times} times as long as the reference {on}. That is fine: it only had to be right."
