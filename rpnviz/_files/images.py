"""Decode a picture file that may be anything: a photo of a phone, a scan, a bomb, no picture at all."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_FILE_BYTES = 100 * 2**20
MAX_PIXELS = 64_000_000  # a 50-megapixel photo passes, a decompression bomb does not

# Without a list Pillow also tries formats that run other programs (EPS) or whose decoders are hardly ever used.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
PLUGIN_FORMATS = ("AVIF", "HEIF")  # opened if this Pillow has them
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


class _Refused(Exception):
    """The file is a picture, but not one that is taken."""


def read_rgb(path: Path) -> Image.Image:
    """Decode a file to an upright RGB picture.

    EXIF orientation is applied, of an animation the first frame is taken, transparent parts become white, 16-bit grey
    is scaled to 8 bit. Colour profiles are ignored.

    Args:
        path (Path): the file.

    Returns:
        Image: mode RGB.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no picture, broken, of an unsupported kind or too large; says which.
    """
    data = _read_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on broken metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data)
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: {_why_unidentified(data)}") from error
    except (_Refused, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{path}: {error}") from error
    except Exception as error:  # a broken file can make Pillow's decoders raise almost anything
        raise ValueError(f"{path}: cannot be decoded, it may be cut off or broken: {error}") from error


def _decode(data: bytes) -> Image.Image:
    Image.init()
    formats = [*FORMATS, *(name for name in PLUGIN_FORMATS if name in Image.OPEN)]
    with Image.open(io.BytesIO(data), formats=formats) as image:
        width, height = image.size  # from the header: nothing is decoded yet
        if not 0 < width * height <= MAX_PIXELS:
            raise _Refused(f"a picture of {width}×{height} pixels, takes 1 to {MAX_PIXELS:,} in all")
        return _to_rgb(_upright(image))


def _read_bytes(path: Path) -> bytes:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    if not path.is_file():
        raise ValueError(f"{path}: is a folder or a device, takes a picture file")
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if not 0 < len(data) <= MAX_FILE_BYTES:
        size = "is empty" if not data else f"is larger than {MAX_FILE_BYTES // 2**20} MiB"
        raise ValueError(f"{path}: {size}")
    return data


def _why_unidentified(data: bytes) -> str:
    # An ISO base media file names its kinds in its first box: [4: "ftyp"] major brand, version, compatible brands.
    brands = {data[i : i + 4] for i in range(8, min(int.from_bytes(data[:4], "big"), 256), 4)}
    if data[4:8] == b"ftyp" and brands & {b"avif", b"avis"}:
        return "an AVIF picture, which this Pillow cannot read: save it as JPEG or PNG, or install a newer Pillow"
    if data[4:8] == b"ftyp" and brands & HEIC_BRANDS:
        return (
            "a HEIC picture, which Pillow cannot read by itself: save it as JPEG or PNG, "
            "or install pillow-heif and call pillow_heif.register_heif_opener() first"
        )
    return f"not a picture, or its beginning is broken; takes {', '.join(FORMATS)}"


def _upright(image: Image.Image) -> Image.Image:
    try:
        image.getexif()
    except SyntaxError:  # its EXIF is rubbish; the picture may still be good
        return image
    return ImageOps.exif_transpose(image)


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB: 16 bits to 8, transparent on white."""
    if image.mode == "I" or image.mode.startswith("I;16"):  # convert() would clip these at 255
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise _Refused(f"32-bit values {grey.min()} to {grey.max()}, takes 0 to 65535")
        return Image.fromarray(((grey + 128) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise _Refused("floating-point values, whose white is anybody's guess; save it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")
