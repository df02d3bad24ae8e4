"""Objects of a data set, a batch at a time, whatever the format; what is odd about them is counted and named.

Shapes: n objects of a batch. Boxes are xyxy, px of the picture, upright.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rpnviz.fit.result import Finding

AT_ONCE = 65_536
EXAMPLES = 3
MOST_CLASSES = 10_000
LONGEST_NAME = 200  # letters of a class or a file; what is longer is cut
SLACK = 1.0  # px by which a box may overhang its picture and nobody is told: many tools round that far

# What may be odd about an object → a clause for whoever trains with it, and whether it is left out.
KINDS: dict[str, tuple[str, bool]] = {
    "broken": ("could not be read", True),
    "link": ("are links that lead out of the folder, or to nothing", True),
    "no_picture": ("belong to a picture that is not there", True),
    "not_finite": ("have a box that is not four finite numbers", True),
    "swapped": ("have corners swapped, or sides below 0", True),
    "no_area": ("have no area", True),
    "outside": ("lie outside their picture", True),
    "crowd": ("are crowds: many objects in one box", True),
    "overhangs": ("reach outside their picture, and were cut at its border", False),
    "duplicate": ("are there twice: same picture, class and box", False),
    "difficult": ("are marked as difficult", False),
    "polygon": ("are polygons, and the box round each was taken", False),
}


class Labelled(NamedTuple):
    """One object as a reader found it; height 0: its picture is not there."""

    picture: int  # 0, 1, …: the same number, the same picture
    height: int
    width: int
    class_name: str
    box: tuple[float, float, float, float]
    entry: str  # where it stands
    remark: str = ""  # of KINDS


@dataclass(frozen=True, eq=False)
class Batch:
    """Objects that are taken.

    Attributes:
        boxes (float64 [n, 4]): inside their pictures.
        image_sizes (int64 [n, 2]): (H, W).
        pictures, classes (int64 [n]): numbers; that of a class is its place in `Annotations.class_names`.
    """

    boxes: npt.NDArray[np.float64]
    image_sizes: npt.NDArray[np.int64]
    pictures: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]


@dataclass
class Notes:
    """What is odd, by kind: how often, and where the first stand."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, entries: Iterable[str], count: int) -> None:
        """Note so many of a kind of KINDS."""
        if count:
            self.counts[kind] = self.counts.get(kind, 0) + count
            shown = self.examples.setdefault(kind, [])
            shown += [cut(entry) for entry in islice(entries, EXAMPLES - len(shown))]

    def findings(self) -> tuple[Finding, ...]:
        """All that was noted, in the order of KINDS."""
        return tuple(
            Finding(*KINDS[kind], self.counts[kind], tuple(self.examples[kind]))
            for kind in KINDS
            if kind in self.counts
        )


@dataclass
class Annotations:
    """A data set that can be gone through; its other fields are complete once that is done.

    Attributes:
        format (str): e.g. "COCO JSON".
        labelled: what yields its objects, given the notes to write in.
        picture_name: a picture's file by its number, as the annotations name it.
        class_names (list[str]): in the order in which they turned up.
        notes (Notes): what is odd.
        num_pictures (int): pictures with an object.
    """

    format: str
    labelled: Callable[[Notes], Iterator[Labelled]]
    picture_name: Callable[[int], str]
    class_names: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    num_pictures: int = 0

    def batches(self) -> Iterator[Batch]:
        """Go through all objects; those that are left out are in the notes.

        Raises:
            ValueError: if there are more classes than MOST_CLASSES.
        """
        numbers: dict[str, int] = {}
        seen, there = np.zeros(0, np.int64), np.zeros(0, bool)
        source = self.labelled(self.notes)
        while found := list(islice(source, AT_ONCE)):
            for one in found:
                numbers.setdefault(one.class_name, len(numbers))
            if len(numbers) > MOST_CLASSES:
                raise ValueError(f"there are more than {MOST_CLASSES:,} classes; are the names ids?")
            batch = _checked(found, numbers, self.notes)
            seen = _note_duplicates(batch, self.notes, seen, found)
            there = np.pad(there, (0, max(0, batch.pictures.max(initial=-1) + 1 - len(there))))
            there[batch.pictures] = True
            self.class_names[:] = [cut(name) for name in numbers]
            self.num_pictures = int(there.sum())
            yield batch


def cut(text: str) -> str:
    """Text of a stranger's file, no longer than can be shown; what is no valid Unicode becomes a question mark."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def _checked(found: list[Labelled], numbers: dict[str, int], notes: Notes) -> Batch:
    """Note what is odd, leave out what cannot be used, cut what overhangs."""
    boxes = np.array([one.box for one in found], np.float64).reshape(-1, 4)
    sizes = np.array([(one.height, one.width) for one in found], np.int64).reshape(-1, 2)
    remarks = np.array([one.remark for one in found])
    x1, y1, x2, y2 = boxes.T
    height, width = sizes.T
    left = np.ones(len(found), bool)

    def leave_out(kind: str, which: Any) -> None:
        _note(notes, kind, found, which & left)
        left[which] = False

    with np.errstate(invalid="ignore"):
        leave_out("no_picture", (height <= 0) | (width <= 0))
        leave_out("not_finite", ~np.isfinite(boxes).all(axis=1))
        leave_out("swapped", (x2 < x1) | (y2 < y1))
        leave_out("no_area", (x2 <= x1) | (y2 <= y1))
        leave_out("outside", (x2 <= 0) | (y2 <= 0) | (x1 >= width) | (y1 >= height))
        leave_out("crowd", remarks == "crowd")
        over = np.maximum(np.maximum(-x1, -y1), np.maximum(x2 - width, y2 - height)) > SLACK
    _note(notes, "overhangs", found, over & left)
    for kind in ("difficult", "polygon"):
        _note(notes, kind, found, (remarks == kind) & left)
    cut_boxes = np.clip(boxes, 0, np.stack([width, height, width, height], axis=1))
    classes = np.array([numbers[one.class_name] for one in found], np.int64)
    pictures = np.array([one.picture for one in found], np.int64)
    found[:] = [one for one, stays in zip(found, left, strict=True) if stays]
    return Batch(cut_boxes[left], sizes[left], pictures[left], classes[left])


def _note(notes: Notes, kind: str, found: list[Labelled], which: npt.NDArray[np.bool_]) -> None:
    places = which.nonzero()[0]
    notes.add(kind, (found[i].entry for i in places), len(places))


def _note_duplicates(
    batch: Batch, notes: Notes, seen: npt.NDArray[np.int64], found: list[Labelled]
) -> npt.NDArray[np.int64]:
    """Note which objects were there before; of each the eight bytes of a hash are kept, sorted, and no object."""
    rows = np.column_stack([batch.boxes.view(np.int64), batch.pictures, batch.classes])
    keys = np.array([hash(bytes(row)) for row in rows], np.int64)
    order = keys.argsort(kind="stable")
    places = np.searchsorted(seen, keys[order])
    before = np.append(seen, 0)[places.clip(max=len(seen))] == keys[order]
    before &= places < len(seen)
    before[1:] |= keys[order][1:] == keys[order][:-1]
    again = np.sort(order[before])
    notes.add("duplicate", (found[i].entry for i in again), len(again))
    return np.insert(seen, places, keys[order])
