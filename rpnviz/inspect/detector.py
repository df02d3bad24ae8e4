"""A detector of torchvision opened up: each stage of what `model([image])` does, kept.

Shapes: N anchors of all levels, the finest level first; K proposals; D detections.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from math import log2
from pathlib import Path
from string import ascii_lowercase
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum, get_model
from torchvision.models.detection import (
    FasterRCNN,
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    FasterRCNN_ResNet50_FPN_V2_Weights,
    FasterRCNN_ResNet50_FPN_Weights,
    RetinaNet,
)
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.models.detection.ssd import SSD
from torchvision.ops import FrozenBatchNorm2d

from rpnviz._files.weights import read_matching_weights
from rpnviz.inspect.mini_fpn import load_mini_fpn
from rpnviz.inspect.pyramid import Level, PyramidStages, propose_by_level

Detector: TypeAlias = FasterRCNN | RetinaNet | SSD
MINI_FPN = "fasterrcnn_mini_fpn"  # our own, bundled
# What else can be loaded: torchvision's weights, and the eps of its frozen batch norms; None: they are not frozen.
DETECTORS: dict[str, tuple[WeightsEnum, float | None]] = {
    "fasterrcnn_resnet50_fpn": (FasterRCNN_ResNet50_FPN_Weights.COCO_V1, 0.0),
    "fasterrcnn_resnet50_fpn_v2": (FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1, None),
    "fasterrcnn_mobilenet_v3_large_fpn": (FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1, 1e-5),
}


@dataclass(frozen=True)
class OpenedDetector:
    """What a detector makes of one picture. Its boxes, but those of the detections, are in px of the network's input.

    Attributes:
        image_size (tuple[int, int]): (H, W) of the picture, px.
        input_size (tuple[int, int]): (H, W) that it was resized to; its right and lower rim is padding.
        padded_size (tuple[int, int]): (H, W) with the padding: what the network sees.
        features (tuple[Tensor[C, h, w], ...]): the map of each level.
        anchors (Tensor[N, 4]): xyxy.
        objectness (Tensor[N]): logits.
        pred_bbox_deltas (Tensor[N, 4]): (dx, dy, dw, dh).
        stages (PyramidStages): from these to the proposals.
        detections (dict[str, Tensor]): boxes [D, 4] in px of the picture, labels [D], scores [D]; as the model says.
    """

    image_size: tuple[int, int]
    input_size: tuple[int, int]
    padded_size: tuple[int, int]
    features: tuple[Tensor, ...]
    anchors: Tensor
    objectness: Tensor
    pred_bbox_deltas: Tensor
    stages: PyramidStages
    detections: dict[str, Tensor]

    @property
    def levels(self) -> tuple[Level, ...]:
        """The finest first."""
        return self.stages.levels


@dataclass(frozen=True)
class OpenedAnchors:
    """The anchors alone that a detector lays on one picture, in px of the network's input.

    Attributes:
        image_size (tuple[int, int]): (H, W) of the picture, px.
        input_size (tuple[int, int]): (H, W) that it was resized to.
        padded_size (tuple[int, int]): (H, W) with the padding.
        levels (tuple[Level, ...]): the finest first.
        anchors (Tensor[N, 4]): xyxy.
    """

    image_size: tuple[int, int]
    input_size: tuple[int, int]
    padded_size: tuple[int, int]
    levels: tuple[Level, ...]
    anchors: Tensor


def load_detector(name: str, weights: str | Path | None = None) -> FasterRCNN:
    """Load a detector, ready for use: one that torchvision trained on COCO, or our small one, trained on our streets.

    Args:
        name: one of DETECTORS, or "fasterrcnn_mini_fpn", which is bundled.
        weights: a file with its weights; None: the bundled ones, or torchvision's, from its cache or downloaded once,
            with their hash checked.

    Raises:
        ConnectionError: if they cannot be downloaded; says what to do.
        ValueError: if the name is none, or the file holds no weights of this detector.
    """
    if name == MINI_FPN:
        return load_mini_fpn(weights)
    if name not in DETECTORS:
        raise ValueError(f"name: got {name!r}, takes one of {', '.join([MINI_FPN, *DETECTORS])}")
    published, eps = DETECTORS[name]
    if weights is None:
        return _download(name, published)
    model: FasterRCNN = get_model(name, weights=None, weights_backbone=None)
    if eps is not None:
        _freeze_batch_norms(model, eps)
    model.load_state_dict(read_matching_weights(Path(weights), model.state_dict(), name))
    return model.eval()


@torch.no_grad()
def open_detector(model: FasterRCNN, image: Any) -> OpenedDetector:
    """Do what `model([image])` does, step by step.

    Args:
        model: a Faster R-CNN of torchvision, with or without a pyramid, in eval mode.
        image (uint8 array [H, W, 3]): a picture of any size, e.g. `picture.image`.

    Raises:
        ValueError: if the model is another one, or in training mode, or the image has another shape or type.
    """
    if not isinstance(model, FasterRCNN) or model.training:
        raise ValueError("model must be a FasterRCNN of torchvision, after model.eval()")
    picture = _take_image(image).to(next(model.parameters()).device)
    image_size = (picture.shape[1], picture.shape[2])
    # 1. Resize, normalise, pad.
    images, _ = model.transform([picture])
    input_size = images.image_sizes[0]
    # 2. The backbone: a map for each level.
    maps = model.backbone(images.tensors)
    maps = maps if isinstance(maps, dict) else OrderedDict([("0", maps)])
    # 3. The head on each of them, the same weights for all; and the anchors.
    objectness, deltas = model.rpn.head(list(maps.values()))
    anchors = model.rpn.anchor_generator(images, list(maps.values()))
    levels = _levels(maps, images.tensors.shape[-2:], [one.shape[1] for one in objectness])
    objectness, deltas = concat_box_prediction_layers(objectness, deltas)
    # 4. Anchors and deltas to boxes, boxes to proposals.
    decoded = model.rpn.box_coder.decode(deltas, anchors)[:, 0]
    stages = propose_by_level(
        objectness[:, 0],
        decoded,
        levels,
        input_size,
        model.rpn.pre_nms_top_n(),
        model.rpn.post_nms_top_n(),
        model.rpn.nms_thresh,
        model.rpn.min_size,
        model.rpn.score_thresh,
    )
    # 5. The second head; its boxes back to the picture's pixels.
    found, _ = model.roi_heads(maps, [stages.proposals], images.image_sizes)
    (detections,) = model.transform.postprocess(found, images.image_sizes, [image_size])
    features = tuple(one[0] for one in maps.values())
    sizes = (image_size, tuple(input_size), tuple(images.tensors.shape[-2:]))
    return OpenedDetector(*sizes, features, anchors[0], objectness[:, 0], deltas, stages, detections)


@torch.no_grad()
def open_anchors(model: RetinaNet | SSD, image: Any) -> OpenedAnchors:
    """The anchors of a detector without proposals: where they stand follows from the sizes of its maps alone.

    Args:
        model: a RetinaNet or an SSD of torchvision, trained or not, in eval mode.
        image (uint8 array [H, W, 3]): a picture of any size.

    Raises:
        ValueError: if the model is another one, or in training mode, or the image has another shape or type.
    """
    if not isinstance(model, (RetinaNet, SSD)) or model.training:
        raise ValueError("model must be a RetinaNet or an SSD of torchvision, after model.eval()")
    picture = _take_image(image).to(next(model.parameters()).device)
    images, _ = model.transform([picture])
    maps = model.backbone(images.tensors)
    (anchors,) = model.anchor_generator(images, list(maps.values()))
    levels = _levels(maps, images.tensors.shape[-2:], model.anchor_generator.num_anchors_per_location())
    if isinstance(model, SSD):  # which lays its anchors in steps of its own
        steps = model.anchor_generator.steps
        levels = tuple(replace(level, stride=(step, step)) for level, step in zip(levels, steps, strict=True))
    sizes = (picture.shape[1], picture.shape[2]), tuple(images.image_sizes[0]), tuple(images.tensors.shape[-2:])
    return OpenedAnchors(*sizes, levels, anchors)


def open_pyramid(model: Detector, image: Any) -> OpenedDetector | OpenedAnchors:
    """`open_detector` of a Faster R-CNN; `open_anchors` of the others."""
    return open_anchors(model, image) if isinstance(model, (RetinaNet, SSD)) else open_detector(model, image)


def _take_image(image: Any) -> Tensor:
    """Tensor[3, H, W]: 0 to 1, as torchvision's models take it."""
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(f"image must be uint8 [H, W, 3]; got {pixels.dtype} {list(pixels.shape)}")
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def _levels(maps: dict[str, Tensor], padded_size: tuple[int, int], per_cell: list[int]) -> tuple[Level, ...]:
    """The levels, named by how often their maps were halved; MobileNet has two of one size: a and b."""
    strides = [(padded_size[0] // one.shape[-2], padded_size[1] // one.shape[-1]) for one in maps.values()]
    names = [
        "pool" if key == "pool" else f"P{round(log2(stride[0]))}" for key, stride in zip(maps, strides, strict=True)
    ]
    told_apart = [
        f"{name}{ascii_lowercase[names[:i].count(name)]}" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]
    sizes = [(one.shape[-2], one.shape[-1]) for one in maps.values()]
    return tuple(Level(*values) for values in zip(told_apart, sizes, strides, per_cell, strict=True))


def _download(name: str, published: WeightsEnum) -> FasterRCNN:
    try:
        model: FasterRCNN = get_model(name, weights=published, progress=True)
    except (OSError, RuntimeError) as error:  # URLError and time-outs are OSErrors, a wrong hash is a RuntimeError
        file = published.url.rpartition("/")[2]
        raise ConnectionError(
            f"The weights of {name} could not be downloaded from {published.url} ({error}). Either go online once and "
            f"run load_detector({name!r}) again, or fetch that file elsewhere and run "
            f'load_detector({name!r}, weights="PATH/TO/{file}")'
        ) from error
    return model.eval()


def _freeze_batch_norms(module: nn.Module, eps: float) -> None:
    """As torchvision builds these detectors for trained weights: mean, deviation, scale and shift stay as they are."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, FrozenBatchNorm2d(child.num_features, eps))
        else:
            _freeze_batch_norms(child, eps)
