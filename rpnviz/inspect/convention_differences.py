"""What another convention changes on one picture: setting by setting, counted in anchors; and what a mix-up costs.

Each setting is taken over into the paper's convention alone, and what then comes out is compared, anchor by anchor, at
the step that the setting belongs to. Shapes: N anchors of the paper's convention, M gt boxes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from rpnviz._inputs import take_numbers, take_whole
from rpnviz.boxes import check_boxes
from rpnviz.grid import Grid
from rpnviz.inspect.convention_presets import CONVENTIONS, PAPER, PROJECTS, differing
from rpnviz.inspect.conventions import (
    Convention,
    convention_anchors,
    decode_by,
    encode_by,
    label_by,
    losses_by,
    propose_by,
)
from rpnviz.proposals import NO_LIMIT, Stages
from rpnviz.targets import POSITIVE, regression_targets, sample_minibatch

DECIDE_NMS = ("clamp", "extra_pixel", "vertical_only", "pre_nms_top_n", "min_size", "first")
MOVED = 1e-3  # px; an anchor that lies less far off has not moved


@dataclass(frozen=True)
class Case:
    """One picture, one grid, and what the network says there.

    Attributes:
        grid: how the feature map lies on the picture.
        gt_boxes (Tensor[M, 4]): xyxy, px.
        objectness (Tensor[N]): logits of the paper's nine anchors of each cell.
        pred_bbox_deltas (Tensor[N, 4]): their deltas.
        seed: of the minibatch.
        crowd: the gt box that is not an object but is drawn round a crowd; -1: none is.
        resized_by: by what the picture was made larger for the network.

    Raises:
        ValueError: if the numbers are not those of the grid, or there is no such gt box.
    """

    grid: Grid
    gt_boxes: Tensor
    objectness: Tensor
    pred_bbox_deltas: Tensor
    seed: int = 0
    crowd: int = -1
    resized_by: float = 1.0
    _followed: dict[Convention, Followed] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Take the numbers once for all conventions."""
        h, w = self.grid.feature_size
        gt_boxes = check_boxes(self.gt_boxes, "gt_boxes").detach()
        taken = {
            "gt_boxes": gt_boxes,
            "objectness": take_numbers(self.objectness, "objectness", f"{9 * h * w}").detach(),
            "pred_bbox_deltas": take_numbers(self.pred_bbox_deltas, "pred_bbox_deltas", f"{9 * h * w}, 4").detach(),
            "crowd": take_whole(self.crowd, "crowd", -1, len(gt_boxes) - 1),
            "seed": take_whole(self.seed, "seed", 0, 2**63 - 1),
        }
        for name, value in taken.items():
            object.__setattr__(self, name, value)

    def follow(self, convention: Convention) -> Followed:
        """What a convention makes of it; worked out once, since projects share most of their settings."""
        if convention not in self._followed:
            self._followed[convention] = Followed(convention, self)
        return self._followed[convention]

    @property
    def objects(self) -> Tensor:
        """Tensor[K, 4]: the gt boxes without the one round a crowd."""
        return self.gt_boxes[torch.arange(len(self.gt_boxes)) != self.crowd]

    @property
    def crowds(self) -> Tensor:
        """Tensor[C, 4]: the other one, if there is one."""
        return self.gt_boxes[torch.arange(len(self.gt_boxes)) == self.crowd]


