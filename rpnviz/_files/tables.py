"""Text that strangers wrote, in a table for a spreadsheet or on a console: it stays text, and runs nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# A spreadsheet takes a cell that starts so for a formula; one set to an Asian language also what is twice as wide.
FORMULA = (*("=", "+", "-", "@"), *("＝", "＋", "－", "＠"), *("\t", "\r", "\n"))
LONGEST = 200  # letters of what a library says


def as_csv(heads: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    """A table as CSV: all cells in quotes, commas, UTF-8 with the mark by which Excel knows it; none is a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)  # where Excel divides by semicolons, none within a name counts
    writer.writerow(heads)
    writer.writerows([[_harmless(str(cell)) for cell in row] for row in rows])
    return text.getvalue().encode("utf-8-sig")


def printable(text: str) -> str:
    """Text without characters that could move a terminal's cursor or start a new line."""
    return "".join(one if one.isprintable() else "�" for one in text)


def one_line(error: BaseException) -> str:
    """What a library's error says, for the end of a sentence: on one line, and no longer than one."""
    text = printable(" ".join(str(error).split()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _harmless(cell: str) -> str:
    """A cell of the table: an apostrophe before what a spreadsheet would run; no control characters."""
    text = "".join(one if one.isprintable() or one == "\n" else " " for one in cell)
    return f"'{text}" if cell.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text
