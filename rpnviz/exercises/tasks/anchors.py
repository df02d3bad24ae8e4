"""Exercises of notebook 03: the anchors of a cell, and those of a whole grid."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.drawing import Boxes, case_figure, differing, tables
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.inputs import numbers, one_of, whole

RATIOS = (2.0, 0.5, 1.0, 0.25, 4.0, 1.5)
CORNERS = ("x1", "y1", "x2", "y2")
Numbers = tuple[float, ...]


def _halves(scale: int) -> list[float]:
    return [scale * root / 2 for ratio in RATIOS for root in (ratio**0.5, ratio**-0.5)]


# Half sides near .5 are left out: there the last bit decides whether they are rounded up or down.
SCALES = [s for s in range(8, 260) if all(abs(half % 1 - 0.5) > 0.02 for half in _halves(s))]


def _cell_inputs(draw: Draw) -> Arguments:
    scales = tuple(one_of(draw, SCALES) for _ in range(whole(draw, 1, 3)))
    return scales, tuple(one_of(draw, RATIOS) for _ in range(whole(draw, 1, 3)))


def _cell_larger() -> Arguments:
    return tuple(SCALES[:20]), RATIOS * 3


def _sides(scales: Numbers, aspect_ratios: Numbers, root: float = 0.5) -> tuple[Tensor, Tensor]:
    """Widths and heights [ratios, scales]."""
    ratio, scale = torch.tensor(aspect_ratios)[:, None] ** root, torch.tensor(scales).float()[None]
    return scale / ratio, scale * ratio


def _centred(widths: Tensor, heights: Tensor) -> Tensor:
    return torch.stack([-widths, -heights, widths, heights], dim=-1).reshape(-1, 4) / 2


def _ratio_as_w_over_h(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    return _centred(*_sides(scales, aspect_ratios, root=-0.5)).round()


def _no_root(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    return _centred(*_sides(scales, aspect_ratios, root=1)).round()


def _height_alone(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    widths, heights = torch.broadcast_tensors(_sides(scales, aspect_ratios, 0)[0], _sides(scales, aspect_ratios, 1)[1])
    return _centred(widths, heights).round()


def _scale_as_area(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    return references.cell_anchors(tuple(scale**0.5 for scale in scales), aspect_ratios)


def _scale_major(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    widths, heights = _sides(scales, aspect_ratios)
    return _centred(widths.T, heights.T).round()


def _not_rounded(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    return _centred(*_sides(scales, aspect_ratios))


def _sides_rounded(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    return (_centred(*_sides(scales, aspect_ratios)) * 2).round() / 2


def _at_the_corner(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    anchors = references.cell_anchors(scales, aspect_ratios)
    return torch.cat([torch.zeros(len(anchors), 2), anchors[:, 2:] * 2], dim=1)


def _twice_as_large(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    return (_centred(*_sides(scales, aspect_ratios)) * 2).round()


def _pictured(case: Case, cells: Boxes, tolerance: float) -> Figure:
    """The rows that are wrong: boxes beside each other, and both tables."""
    wrong = differing(case.got, case.wanted, tolerance)
    rows = wrong.any(dim=1).nonzero().flatten()[:3].tolist() if wrong is not None else range(len(case.wanted))[:3]
    first = max(min(rows, default=0) - 1, 0)
    for row in rows:
        if wrong is not None:
            cells.boxes.append((case.got[row].tolist(), "negative", f"yours {row}"))
        cells.boxes.append((case.wanted[row].tolist(), "positive", f"right {row}"))
    cut = slice(first, first + 8)
    got = case.got[cut] if isinstance(case.got, Tensor) and case.got.ndim == 2 else case.got
    look = {"columns": CORNERS if isinstance(got, Tensor) and got.shape[-1:] == (4,) else ()}
    look |= {"rows": [str(row) for row in range(first, first + 8)], "wide": 1.1}
    return case_figure(case.problem, [cells, *tables(got, case.wanted[cut], tolerance, case.raised, **look)], 3.4)


def _cell_picture(case: Case) -> Figure:
    title = "round the origin, px: " + ("right" if case.raised else "right thick, yours thin")
    return _pictured(case, Boxes(title, [], points=[(0, 0, "+")], wide=1.3), CELL_ANCHORS.tolerance)


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


Pair = tuple[float, float]
Size = tuple[int, int]


def _on_corners(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    return _grid(cells, _centres(feature_size[0], stride[0], 0), _centres(feature_size[1], stride[1], 0))


def _strides_swapped(cells: Tensor, feature_size: Size, stride: Pair) -> Tensor:
    return references.grid_anchors(cells, feature_size, (stride[1], stride[0]))


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
    return _pictured(case, boxes, GRID_ANCHORS.tolerance)


CELL_ANCHORS = Exercise(
    name="my_cell_anchors",
    notebook="03",
    title="Anchors of one cell",
    arguments=("scales", "aspect_ratios"),
    returns=("The anchors",),
    reference=references.cell_anchors,
    oracle="torchvision's AnchorGenerator",
    inputs=_cell_inputs,
    larger=_cell_larger,
    larger_words="20 scales × 18 ratios",
    mistakes=(
        Mistake(
            "ratio_as_w_over_h",
            "A ratio is height / width here: 2 is tall, 0.5 is wide. Yours are turned by a right angle.",
            _ratio_as_w_over_h,
        ),
        Mistake(
            "no_square_root",
            "With height = scale · ratio and width = scale / ratio the quotient is ratio². Use the root of the ratio.",
            _no_root,
        ),
        Mistake(
            "area_not_kept",
            "All ratios of one scale have the same area. You stretch the height alone: width = scale / √ratio too.",
            _height_alone,
        ),
        Mistake("scale_as_area", "A scale is the root of the area, a side: 128 means 128 × 128 px.", _scale_as_area),
        Mistake(
            "scale_major",
            "The right boxes in another order: all scales of the first ratio come first, row = ratio · number of scales + "
            "scale.",
            _scale_major,
        ),
        Mistake("not_rounded", "Round the half sides to whole pixels, as torchvision does.", _not_rounded),
        Mistake("whole_sides_rounded", "Halve first, then round: −w/2 is rounded, not w.", _sides_rounded),
        Mistake("corner_at_origin", "The middle of the box lies at (0, 0), not its corner.", _at_the_corner),
        Mistake("twice_as_large", "From −w to w is a box of width 2w. Go from −w/2 to w/2.", _twice_as_large),
    ),
    hints=(
        "You look for a width and a height with height / width = ratio and width · height = scale². Solve for both.",
        "height = scale · √ratio and width = scale / √ratio. Ratios in the outer loop, scales in the inner; each box is "
        "(−w/2, −h/2, w/2, h/2), rounded.",
    ),
    picture=_cell_picture,
)

GRID_ANCHORS = Exercise(
    name="my_grid_anchors",
    notebook="03",
    title="Anchors of a whole grid",
    arguments=("cells", "feature_size", "stride"),
    returns=("The anchors",),
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
        Mistake("one_stride_for_both", "Columns have a stride of their own, stride[1].", _one_stride),
        Mistake(
            "y_before_x",
            "A box is (x1, y1, x2, y2): the column's centre is added to the 1st and 3rd number, the row's to the others.",
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
            "Half a pixel is missing: edges are continuous here, the first centre is stride / 2 and not (stride − 1) / 2.",
            _middle_of_pixels,
        ),
        Mistake("one_corner_shifted", "Shift both corners of a box, or it changes its size.", _two_corners_missing),
    ),
    hints=(
        "Find the centre of every cell: y = (row + 0.5) · stride_y, x = (col + 0.5) · stride_x. Then shift the A boxes to "
        "each centre. In which order do the rows come?",
        "Shifts (x, y, x, y) as a tensor [h, w, 1, 4] plus cells [A, 4] give [h, w, A, 4]; reshape(-1, 4) puts them into "
        "the right order.",
    ),
    picture=_grid_picture,
)
