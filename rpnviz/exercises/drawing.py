"""Draw a failing case: boxes to scale, tables of numbers with the wrong ones marked. Colours and lines are `draw`'s.

A figure is a row of panels, each a small object that knows how wide it wants to be and how to draw itself.
"""

from __future__ import annotations

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

WIDTH = 9.2  # inches of 100 px: what a notebook's column holds
MOST = 8  # rows and columns of a table that are shown
INK, PAPER, SHADE, WRONG = "#10131A", "#FFFFFF", "#F3F4F7", "#FFE0D6"


class Panel(Protocol):
    """A part of the figure."""

    wide: float

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
        ax = figure.add_axes((left + 0.012, 0.03, share - 0.024, 1 - 0.72 / height))
        panel.draw(ax)
        left += share
    return figure


def _title(ax: Axes, title: str) -> None:
    ax.set_title(title, fontsize=9, loc="left", color=INK, parse_math=False)


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

    def draw(self, ax: Axes) -> None:
        """Draw it."""
        _title(ax, self.title)
        ax.set(facecolor="#5A6070")
        ax.tick_params(labelsize=7, length=2, direction="in", pad=-11, colors="#FFFFFF")
        ax.tick_params(axis="x", labeltop=True, labelbottom=False, top=True, bottom=False, pad=-11)
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
        """Names at the corners; those of one corner stand in one tag, so that none covers another."""
        at: dict[tuple[float, float], list[str]] = {}
        for box, _, name in self.boxes:
            if name:
                at.setdefault((round(float(box[0]), 3), round(float(box[1]), 3)), []).append(name)
        for (x, y), names in at.items():
            draw_name(ax, x, y, ", ".join(names))


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
    """A table of numbers; wrong ones stand on a tinted cell with a frame.

    Attributes:
        title: above it.
        values: Tensor of at most two dimensions, or a list; a flat one becomes a column, or a row if `flat`.
        wrong: BoolTensor of the same shape; None marks nothing.
        rows, columns: names; by default numbers.
    """

    title: str
    values: Any
    wrong: Tensor | None = None
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    flat: bool = False
    wide: float = 1.0

    def draw(self, ax: Axes) -> None:
        """Draw it."""
        _title(ax, self.title)
        ax.set(xticks=[], yticks=[])
        for side in ax.spines.values():
            side.set_visible(False)
        table = self._as_table(self.values)
        if table is None:
            ax.text(0, 1, _words(self.values), fontsize=9, va="top", transform=ax.transAxes, parse_math=False, wrap=True)
            return
        wrong = None if self.wrong is None else self._as_table(self.wrong)
        h, w = min(table.shape[0], MOST), min(table.shape[1], MOST)
        ax.set(xlim=(-0.75, max(w, 3) + 0.45), ylim=(max(h, 4) + 0.45, -0.75))
        for row in range(h):
            for col in range(w):
                marked = wrong is not None and wrong.shape == table.shape and bool(wrong[row, col])
                _cell(ax, row, col, float(table[row, col]), marked)
        self._margins(ax, table, h, w)

    def _margins(self, ax: Axes, table: Tensor, h: int, w: int) -> None:
        look: dict[str, Any] = {"fontsize": 7.5, "color": "#5A6070", "parse_math": False, "va": "center"}
        for row in range(h):
            ax.text(-0.08, row + 0.5, self.rows[row] if self.rows else str(row), ha="right", **look)
        for col in range(w):
            ax.text(col + 0.5, -0.2, self.columns[col] if self.columns else str(col), ha="center", **look)
        if table.shape[0] > h:
            ax.text(0, h + 0.25, f"… {table.shape[0]} rows in all", ha="left", **look)
        if table.shape[1] > w:
            ax.text(w + 0.08, 0.5, "…", ha="left", **look)

    def _as_table(self, values: Any) -> Tensor | None:
        try:
            tensor = torch.as_tensor(values)
        except (TypeError, ValueError, RuntimeError):
            return None
        if tensor.dtype.is_complex or tensor.ndim > 2 or tensor.numel() == 0:
            return None
        if tensor.ndim < 2:
            return tensor.reshape(1, -1) if self.flat else tensor.reshape(-1, 1)
        return tensor


def _cell(ax: Axes, row: int, col: int, value: float, wrong: bool) -> None:
    look: dict[str, Any] = {"facecolor": WRONG if wrong else SHADE, "edgecolor": PAPER, "linewidth": 1.5}
    ax.add_patch(Rectangle((col, row), 1, 1, **look))
    if wrong:
        ax.add_patch(
            Rectangle((col + 0.05, row + 0.08), 0.9, 0.84, fill=False, edgecolor=PALETTE["negative"], linewidth=1.6)
        )
    weight = "bold" if wrong else "normal"
    ax.text(col + 0.5, row + 0.5, short(value), fontsize=8, ha="center", va="center", color=INK, fontweight=weight)


def short(value: float) -> str:
    """A number in at most six or so characters."""
    if value != value or abs(value) == float("inf"):
        return str(value)
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e5 else f"{value:.3g}"


def _words(value: Any) -> str:
    from rpnviz.exercises.result import in_words

    return in_words(value)


def got_and_wanted(
    got: Any, wanted: Any, tolerance: float, raised: bool = False, **look: Any
) -> list[Panel]:
    """Two tables side by side, what came out and what should, with the wrong numbers marked; one if nothing came out."""
    from rpnviz.exercises.compare import wrong_entries

    tables: list[Panel] = [] if raised else [Table("your result", got, None, **look)]
    tables.append(Table("right result", wanted, None, **look))
    if isinstance(got, Tensor) and isinstance(wanted, Tensor) and got.shape == wanted.shape and not got.dtype.is_complex:
        for table in tables:
            assert isinstance(table, Table)
            table.wrong = wrong_entries(got, wanted, tolerance)
    return tables
