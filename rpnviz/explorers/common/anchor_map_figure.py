"""The still picture of the explorers of notebooks 04 and 05: the map of all anchors beside the picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Tensor

from rpnviz.explorers.common.payload import LABEL_BITS, LABELS, MAP_STRENGTH, object_names
from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, legend, new_still, show_objects, show_picture
from rpnviz.grid import Grid
from rpnviz.pictures import Picture


def labels_figure(
    picture: Picture, grid: Grid, per_cell: tuple[int, int], codes: Tensor, sentence: str, fade: float = 1
) -> tuple[Still, Axes, Axes]:
    """Draw the map of all anchors by label, beside it the picture with its objects.

    Args:
        picture: the picture and its objects.
        grid: how the feature map lies on it.
        per_cell: how many ratios and scales its anchors have.
        codes (Tensor[N]): from `label_codes`.
        sentence: the title.
        fade: how much of the labels' colours is left, 1 all.

    Returns:
        The figure, the axes of the map (its unit is a cell) and those of the picture (px), to draw on.
    """
    figure = new_still(11.5, 4.6, sentence)
    left, right = figure.add_axes((0.01, 0.1, 0.43, 0.78)), figure.add_axes((0.45, 0.1, 0.54, 0.78))
    h, w = grid.feature_size
    left.imshow(_map_colours(codes, grid, per_cell, fade), interpolation="nearest", extent=(0, w, h, 0))
    left.set(xticks=[], yticks=[])
    left.set_title(f"every anchor, {per_cell[0] * per_cell[1]} to a cell", fontsize=9, loc="left")
    show_picture(right, picture.image)
    show_objects(right, picture.gt_boxes, object_names(picture))
    legend(figure, [(name, name.replace("_", " ")) for name in MAP_STRENGTH], 4, (0.01, 0.07))
    return figure, left, right


def squares(inds: Tensor, grid: Grid, per_cell: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The anchors' squares from the left and from the top of the map, [K] each: scales to the right, ratios down."""
    ratios, scales = per_cell
    cell, a = inds // (ratios * scales), inds % (ratios * scales)
    row, col = cell // grid.feature_size[1], cell % grid.feature_size[1]
    return col * scales + a % scales, row * ratios + a // scales


def middles(inds: Tensor, grid: Grid, per_cell: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The middles of these squares, in cells."""
    ratios, scales = per_cell
    x, y = squares(inds, grid, per_cell)
    return (x + 0.5) / scales, (y + 0.5) / ratios


def _map_colours(codes: Tensor, grid: Grid, per_cell: tuple[int, int], fade: float) -> npt.NDArray[np.float64]:
    """[N] codes -> RGB [h · ratios, w · scales, 3], one pixel an anchor, as the page draws it."""
    (h, w), (ratios, scales) = grid.feature_size, per_cell
    dark = np.array(to_rgb(PALETTE["casing"]))
    colours = np.zeros((len(codes), 3))
    for number, name in enumerate(LABELS):
        strength = MAP_STRENGTH[name] * fade
        colours[(codes & LABEL_BITS).numpy() == number] = (
            strength * np.array(to_rgb(PALETTE[name])) + (1 - strength) * dark
        )
    image = np.zeros((h * ratios, w * scales, 3))
    x, y = squares(torch.arange(len(codes)), grid, per_cell)
    image[y.numpy(), x.numpy()] = colours
    return image
