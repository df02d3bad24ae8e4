"""The still picture of notebook 02: the window with its numbers.

Shapes: A anchors of a cell, C = 512 channels, h × w feature map, H × W picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rpnviz.figures.maps import WINDOW_LINES, set_title, show_heat, show_map
from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, draw_box, legend, new_still, show_picture
from rpnviz.grid import Grid


@dataclass(frozen=True)
class WindowState:
    """What notebook 02's explorer shows at one moment.

    Args:
        image (uint8 [H, W, 3]): the picture.
        grid (Grid): how the feature map lies on it.
        row: of the cell under the window's centre.
        col: of the cell under the window's centre.
        feature_map (Tensor[h, w]): the map shown.
        map_name: what it is, e.g. "channel 17".
        patch (Tensor[C, 3, 3]): what the window covers.
        vector (Tensor[C]): what the 3×3 convolution and its ReLU make of it.
        objectness (Tensor[A]): logits at the cell.
        deltas (Tensor[A, 4]): (dx, dy, dw, dh) at the cell.
        anchor_names (list[str], A entries): e.g. "182×90".
    """

    image: npt.NDArray[np.uint8]
    grid: Grid
    row: int
    col: int
    feature_map: Tensor
    map_name: str
    patch: Tensor
    vector: Tensor
    objectness: Tensor
    deltas: Tensor
    anchor_names: list[str]


def window_figure(state: WindowState) -> Still:
    """Draw the window's way from 3×3×512 numbers to one vector, nine logits and 36 deltas."""
    where = f"Row {state.row}, column {state.col}"
    figure = new_still(11.5, 6.4, f"{where}: 3×3×512 numbers become one 512-vector, 9 logits and 36 deltas.")
    left, right = figure.add_axes((0.01, 0.5, 0.42, 0.4)), figure.add_axes((0.45, 0.44, 0.54, 0.49))
    show_map(left, state.feature_map, state.row, state.col)
    set_title(left, f"feature map: {state.map_name}")
    show_picture(right, state.image)
    draw_box(right, state.grid.receptive_field(state.row, state.col), "receptive_field")
    draw_box(right, state.grid.footprint(state.row, state.col), "window")
    legend(figure, WINDOW_LINES, 1, (0.01, 0.48))
    panels = [
        figure.add_axes((x, 0.04, width, 0.3)) for x, width in ((0.01, 0.3), (0.34, 0.24), (0.68, 0.12), (0.86, 0.13))
    ]
    show_heat(panels[0], _tiles(state.patch), "3×3×512: what the window covers")
    show_heat(panels[1], state.vector.reshape(16, -1), "→ 3×3 convolution, ReLU → 512-vector")
    panels[2].barh(range(len(state.objectness)), state.objectness.tolist(), color=PALETTE["proposal"])
    panels[2].set_yticks(range(len(state.anchor_names)), state.anchor_names, fontsize=7)
    panels[2].invert_yaxis()
    panels[2].tick_params(axis="x", labelsize=7)
    set_title(panels[2], "→ 9 logits")
    show_heat(panels[3], state.deltas, "→ 36 deltas", "coolwarm")
    panels[3].set_xticks(range(4), ["dx", "dy", "dw", "dh"], fontsize=7)
    return figure


def _tiles(patch: Tensor) -> Tensor:
    """[C, 3, 3] as one sheet: 16 rows of little 3×3 tiles, one for each channel."""
    return patch.reshape(16, -1, 3, 3).permute(0, 2, 1, 3).reshape(48, -1)