@dataclass(frozen=True)
class Followed:
    """What a convention makes of a case, worked out when it is asked for."""

    convention: Convention
    case: Case

    @cached_property
    def anchors(self) -> Tensor:
        """Tensor[N', 4]: xyxy, px; N' is another number only where a cell has other anchors."""
        return convention_anchors(self.convention, self.case.grid)

    @cached_property
    def _labelled(self) -> tuple[Tensor, Tensor]:
        case = self.case
        return label_by(self.convention, self.anchors, case.objects, case.grid.image_size, case.crowds)

    @property
    def labels(self) -> Tensor:
        """Tensor[N']: int8; 1, 0 or -1."""
        return self._labelled[0]

    @property
    def matched_idxs(self) -> Tensor:
        """Tensor[N']: int64; into `case.objects`, -1 for all that is not positive."""
        return self._labelled[1]

    @cached_property
    def sampled(self) -> tuple[Tensor, Tensor]:
        """The minibatch for the case's seed: positive and negative anchors, int64."""
        generator = torch.Generator().manual_seed(self.case.seed)
        return sample_minibatch(self.labels, self.convention.batch_size_per_image, generator=generator)

    @cached_property
    def targets(self) -> Tensor:
        """Tensor[N', 4]: what the network should say of each positive anchor; 0 for all others."""
        targets = torch.zeros_like(self.anchors)
        positive = self.labels == POSITIVE
        gt_boxes = self.case.objects.to(targets.dtype)[self.matched_idxs[positive]]
        targets[positive] = encode_by(self.convention, gt_boxes, self.anchors[positive])
        return targets

    @cached_property
    def decoded(self) -> Tensor:
        """Tensor[N, 4]: the boxes that the network means, by way of the convention's own numbers."""
        weights = torch.tensor(self.convention.weights)
        return decode_by(self.convention, self.case.pred_bbox_deltas * weights, self._own_anchors)

    @cached_property
    def stages(self) -> Stages:
        """The proposals at test time."""
        case = self.case
        # NMS over all boxes takes a third of a second: whoever differs in other settings alone shares what it keeps.
        alike = {name: getattr(self.convention, name) for name in DECIDE_NMS}
        sharing = case.follow(replace(PAPER, **alike))
        if sharing is not self:
            kept = sharing.stages.nms_inds[: self.convention.post_nms_top_n[1]]
            return replace(sharing.stages, post_nms_inds=kept)
        return propose_by(self.convention, case.objectness, self.decoded, case.grid.image_size, case.resized_by)

    @cached_property
    def losses(self) -> tuple[float, float]:
        """Objectness and box loss of the paper's minibatch of the network's answers, added up as here."""
        case = self.case
        paper = case.follow(PAPER)
        sampled = torch.cat(paper.sampled)
        targets = regression_targets(paper.anchors, case.objects, paper.matched_idxs)
        answers = case.objectness[sampled], case.pred_bbox_deltas[sampled], paper.labels[sampled], targets[sampled]
        return losses_by(self.convention, *answers)

    @property
    def _own_anchors(self) -> Tensor:
        """The anchors that the network was trained with, whatever the convention's are."""
        return convention_anchors(PAPER, self.case.grid)


@dataclass(frozen=True)
class Difference:
    """A setting in which a convention is not the paper's.

    Attributes:
        setting (str): a field of `Convention`.
        name (str): what it is about.
        paper (str): the paper's, in words.
        here (str): this convention's.
        changed (int): how many anchors it changes on this picture, taken over alone.
        what (str): what becomes of them.
        source (str): file and word to search for.
    """

    setting: str
    name: str
    paper: str
    here: str
    changed: int
    what: str
    source: str


def differences(convention: Convention, case: Case) -> list[Difference]:
    """Say in which settings a convention is not the paper's, and what each of them changes here.

    Args:
        convention: one of CONVENTIONS, or made from one by `dataclasses.replace`.
        case: a picture and what the network says.

    Returns:
        list[Difference]: in the order of the work.
    """
    paper = case.follow(PAPER)
    sources = PROJECTS[convention.name].sources if convention.name in PROJECTS else {}
    rows = []
    for setting in differing(convention):
        name, step = SETTINGS[setting]
        taken_over: Any = {setting: getattr(convention, setting)}
        changed = step.count(case.follow(replace(PAPER, **taken_over)), paper)
        here = in_words(setting, getattr(convention, setting))
        source = sources.get(setting, "")
        rows.append(Difference(setting, name, paper_in_words(setting), here, changed, step.what, source))
    return rows


def follow_all(case: Case) -> dict[str, Followed]:
    """What each of the CONVENTIONS makes of a case."""
    return {name: case.follow(convention) for name, convention in CONVENTIONS.items()}


def paper_in_words(setting: str) -> str:
    """The paper's value of a setting, for a table; it tells where the paper says nothing."""
    return in_words(setting, getattr(PAPER, setting)) + (" (not said)" if setting in UNSAID else "")


def in_words(setting: str, value: Any) -> str:
    """A value of a setting, for a table."""
    if setting in WORDS:
        return WORDS[setting](value)
    return str(value)


@dataclass(frozen=True)
class Step:
    """Where a setting shows: how many anchors differ there, and in what."""

    what: str
    count: Callable[[Followed, Followed], int]


def _differ(a: Tensor, b: Tensor) -> int:
    """How many rows are not the same; all of the first, if there are not as many of the second."""
    if a.shape != b.shape:
        return len(a)
    return int(((a - b).abs() > MOVED).any(dim=1).sum())


def _relabelled(one: Followed, paper: Followed) -> int:
    return int(((one.labels != paper.labels) | (one.matched_idxs != paper.matched_idxs)).sum())


def _others_proposed(one: Followed, paper: Followed) -> int:
    """Anchors whose box is a proposal in one of the two and not in the other."""
    both = torch.cat([one.stages.post_nms_inds, paper.stages.post_nms_inds])
    return int((both.unique(return_counts=True)[1] == 1).sum())


