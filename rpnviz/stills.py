"""The stills of notebooks 02 and 03: the window with its numbers, anchors to scale, several maps side by side.

Like `draw`, whose lines and colours these are: results in, matplotlib Figure out, nothing computed here.
Shapes: A anchors of a cell, C = 512 channels, h × w feature map, H × W picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from torch import Tensor

from rpnviz.draw import PALETTE, WINDOW_LINES, Still, draw_box, legend, line_of, new_still, show_map, show_picture
from rpnviz.grid import Grid

SCALE_COLOURS = (PALETTE["scale_128"], PALETTE["scale_256"], PALETTE["scale_512"])
# Cells from the border where zero padding is seen: half of conv5_3's receptive field. Many channels glow there, and
# that must not set the range of the colours.
RIM = 6
RATIO_STYLES = ("ratio_0.5", "ratio_1", "ratio_2")


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
    _title(left, f"feature map: {state.map_name}")
    show_picture(right, state.image)
    draw_box(right, state.grid.receptive_field(state.row, state.col), "receptive_field")
    draw_box(right, state.grid.footprint(state.row, state.col), "window")
    legend(figure, WINDOW_LINES, 1, (0.01, 0.48))
    panels = [
        figure.add_axes((x, 0.04, width, 0.3)) for x, width in ((0.01, 0.3), (0.34, 0.24), (0.68, 0.12), (0.86, 0.13))
    ]
    _heat(panels[0], _tiles(state.patch), "3×3×512: what the window covers")
    _heat(panels[1], state.vector.reshape(16, -1), "→ 3×3 convolution, ReLU → 512-vector")
    panels[2].barh(range(len(state.objectness)), state.objectness.tolist(), color=PALETTE["proposal"])
    panels[2].set_yticks(range(len(state.anchor_names)), state.anchor_names, fontsize=7)
    panels[2].invert_yaxis()
    panels[2].tick_params(axis="x", labelsize=7)
    _title(panels[2], "→ 9 logits")
    _heat(panels[3], state.deltas, "→ 36 deltas", "coolwarm")
    panels[3].set_xticks(range(4), ["dx", "dy", "dw", "dh"], fontsize=7)
    return figure


def _tiles(patch: Tensor) -> Tensor:
    """[C, 3, 3] as one sheet: 16 rows of little 3×3 tiles, one for each channel."""
    return patch.reshape(16, -1, 3, 3).permute(0, 2, 1, 3).reshape(48, -1)


def _heat(ax: Axes, values: Tensor, title: str, colours: str = "magma") -> None:
    ax.imshow(values.numpy(), cmap=colours, aspect="auto", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    _title(ax, title)


def _title(ax: Axes, words: str) -> None:
    ax.set_title(words, fontsize=9, loc="left", parse_math=False)


def anchors_on_picture(
    image: npt.NDArray[np.uint8],
    anchors: Tensor,
    names: Sequence[str],
    num_scales: int,
    sentence: str,
    receptive_field: Sequence[float] | None = None,
) -> Still:
    """Draw the anchors of one cell to scale: colour by scale, dash by ratio.

    Args:
        image (uint8 [H, W, 3]): the picture.
        anchors (Tensor[A, 4]): xyxy in picture pixels, ratio-major.
        names (list[str], A entries): words for the legend, e.g. "182×90".
        num_scales: how many scales there are; anchor a has scale a modulo this.
        sentence: the title.
        receptive_field: xyxy, drawn too if given.
    """
    figure = new_still(8, 5.9, sentence)
    ax = figure.add_axes((0.01, 0.14, 0.98, 0.79))
    show_picture(ax, image, margin=0.2)
    handles = []
    for a, box in enumerate(anchors.tolist()):
        style, colour = anchor_look(a, num_scales)
        draw_box(ax, box, style, colour)
        handles.append(Line2D([], [], **line_of(style, colour)))  # type: ignore[arg-type]
    figure.legend(handles, names, loc="upper left", bbox_to_anchor=(0.01, 0.13), ncols=5, fontsize=8, frameon=False)
    if receptive_field is not None:
        draw_box(ax, receptive_field, "receptive_field")
        legend(figure, [("receptive_field", "receptive field")], 1, (0.68, 0.108))
    return figure


def anchor_look(a: int, num_scales: int) -> tuple[str, str]:
    """Return (key of LINE_STYLES, colour) of anchor ``a`` of a ratio-major list with ``num_scales`` scales."""
    return RATIO_STYLES[a // num_scales % len(RATIO_STYLES)], SCALE_COLOURS[a % num_scales % len(SCALE_COLOURS)]


def maps_figure(maps: Tensor, names: Sequence[str], sentence: str, columns: int = 3) -> Still:
    """Draw several feature maps side by side, each in the range that it has away from the rim.

    Args:
        maps (Tensor[K, h, w]): the maps.
        names (list[str], K entries): their titles.
        sentence: the title of the whole.
        columns: maps a row.
    """
    rows = -(-len(maps) // columns)
    figure = new_still(3.6 * columns, 2.65 * rows + 0.4, sentence)
    axes = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"left": 0.01, "right": 0.99, "bottom": 0.01})
    figure.subplots_adjust(top=1 - 0.65 / (2.65 * rows + 0.4), wspace=0.04, hspace=0.14)
    for ax in axes.flat[len(maps) :]:
        ax.set_axis_off()
    for ax, values, name in zip(axes.flat, maps, names, strict=False):
        _heat(ax, values, name)
        inner = within_rim(values)
        ax.images[0].set_clim(float(inner.min()), float(inner.max()))
        ax.set_aspect("equal")
    return figure


def within_rim(maps: Tensor, rim: int = RIM) -> Tensor:
    """Tensor[..., h, w] without `rim` cells at each border; of a small map with fewer, so that half of it is left."""
    down, across = (min(rim, side // 4) for side in maps.shape[-2:])
    return maps[..., down : maps.shape[-2] - down, across : maps.shape[-1] - across]


def field_figure(image: npt.NDArray[np.uint8], boxes: Tensor, inside: Tensor, dots: bool, sentence: str) -> Still:
    """Draw the anchors of one shape at every cell.

    Args:
        image (uint8 [H, W, 3]): the picture.
        boxes (Tensor[N, 4]): xyxy in picture pixels.
        inside (BoolTensor[N]): which lie inside the picture.
        dots: draw their centres, not their sides.
        sentence: the title.
    """
    figure = new_still(8, 5.9, sentence)
    ax = figure.add_axes((0.01, 0.08, 0.98, 0.85))
    show_picture(ax, image, margin=0.2)
    for key, chosen in (("crosses_border", boxes[~inside]), ("positive", boxes[inside])):
        if dots:
            x, y = ((chosen[:, :2] + chosen[:, 2:]) / 2).T
            ax.scatter(x, y, s=5, color=PALETTE[key], edgecolors=PALETTE["casing"], linewidths=0.4)
        else:
            x1, y1, x2, y2 = chosen.numpy().T
            corners = np.stack(
                [np.stack([x1, y1], 1), np.stack([x2, y1], 1), np.stack([x2, y2], 1), np.stack([x1, y2], 1)], 1
            )
            ax.add_collection(
                PolyCollection(list(corners), facecolors="none", edgecolors=PALETTE[key], alpha=0.35, lw=0.6),
                autolim=False,
            )
    legend(figure, [("positive", "inside the picture"), ("crosses_border", "crosses its border")], 2, (0.01, 0.06))
    return figure
