"""Pictures are read safely: each kind of file, each bad file, each bad box; boxes follow the pixels."""

from __future__ import annotations

import json
import os
import re
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageFile

import rpnviz._files.images as image_files
from rpnviz.pictures import FIT_SIZE, PADDING, Picture, _fit, read_scene

RED, GREEN, WHITE = (255, 0, 0), (0, 128, 0), (255, 255, 255)


def save(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def centre_pixel(picture: Picture) -> tuple[int, ...]:
    return tuple(int(c) for c in picture.image[300, 500])


def close(pixel: tuple[int, ...], colour: tuple[int, ...], tolerance: int = 3) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, colour, strict=True))


# --- the object itself


def good(**changes: Any) -> Picture:
    fields: dict[str, Any] = {
        "image": np.zeros((60, 100, 3), np.uint8),
        "gt_boxes": torch.tensor([[1.0, 2, 30, 40]]),
        "class_names": ["dog"],
        "name": "made up",
    }
    return Picture(**(fields | changes))


def test_picture_keeps_what_it_was_given() -> None:
    picture = good()
    assert picture.image_size == (60, 100)
    assert picture.gt_boxes.dtype == torch.float32 and picture.gt_boxes.tolist() == [[1, 2, 30, 40]]
    assert (picture.scale, picture.offset) == ((1.0, 1.0), (0, 0))
    with pytest.raises(AttributeError):
        picture.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((6, 10), np.uint8),
        np.zeros((6, 10, 4), np.uint8),
        np.zeros((6, 10, 3)),
        np.zeros((0, 10, 3), np.uint8),
        [[0]],
    ],
)
def test_picture_takes_only_uint8_rgb(image: Any) -> None:
    with pytest.raises(ValueError, match=r"^image: got .*takes uint8 \[H, W, 3\]"):
        good(image=image)


# --- bundled pictures


def test_bundled_pictures_load_with_their_ground_truth() -> None:
    names = Picture.bundled()
    assert names == sorted(names) and "street-03" in names
    for name in names:
        picture = Picture.load(name)
        assert picture.name == name
        assert picture.image.shape == (600, 1000, 3) and picture.image.dtype == np.uint8
        assert picture.gt_boxes.shape == (len(picture.class_names), 4) and len(picture.class_names) >= 1


@pytest.mark.parametrize("name", ["street-99", "../pictures/street-03", "street-03.json", "", None, 3])
def test_unknown_name_is_answered_with_the_known_ones(name: Any) -> None:
    with pytest.raises(ValueError, match=r"^name: got .*street-03"):
        Picture.load(name)


# --- kinds of files


def test_rgb_png_of_the_right_size_comes_through_unchanged(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (600, 1000, 3), np.uint8)
    picture = Picture.open(save(tmp_path / "noise.png", Image.fromarray(pixels)))
    assert np.array_equal(picture.image, pixels)
    assert (picture.name, picture.class_names, picture.gt_boxes.shape) == ("noise", [], (0, 4))


def test_path_may_be_a_str(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.new("RGB", (10, 6), RED))
    assert centre_pixel(Picture.open(str(path))) == RED


@pytest.mark.parametrize(
    ("extension", "options"),
    [
        ("jpg", {"quality": 95}),
        ("png", {}),
        ("webp", {"lossless": True}),
        ("gif", {}),
        ("bmp", {}),
        ("tif", {}),
        ("tif", {"compression": "tiff_lzw"}),
        ("ppm", {}),
    ],
)
def test_formats(tmp_path: Path, extension: str, options: dict[str, Any]) -> None:
    path = save(tmp_path / f"a.{extension}", Image.new("RGB", (100, 60), GREEN), **options)
    assert close(centre_pixel(Picture.open(path)), GREEN)


