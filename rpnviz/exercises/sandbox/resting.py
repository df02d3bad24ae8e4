"""Let workers end when nobody has used one for a while, and with them the nursery.

They hold some 250 MB for each open notebook in which something was checked. The next use starts them again, which takes
seconds, so a learner who tries again and again does not wait for it.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Iterator

from rpnviz.exercises.sandbox import starting
from rpnviz.exercises.sandbox.process import Worker

SECONDS = 120.0  # after the last use; shorter than most of what a learner reads, longer than a small change takes


class _Rest:
    """Who is being used, and who was."""

    def __init__(self) -> None:
        """Nobody."""
        self._lock = threading.Lock()  # held while workers end, so that a use that begins then waits, and starts anew
        self._users = 0
        self._last = 0.0
        self._used: weakref.WeakSet[Worker] = weakref.WeakSet()
        self._timer: threading.Timer | None = None

    @contextlib.contextmanager
    def using(self, worker: Worker) -> Iterator[None]:
        """Keep all workers while one is used; from its end on it counts as idle, and need not know its function."""
        with self._lock:
            self._users += 1
            self._used.add(worker)
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                self._last = time.monotonic()
                if self._timer is None:
                    self._wait(SECONDS)

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self.look)
        self._timer.daemon = True  # nobody waits for it at the end
        self._timer.start()

    def look(self) -> None:
        """End all that was idle for long enough; else look again then."""
        with self._lock:
            left = self._last + SECONDS - time.monotonic()
            if self._users or left > 0:
                self._wait(max(left, 1.0))
                return
            self._timer = None
            for worker in self._used:
                worker.stop()
            self._used.clear()
            starting.rest()


_rest = _Rest()
using = _rest.using
