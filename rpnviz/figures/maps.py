"""Feature maps: one with its window, several side by side, gradients over the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from torch import Tensor

from rpnviz._inputs import check_count, take_shown, take_whole
from rpnviz.figures.palette import OUTSIDE
from rpnviz.figures.primitives import Still, draw_box, new_still

# Cells from the border where zero padding is seen: half of conv5_3's receptive field. Many channels glow there, and
# that must not set the range of the colours.
RIM = 6
WINDOW_LINES = [("window", "3×3 window, and its footprint"), ("receptive_field", "receptive field: all that it sees")]


def within_rim(maps: Tensor, rim: int = RIM) -> Tensor:
    """Tensor[..., h, w] without `rim` cells at each border; of a small map with fewer, so that half of it is left."""
    down, across = (min(rim, side // 4) for side in maps.shape[-2:])
    return maps[..., down : maps.shape[-2] - down, across : maps.shape[-1] - across]


def show_map(ax: Axes, values: npt.ArrayLike, row: int, col: int) -> None:
    """Show a feature map [h, w] in cells, with the 3×3 window round (row, col); at the rim the window overhangs."""
    array = np.asarray(values)
    height, width = array.shape
    ax.imshow(array, cmap="magma", extent=(0, width, height, 0), interpolation="nearest")
    ax.set(facecolor=OUTSIDE, xticks=[], yticks=[], xlim=(-1, width + 1), ylim=(height + 1, -1))
    draw_box(ax, (col - 1, row - 1, col + 2, row + 2), "window")


def show_heat(ax: Axes, values: Tensor, title: str, colours: str = "magma") -> None:
    """Show values [h, w] as colours that fill the axes, under a title."""
    ax.imshow(values.numpy(), cmap=colours, aspect="auto", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    set_title(ax, title)


def set_title(ax: Axes, words: str) -> None:
    """Title axes in plain text (never mathtext)."""
    ax.set_title(words, fontsize=9, loc="left", parse_math=False)


def maps_figure(maps: Tensor, names: Sequence[str], sentence: str, columns: int = 3) -> Still:
    """Draw several feature maps side by side, each in the range that it has away from the rim.

    Args:
        maps (Tensor[K, h, w]): the maps.
        names (list[str], K entries): their titles.
        sentence: the title of the whole.
        columns: maps a row; at most 12.

    Raises:
        ValueError: if maps are none, or more than 144.
    """
    maps, columns = take_shown(maps, "maps", "K, h, w"), take_whole(columns, "columns", 1, 12)
    check_count(len(maps), 144, "maps are … maps")
    rows = -(-len(maps) // columns)
    figure = new_still(3.6 * columns, 2.65 * rows + 0.4, sentence)
    axes = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"left": 0.01, "right": 0.99, "bottom": 0.01})
    figure.subplots_adjust(top=1 - 0.65 / (2.65 * rows + 0.4), wspace=0.04, hspace=0.14)
    for ax in axes.flat[len(maps) :]:
        ax.set_axis_off()
    for ax, values, name in zip(axes.flat, maps, names, strict=False):
        show_heat(ax, values, name)
        inner = within_rim(values)
        ax.images[0].set_clim(float(inner.min()), float(inner.max()))
        ax.set_aspect("equal")
    return figure


def gradient_figure(gradients: Sequence[Tensor], names: Sequence[str], box: Sequence[float], sentence: str) -> Still:
    """Draw gradients of one unit with respect to the network's input, near the unit; the box is the sum's prediction.

    Args:
        gradients (Tensor[H', W'], several): not negative.
        names: their titles.
        box: xyxy in pixels of the network's input.
        sentence: the title of the whole.

    Raises:
        ValueError: if one of the gradients is not a map of finite numbers.
    """
    gradients = [take_shown(values, f"gradients[{i}]", "H, W") for i, values in enumerate(gradients)]
    figure = new_still(4.2 * len(gradients), 4.5, sentence)
    axes = figure.subplots(1, len(gradients), squeeze=False)[0]
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.83, wspace=0.04)
    margin = 0.15 * (box[2] - box[0])
    for ax, values, name in zip(axes, gradients, names, strict=True):
        height, width = values.shape
        shares = (values / values.max()).sqrt().numpy()
        ax.imshow(shares, cmap="magma", extent=(0, width, height, 0), interpolation="nearest", vmin=0, vmax=1)
        ax.set(facecolor=OUTSIDE, xticks=[], yticks=[])
        ax.set(xlim=(box[0] - margin, box[2] + margin), ylim=(box[3] + margin, box[1] - margin))
        draw_box(ax, box, "receptive_field")
        ax.set_title(name, fontsize=9, loc="left", parse_math=False)
    return figure
