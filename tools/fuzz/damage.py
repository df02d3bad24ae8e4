"""Damage: what a good file becomes at random. All of it is bytes, so that whatever is found is a file.

Hypothesis draws it, and makes what was found smaller: fewer places that are damaged, and shorter ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

MOST_PLACES = 6  # that are damaged in one file
HOSTILE_TEXT = (
    *("", " ", "0", "-1", "1e999", "-0.0", "nan", "Infinity", "9" * 400, "9" * 5000, "0x10", "1_000", "٣", "½"),
    *("\x00", "\ufeff", "\\ud800", "\u2028", "é", "%E0%A4%A", "__proto__", "../..", "/dev/null", "~", "a" * 300),
    *("[", "]", "{", "}", '"', "'", ",", ":", ";", "&", "=", "<", ">", "\n", "\r", "\t", "#", "\\", "%", "!"),
)
HOSTILE_BYTES = (*(text.encode() for text in HOSTILE_TEXT), b"\xff", b"\xff\xfe", b"\x80" * 4, b"\0" * 8, b"\xff" * 4)
HOSTILE_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**400, 0.5, 1e308, float("nan"), float("inf"), -float("inf")),
    *("", "a", "\x00", "\ud800", "../..", "/", ".", "1", "nan", "x" * 300, [], {}, [[]], [0], [None] * 4, {"a": 1}),
)


def damaged(*originals: bytes, tokens: Sequence[bytes] = HOSTILE_BYTES) -> st.SearchStrategy[bytes]:
    """One of these files with some places cut out, doubled, overwritten or swollen."""
    place = st.integers(0, max(map(len, originals)))
    kind = st.sampled_from(["insert", "overwrite", "cut", "double", "end", "flip"])
    edit = st.tuples(kind, place, st.integers(0, 64), st.sampled_from(tokens) | st.binary(max_size=8))
    edits = st.lists(edit, max_size=MOST_PLACES)
    return st.builds(_edited, st.sampled_from(originals), edits)


def _edited(content: bytes, edits: Sequence[tuple[str, int, int, bytes]]) -> bytes:
    for kind, at, length, token in edits:
        at = min(at, len(content))
        before, after = content[:at], content[at:]
        if kind == "insert":
            content = before + token + after
        elif kind == "overwrite":
            content = before + token + after[len(token) :]
        elif kind == "cut":
            content = before + after[length:]
        elif kind == "double":
            content = before + after[:length] + after
        elif kind == "end":
            content = before
        elif after:
            content = before + bytes([after[0] ^ (1 << length % 8)]) + after[1:]
    return content


def damaged_json(original: Any) -> st.SearchStrategy[bytes]:
    """This content with some of its values in each other's place, or hostile ones; it stays JSON."""
    text = json.dumps(original)
    values = list(_values(original))
    value = (
        st.sampled_from(HOSTILE_VALUES) | st.sampled_from(values) | st.floats() | st.integers() | st.text(max_size=5)
    )
    changes = st.lists(st.tuples(st.integers(0, len(values) - 1), value), max_size=MOST_PLACES)
    return st.builds(lambda changes: _changed(json.loads(text), changes), changes)


def _values(content: Any) -> Iterator[Any]:
    """A value and all those in it."""
    yield content
    for one in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _values(one)


def _changed(content: Any, changes: Sequence[tuple[int, Any]]) -> bytes:
    for number, value in changes:
        holder = [content]
        places = list(_places(holder))
        inside, key = places[number % len(places)]
        inside[key] = deepcopy(value)  # the same list in two places may hold itself
        (content,) = holder
    return json.dumps(content).encode()


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Each list or dict with each of its keys."""
    keys = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield content, key
        yield from _places(content[key])
