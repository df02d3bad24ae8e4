"""Boxes: IoU by hand and by properties, the coder against torchvision's, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torchvision.ops
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat

from rpnviz.boxes import BBOX_XFORM_CLIP, FORMATS, box_area, box_iou, check_boxes, clip, decode, encode

CODER = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))


def boxes_strategy(least_side: int = 0, count: int = 3) -> st.SearchStrategy[Tensor]:
    """Whole-numbered boxes: every area and intersection is exact in float32."""
    box = st.tuples(*[st.integers(-500, 500)] * 2, *[st.integers(least_side, 600)] * 2)
    return st.lists(box, min_size=count, max_size=count).map(
        lambda rows: torch.tensor([[x, y, x + w, y + h] for x, y, w, h in rows], dtype=torch.float32)
    )


@pytest.mark.parametrize(
    ("one", "other", "iou"),
    [
        ([0, 0, 10, 10], [0, 0, 10, 10], 1.0),
        ([0, 0, 10, 10], [5, 0, 15, 10], 1 / 3),  # 50 / (100 + 100 − 50)
        ([0, 0, 10, 10], [0, 0, 10, 5], 0.5),  # 50 / 100: one holds the other
        ([0, 0, 10, 10], [5, 5, 15, 15], 1 / 7),  # 25 / 175
        ([0, 0, 10, 10], [10, 0, 20, 10], 0.0),  # touching edges share no area; no "+ 1"
        ([0, 0, 10, 10], [20, 20, 30, 30], 0.0),  # apart in x and in y: not (−10)·(−10)
        ([3, 3, 3, 3], [3, 3, 3, 3], 0.0),  # torchvision: 0 / 0 = NaN
        ([0, 0, 10, 10], [5, 5, 5, 9], 0.0),  # a box without area
    ],
)
def test_iou_by_hand(one: list[float], other: list[float], iou: float) -> None:
    a, b = torch.tensor([one], dtype=torch.float32), torch.tensor([other], dtype=torch.float32)
    assert box_iou(a, b).item() == pytest.approx(iou, abs=1e-7)


def test_area_by_hand() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 20], [-5, -5, 5, 5], [3, 3, 3, 9]])
    assert box_area(boxes).tolist() == [200, 100, 0]


@given(boxes_strategy(), boxes_strategy())
def test_iou_properties(boxes1: Tensor, boxes2: Tensor) -> None:
    iou = box_iou(boxes1, boxes2)
    assert iou.shape == (3, 3)
    assert ((iou >= 0) & (iou <= 1)).all()
    assert torch.equal(iou, box_iou(boxes2, boxes1).T)  # symmetric
    assert torch.equal(box_iou(boxes1, boxes1).diagonal(), (box_area(boxes1) > 0).float())


@given(boxes_strategy(), boxes_strategy(), st.integers(-1000, 1000), st.integers(-1000, 1000), st.floats(0.1, 10))
def test_iou_ignores_translation_and_scale(boxes1: Tensor, boxes2: Tensor, x: int, y: int, scale: float) -> None:
    iou = box_iou(boxes1, boxes2)
    shift = torch.tensor([x, y, x, y])
    assert torch.equal(box_iou(boxes1 + shift, boxes2 + shift), iou)
    torch.testing.assert_close(box_iou(boxes1.double() * scale, boxes2.double() * scale).float(), iou)


@given(boxes_strategy(least_side=1), boxes_strategy(least_side=1))
def test_iou_is_torchvisions(boxes1: Tensor, boxes2: Tensor) -> None:
    assert torch.equal(box_iou(boxes1, boxes2), torchvision.ops.box_iou(boxes1, boxes2))


def test_iou_of_no_boxes() -> None:
    assert box_iou(torch.zeros(0, 4), torch.zeros(3, 4)).shape == (0, 3)


def test_clip_by_hand() -> None:
    boxes = torch.tensor([[-5.0, -5, 50, 50], [90, 10, 130, 70], [200, 10, 300, 20], [1, 2, 3, 4]])
    # image_size is (H, W) = (60, 100): x ends at 100, y at 60
    assert clip(boxes, (60, 100)).tolist() == [[0, 0, 50, 50], [90, 10, 100, 60], [100, 10, 100, 20], [1, 2, 3, 4]]
    assert boxes[0, 0] == -5  # a copy


def test_encode_by_hand() -> None:
    anchor, gt = torch.tensor([[100.0, 100, 200, 200]]), torch.tensor([[110.0, 120, 210, 260]])
    # centres (150, 150) → (160, 190): 10 / 100, 40 / 100; sizes 100 × 100 → 100 × 140: ln 1, ln 1.4
    assert encode(gt, anchor)[0].tolist() == pytest.approx([0.1, 0.4, 0.0, 0.336472], abs=1e-6)
    # a 200 × 50 anchor: dx is measured in its width, dy in its height; centres (100, 25) → (150, 50)
    anchor, gt = torch.tensor([[0.0, 0, 200, 50]]), torch.tensor([[100.0, 0, 200, 100]])
    assert encode(gt, anchor)[0].tolist() == pytest.approx([0.25, 0.5, math.log(0.5), math.log(2)], abs=1e-6)


def test_decode_by_hand() -> None:
    anchor = torch.tensor([[0.0, 0, 200, 50]])
    assert decode(torch.zeros(1, 4), anchor).tolist() == anchor.tolist()
    moved = decode(torch.tensor([[0.25, 0.5, math.log(0.5), math.log(2)]]), anchor)
    assert moved[0].tolist() == pytest.approx([100, 0, 200, 100], abs=1e-4)


def test_decode_believes_no_side_that_grows_more_than_62_5_fold() -> None:
    assert pytest.approx(4.135167, abs=1e-6) == BBOX_XFORM_CLIP  # ln(1000 / 16)
    anchor = torch.tensor([[0.0, 0, 16, 16]])
    huge = decode(torch.tensor([[0.0, 0.0, 50.0, 4.2]]), anchor)
    # 16 · 62.5 = 1000 wide and high round the centre (8, 8)
    assert huge[0].tolist() == pytest.approx([-492, -492, 508, 508], abs=1e-2)
    tiny = decode(torch.tensor([[0.0, 0.0, -50.0, -50.0]]), anchor)  # but it may shrink as it likes
    assert tiny[0].tolist() == pytest.approx([8, 8, 8, 8])


@given(boxes_strategy(least_side=10), boxes_strategy(least_side=10))
def test_decode_undoes_encode(gt_boxes: Tensor, anchors: Tensor) -> None:
    # sides 10 … 600: no ratio reaches 62.5, where decode stops believing
    torch.testing.assert_close(decode(encode(gt_boxes, anchors), anchors), gt_boxes, rtol=1e-5, atol=1e-3)


@given(boxes_strategy(least_side=1), boxes_strategy(least_side=1), st.integers(0, 2**31))
def test_coder_is_torchvisions(gt_boxes: Tensor, anchors: Tensor, seed: int) -> None:
    torch.testing.assert_close(encode(gt_boxes, anchors), CODER.encode_single(gt_boxes, anchors))
    deltas = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed)) * 3  # some beyond the clamp of 4.135
    torch.testing.assert_close(decode(deltas, anchors), CODER.decode_single(deltas, anchors), rtol=1e-5, atol=1e-3)


BAD_BOXES = {
    "nan": torch.tensor([[0.0, 0, math.nan, 1]]),
    "inf": torch.tensor([[0.0, 0, math.inf, 1]]),
    "turned": torch.tensor([[5.0, 0, 1, 1]]),
    "flat": torch.zeros(4),
    "five columns": torch.zeros(2, 5),
    "truth values": torch.zeros(1, 4, dtype=torch.bool),
    "a ragged list": [[0, 0, 1, 1], [0, 0, 1]],
    "too far off": torch.tensor([[0.0, 0, 1, 2**24 + 2]]),
    "a word": "0, 0, 1, 1",
}


@pytest.mark.parametrize("bad", BAD_BOXES.values(), ids=BAD_BOXES)
def test_malformed_boxes_are_refused_by_name(bad: Tensor) -> None:
    good = torch.tensor([[0.0, 0, 1, 1]])
    calls: list[tuple[str, Callable[[], object]]] = [
        ("these", lambda: check_boxes(bad, "these")),
        ("boxes1", lambda: box_iou(bad, good)),
        ("boxes2", lambda: box_iou(good, bad)),
        ("gt_boxes", lambda: encode(bad, good)),
        ("anchors", lambda: encode(good, bad)),
    ]
    for argument, call in calls:
        with pytest.raises(ValueError, match=rf"^{argument}(\[0\])? must (be|have)"):
            call()


def test_refusal_names_the_first_bad_row() -> None:
    with pytest.raises(ValueError, match=r"^boxes\[1\] must have x1 ≤ x2 and y1 ≤ y2.*; got \[5.0, 0.0, 1.0"):
        check_boxes(torch.tensor([[0.0, 0, 1, 1], [5, 0, 1, 1], [9, 9, 0, 0]]), "boxes")


def test_boxes_without_area_cannot_be_encoded() -> None:
    good, line = torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[0.0, 0, 1, 0]])
    with pytest.raises(ValueError, match="gt_boxes must have x1 < x2 and y1 < y2"):
        encode(line, good)
    with pytest.raises(ValueError, match="anchors must have x1 < x2 and y1 < y2"):
        encode(good, line)


def test_unpaired_boxes_are_refused() -> None:
    boxes = torch.tensor([[0.0, 0, 1, 1]] * 3)
    with pytest.raises(ValueError, match=r"gt_boxes and anchors must pair up; got \[2, 4\] and \[3, 4\]"):
        encode(boxes[:2], boxes)
    for deltas, anchors in ((boxes[:2], boxes), (boxes[:, :3], boxes[:, :3]), (boxes[None], boxes[None])):
        with pytest.raises(ValueError, match=r"^(deltas|anchors) must be Tensor"):
            decode(deltas, anchors)


def test_torchvisions_boxes_are_taken_as_they_say_they_are_written() -> None:
    corners = torch.tensor([[10.0, 20, 40, 80], [0, 0, 6, 4]])
    for written in ("xyxy", "xywh", "cxcywh"):
        numbers = torchvision.ops.box_convert(corners, "xyxy", written)
        boxes = BoundingBoxes(numbers, format=written.upper(), canvas_size=(100, 100))
        assert torch.equal(check_boxes(boxes, "boxes"), corners) and type(check_boxes(boxes, "boxes")) is Tensor
        half = BoundingBoxes(numbers, format=written.upper(), canvas_size=(100, 100), dtype=torch.half)
        assert box_area(half).tolist() == [1800, 24]
    for written in set(BoundingBoxFormat.__members__) - set(FORMATS):  # turned boxes, in later versions
        turned = BoundingBoxes(torch.zeros(2, 5), format=written, canvas_size=(100, 100))
        with pytest.raises(ValueError, match=f"^boxes must be written as one of XYXY, XYWH, CXCYWH; got {written}"):
            check_boxes(turned, "boxes")
