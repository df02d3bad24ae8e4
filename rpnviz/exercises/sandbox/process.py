"""The notebook's side of the worker process: start it, ask it with a time limit, stop it when it does not answer."""

from __future__ import annotations

import contextlib
import queue
import shutil
import tempfile
import threading
import weakref
from typing import Any, BinaryIO

from rpnviz.exercises.sandbox import protocol, starting
from rpnviz.exercises.sandbox.confine import Confinement

SECONDS = 5.0  # that a call may take; the inputs are small
MEMORY = 1024  # megabytes that a function may add
START_SECONDS = 180.0  # to import PyTorch, on a busy machine
ENDING_SECONDS = 2.0  # from the end of its answers to the end of the process


class NoAnswerError(Exception):
    """The worker did not answer in time; it was stopped."""


class EndedError(Exception):
    """The worker's process ended instead of answering; `code` is its exit status, None if it has none."""

    def __init__(self, code: int | None) -> None:
        """Remember the exit status; it is negative for a signal."""
        super().__init__(f"exit status {code}")
        self.code = code


class Worker:
    """A process that runs learners' functions, started when first asked and again after it was stopped.

    It starts in an empty folder that goes away with the process. On Linux the function may read files, but write only
    there, and has no network, as far as the system can: see `confine`. The memory limit is kept on Linux; elsewhere the
    time limit alone ends a function that takes all memory.

    Args:
        seconds: that a call may take.
        memory: megabytes that the functions may add to what the process uses without them.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        """Start nothing yet."""
        self._process: starting.Spawned | starting.Forked | None = None
        if seconds <= 0 or memory < 1:
            raise ValueError(f"seconds must be above 0 and memory at least 1 MB; got {seconds} and {memory}")
        self.seconds, self.memory = seconds, memory
        self._answers: queue.Queue[Any] = queue.Queue()
        self._ready = False

    @property
    def confinement(self) -> Confinement:
        """What holds in the process, which is started if there is none.

        Raises:
            RuntimeError: if it does not start.
        """
        self.start()
        if not self._ready:
            self._greet()
        return self._confinement

    @property
    def pid(self) -> int | None:
        """The process's number; None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process if there is none; this does not wait until it is ready."""
        if self._process is not None:
            if self._process.exit_status(0) is None:
                return
            self.stop()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed in _greet)
        self._folder = tempfile.mkdtemp(prefix="rpnviz-")
        self._process = starting.start(self._complaints)
        self._answers, self._ready = queue.Queue(), False
        arguments = (self._process.answers, self._answers)
        threading.Thread(target=_receive, args=arguments, daemon=True).start()
        # also when the worker is forgotten, and at exit
        self._end = weakref.finalize(self, _end, self._process, self._folder)

    def ask(self, act: str, *arguments: Any, seconds: float | None = None) -> Any:
        """Send a request and wait for the answer.

        Args:
            act: which one, see `worker.main`.
            arguments: of it.
            seconds: the time limit, if not the worker's own.

        Raises:
            NoAnswerError: if none came in time.
            EndedError: if the process ended, or sent what is no answer.
            RuntimeError: if the process does not start at all.
        """
        self.start()
        if not self._ready:
            self._greet()
        return self._ask(act, arguments, self.seconds if seconds is None else seconds)

    def _greet(self) -> None:
        """Wait until the process has started; say where it works, and limit what it may."""
        complaints = self._complaints
        try:
            settled = self._ask("settle", (self._folder, starting.import_paths(), self.memory), START_SECONDS)
        except (NoAnswerError, EndedError) as error:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip()[-1000:]
            raise RuntimeError(f"the process that runs your functions does not start: {said or error}") from error
        finally:
            complaints.close()
        self._confinement = Confinement(settled["landlock"], settled["filtered"])
        self._ready = True

    def _ask(self, act: str, arguments: tuple[Any, ...], seconds: float) -> Any:
        assert self._process is not None
        try:
            with contextlib.suppress(OSError):  # its process has ended: the answer will say so
                self._process.requests.write(protocol.encode([act, *arguments]))
                self._process.requests.flush()
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.stop()
            raise NoAnswerError(f"no answer within {seconds:g} s") from None
        except BaseException:  # interrupted: no one asks for its answer any more
            self.stop()
            raise
        if isinstance(answer, _Ended):
            code = self._process.exit_status(ENDING_SECONDS)  # None: it lives on, but what it sends is no answer
            self.stop()
            raise EndedError(code)
        return answer

    def stop(self) -> None:
        """End the process, whatever it is doing, and those it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        self._end()


def _end(process: starting.Spawned | starting.Forked, folder: str) -> None:
    """Kill a process and those that it has started, and remove the folder they ran in."""
    process.end()
    for stream in (process.requests, process.answers):
        with contextlib.suppress(OSError):
            stream.close()
    shutil.rmtree(folder, ignore_errors=True)


class _Ended:
    """In the queue of answers: there will be no more."""


def _receive(stream: BinaryIO, answers: queue.Queue[Any]) -> None:
    try:
        while True:
            answers.put(protocol.read(stream))
    except (EOFError, OSError, ValueError, protocol.ProtocolError):
        answers.put(_Ended())
