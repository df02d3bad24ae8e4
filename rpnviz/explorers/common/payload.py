"""What the explorers of notebooks 04 and 05 hand to the page about a picture and all its anchors.

Shape legend: N anchors = h · w cells · A anchors; the page draws every anchor as one small square of its cell.
"""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from rpnviz.anchors import ASPECT_RATIOS, SCALES
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
    """The picture as WebP, for the page."""
    buffer = io.BytesIO()
    Image.fromarray(picture.image).save(buffer, "WEBP", quality=85)
    return buffer.getvalue()


def brightness(maps: Tensor) -> Tensor:
    """Brightness for the eye, 0 to 1: √(share of its maximum away from the rim) of each map [C, h, w], 0 or above."""
    most = within_rim(maps).amax(dim=(1, 2), keepdim=True)
    return (maps / most.clamp(min=1e-9)).clamp(max=1).sqrt()
