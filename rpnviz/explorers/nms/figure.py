"""The still picture of NMS, one turn at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rpnviz.figures.primitives import (
    Still,
    draw_box,
    draw_name,
    draw_thin,
    legend,
    new_still,
    show_objects,
    show_picture,
)

# State of a box -> (key of LINE_STYLES, words). In this order they are drawn, the last on top.
NMS_LINES = {
    "waiting": ("waiting", "waiting"),
    "suppressed": ("dropped", "suppressed"),
    "kept": ("proposal", "kept"),
    "falls": ("lost", "suppressed now"),
    "current": ("window", "its turn"),
}
NAMED = 12  # so many boxes still have room for their names
MARGIN = 0.02
BEHIND = ("waiting", "suppressed")  # thin where they are many


def nms_figure(
    image: npt.NDArray[np.uint8],
    boxes: Tensor,
    states: Sequence[str],
    names: Sequence[str],
    objects: tuple[Tensor, list[str]],
    sentence: str,
) -> Still:
    """Draw the boxes as they stand at one moment of NMS.

    Args:
        image (uint8 [H, W, 3]): the picture.
        boxes (Tensor[N, 4]): best score first.
        states (list[str], N entries): key of NMS_LINES of each.
        names (list[str], N entries): written if there are few.
        objects: gt_boxes (Tensor[M, 4]) and their names.
        sentence: the title.
    """
    figure = new_still(8, 5.5, sentence)
    ax = figure.add_axes((0.01, 0.09, 0.98, 0.84))
    show_picture(ax, image, MARGIN)
    show_objects(ax, *objects)
    for state, (style, _) in NMS_LINES.items():
        chosen = [i for i, its_state in enumerate(states) if its_state == state]
        if state in BEHIND and len(boxes) > NAMED:
            draw_thin(ax, boxes[chosen], style)
            continue
        for i in chosen:
            draw_box(ax, boxes[i], style)
            if len(boxes) <= NAMED or state == "current":
                draw_name(ax, float(boxes[i, 0]), float(boxes[i, 1]), names[i])
    used = [line for state, line in NMS_LINES.items() if state in states]
    if len(objects[0]):
        used.append(("ground_truth", "object"))
    legend(figure, used, 6, (0.01, 0.07))
    return figure
