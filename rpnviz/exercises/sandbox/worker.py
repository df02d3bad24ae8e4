"""The process in which a learner's function runs, started by `starting.start`.

It takes requests from its standard input and answers on its standard output, in frames of `protocol`. Before the
learner's code runs, both are put out of its reach: what it prints is caught, what it reads is empty. The first request
is to settle: this process then confines itself, see `confine`, before it has a second thread, which would stay free.
When the notebook's process ends, the input ends, and this process ends itself, whatever the function is doing.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import math
import os
import queue
import statistics
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO

import cloudpickle
import torch
import torchvision.ops
from torch import Tensor

from rpnviz.exercises.sandbox import protocol
from rpnviz.exercises.sandbox.confine import Confinement, confine
from rpnviz.exercises.sandbox.own_code import SUBMISSION
from rpnviz.exercises.sandbox.pickling import CannotTravelError, pack

KEPT = 600  # characters of what was printed, and of an exception's text
FRAMES = 30  # of a traceback, from either end
LIBRARIES = (builtins, math, torch, torch.Tensor, torch.nn.functional, torchvision.ops)  # what one might overwrite
TIMINGS, TIMING_SECONDS = 9, 0.4  # how often a function is timed, and after how long no more


class Printed(io.TextIOBase):
    """Standard output and error of the learner's function: the beginning, and how many lines there were."""

    def __init__(self) -> None:
        """Start empty."""
        self.text, self.lines = "", 0

    def write(self, text: str) -> int:
        """Keep the beginning, count the lines."""
        self.text += text[: KEPT - len(self.text)]
        self.lines += text.count("\n")
        return len(text)

    def writable(self) -> bool:
        """Say yes, as print asks."""
        return True


class UndefinedError(Exception):
    """The code that came as text does not define the function."""


class Session:
    """The learner's function, and the answers to the requests: one method for each."""

    def __init__(self) -> None:
        """Hold no function yet."""
        self.function: Callable[..., Any] | None = None
        self.confinement = Confinement()
        self._libraries = [(home, dict(vars(home))) for home in LIBRARIES]

    def settle(self, folder: str, import_paths: list[str], megabytes: int) -> dict[str, Any]:
        """Work in a folder, import from others, and limit memory and rights, where the system can; say what holds."""
        os.chdir(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = folder  # elsewhere it may not write
        sys.path[:] = import_paths
        limited = _limit(megabytes)
        self.confinement = confine(folder)
        return {"limited": limited, **asdict(self.confinement)}

    def define(self, name: str, pickled: bytes | None, source: str | None, count: int) -> dict[str, Any]:
        """Take over a function, pickled or as the source text that defines it; say whether it takes `count` values."""
        torch.set_default_dtype(torch.float32)  # an earlier function may have changed them
        torch.set_grad_enabled(True)
        torch.manual_seed(0)
        answer = self._guarded(lambda: self._load(name, pickled, source))
        if "raised" in answer:
            return answer
        self.function = self.loaded
        return answer | _takes(self.function, count)

    def _load(self, name: str, pickled: bytes | None, source: str | None) -> None:
        """Text is run as a notebook would run it, and its function then goes the way of one from a notebook."""
        if source is not None:
            scope: dict[str, Any] = {"__name__": "__main__"}
            exec(compile(source, SUBMISSION, "exec"), scope)
            if not callable(scope.get(name)):
                raise UndefinedError
            pickled = pack(scope[name])
        self.loaded = cloudpickle.loads(pickled)

    def call(self, calls: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Call the function with each list of arguments; say what came out, and what it changed.

        "changed" are the places of arguments, "random" says whether PyTorch's own random state is another.
        """
        return [self._call(arguments) for arguments in calls]

    def _call(self, arguments: tuple[Any, ...]) -> dict[str, Any]:
        given = [protocol.ready(argument) for argument in arguments]
        function = self.function
        assert function is not None
        random = torch.get_rng_state()
        answer = self._guarded(lambda: function(*given))
        answer["random"] = not torch.equal(random, torch.get_rng_state())
        if "raised" not in answer:
            answer["changed"] = [i for i, (a, b) in enumerate(zip(arguments, given, strict=True)) if _changed(a, b)]
        return answer

    def spoiled(self) -> bool:
        """Say whether a function left a thread or a process behind that still runs, or has changed a library."""
        threads = threading.active_count() > 2  # this one, and the one that receives
        return threads or _has_children() or any(_differs(*library) for library in self._libraries)

    def compare_speed(self, reference: bytes, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Time the function and its reference on the same input: median seconds of each."""
        function = self.function
        assert function is not None
        theirs = cloudpickle.loads(reference)
        return self._guarded(lambda: [_seconds(function, arguments), _seconds(theirs, arguments)])

    def _guarded(self, act: Callable[[], Any]) -> dict[str, Any]:
        """Run something of the learner's: its value or what it raised, and what it printed."""
        printed = Printed()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                answer: dict[str, Any] = {"value": act()}
        except BaseException as error:  # SystemExit too: exit() must not end this process
            answer = {"raised": _describe(error, self.confinement)}
        return answer | {"output": printed.text, "lines": printed.lines}


def _limit(megabytes: int) -> bool:
    """Refuse more memory than this on top of what is used now; say whether that is so."""
    try:
        import resource
    except ImportError:  # Windows
        return False
    try:
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 2**20,) * 2)
    except (OSError, ValueError):  # macOS has no /proc
        return False
    return True


