"""What readers of folders share: which files there are, none of them outside; how much is read; sizes of pictures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from rpnviz._files.images import FORMATS
from rpnviz._files.tables import one_line
from rpnviz.fit.annotations import Notes

MOST_BYTES = 2**20  # of one file of annotations
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm")
TURNED = {5, 6, 7, 8}  # EXIF orientations that swap height and width
ORIENTATION = 0x0112
WITH_EXIF = ("JPEG", "MPO", "TIFF", "WEBP")


def files_of(folder: Path, suffix: str, notes: Notes | None = None) -> Iterator[Path]:
    """The files of a folder and those below it, sorted; links that lead out of it are noted and left out."""
    for path in sorted(folder.rglob(f"*{suffix}")):
        if not stays_in(folder, path) or (path.is_symlink() and not path.exists()):
            if notes:
                notes.add("link", [str(path.relative_to(folder))], 1)
        elif path.is_file():
            yield path


def stays_in(folder: Path, path: Path) -> bool:
    """Whether a path lies in a folder, also where links lead; one that leads to itself does not."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links; a name with a NUL in it
        return False


def read_small(path: Path) -> bytes:
    """Return the content of a file of annotations.

    Raises:
        ValueError: if it is larger than MOST_BYTES.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES // 2**20} MiB")
    return content


def picture_size(path: Path) -> tuple[int, int]:
    """(H, W) of a picture as a viewer shows it, read from its head alone.

    Raises:
        ValueError: if it is no picture, or claims to have too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on broken metadata
            with Image.open(path, formats=FORMATS) as picture:
                width, height = picture.size
                # Of a PNG Pillow reads it all to look for this, and hardly any has it.
                turned = picture.format in WITH_EXIF and picture.getexif().get(ORIENTATION) in TURNED
    except UnidentifiedImageError as error:  # whose text has the whole path
        raise ValueError(f"{path.name}: not a picture that can be read") from error
    except Exception as error:  # a broken file can make Pillow raise almost anything
        raise ValueError(f"{path.name}: not a picture that can be read: {one_line(error)}") from error
    return (width, height) if turned else (height, width)


def find_picture(folder: Path, stem: str) -> Path | None:
    """The picture file of this stem in a folder, None if there is none or it leads out of the folder."""
    for suffix in SUFFIXES:
        for path in (folder / f"{stem}{suffix}", folder / f"{stem}{suffix.upper()}"):
            if path.is_file() and stays_in(folder, path):
                return path
    return None
