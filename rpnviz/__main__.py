"""The command line of the package.

    rpnviz grade NOTEBOOK… [--out grades.csv]    check the exercise functions of submitted notebooks
    rpnviz progress                              what you have done so far
    rpnviz forget                                delete the file that remembers it

`python -m rpnviz` is the same. Exit status: 0 when it was done (grade: whatever the verdicts are); 1 when grade could
not read one of the notebooks, which its row says; 2 for a wrong call, or a table that cannot be written.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "grade":
        try:
            return _grade(options.notebooks, options.out)
        except OSError as error:
            parser.error(f"--out: {options.out} cannot be written: {error.strerror}")
    from rpnviz.exercises import forget, progress

    if options.command == "progress":
        print(progress())
        return 0
    try:
        print("Forgotten: the file is deleted." if forget() else "There was nothing to forget.")
    except OSError as error:
        parser.error(f"the file cannot be deleted: {error}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rpnviz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    grade = commands.add_parser("grade", help="check the exercise functions of submitted notebooks")
    grade.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK", help="submitted .ipynb files")
    grade.add_argument("--out", type=Path, default=Path("grades.csv"), help="the table (default: %(default)s)")
    commands.add_parser("progress", help="what you have done so far")
    commands.add_parser("forget", help="delete the file that remembers it")
    return parser


def _grade(notebooks: Sequence[Path], out: Path) -> int:
    """Grade, a line for each notebook; the table is there in whole or not at all."""
    from rpnviz.exercises.notebooks.grading import UNREADABLE, grade, summary, write_table

    if not out.name or out.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    graded = []
    part = out.with_name(f"{out.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:  # first of all: nobody waits for a table in vain
        for rows in grade(notebooks):
            print(summary(rows), flush=True)
            graded += rows
        write_table(graded, file)
    os.replace(part, out)
    print(f"{len(graded)} rows in {out}")
    return int(any(row.verdict == UNREADABLE for row in graded))


if __name__ == "__main__":
    sys.exit(main())