def test_file_is_judged_by_its_content_not_by_its_name(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", Image.new("RGB", (100, 60), GREEN), format="PNG")
    assert centre_pixel(Picture.open(path)) == GREEN


def test_palette(tmp_path: Path) -> None:
    image = Image.new("RGB", (100, 60), GREEN).convert("P", palette=Image.Palette.ADAPTIVE)
    assert centre_pixel(Picture.open(save(tmp_path / "p.png", image))) == GREEN


def test_palette_with_a_transparent_colour_becomes_white_there(tmp_path: Path) -> None:
    image = Image.new("P", (1000, 600), 0)
    image.putpalette([*RED, *GREEN])
    image.paste(1, (0, 0, 100, 600))
    picture = Picture.open(save(tmp_path / "p.png", image, transparency=0))
    assert centre_pixel(picture) == WHITE and tuple(picture.image[300, 50]) == GREEN


@pytest.mark.parametrize(("mode", "value", "expected"), [("1", 1, 255), ("L", 77, 77)])
def test_grey_and_black_and_white(tmp_path: Path, mode: str, value: int, expected: int) -> None:
    path = save(tmp_path / "g.png", Image.new(mode, (100, 60), value))
    assert centre_pixel(Picture.open(path)) == (expected,) * 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (128, 0), (129, 1), (257 * 77, 77), (257 * 77 + 128, 77), (257 * 77 + 129, 78), (65535, 255)],
)
@pytest.mark.parametrize("extension", ["png", "tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path, value: int, expected: int, extension: str) -> None:
    path = save(tmp_path / f"g.{extension}", Image.fromarray(np.full((60, 100), value, np.uint16)))
    assert centre_pixel(Picture.open(path)) == (expected,) * 3


def test_big_endian_16_bit_and_32_bit_with_16_bit_values(tmp_path: Path) -> None:
    samples = np.full((60, 100), 257 * 77, ">u2").tobytes()
    (tmp_path / "a.pgm").write_bytes(b"P5 100 60 65535\n" + samples)
    save(tmp_path / "b.tif", Image.frombytes("I;16B", (100, 60), samples))
    save(tmp_path / "c.tif", Image.fromarray(np.full((60, 100), 257 * 77, np.int32)))
    for name in ("a.pgm", "b.tif", "c.tif"):
        assert centre_pixel(Picture.open(tmp_path / name)) == (77,) * 3, name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((6, 10), 70_000, np.int32), "32-bit values 70000"),
        (np.full((6, 10), -1, np.int32), "32-bit values -1"),
        (np.zeros((6, 10), np.float32), "floating-point"),
    ],
)
def test_values_that_have_no_white_are_refused(tmp_path: Path, values: np.ndarray[Any, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Picture.open(save(tmp_path / "v.tif", Image.fromarray(values)))


def deep_png(depth: int, kind: int, row: bytes, transparent: bytes, width: int) -> bytes:
    """One row of a PNG with a transparent value; kind 0 is grey, 2 is RGB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)) + chunk(b"tRNS", transparent)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("depth", "values", "transparent", "expected"),
    [  # black would stay black, and white is white anyhow: greys tell
        (16, (1000, 1001, 40_000), 1000, (255, 4, 156)),  # 1001 / 257 = 3.9, 40,000 / 257 = 155.6
        (16, (1000, 1001, 40_000), 40_000, (4, 4, 255)),
        (16, (1000, 1001, 40_000), 999, (4, 4, 156)),
        (8, (7, 8, 200), 7, (255, 8, 200)),
        (8, (7, 8, 200), 256 + 7, (255, 8, 200)),  # of 16 bits only the lower eight count
        (4, (7, 8, 13), 7, (255, 136, 221)),  # × 17
        (4, (7, 8, 13), 13, (119, 136, 255)),
        (4, (7, 8, 13), 119, (255, 136, 221)),  # 119 = 7 · 16 + 7: again the lower four bits
        (2, (1, 2, 0), 2, (85, 255, 0)),  # × 85
        (1, (0, 1, 0), 0, (255, 255, 255)),
    ],
)
def test_grey_png_is_white_at_its_transparent_value(
    tmp_path: Path, depth: int, values: tuple[int, ...], transparent: int, expected: tuple[int, ...]
) -> None:
    bits = "".join(f"{value:0{depth}b}" for value in values)
    row = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    (tmp_path / "t.png").write_bytes(deep_png(depth, 0, row, struct.pack(">H", transparent), len(values)))
    pixels = np.asarray(image_files.read_rgb(tmp_path / "t.png"))[0]
    assert pixels.tolist() == [[grey] * 3 for grey in expected]


@pytest.mark.parametrize(
    ("transparent", "white"),
    [((0x1234, 0, 0), [True, False]), ((0xE8E8, 0, 0), [False, False]), ((0x99FF, 0, 0), [False, True])],
)
def test_16_bit_colour_png_is_white_at_its_transparent_colour(
    tmp_path: Path, transparent: tuple[int, ...], white: list[bool]
) -> None:
    row = struct.pack(">6H", 0x1234, 0, 0, 0x99FF, 0, 0)
    (tmp_path / "t.png").write_bytes(deep_png(16, 2, row, struct.pack(">3H", *transparent), 2))
    pixels = np.asarray(image_files.read_rgb(tmp_path / "t.png"))[0]
    assert (pixels == 255).all(axis=1).tolist() == white


def test_transparent_value_survives_turning_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    grey = Image.fromarray(np.array([[1000], [40_000]], np.uint16))
    picture = image_files.read_rgb(save(tmp_path / "t.png", grey, exif=exif, transparency=1000))
    assert np.asarray(picture)[..., 0].tolist() == [[156, 255]]


@pytest.mark.parametrize(("mode", "colour"), [("LA", (0, 0)), ("RGBA", (255, 0, 0, 0))])
def test_transparent_becomes_white(tmp_path: Path, mode: str, colour: tuple[int, ...]) -> None:
    assert centre_pixel(Picture.open(save(tmp_path / "a.png", Image.new(mode, (100, 60), colour)))) == WHITE


def test_half_transparent_black_becomes_grey(tmp_path: Path) -> None:
    picture = Picture.open(save(tmp_path / "a.png", Image.new("RGBA", (100, 60), (0, 0, 0, 128))))
    assert close(centre_pixel(picture), (127, 127, 127), 1)


def test_palette_with_alpha(tmp_path: Path) -> None:
    image = Image.new("P", (100, 60))
    image.putalpha(0)
    assert image.mode == "PA"
    assert np.asarray(image_files._to_rgb(image)).min() == 255


def test_cmyk_jpeg(tmp_path: Path) -> None:
    path = save(tmp_path / "c.jpg", Image.new("CMYK", (100, 60), (0, 255, 255, 0)), quality=95)
    assert close(centre_pixel(Picture.open(path)), RED, 6)


@pytest.mark.parametrize("extension", ["gif", "webp", "png"])
def test_animation_gives_its_first_frame(tmp_path: Path, extension: str) -> None:
    first, second = Image.new("RGB", (100, 60), RED), Image.new("RGB", (100, 60), GREEN)
    path = save(tmp_path / f"a.{extension}", first, save_all=True, append_images=[second], duration=100)
    assert close(centre_pixel(Picture.open(path)), RED)


def test_multi_page_tiff_gives_its_first_page(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.tif", Image.new("RGB", (10, 6), RED), save_all=True, append_images=[Image.new("L", (9, 9))]
    )
    assert centre_pixel(Picture.open(path)) == RED


# --- EXIF orientation

QUADRANTS = np.zeros((60, 100, 3), np.uint8)
QUADRANTS[:30, :50], QUADRANTS[:30, 50:], QUADRANTS[30:, :50], QUADRANTS[30:, 50:] = RED, GREEN, WHITE, (0, 0, 255)
UPRIGHT = {  # EXIF orientation -> what a viewer shows, as an array operation
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("extension", ["png", "webp", "tif"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, extension: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if extension == "webp" else {}
    path = save(tmp_path / f"a.{extension}", Image.fromarray(QUADRANTS), exif=exif, **options)
    assert np.array_equal(np.asarray(image_files.read_rgb(path)), UPRIGHT[orientation](QUADRANTS))


def test_boxes_refer_to_the_upright_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored 100×60 (width × height), shown 60×100
    path = save(tmp_path / "a.jpg", Image.fromarray(QUADRANTS), exif=exif)
    picture = Picture.open(path, [[30, 0, 60, 50]])  # the upper right quarter as shown, stored upper left: red
    x1, y1, x2, y2 = picture.gt_boxes[0].round().int().tolist()
    assert close(tuple(picture.image[y1 + 20 : y2 - 20, x1 + 20 : x2 - 20].reshape(-1, 3).mean(0)), RED, 8)
    with pytest.raises(ValueError, match="60×100"):
        Picture.open(path, [[0, 0, 100, 60]])


@pytest.mark.parametrize(
    ("extension", "exif"), [("png", b"Exif\0\0rubbishrubbish"), ("jpg", b"Exif\0\0MM\0*\0\0\0\x08\0\x05")]
)
def test_rubbish_in_exif_does_not_cost_the_picture(tmp_path: Path, extension: str, exif: bytes) -> None:
    path = save(tmp_path / f"a.{extension}", Image.new("RGB", (100, 60), RED), exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert close(centre_pixel(Picture.open(path)), RED)


# --- files that are refused


def isobmff(major: bytes, *compatible: bytes) -> bytes:
    box = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return struct.pack(">I", len(box) + 4) + box + b"\0" * 64


def test_heic_with_plugin_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Plugin(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self) -> None:
            self._size, self._mode = (100, 60), "RGB"

        def load(self) -> Any:
            self.im = Image.new("RGB", self.size, GREEN).im
            return self.im.pixel_access(False)

    Image.init()
    monkeypatch.setitem(Image.OPEN, "HEIF", (Plugin, lambda prefix: prefix[4:8] == b"ftyp" and prefix[8:12] == b"heic"))
    monkeypatch.setattr(Image, "ID", [*Image.ID, "HEIF"])
    (tmp_path / "a.heic").write_bytes(isobmff(b"heic"))
    assert centre_pixel(Picture.open(tmp_path / "a.heic")) == GREEN


def test_avif_without_decoder_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.init()
    monkeypatch.setattr(Image, "OPEN", {k: v for k, v in Image.OPEN.items() if k != "AVIF"})
    (tmp_path / "a.avif").write_bytes(isobmff(b"avif", b"mif1"))
    with pytest.raises(ValueError, match=r"an AVIF picture.*newer Pillow"):
        Picture.open(tmp_path / "a.avif")


def test_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save(tmp_path / "mine.png", Image.new("RGB", (10, 6), RED))
    assert centre_pixel(Picture.open("~/mine.png")) == RED
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "other.png"))):
        Picture.open("~/other.png")


def test_tilde_of_nobody_and_in_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"~nobody-at-all/a\.png: no such file"):
        Picture.open("~nobody-at-all/a.png")
    save(tmp_path / "~mine.png", Image.new("RGB", (10, 6), RED))
    assert centre_pixel(Picture.open("~mine.png")) == RED


@pytest.mark.skipif(os.name == "nt", reason="no file name has a colon there")
def test_colon_in_the_name_of_a_file_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data:").mkdir()
    save(tmp_path / "data:" / "a.png", Image.new("RGB", (10, 6), RED))
    assert centre_pixel(Picture.open("data:/a.png")) == RED


@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 5000])
def test_name_that_no_system_opens(tmp_path: Path, name: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=r"aaa|a/a"):
        Picture.open(tmp_path / name)


def test_file_that_cannot_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png", Image.new("RGB", (10, 6), RED))

    def locked(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", locked)  # who runs the tests may be allowed to read everything
    with pytest.raises(ValueError, match=r"a\.png: cannot be opened: Permission denied"):
        Picture.open(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="device"):
        Picture.open(tmp_path / "pipe")


def png(width: int, height: int, compressed: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"), [(8001, 8000), (10_000, 10_000), (65_000, 65_000), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1)]
)
@pytest.mark.parametrize("pillow_limit", [Image.MAX_IMAGE_PIXELS, None, 1000])
def test_decompression_bomb_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, height: int, pillow_limit: int | None
) -> None:
    def explode(self: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", explode)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_limit)  # whatever the user set it to
    (tmp_path / "bomb.png").write_bytes(png(width, height, zlib.compress(b"\0" * 1000)))
    ours = "1,000" if pillow_limit == 1000 else "64,000,000"
    with pytest.raises(ValueError, match=rf"bomb\.png: a picture of .* pixels, takes 1 to {ours} in all$"):
        Picture.open(tmp_path / "bomb.png")


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (10_000, 10_000), (13_000, 13_000)])
def test_picture_of_a_new_phone_is_told_its_size_and_our_limit(tmp_path: Path, width: int, height: int) -> None:
    """89 to 179 MP: between them Pillow only warns, and with a limit of its own."""
    (tmp_path / "phone.png").write_bytes(png(width, height, zlib.compress(b"")))
    with pytest.raises(ValueError, match=rf"a picture of {width}×{height} pixels, takes 1 to 64,000,000 in all"):
        Picture.open(tmp_path / "phone.png")


@pytest.mark.parametrize("pillow_limit", [40, 20])  # Pillow warns above its limit and raises above twice that
def test_limit_of_pillow_holds_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pillow_limit: int) -> None:
    path = save(tmp_path / "a.png", Image.new("RGB", (10, 6)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_limit)
    with pytest.raises(
        ValueError, match=rf"a\.png: a picture of more than {pillow_limit} pixels, takes 1 to {pillow_limit} "
    ):
        Picture.open(path)


def test_bomb_in_a_text_chunk_is_refused(tmp_path: Path) -> None:
    body = b"Comment\0\0" + zlib.compress(b"\0" * 80_000_000)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    data = png(10, 6, zlib.compress(b"\0" * 11 * 6))
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    with pytest.raises(ValueError, match=r"a\.png"):
        Picture.open(tmp_path / "a.png")


def test_largest_picture_allowed_is_that_of_a_phone() -> None:
    assert 8160 * 6144 < image_files.MAX_PIXELS < 100_000_000


def test_large_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "MAX_FILE_BYTES", 2**20)
    path = save(tmp_path / "a.png", Image.new("RGB", (10, 6)))
    with path.open("ab") as file:
        file.truncate(2**20 + 1)
    with pytest.raises(ValueError, match=r"a\.png: is larger than 1 MiB"):
        Picture.open(path)


@given(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\xe0",
            b"GIF89a",
            b"II*\0",
            b"BM",
            b"RIFF\0\0\0\0WEBP",
            b"P6 3 3 255 ",
        ]
    ),
)
def test_any_bytes_give_a_picture_or_a_value_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, magic: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.bin"
    path.write_bytes(magic + data)
    try:
        assert Picture.open(path).image.shape == (600, 1000, 3)
    except ValueError as error:
        assert "any.bin" in str(error)


# --- boxes and names


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return save(tmp_path / "plain.png", Image.new("RGB", (100, 60), GREEN))


GOOD_BOX = [10.0, 10, 20, 20]


@pytest.mark.parametrize(
    "boxes",
    [
        [GOOD_BOX],
        (tuple(GOOD_BOX),),
        np.array([GOOD_BOX]),
        torch.tensor([GOOD_BOX]),
        torch.tensor([GOOD_BOX], dtype=torch.int64),
        torch.tensor([GOOD_BOX], requires_grad=True),
    ],
)
def test_boxes_as_list_array_or_tensor(plain: Path, boxes: Any) -> None:
    picture = Picture.open(plain, boxes)
    assert picture.gt_boxes.tolist() == [[100, 100, 200, 200]] and picture.gt_boxes.dtype == torch.float32
    assert picture.class_names == ["object"]


@pytest.mark.parametrize("boxes", [None, [], np.zeros((0, 4)), torch.zeros(0, 4)])
def test_no_boxes(plain: Path, boxes: Any) -> None:
    picture = Picture.open(plain, boxes)
    assert picture.gt_boxes.shape == (0, 4) and picture.class_names == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "got 0 names for 1 boxes"),
        (["dog", "cat"], "got 2 names for 1 boxes"),
        ("d", "got 'd', takes a list of str"),
        ([3], r"class_names\[0\]: got 3, takes str"),
        ([None], r"class_names\[0\]: got None"),
        ({"dog"}, "takes a list of str"),
    ],
)
def test_class_names_that_do_not_fit(plain: Path, names: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Picture.open(plain, [GOOD_BOX], names)
    with pytest.raises(ValueError, match=message):
        good(class_names=names)


def test_names_without_boxes(plain: Path) -> None:
    with pytest.raises(ValueError, match="1 names for 0 boxes"):
        Picture.open(plain, class_names=["dog"])


def test_text_stays_text(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    path = save(tmp_path / "<b>&amp;.png", Image.new("RGB", (100, 60)))
    picture = Picture.open(path, [GOOD_BOX], [hostile])
    assert picture.class_names == [hostile] and picture.name == "<b>&amp;"


@pytest.mark.skipif(os.name == "nt", reason="file names are always text there")
def test_file_name_that_is_no_utf8_becomes_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.png"
    try:
        Image.new("RGB", (10, 6)).save(os.fsdecode(path))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert Picture.open(os.fsdecode(path)).name.encode() == "caf\ufffd".encode()


# --- resampling to 600×1000


@pytest.mark.parametrize(
    ("width", "height", "scale", "offset"),
    [
        (1000, 600, (1, 1), (0, 0)),
        (100, 60, (10, 10), (0, 0)),
        (4000, 2400, (0.25, 0.25), (0, 0)),
        (600, 600, (1, 1), (0, 200)),
        (1000, 300, (1, 1), (150, 0)),
        (600, 1000, (0.6, 0.6), (0, 320)),
    ],
)
def test_scale_and_offset(
    tmp_path: Path, width: int, height: int, scale: tuple[float, float], offset: tuple[int, int]
) -> None:
    picture = Picture.open(save(tmp_path / "a.png", Image.new("RGB", (width, height), RED)))
    assert picture.scale == pytest.approx(scale) and picture.offset == offset
    y, x = offset
    h, w = round(height * scale[0]), round(width * scale[1])
    inside = np.zeros((600, 1000), bool)
    inside[y : y + h, x : x + w] = True
    assert (picture.image[inside] == RED).all() and (picture.image[~inside] == PADDING).all()


@given(st.integers(1, 5000), st.integers(1, 5000), st.data())
def test_box_maps_and_maps_back(width: int, height: int, data: st.DataObject) -> None:
    edge = st.floats(0, 1, width=32)
    x1, x2 = sorted(data.draw(st.tuples(edge, edge).filter(lambda e: abs(e[0] - e[1]) > 0.01)))
    y1, y2 = sorted(data.draw(st.tuples(edge, edge).filter(lambda e: abs(e[0] - e[1]) > 0.01)))
    box = [x1 * width, y1 * height, x2 * width, y2 * height]
    path = Path(os.devnull)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rpnviz.pictures.read_rgb", lambda _: Image.new("L", (width, height)))
        patch.setattr("rpnviz.pictures._fit", lambda image: (EMPTY, *_fit(image)[1:]))
        picture = Picture.open(path, [box])
    moved = picture.gt_boxes[0].double().numpy()
    (sy, sx), (oy, ox) = picture.scale, picture.offset
    assert ((moved - [ox, oy, ox, oy]) / [sx, sy, sx, sy]).tolist() == pytest.approx(
        box, rel=1e-5, abs=1e-3 / min(sx, sy)
    )
    assert (moved >= 0).all() and (moved <= [1000, 600, 1000, 600]).all()


EMPTY = np.zeros((*FIT_SIZE, 3), np.uint8)


@given(st.integers(1, 3000), st.integers(1, 3000))
@example(1666, 1078)  # scaled to 927 wide, 73 px are left to pad
@example(2000, 955)  # to 477.5 high
def test_aspect_is_kept_to_half_a_pixel(width: int, height: int) -> None:
    image, (sy, sx), (oy, ox) = _fit(Image.new("RGB", (width, height)))
    factor = min(600 / height, 1000 / width)
    assert image.shape == (600, 1000, 3)
    half = 0.5 + 1e-9  # 478 / 955 · 955 is 478.00000000000006
    assert abs(sy * height - max(1, factor * height)) <= half and abs(sx * width - max(1, factor * width)) <= half
    across, down = round(sx * width), round(sy * height)  # whole pixels; the quotients sx, sy are rounded
    assert abs(2 * oy + down - 600) <= 1 and abs(2 * ox + across - 1000) <= 1  # centred


@pytest.mark.parametrize(("width", "height"), [(60_000, 1), (1, 60_000), (1, 1)])
def test_extreme_shapes_keep_at_least_one_pixel(tmp_path: Path, width: int, height: int) -> None:
    path = save(tmp_path / "thin.png", Image.new("RGB", (width, height), RED))
    picture = Picture.open(path, [[0, 0, width, height]])
    x1, y1, x2, y2 = picture.gt_boxes[0].tolist()
    assert x2 - x1 >= 1 and y2 - y1 >= 1
    assert (picture.image[int(y1) : int(y2), int(x1) : int(x2)] == RED).all()


def test_box_follows_the_pixels(tmp_path: Path) -> None:
    image = Image.new("RGB", (1237, 411), WHITE)
    image.paste(RED, (200, 100, 400, 300))
    picture = Picture.open(save(tmp_path / "a.png", image), [[200, 100, 400, 300]])
    red = (np.abs(picture.image.astype(int) - RED).sum(2) < 200).nonzero()
    found = [red[1].min(), red[0].min(), red[1].max() + 1, red[0].max() + 1]
    assert picture.gt_boxes[0].tolist() == pytest.approx(found, abs=1)


# --- rendered scenes

THINGS: list[dict[str, Any]] = [
    {"name": "dog", "amodal": [0, 0, 9, 9], "clipped": [0, 0, 9, 9], "visible": [1, 2, 8, 9], "visible_fraction": 0.36},
    {"name": "car", "amodal": [0, 0, 9, 9], "clipped": [0, 0, 9, 9], "visible": [0, 0, 9, 9], "visible_fraction": 0.35},
    {"name": "bus", "amodal": [0, 0, 9, 9], "clipped": [0, 0, 9, 9], "visible": None, "visible_fraction": 0},
]


def scene(folder: Path, content: Any, picture: str = "s.webp") -> Path:
    save(folder / picture, Image.new("RGB", (100, 60), GREEN), lossless=True)
    (folder / "s.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder / "s.json"


@pytest.mark.parametrize(
    "content",
    [THINGS, {"objects": THINGS, "picture": "other.webp", "image_size": [60, 100], "seed": 1, "shows": "a dog"}],
)
def test_scene_keeps_the_objects_that_are_seen(tmp_path: Path, content: Any) -> None:
    picture = read_scene(scene(tmp_path, content, content["picture"] if isinstance(content, dict) else "s.webp"))
    assert (picture.class_names, picture.gt_boxes.tolist()) == (["dog"], [[1, 2, 8, 9]])
    assert (picture.name, picture.image_size) == ("s", (60, 100))
    assert (picture.image == GREEN).all()


def test_scene_without_objects(tmp_path: Path) -> None:
    assert read_scene(scene(tmp_path, [])).gt_boxes.shape == (0, 4)