def _weighted(which: int) -> Callable[[Followed, Followed], int]:
    """Of loss 0, the score's, all in the minibatch; of loss 1, the box's, its positives; none if it stays the same."""

    def count(one: Followed, paper: Followed) -> int:
        same = math.isclose(one.losses[which], paper.losses[which], rel_tol=1e-6)
        return 0 if same else sum(map(len, paper.sampled[: 2 - which]))

    return count


ANCHORS = Step("lie elsewhere", lambda one, paper: _differ(one.anchors, paper.anchors))
LABELS = Step("get another label", _relabelled)
TAKERS = Step("have another object to move to", _relabelled)
BATCH = Step("more are drawn", lambda one, paper: sum(map(len, one.sampled)) - sum(map(len, paper.sampled)))
TARGETS = Step("have other targets", lambda one, paper: _differ(one.targets, paper.targets))
DECODED = Step("become another box", lambda one, paper: _differ(one.decoded, paper.decoded))
BOX_LOSS = Step("weigh differently in the box loss", _weighted(1))
SCORE_LOSS = Step("weigh differently in the score's loss", _weighted(0))
PROPOSED = Step("are proposals in one of the two", _others_proposed)
NOTHING = Step("say the same with one number more", lambda _one, _paper: 0)

SETTINGS: dict[str, tuple[str, Step]] = {
    "offset": ("where in its cell an anchor stands", ANCHORS),
    "shapes": ("the anchors of a cell", ANCHORS),
    "sides": ("how sides are rounded", ANCHORS),
    "ratio": ("an aspect ratio is", ANCHORS),
    "order": ("order of the outputs", ANCHORS),
    "drop_cross_boundary": ("anchors across the border", LABELS),
    "least_best_iou": ("the best anchors of an object are positive", LABELS),
    "taker": ("best for one object, more on another: moves to", TAKERS),
    "crowd": ("anchors on a crowd", LABELS),
    "batch_size_per_image": ("anchors in the minibatch", BATCH),
    "weights": ("the four targets are multiplied by", TARGETS),
    "clamp": ("growth cut off at 62.5-fold", DECODED),
    "extra_pixel": ("decoding adds to width and height", DECODED),
    "vertical_only": ("what is moved", DECODED),
    "beta": ("box loss: parabola up to", BOX_LOSS),
    "n_cls": ("score's loss is divided by", SCORE_LOSS),
    "n_reg": ("box loss is divided by", BOX_LOSS),
    "pre_nms_top_n": ("into NMS, training / test", PROPOSED),
    "post_nms_top_n": ("out of NMS, training / test", PROPOSED),
    "min_size": ("smallest side of a proposal", PROPOSED),
    "first": ("what comes first", PROPOSED),
    "scores_per_anchor": ("scores for an anchor", NOTHING),
}


def _counted(count: int) -> str:
    return "all" if count >= NO_LIMIT else f"{count:,}"


def _ninth(beta: float) -> str:
    return "0, a line throughout" if beta == 0 else "1/9" if math.isclose(beta, 1 / 9) else f"{beta:g}"


WORDS: dict[str, Callable[[Any], str]] = {
    "offset": lambda value: {0.5: "middle", 0.0: "upper left corner"}.get(value, f"{value:g} of the stride"),
    "drop_cross_boundary": lambda drop: "no label" if drop else "labelled as all others",
    "least_best_iou": lambda least: f"from IoU {least:g} on" if least else "whatever their IoU",
    "weights": lambda weights: ", ".join(f"{weight:g}" for weight in weights),
    "clamp": lambda clamp: {"none": "no", "above": "yes", "above and below": "yes, and shrinking too"}[clamp],
    "extra_pixel": lambda pixel: f"{pixel} px",
    "vertical_only": lambda only: "up, down and height only" if only else "all four",
    "beta": _ninth,
    "n_reg": lambda by: "240: about 2,400 places, λ = 10" if by == 240 else str(by),
    "pre_nms_top_n": lambda pair: " / ".join(map(_counted, pair)),
    "post_nms_top_n": lambda pair: " / ".join(map(_counted, pair)),
    "min_size": lambda size: f"{size:g} px" if size else "none",
    "scores_per_anchor": lambda scores: "2, softmax" if scores == 2 else "1, sigmoid",
}
# What the paper does not say; what stands for it there is what this series does.
UNSAID = ("sides", "taker", "crowd", "clamp", "extra_pixel", "pre_nms_top_n", "min_size", "first")
