"""The picture that an explorer is asked to show: whether it can, in words that name the argument."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from rpnviz.grid import CELL, Grid
from rpnviz.pictures import Picture

AnyPicture = str | Picture | npt.ArrayLike  # what `take_picture` takes
MAX_SIDE = 16_383  # px: a page gets its picture as WebP, which has no room for more


def take_picture(picture: Any) -> Picture:
    """Take a picture to compute all from.

    Args:
        picture: a `Picture`, the name of a bundled one, or an array or a PIL image, which `Picture.fit` fits into
            600×1000.

    Raises:
        ValueError: if it is none of these, or cannot be shown.
    """
    if isinstance(picture, str):
        picture = Picture.load(picture)
    elif hasattr(picture, "__array__") or hasattr(picture, "__array_interface__"):
        picture = Picture.fit(picture)
    return check_picture(picture)


def check_picture(picture: Any, grid: Grid | None = None, argument: str = "picture") -> Picture:
    """Return a picture that goes with what was computed of it, or refuse it.

    Args:
        picture: what was given.
        grid: what must lie on it, None if nothing must.
        argument: what the caller calls it.

    Raises:
        ValueError: if it is no `Picture`, too small for a cell or too large for a page, or not of the grid's size.
    """
    if not isinstance(picture, Picture):
        makers = "Picture.load(name), Picture.open(path) and Picture.fit(array) make one"
        raise ValueError(f"{argument}: got {type(picture).__name__}, takes a Picture; {makers}")
    height, width = picture.image_size
    got = f"{argument}: got {height:,}×{width:,} px (height × width)"
    if min(height, width) < CELL or max(height, width) > MAX_SIDE:
        takes = f"takes sides of {CELL} to {MAX_SIDE:,} px"
        raise ValueError(f"{got}, {takes}; Picture.fit(picture.image) makes it 600×1000")
    if grid and grid.image_size != picture.image_size:
        on = "×".join(f"{side:,}" for side in grid.image_size)
        raise ValueError(f"{got}, and the grid lies on {on}; Grid.{grid.name}(picture.image_size) lies on it")
    return picture
