"""Train a head (and a backbone) on pictures: views of pictures → labels → minibatch → losses → a step, again and again.

Shapes: B pictures a step, N anchors, M gt boxes of one view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone, preprocess
from rpnviz.boxes import check_boxes
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, flatten_head, rpn_losses
from rpnviz.targets import label_anchors, regression_targets, sample_minibatch, sample_unbalanced
from rpnviz.train.augment import random_view
from rpnviz.train.precision import autocast
from rpnviz.train.steps import Steps, mean_losses

BRIGHTNESS = (0.8, 1.2)
RPN_LOSSES = ("loss_objectness", "loss_rpn_box_reg")  # as torchvision calls them


@dataclass(frozen=True)
class Rules:
    """What a training goes by; each rule can be changed, to see what breaks.

    Attributes:
        best_per_gt: the best anchors of an object are positive, whatever their IoU is.
        balanced: up to half of the 256 are positive; else the 256 are drawn from all that have a label.
        drop_cross_boundary: anchors that cross the picture's border have no label. The paper's rule, and not ours.
    """

    best_per_gt: bool = True
    balanced: bool = True
    drop_cross_boundary: bool = False


OURS = Rules()


def draw_minibatch(
    anchors: Tensor, gt_boxes: Tensor, image_size: tuple[int, int], rules: Rules, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Label the anchors of one picture and draw the minibatch, by the rules. The network is not asked.

    Args:
        anchors (Tensor[N, 4]): xyxy, px of the picture.
        gt_boxes (Tensor[M, 4]): xyxy, px of the picture, on any device.
        image_size: (H, W) of the picture, px.
        rules: what may be changed.
        generator: decides the draw.

    Returns:
        labels (Tensor[N]), regression_targets (Tensor[N, 4]), sampled_pos_inds (Tensor[P]), sampled_neg_inds
        (Tensor[Q]): the last four arguments of `rpn_losses`.

    Raises:
        ValueError: as `label_anchors`.

    Source: Ren et al. 2015, section 3.1.3.
    Differs: by our rules cross-boundary anchors are kept, as in torchvision: the largest shape, 362 × 724, lies inside
        no 600 px high picture. Where it is never labelled, its outputs keep the random weights they started with;
        `python -m tools.data.border_rule` measures what that does.
    """
    anchors = check_boxes(anchors, "anchors")
    gt_boxes = check_boxes(gt_boxes, "gt_boxes").to(anchors.device)
    found = label_anchors(
        anchors,
        gt_boxes,
        image_size,
        allow_low_quality_matches=rules.best_per_gt,
        drop_cross_boundary=rules.drop_cross_boundary,
    )
    sample = sample_minibatch if rules.balanced else sample_unbalanced
    targets = regression_targets(anchors, gt_boxes, found.matched_idxs)
    return found.labels, targets, *sample(found.labels, generator=generator)


def check_pictures(pictures: Sequence[Picture], grid: Grid) -> None:
    """Refuse what no training can use.

    Raises:
        ValueError: if there is no picture, or one is not of the grid's size.
    """
    if not pictures:
        raise ValueError("pictures is empty: there is nothing to train on")
    for picture in pictures:
        if picture.image_size != grid.image_size:
            raise ValueError(f"pictures must all be {grid.image_size}; {picture.name} is {picture.image_size}")


class Training(Steps[tuple[Tensor, Tensor]]):
    """A training of head and backbone on pictures.

    Args:
        backbone: trained along if `train_backbone`.
        head: the RPN head to train.
        pictures: what to train on.
        steps: length of the whole run; the learning rate rises and falls over it (one cycle).
        batch_size: pictures a step.
        max_lr: the highest learning rate.
        train_backbone: also change the backbone.
        rules: what may be changed.
        seed: decides pictures, views and minibatches.
        device: where to compute.

    Raises:
        ValueError: if there is no picture, one is not 600 × 1000, or a number is not whole or below 1.

    Source: Ren et al. 2015, section 3.1.3, for the minibatch; the labels and losses are `targets` and `rpn`.
    Differs: AdamW with a one-cycle schedule instead of SGD, since this starts from random weights, not from ImageNet.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: RPNHead,
        pictures: Sequence[Picture],
        steps: int,
        batch_size: int = 2,
        max_lr: float = 2e-3,
        train_backbone: bool = True,
        rules: Rules = OURS,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        """Set up; nothing is computed before `run`."""
        self.grid = Grid.paper()
        check_pictures(pictures, self.grid)
        trained = {"head": head, "backbone": backbone} if train_backbone else {"head": head}
        super().__init__(trained, steps, batch_size, max_lr, seed, device)
        # the layout that convolutions are fastest in
        self.backbone = backbone.to(torch.device(device)).to(memory_format=torch.channels_last)
        self.head = head.to(memory_format=torch.channels_last)
        if not train_backbone:
            backbone.eval()
        self.pictures, self.train_backbone, self.rules = pictures, train_backbone, rules
        self.anchors = grid_anchors(self.grid, cell_anchors().to(device))

    def view(self) -> tuple[Tensor, Tensor]:
        """Draw what a step sees of a picture: uint8 Tensor[3, any, any] and Tensor[M, 4] gt boxes."""
        return random_view(self.pictures[self.draw(len(self.pictures))], self.generator)

    def losses(self, views: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """The two losses, averaged over the pictures of a step.

        Args:
            views: B pairs of a uint8 Tensor[3, any, any] and Tensor[M, 4] gt boxes, px of the grid's picture.

        Returns:
            "loss_objectness" and "loss_rpn_box_reg": two scalars.
        """
        objectness, pred_bbox_deltas = self.predict([image for image, _ in views])
        pairs = []
        for i, (_, gt_boxes) in enumerate(views):
            logits, deltas = flatten_head(objectness[i : i + 1], pred_bbox_deltas[i : i + 1])
            minibatch = draw_minibatch(self.anchors, gt_boxes, self.grid.image_size, self.rules, self.generator)
            pairs.append(rpn_losses(logits, deltas, *minibatch))
        return mean_losses(RPN_LOSSES, pairs)

    def predict(self, images: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Run the network on uint8 images: objectness [B, A, h, w] and deltas [B, 4A, h, w], float32."""
        with autocast(torch.device(self.device)):
            with torch.set_grad_enabled(self.train_backbone):  # a fixed backbone needs no backward pass
                features = self.backbone(self.inputs(images))
            objectness, pred_bbox_deltas = self.head(features)
        return objectness.float(), pred_bbox_deltas.float()

    def inputs(self, images: Sequence[Tensor]) -> Tensor:
        """B uint8 views -> the network's input [B, 3, 640, 960], each a little brighter or darker than it was."""
        brightness = torch.empty(len(images)).uniform_(*BRIGHTNESS, generator=self.generator)
        inputs = []
        for image, factor in zip(images, brightness.tolist(), strict=True):
            lit = (image.to(self.device).float() * factor).clamp(max=255)
            inputs.append(preprocess(lit[None], self.grid.input_size))
        return torch.cat(inputs).contiguous(memory_format=torch.channels_last)
