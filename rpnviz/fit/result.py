"""What comes out: one frozen `FitResult`, handed to the table on the console, to JSON and CSV, and to the view.

Sizes of objects are px of the network's input, after resizing, unless a name says "of the picture".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IOU_THRESHOLDS = (0.5, 0.7)  # what counts as covered


@dataclass(frozen=True)
class Finding:
    """Something about the annotations that whoever trains with them should know.

    Attributes:
        what (str): a clause, e.g. "have no area".
        left_out (bool): whether these objects are left out of all that follows.
        count (int): how many.
        examples (tuple[str, ...]): where the first of them stand.
    """

    what: str
    left_out: bool
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class CoverageRow:
    """How well the anchors cover a group of objects.

    Attributes:
        name (str): e.g. "small, below 32² px of the picture", or the name of a class.
        objects (int): how many there are; the rest is 0 if there are none.
        covered (tuple[float, float]): share of them whose best anchor has an IoU of at least each of IOU_THRESHOLDS.
        mean_iou (float): of the best anchors.
        positives (float): anchors with an IoU of at least 0.7, for an object, on average.
    """

    name: str
    objects: int
    covered: tuple[float, float]
    mean_iou: float
    positives: float


@dataclass(frozen=True)
class ShapeRow:
    """What one shape of anchor is good for.

    Attributes:
        name (str): e.g. "128 px, ratio 0.5".
        size (tuple[float, float]): (height, width).
        best_for (int): of how many objects it is the best.
        positive_for (int): to how many objects one of its anchors has an IoU of at least 0.7.
    """

    name: str
    size: tuple[float, float]
    best_for: int
    positive_for: int


@dataclass(frozen=True, eq=False)
class Sample:
    """Some of the objects, drawn evenly, for pictures; all of them if they are few. S objects.

    Attributes:
        sizes (float64 [S, 2]): (height, width).
        ious (float64 [S]): of the best anchor.
        best_shapes (int64 [S]): the row of that anchor in `FitResult.shapes`.
        classes (int64 [S]): places in `FitResult.class_names`.
        boxes (float64 [S, 4]): xyxy, px of the picture.
        image_sizes (int64 [S, 2]): (H, W) of the picture.
        pictures (tuple[str, ...]): the pictures' files, as the annotations name them: text, never markup.
    """

    sizes: npt.NDArray[np.float64]
    ious: npt.NDArray[np.float64]
    best_shapes: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    image_sizes: npt.NDArray[np.int64]
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class Suggestion:
    """Other anchors, found on one half of the pictures and judged on the other.

    Attributes:
        how (str): "k-means with 1 − IoU" or "search over coverage".
        shapes (tuple[tuple[float, float], ...]): (height, width) of each of the k.
        scales, aspect_ratios (tuple[float, ...]): what makes them, where scales × ratios do; else empty.
        covered (tuple[float, float]): share of the other half at IOU_THRESHOLDS.
        mean_iou (float): over the other half.
        anchors (int): how many a picture of the most frequent size then has.
        snippets (dict[str, str]): "torchvision", "detectron2", "MMDetection": settings to paste.
    """

    how: str
    shapes: tuple[tuple[float, float], ...]
    scales: tuple[float, ...]
    aspect_ratios: tuple[float, ...]
    covered: tuple[float, float]
    mean_iou: float
    anchors: int
    snippets: dict[str, str]


@dataclass(frozen=True, eq=False)
class FitResult:
    """Do these anchors fit these objects?

    Attributes:
        source (str): name of the file or folder that was read.
        format (str): "COCO JSON", "Pascal VOC", "YOLO" or "rpnviz JSON".
        anchors_name (str): e.g. "paper"; resizing (str): e.g. "600/1000".
        num_pictures, num_objects (int): what was read, without what was left out.
        num_anchors (int): how many a picture of the most frequent size has.
        class_names (tuple[str, ...]): text, never markup.
        findings (tuple[Finding, ...]): what is odd about the annotations.
        overall (CoverageRow): all objects.
        by_size, by_network_size, by_ratio, by_class (tuple[CoverageRow, ...]): COCO's three sizes, px of the picture;
            √area in the network's input; height / width; class, the largest first.
        by_best_rule_alone (int): objects that anchors overlap, but none with 0.7: without the best-per-object rule
            nobody would answer for them.
        unreached (int): objects that no anchor reaches with 0.3 even.
        untouched (int): objects that no anchor overlaps at all; no rule finds an anchor for these.
        shapes (tuple[ShapeRow, ...]): each shape of anchor.
        sample (Sample): objects for pictures.
        present_on_half (tuple[float, float]): the present anchors on the half on which suggestions are judged.
        suggestions (tuple[Suggestion, ...]): fewest anchors first.
        verdict (str): one or two sentences: whether the present anchors are good enough, and what would help.
    """

    source: str
    format: str
    anchors_name: str
    resizing: str
    num_pictures: int
    num_objects: int
    num_anchors: int
    class_names: tuple[str, ...]
    findings: tuple[Finding, ...]
    overall: CoverageRow
    by_size: tuple[CoverageRow, ...]
    by_network_size: tuple[CoverageRow, ...]
    by_ratio: tuple[CoverageRow, ...]
    by_class: tuple[CoverageRow, ...]
    by_best_rule_alone: int
    unreached: int
    untouched: int
    shapes: tuple[ShapeRow, ...]
    sample: Sample
    present_on_half: tuple[float, float]
    suggestions: tuple[Suggestion, ...]
    verdict: str
