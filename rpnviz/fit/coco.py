"""COCO's JSON, read as a stream: a file of gigabytes takes no more memory than one of megabytes, but for its pictures.

Source: cocodataset.org, "Data format": boxes are x, y, width, height, px from the upper left corner; iscrowd 1 marks a
box round many objects, whose outline is run-length coded.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import ijson

from rpnviz.fit.annotations import Annotations, Labelled, Notes, cut
from rpnviz.fit.nesting import check_nesting

WHOLE = range(-(2**62), 2**62)


class Pictures:
    """Name and size of each picture by its id, in forty bytes each instead of some hundred."""

    def __init__(self) -> None:
        """Begin with none."""
        self._found: dict[int, int] | None = {}
        self.ids, self.heights, self.widths = array("q"), array("q"), array("q")
        self._names, self._ends = bytearray(), array("q", [0])

    def add(self, number: int, height: int, width: int, name: str) -> None:
        """Keep a picture; ids may come in any order until `sort`."""
        self.ids.append(number)
        self.heights.append(height)
        self.widths.append(width)
        self._names += cut(name).encode()
        self._ends.append(len(self._names))

    def sort(self) -> list[int]:
        """Make ready for `place`; return the ids that are there more than once."""
        self._order = array("q", sorted(range(len(self.ids)), key=self.ids.__getitem__))
        self._sorted = array("q", (self.ids[i] for i in self._order))
        return [one for one, other in pairwise(self._sorted) if one == other]

    def place(self, number: int) -> int:
        """Where a picture of this id stands, -1 for nowhere."""
        at = bisect_left(self._sorted, number)
        return self._order[at] if at < len(self._sorted) and self._sorted[at] == number else -1

    def name(self, place: int) -> str:
        """The file of the picture that stands there."""
        return self._names[self._ends[place] : self._ends[place + 1]].decode()


def open_coco(path: Path) -> Annotations:
    """Open a file with "images", "annotations" and "categories".

    Raises:
        ValueError: if it is not JSON, is nested too deep, or has no list of images; names the file.
    """
    check_nesting(path)
    pictures, class_names, notes = Pictures(), dict[int, str](), Notes()
    breaks = _read_list(path, "images", lambda one: pictures.add(*_picture(one)), notes)
    breaks = breaks or _read_list(path, "categories", lambda one: class_names.update([_category(one)]), notes)
    if not len(pictures.ids):
        odd = f": {notes.examples['broken'][0]}" if notes.counts else breaks and f": {breaks}"
        kind = "not JSON" if breaks else 'has no "images", a list of pictures with id, width and height'
        raise ValueError(f"{path.name}: {kind}{odd}")
    twice = pictures.sort()
    notes.add("broken", (f"images: id {number} is there twice" for number in twice), len(twice))
    return Annotations(
        "COCO JSON", lambda notes: _labelled(path, pictures, class_names, notes), pictures.name, notes=notes
    )


def _read_list(path: Path, key: str, take: Callable[[dict[str, Any]], None], notes: Notes) -> str:
    """Take each entry of a list; those that are none are noted. Says where the file breaks off, "" if it does not."""
    try:
        for i, one in enumerate(_items(path, key)):
            try:
                take(one)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                notes.add("broken", [f"{key}[{i}]: {type(error).__name__}: {error}"], 1)
    except ijson.JSONError as error:  # whoever goes through the annotations meets it again, and notes it
        return _on_a_line(error)
    return ""


def _picture(one: dict[str, Any]) -> tuple[int, int, int, str]:
    size = _whole(one, "height"), _whole(one, "width")
    return _whole(one, "id"), *size, str(one.get("file_name", one["id"]))


def _category(one: dict[str, Any]) -> tuple[int, str]:
    return _whole(one, "id"), str(one.get("name", one["id"]))


def _labelled(path: Path, pictures: Pictures, class_names: dict[int, str], notes: Notes) -> Iterator[Labelled]:
    count = 0
    try:
        for count, one in enumerate(_items(path, "annotations"), 1):
            entry = f"annotations[{count - 1}]"
            try:
                yield _one(one, entry, pictures, class_names)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                notes.add("broken", [f"{entry}: {type(error).__name__}: {error}"], 1)
    except ijson.JSONError as error:  # what was read until then stays
        notes.add("broken", [f"all after {count:,} annotations: {_on_a_line(error)}"], 1)


def _one(one: dict[str, Any], entry: str, pictures: Pictures, class_names: dict[int, str]) -> Labelled:
    x, y, width, height = (float(number) for number in one["bbox"])
    at = pictures.place(_whole(one, "image_id"))
    number = _whole(one, "category_id")
    size = (0, 0) if at < 0 else (pictures.heights[at], pictures.widths[at])
    where = f"{entry}, id {one.get('id', '–')}"
    name = class_names.get(number, f"class {number}")
    remark = "crowd" if one.get("iscrowd") else ""
    return Labelled(at, *size, name, (x, y, x + width, y + height), where, remark)


def _on_a_line(error: Exception) -> str:
    """The first line of what the parser says; below it stands a stretch of the file, and then it says it in bytes."""
    said = error.args[0] if error.args else error
    return (said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)).partition("\n")[0]


def _items(path: Path, key: str) -> Iterator[dict[str, Any]]:
    """The entries of one of the lists of the file, one by one."""
    with path.open("rb") as file:
        if file.read(len(BOM_UTF8)) != BOM_UTF8:  # some editors write this mark before the text
            file.seek(0)
        yield from ijson.items(file, f"{key}.item", use_float=True)


def _whole(one: dict[str, Any], key: str) -> int:
    value = one[key]
    if isinstance(value, bool) or not isinstance(value, int) or value not in WHOLE:
        raise TypeError(f"{key} must be a whole number, got {value!r:.60}")
    return value
