"""Exercise of notebook 09: RoIAlign of one bin."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import Boxes, case_figure
from rpnviz.exercises.figures.tables import Table, differing, tables
from rpnviz.exercises.tasks.strategies import numbers, picks, whole
from rpnviz.roi import neighbours

Size = tuple[int, int]


def _inputs(draw: Draw) -> Arguments:
    """A box in quarters of a cell, mostly on the map; it may go beyond on any side."""
    c, h, w = whole(draw, 1, 2), whole(draw, 2, 4), whole(draw, 2, 5)
    corner, size = numbers(draw, (2,), -8, 12, per=4), numbers(draw, (2,), 2, 16, per=4)
    rows, cols = whole(draw, 1, 3), whole(draw, 1, 3)
    place = whole(draw, 0, rows - 1), whole(draw, 0, cols - 1)
    features = picks(draw, (c, h, w), (1, 2, 3, 4, 5, 6, 7, 8, 9, 0))
    return features, torch.cat([corner, corner + size]), (rows, cols), *place, whole(draw, 1, 3)


def _larger() -> Arguments:
    features = torch.rand(64, 40, 60, generator=torch.Generator().manual_seed(0))
    return features, torch.tensor([10.25, 5.5, 30.75, 25.25]), (7, 7), 3, 2, 2


def points(box: Tensor, output_size: Size, bin_row: int, bin_col: int, ratio: int, half: float = 0.5) -> Tensor:
    """(y, x) of the sampling points of a bin, in cells of the box's own coordinates: [ratio², 2]."""
    within = (torch.arange(ratio) + half) / ratio
    (x1, y1, x2, y2), (rows, cols) = box, output_size
    y = y1 + (bin_row + within) * (y2 - y1) / rows
    x = x1 + (bin_col + within) * (x2 - x1) / cols
    return torch.cartesian_prod(y, x).reshape(-1, 2)


def _read(features: Tensor, at: Tensor) -> Tensor:
    """Bilinear values [C, K] at points (y, x), whole at the cells' centres."""
    near = neighbours(at, (features.shape[1], features.shape[2]))
    return (features[:, near.rows, near.cols] * near.weights).sum(dim=2)


