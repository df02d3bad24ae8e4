"""The stills of notebook 01: a layer's map with the field of a unit, gradients, poolings, channels on a picture.

Like `draw`, whose lines and colours these are: results in, matplotlib Figure out, nothing computed here.
Shapes: C channels of a layer on h × w units, H × W picture, H' × W' the network's input; boxes are xyxy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox
from torch import Tensor

from rpnviz._inputs import take_shown
from rpnviz.draw import PALETTE, Still, draw_box, legend, line_of, new_still, show_objects, show_picture

SHEET_COLUMNS = 22  # tiles a row: 512 of them are then about as wide as high


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
        cell.set(linewidth=0.3, edgecolor="#999999", facecolor="#d9ecff" if column == current + 1 else "white")
        cell.PAD = 0.02
        cell.set_fontsize(7)
        cell.get_text().set_fontweight("bold" if row == 0 or column == current + 1 else "normal")


def gradient_figure(gradients: Sequence[Tensor], names: Sequence[str], box: Sequence[float], sentence: str) -> Still:
    """Draw gradients of one unit with respect to the network's input, near the unit; the box is the sum's prediction.

    Args:
        gradients (Tensor[H', W'], several): not negative.
        names: their titles.
        box: xyxy in pixels of the network's input.
        sentence: the title of the whole.
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
        ax.set(facecolor="#3A3F4B", xticks=[], yticks=[])
        ax.set(xlim=(box[0] - margin, box[2] + margin), ylim=(box[3] + margin, box[1] - margin))
        draw_box(ax, box, "receptive_field")
        ax.set_title(name, fontsize=9, loc="left", parse_math=False)
    return figure


def poolings_figure(steps: Sequence[int], shown: int, image: npt.NDArray[np.uint8], sentence: str) -> Still:
    """Draw the last columns of the picture and which of them each pooling keeps.

    Args:
        steps: how many columns there are at first and after each pooling.
        shown: how many poolings are drawn.
        image (uint8 [H, W, 3]): its upper part is the strip on top, scaled to the first number of columns.
        sentence: the title.
    """
    figure = new_still(8, 3.9, sentence)
    ax = figure.add_axes((0.13, 0.11, 0.86, 0.74))
    length = steps[0]
    left, right = length - 48, length + 12
    strip = image[image.shape[0] // 3 : image.shape[0] // 2]
    ax.imshow(strip, extent=(0, length, 0.92, 0.08), aspect="auto", interpolation="nearest")
    ax.set(xlim=(left, right), ylim=(shown + 1.05, 0), yticks=np.arange(shown + 1) + 0.5, facecolor="#F2F2F2")
    ax.set_yticklabels(
        [f"{'input' if level == 0 else f'pool{level}'}: {n}" for level, n in enumerate(steps)][: shown + 1]
    )
    ax.set_xlabel("pixel column of the network's input", fontsize=8)
    for level in range(1, shown + 1):
        side, before = 2**level, steps[level - 1]
        for column in range(max(left // side, 0), steps[level]):
            style = "ignored" if 2 * column + 1 == before else "window"
            _cell(ax, column * side, min((column + 1) * side, length), level, style, str(column))
        if 2 * steps[level] < before:
            half = side // 2
            _cell(ax, (before - 1) * half, min(before * half, length), level, "crosses_border", "×")
    entries = [("window", "kept"), ("ignored", "kept, from one column alone"), ("crosses_border", "dropped")]
    legend(figure, entries, 3, (0.13, 0.915))
    ax.tick_params(labelsize=8)
    return figure


def _cell(ax: Axes, x1: float, x2: float, level: int, style: str, words: str) -> None:
    line = line_of(style)
    corner, look = (x1, level + 0.12), {"ec": PALETTE["casing"], "lw": 0.6, "alpha": 0.75}
    ax.add_patch(Rectangle(corner, x2 - x1, 0.76, facecolor=PALETTE[style], **look))  # type: ignore[arg-type]
    if style != "window":
        ax.add_patch(Rectangle(corner, x2 - x1, 0.76, fill=False, lw=1.4, ls=line["linestyle"], ec="black"))
    if level > 1 and (x1 + x2) / 2 > ax.get_xlim()[0] + 1:
        ax.text((x1 + x2) / 2, level + 0.5, words, ha="center", va="center", fontsize=7, clip_on=True)


def channels_figure(
    image: npt.NDArray[np.uint8],
    maps: Tensor,
    numbers: Sequence[int],
    selected: int,
    gt_boxes: Tensor,
    class_names: Sequence[str],
    sentence: str,
) -> Still:
    """Draw the contact sheet, in the order given, and the selected channel as a light on the picture.

    Args:
        image (uint8 [H, W, 3]): the picture.
        maps (Tensor[C, h, w]): brightness of every channel, 0 to 1.
        numbers: the channels in the order of the sheet.
        selected: the channel on the picture.
        gt_boxes (Tensor[M, 4]): the objects.
        class_names: their names.
        sentence: the title.
    """
    figure = new_still(11.5, 4.4, sentence)
    left, right = figure.add_axes((0.01, 0.02, 0.46, 0.88)), figure.add_axes((0.48, 0.02, 0.51, 0.88))
    columns, (height, width) = SHEET_COLUMNS, maps.shape[1:]
    rows = -(-len(numbers) // columns)
    sheet = np.zeros((rows * (height + 2), columns * (width + 2)))
    for place, channel in enumerate(numbers):
        top, side = place // columns * (height + 2), place % columns * (width + 2)
        sheet[top : top + height, side : side + width] = maps[channel].numpy()
    left.imshow(sheet, cmap="magma", extent=(0, sheet.shape[1], sheet.shape[0], 0), interpolation="antialiased")
    left.set(xticks=[], yticks=[])
    place = list(numbers).index(selected)
    x, y = place % columns * (width + 2), place // columns * (height + 2)
    draw_box(left, (x - 1, y - 1, x + width + 1, y + height + 1), "window")
    show_picture(right, image, margin=0)
    tall, wide = image.shape[:2]
    dark = np.zeros((height, width, 4))
    dark[..., 3] = 0.78 * (1 - maps[selected].numpy())
    right.imshow(dark, extent=(0, wide, tall, 0), interpolation="nearest")
    show_objects(right, gt_boxes, class_names)
    return figure
