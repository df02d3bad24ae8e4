"""The still picture of RoI pooling and RoIAlign of one box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from torch import Tensor

from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, draw_box, line_of, new_still, show_picture

AROUND = 1.5  # cells shown round the box


@dataclass(frozen=True)
class RoIState:
    """What notebook 09's explorer shows at one moment.

    Args:
        image (uint8 [H, W, 3]): the picture.
        box (Tensor[4]), rectangle (Tensor[4]): the box and what RoI pooling takes instead, px of the picture.
        feature_map (Tensor[h, w]), map_name (str), value_range ((low, high)): the channel, and black and white of it.
        box_in_cells (Tensor[4]), rectangle_in_cells (Tensor[4]): both on the map.
        chosen_cells (Tensor[4]), chosen_bin (Tensor[4]): the bin that stands out: whole cells, and as RoIAlign has it.
        points (Tensor[K, 2]): (x, y) of all sampling points, in cells.
        pooled (Tensor[oh, ow]), aligned (Tensor[oh, ow]): both outputs.
        bin (row, col): the bin that stands out.
    """

    image: npt.NDArray[np.uint8]
    box: Tensor
    rectangle: Tensor
    feature_map: Tensor
    map_name: str
    value_range: tuple[float, float]
    box_in_cells: Tensor
    rectangle_in_cells: Tensor
    chosen_cells: Tensor
    chosen_bin: Tensor
    points: Tensor
    pooled: Tensor
    aligned: Tensor
    bin: tuple[int, int]


def roi_figure(state: RoIState, sentence: str) -> Still:
    """Draw the explorer as it stands: picture, RoI pooling with its output, RoIAlign with its output."""
    figure = new_still(11.5, 5.6, sentence)
    picture = figure.add_axes((0.01, 0.3, 0.32, 0.6))
    show_picture(picture, state.image, margin=0)
    for box, style in ((state.box, "proposal"), (state.rectangle, "whole_cells")):
        draw_box(picture, box, style)
    _title(picture, "picture")
    handles = [picture.plot([], [], **line_of(style))[0] for style in ("proposal", "whole_cells", "window")]  # type: ignore[arg-type]
    words = ["the box: RoIAlign", "whole cells: RoI pooling", "bin that stands out"]
    figure.legend(handles, words, loc="upper left", bbox_to_anchor=(0.01, 0.33), fontsize=9, frameon=False)
    for left, pooling, output in ((0.35, True, state.pooled), (0.68, False, state.aligned)):
        _map(figure.add_axes((left, 0.42, 0.31, 0.48)), state, pooling)
        values = figure.add_axes((left, 0.02, 0.31, 0.34))
        _brightness(values, output, state.value_range, (0, 0, output.shape[1], output.shape[0]))
        row, col = state.bin
        draw_box(values, (col, row, col + 1, row + 1), "window")
        _title(values, f"→ {output.shape[0]}×{output.shape[1]}, bin ({row}, {col}): {output[row, col]:.3f}")
    return figure


def _map(ax: Axes, state: RoIState, pooling: bool) -> None:
    height, width = state.feature_map.shape
    _brightness(ax, state.feature_map, state.value_range, (0, 0, width, height))
    x1, y1, x2, y2 = state.box_in_cells.tolist()
    ax.set(xlim=(x1 - AROUND, x2 + AROUND), ylim=(y2 + AROUND, y1 - AROUND))
    if pooling:
        draw_box(ax, state.rectangle_in_cells, "whole_cells")
    else:
        x, y = state.points.T
        ax.scatter(x, y, s=5, color=PALETTE["window"], edgecolors=PALETTE["casing"], linewidths=0.4)
    draw_box(ax, state.box_in_cells, "proposal")
    draw_box(ax, state.chosen_cells if pooling else state.chosen_bin, "window")
    _title(ax, f"{'RoI pooling' if pooling else 'RoIAlign'}, {state.map_name}")


def _brightness(ax: Axes, values: Tensor, value_range: tuple[float, float], extent: Sequence[float]) -> None:
    """Show values as the page does: the root of their share of the channel's range."""
    low, high = value_range
    shares = ((values - low) / (high - low)).clamp(0, 1).sqrt()
    x1, y1, x2, y2 = extent
    ax.imshow(shares.numpy(), cmap="magma", extent=(x1, x2, y2, y1), interpolation="nearest", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[], facecolor=PALETTE["casing"])


def _title(ax: Axes, words: str) -> None:
    ax.set_title(words, fontsize=9, loc="left", parse_math=False)
