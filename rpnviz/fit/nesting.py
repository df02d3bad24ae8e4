"""A look at a JSON file before it is parsed: a file that is nested too deep would take all the memory there is.

The parser names each value by the way to it; a hundred thousand brackets would make names of five gigabytes.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
DEEPEST = 100  # levels; COCO's polygons are the fifth
LONGEST = 2**20  # bytes of a text
AT_ONCE = 2**20


def check_nesting(path: Path) -> None:
    """Refuse a file that would take too much memory; whether it is JSON at all is not looked at.

    Raises:
        ValueError: if it is nested deeper than DEEPEST, or has a text longer than LONGEST.
    """
    depth, rest = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(AT_ONCE):
            plain, quote, rest = STRING.sub(b"", rest + chunk).partition(b'"')
            rest = quote + rest  # a text that goes on in the next chunk
            if len(rest) > LONGEST:
                raise ValueError(f"{path.name}: has a text of more than {LONGEST // 2**20} MiB")
            codes = np.frombuffer(plain, np.uint8)
            steps = np.isin(codes, list(b"[{")).astype(np.int64) - np.isin(codes, list(b"]}"))
            if depth + steps.cumsum().max(initial=0) > DEEPEST:
                raise ValueError(f"{path.name}: is nested deeper than {DEEPEST} levels")
            depth += int(steps.sum())
