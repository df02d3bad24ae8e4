"""Check the exercise functions of submitted notebooks and write a table: one row for a notebook and an exercise."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from rpnviz._files import tables
from rpnviz.exercises import EXERCISES, Result, check_source
from rpnviz.exercises.notebooks.submission import Submission, read_notebook

NOT_FOUND, UNREADABLE = "not found", "unreadable"  # beside the verdicts of `check`

Check = Callable[[str, str], Result]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        file (str): the notebook's path, as it was named.
        exercise (str): the function's name; "" if the file could not be read.
        verdict (str): one of `check`'s (pass, not yet, error, not written), or "not found", or "unreadable".
        mistake (str): key of the usual mistake that was recognised, or "".
        message (str): what is wrong, the line that raised an exception, and the hint if a mistake was recognised.
    """

    file: str
    exercise: str
    verdict: str
    mistake: str = ""
    message: str = ""


def expand(arguments: Sequence[str]) -> list[Path]:
    """Paths as they are named, `*` and `?` worked out: cmd and PowerShell pass on `*.ipynb` as it was typed."""
    paths: list[Path] = []
    for argument in arguments:
        fitting = [] if os.path.lexists(argument) else sorted(glob.glob(argument.replace("[", "[[]")))
        paths += map(Path, fitting or [argument])
    return paths


def grade(paths: Sequence[Path], check: Check = check_source) -> Iterator[list[Row]]:
    """Grade notebooks one after the other.

    Args:
        paths: the notebooks. What is asked of each are all exercises that any of them holds.
        check: (source, name) → Result.

    Yields:
        The rows of each notebook: one for each exercise, or a single one that says why it cannot be read.
    """
    read = [_read(path) for path in paths]
    submissions = [one for one in read if isinstance(one, Submission)]
    asked = [name for name in EXERCISES if any(one.defines(name) for one in submissions)]
    for path, one in zip(paths, read, strict=True):
        if isinstance(one, ValueError):
            yield [Row(str(path), "", UNREADABLE, message=str(one))]
        elif not asked:
            yield [Row(str(path), "", NOT_FOUND, message="It holds none of the exercise functions.")]
        else:
            yield [_checked(one, name, check) for name in asked]


def _read(path: Path) -> Submission | ValueError:
    try:
        return read_notebook(path)
    except ValueError as error:
        return error


def _checked(submission: Submission, name: str, check: Check) -> Row:
    file = str(submission.path)
    try:
        source = submission.source(name)
    except ValueError as error:
        return Row(file, name, NOT_FOUND, message=str(error))
    result = check(source, name)
    line = f"In: {result.code}" if result.code else ""
    left_out = submission.left_out(name) if result.verdict == "error" else ""
    message = " ".join(part for part in (result.message, line, result.hint, left_out) if part)
    return Row(file, name, result.verdict, result.mistake, message)


def as_csv(rows: Sequence[Row]) -> bytes:
    """Rows as CSV, see `tables.as_csv`."""
    return tables.as_csv([one.name for one in fields(Row)], map(astuple, rows))


def summarise(rows: Sequence[Row]) -> str:
    """One line for a notebook: how many passed, and the verdict of each exercise."""
    if not rows[0].exercise:
        return tables.printable(f"{rows[0].file}: {rows[0].verdict}: {rows[0].message}")
    passed = sum(row.verdict == "pass" for row in rows)
    each = ", ".join(f"{row.exercise} {row.verdict}" for row in rows)
    return tables.printable(f"{rows[0].file}: {passed} of {len(rows)} passed: {each}")
