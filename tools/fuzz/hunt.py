"""The hunt: a target is given drawn files until its time is up; what is found is made small and kept."""

from __future__ import annotations

import hashlib
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tools.fuzz.targets import Target

AT_ONCE = 500  # files of a target between two looks at the clock
PATIENCE = 20  # seconds for one file, where the system has an alarm


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        target: the name of the reader.
        content: of the file.
        error: what it raised.
        seed: with which it was drawn.
    """

    target: str
    content: bytes
    error: BaseException
    seed: int


class TooSlowError(BaseException):
    """A reader has not come back; no reader may catch it."""


def hunt(target: Target, number: int, most: int = AT_ONCE) -> Found | int:
    """Try drawn files, the first fault of them is made small.

    Args:
        target: what is tried.
        number: the seed.
        most: files.

    Returns:
        What was found, or how many files were tried.
    """
    last, count = b"", 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / target.file

        @seed(number)
        @settings(
            max_examples=most,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        )
        @given(target.content)
        def attempt(content: bytes) -> None:
            nonlocal last, count
            last, count = content, count + 1
            path.write_bytes(content)
            with _alarm():
                target.trial(path)

        try:
            attempt()
        except (Exception, TooSlowError) as error:
            return Found(target.name, last, error, number)
    return count


@contextmanager
def _alarm() -> Iterator[None]:
    """Raise where a reader takes longer than PATIENCE."""

    def ring(*_: object) -> None:
        raise TooSlowError(f"it takes more than {PATIENCE} s")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def keep(found: Found, target: Target, folder: Path) -> Path:
    """Write what was found into a folder of its own name; return the file."""
    digest = hashlib.sha256(found.content).hexdigest()[:8]
    path = folder / f"{found.target}-{digest}" / target.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(found.content)
    return path


def rounds(names: list[str], seconds: float, start: int) -> Iterator[tuple[str, int]]:
    """Each name in turn with a new seed, until the time is up; each at least once."""
    until, number = time.monotonic() + seconds, start
    while True:
        for name in names:
            if number >= start + len(names) and time.monotonic() > until:
                return
            yield name, number
            number += 1
