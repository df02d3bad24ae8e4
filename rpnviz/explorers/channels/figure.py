"""The still picture of the channels: a contact sheet, and one of them over the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rpnviz.figures.primitives import Still, draw_box, new_still, show_objects, show_picture

SHEET_COLUMNS = 22  # tiles a row: 512 of them are then about as wide as high


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
