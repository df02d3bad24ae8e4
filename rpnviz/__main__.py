"""The command line of the package.

    rpnviz grade NOTEBOOK… [--out grades.csv]    check the exercise functions of submitted notebooks
    rpnviz progress                              what you have done so far
    rpnviz forget                                delete the file that remembers it

`python -m rpnviz` is the same. Exit status: 0 when it was done (grade: whatever the verdicts are); 1 when grade could
not read one of the notebooks, which its row says; 2 for a wrong call, or a table that cannot be written; 130 when grade
was interrupted.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rpnviz._files.atomic import write_whole

if TYPE_CHECKING:
    from rpnviz.exercises.notebooks.grading import Row

INTERRUPTED = 130


class _NotWrittenError(Exception):
    """The table cannot be written; the text says where and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    _say_what_the_console_cannot()
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "grade":
        try:
            return _grade(options.notebooks, options.out)
        except _NotWrittenError as error:
            parser.error(f"--out: {error}")
    from rpnviz.exercises import forget, progress

    if options.command == "progress":
        _say(str(progress()))
        return 0
    try:
        _say("Forgotten: the file is deleted." if forget() else "There was nothing to forget.")
    except OSError as error:
        parser.error(f"the file cannot be deleted: {error}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rpnviz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    grade = commands.add_parser("grade", help="check the exercise functions of submitted notebooks")
    grade.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help=".ipynb files; * and ? are understood")
    grade.add_argument("--out", type=Path, default=Path("grades.csv"), help="the table (default: %(default)s)")
    commands.add_parser("progress", help="what you have done so far")
    commands.add_parser("forget", help="delete the file that remembers it")
    return parser


def _say_what_the_console_cannot() -> None:
    """Write the number of a letter that the console does not know: a pipe on Windows knows few, and would raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str) -> None:
    """Print; when the reader has left (`| head`), go on in silence: the table is still wanted."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _grade(arguments: Sequence[str], out: Path) -> int:
    """Grade, a line for each notebook; whatever ends this early, the table holds what was graded until then."""
    from rpnviz.exercises.notebooks.grading import UNREADABLE, expand, grade, summarise

    _refuse_what_cannot_be_written(out)  # before minutes of work
    graded: list[Row] = []
    try:
        for rows in grade(expand(arguments)):
            graded += rows
            _say(summarise(rows))
    except KeyboardInterrupt:
        _say("Interrupted.")
        return INTERRUPTED
    finally:
        if graded:
            _keep(graded, out)
    return int(any(row.verdict == UNREADABLE for row in graded))


def _refuse_what_cannot_be_written(out: Path) -> None:
    try:
        if not out.name or out.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if out.exists():
            if not out.is_file():
                raise OSError(errno.EINVAL, "it is a device or a pipe")
            with out.open("r+b"):  # on Windows no program can write what Excel has open
                pass
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise _NotWrittenError(f"{out} cannot be written: {error.strerror}") from error


def _keep(graded: Sequence[Row], out: Path) -> None:
    """Write the table, whole; where that has become impossible meanwhile, print it."""
    from rpnviz.exercises.notebooks.grading import as_csv

    try:
        write_whole(out, as_csv(graded))
    except OSError as error:
        _say(as_csv(graded).decode("utf-8-sig"))
        raise _NotWrittenError(f"{out} can no longer be written: {error.strerror}. The table is printed.") from error
    _say(f"{len(graded)} rows in {out}")


if __name__ == "__main__":
    sys.exit(main())
