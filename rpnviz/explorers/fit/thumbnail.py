"""A small picture of one object of somebody's data set, for whoever points at its dot."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw

from rpnviz._files.images import read_rgb
from rpnviz.figures.palette import PALETTE
from rpnviz.fit.folders import stays_in

LONGEST_SIDE = 320  # px


def find_inside(folder: Path, name: str) -> Path:
    """The file that annotations name, if it lies inside the folder of pictures.

    Args:
        folder: of pictures.
        name: as the annotations have it: anybody's text.

    Raises:
        ValueError: if it leads out of the folder, also by a link, or to itself, or is no name of a file.
        FileNotFoundError: if there is no such file.
    """
    path = folder / name
    if not stays_in(folder, path):
        raise ValueError(f"{name!r}: leads out of the folder of pictures, or nowhere, and is not opened")
    if not path.is_file():
        raise FileNotFoundError(f"{name!r}: no such file in the folder of pictures")
    return path


def draw_thumbnail(folder: Path, name: str, box: tuple[float, ...], size: tuple[int, int]) -> bytes:
    """Draw the object's box on its picture, made small.

    Args:
        folder: of pictures.
        name: of the file, as the annotations have it.
        box: xyxy, px of the picture.
        size: (H, W) of the picture, as the annotations have it.

    Returns:
        A WebP file, at most LONGEST_SIDE px on its longer side.

    Raises:
        ValueError, FileNotFoundError: as `find_inside`; if it is no picture, or has another size than the annotations
            say, so that the box would stand elsewhere. No sentence holds the path of the folder.
    """
    path = find_inside(folder, name)
    try:
        image = read_rgb(path)
    except (OSError, ValueError) as error:
        raise ValueError(str(error).replace(str(path), repr(name))) from error
    if image.size != size[::-1]:
        (width, height), said = image.size, f"{size[1]}×{size[0]}"
        raise ValueError(
            f"{name!r}: has {width}×{height} px, the annotations say {said}: the box would stand elsewhere"
        )
    factor = min(LONGEST_SIDE / max(image.size), 1)
    small = image.resize((max(round(image.width * factor), 1), max(round(image.height * factor), 1)))
    _draw_box(small, tuple(edge * factor for edge in box))
    small.save(buffer := io.BytesIO(), "WEBP", quality=80)
    return buffer.getvalue()


def _draw_box(image: Image.Image, box: tuple[float, ...]) -> None:
    """A line in its dark casing, so that it shows on any picture."""
    pen = ImageDraw.Draw(image)
    x1, y1, x2, y2 = (round(edge) for edge in box)
    pen.rectangle((x1 - 2, y1 - 2, x2 + 2, y2 + 2), outline=PALETTE["casing"], width=4)
    pen.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=PALETTE["window"], width=2)
