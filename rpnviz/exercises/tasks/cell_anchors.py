"""Exercise of notebook 03: the anchors of one cell."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import Boxes
from rpnviz.exercises.figures.wrong_rows import wrong_rows
from rpnviz.exercises.tasks.strategies import one_of, whole

RATIOS = (2.0, 0.5, 1.0, 0.25, 4.0, 1.5)
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
    heights = _sides(scales, aspect_ratios, root=1)[1]
    return _centred(_sides(scales, aspect_ratios, root=0)[0].expand_as(heights), heights).round()


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
    return _from_the_origin(scales, aspect_ratios, 2)


def _quarter(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    return _from_the_origin(scales, aspect_ratios, 1)


def _from_the_origin(scales: Numbers, aspect_ratios: Numbers, halves: int) -> Tensor:
    corners = _centred(*_sides(scales, aspect_ratios))[:, 2:] * halves
    return torch.cat([torch.zeros_like(corners), corners], dim=1).round()


def _corner_and_size(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    anchors = _centred(*_sides(scales, aspect_ratios))
    return torch.cat([anchors[:, :2], anchors[:, 2:] * 2], dim=1).round()


def _cut_off(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    return _centred(*_sides(scales, aspect_ratios)).trunc()


def _twice_as_large(scales: Numbers, aspect_ratios: Numbers) -> Tensor:
    return (_centred(*_sides(scales, aspect_ratios)) * 2).round()


def _cell_picture(case: Case) -> Figure:
    title = "round the origin, px: " + ("right" if case.raised else "right thick, yours thin")
    return wrong_rows(case, Boxes(title, [], points=[(0, 0, "+")], wide=1.3), CELL_ANCHORS.tolerance)


CELL_ANCHORS = Exercise(
    name="my_cell_anchors",
    notebook="03",
    title="Anchors of one cell",
    arguments=("scales", "aspect_ratios"),
    returns=("the anchors",),
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
            "The right boxes in another order: all scales of the first ratio come first, row = ratio · number of "
            "scales + scale.",
            _scale_major,
        ),
        Mistake("not_rounded", "Round the half sides to whole pixels, as torchvision does.", _not_rounded),
        Mistake("whole_sides_rounded", "Halve first, then round: −w/2 is rounded, not w.", _sides_rounded),
        Mistake("corner_at_origin", "The middle of the box lies at (0, 0), not its corner.", _at_the_corner),
        Mistake(
            "quarter_of_the_box",
            "The box reaches to both sides of (0, 0): from (−w/2, −h/2) to (w/2, h/2). Yours begins at the origin.",
            _quarter,
        ),
        Mistake(
            "corner_and_size",
            "The last two numbers are a corner, (w/2, h/2), not width and height.",
            _corner_and_size,
        ),
        Mistake("cut_off", "int() cuts the rest off, towards 0. Round to the nearest whole number.", _cut_off),
        Mistake("twice_as_large", "From −w to w is a box of width 2w. Go from −w/2 to w/2.", _twice_as_large),
    ),
    hints=(
        "You look for a width and a height with height / width = ratio and width · height = scale². Solve for both.",
        "height = scale · √ratio and width = scale / √ratio. Ratios in the outer loop, scales in the inner; each box "
        "is (−w/2, −h/2, w/2, h/2), rounded.",
    ),
    picture=_cell_picture,
)
