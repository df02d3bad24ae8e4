"""A picture in memory is fitted as a file of it would be; arrays of all kinds; boxes in each way to write them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.v2.functional import convert_bounding_box_format
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat

from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (123, 457, 4), np.uint8)
RGB = np.ascontiguousarray(NOISE[..., :3])

# --- Picture.fit

KINDS = {
    "RGB": RGB,
    "RGBA": NOISE,
    "grey": np.ascontiguousarray(NOISE[..., 0]),
    "grey with alpha": np.ascontiguousarray(NOISE[..., :2]),
    "16-bit grey": RNG.integers(0, 65536, (123, 457), np.uint16),
    "black and white": NOISE[..., 0] > 127,
}


@pytest.mark.parametrize("kind", KINDS)
def test_fitted_to_the_pixel_as_a_file_of_it(tmp_path: Path, kind: str) -> None:
    boxes, names = [[10, 20, 300, 100.5]], ["dog"]
    Image.fromarray(KINDS[kind]).save(tmp_path / "mine.png")
    read, fitted = Picture.open(tmp_path / "mine.png", boxes, names), Picture.fit(KINDS[kind], boxes, names, "mine")
    assert np.array_equal(fitted.image, read.image) and fitted.image.std() > 10
    assert torch.equal(fitted.gt_boxes, read.gt_boxes)
    assert (fitted.class_names, fitted.name, fitted.scale, fitted.offset) == (["dog"], "mine", read.scale, read.offset)


def test_names_by_default() -> None:
    picture = Picture.fit(RGB, [[1, 2, 3, 4], [5, 6, 70, 80]])
    assert (picture.name, picture.class_names) == ("my picture", ["object", "object"])
    assert Picture.fit(RGB).gt_boxes.shape == (0, 4)


@pytest.mark.parametrize(
    "same",
    [
        torch.from_numpy(RGB.copy()),
        RGB[:, :, ::-1].copy()[:, :, ::-1],  # negative strides
        np.asfortranarray(RGB),
        Image.fromarray(RGB),
        np.ma.masked_array(RGB),
    ],
)
def test_whatever_holds_the_same_pixels_gives_the_same_picture(same: Any) -> None:
    assert np.array_equal(Picture.fit(same).image, Picture.fit(RGB).image)


def test_one_channel_is_grey() -> None:
    grey = KINDS["grey"]
    assert np.array_equal(Picture.fit(grey[:, :, None]).image, Picture.fit(grey).image)


def test_pillow_picture_with_a_palette_and_upside_down() -> None:
    image = Image.new("P", (1000, 600), 0)
    image.putpalette([255, 0, 0, 0, 128, 0])
    image.paste(1, (0, 300, 1000, 600))  # red above green
    image.getexif()[0x0112] = 3
    fitted = Picture.fit(image).image
    assert (fitted[:300] == (0, 128, 0)).all() and (fitted[300:] == (255, 0, 0)).all()


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.zeros((6, 10, 3)), r"float64 \[6, 10, 3\], takes uint8 \[H, W, 3\].*\(image \* 255\)"),
        (np.zeros((6, 10), np.float32), r"float32 \[6, 10\].*\(image \* 255\)"),
        (torch.zeros(3, 60, 100, dtype=torch.uint8), r"uint8 \[3, 60, 100\].*np\.moveaxis\(image, 0, -1\)"),
        (np.zeros((6, 10), np.int64), r"int64 \[6, 10\], takes uint8"),
        (np.zeros((6, 10), np.int32), r"int32 \[6, 10\], takes uint8"),
        (np.zeros((6, 10, 3), np.uint16), r"uint16 \[6, 10, 3\], takes uint8"),
        (np.zeros((6, 10, 5), np.uint8), r"uint8 \[6, 10, 5\], takes uint8"),
        (np.zeros((6, 0, 3), np.uint8), r"uint8 \[6, 0, 3\], takes uint8"),
        (np.zeros((2, 6, 10, 3), np.uint8), r"uint8 \[2, 6, 10, 3\], takes uint8"),
        (np.zeros((6, 10, 3), complex), r"complex128 \[6, 10, 3\], takes uint8"),
        (np.full((6, 10, 3), None), r"object \[6, 10, 3\], takes uint8"),
        ("mine.jpg", r"<U8 \[\], takes uint8"),
        (None, r"object \[\], takes uint8"),
        ([[1, 2], [3]], "list, which is not an array"),
        (torch.zeros(6, 10, 3, requires_grad=True), "Tensor, which is not an array"),
        (Image.new("F", (10, 6)), "floating-point values, whose white is anybody's guess"),
    ],
)
def test_image_that_cannot_be_fitted_says_what_it_is_and_what_is_taken(image: Any, says: str) -> None:
    with pytest.raises(ValueError, match=rf"^image: (got )?{says}"):
        Picture.fit(image)


def test_long_thin_array_becomes_a_line() -> None:
    picture = Picture.fit(np.full((100, 17_000, 3), 255, np.uint8), [[0, 0, 17_000, 100]])
    assert picture.image.shape == (600, 1000, 3)
    x1, y1, x2, y2 = picture.gt_boxes[0].int().tolist()
    assert (x1, x2, y2 - y1) == (0, 1000, 6)
    assert (picture.image[y1:y2] == 255).all() and not (picture.image[:y1] == 255).any()


# --- the arrays that Picture itself takes


@pytest.mark.parametrize(
    "turned",
    [
        RGB[:, :, ::-1],
        RGB[::-1],
        RGB[:, ::-1],
        RGB.transpose(1, 0, 2),
        RGB[::2, ::3],
        np.asfortranarray(RGB),
        np.frombuffer(RGB.tobytes(), np.uint8).reshape(RGB.shape),  # read-only, as Pillow's are
        RGB.view(np.ma.MaskedArray),
    ],
)
def test_turned_and_read_only_arrays_are_taken(turned: Any) -> None:
    picture = Picture(turned, torch.zeros(0, 4), [], "turned")
    assert type(picture.image) is np.ndarray and np.array_equal(picture.image, turned)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PyTorch warns of read-only memory
        assert torch.from_numpy(picture.image).shape == turned.shape
        grid = Grid.floor(picture.image_size)
        assert Backbone(WIDTHS["mini"]).features(picture, grid).shape == (1, 512, *grid.feature_size)


def test_array_that_fits_is_not_copied() -> None:
    assert Picture(RGB, torch.zeros(0, 4), [], "plain").image is RGB


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (RGB / 255, r"float64 \[123, 457, 3\], takes uint8 \[H, W, 3\]; if white is 1: \(image \* 255\)"),
        (RGB > 127, r"bool \[123, 457, 3\], takes uint8"),
        (RGB.astype(np.int64), r"int64 \[123, 457, 3\], takes uint8"),
        (torch.from_numpy(RGB), r"torch\.uint8 \[123, 457, 3\], takes uint8.*Picture\.fit takes tensors"),
        (RGB.transpose(2, 0, 1), r"uint8 \[3, 123, 457\], takes .*np\.moveaxis\(image, 0, -1\)"),
        (NOISE, r"uint8 \[123, 457, 4\], takes .*Picture\.fit takes tensors, grey and transparent ones"),
    ],
)
def test_array_of_another_kind_is_refused_with_the_way_out(image: Any, says: str) -> None:
    with pytest.raises(ValueError, match=rf"^image: got {says}"):
        Picture(image, torch.zeros(0, 4), [], "other")


@pytest.mark.parametrize("name", [None, 3, b"mine", "half a \ud83d"])
def test_name_that_is_no_text(name: Any) -> None:
    with pytest.raises(ValueError, match=r"^name: got .*takes (str|text)"):
        Picture(RGB, torch.zeros(0, 4), [], name)
    with pytest.raises(ValueError, match=r"^class_names\[0\]: got .*takes (str|text)"):
        Picture.fit(RGB, [[1, 2, 3, 4]], [name])


# --- boxes that say how they are written

CONVERTED = (BoundingBoxFormat.XYXY, BoundingBoxFormat.XYWH, BoundingBoxFormat.CXCYWH)


def corners() -> st.SearchStrategy[list[list[float]]]:
    """Boxes inside 457×123 with an area, in quarters of a pixel, so that no format rounds."""
    edges = st.tuples(*(st.sets(st.integers(0, 4 * side), min_size=2, max_size=2) for side in (457, 123)))
    return st.lists(edges.map(lambda e: [v / 4 for v in (min(e[0]), min(e[1]), max(e[0]), max(e[1]))]), max_size=4)


@pytest.mark.parametrize("kind", CONVERTED)
@given(boxes=corners())
def test_bounding_boxes_are_converted_by_their_format(kind: BoundingBoxFormat, boxes: list[list[float]]) -> None:
    written = convert_bounding_box_format(
        BoundingBoxes(torch.tensor(boxes).reshape(-1, 4), format="XYXY", canvas_size=(123, 457)), new_format=kind
    )
    assert written.format == kind
    picture = Picture(RGB, written, ["object"] * len(boxes), "mine")
    assert type(picture.gt_boxes) is torch.Tensor and picture.gt_boxes.tolist() == boxes
    as_corners = convert_bounding_box_format(written, new_format=BoundingBoxFormat.XYXY)
    assert torch.equal(picture.gt_boxes, as_corners.as_subclass(torch.Tensor))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.float64, torch.float16])
def test_worked_out_by_hand_in_every_number_type(tmp_path: Path, dtype: torch.dtype) -> None:
    written = {"XYWH": [10, 20, 31, 43], "CXCYWH": [25, 41, 31, 43]}  # odd sides: the centre's corners lie at halves
    expected = {"XYWH": [10, 20, 41, 63], "CXCYWH": [9.5, 19.5, 40.5, 62.5]}
    Image.fromarray(RGB).save(tmp_path / "mine.png")
    for kind, box in written.items():
        boxes = BoundingBoxes(torch.tensor([box], dtype=dtype), format=kind, canvas_size=(123, 457))
        assert Picture(RGB, boxes, ["dog"], "mine").gt_boxes.tolist() == [expected[kind]]
        read = Picture.open(tmp_path / "mine.png", boxes)
        assert torch.equal(read.gt_boxes, Picture.open(tmp_path / "mine.png", [expected[kind]]).gt_boxes)
        assert torch.equal(read.gt_boxes, Picture.fit(RGB, boxes).gt_boxes)


def test_sums_do_not_overflow_the_number_type_of_the_boxes() -> None:
    """200 + 100 is 44 in uint8."""
    boxes = BoundingBoxes(torch.tensor([[200, 20, 100, 43]], dtype=torch.uint8), format="XYWH", canvas_size=(123, 457))
    assert Picture(RGB, boxes, ["dog"], "mine").gt_boxes.tolist() == [[200, 20, 300, 63]]


def test_a_box_of_coco_is_where_coco_has_it() -> None:
    """As corners [10, 20, 31, 43] is a box as well, but another one: silence would draw it."""
    boxes = BoundingBoxes([[10, 20, 31, 43]], format="XYWH", canvas_size=(123, 457))
    assert Picture(RGB, boxes, ["dog"], "mine").gt_boxes.tolist() != [[10, 20, 31, 43]]


@pytest.mark.parametrize("canvas_size", [(457, 123), (600, 1000), (123, 458)])
def test_boxes_of_a_picture_of_another_size_are_refused(canvas_size: tuple[int, int]) -> None:
    boxes = BoundingBoxes([[10, 20, 31, 43]], format="XYXY", canvas_size=canvas_size)
    for make in (Picture.fit, lambda image, boxes, names: Picture(image, boxes, names, "mine")):
        with pytest.raises(ValueError, match=r"^gt_boxes: got canvas_size \(\d+, \d+\), the picture has \(123, 457\)"):
            make(RGB, boxes, ["dog"])


def test_turned_boxes_are_refused() -> None:
    boxes = BoundingBoxes([[50.0, 50, 20, 10, 45]], format="CXCYWHR", canvas_size=(123, 457))
    with pytest.raises(ValueError, match=r"^gt_boxes: got the format CXCYWHR, takes XYXY, XYWH or CXCYWH"):
        Picture.fit(RGB, boxes)


def test_converted_box_that_is_no_good_is_shown_as_corners() -> None:
    boxes = BoundingBoxes([[10, 20, 0, 43]], format="XYWH", canvas_size=(123, 457))
    with pytest.raises(ValueError, match=r"^gt_boxes\[0\] = \[10\.0, 20\.0, 10\.0, 63\.0\] has no area: [^;]*$"):
        Picture.fit(RGB, boxes)


# --- boxes that do not say it

LOOKS = r"; boxes are x1, y1, x2, y2, and these look like x, y, width, height, as COCO has them"


@pytest.mark.parametrize(
    ("boxes", "wrong"),
    [
        ([[300, 20, 100, 80]], 0),  # width ≤ x
        ([[10, 60, 200, 50]], 0),  # height ≤ y
        ([[10, 20, 31, 43], [300, 20, 100, 80]], 1),  # the first could be either
        ([[0, 0, 457, 123], [300, 20, 157, 103]], 1),  # up to the border
    ],
)
def test_boxes_that_look_like_coco_are_told_so(boxes: list[list[float]], wrong: int) -> None:
    with pytest.raises(ValueError, match=rf"^gt_boxes\[{wrong}\] = .* has no area: takes x1 < x2 and y1 < y2{LOOKS}"):
        Picture.fit(RGB, boxes)
    with pytest.raises(ValueError, match=LOOKS):
        Picture(RGB, torch.tensor(boxes), ["dog"] * len(boxes), "mine")


@pytest.mark.parametrize(
    "boxes",
    [
        [[300, 20, 200, 80]],  # 300 + 200 lies outside
        [[300, 20, 100, 80], [400, 20, 100, 80]],  # the second does
        [[10, 20, 10, 0]],
        [[10, 20, -5, 30]],
        [[300, 20, float("nan"), 80]],
    ],
)
def test_boxes_that_are_wrong_in_either_way_are_not(boxes: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"^gt_boxes\[0\] = [^;]*$"):
        Picture.fit(RGB, boxes)


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ([400, 10, 400 + 1e-6, 20], "has no area"),  # gone once it is float32
        ([10, 10, 1e300, 20], "is not finite"),
        ([10, 10, 1e39, 20], "is not finite"),
    ],
)
def test_box_is_judged_as_it_is_kept(box: list[float], why: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=rf"^gt_boxes\[0\] = .* {why}"):
            Picture(RGB, torch.tensor([box], dtype=torch.float64), ["dog"], "mine")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.uint8, torch.int16])
def test_boxes_of_every_number_type(dtype: torch.dtype) -> None:
    picture = Picture(RGB, torch.tensor([[8, 16, 32, 64]], dtype=dtype), ["dog"], "mine")
    assert picture.gt_boxes.tolist() == [[8, 16, 32, 64]] and picture.gt_boxes.dtype == torch.float32


def test_complex_boxes_are_no_numbers() -> None:
    with pytest.raises(ValueError, match=r"^gt_boxes: got ndarray that is not a table of numbers"):
        Picture.fit(RGB, np.array([[8, 16, 32, 64 + 1j]]))
    with pytest.raises(ValueError, match=r"^gt_boxes: got Tensor"):
        Picture.fit(RGB, torch.tensor([[8, 16, 32, 64 + 1j]]))
