"""The process from which workers are forked: it has imported PyTorch, runs one thread, and has computed nothing.

So a worker starts in milliseconds, where an import takes seconds. `starting.Forked` asks for one by sending four
descriptors over the socket that is this process's standard input. When the other side is gone, this process ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import signal
import socket
from typing import NoReturn

import numpy as np

from rpnviz.exercises.sandbox import worker
from rpnviz.exercises.sandbox.starting import NUMBER

ADOPT_ORPHANS = 36  # of prctl: PR_SET_CHILD_SUBREAPER


def main() -> None:
    """Fork a worker, and its keeper, for each four descriptors that come."""
    asked = socket.socket(fileno=os.dup(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for keepers
    gc.freeze()  # what the collector does not look at stays one page for all
    while descriptors := socket.recv_fds(asked, 1, 4)[1]:
        if os.fork() == 0:
            asked.close()
            _keep(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(requests: int, answers: int, complaints: int, line: int) -> NoReturn:
    """Fork a worker and tell its number; when it has ended, or `line` closes, kill its group and tell how it ended.

    So nothing that it has started outlives it, also when the notebook's process was killed; not even what has left the
    group: without a parent it becomes this process's child.
    """
    ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # writes into `wake`, which a signal that is ignored does not
    if (pid := os.fork()) == 0:
        for descriptor in (woken, wake, line):
            os.close(descriptor)
        _work(requests, answers, complaints)
    for descriptor in (0, requests, answers, complaints):
        os.close(descriptor)
    told = socket.socket(fileno=line)
    _tell(told, pid)
    select.select([told.fileno(), woken], [], [])
    for kill in (os.killpg, os.kill):  # it may not have its group yet
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _kill_orphans()
    _tell(told, status)
    os._exit(0)


def _kill_orphans() -> None:
    """Kill this process's children, and theirs, which become its own, until there is none."""
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                import psutil  # seldom needed

                for orphan in psutil.Process().children():
                    with contextlib.suppress(psutil.Error):
                        orphan.kill()
                os.waitpid(-1, 0)


def _tell(told: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        told.sendall(number.to_bytes(NUMBER, "little", signed=True))


def _work(requests: int, answers: int, complaints: int) -> NoReturn:
    """Be a worker, as if this process had been started for it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for number, descriptor in enumerate((requests, answers, complaints)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    np.random.seed()  # Python draws anew after a fork by itself
    try:
        worker.main()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
