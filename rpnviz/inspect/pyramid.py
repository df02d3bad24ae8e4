"""Proposals of a feature pyramid: top-N for each level, then NMS for each level, with every stage kept.

Anchors of all levels are one list, the finest level first: only the two steps above ask which level an anchor is of.
Shapes: N anchors of all levels, L levels, M gt boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import torch
import torchvision.ops
from torch import Tensor

from rpnviz._inputs import MOST_IN_NMS, check_count, take_number, take_numbers, take_size, take_whole, to_one_type
from rpnviz.boxes import box_iou, check_boxes
from rpnviz.proposals import Proposed

STAGES = ("anchors", "top-N of the level", "large enough", "after NMS", "proposals")


@dataclass(frozen=True)
class Level:
    """One map of a pyramid.

    Attributes:
        name (str): e.g. "P2"; "pool" is the last map, pooled once more.
        feature_size (tuple[int, int]): (h, w).
        stride (tuple[int, int]): (y, x), px of the network's input.
        anchors_per_cell (int): how many stand at each cell.
    """

    name: str
    feature_size: tuple[int, int]
    stride: tuple[int, int]
    anchors_per_cell: int

    @property
    def count(self) -> int:
        """How many of the N anchors are of this level."""
        return self.feature_size[0] * self.feature_size[1] * self.anchors_per_cell


@dataclass(frozen=True)
class PyramidStages(Proposed):
    """What became of each anchor on the way to a proposal.

    Attributes:
        levels (tuple[Level, ...]): the finest first.
        all_scores (Tensor[N]): objectness after the sigmoid.
        decoded (Tensor[N, 4]): xyxy, px; anchors moved by their deltas.
        all_boxes (Tensor[N, 4]): the same, clipped to the picture.
        top_inds (Tensor[K1]): int64; level by level, best score of the level first.
        large_inds (Tensor[K2]): int64, in the same order; of these, what is high, wide and probable enough.
        nms_inds (Tensor[K3]): int64, best score first, whatever the level; what NMS keeps of these.
        post_nms_inds (Tensor[K]): int64, best first; the top-N of these: the proposals.
    """

    levels: tuple[Level, ...]
    all_scores: Tensor
    decoded: Tensor
    all_boxes: Tensor
    top_inds: Tensor
    large_inds: Tensor
    nms_inds: Tensor
    post_nms_inds: Tensor

    @cached_property
    def level_of(self) -> Tensor:
        """Tensor[N]: int64; the number of each anchor's level."""
        return level_numbers(self.levels)

    def funnel(self) -> list[tuple[str, list[int]]]:
        """How many of each level are left after each stage, as (one of STAGES, L counts)."""
        everyone = torch.arange(len(self.all_scores))
        left = (everyone, self.top_inds, self.large_inds, self.nms_inds, self.post_nms_inds)
        counts = [torch.bincount(self.level_of[inds], minlength=len(self.levels)).tolist() for inds in left]
        return list(zip(STAGES, counts, strict=True))

    def fate(self, index: int) -> str:
        """In words, where anchor `index` ended, 0 … N - 1; ranks are counted from 1. A ValueError if there is none."""
        index = take_whole(index, "index", 0, len(self.all_scores) - 1)
        level = self.levels[int(self.level_of[index])].name
        if (self.post_nms_inds == index).any():
            place = int((self.post_nms_inds == index).nonzero()) + 1
            return f"proposal {place:,} of {len(self.post_nms_inds):,}"
        if (self.nms_inds == index).any():
            return f"kept by NMS, beyond the best {len(self.post_nms_inds):,} of all levels"
        if (self.large_inds == index).any():
            return f"suppressed by a better box of {level}"
        if (self.top_inds == index).any():
            return "too small after clipping, or below the least score"
        count = int((self.level_of[self.top_inds] == self.level_of[index]).sum())
        return f"below the top {count:,} scores of {level}"


def level_numbers(levels: Sequence[Level]) -> Tensor:
    """Tensor[N]: int64; the number of each anchor's level: 0 for those of the first, 1 for those of the second."""
    return torch.arange(len(levels)).repeat_interleave(torch.tensor([level.count for level in levels]))


