"""Train the head alone: the features of a fixed backbone are computed once, and a step takes a tenth of the time.

Shapes: A anchors a cell, h × w feature map, H × W pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from tqdm.auto import tqdm

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone, preprocess
from rpnviz.boxes import check_boxes
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from rpnviz.train.training import AS_IN_THE_PAPER, Rules, Training


@torch.no_grad()
def both_ways(backbone: Backbone, picture: Picture, grid: Grid) -> Tensor:
    """Features of a picture and of its mirror image, for `HeadTraining`.

    Returns:
        Tensor[2, 512, h, w]: float16, to hold many of them.

    Raises:
        ValueError: if the picture has another size than the grid.
    """
    if picture.image_size != grid.image_size:
        raise ValueError(f"picture must have the grid's image_size {grid.image_size}; got {picture.image_size}")
    image = torch.from_numpy(picture.image).permute(2, 0, 1)
    device = next(backbone.parameters()).device
    inputs = preprocess(torch.stack([image, image.flip(-1)]).to(device), grid.input_size)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        features: Tensor = backbone(inputs.contiguous(memory_format=torch.channels_last))
    return features.half().contiguous()


def mirrored(boxes: Tensor, grid: Grid) -> Tensor:
    """Boxes (Tensor[M, 4]) of the mirror image of a picture; a ValueError if they are none."""
    boxes = check_boxes(boxes, "boxes")
    width = grid.image_size[1]
    return torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], dim=1)


class HeadTraining(Training):
    """A training of the head on the features of a fixed backbone.

    Args:
        backbone: stays as it is.
        head, pictures, steps, batch_size, max_lr, rules, seed, device: as for `Training`.
        cells (Tensor[A, 4]): the anchors of a cell, round the origin; None for the paper's nine.
        features: of each picture, from `both_ways`; None computes them now, with a progress bar.

    Raises:
        ValueError: as `Training`; if `cells` are no boxes, the head answers for another number of anchors than `cells`
            has, or `features` are not as many as the pictures or not of the grid.

    Differs: a picture is seen whole, as it is or mirrored: a zoomed view would need features of its own.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: RPNHead,
        pictures: Sequence[Picture],
        steps: int,
        batch_size: int = 2,
        max_lr: float = 1e-3,
        rules: Rules = AS_IN_THE_PAPER,
        cells: Tensor | None = None,
        seed: int = 0,
        device: str = "cpu",
        features: Sequence[Tensor] | None = None,
    ) -> None:
        """Set up, and compute the features if they are not given."""
        super().__init__(backbone, head, pictures, steps, batch_size, max_lr, False, rules, seed, device)
        cells = cell_anchors() if cells is None else cells
        check_boxes(cells, "cells")
        if head.cls_logits.out_channels != len(cells):
            raise ValueError(f"head must answer for {len(cells)} anchors a cell; got {head.cls_logits.out_channels}")
        self.anchors = grid_anchors(self.grid, cells.to(device))
        if features is None:
            backbone.eval()
            bar = tqdm(pictures, desc="features", unit="picture")
            features = [both_ways(backbone, picture, self.grid) for picture in bar]
        if len(features) != len(pictures):
            raise ValueError(f"features must be of the {len(pictures)} pictures; got {len(features)}")
        shape = [2, head.conv.in_channels, *self.grid.feature_size]
        for number, both in enumerate(features):
            if list(both.shape) != shape:
                raise ValueError(f"features[{number}] must be {shape}; got {list(both.shape)}")
        self.features = features

    def view(self) -> tuple[Tensor, Tensor]:
        """Draw a picture, as it is or mirrored: Tensor[512, h, w] features and Tensor[M, 4] gt boxes."""
        number, is_mirrored = self._draw(len(self.pictures)), self._draw(2)
        boxes = self.pictures[number].gt_boxes
        return self.features[number][is_mirrored], mirrored(boxes, self.grid) if is_mirrored else boxes

    def predict(self, images: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Run the head on features: objectness [B, A, h, w] and deltas [B, 4A, h, w], float32."""
        features = torch.stack(list(images)).to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16):
            objectness, pred_bbox_deltas = self.head(features.bfloat16())
        return objectness.float(), pred_bbox_deltas.float()
