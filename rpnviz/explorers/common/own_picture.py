"""A picture of the reader's own, opened in the view: it arrives here to the pixel, and code cells go on with it.

Where there is a kernel, Python looks at it, with whatever network an explorer has; a page without one looks at it by
itself (own_picture.js).
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import numpy as np
import torch
import traitlets as t
from torch import Tensor

from rpnviz._files.images import MAX_PIXELS
from rpnviz.backbone import Backbone
from rpnviz.explorers.common.rules import LONGEST_NAME, is_text
from rpnviz.grid import Grid
from rpnviz.pictures import FIT_SIZE, Picture, fitted_place
from rpnviz.rpn import RPNHead, flatten_head

OWN_PICTURE = ("own_picture", "own_pixels")
GRIDS = ("paper", "floor", "ceil")
NUM_VALUES = FIT_SIZE[0] * FIT_SIZE[1] * 3


def _as_bytes(value: Any) -> Any:
    """What the page sends arrives as a view of memory; what is none is left for the trait to refuse."""
    return bytes(value) if isinstance(value, (memoryview, bytearray)) else value


class TakesOwnPictures(t.HasTraits):
    """The picture that an explorer was made with, or in its place the one that a reader has opened in its view.

    Whoever inherits says in `answer` what the page is shown of it.
    """

    asks: ClassVar[tuple[str, ...]] = ("own_picture",)
    unmoved: ClassVar[tuple[str, ...]] = OWN_PICTURE
    own_picture = t.Dict(
        help="name, file_size (H, W) and number of the picture opened in the view; empty: none is"
    ).tag(sync=True)
    own_pixels = t.Bytes(help="uint8 [600, 1000, 3]: it, fitted as `Picture.open` does").tag(
        sync=True, echo_update=False, from_json=lambda pixels, _: _as_bytes(pixels)
    )
    _own: tuple[bytes, Picture] | None = None
    _before: t.Dict[str, Any] = t.Dict(help="what traits were before a picture of the reader's own moved them")

    def show_picture(self, picture: Picture) -> None:
        """Show a picture that code has handed over."""
        self._made_with = picture

    @property
    def picture_shown(self) -> Picture:
        """The picture in the view: the reader's own if one was opened there."""
        return self.opened_picture if self.own_picture else self._made_with

    @property
    def opened_picture(self) -> Picture:
        """The one that was opened in the view, without objects; the same as long as it is shown."""
        if self._own is None or self._own[0] is not self.own_pixels:
            image = np.frombuffer(self.own_pixels, np.uint8).reshape(*FIT_SIZE, 3)
            scale, offset, _ = fitted_place(tuple(self.own_picture["file_size"]))
            self._own = self.own_pixels, Picture(image, torch.zeros(0, 4), [], self.own_picture["name"], scale, offset)
        return self._own[1]

    def laid(self, grid: Grid) -> Grid:
        """That grid on the picture that an explorer was made with; on one of the reader's own its preset."""
        if not self.own_picture:
            return grid
        return Grid.named(grid.name if grid.name in GRIDS else "paper", FIT_SIZE)

    def brings(self, **values: Any) -> dict[str, Any]:
        """Traits that another picture moves, for `answer`; to be asked last of all in it.

        Args:
            **values: what they are on the picture that is about to be shown.

        Returns:
            These; or, when a picture of the reader's own goes, what they were before it came.
        """
        if not self.own_picture:
            return {name: self._before.pop(name, value) for name, value in values.items()}
        for name in values:
            self._before.setdefault(name, getattr(self, name))
        return values

    @property
    def photo_frame(self) -> list[float]:
        """[x1, y1, x2, y2]: where the picture lies in what is shown; beside a fitted one there is padding."""
        if not self.own_picture:
            height, width = self._made_with.image_size
            return [0, 0, width, height]
        _, (top, left), (height, width) = fitted_place(tuple(self.own_picture["file_size"]))
        return [left, top, left + width, top + height]

    @t.validate("own_picture")
    def _check_own_picture(self, proposal: Any) -> dict[str, Any]:
        value: dict[str, Any] = proposal["value"]
        if not value:
            return {}
        takes = f"takes a name of up to {LONGEST_NAME} letters, file_size and number"
        if set(value) != {"name", "file_size", "number"} or not is_text(value["name"], LONGEST_NAME):
            raise t.TraitError(f"own_picture: {takes}")
        sides = value["file_size"]
        if not isinstance(sides, list) or len(sides) != 2 or not all(type(one) is int and one > 0 for one in sides):
            raise t.TraitError(f"own_picture: got file_size {sides!r}, takes [height, width]")
        if sides[0] * sides[1] > MAX_PIXELS:
            raise t.TraitError(f"own_picture: got file_size {sides!r}, takes up to {MAX_PIXELS:,} pixels")
        if len(self.own_pixels) != NUM_VALUES:
            raise t.TraitError(f"own_pixels: got {len(self.own_pixels):,} bytes, takes {NUM_VALUES:,}")
        return value

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page sets; of a picture that cannot be shown neither pixels nor objects stay."""
        together = {"own_picture", "own_pixels", "objects"} & set(sync_data)
        before = {name: getattr(self, name) for name in together} if "own_picture" in together else {}
        try:
            super().set_state(sync_data)  # type: ignore[misc]
        except Exception:
            with self.hold_trait_notifications():
                for name, value in before.items():
                    setattr(self, name, value)
            raise
        if "objects" in before and self.own_picture and not before["own_picture"]:
            self._before["objects"] = before["objects"]

    def saved_state(self) -> dict[str, Any]:
        """A saved page opens with the picture shown, as if the explorer had been made with it."""
        state: dict[str, Any] = super().saved_state()  # type: ignore[misc]
        state |= {"own_picture": {}, "own_pixels": b""}
        return {**state, "answered": {name: state[name] for name in self.asks}}


class ShowsOnePicture(TakesOwnPictures):
    """One picture only, where none is chosen by its name."""

    @property
    def picture(self) -> Picture:
        """The picture in the view, with the objects that are drawn there, if any can be."""
        return self.picture_shown


def saved_by_name(state: dict[str, Any], name: str) -> dict[str, Any]:
    """The state of a page that chooses pictures by their names: it opens with this one, as with any other."""
    pictures = state["pictures"] if name in state["pictures"] else [name, *state["pictures"]]
    return {**state, "picture": name, "answered": {**state["answered"], "picture": name}, "pictures": pictures}


@cache
def _network() -> tuple[Backbone, RPNHead]:
    return Backbone.load("mini"), RPNHead.load("mini")


@torch.no_grad()
def look(picture: Picture, grid: Grid) -> tuple[Tensor, Tensor, Tensor]:
    """What the bundled network says of a picture.

    Args:
        picture: the picture.
        grid: how the feature map lies on it.

    Returns:
        features (Tensor[1, 512, h, w]), objectness (Tensor[N]), pred_bbox_deltas (Tensor[N, 4]).
    """
    backbone, head = _network()
    features = backbone.features(picture, grid)
    return features, *flatten_head(*head(features))
