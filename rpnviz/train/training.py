"""Train a head (and a backbone) on pictures: views of pictures → labels → minibatch → losses → a step, again and again.

Shapes: B pictures a step, N anchors, M gt boxes of one view.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone, preprocess
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, flatten_head, rpn_losses
from rpnviz.targets import label_anchors, regression_targets, sample_blindly, sample_minibatch
from rpnviz.train.augment import random_view

BRIGHTNESS = (0.8, 1.2)


@dataclass(frozen=True)
class Rules:
    """What a training goes by; each rule can be switched off, to see what breaks.

    Attributes:
        best_per_gt: the best anchors of an object are positive, whatever their IoU is.
        balanced: up to half of the 256 are positive; else the 256 are drawn blindly from all that have a label.
    """

    best_per_gt: bool = True
    balanced: bool = True


AS_IN_THE_PAPER = Rules()


class Training:
    """A training run that can be stopped after any step and resumed.

    Args:
        backbone: trained along if `train_backbone`.
        head: the RPN head to train.
        pictures: what to train on.
        steps: length of the whole run; the learning rate rises and falls over it (one cycle).
        batch_size: pictures a step.
        max_lr: the highest learning rate.
        train_backbone: also change the backbone.
        rules: what may be switched off.
        seed: decides pictures, views and minibatches.
        device: where to compute.

    Raises:
        ValueError: if there is no picture, one is not 600 × 1000, or a number is not whole or below 1.

    Source: Ren et al. 2015, section 3.1.3, for the minibatch; the labels and losses are `targets` and `rpn`.
    Differs: AdamW with a one-cycle schedule instead of SGD, since this starts from random weights, not from ImageNet.
        Cross-boundary anchors are kept, as in torchvision: the largest shape, 362 × 724, lies inside no 600 px high
        picture, and a shape that is never labelled would keep the random score it started with.
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
        rules: Rules = AS_IN_THE_PAPER,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        """Set up; nothing is computed before `run`."""
        if not pictures:
            raise ValueError("pictures is empty: there is nothing to train on")
        if not all(isinstance(number, int) and number >= 1 for number in (steps, batch_size)):
            raise ValueError(f"steps and batch_size must be whole numbers of at least 1; got {steps} and {batch_size}")
        # channels_last and bfloat16 are what makes a step several times faster on recent CPUs and GPUs
        self.backbone = backbone.to(torch.device(device)).to(memory_format=torch.channels_last)
        self.head = head.to(torch.device(device)).to(memory_format=torch.channels_last)
        self.pictures, self.steps, self.batch_size, self.device = pictures, steps, batch_size, device
        self.train_backbone, self.rules = train_backbone, rules
        self.grid = Grid.paper()
        for picture in pictures:
            if picture.image_size != self.grid.image_size:
                raise ValueError(f"pictures must all be {self.grid.image_size}; {picture.name} is {picture.image_size}")
        self.anchors = grid_anchors(self.grid, cell_anchors().to(device))
        self.step = 0
        self.generator = torch.Generator().manual_seed(seed)
        parameters = [*head.parameters(), *(backbone.parameters() if train_backbone else ())]
        self.optimizer = torch.optim.AdamW(parameters, lr=max_lr)
        # one step more than is taken: PyTorch asks for the rate after the last step as well
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr, total_steps=steps + 1)

    def run(self) -> Iterator[dict[str, float]]:
        """Take the steps that are left; after each, yield {"step", "loss_objectness", "loss_rpn_box_reg"}.

        Whoever iterates may stop at any time; a later call goes on from there.
        """
        while self.step < self.steps:
            self.backbone.train(self.train_backbone)
            self.head.train()
            views = [self.view() for _ in range(self.batch_size)]
            loss_objectness, loss_rpn_box_reg = self.losses(*zip(*views, strict=True))
            self.optimizer.zero_grad()
            (loss_objectness + loss_rpn_box_reg).backward()
            self.optimizer.step()
            self.scheduler.step()
            self.step += 1
            yield {
                "step": self.step,
                "loss_objectness": float(loss_objectness.detach()),
                "loss_rpn_box_reg": float(loss_rpn_box_reg.detach()),
            }

    def view(self) -> tuple[Tensor, Tensor]:
        """Draw what a step sees of a picture: its input (here a uint8 image) and Tensor[M, 4] gt boxes."""
        return random_view(self.pictures[self._draw(len(self.pictures))], self.generator)

    def losses(self, images: Sequence[Tensor], gt_boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The two losses, averaged over the pictures of a step.

        Args:
            images: B uint8 Tensor[3, any, any].
            gt_boxes: B Tensor[M, 4], px of the grid's picture.

        Returns:
            loss_objectness, loss_rpn_box_reg: two scalars.

        Raises:
            ValueError: if there are not as many lists of boxes as images.
        """
        objectness, pred_bbox_deltas = self.predict(images)
        if len(gt_boxes) != len(objectness):
            raise ValueError(f"gt_boxes must be of the {len(objectness)} images; got {len(gt_boxes)}")
        pairs = []
        for i, boxes in enumerate(gt_boxes):
            logits, deltas = flatten_head(objectness[i : i + 1], pred_bbox_deltas[i : i + 1])
            boxes = boxes.to(self.device)
            found = label_anchors(
                self.anchors,
                boxes,
                self.grid.image_size,
                allow_low_quality_matches=self.rules.best_per_gt,
                drop_cross_boundary=False,
            )
            draw = sample_minibatch if self.rules.balanced else sample_blindly
            pos_inds, neg_inds = draw(found.labels, generator=self.generator)
            targets = regression_targets(self.anchors, boxes, found.matched_idxs)
            pairs.append(rpn_losses(logits, deltas, found.labels, targets, pos_inds, neg_inds))
        loss_objectness, loss_rpn_box_reg = (torch.stack(losses).mean() for losses in zip(*pairs, strict=True))
        return loss_objectness, loss_rpn_box_reg

    def predict(self, images: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Run the network on uint8 images: objectness [B, A, h, w] and deltas [B, 4A, h, w], float32."""
        with torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16):
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

    def _draw(self, count: int) -> int:
        return int(torch.randint(count, (1,), generator=self.generator))

    def save(self, path: Path) -> None:
        """Write a checkpoint; an interruption leaves the one before it untouched."""
        state = {
            "step": self.step,
            "backbone": self.backbone.state_dict() if self.train_backbone else {},  # a fixed one is known already
            "head": self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "generator": self.generator.get_state(),
        }
        unfinished = path.with_suffix(".unfinished")
        torch.save(state, unfinished)
        os.replace(unfinished, path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint that a run with the same settings wrote.

        Raises:
            ValueError: if that run had another number of steps, and so another schedule, or did not train the backbone
                while this one does, or the other way round.
        """
        state = torch.load(path, map_location=self.device, weights_only=True)
        steps = state["scheduler"]["total_steps"] - 1
        if steps != self.steps:
            raise ValueError(f"steps must be {steps}, as in the run that wrote {path}; got {self.steps}")
        if bool(state["backbone"]) is not self.train_backbone:
            raise ValueError(f"train_backbone must be {not self.train_backbone}, as in the run that wrote {path}")
        self.step = state["step"]
        if self.train_backbone:
            self.backbone.load_state_dict(state["backbone"])
        self.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.generator.set_state(state["generator"].cpu())
