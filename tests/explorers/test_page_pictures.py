"""The page's pictures: of every kind of file the same pixels as `Picture.open`, or a sentence that says why not."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser

from rpnviz._files.images import MAX_FILE_BYTES, MAX_PIXELS
from rpnviz.pictures import FIT_SIZE, PADDING, Picture
from tests.explorers.compute_page import ComputePage, compute_page

OPEN = "(bytes, name) => openPicture(new File([bytes], name), nobodyWaits)"


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[ComputePage]:
    made = compute_page(browser, "common/compute/pictures.js", "common/compute/turns.js")
    yield made
    made.page.close()


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Half of it smooth, half of it noise: Lanczos goes beyond 0 and 255 there."""
    generator = np.random.default_rng(seed)
    ramp = np.linspace(0, 255, width)[None, :, None] * np.linspace(1, 0.2, height)[:, None, None]
    mixed = np.where(
        generator.random((height, width, 1)) < 0.5, ramp, generator.integers(0, 256, (height, width, channels))
    )
    return mixed.astype(np.uint8)


def scene(height: int = 611, width: int = 733) -> Image.Image:
    picture = Image.fromarray(Picture.load("street-07").image)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    with io.BytesIO() as file:
        image.save(file, kind, **options)
        return file.getvalue()


def both(page: ComputePage, folder: Path, data: bytes, name: str = "picture") -> tuple[dict[str, Any], Picture]:
    """What page and Python make of the same file."""
    path = folder / name
    path.write_bytes(data)
    return page.run(OPEN, data, name), Picture.open(path)


def differing(said: dict[str, Any], picture: Picture) -> int:
    """How many numbers of the pixels differ; where the file's pixels lie has to be the same."""
    assert "error" not in said, said
    assert (said["imageSize"], said["scale"], said["offset"]) == (
        list(picture.image_size),
        list(picture.scale),
        list(picture.offset),
    )
    return int((said["image"].reshape(picture.image.shape) != picture.image).sum())


SIZES = [
    *((1, 1), (1, 2), (2, 1), (3, 5000), (7, 1000), (600, 7), (37, 41), (5, 8)),
    *((600, 1000), (599, 1001), (601, 999), (600, 999), (599, 1000), (1000, 600), (640, 960)),
    *((733, 911), (911, 733), (1200, 2000), (1313, 1241), (64, 65), (129, 301), (1201, 601)),
    *((1200, 1001), (1001, 2000)),  # a side ends on a half before it is rounded
]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}×{size[1]}")
def test_a_picture_of_any_size_is_fitted_to_the_pixel(page: ComputePage, tmp_path: Path, size: tuple[int, int]) -> None:
    data = encoded(Image.fromarray(noise(*size, seed=size[0] + size[1])), "PNG", compress_level=1)
    assert differing(*both(page, tmp_path, data)) == 0


@pytest.mark.parametrize(
    "size", [(5000, 3), (2000, 300), (1201, 600), (601, 3)], ids=lambda size: f"{size[0]}×{size[1]}"
)
def test_of_a_tall_picture_the_height_comes_first(page: ComputePage, size: tuple[int, int]) -> None:
    """Pillow does so since 13; one axis at a time, every version of it says the same."""
    image = Image.fromarray(noise(*size))
    h, w = (max(1, round(side * 600 / size[0])) for side in size)
    one_by_one = image.resize((size[1], h), Image.Resampling.LANCZOS).resize((w, h), Image.Resampling.LANCZOS)
    said = page.run(OPEN, encoded(image, "PNG"), "tall")
    top, left = said["offset"]
    assert top == 0 and left == (1000 - w) // 2
    assert (said["image"].reshape(600, 1000, 3)[:, left : left + w] == np.asarray(one_by_one)).all()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def turned(orientation: int) -> bytes:
    return encoded(scene(), "JPEG", quality=85, exif=exif(orientation))


def profiled() -> bytes:
    """A JPEG that says its red is green: whoever believes it shows other colours."""
    from PIL import ImageCms

    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return encoded(scene(), "JPEG", quality=90, icc_profile=bytes(profile))


def with_alpha(values: npt.NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.dstack([np.asarray(scene()), values]))


def ramp_of_alpha() -> npt.NDArray[np.uint8]:
    return np.linspace(0, 255, 733).astype(np.uint8)[None].repeat(611, 0)


def grey_16() -> bytes:
    """16-bit grey whose values are those of 8 bits."""
    values = np.asarray(scene().convert("L")).astype(np.uint16)
    return encoded(Image.fromarray(values * np.uint16(257)), "PNG")


def palette(transparent: bool = False) -> bytes:
    image = scene().convert("P", palette=Image.Palette.ADAPTIVE, colors=255)
    return encoded(image, "PNG", **({"transparency": 3} if transparent else {}))


def animated() -> bytes:
    frames = [scene().convert("P"), Image.new("P", (733, 611))]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


