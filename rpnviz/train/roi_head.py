"""Train the second head, which names the objects: on the proposals of a backbone and an RPN that stay as they are.

Shapes: K proposals and M gt boxes of one picture, h × w feature map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.detection import CLASSES, RoIHead, roi_losses
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.roi import sample_proposals
from rpnviz.rpn import RPNHead, flatten_head
from rpnviz.train.head import features_and_mirrored, mirror_boxes
from rpnviz.train.steps import Steps, mean_losses

PROPOSALS = 300  # of a picture, in training as in testing: the head sees what it will be asked about
SAMPLED = 128  # of a picture and a step


@dataclass(frozen=True, eq=False)
class RoIView:
    """What is fixed while the second head learns.

    Attributes:
        features (Tensor[512, h, w]): float16.
        proposals (Tensor[K, 4]): of the RPN, best first.
        gt_boxes (Tensor[M, 4]): the objects.
        gt_labels (Tensor[M]): int64; places in CLASSES.
    """

    features: Tensor
    proposals: Tensor
    gt_boxes: Tensor
    gt_labels: Tensor


@torch.no_grad()
def best_proposals(features: Tensor, head: RPNHead, grid: Grid) -> Tensor:
    """Tensor[K, 4]: the RPN's proposals from features (Tensor[1, 512, h, w])."""
    objectness, deltas = flatten_head(*head(features))
    anchors = grid_anchors(grid, cell_anchors())
    return propose(objectness, deltas, anchors, grid.image_size, post_nms_top_n=PROPOSALS).proposals


def class_labels(picture: Picture) -> Tensor:
    """Tensor[M]: int64; the places of its objects in CLASSES.

    Raises:
        ValueError: if an object is of another class.
    """
    if not set(picture.class_names) <= set(CLASSES):
        raise ValueError(f"class_names of {picture.name} must be among {', '.join(CLASSES)}; got {picture.class_names}")
    return torch.tensor([CLASSES.index(name) for name in picture.class_names], dtype=torch.int64)


def roi_views(picture: Picture, backbone: Backbone, head: RPNHead, grid: Grid) -> list[RoIView]:
    """The picture as it is and mirrored."""
    gt_boxes = picture.gt_boxes, mirror_boxes(picture.gt_boxes, grid)
    return [
        RoIView(features, best_proposals(features[None].float(), head, grid), boxes, class_labels(picture))
        for features, boxes in zip(features_and_mirrored(backbone, picture, grid), gt_boxes, strict=True)
    ]


class RoITraining(Steps[RoIView]):
    """A training of the second head.

    Args:
        head: the RoI head to train.
        views: of all pictures, from `roi_views`.
        grid: of the views.
        steps, batch_size, max_lr, seed: as for `Training`.

    Source: Ren et al. 2015, section 3.2, step 4 of the alternating training: the layers below are fixed.
    Differs: AdamW with a one-cycle schedule, as in `Training`; the backbone is not tuned for it before.
    """

    def __init__(
        self,
        head: RoIHead,
        views: Sequence[RoIView],
        grid: Grid,
        steps: int,
        batch_size: int = 2,
        max_lr: float = 1e-3,
        seed: int = 0,
    ) -> None:
        """Set up; nothing is computed before `run`."""
        super().__init__({"head": head}, steps, batch_size, max_lr, seed, weight_decay=0.05)
        self.head, self.views, self.grid = head, views, grid

    def view(self) -> RoIView:
        """Draw a picture, as it is or mirrored."""
        return self.views[self.draw(len(self.views))]

    def losses(self, views: Sequence[RoIView]) -> dict[str, Tensor]:
        """The two losses on a sample of 128 proposals of each picture, averaged over the pictures of a step.

        Returns:
            "loss_classifier" and "loss_box_reg": two scalars.
        """
        pairs = []
        for view in views:
            drawn = sample_proposals(
                view.proposals, view.gt_boxes, SAMPLED, generator=self.generator, gt_labels=view.gt_labels
            )
            logits, deltas = self.head(view.features[None].float(), drawn.proposals, self.grid)
            pairs.append(roi_losses(logits, deltas, drawn.labels, drawn.regression_targets))
        return mean_losses(("loss_classifier", "loss_box_reg"), pairs)
