"""What several explorers hand to the page: a picture and all its anchors, maps of all channels, numbers.

Shape legend: N anchors = h · w cells · A anchors; the page draws every anchor as one small square of its cell.
"""

from __future__ import annotations

import io
import zlib
from collections import Counter
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from rpnviz.anchors import ASPECT_RATIOS, SCALES, cell_anchors
from rpnviz.figures.maps import within_rim
from rpnviz.figures.primitives import MARGIN
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.targets import AnchorLabels

# One byte an anchor, for the page (common/anchor.js): in its two low bits the place of the label in LABELS, which are
# names of the palette; above them, whether a positive anchor is so only because no other fits its object better.
LABELS = ("negative", "positive", "ignored", "crosses_border")
LABEL_BITS, LOW_QUALITY = 3, 4
# How much of its colour a label shows on the map: what is rare must catch the eye.
MAP_STRENGTH = {"positive": 1.0, "negative": 0.45, "ignored": 0.45, "crosses_border": 0.25}
# How maps and numbers are packed, for the page (common/packed.js).
SENT_COLUMNS = 32  # maps a row of a sheet
CELL_STEPS = 20  # of brightness, between dark and bright
MOST_HUNDREDTHS = 2**31 - 1


def picture_plan(picture: Picture) -> dict[str, Any]:
    """Sizes, and the part of the plane to draw: anchors overhang the picture."""
    height, width = picture.image_size
    margin = MARGIN
    return {
        "image_size": [height, width],
        "extent": [-margin * width, -margin * height, (1 + margin) * width, (1 + margin) * height],
    }


def named_objects(picture: Picture) -> list[dict[str, Any]]:
    """The objects with their boxes, told apart by their names; for a view in which no hand moves them."""
    boxes = picture.gt_boxes.tolist()
    return [{"name": name, "box": box} for name, box in zip(object_names(picture), boxes, strict=True)]


def grid_plan(picture: Picture, grid: Grid) -> dict[str, Any]:
    """`picture_plan`, and how the feature map lies on the picture."""
    lies = {"grid": grid.name, "feature_size": list(grid.feature_size), "stride": list(grid.stride)}
    return {**picture_plan(picture), **lies}


def anchor_plan(picture: Picture, grid: Grid) -> dict[str, Any]:
    """`grid_plan`, and what the page needs to rebuild the box of each of the paper's anchors."""
    return {
        **grid_plan(picture, grid),
        "cells": cell_anchors().tolist(),
        "scales": len(SCALES),
        "anchor_names": [f"scale {scale}, ratio {ratio:g}" for ratio in ASPECT_RATIOS for scale in SCALES],
    }


def object_names(picture: Picture) -> list[str]:
    """The class names, numbered where there are several of a kind: car, dog 1, dog 2; without a name, an object."""
    all_names = [name or "object" for name in picture.class_names]
    several, seen = Counter(all_names), Counter[str]()
    names = []
    for name in all_names:
        seen[name] += 1
        names.append(f"{name} {seen[name]}" if several[name] > 1 else name)
    return names


def label_codes(found: AnchorLabels) -> Tensor:
    """uint8 Tensor[N]: the label of each anchor as the page gets it, see LABELS and LOW_QUALITY."""
    codes = torch.full_like(found.labels, LABELS.index("ignored"), dtype=torch.uint8)
    codes[found.labels == 0] = LABELS.index("negative")
    codes[found.labels == 1] = LABELS.index("positive")
    codes[found.crosses_boundary] = LABELS.index("crosses_border")
    codes[found.low_quality] += LOW_QUALITY
    return codes


def count_codes(codes: Tensor) -> dict[str, int]:
    """How many anchors have each label, in the order in which views list them."""
    counts = torch.bincount((codes & LABEL_BITS).long(), minlength=len(LABELS)).tolist()
    return {name: counts[LABELS.index(name)] for name in MAP_STRENGTH}


def picture_file(picture: Picture) -> bytes:
    """The picture as WebP, to be looked at in the page: a tenth of what an explorer sends at its opening."""
    buffer = io.BytesIO()
    Image.fromarray(picture.image).save(buffer, "WEBP", quality=78, method=6)
    return buffer.getvalue()


def brightness(maps: Tensor) -> Tensor:
    """Brightness for the eye, 0 to 1: √(share of its maximum away from the rim) of each map [C, h, w], 0 or above."""
    most = within_rim(maps).amax(dim=(1, 2), keepdim=True)
    return (maps / most.clamp(min=1e-9)).clamp(max=1).sqrt()


def sheet_file(bright: Tensor, *, cells: bool = False) -> bytes:
    """All maps as tiles of one grey WebP, 32 a row; `loadSheet` of common/packed.js reads it.

    Args:
        bright (Tensor[C, h, w]): 0 to 1.
        cells: whether single cells are looked at: then in 20 steps without loss, and dark stays dark. Else a pixel is
            off by about 2 of 255 on average, and by more beside a bright one.
    """
    count, height, width = bright.shape
    rows = -(-count // SENT_COLUMNS)
    tiles = torch.zeros(rows * SENT_COLUMNS, height, width)
    tiles[:count] = (bright * CELL_STEPS).round() / CELL_STEPS if cells else bright
    sheet = tiles.reshape(rows, SENT_COLUMNS, height, width).permute(0, 2, 1, 3).reshape(rows * height, -1)
    image = Image.fromarray((sheet * 255).round().byte().numpy())
    image.save(buffer := io.BytesIO(), "WEBP", lossless=cells, quality=57, method=6)
    return buffer.getvalue()


def hundredths(numbers: Tensor) -> bytes:
    """Numbers to the hundredth, which is what a view writes of them: int32, deflated, a quarter of float32's bytes."""
    whole = (numbers.double() * 100).round().clamp(-MOST_HUNDREDTHS, MOST_HUNDREDTHS)
    return zlib.compress(whole.numpy().astype("<i4").tobytes(), 9)
