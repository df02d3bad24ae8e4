"""Train the head alone: the features of a fixed backbone are computed once, and a step computes only what was sampled.

Shapes: A anchors a cell, h × w feature map, H × W pictures; N = h · w · A anchors, W windows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from tqdm.auto import tqdm

from rpnviz._inputs import take_numbers
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone, preprocess
from rpnviz.boxes import check_boxes
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, rpn_losses
from rpnviz.train.precision import autocast
from rpnviz.train.steps import Steps, mean_losses
from rpnviz.train.training import OURS, RPN_LOSSES, Rules, check_pictures, draw_minibatch


@torch.no_grad()
def features_and_mirrored(backbone: Backbone, picture: Picture, grid: Grid) -> Tensor:
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
    with autocast(device):
        features: Tensor = backbone(inputs.contiguous(memory_format=torch.channels_last))
    return features.half().contiguous()


def mirror_boxes(boxes: Tensor, grid: Grid) -> Tensor:
    """Boxes (Tensor[M, 4]) of the mirror image of a picture; a ValueError if they are none."""
    boxes = check_boxes(boxes, "boxes")
    width = grid.image_size[1]
    return torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], dim=1)


class HeadTraining(Steps[tuple[Tensor, Tensor]]):
    """A training of the head on the features of a fixed backbone.

    An anchor that was not sampled is in neither loss, so nothing is learnt from its window. And which are sampled
    follows from anchors and objects alone. So the minibatch is drawn first, and then only its windows, at most 256 of
    the 2,400 of a picture, go through the 3 × 3. What a trained head proposes still takes all of them.

    Args:
        backbone: stays as it is.
        head, pictures, steps, batch_size, max_lr, rules, seed, device: as for `Training`.
        cells (Tensor[A, 4]): the anchors of a cell, round the origin; None for the paper's nine.
        features: of each picture, from `features_and_mirrored`; None computes them now, with a progress bar.

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
        rules: Rules = OURS,
        cells: Tensor | None = None,
        seed: int = 0,
        device: str = "cpu",
        features: Sequence[Tensor] | None = None,
    ) -> None:
        """Set up, and compute the features if they are not given."""
        self.grid = Grid.paper()
        check_pictures(pictures, self.grid)
        super().__init__({"head": head}, steps, batch_size, max_lr, seed, device)
        self.head, self.pictures, self.rules = head, pictures, rules
        cells = cell_anchors() if cells is None else check_boxes(cells, "cells").detach()
        if head.cls_logits.out_channels != len(cells):
            raise ValueError(f"head must answer for {len(cells)} anchors a cell; got {head.cls_logits.out_channels}")
        self.anchors = grid_anchors(self.grid, cells.to(device))
        if features is None:
            backbone.to(torch.device(device)).eval()
            bar = tqdm(pictures, desc="features", unit="picture")
            features = [features_and_mirrored(backbone, picture, self.grid) for picture in bar]
        if len(features) != len(pictures):
            raise ValueError(f"features must be of the {len(pictures)} pictures; got {len(features)}")
        h, w = self.grid.feature_size
        self.features = [
            _as_given(both, f"features[{number}]", f"2, {head.conv.in_channels}, {h}, {w}")
            for number, both in enumerate(features)
        ]

    def view(self) -> tuple[Tensor, Tensor]:
        """Draw a picture, as it is or mirrored: Tensor[512, h, w] features and Tensor[M, 4] gt boxes."""
        number, is_mirrored = self.draw(len(self.pictures)), self.draw(2)
        boxes = self.pictures[number].gt_boxes
        return self.features[number][is_mirrored], mirror_boxes(boxes, self.grid) if is_mirrored else boxes

    def losses(self, views: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """The two losses, averaged over the pictures of a step: those of `Training`, and the same gradients.

        Args:
            views: B pairs of features (Tensor[512, h, w], any float type) and Tensor[M, 4] gt boxes, px of the picture.

        Returns:
            "loss_objectness" and "loss_rpn_box_reg": two scalars.
        """
        return mean_losses(RPN_LOSSES, [self._losses_of_one(features, gt_boxes) for features, gt_boxes in views])

    def _losses_of_one(self, features: Tensor, gt_boxes: Tensor) -> tuple[Tensor, Tensor]:
        num_anchors = self.head.cls_logits.out_channels  # A
        # 1. Label the anchors and draw the minibatch.
        labels, targets, pos_inds, neg_inds = draw_minibatch(
            self.anchors, gt_boxes, self.grid.image_size, self.rules, self.generator
        )
        # 2. Anchor (row · w + col) · A + a stands on cell row · w + col; on some cells stand several that were drawn.
        cells = torch.unique(torch.cat([pos_inds, neg_inds]) // num_anchors)  # (W,)
        # 3. Only the windows of these cells go through the head.
        features = features[None].to(self.device).float()  # (1, 512, h, w)
        objectness, pred_bbox_deltas = self.head.at_cells(features, cells)  # (W, A), (W, A, 4)
        # 4. Their answers go into the rows of their anchors. The losses read no other row.
        rows = (cells[:, None] * num_anchors + torch.arange(num_anchors, device=cells.device)).flatten()  # (W · A,)
        logits = features.new_zeros(len(self.anchors)).index_put((rows,), objectness.flatten())  # (N,)
        deltas = features.new_zeros(len(self.anchors), 4).index_put((rows,), pred_bbox_deltas.flatten(0, 1))  # (N, 4)
        return rpn_losses(logits, deltas, labels, targets, pos_inds, neg_inds)


def _as_given(values: Tensor, argument: str, shape: str) -> Tensor:
    """Features that are finite and of a shape, in the type they have: half takes half the memory of float32."""
    taken = take_numbers(values, argument, shape).detach()
    return values.detach() if isinstance(values, Tensor) else taken
