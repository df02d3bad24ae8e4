"""A result of `rpnviz fit` made by hand: what its view is tested with."""

from __future__ import annotations

from typing import Any

import numpy as np

from rpnviz.fit.result import CoverageRow, Finding, FitResult, Sample, ShapeRow, Suggestion

SIZES = ((40.0, 160.0), (60.0, 30.0), (128.0, 128.0), (300.0, 310.0), (10.0, 90.0))  # (height, width)
IOUS = (0.69, 0.31, 0.95, 0.7, 0.0)
CLASSES = (0, 2, 2, 0, 0)  # there is no object of class 1


def make_sample(count: int = len(SIZES)) -> Sample:
    """The five objects, over and over with a little more width: two to a picture."""
    turns = np.arange(count)
    sizes = np.array(SIZES)[turns % 5] + np.stack([np.zeros(count), turns // 5 * 0.25], axis=1)
    corners = np.array([20.0, 10.0])
    return Sample(
        sizes=sizes,
        ious=np.array(IOUS)[turns % 5],
        best_shapes=turns % 2,
        classes=np.array(CLASSES)[turns % 5],
        boxes=np.concatenate([np.tile(corners, (count, 1)), corners + sizes[:, ::-1] / 2], axis=1),
        image_sizes=np.tile([300, 500], (count, 1)),
        pictures=tuple(f"streets/picture {i // 2:06d}.png" for i in range(count)),
    )


def row(name: str, objects: int, half: float = 0.6, seven: float = 0.4) -> CoverageRow:
    """A row of coverage."""
    return CoverageRow(name, objects, (half, seven), 0.5, 1.25) if objects else CoverageRow(name, 0, (0, 0), 0, 0)


def make_suggestion(how: str, shapes: int, covered: tuple[float, float]) -> Suggestion:
    """A suggestion whose snippets name their library."""
    sizes = tuple((16.0 * (i + 1), 64.0 * (i + 1)) for i in range(shapes))
    snippets = {name: f"{name} = {shapes}  # <b>pasted</b>" for name in ("torchvision", "detectron2", "MMDetection")}
    return Suggestion(how, sizes, (), (), covered, 0.66, 2400 * shapes, snippets)


def make_result(count: int = len(SIZES), num_objects: int | None = None, **others: Any) -> FitResult:
    """Five objects of two classes, two shapes of which one never matches, two suggestions."""
    number = count if num_objects is None else num_objects
    own: dict[str, Any] = {
        **{"source": "wide.json", "format": "COCO JSON", "anchors_name": "paper", "resizing": "600/1000"},
        **{"num_pictures": 3, "num_objects": number, "num_anchors": 4800, "class_names": ("car", "none", "<b>dog</b>")},
        "findings": (
            Finding("have no area", True, 2, ("entry 7", "<i>entry 9</i>")),
            Finding("are crowds", False, 1, ()),
        ),
        "overall": row("all", number, 0.6, 0.4),
        "by_size": (row("small", 2, 0.5, 0.25), row("medium", number - 2 if number > 2 else 0), row("large", 0)),
        "by_network_size": (row("below 64 px", 3), row("64 px and more", 2)),
        "by_ratio": (row("wide", 4), row("high", 1)),
        "by_class": (row("car", 3), row("<b>dog</b>", 2), row("none", 0)),
        **{"by_best_rule_alone": 3, "unreached": 1, "untouched": 0},
        "shapes": (ShapeRow("128 px, ratio 1", (128, 128), 3, 2), ShapeRow("512 px, ratio 2", (724, 362), 2, 0)),
        "sample": make_sample(count),
        "present_on_half": (0.61, 0.39),
        "suggestions": (
            make_suggestion("k-means with 1 − IoU", 3, (0.9, 0.7)),
            make_suggestion("search over coverage", 4, (0.95, 0.8)),
        ),
        "verdict": "Other anchors would help: 4 shapes cover 80 %.",
    }
    return FitResult(**{**own, **others})
