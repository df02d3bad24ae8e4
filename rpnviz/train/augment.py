"""What one training step sees of a picture: a part of it, zoomed and perhaps mirrored, its boxes with it.

Shapes: M gt boxes of the picture, M' ≤ M of the view.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rpnviz.boxes import box_area, clip
from rpnviz.pictures import Picture

ZOOM = (0.6, 1.0)  # a view shows this share of the picture's width and height
LEAST_VISIBLE = 0.35  # an object that a view cuts off further than this is no longer asked for
LEAST_SIDE = 10.0  # px


def random_view(picture: Picture, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A part of the picture, zoomed and perhaps mirrored: what one training step sees of it.

    Args:
        picture: H × W with M gt boxes.
        generator: decides where, how large, mirrored or not.

    Returns:
        image (Tensor[3, s·H, s·W]): uint8, a cut-out of the picture's proportions, not yet resampled.
        gt_boxes (Tensor[M', 4]): xyxy in px of the view once it is scaled back to H × W; M' ≤ M.
    """
    height, width = picture.image_size
    zoom, top, left, mirror = torch.rand(4, generator=generator).tolist()
    share = ZOOM[0] + (ZOOM[1] - ZOOM[0]) * zoom
    h, w = round(height * share), round(width * share)
    y, x = round((height - h) * top), round((width - w) * left)
    image = torch.from_numpy(picture.image[y : y + h, x : x + w]).permute(2, 0, 1)
    scale = torch.tensor([width / w, height / h, width / w, height / h])
    boxes = (picture.gt_boxes - torch.tensor([x, y, x, y])) * scale
    if mirror < 0.5:
        image = image.flip(-1)
        boxes = torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], dim=1)
    seen = clip(boxes, (height, width))
    large = (seen[:, 2:] - seen[:, :2]).amin(dim=1) >= LEAST_SIDE
    return image, seen[large & (box_area(seen) >= LEAST_VISIBLE * box_area(boxes))]
