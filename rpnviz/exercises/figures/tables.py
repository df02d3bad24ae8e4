"""Tables of numbers in the picture of a failing case, with those that differ marked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from rpnviz.exercises.compare import wrong_entries
from rpnviz.exercises.exercise import Case
from rpnviz.exercises.figures.panels import INK, bare, title
from rpnviz.exercises.formatting import in_words
from rpnviz.figures.palette import MARKS, PALETTE

MOST = 12  # rows and columns that are shown
HIGH = 0.28  # inches of a row
PAPER = PALETTE["ground_truth"]
SHADE, WRONG, RIGHT = (PALETTE["crosses_border"], 0.25), (MARKS["fails"], 0.25), (MARKS["right"], 0.25)
_TEXT: dict[str, Any] = {"color": INK, "parse_math": False, "va": "top"}


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
        bare(ax)
        table, marked = as_table(self.values), None if self.marked is None else as_table(self.marked)
        if table is None:
            ax.text(0.02, 0.15, textwrap.fill(in_words(self.values), int(14 * ax.get_xlim()[1])), fontsize=9, **_TEXT)
            return
        names = list(self.rows) if len(self.rows) >= len(table) else [str(row) for row in range(len(table))]
        left = 0.1 + 0.075 * max(map(len, names))  # inches
        rows, columns = self._shown(ax, table)
        cell = min(0.62, (ax.get_xlim()[1] - left - 0.1) / columns)
        for row in range(rows):
            for col in range(columns):
                is_marked = marked is not None and marked.shape == table.shape and bool(marked[row, col])
                self._cell(ax, (left + col * cell, 0.22 + row * HIGH), cell, float(table[row, col]), is_marked)
        self._margins(ax, table, names, left, cell)

    def _shown(self, ax: Axes, table: Tensor) -> tuple[int, int]:
        """How many rows and columns there is room for."""
        room = int((ax.get_ylim()[0] - 0.2) / HIGH)  # names above and a line below take one more
        return min(len(table), MOST, room if len(table) <= room else room - 1), min(table.shape[1], MOST)

    def _cell(self, ax: Axes, at: tuple[float, float], wide: float, value: float, marked: bool) -> None:
        tint, frame = (RIGHT, MARKS["right"]) if self.right else (WRONG, MARKS["fails"])
        ax.add_patch(Rectangle(at, wide, HIGH, facecolor=tint if marked else SHADE, edgecolor=PAPER, linewidth=1.5))
        if marked:
            inner = (at[0] + 0.02, at[1] + 0.02), wide - 0.04, HIGH - 0.04
            ax.add_patch(Rectangle(*inner, fill=False, edgecolor=frame, linewidth=1.8))
        look = {**_TEXT, "ha": "center", "va": "center", "fontweight": "bold" if marked else "normal"}
        ax.text(at[0] + wide / 2, at[1] + HIGH / 2, short(value), fontsize=8 if wide > 0.45 else 7, **look)

    def _margins(self, ax: Axes, table: Tensor, names: list[str], left: float, cell: float) -> None:
        look: dict[str, Any] = {**_TEXT, "fontsize": 7.5, "va": "center"}
        rows, columns = self._shown(ax, table)
        for row in range(rows):
            ax.text(left - 0.06, 0.22 + (row + 0.5) * HIGH, names[row], **{**look, "ha": "right"})
        for col in range(columns):
            name = self.columns[col] if len(self.columns) >= table.shape[1] else str(col)
            ax.text(left + (col + 0.5) * cell, 0.12, name, **{**look, "ha": "center"})
        if len(table) > rows:
            ax.text(left, 0.22 + rows * HIGH + 0.12, f"… {len(table)} rows in all", **look)
        if table.shape[1] > columns:
            ax.text(left + columns * cell + 0.03, 0.12, "…", **look)


def as_table(values: Any) -> Tensor | None:
    """Rows and columns of a value; None if it is not a table of numbers. A flat one is a column."""
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
    if value == round(value) and abs(value) < 1e5:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.2g}"


def got_and_wanted(case: Case, tolerance: float, **look: Any) -> list[Table]:
    """Two tables side by side, what came out and what should, with the numbers that differ marked."""
    return tables(case.got, case.wanted, tolerance, case.raised, **look)


def tables(got: Any, wanted: Any, tolerance: float, raised: bool = False, **look: Any) -> list[Table]:
    """As `got_and_wanted`, for a part of the result."""
    marked = differing(got, wanted, tolerance)
    right = Table("right result", wanted, marked, right=True, **look)
    return [right] if raised else [Table("your result", got, marked, **look), right]


def differing(got: Any, wanted: Any, tolerance: float) -> Tensor | None:
    """Which numbers differ; None where two values cannot be compared number by number."""
    if not all(isinstance(one, (Tensor, int, float)) for one in (got, wanted)):
        return None
    a, b = torch.as_tensor(got), torch.as_tensor(wanted)
    return None if a.shape != b.shape or a.dtype.is_complex else wrong_entries(a, b, tolerance)
