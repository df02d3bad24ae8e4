"""Start the process of a worker: forked where that is safe, which takes milliseconds, else with a Python of its own.

Both ways have the same face: `requests` and `answers` are its standard input and output, `pid` is its number,
`exit_status` says how it ended, and `end` kills it with all that it has started.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from typing import IO, BinaryIO

_PYTHON = (sys.executable, "-P", "-m")  # without the folder that it is started in: a submission may lie there
NUMBER = 4  # bytes of each number that a keeper says, the lowest first
CAN_FORK = sys.platform == "linux"  # elsewhere what PyTorch loads may not be used after a fork


def start(complaints: IO[bytes]) -> Spawned | Forked:
    """Start a process for a worker; this does not wait until it is ready.

    Args:
        complaints: where it writes why it cannot start.
    """
    return Forked(complaints) if CAN_FORK else Spawned(complaints)


class Spawned:
    """A process with a Python of its own: it imports PyTorch first, which takes seconds."""

    def __init__(self, complaints: IO[bytes]) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [*_PYTHON, "rpnviz.exercises.sandbox.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=_environment(),
            start_new_session=True,  # an interrupt of the notebook is not one of the worker
        )
        assert self._process.stdin and self._process.stdout
        self.requests, self.answers = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return self._process.pid

    def exit_status(self, seconds: float) -> int | None:
        """Return how it ended, negative for a signal; None if it still runs after so many seconds."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """Kill it and those that it has started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):  # none of them is left
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()


class Forked:
    """A process that the nursery has forked; its keeper there says how it ended, and kills it when it shall end."""

    def __init__(self, complaints: IO[bytes]) -> None:
        """Ask for it."""
        (theirs_in, ours_in), (ours_out, theirs_out) = os.pipe(), os.pipe()
        self.requests: BinaryIO = os.fdopen(ours_in, "wb")
        self.answers: BinaryIO = os.fdopen(ours_out, "rb")
        self._keeper, line = socket.socketpair()
        self._pid: int | None = None
        self._status: int | None = None
        self._kept = True
        self.ended = False
        try:
            _nursery.fork(self, theirs_in, theirs_out, complaints.fileno(), line.fileno(), complaints=complaints)
        finally:
            line.close()
            for descriptor in (theirs_in, theirs_out):
                os.close(descriptor)

    @property
    def pid(self) -> int | None:
        """The process's number, as soon as it has one; None if it never will."""
        if self._pid is None:
            self._pid = self._hear(None)
        return self._pid

    def exit_status(self, seconds: float | None) -> int | None:
        """Return how it ended, negative for a signal; None if it still runs after so many seconds."""
        if self._pid is None:
            self._pid = self._hear(seconds)
        if self._status is None and self._pid is not None:
            self._status = self._hear(seconds)
        if self._status is None and self._pid is not None and not self._kept:
            self._status = -signal.SIGKILL
            for kill in (os.killpg, os.kill):  # its function has killed the keeper, which would have done it
                with contextlib.suppress(OSError):
                    kill(self._pid, signal.SIGKILL)
        return self._status

    def _hear(self, seconds: float | None) -> int | None:
        """Return the next number that the keeper says; None if it says none in time, or is gone."""
        self._keeper.settimeout(seconds)
        try:
            said = self._keeper.recv(NUMBER)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError:  # reset by a keeper that was killed
            said = b""
        self._kept = bool(said)
        return int.from_bytes(said, "little", signed=True) if said else None

    def end(self) -> None:
        """Kill it and those that it has started."""
        with contextlib.suppress(OSError):  # the keeper is gone
            self._keeper.shutdown(socket.SHUT_WR)
        self.exit_status(0)
        if self._pid is not None:  # else it will end as soon as it is there
            self.exit_status(None)
        self._keeper.close()
        self.ended = True


class _Nursery:
    """The process that forks, started when it is first needed, and again should it have ended."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._asked: weakref.WeakSet[Forked] = weakref.WeakSet()

    def fork(self, worker: Forked, *descriptors: int, complaints: IO[bytes]) -> None:
        """Ask for a worker with these descriptors: see `nursery.main`."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start(complaints)
            self._asked.add(worker)
            socket.send_fds(self._socket, [b"+"], descriptors)

    def rest(self) -> None:
        """End the process, if it is there and no worker is: one that was asked for may not be forked yet."""
        with self._lock:
            if all(worker.ended for worker in self._asked):
                self.stop()

    def stop(self) -> None:
        """End the process; workers that it has forked live on, each with its keeper."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._socket.close()

    def _start(self, complaints: IO[bytes]) -> None:
        self.stop()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*_PYTHON, "rpnviz.exercises.sandbox.nursery"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                env=_environment(),
                start_new_session=True,
            )


_nursery = _Nursery()
rest = _nursery.rest
atexit.register(lambda: _nursery.stop())


def _environment() -> dict[str, str]:
    """As here, with the same folders to import from."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(import_paths()), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def import_paths() -> list[str]:
    """Return the folders from which this process imports."""
    return [os.path.abspath(folder) for folder in sys.path]
