"""Exercises of notebook 06: the four numbers that move an anchor onto a box, and back."""

from __future__ import annotations

import math

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import Boxes, case_figure
from rpnviz.exercises.figures.tables import differing, got_and_wanted
from rpnviz.exercises.tasks.strategies import CORNER, SIDE, as_boxes, one_of, rows, seeded_boxes

CLIP = math.log(1000 / 16)
DELTAS, CORNERS = ("dx", "dy", "dw", "dh"), ("x1", "y1", "x2", "y2")


def _parts(boxes: Tensor, more: float = 0) -> tuple[Tensor, Tensor]:
    """Centres and sizes, [N, 2] each."""
    size = boxes[:, 2:] - boxes[:, :2] + more
    return boxes[:, :2] + size / 2, size


def _encode_inputs(draw: Draw) -> Arguments:
    """Pairs of boxes; now and then the gt boxes are 100 times as large, since nothing is cut off here."""
    pairs = rows(draw, 1, 4, *(CORNER, CORNER, SIDE, SIDE) * 2)
    larger = one_of(draw, (1, 1, 1, 100))
    return as_boxes([pair[:4] for pair in pairs]) * larger, as_boxes([pair[4:] for pair in pairs])


def _encode_larger() -> Arguments:
    return seeded_boxes(500), seeded_boxes(500, seed=1)


