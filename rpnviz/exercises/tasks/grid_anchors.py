"""Exercise of notebook 03: the anchors of a whole grid."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import Boxes
from rpnviz.exercises.figures.wrong_rows import wrong_rows
from rpnviz.exercises.tasks.strategies import numbers, whole

Pair = tuple[float, float]
Size = tuple[int, int]


def _grid_inputs(draw: Draw) -> Arguments:
    half = numbers(draw, (whole(draw, 1, 3), 2), 1, 12)
    size, stride = (whole(draw, 1, 3), whole(draw, 1, 4)), (whole(draw, 2, 20) / 2, whole(draw, 2, 20) / 2)
    return torch.cat([-half, half], dim=1), size, stride


def _grid_larger() -> Arguments:
    return references.cell_anchors((32.0, 64.0, 128.0), (0.5, 1.0, 2.0)), (12, 18), (16.0, 16.0)


def _grid(cells: Tensor, y: Tensor, x: Tensor, order: str = "hwa") -> Tensor:
    """Cells shifted to all (y[i], x[j]), in rows of the named order."""
    shifts = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))] * 2, dim=-1)
    anchors = shifts[:, :, None] + cells  # [h, w, A, 4]
    return anchors.permute(*("hwa".index(axis) for axis in order), 3).reshape(-1, 4)


def _centres(count: int, stride: float, offset: float = 0.5) -> Tensor:
    return (torch.arange(count) + offset) * stride


def _on_corners(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    return _grid(cells, _centres(feature_size[0], stride[0], 0), _centres(feature_size[1], stride[1], 0))


def _strides_swapped(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    return references.grid_anchors(cells, feature_size, (stride[1], stride[0]))


def _size_swapped(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    return references.grid_anchors(cells, feature_size[::-1], stride)


def _one_stride(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    return references.grid_anchors(cells, feature_size, (stride[0], stride[0]))


def _anchor_major(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    return _grid(cells, _centres(feature_size[0], stride[0]), _centres(feature_size[1], stride[1]), "ahw")


def _column_major(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    return _grid(cells, _centres(feature_size[0], stride[0]), _centres(feature_size[1], stride[1]), "wha")


def _y_before_x(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    """Shifts (y, x, y, x): anchor rows still run over h, then w."""
    shifted = _grid(torch.zeros(1, 4), _centres(feature_size[0], stride[0]), _centres(feature_size[1], stride[1]))
    return (shifted[:, [1, 0, 3, 2]][:, None] + cells).reshape(-1, 4)


def _middle_of_pixels(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    return references.grid_anchors(cells, feature_size, stride) - 0.5


def _two_corners_missing(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    zeros = torch.zeros_like(cells)
    shifts = references.grid_anchors(zeros, feature_size, stride)
    shifts[:, 2:] = 0
    return shifts + cells.repeat(feature_size[0] * feature_size[1], 1)


def _grid_picture(case: Case) -> Figure:
    (h, w), (stride_y, stride_x) = case.arguments["feature_size"], case.arguments["stride"]
    points = [(x, y, "+") for y in _centres(h, stride_y).tolist() for x in _centres(w, stride_x).tolist()]
    picture = (0.0, 0.0, w * stride_x, h * stride_y)
    boxes = Boxes(f"px of the picture; + centres of {h}×{w} cells", [(picture, "ground_truth", "")], points, wide=1.3)
    return wrong_rows(case, boxes, GRID_ANCHORS.tolerance)


GRID_ANCHORS = Exercise(
    name="my_grid_anchors",
    notebook="03",
    title="Anchors of a whole grid",
    arguments=("cells", "feature_size", "stride"),
    returns=("the anchors",),
    reference=references.grid_anchors,
    oracle="torchvision's AnchorGenerator, shifted to the cells' centres",
    inputs=_grid_inputs,
    larger=_grid_larger,
    larger_words="9 anchors on 12×18 cells",
    mistakes=(
        Mistake(
            "centre_on_the_corner",
            "Your anchors stand on the cells' upper left corners (as torchvision's do). A cell's middle is (i + 0.5) · "
            "stride.",
            _on_corners,
        ),
        Mistake("strides_swapped", "stride is (stride_y, stride_x): the first is for rows.", _strides_swapped),
        Mistake("size_swapped", "feature_size is (h, w): rows first, then columns.", _size_swapped),
        Mistake("one_stride_for_both", "Columns have a stride of their own, stride[1].", _one_stride),
        Mistake(
            "y_before_x",
            "A box is (x1, y1, x2, y2): the column's centre is added to the 1st and 3rd number, the row's to the "
            "others.",
            _y_before_x,
        ),
        Mistake(
            "anchor_major",
            "The right boxes in another order: all anchors of the first cell come first, row (y · w + x) · A + a.",
            _anchor_major,
        ),
        Mistake(
            "column_by_column",
            "The right boxes in another order: go along a row of cells before you go to the next, y · w + x.",
            _column_major,
        ),
        Mistake(
            "half_a_pixel",
            "Half a pixel is missing: edges are continuous here, the first centre is stride / 2 and not (stride − 1) "
            "/ 2.",
            _middle_of_pixels,
        ),
        Mistake("one_corner_shifted", "Shift both corners of a box, or it changes its size.", _two_corners_missing),
    ),
    hints=(
        "Find the centre of every cell: y = (row + 0.5) · stride_y, x = (col + 0.5) · stride_x. Then shift the A "
        "boxes to each centre. In which order do the rows come?",
        "Shifts (x, y, x, y) as a tensor [h, w, 1, 4] plus cells [A, 4] give [h, w, A, 4]; reshape(-1, 4) puts them "
        "into the right order.",
    ),
    picture=_grid_picture,
)
