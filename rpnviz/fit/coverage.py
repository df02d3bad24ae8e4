"""How well anchors cover objects, gathered batch by batch: memory does not grow with their number.

Shapes: n objects of a batch, A shapes of all maps, G groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rpnviz.fit.anchor_sets import AnchorSet
from rpnviz.fit.annotations import Batch
from rpnviz.fit.lattice import count_reaching, find_best
from rpnviz.fit.resizing import Resizing
from rpnviz.fit.result import IOU_THRESHOLDS, CoverageRow, ShapeRow

POSITIVE, BACKGROUND = 0.7, 0.3  # the paper's thresholds
AREAS = (0, 32**2, 96**2, np.inf)  # COCO's small, medium and large
AREA_NAMES = ("small: below 32² px of the picture", "medium: below 96² px", "large")
SIDES = (0, 8, 16, 32, 64, 128, 256, 512, np.inf)
RATIOS = (0, 1 / 3, 2 / 3, 3 / 2, 3, np.inf)
RATIO_NAMES = ("height/width below 1/3", "1/3 to 2/3", "2/3 to 3/2", "3/2 to 3", "above 3")
SIDE_NAMES = ("√area below 8 px", *(f"{low} to {2 * low} px" for low in SIDES[1:-2]), "512 px and more")


@dataclass(frozen=True, eq=False)
class Resized:
    """Objects as the network sees them: boxes Tensor[n, 4], float64, px of its input; input_sizes Tensor[n, 2]."""

    boxes: Tensor
    input_sizes: Tensor

    @property
    def sizes(self) -> Tensor:
        """Tensor[n, 2]: (height, width)."""
        return (self.boxes[:, 2:] - self.boxes[:, :2]).flip(1)


@dataclass(frozen=True, eq=False)
class Compared:
    """What anchors reach: ious Tensor[n, A], the best of each shape; positives Tensor[n], how many have 0.7 or more."""

    ious: Tensor
    positives: Tensor


def resize(batch: Batch, resizing: Resizing) -> Resized:
    """Resize pictures with their objects."""
    sizes = torch.from_numpy(batch.image_sizes)
    factors, corners, input_sizes = resizing.apply(sizes)
    boxes = torch.from_numpy(batch.boxes) * factors.flip(1).repeat(1, 2) + corners.flip(1).repeat(1, 2)
    return Resized(boxes, input_sizes)


def compare(objects: Resized, anchors: AnchorSet, count: bool = True) -> Compared:
    """Compare objects with all anchors; with `count`, say how many are positive."""
    ious, positives = [], torch.zeros(len(objects.boxes), dtype=torch.int64)
    for lattice in anchors.lattices:
        if not len(lattice.cells):
            continue
        inside = objects.input_sizes if anchors.inside_only else None
        best = find_best(objects.boxes, lattice, *anchors.maps(lattice, objects.input_sizes), inside)
        ious.append(best.ious)
        if count:
            positives += count_reaching(objects.boxes, lattice, best, POSITIVE)
    return Compared(torch.cat(ious, dim=1), positives)


class Tally:
    """Sums over the objects of each group."""

    def __init__(self, groups: int) -> None:
        """Begin with nothing in any group."""
        self._sums = np.zeros((groups, 5))

    def add(self, group_of: npt.NDArray[np.int64], ious: npt.NDArray[np.float64], positives: Tensor) -> None:
        """Add objects: their groups, the IoUs of their best anchors, how many positive anchors they have."""
        most = int(group_of.max(initial=-1)) + 1
        if most > len(self._sums):  # a class that has not been seen before
            self._sums = np.pad(self._sums, ((0, most - len(self._sums)), (0, 0)))
        columns = [np.ones(len(ious)), *(ious >= thresh for thresh in IOU_THRESHOLDS), ious, positives.numpy()]
        for i, values in enumerate(columns):
            self._sums[:, i] += np.bincount(group_of, values, minlength=len(self._sums))

    def rows(self, names: Sequence[str]) -> tuple[CoverageRow, ...]:
        """One row a group."""
        found = []
        for name, (objects, *sums) in zip(names, self._sums.tolist(), strict=False):
            half, seven, iou, positives = (value / max(objects, 1) for value in sums)
            found.append(CoverageRow(name, int(objects), (half, seven), iou, positives))
        return tuple(found)


class Coverage:
    """All that is counted over a data set."""

    def __init__(self, anchors: AnchorSet) -> None:
        """Begin with no object; `anchors` are asked about."""
        self._anchors = anchors
        self._all, self._classes = Tally(1), Tally(0)
        self._areas, self._sides = Tally(len(AREA_NAMES)), Tally(len(SIDE_NAMES))
        self._ratios = Tally(len(RATIO_NAMES))
        self._best_for = np.zeros(len(anchors.shapes), np.int64)
        self._positive_for = np.zeros(len(anchors.shapes), np.int64)
        self.by_best_rule_alone = self.unreached = self.untouched = 0
        self._input_sizes = Counter[tuple[int, int]]()

    def add(self, batch: Batch, objects: Resized, compared: Compared) -> None:
        """Count a batch in."""
        best, shapes = (part.numpy() for part in compared.ious.max(dim=1))
        height, width = objects.sizes.numpy().T
        own = batch.boxes[:, 2:] - batch.boxes[:, :2]
        for tally, group_of in (
            (self._all, np.zeros(len(best), np.int64)),
            (self._classes, batch.classes),
            (self._areas, np.digitize(own.prod(axis=1), AREAS[1:])),
            (self._sides, np.digitize(np.sqrt(height * width), SIDES[1:])),
            (self._ratios, np.digitize(height / width, RATIOS[1:])),
        ):
            tally.add(group_of, best, compared.positives)
        self._best_for += np.bincount(shapes[best > 0], minlength=len(self._best_for))
        self._positive_for += (compared.ious >= POSITIVE).sum(dim=0).numpy()
        self.by_best_rule_alone += int(((best > 0) & (best < POSITIVE)).sum())
        self.untouched += int((best == 0).sum())
        self.unreached += int((best < BACKGROUND).sum())
        self._input_sizes.update(map(tuple, objects.input_sizes.tolist()))

    @property
    def usual_size(self) -> tuple[int, int]:
        """(H, W) of the network's input that most objects are seen in; 600×1000 if there are none."""
        return self._input_sizes.most_common(1)[0][0] if self._input_sizes else (600, 1000)

    def overall(self) -> CoverageRow:
        """All objects."""
        return self._all.rows(["all"])[0]

    def groups(self, class_names: Sequence[str]) -> dict[str, tuple[CoverageRow, ...]]:
        """The rows by_size, by_network_size, by_ratio and by_class of a FitResult."""
        by_class = sorted(self._classes.rows(class_names), key=lambda row: -row.objects)
        return {
            "by_size": self._areas.rows(AREA_NAMES),
            "by_network_size": self._sides.rows(SIDE_NAMES),
            "by_ratio": self._ratios.rows(RATIO_NAMES),
            "by_class": tuple(by_class),
        }

    def shapes(self) -> tuple[ShapeRow, ...]:
        """What each shape is good for."""
        sizes = self._anchors.shapes.tolist()
        counts = zip(self._best_for.tolist(), self._positive_for.tolist(), strict=True)
        named = zip(self._anchors.shape_names, sizes, counts, strict=True)
        return tuple(ShapeRow(name, (height, width), *both) for name, (height, width), both in named)