def _half_forgotten(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return _read(features, points(box, output_size, row, col, ratio)).mean(dim=1)


def _at_the_corner(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return _read(features, points(box, output_size, row, col, ratio, half=0) - 0.5).mean(dim=1)


def _largest(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return _read(features, points(box, output_size, row, col, ratio) - 0.5).amax(dim=1)


def _summed(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return _read(features, points(box, output_size, row, col, ratio) - 0.5).sum(dim=1)


def _box_rounded(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return references.roi_align_bin(features, box.round(), output_size, row, col, ratio)


def _nearest(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    at = points(box, output_size, row, col, ratio).floor()
    last = torch.tensor(features.shape[1:]) - 1
    y, x = torch.minimum(at.clamp(min=0), last).long().T
    return features[:, y, x].mean(dim=1)


def _beyond_the_map(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    at, last = points(box, output_size, row, col, ratio) - 0.5, torch.tensor(features.shape[1:]) - 1
    return _read(features, torch.minimum(at.clamp(min=0), last)).mean(dim=1)


def _one_point(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return references.roi_align_bin(features, box, output_size, row, col, 1)


def _bins_swapped(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return _read(features, points(box, output_size, col, row, ratio) - 0.5).mean(dim=1)


def _sizes_swapped(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return _read(features, points(box, output_size[::-1], row, col, ratio) - 0.5).mean(dim=1)


def _y_before_x(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return references.roi_align_bin(features, box[[1, 0, 3, 2]], output_size, row, col, ratio)


def _whole_box(features: Tensor, box: Tensor, output_size: Size, row: int, col: int, ratio: int) -> Tensor:
    return references.roi_align_bin(features, box, (1, 1), 0, 0, ratio)


def _picture(case: Case) -> Figure:
    features, box, size, row, col, ratio = case.arguments.values()
    at = points(box, size, row, col, ratio)
    (x1, y1, x2, y2), (rows, cols) = box.tolist(), size
    high, wide = (y2 - y1) / rows, (x2 - x1) / cols
    its_bin = (x1 + col * wide, y1 + row * high, x1 + (col + 1) * wide, y1 + (row + 1) * high)
    shown = [(box.tolist(), "proposal", "box"), (its_bin, "window", f"bin {row}, {col}")]
    boxes = Boxes(
        f"cells; {rows}×{cols} bins, {len(at)} point{'s' if len(at) > 1 else ''}",
        shown,
        [(x, y, "o") for y, x in at.tolist()],
        features.shape[1:],
        1.4,
    )
    wrong = differing(case.got, case.wanted, ALIGN.tolerance)
    c = int(wrong.int().argmax()) if wrong is not None else 0
    shown_map = Table(f"features[{c}]: values sit in the cells' middles", features[c], wide=1.5)
    results = tables(case.got, case.wanted, ALIGN.tolerance, case.raised, wide=0.6, columns=("value",))
    return case_figure([boxes, shown_map, *results], height=3.2)


ALIGN = Exercise(
    name="my_roi_align_bin",
    notebook="09",
    title="RoIAlign of one bin",
    arguments=("features", "box", "output_size", "bin_row", "bin_col", "sampling_ratio"),
    returns=("the result",),
    reference=references.roi_align_bin,
    oracle="torchvision.ops.roi_align(aligned=True)",
    inputs=_inputs,
    larger=_larger,
    larger_words="64 channels",
    mistakes=(
        Mistake(
            "half_pixel_forgotten",
            "Values sit in the middles of the cells: value [0, 0] stands at (0.5, 0.5). Take 0.5 off a point's "
            "coordinates before you look for its four neighbours.",
            _half_forgotten,
        ),
        Mistake(
            "points_at_the_corner",
            "The points stand in the middles of equal parts of the bin: (i + 0.5) / sampling_ratio, not i / "
            "sampling_ratio.",
            _at_the_corner,
        ),
        Mistake("max_for_mean", "The points of a bin are averaged; the maximum is RoI pooling's.", _largest),
        Mistake("sum_for_mean", "Divide by the number of points.", _summed),
        Mistake("box_rounded", "RoIAlign rounds nothing: use the box as it is.", _box_rounded),
        Mistake(
            "nearest_cell",
            "You read the cell in which a point lies. Interpolate between the four cells round it.",
            _nearest,
        ),
        Mistake(
            "beyond_the_map",
            "A point beyond −1 … h or −1 … w counts as 0; you repeat the nearest cell however far away it is.",
            _beyond_the_map,
        ),
        Mistake("one_point", "A bin has sampling_ratio × sampling_ratio points.", _one_point),
        Mistake("bin_transposed", "bin_row counts downwards (y), bin_col to the right (x).", _bins_swapped),
        Mistake(
            "output_size_swapped",
            "output_size is (rows, columns): a bin's height is box height / rows.",
            _sizes_swapped,
        ),
        Mistake("y_before_x", "The box is (x1, y1, x2, y2), x first; the map is features[:, y, x].", _y_before_x),
        Mistake("whole_box", "You average over the whole box: only the bin's own points count.", _whole_box),
    ),
    hints=(
        "Where does the bin begin, and how large is it? Put sampling_ratio × sampling_ratio points evenly into it, "
        "read the map at each by bilinear interpolation, average.",
        "A point lies at y = y1 + (bin_row + (i + 0.5) / sampling_ratio) · height / rows, likewise in x. Minus 0.5 "
        "it is measured from the cells' middles: cut off at 0 and h − 1, its whole part is the upper cell, the rest "
        "the lower cell's share.",
    ),
    picture=_picture,
)
