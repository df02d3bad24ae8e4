"""Draw a failing case: boxes to scale, tables of numbers with the wrong ones marked. Colours and lines are `draw`'s.

A figure is a row of panels, each a small object that knows how wide it wants to be and how to draw itself.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from rpnviz.draw import PALETTE, Still, draw_box, draw_name, new_still
from rpnviz.exercises.compare import wrong_entries
from rpnviz.exercises.exercise import Case
from rpnviz.exercises.words import in_words

WIDTH = 9.2  # inches of 100 px: what a notebook's column holds
MOST = 12  # rows and columns of a table that are shown
HIGH = 0.28  # inches of a table's row
INK, PAPER, SHADE, WRONG, RIGHT = "#10131A", "#FFFFFF", "#E9EBF0", "#FFD5C7", "#C9F0E2"


class Panel(Protocol):
    """A part of the figure."""

    wide: float
    ticks: bool

    def draw(self, ax: Axes) -> None:
        """Draw it."""


def case_figure(sentence: str, panels: Sequence[Panel], height: float = 3.0) -> Still:
    """Put panels side by side under a sentence.

    Args:
        sentence: the title, and the text for those who do not see the figure.
        panels: from left to right.
        height: of the figure, inches.
    """
    figure = new_still(WIDTH, height, sentence)
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
        ax.set(facecolor="#5A6070")
        ax.tick_params(labelsize=7, length=2, pad=1.5, colors="#4A5060")
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
            ax.hlines(range(h + 1), 0, w, color="#8A90A0", linewidth=0.6)
            ax.vlines(range(w + 1), 0, h, color="#8A90A0", linewidth=0.6)
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
            draw_name(ax, *ax.transData.inverted().transform((x + 3, y)), ", ".join(names))


def _equal_limits(ax: Axes, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> None:
    """Show all from low to high (x, y) with room round it, a pixel as wide as it is high."""
    window = ax.get_window_extent()
    size = np.maximum(high - low, 1e-6)
    per_inch = max(size[0] / window.width, size[1] / window.height) * 1.3
    middle = (low + high) / 2 - [0, 0.04 * window.height * per_inch]
    half = np.array([window.width, window.height]) * per_inch / 2
    ax.set(xlim=(middle[0] - half[0], middle[0] + half[0]), ylim=(middle[1] + half[1], middle[1] - half[1]))


@dataclass
class Table:
    """A table of numbers; marked ones stand on a tinted cell with a frame.

    Attributes:
        title: above it.
        values: Tensor of at most two dimensions, or a list; a flat one is a column.
        marked: BoolTensor of the same shape; None marks nothing.
        right: whether marks mean right (green) or wrong.
        rows, columns: names; by default numbers.
        wide: share of the figure's width.
    """

    title: str
    values: Any
    marked: Tensor | None = None
    right: bool = False
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    wide: float = 1.0
    ticks: bool = False

    def draw(self, ax: Axes) -> None:
        """Draw it."""
        title(ax, self.title)
        _bare(ax)
        table, marked = as_table(self.values), None if self.marked is None else as_table(self.marked)
        if table is None:
            ax.text(0.02, 0.15, textwrap.fill(in_words(self.values), int(14 * ax.get_xlim()[1])), fontsize=9, **_TEXT)
            return
        names = list(self.rows) or [str(row) for row in range(len(table))]
        rows, columns = min(len(table), MOST), min(table.shape[1], MOST)
        left = 0.1 + 0.075 * max(map(len, names))  # inches
        cell = min(0.62, (ax.get_xlim()[1] - left - 0.1) / columns)
        for row in range(rows):
            for col in range(columns):
                is_marked = marked is not None and marked.shape == table.shape and bool(marked[row, col])
                self._cell(ax, (left + col * cell, 0.22 + row * HIGH), cell, float(table[row, col]), is_marked)
        self._margins(ax, table, names, left, cell)

    def _cell(self, ax: Axes, at: tuple[float, float], wide: float, value: float, marked: bool) -> None:
        tint, frame = (RIGHT, PALETTE["positive"]) if self.right else (WRONG, PALETTE["negative"])
        ax.add_patch(Rectangle(at, wide, HIGH, facecolor=tint if marked else SHADE, edgecolor=PAPER, linewidth=1.5))
        if marked:
            inner = (at[0] + 0.02, at[1] + 0.02), wide - 0.04, HIGH - 0.04
            ax.add_patch(Rectangle(*inner, fill=False, edgecolor=frame, linewidth=1.8))
        look = {**_TEXT, "ha": "center", "va": "center", "fontweight": "bold" if marked else "normal"}
        ax.text(at[0] + wide / 2, at[1] + HIGH / 2, short(value), fontsize=8 if wide > 0.45 else 7, **look)

    def _margins(self, ax: Axes, table: Tensor, names: list[str], left: float, cell: float) -> None:
        look: dict[str, Any] = {**_TEXT, "fontsize": 7.5, "color": "#4A5060", "va": "center"}
        rows, columns = min(len(table), MOST), min(table.shape[1], MOST)
        for row in range(rows):
            ax.text(left - 0.06, 0.22 + (row + 0.5) * HIGH, names[row], **{**look, "ha": "right"})
        for col in range(columns):
            name = self.columns[col] if self.columns else str(col)
            ax.text(left + (col + 0.5) * cell, 0.12, name, **{**look, "ha": "center"})
        if len(table) > rows:
            ax.text(left, 0.22 + rows * HIGH + 0.12, f"… {len(table)} rows in all", **look)
        if table.shape[1] > columns:
            ax.text(left + columns * cell + 0.03, 0.12, "…", **look)


_TEXT: dict[str, Any] = {"color": INK, "parse_math": False, "va": "top"}


def _bare(ax: Axes) -> None:
    """No frame, no ticks, coordinates in inches from the upper left corner."""
    window = ax.get_window_extent()
    ax.set(xticks=[], yticks=[], xlim=(0, window.width / 100), ylim=(window.height / 100, 0))
    ax.set_facecolor("none")
    for side in ax.spines.values():
        side.set_visible(False)


def as_table(values: Any) -> Tensor | None:
    """Rows and columns of a value; None if it is no table of numbers. A flat one is a column."""
    try:
        tensor = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        return None
    if tensor.dtype.is_complex or tensor.ndim > 2 or tensor.numel() == 0:
        return None
    return tensor if tensor.ndim == 2 else tensor.reshape(-1, 1)


def short(value: float) -> str:
    """A number in at most six or so characters."""
    if value != value or abs(value) == float("inf"):
        return str(value)
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e5 else f"{value:.3g}"


def got_and_wanted(case: Case, tolerance: float, **look: Any) -> list[Panel]:
    """Two tables side by side, what came out and what should, with the numbers that differ marked."""
    return tables(case.got, case.wanted, tolerance, case.raised, **look)


def tables(got: Any, wanted: Any, tolerance: float, raised: bool = False, **look: Any) -> list[Panel]:
    """As `got_and_wanted`, for a part of the result."""
    marked = differing(got, wanted, tolerance)
    right = Table("right result", wanted, marked, right=True, **look)
    return [right] if raised else [Table("your result", got, marked, **look), right]


def differing(got: Any, wanted: Any, tolerance: float) -> Tensor | None:
    """Which numbers differ; None where two values cannot be compared number by number."""
    if not (isinstance(got, Tensor) and isinstance(wanted, Tensor)) or got.shape != wanted.shape:
        return None
    return None if got.dtype.is_complex else wrong_entries(got, wanted, tolerance)
