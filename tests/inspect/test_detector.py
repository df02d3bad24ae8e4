"""Detectors opened up: each stage is what torchvision's own model does, to the bit; weights from files; refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign

from rpnviz.inspect.detector import DETECTORS, load_detector, open_detector
from rpnviz.rpn import RPNHead
from rpnviz.targets import label_anchors, sample_minibatch
from tests.explorers.photos import photograph

LEVELS = {
    "fasterrcnn_resnet50_fpn": ["P2", "P3", "P4", "P5", "pool"],
    "fasterrcnn_resnet50_fpn_v2": ["P2", "P3", "P4", "P5", "pool"],
    "fasterrcnn_mobilenet_v3_large_fpn": ["P5a", "P5b", "pool"],
}
SIZES = [(427, 640), (301, 517), (97, 803), (640, 33)]  # of the picture: a photograph's, and odd ones


@pytest.fixture(scope="module", params=list(DETECTORS))
def detector(request: pytest.FixtureRequest) -> tuple[str, FasterRCNN]:
    """One of the three, small pictures, its weights drawn and not all alike."""
    torch.manual_seed(0)
    model = get_model(
        request.param, weights=None, weights_backbone=None, min_size=160, max_size=320, box_score_thresh=0
    )
    for layer in (model.rpn.head.cls_logits, model.rpn.head.bbox_pred):
        nn.init.normal_(layer.weight, std=0.3)
    nn.init.normal_(model.roi_heads.box_predictor.cls_score.weight, std=0.2)
    return request.param, model.eval()


def photo(size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    height, width = size
    return np.asarray(Image.open(photograph()).resize((width, height)))


@torch.no_grad()
def said(model: FasterRCNN, image: Any) -> tuple[list[Tensor], dict[str, Tensor]]:
    """What the model itself says: the proposals of its RPN, and the detections."""
    proposals: list[Tensor] = []
    hook = model.rpn.register_forward_hook(lambda _, __, out: proposals.extend(out[0]))
    (detections,) = model([torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255])
    hook.remove()
    return proposals, detections


@pytest.mark.parametrize("size", SIZES)
def test_every_stage_is_torchvisions(detector: tuple[str, FasterRCNN], size: tuple[int, int]) -> None:
    name, model = detector
    image = photo(size)
    opened = open_detector(model, image)
    (proposals,), detections = said(model, image)
    assert torch.equal(opened.stages.proposals, proposals) and len(proposals) > 20
    assert list(opened.detections) == list(detections) and len(detections["boxes"]) > 5
    assert all(torch.equal(opened.detections[key], detections[key]) for key in detections)
    assert opened.image_size == size and max(opened.input_size) <= 320
    assert [side % 32 for side in opened.padded_size] == [0, 0]
    count = sum(level.count for level in opened.stages.levels)
    assert len(opened.anchors) == len(opened.objectness) == len(opened.pred_bbox_deltas) == count
    assert [level.name for level in opened.stages.levels] == LEVELS[name]
    assert all(
        one.shape[-2:] == level.feature_size for one, level in zip(opened.features, opened.stages.levels, strict=True)
    )


def test_labels_and_minibatch_of_a_pyramid(detector: tuple[str, FasterRCNN]) -> None:
    """Anchors of several levels are only more rows: matched and drawn as torchvision's RPN does in training."""
    _, model = detector
    opened = open_detector(model, photo((427, 640)))
    objects = torch.tensor([[10.0, 20, 60, 90], [100, 30, 220, 150], [5, 5, 15, 12]])
    found = label_anchors(opened.anchors, objects, opened.input_size, drop_cross_boundary=False)
    (labels,), (matched,) = model.rpn.assign_targets_to_anchors([opened.anchors], [{"boxes": objects}])
    assert torch.equal(found.labels.float(), labels)
    positive = labels == 1
    assert torch.equal(objects[found.matched_idxs[positive]], matched[positive]) and positive.sum() >= 3
    positives, negatives = sample_minibatch(found.labels, 256, 0.5, torch.Generator().manual_seed(0))
    assert len(positives) == min(128, int(positive.sum())) and len(positives) + len(negatives) == 256


def test_a_detector_without_a_pyramid_has_one_level() -> None:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 8, 3, stride=16, padding=1))
    backbone.out_channels = 8  # type: ignore[assignment]
    anchors = AnchorGenerator(((32, 64),), ((0.5, 1.0, 2.0),))
    model = FasterRCNN(
        backbone, 3, 160, 320, rpn_anchor_generator=anchors, box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2)
    )
    image = photo((301, 517))
    opened = open_detector(model.eval(), image)
    (proposals,), _ = said(model, image)
    assert torch.equal(opened.stages.proposals, proposals)
    assert [level.name for level in opened.stages.levels] == ["P4"]


@pytest.mark.parametrize("name", list(DETECTORS))
def test_weights_from_a_file_make_torchvisions_own_model(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, _ = DETECTORS[name]
    with monkeypatch.context() as patch:  # as torchvision builds it for trained weights; these are drawn
        patch.setattr(type(published), "get_state_dict", lambda *_, **__: (_ for _ in ()).throw(URLError("offline")))
        with pytest.raises(ConnectionError, match=f"weights of {name} could not be downloaded .*PATH/TO/fasterrcnn_"):
            load_detector(name)
    drawn = _drawn_state(name)
    torch.save(drawn, tmp_path / "drawn.pth")
    with monkeypatch.context() as patch:
        patch.setattr(type(published), "get_state_dict", lambda *_, **__: drawn)
        downloaded = load_detector(name)
    from_file = load_detector(name, weights=tmp_path / "drawn.pth")
    image = photo((97, 203))
    for model in (downloaded, from_file):
        model.transform.min_size, model.transform.max_size = (160,), 320
    ours, theirs = open_detector(from_file, image), open_detector(downloaded, image)
    assert torch.equal(ours.objectness, theirs.objectness) and ours.objectness.std() > 0
    assert torch.equal(ours.stages.proposals, theirs.stages.proposals)
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=f"are not those of {name}"):
        load_detector(name, weights=tmp_path / "other.pth")


def _drawn_state(name: str) -> dict[str, Tensor]:
    """A state dict of the form that torchvision publishes: frozen batch norms count no batches."""
    torch.manual_seed(1)
    state = get_model(name, weights=None, weights_backbone=None).state_dict()
    is_frozen = DETECTORS[name][1] is not None
    return {key: one for key, one in state.items() if not (is_frozen and key.endswith("num_batches_tracked"))}


def test_bad_input_is_named(detector: tuple[str, FasterRCNN], tmp_path: Path) -> None:
    _, model = detector
    image = photo((60, 80))
    with pytest.raises(
        ValueError, match="name: got 'yolo', takes one of fasterrcnn_mini_fpn, fasterrcnn_resnet50_fpn, "
    ):
        load_detector("yolo")
    with pytest.raises(ValueError, match="weights must be a file; there is none at"):
        load_detector("fasterrcnn_resnet50_fpn", weights=tmp_path / "none.pth")
    for wrong in (image.astype(float), image[..., :1], image[None], image[:0]):
        with pytest.raises(ValueError, match=r"image must be uint8 \[H, W, 3\]; got"):
            open_detector(model, wrong)
    with pytest.raises(ValueError, match=r"model must be a FasterRCNN of torchvision, after model\.eval"):
        open_detector(RPNHead(), image)
    model.train()
    with pytest.raises(ValueError, match=r"after model\.eval"):
        open_detector(model, image)
    model.eval()
