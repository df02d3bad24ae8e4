"""All anchors of a picture by label; objects, thresholds and both rules can be moved (notebook 04)."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from rpnviz.explorers.common.anchor_map_figure import labels_figure, middles
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.labelled import HasAnchorMap
from rpnviz.explorers.common.payload import label_codes, object_names
from rpnviz.explorers.common.taken import AnyPicture, take_picture
from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import draw_box
from rpnviz.grid import Grid


class LabelsExplorer(HasAnchorMap, RpnvizWidget):
    """The labels of all anchors: as a map, on the picture, and counted object by object.

    Args:
        picture: name of a bundled picture, a `Picture`, or an array, which is fitted into 600×1000.
        grid: "paper", "floor" or "ceil".
    """

    presented = "selected"
    view = "labels/view.js"
    sheets = ("common/labels.css",)

    def __init__(self, picture: AnyPicture = "street-03", grid: str = "paper") -> None:
        """Start with the paper's settings, on the anchor that asks for an explanation."""
        picture = take_picture(picture)
        self.grid_name = Grid.named(grid, picture.image_size).name
        super().__init__()
        self.show_picture(picture)
        self.start_answering()
        found = self.found
        self.selected = int(found.iou.where(found.low_quality, 2).argmin())  # the weakest positive

    @property
    def object_rows(self) -> list[dict[str, Any]]:
        """A table row for each object."""
        found, rows = self.found, []
        for m, name in enumerate(object_names(self.picture)):
            own = found.matched_idxs == m
            rows.append(
                {
                    "name": name,
                    "best_iou": float(found.best_iou_per_gt[m]),
                    "tied": int(found.num_tied[m]),
                    "by_threshold": int((own & ~found.low_quality).sum()),
                    "by_rule": int((own & found.low_quality).sum()),
                }
            )
        return rows

    def figure(self) -> Figure:
        """Draw the map, and the positive anchors on the picture."""
        found = self.found
        codes = label_codes(found)
        figure, left, right = labels_figure(self.picture, self.grid, self.per_cell, codes, self.describe())
        positives = (found.labels == 1).nonzero().flatten()
        x, y = middles(positives, self.grid, self.per_cell)
        left.scatter(x, y, s=20, marker="s", color=PALETTE["positive"], edgecolors=PALETTE["casing"], linewidths=0.7)
        for box in self.anchors[positives]:
            draw_box(right, box, "positive")
        return figure

    def describe(self) -> str:
        """Say how many anchors have each label."""
        parts = [f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items()]
        return f"{len(self.anchors):,} anchors: {', '.join(parts)}."
