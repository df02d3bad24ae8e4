"""The still picture of the linked explorer.

Shapes: A = 9 anchors of a cell, M ground-truth boxes, h × w feature map, H × W picture; boxes are xyxy
in its pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rpnviz.figures.maps import WINDOW_LINES, show_map
from rpnviz.figures.palette import IN_WORDS
from rpnviz.figures.primitives import Still, draw_box, legend, new_still, show_objects, show_picture
from rpnviz.grid import Grid


@dataclass(frozen=True)
class LinkedState:
    """What the linked explorer shows at one moment; every result in it was computed elsewhere.

    Args:
        image (uint8 [H, W, 3]), grid (Grid), row, col (int): picture, map on it, cell under the window's centre.
        feature_map (float or uint8 [h, w]), map_name (str): what the map shows, and its name, e.g. "channel 17".
        anchors (Tensor[A, 4]): the anchors of the cell.
        labels (list[str], A entries), iou (Tensor[A]): key of LINE_STYLES of each, and its best IoU with an object.
        gt_boxes (Tensor[M, 4]), class_names (list[str]): the objects.
        decoded, proposals (Tensor[K, 4], optional): boxes predicted from the nine; survivors of NMS.
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


def linked_figure(state: LinkedState) -> Still:
    """Draw the linked explorer as it stands: the map with its window, the picture with what belongs to the cell."""
    figure = new_still(11.5, 5.6, _linked_sentence(state))
    left, right = figure.add_axes((0.01, 0.32, 0.42, 0.575)), figure.add_axes((0.44, 0.18, 0.55, 0.75))
    show_map(left, state.feature_map, state.row, state.col)
    left.set_title(f"feature map: {state.map_name}", fontsize=9, loc="left", parse_math=False)
    show_picture(right, state.image)
    show_objects(right, state.gt_boxes, state.class_names)
    for box in (box for boxes in (state.proposals, state.decoded) if boxes is not None for box in boxes):
        draw_box(right, box, "proposal")
    draw_box(right, state.grid.receptive_field(state.row, state.col), "receptive_field")
    for a in sorted(range(len(state.labels)), key=lambda a: state.labels[a] == "positive"):  # positives on top
        draw_box(right, state.anchors[a], state.labels[a])
    draw_box(right, state.grid.footprint(state.row, state.col), "window")
    legend(figure, [*WINDOW_LINES, ("ground_truth", "ground truth"), ("proposal", "proposal")], 2, (0.01, 0.3))
    legend(figure, _nine_lines(state), 3, (0.01, 0.14))
    return figure


def _linked_sentence(state: LinkedState) -> str:
    x, y = state.grid.centre(state.row, state.col)
    said = ", ".join(f"{state.labels.count(label)} {IN_WORDS[label]}" for label in dict.fromkeys(state.labels))
    return f"Row {state.row}, column {state.col}: {len(state.labels)} anchors round pixel ({x:.0f}, {y:.0f}): {said}."


def _nine_lines(state: LinkedState) -> list[tuple[str, str]]:
    sizes = [f"{x2 - x1:.0f}×{y2 - y1:.0f} px" for x1, y1, x2, y2 in state.anchors.tolist()]
    nine = zip(sizes, state.labels, state.iou.tolist(), strict=True)
    return [(label, f"{size} · best IoU {iou:.2f} · {IN_WORDS[label]}") for size, label, iou in nine]