def _by_height_and_width(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    (gt_centre, gt_size), (centre, size) = _parts(gt_boxes), _parts(anchors)
    return torch.cat([(gt_centre - centre) / size.flip(1), torch.log(gt_size / size.flip(1))], dim=1)


def _no_log(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    deltas = references.encode(gt_boxes, anchors)
    return torch.cat([deltas[:, :2], deltas[:, 2:].exp()], dim=1)


def _by_gt_size(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    (gt_centre, gt_size), (centre, size) = _parts(gt_boxes), _parts(anchors)
    return torch.cat([(gt_centre - centre) / gt_size, torch.log(gt_size / size)], dim=1)


def _from_corners(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    (_, gt_size), (_, size) = _parts(gt_boxes), _parts(anchors)
    return torch.cat([(gt_boxes[:, :2] - anchors[:, :2]) / size, torch.log(gt_size / size)], dim=1)


def _turned_round(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    return references.encode(anchors, gt_boxes)


def _signs_turned(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    return -references.encode(gt_boxes, anchors)


def _shift_turned(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    return references.encode(gt_boxes, anchors) * torch.tensor([-1, -1, 1, 1])


def _growth(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    deltas = references.encode(gt_boxes, anchors)
    return torch.cat([deltas[:, :2], deltas[:, 2:].expm1()], dim=1)


def _cut_off(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    deltas = references.encode(gt_boxes, anchors)
    return torch.cat([deltas[:, :2], deltas[:, 2:].clamp(max=CLIP)], dim=1)


def _in_pixels(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    (gt_centre, gt_size), (centre, size) = _parts(gt_boxes), _parts(anchors)
    return torch.cat([gt_centre - centre, torch.log(gt_size / size)], dim=1)


def _one_pixel_more(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    (gt_centre, gt_size), (centre, size) = _parts(gt_boxes, 1), _parts(anchors, 1)
    return torch.cat([(gt_centre - centre) / size, torch.log(gt_size / size)], dim=1)


def _y_before_x(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    return references.encode(gt_boxes, anchors)[:, [1, 0, 3, 2]]


def _encode_picture(case: Case) -> Figure:
    wrong = differing(case.got, case.wanted, ENCODE.tolerance)
    i = int(wrong.any(dim=1).int().argmax()) if wrong is not None else 0
    shown = [(case.arguments["anchors"][i].tolist(), "anchor", "anchor")]
    shown.append((case.arguments["gt_boxes"][i].tolist(), "ground_truth", "gt box"))
    tables = got_and_wanted(case, ENCODE.tolerance, columns=DELTAS, wide=1.3)
    return case_figure([Boxes(f"pair {i}, px", shown, wide=1.4), *tables])


def _decode_inputs(draw: Draw) -> Arguments:
    """Deltas in quarters; all four go beyond ln(1000 / 16), which is about 4.14, on either side.

    Now and then the anchors lie 2,000 px further: a box is cut off at no picture's edge here.
    """
    pairs = rows(draw, 1, 4, *[(-24, 24)] * 4, CORNER, CORNER, SIDE, SIDE)
    further = one_of(draw, (0, 0, 0, 2000))
    return torch.tensor([pair[:4] for pair in pairs]) / 4, as_boxes([pair[4:] for pair in pairs]) + further


def _decode_larger() -> Arguments:
    return torch.randn(500, 4, generator=torch.Generator().manual_seed(0)), seeded_boxes(500)


def _moved(
    deltas: Tensor, anchors: Tensor, low: float | None = None, high: float | None = CLIP
) -> tuple[Tensor, Tensor]:
    """New centres and sizes, [N, 2] each."""
    centre, size = _parts(anchors)
    grown = deltas[:, 2:] if low is None and high is None else deltas[:, 2:].clamp(low, high)
    return centre + deltas[:, :2] * size, size * grown.exp()


def _corners(centre: Tensor, size: Tensor) -> Tensor:
    return torch.cat([centre - size / 2, centre + size / 2], dim=1)


def _no_clamp(deltas: Tensor, anchors: Tensor) -> Tensor:
    return _corners(*_moved(deltas, anchors, high=None))


def _clamp_both_ways(deltas: Tensor, anchors: Tensor) -> Tensor:
    return _corners(*_moved(deltas, anchors, low=-CLIP))


def _clamp_all_four(deltas: Tensor, anchors: Tensor) -> Tensor:
    return references.decode(deltas.clamp(max=CLIP), anchors)


def _shift_backwards(deltas: Tensor, anchors: Tensor) -> Tensor:
    return references.decode(deltas * torch.tensor([-1, -1, 1, 1]), anchors)


def _no_exp(deltas: Tensor, anchors: Tensor) -> Tensor:
    centre, size = _moved(deltas, anchors)[0], _parts(anchors)[1]
    return _corners(centre, size * deltas[:, 2:].clamp(max=CLIP))


def _from_the_corner(deltas: Tensor, anchors: Tensor) -> Tensor:
    size = _parts(anchors)[1]
    corner = anchors[:, :2] + deltas[:, :2] * size
    return torch.cat([corner, corner + _moved(deltas, anchors)[1]], dim=1)


def _centre_and_size(deltas: Tensor, anchors: Tensor) -> Tensor:
    return torch.cat(_moved(deltas, anchors), dim=1)


def _shift_in_pixels(deltas: Tensor, anchors: Tensor) -> Tensor:
    return _corners(_parts(anchors)[0] + deltas[:, :2], _moved(deltas, anchors)[1])


def _shift_by_new_size(deltas: Tensor, anchors: Tensor) -> Tensor:
    size = _moved(deltas, anchors)[1]
    return _corners(_parts(anchors)[0] + deltas[:, :2] * size, size)


def _whole_size_each_way(deltas: Tensor, anchors: Tensor) -> Tensor:
    centre, size = _moved(deltas, anchors)
    return _corners(centre, 2 * size)


def _decode_picture(case: Case) -> Figure:
    wrong = differing(case.got, case.wanted, DECODE.tolerance)
    i = int(wrong.any(dim=1).int().argmax()) if wrong is not None else 0
    shown = [(case.arguments["anchors"][i].tolist(), "anchor", "anchor")]
    shown.append((case.wanted[i].tolist(), "compared", "right"))
    if wrong is not None:
        shown.append((case.got[i].tolist(), "proposal", "yours"))
    deltas = ", ".join(
        f"{name} {value:g}" for name, value in zip(DELTAS, case.arguments["deltas"][i].tolist(), strict=True)
    )
    tables = got_and_wanted(case, DECODE.tolerance, columns=CORNERS, wide=1.3)
    return case_figure([Boxes(f"row {i}: {deltas}", shown, wide=1.4), *tables])


ENCODE = Exercise(
    name="my_encode",
    notebook="06",
    title="From a box to four deltas",
    arguments=("gt_boxes", "anchors"),
    returns=("the deltas",),
    reference=references.encode,
    oracle="torchvision's BoxCoder",
    inputs=_encode_inputs,
    larger=_encode_larger,
    larger_words="500 pairs",
    mistakes=(
        Mistake(
            "width_and_height_swapped",
            "dx and dw go with the anchor's width, dy and dh with its height; yours are exchanged.",
            _by_height_and_width,
        ),
        Mistake("no_logarithm", "dw is the logarithm of the quotient, ln(gw / aw): 0 if both are equal.", _no_log),
        Mistake(
            "by_gt_size", "Shifts are measured in anchors: divide by the anchor's size, not the box's.", _by_gt_size
        ),
        Mistake("corners_for_centres", "dx and dy compare the centres of both, not their corners.", _from_corners),
        Mistake(
            "wrong_way_round",
            "These deltas lead from the gt box to the anchor. The anchor is to move: (gx − ax) / aw, ln(gw / aw).",
            _turned_round,
        ),
        Mistake(
            "signs_turned",
            "All signs are reversed. The anchor is to move: gt box minus anchor, gx − ax, and gt box over anchor, gw / "
            "aw.",
            _signs_turned,
        ),
        Mistake(
            "shift_turned",
            "The sign of the shift is reversed. The anchor is to move to the gt box: gx − ax, so that a box to the "
            "right has a positive dx.",
            _shift_turned,
        ),
        Mistake("growth", "dw is ln(gw / aw), a logarithm, and not the fraction by which the side grows.", _growth),
        Mistake("cut_off", "Nothing is cut off here: only the way back has the limit of ln(1000 / 16).", _cut_off),
        Mistake("in_pixels", "Divide the shift of the centres by the anchor's size.", _in_pixels),
        Mistake("plus_one_pixel", "A width is x2 − x1 here, without + 1.", _one_pixel_more),
        Mistake("y_before_x", "The order is (dx, dy, dw, dh), x before y.", _y_before_x),
    ),
    hints=(
        "Find centre and size of both boxes first. A shift is measured in widths (or heights) of the anchor, a size "
        "as the logarithm of a quotient.",
        "dx = (gx − ax) / aw, dy = (gy − ay) / ah, dw = ln(gw / aw), dh = ln(gh / ah); torch.stack([dx, dy, dw, dh], "
        "dim=1).",
    ),
    picture=_encode_picture,
)

DECODE = Exercise(
    name="my_decode",
    notebook="06",
    title="From four deltas to a box",
    arguments=("deltas", "anchors"),
    returns=("the boxes",),
    reference=references.decode,
    oracle="torchvision's BoxCoder",
    inputs=_decode_inputs,
    larger=_decode_larger,
    larger_words="500 rows",
    mistakes=(
        Mistake(
            "no_clamp",
            "dw and dh are cut off above at ln(1000 / 16) before the exponential, or a wild guess makes a box of any "
            "size.",
            _no_clamp,
        ),
        Mistake("clamped_both_ways", "dw and dh are cut off above only: a box may shrink at will.", _clamp_both_ways),
        Mistake(
            "all_four_clamped",
            "Only dw and dh are cut off. dx and dy stay as they are: a box may go as far as it likes.",
            _clamp_all_four,
        ),
        Mistake("shift_backwards", "The sign of the shift is reversed: ax + dx · aw.", _shift_backwards),
        Mistake("no_exponential", "The new width is aw · exp(dw): with dw = 0 it stays as it is.", _no_exp),
        Mistake(
            "from_the_corner",
            "The deltas move the anchor's centre. You move its corner; the box then grows to one side.",
            _from_the_corner,
        ),
        Mistake(
            "centre_and_size_returned", "Return corners: centre − size / 2 and centre + size / 2.", _centre_and_size
        ),
        Mistake("shift_in_pixels", "dx counts in widths of the anchor: ax + dx · aw.", _shift_in_pixels),
        Mistake("shift_by_new_size", "dx counts in widths of the anchor, not of the new box.", _shift_by_new_size),
        Mistake("half_forgotten", "From the centre go half the width to either side.", _whole_size_each_way),
    ),
    hints=(
        "Solve the four equations of the encoding for the new centre and the new size. What is the inverse of ln?",
        "centre = ax + dx · aw, width = aw · exp(min(dw, ln(1000 / 16))), likewise in y; the corners are centre ∓ "
        "size / 2.",
    ),
    picture=_decode_picture,
)
