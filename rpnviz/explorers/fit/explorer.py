"""Do these anchors fit these objects? Sizes of objects beside the shapes of anchors, and what would fit better."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets as t

from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.finite import Finite
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.fit.figure import fit_figure
from rpnviz.explorers.fit.thumbnail import draw_thumbnail
from rpnviz.figures.primitives import Still
from rpnviz.fit.result import IOU_THRESHOLDS, FitResult

GROUPS = ("size", "network size", "ratio", "class")
LIBRARIES = ("torchvision", "detectron2", "MMDetection")
MOST_ROWS = 200  # of classes, the largest first: a page holds no more with ease
LONGEST = 100  # letters of a name from the annotations


class FitExplorer(RpnvizWidget):
    """Point at an object among the sizes of all, and read which anchor is its best, and how good.

    Args:
        result: what `rpnviz.fit` has found.
        pictures: the folder of the pictures that the annotations name: then the object that is chosen is shown.
        **traits: where to start, e.g. iou_thresh=0.5, selected=3.

    Raises:
        ValueError: if there is no such folder.
    """

    asks: ClassVar[tuple[str, ...]] = ("pictured",)
    unmoved: ClassVar[tuple[str, ...]] = ("pictured",)
    needs_python = "reading pictures from your folder takes Python: open the notebook"
    presented = "anchor_set"
    view = "fit/view.js"
    sheets = ("fit/view.css",)
    plan = t.Dict(read_only=True, help="the result, all but its sample").tag(sync=True)
    sample = t.Dict(read_only=True, help="float32: sizes [S, 2], ious [S], boxes [S, 4]; int32: rows [S, 5]").tag(
        sync=True
    )
    has_pictures = t.Bool(False, read_only=True, help="whether there is a folder to read from").tag(sync=True)
    thumbnail = t.Bytes(read_only=True, help="the picture of object `pictured`, WebP; empty if it has none").tag(
        sync=True
    )
    no_thumbnail = t.Unicode("", read_only=True, help="why it has none").tag(sync=True)
    iou_thresh = Finite(0.7, min=0.3, max=0.9, help="what counts as covered").tag(sync=True)
    class_index = t.Int(-1, help="the class shown, of `plan`; -1 for all").tag(sync=True)
    anchor_set = t.Int(0, help="0: the present anchors; from 1 on the suggestions").tag(sync=True)
    by = t.Enum(GROUPS, "size", help="how the objects are grouped").tag(sync=True)
    library = t.Enum(LIBRARIES, "torchvision", help="whose settings are shown").tag(sync=True)
    selected = t.Int(-1, help="the object that is looked at, of the sample; -1 for none").tag(sync=True)
    pictured = t.Int(-1, help="the object whose picture the page asks for").tag(sync=True)

    def __init__(self, result: FitResult, pictures: str | os.PathLike[str] | None = None, **traits: Any) -> None:
        """Show the present anchors and the whole sample."""
        self.result = result
        self._folder = None if pictures is None else Path(pictures).expanduser()
        if self._folder is not None and not self._folder.is_dir():
            raise ValueError(f"pictures: got {str(pictures)!r}, takes a folder that is there")
        self._classes, places = np.unique(result.sample.classes, return_inverse=True)
        super().__init__()
        self.set_trait("plan", self._plan())
        self.set_trait("sample", self._packed(places))
        self.set_trait("has_pictures", self._folder is not None)
        for name, value in traits.items():
            setattr(self, name, value)
        self.start_answering()

    def _plan(self) -> dict[str, Any]:
        found = self.result
        groups = zip(GROUPS, (found.by_size, found.by_network_size, found.by_ratio, found.by_class), strict=True)
        own = ("source", "format", "anchors_name", "resizing", "num_pictures", "num_objects", "num_anchors", "verdict")
        counted = ("by_best_rule_alone", "unreached", "untouched", "present_on_half")
        return {
            **{name: getattr(found, name) for name in (*own, *counted)},
            "thresholds": list(IOU_THRESHOLDS),
            "overall": asdict(found.overall),
            "groups": {name: [_short(asdict(row)) for row in rows[:MOST_ROWS]] for name, rows in groups},
            "num_classes": len(found.by_class),
            "classes": [end_of(found.class_names[i]) for i in self._classes.tolist()],
            "findings": [asdict(one) for one in found.findings],
            "shapes": [asdict(one) for one in found.shapes],
            "suggestions": [asdict(one) for one in found.suggestions],
            "pictures": self._names,
        }

    @property
    def _names(self) -> list[str]:
        """Each picture's name once, in the order of the sample."""
        return [end_of(name) for name in dict.fromkeys(self.result.sample.pictures)]

    def _packed(self, places: np.ndarray[Any, Any]) -> dict[str, bytes]:
        """The sample; a row of its table: best shape, class, picture, height and width of the picture."""
        sample = self.result.sample
        numbers = {name: i for i, name in enumerate(dict.fromkeys(sample.pictures))}
        pictures = np.array([numbers[name] for name in sample.pictures], np.int64)
        rows = np.column_stack([sample.best_shapes, places.ravel(), pictures, sample.image_sizes])
        reals = {"sizes": sample.sizes, "ious": sample.ious, "boxes": sample.boxes}
        return {**{name: values.astype("<f4").tobytes() for name, values in reals.items()}, "rows": _int32(rows)}

    def answer(self) -> dict[str, Any]:
        """The picture of an object; or a sentence why there is none."""
        if self._folder is None or not 0 <= self.pictured < len(self.result.sample.ious):
            return {"thumbnail": b"", "no_thumbnail": ""}
        sample, i = self.result.sample, self.pictured
        height, width = sample.image_sizes[i].tolist()
        try:
            file = draw_thumbnail(self._folder, sample.pictures[i], tuple(sample.boxes[i].tolist()), (height, width))
        except (OSError, ValueError) as error:  # a data set may well lack some: no failure of ours
            return {"thumbnail": b"", "no_thumbnail": str(error)}
        return {"thumbnail": file, "no_thumbnail": ""}

    @property
    def shown(self) -> np.ndarray[Any, Any]:
        """Which objects of the sample are of the class chosen: bool [S]."""
        classes = self.result.sample.classes
        return classes == self._classes[self.class_index] if self.class_index >= 0 else np.ones(len(classes), bool)

    @property
    def covered(self) -> np.ndarray[Any, Any]:
        """Which of all have a best anchor of at least `iou_thresh`: bool [S]; in float32, as in the page."""
        return self.result.sample.ious.astype(np.float32) >= np.float32(self.iou_thresh)

    def rules(self) -> dict[str, Rule]:
        """Say what the traits take."""
        last = len(self.result.sample.ious) - 1
        return {
            "class_index": whole(-1, len(self._classes) - 1),
            "anchor_set": whole(0, len(self.result.suggestions)),
            "selected": whole(-1, last),
            "pictured": whole(-1, last),
        }

    def figure(self) -> Still:
        """Draw the sizes, and the shapes that are chosen."""
        sample, found = self.result.sample, self.result
        shapes = (
            found.suggestions[self.anchor_set - 1].shapes
            if self.anchor_set
            else tuple(shape.size for shape in found.shapes)
        )
        covered = None if self.anchor_set else self.covered[self.shown]
        return fit_figure(sample.sizes[self.shown], covered, shapes, self.describe())

    def describe(self) -> str:
        """Say how many of the objects shown are covered, or what the suggestion promises."""
        if self.anchor_set:
            one = self.result.suggestions[self.anchor_set - 1]
            half, seven = (
                f"{share:.1%} at {thresh:g}" for share, thresh in zip(one.covered, IOU_THRESHOLDS, strict=True)
            )
            return f"{len(one.shapes)} shapes by {one.how} cover {half} and {seven} of the half that judges."
        number = int(self.shown.sum())
        many = int((self.covered & self.shown).sum())
        drawn = f", drawn from {self.result.num_objects:,}," if self.class_index < 0 and self.sampled else ""
        return (
            f"{many:,} of {number:,} objects{drawn} have a best anchor with an IoU of at least {self.iou_thresh:.2f}."
        )

    @property
    def sampled(self) -> bool:
        """Whether the objects shown are not all."""
        return len(self.result.sample.ious) < self.result.num_objects

    _check = obeys_rules("class_index", "anchor_set", "selected", "pictured")


def end_of(text: str) -> str:
    """The end of a long name, which tells files apart."""
    return text if len(text) <= LONGEST else "…" + text[1 - LONGEST :]


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "name": end_of(row["name"])}


def _int32(values: np.ndarray[Any, Any]) -> bytes:
    return values.astype("<i4").tobytes()
