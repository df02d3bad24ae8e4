"""Check the exercise functions of submitted notebooks and write a table: one row for a notebook and an exercise."""

from __future__ import annotations

import csv
import glob
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from rpnviz.exercises import EXERCISES, Result, check_source
from rpnviz.exercises.notebooks.submission import Submission, read_notebook

NOT_FOUND, UNREADABLE = "not found", "unreadable"  # beside the verdicts of `check`
# A spreadsheet takes a cell that starts so for a formula; one set to an Asian language also what is twice as wide.
FORMULA = (*("=", "+", "-", "@"), *("＝", "＋", "－", "＠"), *("\t", "\r", "\n"))

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
    """Rows as CSV: commas, every cell in quotes, UTF-8 with the mark by which Excel knows it; no cell is a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)  # where Excel divides by semicolons, none within a name counts
    writer.writerow([one.name for one in fields(Row)])
    writer.writerows([[_harmless(cell) for cell in astuple(row)] for row in rows])
    return text.getvalue().encode("utf-8-sig")


def summarise(rows: Sequence[Row]) -> str:
    """One line for a notebook: how many passed, and the verdict of each exercise."""
    if not rows[0].exercise:
        return printable(f"{rows[0].file}: {rows[0].verdict}: {rows[0].message}")
    passed = sum(row.verdict == "pass" for row in rows)
    each = ", ".join(f"{row.exercise} {row.verdict}" for row in rows)
    return printable(f"{rows[0].file}: {passed} of {len(rows)} passed: {each}")


def printable(text: str) -> str:
    """Text without characters that could move a terminal's cursor or start a new line."""
    return "".join(one if one.isprintable() else "�" for one in text)


def _harmless(cell: str) -> str:
    """A cell of the table: an apostrophe before what a spreadsheet would run; no control characters."""
    text = "".join(one if one.isprintable() or one == "\n" else " " for one in cell)
    return f"'{text}" if cell.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text