def _differs(library: Any, before: dict[str, Any]) -> bool:
    now = vars(library)
    return any(now.get(name) is not value for name, value in before.items())


def _has_children() -> bool:
    with contextlib.suppress(AttributeError, OSError):  # Windows; there are none
        return os.waitpid(-1, os.WNOHANG)[0] == 0
    return False


def _changed(before: Any, after: Any) -> bool:
    try:
        if not isinstance(before, Tensor):
            return bool(isinstance(before, list) and before != after)
        if (before.shape, before.dtype) != (after.shape, after.dtype):
            return True
        return not torch.equal(before.nan_to_num(), after.detach().nan_to_num())
    except Exception:  # it now holds what cannot be compared any more
        return True


def _takes(function: Callable[..., Any], count: int) -> dict[str, Any]:
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some builtins have none
        return {"takes": True}
    try:
        signature.bind(*range(count))
    except TypeError:
        return {"takes": False, "parameters": [str(parameter) for parameter in signature.parameters.values()]}
    return {"takes": True}


def _describe(error: BaseException, confinement: Confinement) -> dict[str, Any]:
    """Type, text, kind and places of an exception; places are [file, line, function], outermost first."""
    try:
        text = str(error)[:KEPT]
    except BaseException:  # whatever __str__ of the learner's class does
        text = ""
    places = [[frame.filename, frame.lineno, frame.name] for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename == SUBMISSION:
        places.append([SUBMISSION, error.lineno, ""])
    if len(places) > 2 * FRAMES:
        places = places[:FRAMES] + places[-FRAMES:]
    return {"type": type(error).__name__, "text": text, "kind": _kind(error, text, confinement), "places": places}


def _kind(error: BaseException, text: str, confinement: Confinement) -> str:
    if isinstance(error, MemoryError) or "allocate memory" in text:
        return "memory"
    kinds = {RecursionError: "recursion", SystemExit: "exit", EOFError: "input", UndefinedError: "undefined"}
    kinds[CannotTravelError] = "stays"
    for kind, name in kinds.items():
        if isinstance(error, kind):
            return name
    try:
        return confinement.refused(error)
    except BaseException:  # whatever the attributes of the learner's class do
        return ""


def _seconds(function: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    """Median seconds of a call; a slow function is called once."""
    measured: list[float] = []
    while len(measured) < TIMINGS and sum(measured) < TIMING_SECONDS:
        given = [protocol.ready(argument) for argument in arguments]
        started = time.perf_counter()
        function(*given)
        measured.append(time.perf_counter() - started)
    return statistics.median(measured)


def _offer_what_a_notebook_has() -> None:
    """Let functions call what IPython adds to Python: `display` prints, and `get_ipython` knows of no notebook."""
    vars(builtins).update(display=_display, get_ipython=_no_notebook)


def _display(*values: Any, **_: Any) -> None:
    print(*values)


def _no_notebook() -> None:
    return None


def _take_over_the_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep input and output for requests and answers; leave an empty input and a bottomless output in their places."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    return requests, answers


def _read(requests: BinaryIO) -> Any:
    """Wait for the next request; when the other side is gone, end this process, whatever it is doing."""
    try:
        return protocol.read(requests)
    except (EOFError, OSError, protocol.ProtocolError):
        os._exit(0)


def _receive(requests: BinaryIO, waiting: queue.Queue[Any]) -> None:
    """Queue requests as they come."""
    while True:
        waiting.put(_read(requests))


def main() -> None:
    """Answer requests until the other side is gone."""
    requests, answers = _take_over_the_pipes()
    torch.set_num_threads(1)
    _offer_what_a_notebook_has()
    session = Session()
    _, *arguments = _read(requests)
    answers.write(protocol.encode(session.settle(*arguments)))
    answers.flush()
    waiting: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_receive, args=(requests, waiting), daemon=True).start()
    acts: dict[str, Callable[..., Any]] = {
        "define": session.define,
        "call": session.call,
        "time": session.compare_speed,
        "spoiled": session.spoiled,
    }
    own = os.getpid()
    while True:
        act, *arguments = waiting.get()
        answer = protocol.encode(acts[act](*arguments))
        if os.getpid() != own:  # the learner's function has forked: only one of them answers
            os._exit(0)
        answers.write(answer)
        answers.flush()


if __name__ == "__main__":
    sys.modules["rpnviz.exercises.sandbox.worker"] = sys.modules["__main__"]  # one module, not two
    main()
