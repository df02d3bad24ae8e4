"""Which code is the learner's own, and which line of it an exception came from."""

from __future__ import annotations

import linecache
import sysconfig
from pathlib import Path
from typing import Any

SUBMISSION = "<submission>"  # the file name in tracebacks of code that came as text
PACKAGE = Path(__file__).resolve().parents[2]
_LIBRARIES = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def own_line(places: list[list[Any]], source: str = "") -> tuple[int, str, str]:
    """Find the learner's innermost line of a traceback: number, text, name of its function; or (0, "", "").

    Args:
        places: [file, line, function], outermost first.
        source: the text, if the function came as one.
    """
    for file, line, function in reversed(places):
        if file == SUBMISSION:
            lines = source.split("\n")  # as Python counts them
            return line or 0, lines[line - 1].strip() if line and line <= len(lines) else "", function
        if is_own(file):
            return line, linecache.getline(file, line).strip(), function
    return 0, "", ""


def is_own(file: str) -> bool:
    """Whether a file is the learner's: neither Python's, nor a library's, nor this package's."""
    if file.startswith("<") and "ipython" not in file:
        return False
    path = Path(file)
    return not any(path.is_relative_to(folder) for folder in (*_LIBRARIES, PACKAGE))
