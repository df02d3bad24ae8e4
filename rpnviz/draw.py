"""Still pictures: state in, matplotlib Figure out. For print, for slides, for readers without a kernel.

This module owns the one palette and the one grammar of lines; the explorers send both to the page and never repeat them.
Nothing here decides what is positive or which box survives: labels, IoUs and boxes are handed in.
Shape legend: A = 9 anchors of a cell, M = ground-truth boxes, h × w = feature map, H × W = picture; boxes are xyxy in picture pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rpnviz.grid import Grid


class LineStyle(TypedDict):
    """How a line is drawn: ``width`` in points, ``dash`` as lengths on, off, … in points (empty: solid)."""

    width: float
    dash: list[float]


# Told apart by colour, by dash and by width, so that no one of them has to be seen (colour-blind readers, grey print).
PALETTE: dict[str, str] = {
    "positive": "#00B386",
    "negative": "#E0562B",
    "ignored": "#F2C230",
    "crosses_border": "#A9ADBA",
    "ground_truth": "#FFFFFF",
    "window": "#33E6FF",
    "receptive_field": "#D58BFF",
    "proposal": "#4DA3FF",
    "sampled_positive": "#00B386",
    "sampled_negative": "#E0562B",
    "scale_128": "#00B8D9",
    "scale_256": "#FFAB00",
    "scale_512": "#E377C2",
    "casing": "#10131A",
}

LINE_STYLES: dict[str, LineStyle] = {
    "positive": {"width": 2.5, "dash": []},
    "negative": {"width": 1.2, "dash": []},
    "ignored": {"width": 1.8, "dash": [1.5, 2.5]},
    "crosses_border": {"width": 1.5, "dash": [6, 4]},
    "ground_truth": {"width": 2.0, "dash": []},
    "window": {"width": 2.5, "dash": []},
    "receptive_field": {"width": 1.8, "dash": [2, 3]},
    "proposal": {"width": 1.8, "dash": []},
    "sampled_positive": {"width": 2.5, "dash": []},
    "sampled_negative": {"width": 1.2, "dash": []},
    "ratio_0.5": {"width": 1.8, "dash": []},
    "ratio_1": {"width": 1.8, "dash": [6, 4]},
    "ratio_2": {"width": 1.8, "dash": [1.5, 2.5]},
}


@dataclass(frozen=True)
class LinkedState:
    """What the linked explorer shows at one moment; every result in it was computed elsewhere.

    Args:
        image (uint8 [H, W, 3]): the picture.
        grid (Grid): how the feature map lies on the picture.
        row, col (int): the cell under the window's centre.
        feature_map (float or uint8 [h, w]): one channel, the mean or an objectness map.
        map_name (str): what ``feature_map`` is, e.g. "channel 17".
        anchors (Tensor[A, 4]): the anchors of the cell.
        labels (list[str], A entries): key of PALETTE for each: "positive", "negative", "ignored", "crosses_border".
        iou (Tensor[A]): best IoU of each with any ground-truth box.
        gt_boxes (Tensor[M, 4]), class_names (list[str]): the objects.
        decoded (Tensor[K, 4], optional): decoded boxes of the nine.
        proposals (Tensor[P, 4], optional): survivors of NMS.
    """

    image: npt.NDArray[np.uint8]
    grid: Grid
    row: int
    col: int
    feature_map: npt.NDArray[np.floating] | npt.NDArray[np.uint8]
    map_name: str
    anchors: Tensor
    labels: list[str]
    iou: Tensor
    gt_boxes: Tensor
    class_names: list[str]
    decoded: Tensor | None = None
    proposals: Tensor | None = None