FILES: dict[str, Callable[[], bytes]] = {
    "JPEG 4:2:0": lambda: encoded(scene(), "JPEG", quality=85),
    "JPEG 4:4:4": lambda: encoded(scene(), "JPEG", quality=95, subsampling=0),
    "JPEG progressive": lambda: encoded(scene(), "JPEG", quality=85, progressive=True),
    "JPEG grey": lambda: encoded(scene().convert("L"), "JPEG", quality=85),
    "JPEG CMYK": lambda: encoded(scene().convert("CMYK"), "JPEG", quality=85),
    "JPEG with a colour profile": profiled,
    **{f"JPEG turned by EXIF {i}": functools.partial(turned, i) for i in range(1, 9)},
    "PNG": lambda: encoded(scene(), "PNG"),
    "PNG grey": lambda: encoded(scene().convert("L"), "PNG"),
    "PNG grey, 16 bits": grey_16,
    "PNG black and white": lambda: encoded(scene().convert("1"), "PNG"),
    "PNG palette": palette,
    "PNG palette, one colour transparent": lambda: palette(transparent=True),
    "PNG with alpha 0 or 255": lambda: encoded(
        with_alpha(np.where(ramp_of_alpha() > 99, 255, 0).astype(np.uint8)), "PNG"
    ),
    "PNG with any alpha": lambda: encoded(with_alpha(noise(611, 733, 1)[..., 0]), "PNG"),
    "WebP with any alpha": lambda: encoded(with_alpha(noise(611, 733, 1)[..., 0]), "WEBP", lossless=True, exact=True),
    "PNG turned by EXIF 6": lambda: encoded(scene(), "PNG", exif=exif(6)),
    "WebP": lambda: encoded(scene(), "WEBP", quality=80),
    "WebP lossless": lambda: encoded(scene(), "WEBP", lossless=True),
    "GIF, the first frame of two": animated,
    "BMP": lambda: encoded(scene(), "BMP"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_any_kind_has_the_same_pixels(page: ComputePage, tmp_path: Path, kind: str) -> None:
    assert differing(*both(page, tmp_path, FILES[kind]())) == 0


def test_a_file_is_named_in_no_way(page: ComputePage, tmp_path: Path) -> None:
    """Its name may say another kind, or be markup: what counts is in it."""
    name = "<img src=x onerror=alert(1)>.gif"
    assert differing(*both(page, tmp_path, encoded(scene(), "PNG"), name)) == 0


def test_bundled_pictures_stay_as_they_are(page: ComputePage, tmp_path: Path) -> None:
    from rpnviz._files.data import data_folder

    said = page.run(OPEN, (data_folder() / "pictures" / "street-03.webp").read_bytes(), "street-03.webp")
    assert differing(said, Picture.load("street-03")) == 0


def test_constants_are_those_of_python(page: ComputePage) -> None:
    said = page.run("() => ({ FIT_SIZE, PADDING, MAX_FILE_BYTES, MAX_PIXELS })")
    assert said == {
        "FIT_SIZE": list(FIT_SIZE),
        "PADDING": list(PADDING),
        "MAX_FILE_BYTES": MAX_FILE_BYTES,
        "MAX_PIXELS": MAX_PIXELS,
    }


def header_only(width: int, height: int) -> bytes:
    """A PNG of that size, of one bit a pixel, whose pixels are missing."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", zlib.crc32(chunk[4:]))


TIFF = lambda: encoded(scene(), "TIFF")  # noqa: E731
OTHER = "which this browser does not read: save it as JPEG or PNG"
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "bad is empty"),
    "text": (lambda: b"hello" * 100, "bad is not a picture that this browser reads; JPEG and PNG are"),
    "cut off": (
        lambda: encoded(scene(), "JPEG", quality=90)[:9000],
        "bad cannot be decoded: it may be cut off or broken",
    ),
    "PNG without pixels": (lambda: header_only(20, 20), "bad cannot be decoded: it may be cut off or broken"),
    "TIFF": (TIFF, f"bad is a TIFF picture, {OTHER}"),
    "HEIC": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", f"bad is a HEIC picture, {OTHER}"),
    "AVIF, broken": (lambda: b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", f"bad is an AVIF picture, {OTHER}"),
    "SVG with a script": (
        lambda: (
            b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="6"><script>document.title="bad"</script></svg>'
        ),
        "bad is not a picture that this browser reads; JPEG and PNG are",
    ),
    "bomb": (
        lambda: encoded(Image.new("1", (9000, 8000)), "PNG"),
        "a picture of 9000×8000 pixels, takes up to 64 megapixels; make it smaller first",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_not_taken_says_why(page: ComputePage, kind: str) -> None:
    make, says = BAD[kind]
    assert page.run(OPEN, make(), "bad") == {"error": says, "name": "Error"}
    assert page.page.evaluate("() => document.title") == ""


def test_a_bomb_is_refused_before_it_is_decoded(page: ComputePage) -> None:
    """What is decoded is counted; a picture that is small enough is."""
    count = """async (bomb, good) => {
      const [real, decoded] = [createImageBitmap, []];
      globalThis.createImageBitmap = (file, ...options) => (decoded.push(file.size), real(file, ...options));
      try {
        const open = (bytes) => openPicture(new Blob([bytes]), nobodyWaits);
        const refused = await open(bomb).catch((error) => error.message);
        await open(good);
        return [refused, decoded];
      } finally {
        globalThis.createImageBitmap = real;
      }
    }"""
    good = encoded(scene(20, 30), "PNG")
    refused, decoded = page.run(count, encoded(Image.new("1", (9000, 8000)), "PNG"), good)
    assert refused.startswith("a picture of 9000×8000 pixels")
    assert decoded == [len(good)]


def test_a_large_file_is_refused_unread(page: ComputePage) -> None:
    said = page.run(
        'async () => readBitmap(Object.defineProperty(new File(["x"], "large"), "size", { value: MAX_FILE_BYTES + 1 }))'
    )
    assert said["error"] == "large is larger than 100 MiB"


def test_16_bits_are_the_same_within_one_of_255(page: ComputePage, tmp_path: Path) -> None:
    """Python rounds them, Chromium takes the upper 8. Not resampled, which would mix the differences."""
    values = np.arange(600_000).astype(np.uint16).reshape(600, 1000)
    said, picture = both(page, tmp_path, encoded(Image.fromarray(values), "PNG"))
    difference = said["image"].reshape(picture.image.shape).astype(int) - picture.image
    assert np.abs(difference).max() == 1
