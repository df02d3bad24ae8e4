"""The minibatch of one training step: objects, label rules, seed, batch size and positive fraction (notebook 05)."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.explorers.common.anchor_map_figure import labels_figure, middles
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.labelled import HasAnchorMap
from rpnviz.explorers.common.payload import label_codes
from rpnviz.explorers.common.sampled import HasMinibatch
from rpnviz.explorers.common.taken import AnyPicture, take_picture
from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import draw_box
from rpnviz.grid import Grid


def ring(ax: Axes, x: Tensor, y: Tensor) -> None:
    """Mark sampled negatives, as the page does: rings with a dark casing."""
    for colour, width in ((PALETTE["casing"], 2.2), (PALETTE["negative"], 1.1)):
        ax.scatter(x, y, s=16, facecolors="none", edgecolors=colour, linewidths=width, zorder=2)


class MinibatchExplorer(HasMinibatch, HasAnchorMap, RpnvizWidget):
    """The anchors that are drawn for the loss: on the map, on the picture, and counted.

    Args:
        picture: name of a bundled picture, a `Picture`, or an array, which is fitted into 600×1000.
        grid: "paper", "floor" or "ceil".
    """

    presented = "selected"
    view = "minibatch/view.js"
    sheets = ("common/labels.css",)

    def __init__(self, picture: AnyPicture = "street-03", grid: str = "paper") -> None:
        """Label and draw with the paper's numbers."""
        picture = take_picture(picture)
        self.grid_name = Grid.named(grid, picture.image_size).name
        super().__init__()
        self.show_picture(picture)
        self.start_answering()
        drawn = torch.cat(self.sampled)
        self.selected = int(drawn[0]) if len(drawn) else 0

    def figure(self) -> Figure:
        """Draw the sample: dots and rings on the map; on the picture positives as boxes, negatives as rings."""
        codes = label_codes(self.found)
        figure, left, right = labels_figure(self.picture, self.grid, self.per_cell, codes, self.describe(), 0.35)
        negatives = self.anchors[self.sampled_neg_inds]
        dots: dict[str, Any] = {"s": 14, "linewidths": 0.6, "edgecolors": PALETTE["casing"], "zorder": 3}
        centres = (negatives[:, :2] + negatives[:, 2:]) / 2
        ring(right, *centres.T)
        for box in self.anchors[self.sampled_pos_inds]:
            draw_box(right, box, "positive")
        ring(left, *middles(self.sampled_neg_inds, self.grid, self.per_cell))
        positives = middles(self.sampled_pos_inds, self.grid, self.per_cell)
        left.scatter(*positives, color=PALETTE["positive"], **dots)
        return figure

    def describe(self) -> str:
        """Say how many anchors there are and how many were drawn."""
        drawn = f"{len(self.sampled_pos_inds)} positive + {len(self.sampled_neg_inds)} negative"
        there = f"{self.counts['positive']:,} positive and {self.counts['negative']:,} negative"
        return f"Minibatch, seed {self.seed}: {drawn} anchors, out of {there}."
