"""Our own detector with a pyramid: what it is made of, that its weights hold, what the card says; refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision.models import get_model
from torchvision.models.detection import FasterRCNN

from rpnviz._files.data import data_folder
from rpnviz.backbone import Backbone
from rpnviz.inspect.detector import load_detector, open_anchors, open_detector, open_pyramid
from rpnviz.inspect.mini_fpn import FROZEN, SCALES
from rpnviz.inspect.recall import best_ious, recall, recorded_photographs
from rpnviz.pictures import Picture
from tests.inspect.test_detector import photo, said

WEIGHTS = data_folder() / "weights"


@pytest.fixture(scope="module")
def detector() -> FasterRCNN:
    return load_detector("fasterrcnn_mini_fpn")


def test_every_stage_is_torchvisions(detector: FasterRCNN) -> None:
    for image in (Picture.load("street-07").image, photo((301, 517))):
        opened = open_detector(detector, image)
        (proposals,), detections = said(detector, image)
        assert torch.equal(opened.stages.proposals, proposals) and len(proposals) > 100
        assert all(torch.equal(opened.detections[key], detections[key]) for key in detections)
        assert [side % 64 for side in opened.padded_size] == [0, 0]
        assert [level.name for level in opened.levels] == ["P2", "P3", "P4", "P5", "P6"]
        assert [level.stride for level in opened.levels] == [(2**k, 2**k) for k in range(2, 7)]
        firsts = [own[:3] for own in opened.anchors.split([level.count for level in opened.levels])]
        areas = [((own[:, 2:] - own[:, :2]).prod(dim=1) ** 0.5).mean() for own in firsts]
        assert areas == [pytest.approx(scale, rel=0.02) for scale in SCALES]


def test_it_stands_on_mini_as_it_is(detector: FasterRCNN) -> None:
    mini = {f"{FROZEN}{key.removeprefix('layers.')}": one for key, one in Backbone.load("mini").state_dict().items()}
    body = {key: one for key, one in detector.state_dict().items() if key.startswith(FROZEN)}
    assert mini.keys() == body.keys() and all(torch.equal(mini[key], one) for key, one in body.items())


def test_its_proposals_cover_the_streets_that_it_never_saw(detector: FasterRCNN) -> None:
    card = json.loads((WEIGHTS / "mini_fpn.json").read_text("utf-8"))
    assert card["recall on the held-out scenes"]["300"]["recall@0.5"] > 0.98
    streets = [Picture.load(name) for name in ("street-02", "street-07", "street-12")]  # the tiny cone is in the first
    ious = [best_ious(open_detector(detector, one.image).stages.proposals, one.gt_boxes, 300) for one in streets]
    assert recall(torch.cat(ious), 0.5) == 1


def test_the_file_holds_what_was_trained_in_half(detector: FasterRCNN, tmp_path: Path) -> None:
    state = load_file(WEIGHTS / "mini_fpn.safetensors")
    assert {one.dtype for one in state.values()} == {torch.float16}
    assert set(state) == {key for key in detector.state_dict() if not key.startswith(FROZEN)}
    assert (WEIGHTS / "mini_fpn.safetensors").stat().st_size < 2_000_000
    key = next(iter(state))
    for name, wrong in (("less", {key: state[key]}), ("other", {**state, key: state[key][:1]})):
        save_file(wrong, tmp_path / f"{name}.safetensors")
        with pytest.raises(ValueError, match=f"{name}.safetensors are not those of mini_fpn: their tensors have other"):
            load_detector("fasterrcnn_mini_fpn", tmp_path / f"{name}.safetensors")
    with pytest.raises(ValueError, match="weights must be a file; there is none at"):
        load_detector("fasterrcnn_mini_fpn", tmp_path / "none.safetensors")


@pytest.mark.parametrize("name", ["retinanet_resnet50_fpn", "ssd300_vgg16"])
def test_anchors_are_those_that_the_model_itself_lays(name: str) -> None:
    sizes = {"min_size": 160, "max_size": 320} if name.startswith("retina") else {}
    model = get_model(name, weights=None, weights_backbone=None, **sizes).eval()
    laid: list[torch.Tensor] = []
    hook = model.anchor_generator.register_forward_hook(lambda _, __, out: laid.append(out[0]))
    image = photo((301, 517))
    opened = open_anchors(model, image)
    with torch.no_grad():
        model([torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255])
    hook.remove()
    assert torch.equal(opened.anchors, laid[1]) and torch.equal(opened.anchors, laid[0])
    assert sum(level.count for level in opened.levels) == len(opened.anchors)
    assert torch.equal(open_pyramid(model, image).anchors, opened.anchors)
    for level, own in zip(opened.levels, opened.anchors.split([one.count for one in opened.levels]), strict=True):
        if level.feature_size[1] > 1:  # from cell to cell
            step = own[level.anchors_per_cell, 0] - own[0, 0]
            assert float(step) == pytest.approx(level.stride[1], abs=0.01)


def test_no_other_model_is_opened(detector: FasterRCNN) -> None:
    with pytest.raises(ValueError, match=r"model must be a RetinaNet or an SSD of torchvision, after model\.eval"):
        open_anchors(detector, photo((60, 80)))
    with pytest.raises(ValueError, match="model must be a FasterRCNN of torchvision"):
        open_pyramid(torch.nn.Identity(), photo((60, 80)))


def test_counts_on_photographs_are_of_every_picture() -> None:
    record = recorded_photographs()
    assert record["streets"] == Picture.bundled() and len(record["photographs"]) == 2
    for counts in record["rows"].values():
        assert {kind: len(of_each) for kind, of_each in counts.items()} == {"photographs": 2, "streets": 12}
        assert all(0 <= count <= 21_600 for of_each in counts.values() for count in of_each)
