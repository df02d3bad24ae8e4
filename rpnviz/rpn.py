"""The network on top of the feature map: one 3 × 3 convolution, two 1 × 1 convolutions, and the two losses.

Shapes: B pictures, A anchors a cell, h × w cells, N = h · w · A anchors in the order of `anchors.grid_anchors`.
`objectness` are logits; a score is their sigmoid.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from rpnviz._files.data import data_folder
from rpnviz._inputs import take_numbers, take_whole, take_whole_numbers, to_one_type

BETA = 1 / 9  # where smooth L1 turns from a parabola into a line


class RPNHead(nn.Module):
    """Turn every 3 × 3 window of the feature map into A objectness logits and 4 · A deltas.

    Args:
        in_channels: of the feature map, and of the vector the window becomes; at most 2,048.
        num_anchors: A, anchors of a cell; at most 1,024.
        kernel_size: of the window; an odd number up to 7, 3 in the paper. 1 looks at a single cell.

    Source: Ren et al. 2015, section 3.1 and figure 3.
    Differs: the paper has 2 · A scores and a softmax; A logits and a sigmoid (torchvision's way) say the same.
    """

    def __init__(self, in_channels: int = 512, num_anchors: int = 9, kernel_size: int = 3) -> None:
        """Start untrained, with small random weights."""
        super().__init__()
        in_channels = take_whole(in_channels, "in_channels", 1, 2048)
        num_anchors = take_whole(num_anchors, "num_anchors", 1, 1024)
        kernel_size = take_whole(kernel_size, "kernel_size", 1, 7)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, so that the window has a middle; got {kernel_size}")
        self.conv = nn.Conv2d(in_channels, in_channels, kernel_size, padding=kernel_size // 2)
        self.cls_logits = nn.Conv2d(in_channels, num_anchors, kernel_size=1)
        self.bbox_pred = nn.Conv2d(in_channels, 4 * num_anchors, kernel_size=1)
        for layer in (self.conv, self.cls_logits, self.bbox_pred):
            nn.init.normal_(layer.weight, std=0.01)  # as in the paper, section 3.1.3
            nn.init.constant_(layer.bias, 0)  # type: ignore[arg-type]

    @classmethod
    def load(cls, name: str, folder: Path | None = None) -> RPNHead:
        """The trained head that belongs to a backbone.

        Args:
            name: "mini" or "vgg16".
            folder: where rpn_head_NAME.safetensors lies; None for the bundled ones.

        Raises:
            ValueError: if no head of that name is bundled.
        """
        folder = folder or data_folder() / "weights"
        bundled = sorted(path.stem.removeprefix("rpn_head_") for path in folder.glob("rpn_head_*.safetensors"))
        if name not in bundled:
            raise ValueError(f"name must be a bundled head ({', '.join(bundled)}); got {name!r}")
        weights = {key: value.float() for key, value in load_file(folder / f"rpn_head_{name}.safetensors").items()}
        head = cls(in_channels=weights["conv.weight"].shape[1], num_anchors=weights["cls_logits.weight"].shape[0])
        head.load_state_dict(weights)
        return head.eval()

    def window_vector(self, features: Tensor) -> Tensor:
        """The 3 × 3 convolution and its ReLU: the vector that every window becomes.

        Args:
            features (Tensor[B, C, h, w]): the feature map.

        Returns:
            Tensor[B, C, h, w].

        Raises:
            ValueError: as `forward`.
        """
        features = take_numbers(features, "features", f"B, {self.conv.in_channels}, h, w").to(self.conv.weight)
        return F.relu(self.conv(features))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Score and move the anchors of every cell.

        Args:
            features (Tensor[B, C, h, w]): the feature map.

        Returns:
            objectness (Tensor[B, A, h, w]): logits.
            pred_bbox_deltas (Tensor[B, 4A, h, w]): channel 4 · a + {dx, dy, dw, dh}.

        Raises:
            ValueError: if `features` has another number of dimensions or channels, or holds NaN or infinity.
        """
        vector = self.window_vector(features)  # (B, C, h, w)
        return self.cls_logits(vector), self.bbox_pred(vector)

    def at_cells(self, features: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Score and move the anchors of a few cells: the numbers that `forward` has there, without the other windows.

        Args:
            features (Tensor[1, C, h, w]): the feature map of one picture.
            cells (Tensor[W]): int64; row · w + col of each cell, in any order.

        Returns:
            objectness (Tensor[W, A]): logits.
            pred_bbox_deltas (Tensor[W, A, 4]): (dx, dy, dw, dh).

        Raises:
            ValueError: if `features` is not the map of one picture with C channels, or there is no such cell.
        """
        features = take_numbers(features, "features", f"1, {self.conv.in_channels}, h, w").to(self.conv.weight)
        h, w = features.shape[2:]
        cells = take_whole_numbers(cells, "cells", "W", 0, h * w - 1).to(features.device)
        # 1. Cut the window of each cell out of the map, which goes on with zeros beyond its rim.
        k = self.conv.kernel_size[0]
        padded = F.pad(features[0], [k // 2] * 4)  # (C, h + 2, w + 2)
        windows = padded.unfold(1, k, 1).unfold(2, k, 1)  # (C, h, w, 3, 3): every window, and nothing copied so far
        windows = windows.permute(1, 2, 0, 3, 4)[cells // w, cells % w]  # (W, C, 3, 3)
        # 2. Of a single window, the convolution is a product with a matrix.
        vector = F.relu(F.linear(windows.flatten(1), self.conv.weight.flatten(1), self.conv.bias))  # (W, 9C) -> (W, C)
        # 3. So are the two 1 × 1.
        objectness = F.linear(vector, self.cls_logits.weight.flatten(1), self.cls_logits.bias)  # (W, A)
        pred_bbox_deltas = F.linear(vector, self.bbox_pred.weight.flatten(1), self.bbox_pred.bias)  # (W, 4A)
        return objectness, pred_bbox_deltas.view(len(cells), self.cls_logits.out_channels, 4)


def flatten_head(objectness: Tensor, pred_bbox_deltas: Tensor) -> tuple[Tensor, Tensor]:
    """Bring one picture's output into the row order of the anchors.

    Args:
        objectness (Tensor[1, A, h, w]): logits.
        pred_bbox_deltas (Tensor[1, 4A, h, w]): channel 4 · a + {dx, dy, dw, dh}.

    Returns:
        objectness (Tensor[N]) and pred_bbox_deltas (Tensor[N, 4]), row (row · w + col) · A + a.

    Raises:
        ValueError: if the shapes are not those of one picture, or a number is not finite.

    Source: torchvision's `concat_box_prediction_layers`, for one feature map of one picture.
    Differs: no.
    """
    objectness = take_numbers(objectness, "objectness", "1, A, h, w")
    _, num_anchors, h, w = objectness.shape
    pred_bbox_deltas = take_numbers(pred_bbox_deltas, "pred_bbox_deltas", f"1, {4 * num_anchors}, {h}, {w}")
    logits = objectness[0].permute(1, 2, 0).reshape(-1)  # (A, h, w) -> (h, w, A) -> (N,)
    deltas = (
        pred_bbox_deltas[0].view(num_anchors, 4, h, w).permute(2, 3, 0, 1).reshape(-1, 4)
    )  # -> (h, w, A, 4) -> (N, 4)
    return logits, deltas


def rpn_losses(
    objectness: Tensor,
    pred_bbox_deltas: Tensor,
    labels: Tensor,
    regression_targets: Tensor,
    sampled_pos_inds: Tensor,
    sampled_neg_inds: Tensor,
) -> tuple[Tensor, Tensor]:
    """The two losses of one picture's minibatch.

    Args:
        objectness (Tensor[N]): logits.
        pred_bbox_deltas (Tensor[N, 4]): (dx, dy, dw, dh).
        labels (Tensor[N]): read at the sampled indices only.
        regression_targets (Tensor[N, 4]): read at the positive indices only.
        sampled_pos_inds (Tensor[P]): int64; their labels are 1.
        sampled_neg_inds (Tensor[Q]): int64; their labels are 0.

    Returns:
        loss_objectness, loss_rpn_box_reg: two scalars, float32; 0 if nothing was sampled. Gradients flow back to
        objectness and pred_bbox_deltas, whatever number type these have.

    Raises:
        ValueError: if the lengths differ, a number is not finite, or a sampled anchor has another label.

    Source: Ren et al. 2015, equation 1.
    Differs: the paper divides the box loss by about 2,400 positions and multiplies by λ = 10, which is 1/240; here
        both losses are divided by the number sampled (256), and λ is gone, as in py-faster-rcnn and torchvision.
    """
    objectness, pred_bbox_deltas, labels, regression_targets, sampled_pos_inds, sampled_neg_inds = _checked(
        objectness, pred_bbox_deltas, labels, regression_targets, sampled_pos_inds, sampled_neg_inds
    )
    # 1. Binary cross-entropy over all that was sampled.
    sampled_inds = torch.cat([sampled_pos_inds, sampled_neg_inds])
    num_sampled = max(len(sampled_inds), 1)
    loss_objectness = F.binary_cross_entropy_with_logits(
        objectness[sampled_inds], labels[sampled_inds].to(objectness.dtype), reduction="sum"
    )
    # 2. Smooth L1 over the positives: background has no box to move to.
    loss_rpn_box_reg = F.smooth_l1_loss(
        pred_bbox_deltas[sampled_pos_inds], regression_targets[sampled_pos_inds], beta=BETA, reduction="sum"
    )
    return loss_objectness / num_sampled, loss_rpn_box_reg / num_sampled


def _checked(
    objectness: Tensor, pred_bbox_deltas: Tensor, labels: Tensor, regression_targets: Tensor, pos: Tensor, neg: Tensor
) -> tuple[Tensor, ...]:
    """The arguments of `rpn_losses`, fit to compute with."""
    objectness = take_numbers(objectness, "objectness", "N")
    count = len(objectness)
    pred_bbox_deltas = take_numbers(pred_bbox_deltas, "pred_bbox_deltas", f"{count}, 4")
    regression_targets = take_numbers(regression_targets, "regression_targets", f"{count}, 4").detach()
    objectness, pred_bbox_deltas, regression_targets = to_one_type(objectness, pred_bbox_deltas, regression_targets)
    labels = take_whole_numbers(labels, "labels", f"{count}")
    pos, neg = _sampled(pos, "sampled_pos_inds", labels, 1), _sampled(neg, "sampled_neg_inds", labels, 0)
    return objectness, pred_bbox_deltas, labels, regression_targets, pos, neg


def _sampled(inds: Tensor, argument: str, labels: Tensor, label: int) -> Tensor:
    """Indices of anchors that all have one label, int64."""
    inds = take_whole_numbers(inds, argument, "P", 0, len(labels) - 1).to(labels.device)
    others = inds[labels[inds] != label]
    if len(others):
        got = f"anchor {int(others[0])}, whose label is {int(labels[others[0]])}"
        raise ValueError(f"{argument} must name anchors of label {label}; got {got}")
    return inds
