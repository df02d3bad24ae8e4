"""The still picture of one layer: what a unit sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox
from torch import Tensor

from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, draw_box, legend, new_still, show_picture


def layer_figure(
    image: npt.NDArray[np.uint8],
    shown: Tensor,
    map_name: str,
    unit: Sequence[float],
    fields: Sequence[Sequence[float]],
    table: Sequence[Sequence[str]],
    current: int,
    sentence: str,
) -> Still:
    """Draw one layer: its map with a unit, on the picture what the unit sees, and the way there as a table.

    Args:
        image (uint8 [H, W, 3]): the picture.
        shown (Tensor[h', w']): the map at the size it is shown in.
        map_name: e.g. "conv3_2, channel 7".
        unit: xyxy of the unit on `shown`.
        fields: xyxy in picture px of what the unit at this place sees, layer after layer; the last one stands out.
        table: rows of words, the first the heads; the first column names the rows.
        current: which column of the table, after the names, is this layer.
        sentence: the title.
    """
    figure = new_still(11.5, 5.7, sentence)
    left, right = figure.add_axes((0.01, 0.36, 0.44, 0.52)), figure.add_axes((0.46, 0.3, 0.53, 0.64))
    height, width = shown.shape
    left.imshow(shown.numpy(), cmap="magma", extent=(0, width, height, 0), interpolation="nearest")
    left.set(xticks=[], yticks=[])
    left.set_title(map_name, fontsize=9, loc="left", parse_math=False)
    x, y = (unit[0] + unit[2]) / 2, (unit[1] + unit[3]) / 2
    left.plot([x], [y], "o", markersize=4, color=PALETTE["window"], markeredgecolor=PALETTE["casing"])
    draw_box(left, unit, "window")
    show_picture(right, image)
    for field in fields[:-1]:
        corner, wide, high = (field[0], field[1]), field[2] - field[0], field[3] - field[1]
        right.add_patch(Rectangle(corner, wide, high, fill=False, ec=PALETTE["receptive_field"], lw=0.7, alpha=0.8))
    draw_box(right, fields[-1], "receptive_field")
    legend(figure, [("window", "one unit"), ("receptive_field", "all that it sees")], 2, (0.01, 0.35))
    _table(figure.add_axes((0.01, 0.01, 0.98, 0.26)), table, current)
    return figure


def _table(ax: Axes, table: Sequence[Sequence[str]], current: int) -> None:
    ax.set_axis_off()
    columns = len(table[0]) - 1
    drawn = ax.table(
        cellText=[list(row) for row in table], cellLoc="center", bbox=Bbox.unit(),
        colWidths=[0.1, *[0.9 / columns] * columns],
    )  # fmt: skip
    drawn.auto_set_font_size(False)
    for (row, column), cell in drawn.get_celld().items():
        cell.set(linewidth=0.3, edgecolor="0.6", facecolor="0.85" if column == current + 1 else "white")
        cell.PAD = 0.02
        cell.set_fontsize(7)
        cell.get_text().set_fontweight("bold" if row == 0 or column == current + 1 else "normal")
