"""The proposal branch: decode → clip → min size → top-N → NMS → top-N, with every stage kept. No labels in it.

Shapes: N anchors. Every stage is a list of indices into these N, so that a view can follow one anchor through.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

import torch
import torchvision.ops
from torch import Tensor

from rpnviz._inputs import MOST_IN_NMS, check_count, take_number, take_numbers, take_whole, to_one_type
from rpnviz.boxes import clip, decode, pairwise_iou


class Settings(TypedDict):
    """The four numbers of `propose`, to be handed over as ``**settings``."""

    pre_nms_top_n: int
    post_nms_top_n: int
    nms_thresh: float
    min_size: float


NO_LIMIT = 1_000_000  # more than there are anchors


def _settings(pre_nms_top_n: int, post_nms_top_n: int, min_size: float) -> Settings:
    return Settings(pre_nms_top_n=pre_nms_top_n, post_nms_top_n=post_nms_top_n, nms_thresh=0.7, min_size=min_size)


# What each of them uses, in training and in use. The paper names neither a top-N before NMS nor a smallest size.
# torchvision's numbers are meant for the five levels of a feature pyramid: its top-N before NMS holds for each level.
PRESETS: dict[str, dict[str, Settings]] = {
    "paper": {"train": _settings(NO_LIMIT, 2000, 0), "test": _settings(NO_LIMIT, 300, 0)},
    "py-faster-rcnn": {"train": _settings(12000, 2000, 16), "test": _settings(6000, 300, 16)},
    "torchvision": {"train": _settings(2000, 2000, 1e-3), "test": _settings(1000, 1000, 1e-3)},
    "detectron2": {"train": _settings(12000, 2000, 0), "test": _settings(6000, 1000, 0)},
}


class Proposed:
    """What all ways to proposals end in: some of the N boxes, best first."""

    all_scores: Tensor
    all_boxes: Tensor
    post_nms_inds: Tensor

    @property
    def proposals(self) -> Tensor:
        """Tensor[K, 4]: xyxy, px, best first."""
        return self.all_boxes[self.post_nms_inds]

    @property
    def scores(self) -> Tensor:
        """Tensor[K]: of the proposals, best first."""
        return self.all_scores[self.post_nms_inds]


@dataclass(frozen=True)
class Stages(Proposed):
    """What became of each anchor on the way to a proposal.

    Attributes:
        all_scores (Tensor[N]): objectness after the sigmoid.
        decoded (Tensor[N, 4]): xyxy, px; anchors moved by their deltas.
        all_boxes (Tensor[N, 4]): the same, clipped to the picture.
        large_inds (Tensor[K1]): int64, ascending; what is at least min_size high and wide.
        pre_nms_inds (Tensor[K2]): int64, best score first; the top-N of these.
        nms_inds (Tensor[K3]): int64, best first; what NMS keeps.
        post_nms_inds (Tensor[K]): int64, best first; the top-N of these: the proposals.
        nms_thresh (float): the IoU above which NMS removed a box.
    """

    all_scores: Tensor
    decoded: Tensor
    all_boxes: Tensor
    large_inds: Tensor
    pre_nms_inds: Tensor
    nms_inds: Tensor
    post_nms_inds: Tensor
    nms_thresh: float

    @classmethod
    def from_nms(
        cls,
        *,
        all_scores: Tensor,
        decoded: Tensor,
        all_boxes: Tensor,
        large_inds: Tensor,
        pre_nms_inds: Tensor,
        nms_inds: Tensor,
        post_nms_top_n: int,
        nms_thresh: float,
    ) -> Stages:
        """Cut the list of what NMS kept off at the top-N.

        The NMS may be another one, also a wrong one: a box that it removed without a reason is said to be suppressed
        by the kept box that overlaps it most.

        Args:
            all_scores (Tensor[N]): as in `Stages`, and so are all but the next to last.
            decoded (Tensor[N, 4]): xyxy, px.
            all_boxes (Tensor[N, 4]): xyxy, px.
            large_inds (Tensor[K1]): int64, ascending.
            pre_nms_inds (Tensor[K2]): int64, best score first; what went into NMS.
            nms_inds (Tensor[K3]): int64, best first; what came out.
            post_nms_top_n: how many proposals there are at most.
            nms_thresh: the IoU above which NMS removed a box.

        Returns:
            Stages: see there.
        """
        return cls(
            all_scores=all_scores,
            decoded=decoded,
            all_boxes=all_boxes,
            large_inds=large_inds,
            pre_nms_inds=pre_nms_inds,
            nms_inds=nms_inds,
            post_nms_inds=nms_inds[:post_nms_top_n],
            nms_thresh=nms_thresh,
        )

    @cached_property
    def rank(self) -> Tensor:
        """Tensor[N]: int64; place among pre_nms_inds, 0 is best, -1 if not among them."""
        rank = torch.full_like(self.all_scores, -1, dtype=torch.int64)
        rank[self.pre_nms_inds] = torch.arange(len(self.pre_nms_inds), device=rank.device)
        return rank

    @property
    def suppressed_by(self) -> Tensor:
        """Tensor[N]: int64; the kept anchor that suppressed this one at NMS, -1 if none did."""
        return self._suppressors[0]

    @property
    def suppressed_iou(self) -> Tensor:
        """Tensor[N]: float32; the IoU of these two boxes, 0 if none did."""
        return self._suppressors[1]

    @cached_property
    def _suppressors(self) -> tuple[Tensor, Tensor]:
        """Worked out when asked for: it takes longer than all of `propose`, and training has no use for it."""
        return _find_suppressors(self.all_boxes, self.pre_nms_inds, self.nms_inds, self.rank, self.nms_thresh)

    def funnel(self) -> list[tuple[str, int]]:
        """How many are left after each stage, as (name, count)."""
        stages = {
            "anchors": self.all_scores,
            "clipped": self.all_boxes,
            "large enough": self.large_inds,
            "top-N by score": self.pre_nms_inds,
            "after NMS": self.nms_inds,
            "proposals": self.post_nms_inds,
        }
        return [(name, len(left)) for name, left in stages.items()]

    def fate(self, index: int) -> str:
        """In words, where anchor `index` ended, 0 … N - 1; ranks are counted from 1. A ValueError if there is none."""
        index = take_whole(index, "index", 0, len(self.all_scores) - 1)
        rank = int(self.rank[index]) + 1
        if (self.post_nms_inds == index).any():
            place = int((self.post_nms_inds == index).nonzero()) + 1
            return f"proposal {place:,} of {len(self.post_nms_inds):,}"
        if self.suppressed_by[index] >= 0:
            by = int(self.rank[self.suppressed_by[index]]) + 1
            return f"suppressed by rank {by:,}, IoU {float(self.suppressed_iou[index]):.2f}"
        if rank > 0:
            return f"kept by NMS, beyond the best {len(self.post_nms_inds):,}"
        if (self.large_inds == index).any():
            return f"below the top {len(self.pre_nms_inds):,} scores"
        return "too small after clipping"


@torch.no_grad()
def propose(
    objectness: Tensor,
    pred_bbox_deltas: Tensor,
    anchors: Tensor,
    image_size: tuple[int, int],
    pre_nms_top_n: int = 6000,
    post_nms_top_n: int = 300,
    nms_thresh: float = 0.7,
    min_size: float = 16,
) -> Stages:
    """Turn the head's output into proposals.

    Args:
        objectness (Tensor[N]): logits.
        pred_bbox_deltas (Tensor[N, 4]): (dx, dy, dw, dh).
        anchors (Tensor[N, 4]): xyxy, px of the picture.
        image_size: (H, W) of the picture, px.
        pre_nms_top_n: how many go into NMS.
        post_nms_top_n: how many proposals come out at most.
        nms_thresh: a box is suppressed by a better kept box if their IoU is above it; at it, both stay.
        min_size: smallest height and width, px of the picture.

    Returns:
        Stages: every stage; `.proposals` and `.scores` are the last. No gradient flows through them.

    Raises:
        ValueError: if the shapes do not fit, a number is NaN or infinite, a setting is out of range, or more than
            100,000 boxes would go into NMS.

    Source: Ren et al. 2015, section 3.3; the settings are py-faster-rcnn's for testing.
    Differs: torchvision takes the top-N before it clips and drops small boxes, py-faster-rcnn (and this) after;
        the results are equal when nothing is dropped or pre_nms_top_n ≥ N. With min_size 0 torchvision keeps boxes
        without area, here they are dropped. torchvision on a CPU suppresses a box of IoU 0.6 at
        nms_thresh 0.6, since that IoU in float32 is a little above 0.6; here it stays.
    """
    objectness, pred_bbox_deltas, anchors = _take_answers(objectness, pred_bbox_deltas, anchors)
    pre_nms_top_n, post_nms_top_n = (
        take_whole(pre_nms_top_n, "pre_nms_top_n"),
        take_whole(post_nms_top_n, "post_nms_top_n"),
    )
    nms_thresh, min_size = take_number(nms_thresh, "nms_thresh", 0, 1), take_number(min_size, "min_size")
    # 1. Move every anchor by its deltas. To cross the border is no reason to drop one here.
    decoded = decode(pred_bbox_deltas, anchors)  # [N, 4]
    scores = objectness.double().sigmoid().to(objectness.dtype)  # [N]; in float32 its last bit depends on the processor
    # 2. Cut the boxes off at the border.
    boxes = clip(decoded, image_size)  # [N, 4]
    # 3. Drop what is tiny now (in the degenerate case of min_size 0: what has no area).
    large = torchvision.ops.remove_small_boxes(boxes, max(min_size, torch.finfo(boxes.dtype).tiny))  # [K1]
    # 4. Keep the best N by score. A background score is no reason to drop: proposals are ranked, not classified.
    # Ranked by the logits, since sigmoids of large logits tie at 1.
    pre_nms = large[_top_n(objectness[large], pre_nms_top_n)]  # [K2]
    check_count(len(pre_nms), MOST_IN_NMS, "pre_nms_top_n lets … boxes into NMS")
    # 5. Non-maximum suppression: go down the list, keep a box unless a kept one overlaps it more than nms_thresh.
    kept = torchvision.ops.nms(boxes[pre_nms], objectness[pre_nms], _round_as(boxes, nms_thresh))  # [K3]
    # 6. The best of these are the proposals.
    return Stages.from_nms(
        all_scores=scores,
        decoded=decoded,
        all_boxes=boxes,
        large_inds=large,
        pre_nms_inds=pre_nms,
        nms_inds=pre_nms[kept],
        post_nms_top_n=post_nms_top_n,
        nms_thresh=nms_thresh,
    )


def _take_answers(objectness: Tensor, pred_bbox_deltas: Tensor, anchors: Tensor) -> tuple[Tensor, ...]:
    """Take one logit, four deltas and one anchor each, all of one number type."""
    objectness = take_numbers(objectness, "objectness", "N")  # see flatten_head
    pred_bbox_deltas = take_numbers(pred_bbox_deltas, "pred_bbox_deltas", f"{len(objectness)}, 4")
    anchors = take_numbers(anchors, "anchors", f"{len(objectness)}, 4")
    return to_one_type(objectness, pred_bbox_deltas, anchors)


def _top_n(objectness: Tensor, count: int) -> Tensor:
    """Rows of the best `count` logits, best first, equal ones in the order of the list."""
    rows = torch.arange(len(objectness), device=objectness.device)
    if count < len(objectness):  # sort only what can be among them
        least = objectness.topk(count, sorted=False).values.min()
        rows = (objectness >= least).nonzero().flatten()
    by_score = objectness[rows].argsort(descending=True, stable=True)
    return rows[by_score[:count]]


def _round_as(boxes: Tensor, nms_thresh: float) -> float:
    """The threshold, rounded as IoUs of these boxes are: float32's 0.6 is above 0.6."""
    return boxes.new_tensor(nms_thresh).item()


