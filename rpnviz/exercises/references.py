"""The right functions that learners' are compared with: PyTorch's and torchvision's where they have one.

The worker process loads this module to compare speed; so it imports no more than it needs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
import torchvision.ops
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator

from rpnviz.targets import sample_minibatch

_CODER = BoxCoder((1.0, 1.0, 1.0, 1.0))
BETA = 1 / 9


def receptive_field(steps: list[tuple[int, int]]) -> int:
    """By unrolling from the last layer: n outputs depend on (n - 1) · stride + kernel inputs."""
    side = 1
    for kernel, stride in reversed(steps):
        side = (side - 1) * stride + kernel
    return side


def sliding_window(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """As torch.nn.functional.conv2d with a rim of one zero."""
    return F.conv2d(features[None], weight, bias, padding=1)[0]


def cell_anchors(scales: tuple[float, ...], aspect_ratios: tuple[float, ...]) -> Tensor:
    """As torchvision's AnchorGenerator."""
    generate = AnchorGenerator().generate_anchors
    anchors: Tensor = generate(scales, aspect_ratios)
    return anchors


def grid_anchors(cells: Tensor, feature_size: tuple[int, int], stride: tuple[float, float]) -> Tensor:
    """As torchvision's AnchorGenerator shifts them, from the cells' corners to their centres."""
    h, w = feature_size
    stride_y, stride_x = stride
    y, x = torch.meshgrid((torch.arange(h) + 0.5) * stride_y, (torch.arange(w) + 0.5) * stride_x, indexing="ij")
    shifts = torch.stack([x, y, x, y], dim=-1)
    return (shifts[:, :, None] + cells).reshape(-1, 4)


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """As torchvision.ops.box_iou."""
    iou: Tensor = torchvision.ops.box_iou(boxes1, boxes2)
    return iou


def label_anchors(match_quality_matrix: Tensor, fg_iou_thresh: float, bg_iou_thresh: float) -> Tensor:
    """As torchvision's Matcher, its match indices turned into labels."""
    matched: Tensor = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)(match_quality_matrix)
    labels = torch.ones_like(matched)
    labels[matched == Matcher.BELOW_LOW_THRESHOLD] = 0
    labels[matched == Matcher.BETWEEN_THRESHOLDS] = -1
    return labels


def sample(
    labels: Tensor, batch_size_per_image: int, positive_fraction: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """As torchvision's BalancedPositiveNegativeSampler, with a generator."""
    return sample_minibatch(labels, batch_size_per_image, positive_fraction, generator)


def encode(gt_boxes: Tensor, anchors: Tensor) -> Tensor:
    """As torchvision's BoxCoder with weights of 1."""
    deltas: Tensor = _CODER.encode_single(gt_boxes, anchors)
    return deltas


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """As torchvision's BoxCoder with weights of 1."""
    boxes: Tensor = _CODER.decode_single(deltas, anchors)
    return boxes


def rpn_losses(
    objectness: Tensor,
    pred_bbox_deltas: Tensor,
    labels: Tensor,
    regression_targets: Tensor,
    sampled_pos_inds: Tensor,
    sampled_neg_inds: Tensor,
) -> tuple[Tensor, Tensor]:
    """As torchvision's RegionProposalNetwork.compute_loss, once the minibatch is drawn."""
    sampled = torch.cat([sampled_pos_inds, sampled_neg_inds])
    box = F.smooth_l1_loss(
        pred_bbox_deltas[sampled_pos_inds], regression_targets[sampled_pos_inds], beta=BETA, reduction="sum"
    )
    targets = labels[sampled].to(objectness.dtype)
    return F.binary_cross_entropy_with_logits(objectness[sampled], targets), box / len(sampled)


def recall(iou: Tensor, top_n: int) -> float:
    """The share of rows with 0.5 or more among the first top_n columns."""
    return float((iou[:, :top_n].amax(dim=1) >= 0.5).double().mean())


def nms(boxes: Tensor, scores: Tensor, nms_thresh: float) -> Tensor:
    """As torchvision.ops.nms."""
    kept: Tensor = torchvision.ops.nms(boxes, scores, nms_thresh)
    return kept


def propose_by_level(
    boxes: Tensor, scores: Tensor, level_sizes: list[int], pre_nms_top_n: int, nms_thresh: float, post_nms_top_n: int
) -> Tensor:
    """As the last steps of torchvision's RegionProposalNetwork: its own NMS, level by level."""
    tops, first = [], 0
    for size in level_sizes:
        tops.append(scores[first : first + size].topk(min(pre_nms_top_n, size)).indices + first)
        first += size
    kept = [top[torchvision.ops.nms(boxes[top], scores[top], nms_thresh)] for top in tops]
    inds = torch.cat(kept)
    return inds[scores[inds].argsort(descending=True, stable=True)][:post_nms_top_n]


def port_head(weight: Tensor, num_ratios: int, num_scales: int, weights: tuple[float, ...]) -> Tensor:
    """Rows of the 1 × 1 that says deltas: from scale by scale, times weights, to ratio by ratio, plain."""
    rows = weight.reshape(num_scales, num_ratios, 4, -1).transpose(0, 1)
    return (rows / torch.tensor(weights)[:, None]).reshape(weight.shape)


def roi_align_bin(
    features: Tensor, box: Tensor, output_size: tuple[int, int], bin_row: int, bin_col: int, sampling_ratio: int
) -> Tensor:
    """One bin of torchvision.ops.roi_align(aligned=True)."""
    rois = torch.cat([box.new_zeros(1), box])[None]
    bins: Tensor = torchvision.ops.roi_align(
        features[None], rois, output_size, sampling_ratio=sampling_ratio, aligned=True
    )
    return bins[0, :, bin_row, bin_col]


def size_iou(sizes: Tensor, others: Tensor) -> Tensor:
    """As torchvision.ops.box_iou of boxes round one centre; sizes are (height, width)."""
    first, second = (torch.cat([-one.flip(1), one.flip(1)], dim=1) / 2 for one in (sizes, others))
    return box_iou(first, second)
