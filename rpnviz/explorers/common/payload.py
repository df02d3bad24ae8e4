"""What the explorers of notebooks 04 and 05 hand to the page about a picture and all its anchors.

Shape legend: N anchors = h · w cells · A anchors; the page draws every anchor as one small square of its cell.
"""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

from PIL import Image
from torch import Tensor

from rpnviz.anchors import ASPECT_RATIOS, SCALES
from rpnviz.figures.maps import RIM
from rpnviz.figures.primitives import MARGIN
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.targets import AnchorLabels

# One number an anchor, for the page; a positive one says by which sentence of the rule it is positive.
BEST_ONLY, POSITIVE, NEGATIVE, IGNORED, CROSSES = 2, 1, 0, -1, -2
# How much of its colour a label shows on the map: what is rare must catch the eye.
MAP_STRENGTH = {"positive": 1.0, "negative": 0.55, "ignored": 0.85, "crosses_border": 0.3}


def picture_plan(picture: Picture) -> dict[str, Any]:
    """Sizes, the part of the plane to draw (anchors overhang the picture), and the objects with their boxes."""
    height, width = picture.image_size
    margin = MARGIN
    boxes = picture.gt_boxes.tolist()
    return {
        "image_size": [height, width],
        "extent": [-margin * width, -margin * height, (1 + margin) * width, (1 + margin) * height],
        "objects": [{"name": name, "box": box} for name, box in zip(object_names(picture), boxes, strict=True)],
    }


def anchor_plan(picture: Picture, grid: Grid, cells: Tensor) -> dict[str, Any]:
    """`picture_plan`, and what the page needs to rebuild the box of every anchor.

    Args:
        picture: the picture.
        grid: how the feature map lies on it.
        cells (Tensor[A, 4]): the anchors of a cell, of the default scales and ratios.
    """
    names = [f"scale {scale}, ratio {ratio:g}" for ratio in ASPECT_RATIOS for scale in SCALES]  # ratio-major
    return {
        **picture_plan(picture),
        "feature_size": list(grid.feature_size),
        "stride": list(grid.stride),
        "cells": cells.tolist(),
        "scales": len(SCALES),
        "map_strength": MAP_STRENGTH,
        "anchor_names": names,
    }


def object_names(picture: Picture) -> list[str]:
    """The class names, numbered where there are several of a kind: car, dog 1, dog 2."""
    several, seen = Counter(picture.class_names), Counter[str]()
    names = []
    for name in picture.class_names:
        seen[name] += 1
        names.append(f"{name} {seen[name]}" if several[name] > 1 else name)
    return names


def label_codes(found: AnchorLabels) -> Tensor:
    """int8 Tensor[N]: 2 positive as a best anchor only, 1 positive, 0 negative, -1 ignored, -2 crosses."""
    codes = found.labels.clone()
    codes[found.low_quality] = BEST_ONLY
    codes[found.crosses_boundary] = CROSSES
    return codes


def count_codes(codes: Tensor) -> dict[str, int]:
    """How many anchors have each label."""
    return {
        "positive": int((codes >= POSITIVE).sum()),
        "negative": int((codes == NEGATIVE).sum()),
        "ignored": int((codes == IGNORED).sum()),
        "crosses_border": int((codes == CROSSES).sum()),
    }


def picture_file(picture: Picture) -> bytes:
    """The picture as WebP, for the page."""
    buffer = io.BytesIO()
    Image.fromarray(picture.image).save(buffer, "WEBP", quality=85)
    return buffer.getvalue()


def brightness(maps: Tensor) -> Tensor:
    """Brightness for the eye, 0 to 1: √(share of its maximum away from the rim) of each map [C, h, w], 0 or above."""
    most = maps[:, RIM:-RIM, RIM:-RIM].amax(dim=(1, 2), keepdim=True)
    return (maps / most.clamp(min=1e-9)).clamp(max=1).sqrt()