@torch.no_grad()
def _find_suppressors(
    boxes: Tensor, pre_nms: Tensor, nms: Tensor, rank: Tensor, nms_thresh: float
) -> tuple[Tensor, Tensor]:
    """For each box that NMS removed: the first kept box that overlaps it above the threshold, and their IoU.

    A box that was itself removed suppresses none, and none suppresses a better one: only better kept ones are asked.
    """
    suppressed_by = torch.full_like(rank, -1)
    suppressed_iou = boxes.new_zeros(len(boxes))
    nms_thresh = _round_as(boxes, nms_thresh)
    removed = pre_nms[~torch.isin(pre_nms, nms)] if len(nms) else nms
    for start in range(0, len(removed), 64):  # some at a time, to bound the memory
        some = removed[start : start + 64]  # best first
        better = nms[rank[nms] < rank[some[-1]]]
        better = better if len(better) else nms
        iou = pairwise_iou(boxes[some], boxes[better])  # [64, better]
        worse = rank[better] > rank[some][:, None]
        iou = iou.masked_fill(worse & ~worse.all(dim=1, keepdim=True), -1)
        above = (iou > nms_thresh) & ~worse
        # Should the library's NMS and box_iou round the last bit differently, it is the largest IoU.
        found, first = above.max(dim=1)
        first = torch.where(found, first, iou.max(dim=1).indices)
        suppressed_by[some] = better[first]
        suppressed_iou[some] = iou.gather(1, first[:, None]).squeeze(1)
    return suppressed_by, suppressed_iou
