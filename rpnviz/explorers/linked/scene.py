"""One picture on one grid, run through every station, and what the page of the linked explorer gets of it.

Shapes: N = h · w · 9 anchors in the order of `anchors.grid_anchors`, M ground-truth boxes, h × w feature map.
The page gets what only the network knows, and works out the rest by itself (`pack`). Of a scene whose stations are
somebody else's it gets what these say, rounded (`pack_handed`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from rpnviz._inputs import take_shown
from rpnviz.anchors import ASPECT_RATIOS, SCALES, cell_anchors, grid_anchors
from rpnviz.boxes import check_boxes
from rpnviz.explorers.common.objects import objects_of
from rpnviz.explorers.common.payload import LABEL_BITS, label_codes, picture_file
from rpnviz.figures.maps import RIM, within_rim
from rpnviz.grid import Grid
from rpnviz.pictures import PADDING, Picture
from rpnviz.proposals import Stages, propose
from rpnviz.rpn import RPNHead, flatten_head
from rpnviz.targets import AnchorLabels, label_anchors, sample_minibatch

THRESHOLDS = (0.3, 0.7)  # of the labels shown
CHANNELS_AT_OPENING = 5  # the other 507 are sent when asked for
SEEDS_AT_OPENING = 8
LARGE = 8  # a further bit of the byte of an anchor's label
NOBODY = 255  # instead of an object's index
MAX_ANCHORS = 1 << 16


@dataclass(frozen=True, eq=False)
class Maps:
    """Feature maps for the eye: features Tensor[C, h, w]."""

    features: Tensor

    def channel(self, number: int) -> npt.NDArray[np.uint8]:
        """One channel of the feature map, stretched: uint8 [h, w]."""
        return to_bytes(self.features[number], RIM)

    def mean(self) -> npt.NDArray[np.uint8]:
        """The mean of all channels, stretched: uint8 [h, w]."""
        return to_bytes(self.features.mean(dim=0), RIM)

    def varied_channels(self) -> list[int]:
        """The channels that vary most over the picture, the most varied first."""
        within = within_rim(self.features).flatten(1)
        channels: list[int] = within.std(dim=1, correction=0).topk(CHANNELS_AT_OPENING).indices.tolist()
        return channels


@dataclass(frozen=True, eq=False)
class Scene:
    """What the stations say of a picture on a grid; fields as in those modules, features Tensor[512, h, w].

    `sample` draws minibatches, as `sample_minibatch` does. `by` is "" for this package's stations, else whose they are.
    """

    picture: Picture
    grid: Grid
    anchors: Tensor
    features: Tensor
    found: AnchorLabels
    stages: Stages
    sample: Callable[..., tuple[Tensor, Tensor]] = sample_minibatch
    by: str = ""

    def __post_init__(self) -> None:
        """Take anchors and features of any number type."""
        h, w = self.grid.feature_size
        object.__setattr__(self, "anchors", check_boxes(self.anchors, "anchors").detach().cpu())
        object.__setattr__(self, "features", take_shown(self.features, "features", f"C, {h}, {w}"))

    @property
    def kinds(self) -> Tensor:
        """uint8 [N]: place in LABELS."""
        return label_codes(self.found) & LABEL_BITS

    def here(self, row: int, col: int) -> Tensor:
        """int64 [9]: numbers of the anchors of a cell."""
        return (row * self.grid.feature_size[1] + col) * 9 + torch.arange(9)

    def opening_cell(self) -> tuple[int, int]:
        """(row, col) where an anchor fits an object best, else the middle."""
        height, width = self.grid.feature_size
        best_anchors: list[int] = self.found.best_anchor_per_gt.tolist()
        found = [anchor for anchor in best_anchors if anchor >= 0]
        if not found:
            return height // 2, width // 2
        best = max(found, key=lambda anchor: float(self.found.iou[anchor]))
        return divmod(best // 9, width)

    @property
    def maps(self) -> Maps:
        """Its feature maps, for the eye."""
        return Maps(self.features)

    def minibatch(self, seed: int, size: int = 256, fraction: float = 0.5) -> tuple[Tensor, Tensor]:
        """(pos_inds, neg_inds) that this seed draws."""
        return self.sample(self.found.labels, size, fraction, torch.Generator().manual_seed(seed))


@dataclass(frozen=True, eq=False)
class Answers:
    """What the network says of a picture on a grid: features Tensor[512, h, w], objectness Tensor[N], deltas [N, 4]."""

    picture: Picture
    grid: Grid
    features: Tensor
    objectness: Tensor
    deltas: Tensor

    @property
    def anchors(self) -> Tensor:
        """Tensor[N, 4]: xyxy, px."""
        return grid_anchors(self.grid, cell_anchors())

    def work_out(self, picture: Picture, label_rules: dict[str, Any], settings: dict[str, Any]) -> Scene:
        """Run the picture, with objects of whatever kind, through every other station.

        Args:
            picture: this one, its objects as they stand.
            label_rules: of `label_anchors`.
            settings: of `propose`.
        """
        anchors, size = self.anchors, self.grid.image_size
        found = label_anchors(anchors, picture.gt_boxes, image_size=size, **label_rules)
        stages = propose(self.objectness, self.deltas, anchors, size, **settings)
        return Scene(picture, self.grid, anchors, self.features, found, stages)


@torch.no_grad()
def ask_network(picture: Picture, grid: Grid, features: Tensor, head: RPNHead) -> Answers:
    """Ask the head about features (Tensor[1, 512, h, w]) of a picture.

    Raises:
        ValueError: if the picture has more objects, or the grid more anchors, than the page can number, or the features
            are not of the grid.
    """
    check_scene(picture, grid)
    h, w = grid.feature_size
    features = take_shown(features, "features", f"1, C, {h}, {w}")
    return Answers(picture, grid, features[0], *flatten_head(*head(features)))


def cover(picture: Picture, patch: Sequence[float]) -> Picture:
    """A picture with a part of it, [x1, y1, x2, y2] in whole pixels, covered with the mean colour of ImageNet.

    Once the network has subtracted that colour, nothing is left there.
    """
    x1, y1, x2, y2 = (round(edge) for edge in patch)
    image = picture.image.copy()
    image[y1:y2, x1:x2] = PADDING
    return replace(picture, image=image)


def window(features: Tensor, row: int, col: int) -> Tensor:
    """What the 3×3 window reads at a cell of features (Tensor[C, h, w]): Tensor[1, C, 3, 3], zeros beyond the rim."""
    return F.pad(features, [1, 1, 1, 1])[None, :, row : row + 3, col : col + 3]


def run_scene(picture: Picture, grid: Grid, features: Tensor, head: RPNHead) -> Scene:
    """Run a picture, from its features (Tensor[1, 512, h, w]), through every other station.

    Raises:
        ValueError: as `ask_network`.
    """
    return ask_network(picture, grid, features, head).work_out(picture, {}, {})


def check_scene(picture: Picture, grid: Grid) -> None:
    """Refuse what the page cannot number; raises ValueError as `run_scene`."""
    if len(picture.gt_boxes) >= NOBODY:
        raise ValueError(f"picture: has {len(picture.gt_boxes)} objects, the explorer takes up to {NOBODY - 1}")
    rows, cols = grid.feature_size
    if rows * cols * 9 > MAX_ANCHORS:
        many = f"{rows}×{cols} cells with {rows * cols * 9:,} anchors"
        raise ValueError(f"grid: has {many}, the explorer takes up to {MAX_ANCHORS:,}")


def pack(answers: Answers) -> dict[str, Any]:
    """Pack what only the network knows: JSON and little-endian buffers, about half a megabyte."""
    return {
        **_place_and_maps(answers),
        "cell_anchors": cell_anchors().tolist(),
        "objectness": answers.objectness.numpy().astype("<f4").tobytes(),
        "deltas": answers.deltas.numpy().astype("<f4").tobytes(),
    }


def pack_handed(scene: Scene) -> dict[str, Any]:
    """Pack what somebody else's stations say.

    Rounded on the way: IoUs and scores to 1/65535 (the IoU of a suppression, which is only read out, to 1/100), box
    edges to 1/65535 of the picture's longer side.
    """
    return {
        **_place_and_maps(scene),
        "cell_anchors": cells_of(scene).tolist(),
        "by": scene.by,
        "best_anchors": scene.found.best_anchor_per_gt.tolist(),
        "best_of": _best_of(scene.found),
        "funnel": scene.stages.funnel(),
        "box_step": max(scene.grid.image_size) / 65535,
        "minibatches": {str(seed): pack_minibatch(scene, seed) for seed in range(SEEDS_AT_OPENING)},
        **{name: values.numpy().astype(kind).tobytes() for name, (values, kind) in _numbers(scene).items()},
    }


def _place_and_maps(shown: Scene | Answers) -> dict[str, Any]:
    """How the grid lies on the picture, the picture, and some maps. Anchors are not sent: the page builds them."""
    picture, grid, maps = shown.picture, shown.grid, Maps(shown.features)
    return {
        "picture": picture.name,
        "grid": grid.name,
        "image_size": grid.image_size,
        "feature_size": grid.feature_size,
        "stride": grid.stride,
        "scales": SCALES,
        "ratios": ASPECT_RATIOS,
        "footprint": _about_centre(grid, grid.footprint(0, 0)),
        "receptive_field": _about_centre(grid, grid.receptive_field(0, 0)),
        "photo": picture_file(picture),
        "objects": objects_of(picture),
        "mean": maps.mean().tobytes(),
        "channels": {str(number): maps.channel(number).tobytes() for number in sorted(maps.varied_channels())},
    }


def _numbers(scene: Scene) -> dict[str, tuple[Tensor, str]]:
    """What is sent of every anchor and of every box before NMS: the numbers, and the type that they are sent as."""
    found, stages = scene.found, scene.stages
    large = LARGE * _members(stages.large_inds, len(scene.anchors))
    order = stages.pre_nms_inds
    suppressors = stages.suppressed_by[order]
    return {
        "kinds": (label_codes(found) + large, "u1"),
        "best_gt": (torch.where(found.best_gt_idxs < 0, NOBODY, found.best_gt_idxs), "u1"),
        "iou": (_ious_in_sixteen_bits(found.iou), "<u2"),
        "scores": (_sixteen_bits(stages.all_scores), "<u2"),
        "boxes": (_sixteen_bits(stages.all_boxes / max(scene.grid.image_size)), "<u2"),
        "order": (order, "<u2"),
        "suppressor": (torch.where(suppressors < 0, -1, stages.rank[suppressors]), "<i2"),
        "suppressed_iou": ((stages.suppressed_iou[order].double() * 100).round(), "u1"),
    }


def cells_of(scene: Scene) -> Tensor:
    """The nine anchors of the first cell round its centre, Tensor[9, 4]; the page puts them at every other."""
    x, y = scene.grid.centre(0, 0)
    return (scene.anchors[:9].double() - torch.tensor([x, y, x, y])).round(decimals=2)


def pack_minibatch(scene: Scene, seed: int) -> dict[str, bytes]:
    """Pack what a seed draws: two lists of anchor numbers."""
    positive, negative = (inds.numpy().astype("<u2").tobytes() for inds in scene.minibatch(seed))
    return {"positive": positive, "negative": negative}


def to_bytes(values: Tensor, rim: int = 0) -> npt.NDArray[np.uint8]:
    """Stretch a map [h, w] so that it goes from 0 to 255 within the rim; a flat one is all 0."""
    within = within_rim(values, rim)
    low, high = within.min(), within.max()
    scaled = ((values - low) / (high - low).clamp(min=torch.finfo(values.dtype).tiny)).clamp(0, 1) * 255
    array: npt.NDArray[np.uint8] = scaled.round().to(torch.uint8).numpy()
    return array


def _sixteen_bits(values: Tensor) -> Tensor:
    return (values.double().clamp(0, 1) * 65535).round().long()


def _ious_in_sixteen_bits(ious: Tensor) -> Tensor:
    """Rounded, but never across a threshold: what the page words must not contradict the label."""
    bits = _sixteen_bits(ious)
    for threshold in THRESHOLDS:
        first = math.ceil(threshold * 65535)  # the first number at or above it
        bits = torch.where(ious >= threshold, bits.clamp(min=first), bits.clamp(max=first - 1))
    return bits


def _members(inds: Tensor, count: int) -> Tensor:
    members = torch.zeros(count, dtype=torch.uint8)
    members[inds] = 1
    return members


def _about_centre(grid: Grid, box: tuple[float, float, float, float]) -> list[float]:
    x, y = grid.centre(0, 0)
    return [box[0] - x, box[1] - y, box[2] - x, box[3] - y]


def _best_of(found: AnchorLabels) -> dict[str, int]:
    """For each anchor that is positive by the best-per-object rule alone: the object that it fits best of all anchors.

    It is not always the object that it goes to.
    """
    by_rule = (found.low_quality & (found.best_for_gt_idxs >= 0)).nonzero().flatten()
    return dict(zip(map(str, by_rule.tolist()), found.best_for_gt_idxs[by_rule].tolist(), strict=True))
