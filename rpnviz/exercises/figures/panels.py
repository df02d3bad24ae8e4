"""Draw a failing case: panels side by side, boxes to scale in one of them. Colours and lines are the palette's.

A panel is a small object that knows how wide it wants to be and how to draw itself; tables are in `tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from rpnviz.figures.palette import OUTSIDE, PALETTE
from rpnviz.figures.primitives import Still, draw_box, draw_name, new_still

WIDTH = 9.2  # inches of 100 px: what a notebook's column holds
INK, GREY = PALETTE["casing"], PALETTE["crosses_border"]


class Panel(Protocol):
    """A part of the figure."""

    wide: float
    ticks: bool

    def draw(self, ax: Axes) -> None:
        """Draw it."""


def case_figure(panels: Sequence[Panel], height: float = 3.0) -> Still:
    """Put the panels of a failing case side by side, from left to right; `height` in inches."""
    figure = new_still(WIDTH, height, "The smallest input found on which it goes wrong.")
    total, left = sum(panel.wide for panel in panels), 0.0
    for panel in panels:
        share = panel.wide / total
        ticks = 0.022 if panel.ticks else 0.0  # left of the panel
        ax = figure.add_axes((left + 0.012 + ticks, 0.23 / height, share - 0.024 - ticks, 1 - 0.9 / height))
        panel.draw(ax)
        left += share
    return figure


def title(ax: Axes, text: str) -> None:
    """Write a panel's title."""
    ax.set_title(text, fontsize=9, loc="left", color=INK, parse_math=False)


def bare(ax: Axes) -> None:
    """No frame, no ticks, coordinates in inches from the upper left corner."""
    window = ax.get_window_extent()
    ax.set(xticks=[], yticks=[], xlim=(0, window.width / 100), ylim=(window.height / 100, 0))
    ax.set_facecolor("none")
    for side in ax.spines.values():
        side.set_visible(False)


@dataclass
class Boxes:
    """Boxes to scale.

    Attributes:
        title: above them.
        boxes: (xyxy, key of LINE_STYLES, name) each; the name stands at the box's upper left corner.
        points: (x, y, marker) each.
        grid: (h, w) of cells to draw under them, if there is a map.
    """

    title: str
    boxes: list[tuple[Sequence[float], str, str]]
    points: list[tuple[float, float, str]] = field(default_factory=list)
    grid: tuple[int, int] | None = None
    wide: float = 1.0
    ticks: bool = True

    def draw(self, ax: Axes) -> None:
        """Draw it."""
        title(ax, self.title)
        if not self.boxes and self.grid is None:  # an input may be empty
            bare(ax)
            ax.text(0.1, 0.3, "no box", fontsize=9, color=INK, va="top")
            return
        ax.set(facecolor=OUTSIDE)
        ax.tick_params(labelsize=7, length=2, pad=1.5, colors=INK)
        ax.locator_params(nbins=6, min_n_ticks=2, steps=[1, 2, 5, 10])
        self._frame(ax)
        for box, style, _ in self.boxes:
            draw_box(ax, box, style)
        for x, y, marker in self.points:
            ax.plot(x, y, marker, color=PALETTE["window"], markeredgecolor=INK, markersize=6, clip_on=False)
        self._names(ax)

    def _frame(self, ax: Axes) -> None:
        corners = np.array([list(map(float, box)) for box, _, _ in self.boxes]).reshape(-1, 2)
        if self.grid is not None:
            h, w = self.grid
            corners = np.concatenate([corners, [[0, 0], [w, h]]])
            ax.hlines(range(h + 1), 0, w, color=GREY, linewidth=0.6)
            ax.vlines(range(w + 1), 0, h, color=GREY, linewidth=0.6)
        _equal_limits(ax, corners.min(axis=0), corners.max(axis=0))

    def _names(self, ax: Axes) -> None:
        """Names above the corners; where two would overlap, the second stands higher."""
        at: dict[tuple[float, float], list[str]] = {}
        for box, _, name in self.boxes:
            if name:
                at.setdefault((round(float(box[0]), 3), round(float(box[1]), 3)), []).append(name)
        taken: list[tuple[float, float, float]] = []  # left, right, bottom in px
        for corner, names in sorted(at.items()):
            x, y = ax.transData.transform(corner)
            y, right = y + 5, x + 9 + 6.2 * len(", ".join(names))
            while any(x < r and left < right and abs(bottom - y) < 16 for left, r, bottom in taken):
                y += 16
            taken.append((x, right, y))
            at_x, at_y = ax.transData.inverted().transform((x + 3, y))
            draw_name(ax, at_x, at_y, ", ".join(names))


def _equal_limits(ax: Axes, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> None:
    """Show all from low to high (x, y) with room round it, a pixel as wide as it is high."""
    window = ax.get_window_extent()
    size = np.maximum(high - low, 1e-6)
    per_px = max(size[0] / (window.width - 40), size[1] / (window.height - 75))  # room for names, at the top most
    middle = (low + high) / 2 - [0, 22 * per_px]
    half = np.array([window.width, window.height]) * per_px / 2
    ax.set(xlim=(middle[0] - half[0], middle[0] + half[0]), ylim=(middle[1] + half[1], middle[1] - half[1]))
