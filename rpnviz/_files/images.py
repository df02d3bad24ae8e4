"""Decode a picture file that may be anything: a photo of a phone, a scan, a bomb, no picture at all; or an array."""

from __future__ import annotations

import io
import os
import re
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from rpnviz._files.tables import one_line, printable

MAX_FILE_BYTES = 100 * 2**20
MAX_PIXELS = 64_000_000  # a 50-megapixel photo passes, a decompression bomb does not

# Without a list Pillow also tries formats that run other programs (EPS) or whose decoders are hardly ever used.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
PLUGIN_FORMATS = ("AVIF", "HEIF")  # opened if this Pillow has them
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|data:")  # a Path keeps one slash of two; a single letter is a drive
GREY_LEVELS = {"L;2": 3, "L;4": 15, "L": 255}  # of a PNG, by what Pillow calls its samples


class _Refused(Exception):
    """The file is a picture, but not one that is taken."""


def read_rgb(path: Path) -> Image.Image:
    """Decode a file to an upright RGB picture.

    EXIF orientation is applied, of an animation the first frame is taken, transparent parts become white, 16-bit grey
    is scaled to 8 bit. Colour profiles are ignored.

    Args:
        path (Path): the file; "~" is the user's home.

    Returns:
        Image: mode RGB.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no picture, broken, of an unsupported kind or too large, cannot be opened, or is an address
            in the net; says which.
    """
    data, where = _read_bytes(path), printable(str(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on broken metadata
            if _pixel_limit() < MAX_PIXELS:
                warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data)
    except UnidentifiedImageError as error:
        raise ValueError(f"{where}: {_why_unidentified(data)}") from error
    except _Refused as error:
        raise ValueError(f"{where}: {error}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # which do not tell its size
        limit = f"{_pixel_limit():,}"
        raise ValueError(f"{where}: a picture of more than {limit} pixels, takes 1 to {limit} in all") from error
    except Exception as error:  # a broken file can make Pillow's decoders raise almost anything
        raise ValueError(f"{where}: cannot be decoded, it may be cut off or broken: {one_line(error)}") from error


def array_to_rgb(image: npt.ArrayLike | Image.Image) -> Image.Image:
    """Make an RGB picture of an array, as `read_rgb` does of the file that it would be saved to.

    Args:
        image (array [H, W, 3] | [H, W, 4] | [H, W, 2] | [H, W] | PIL image): RGB, RGBA, grey with alpha, or grey, of
            uint8; grey also of uint16 or bool.

    Returns:
        Image: mode RGB.

    Raises:
        ValueError: if it is no picture; says what it is, and what to do about it.
    """
    try:
        if isinstance(image, Image.Image):
            return _to_rgb(_upright(image))
        array = np.asarray(image)
    except _Refused as error:
        raise ValueError(f"image: {error}") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"image: got {type(image).__name__}, which is not an array: {error}") from error
    channels = array.shape[2] if array.ndim == 3 else 1
    known = array.dtype == np.uint8 or (array.ndim == 2 and array.dtype in (np.uint16, np.bool_))
    if not known or array.ndim not in (2, 3) or channels not in range(1, 5) or 0 in array.shape:
        takes = "takes uint8 [H, W, 3], RGB; also [H, W, 4] with alpha, or [H, W] grey"
        raise ValueError(f"image: got {array.dtype} {list(array.shape)}, {takes}{what_to_do(array)}")
    return _to_rgb(Image.fromarray(array[..., 0] if array.ndim == 3 and channels == 1 else array))


def what_to_do(image: npt.NDArray[np.generic]) -> str:
    """How to make a usual kind of array one that is taken; "" if there is no telling."""
    if image.ndim == 3 and image.shape[0] in (1, 3, 4) and image.shape[2] not in (1, 3, 4):
        return "; its channels come first: np.moveaxis(image, 0, -1) puts them last"
    if image.dtype.kind == "f":
        return "; if white is 1: (image * 255).round().astype(np.uint8)"
    return ""


def _decode(data: bytes) -> Image.Image:
    Image.init()
    formats = [*FORMATS, *(name for name in PLUGIN_FORMATS if name in Image.OPEN)]
    with Image.open(io.BytesIO(data), formats=formats) as image:
        width, height = image.size  # from the header: nothing is decoded yet
        if not 0 < width * height <= MAX_PIXELS:
            raise _Refused(f"a picture of {width}×{height} pixels, takes 1 to {MAX_PIXELS:,} in all")
        _scale_transparent_value(image)
        return _to_rgb(_upright(image))


def _pixel_limit() -> int:
    """Ours, or that of Pillow if somebody has set it lower."""
    return min(MAX_PIXELS, Image.MAX_IMAGE_PIXELS or MAX_PIXELS)


def _read_bytes(path: Path) -> bytes:
    try:
        path = _at_home(path)
        if not path.exists():
            raise FileNotFoundError(f"{printable(str(path))}: no such file")
        if not path.is_file():
            raise ValueError(f"{printable(str(path))}: is a folder or a device, takes a picture file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{printable(str(path))}: cannot be opened: {error.strerror}") from error
    if not 0 < len(data) <= MAX_FILE_BYTES:
        size = "is empty" if not data else f"is larger than {MAX_FILE_BYTES // 2**20} MiB"
        raise ValueError(f"{printable(str(path))}: {size}")
    return data


def _at_home(path: Path) -> Path:
    """Put the user's home in place of "~", unless a file has that very name; refuse what is no file at all."""
    if os.path.exists(path):  # Path.exists would raise for a name that no system opens
        return path
    if ADDRESS.match(str(path)):
        raise ValueError(f"{printable(str(path)[:60])}: is an address, takes a file: download it first")
    try:
        return path.expanduser()
    except RuntimeError:  # nobody has that name
        return path


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


def _scale_transparent_value(image: ImageFile.ImageFile) -> None:
    """Bring a PNG's transparent value to the 8 bits that its samples are decoded to: Pillow leaves it as it stands."""
    value = image.info.get("transparency")
    samples = image.tile[0][3] if image.tile else None
    if image.format != "PNG" or value is None:
        return
    if image.mode == "L" and samples in GREY_LEVELS:
        levels = GREY_LEVELS[samples]
        image.info["transparency"] = (value & levels) * 255 // levels
    elif samples == "RGB;16B":  # two colours that differ in the lower bytes only are one by then
        image.info["transparency"] = tuple(one >> 8 for one in value)


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB: 16 bits to 8, transparent on white."""
    if image.mode == "I" or image.mode.startswith("I;16"):  # convert() would clip these at 255
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise _Refused(f"32-bit values {grey.min()} to {grey.max()}, takes 0 to 65535")
        transparent = grey == image.info.get("transparency", -1)
        return Image.fromarray(np.where(transparent, 255, (grey + 128) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise _Refused("floating-point values, whose white is anybody's guess; save it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")
