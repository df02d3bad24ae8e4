"""What the learner has done, in a small readable file; nothing leaves the machine."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import platformdirs

from rpnviz._files.atomic import write_whole

FORMAT = "rpnviz progress, version 1"
LOCK_SECONDS = 2.0  # writing takes a few milliseconds


def progress_file() -> Path:
    """Where the file lies, e.g. ~/.local/share/rpnviz/progress.json; RPNVIZ_DATA names another folder."""
    folder = os.environ.get("RPNVIZ_DATA")
    return (Path(folder) if folder else platformdirs.user_data_path("rpnviz", appauthor=False)) / "progress.json"


@dataclass(frozen=True)
class Progress:
    """What is done; a notebook shows it as a table.

    Attributes:
        exercises (dict): name → {"verdict": of the last check, "checks": how many, "passed": day of the first pass or
            ""}.
    """

    exercises: dict[str, dict[str, Any]]

    @property
    def done(self) -> list[str]:
        """Names of the exercises that passed once, in the order of the series."""
        return [name for name, _, passed in self._rows() if passed]

    def _rows(self) -> list[tuple[str, str, str]]:
        """(name, notebook, day it passed) of all exercises."""
        from rpnviz.exercises.tasks import EXERCISES

        return [(e.name, e.notebook, self.exercises.get(e.name, {}).get("passed", "")) for e in EXERCISES.values()]

    def _state(self, name: str, passed: str) -> str:
        checks = self.exercises.get(name, {}).get("checks", 0)
        if passed:
            return f"right since {passed}"
        return f"tried {checks} {'time' if checks == 1 else 'times'}" if checks else "–"

    def __str__(self) -> str:
        """All exercises, one a line."""
        rows = self._rows()
        lines = [f"{book}  {name:<20} {self._state(name, passed)}" for name, book, passed in rows]
        return "\n".join([f"{len(self.done)} of {len(rows)} exercises done.", *lines])

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        cell = '<td style="text-align: left">'
        rows = [
            f"<tr>{cell}{book}</td>{cell}<code>{name}</code></td>{cell}{escape(self._state(name, passed))}</td></tr>"
            for name, book, passed in self._rows()
        ]
        head = "".join(f'<th style="text-align: left">{name}</th>' for name in ("notebook", "exercise", ""))
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        return {
            "text/html": f"<div>{len(self.done)} of {len(rows)} exercises done.</div>{table}",
            "text/plain": str(self),
        }


def progress() -> Progress:
    """Show which exercises are done."""
    try:
        return Progress(_read())
    except OSError as error:
        warnings.warn(f"your progress cannot be read: {error}", stacklevel=2)
        return Progress({})


def forget() -> bool:
    """Delete the file; say whether there was one."""
    try:
        progress_file().unlink()
    except FileNotFoundError:
        return False
    return True


def record(name: str, verdict: str) -> None:
    """Remember the outcome of a check. A file that cannot be written is told, and no failure of the check."""
    try:
        with _alone():
            exercises = _read()
            entry = exercises.get(name, {"checks": 0, "passed": ""})
            today = datetime.date.today().isoformat()
            exercises[name] = {
                "verdict": verdict,
                "checks": entry["checks"] + 1,
                "passed": entry["passed"] or (today if verdict == "pass" else ""),
            }
            text = json.dumps({"format": FORMAT, "exercises": exercises}, indent=1) + "\n"
            write_whole(progress_file(), text.encode())
    except OSError as error:
        warnings.warn(f"your progress could not be kept in {progress_file()}: {error}", stacklevel=2)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let no other notebook write meanwhile: each would forget what the other one adds.

    A folder is the lock, since only one can make it. One that was left behind is waited for a moment only.
    """
    lock = progress_file().with_name("progress.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            if time.monotonic() > give_up:
                break
            time.sleep(0.01)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.rmdir()


def _read() -> dict[str, dict[str, Any]]:
    """The file's content; one that is not ours, or damaged, is put aside under another name, and told."""
    path = progress_file()
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        return _checked(json.loads(text))
    except (ValueError, RecursionError):
        aside = _free_name(path)
        path.rename(aside)
        warnings.warn(f"{path} is damaged or not from this program; it is now {aside.name}", stacklevel=2)
        return {}


def _checked(content: Any) -> dict[str, dict[str, Any]]:
    if (
        not isinstance(content, dict)
        or content.get("format") != FORMAT
        or not isinstance(content.get("exercises"), dict)
    ):
        raise ValueError("another format")
    for entry in content["exercises"].values():
        if not isinstance(entry, dict) or {name: type(value) for name, value in entry.items()} != _ENTRY:
            raise ValueError("another entry")
    exercises: dict[str, dict[str, Any]] = content["exercises"]
    return exercises


_ENTRY = {"verdict": str, "checks": int, "passed": str}


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"progress-kept-{number}.json")).exists():
        number += 1
    return aside