@torch.no_grad()
def propose_by_level(
    objectness: Tensor,
    decoded: Tensor,
    levels: Sequence[Level],
    image_size: tuple[int, int],
    pre_nms_top_n: int = 1000,
    post_nms_top_n: int = 1000,
    nms_thresh: float = 0.7,
    min_size: float = 1e-3,
    score_thresh: float = 0.0,
) -> PyramidStages:
    """Turn the head's output on all levels into proposals, step by step as torchvision's RegionProposalNetwork does.

    The defaults are torchvision's at test time. pre_nms_top_n holds for each level, post_nms_top_n for all together:
    with one level only, NMS would be given no more than may come out. In training both are 2,000.

    Args:
        objectness (Tensor[N]): logits, level by level.
        decoded (Tensor[N, 4]): xyxy, px of the network's input; the anchors moved by their deltas.
        levels: whose counts make up N.
        image_size: (H, W) of the picture in the network's input, px.
        pre_nms_top_n: how many of each level go into NMS.
        post_nms_top_n: how many proposals come out at most.
        nms_thresh: a box is suppressed by a better one of its own level if their IoU is above it.
        min_size: smallest height and width, px of the network's input.
        score_thresh: smallest score.

    Returns:
        PyramidStages: every stage. No gradient flows through them.

    Raises:
        ValueError: if the shapes do not fit, a number is NaN or infinite, or a setting is out of range.
    """
    given = take_numbers(objectness, "objectness", "N"), take_numbers(decoded, "decoded", "N, 4")
    objectness, decoded = (one.detach() for one in to_one_type(*given))
    counts = [level.count for level in levels]
    if len(objectness) != sum(counts) or len(decoded) != sum(counts):
        rows = f"objectness {len(objectness):,} and decoded {len(decoded):,} rows"
        raise ValueError(f"{rows} must both be {sum(counts):,}, the anchors of the levels")
    pre_nms_top_n = take_whole(pre_nms_top_n, "pre_nms_top_n")
    post_nms_top_n = take_whole(post_nms_top_n, "post_nms_top_n")
    nms_thresh, min_size = take_number(nms_thresh, "nms_thresh", 0, 1), take_number(min_size, "min_size")
    score_thresh, image_size = take_number(score_thresh, "score_thresh", 0, 1), take_size(image_size, "image_size")
    # 1. The best scores of each level.
    firsts = accumulate([0, *counts[:-1]])
    tops = [one.topk(min(pre_nms_top_n, len(one))).indices for one in objectness.split(counts)]
    top_inds = torch.cat([top + first for top, first in zip(tops, firsts, strict=True)])
    check_count(len(top_inds), MOST_IN_NMS, "levels and pre_nms_top_n: … boxes would go into NMS")
    # 2. Logits to scores; of the chosen once more: the last bit of a number may depend on its place in the vector.
    all_scores = objectness.sigmoid()
    all_scores[top_inds] = objectness[top_inds].sigmoid()
    # 3. Clip to the picture; drop what is tiny then, or improbable.
    all_boxes = torchvision.ops.clip_boxes_to_image(decoded, image_size)
    large = top_inds[torchvision.ops.remove_small_boxes(all_boxes[top_inds], min_size)]
    large = large[all_scores[large] >= score_thresh]
    # 4. NMS, each level for itself.
    level_of = level_numbers(levels)
    nms_inds = large[torchvision.ops.batched_nms(all_boxes[large], all_scores[large], level_of[large], nms_thresh)]
    # 5. The best of all levels together.
    return PyramidStages(
        *(tuple(levels), all_scores, decoded, all_boxes),
        *(top_inds, large, nms_inds, nms_inds[:post_nms_top_n]),
    )


@torch.no_grad()
def best_by_level(boxes: Tensor, gt_boxes: Tensor, levels: Sequence[Level]) -> Tensor:
    """The best IoU that any box of each level reaches with each object: who could answer for it.

    Args:
        boxes (Tensor[N, 4]): xyxy; the anchors, or what became of them.
        gt_boxes (Tensor[M, 4]): xyxy, in the same px.
        levels: whose counts make up N.

    Returns:
        Tensor[M, L]: 0 where a level has nothing that overlaps. No gradient flows through them.
    """
    boxes, gt_boxes = check_boxes(boxes, "boxes"), check_boxes(gt_boxes, "gt_boxes")
    counts = [level.count for level in levels]
    if len(boxes) != sum(counts):
        raise ValueError(f"boxes: got {len(boxes):,}, the levels have {sum(counts):,} anchors")
    best = [box_iou(gt_boxes, of_level).amax(dim=1) for of_level in boxes.split(counts)]
    return torch.stack(best, dim=1) if len(gt_boxes) else torch.zeros(0, len(levels))
