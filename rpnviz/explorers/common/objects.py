"""The objects of a picture, which a hand may move, draw and delete in the view."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
import traitlets as t

from rpnviz.explorers.common.own_picture import TakesOwnPictures
from rpnviz.explorers.common.rules import MOST_OBJECTS, Rule, obeys_rules, objects
from rpnviz.pictures import Picture


class HasObjects(TakesOwnPictures):
    """The picture that an explorer shows, with the objects as they stand in its view."""

    objects: t.List[dict[str, Any]] = t.List(
        t.Dict(), help="name and box, [x1, y1, x2, y2] in pixels of the picture, of each object"
    ).tag(sync=True)

    def show_picture(self, picture: Picture) -> None:
        """Show a picture that code has handed over, with its own objects."""
        super().show_picture(picture)
        self.objects = objects_of(picture)

    @property
    def picture_shown(self) -> Picture:
        """The picture in the view, with the objects that are drawn there."""
        boxes = torch.tensor([one["box"] for one in self.objects], dtype=torch.float32).reshape(-1, 4)
        return dataclasses.replace(
            super().picture_shown, gt_boxes=boxes, class_names=[one["name"] for one in self.objects]
        )

    def object_rules(self) -> dict[str, Rule]:
        """Say what may be drawn."""
        return {"objects": objects(self.photo_frame, max(MOST_OBJECTS, len(self._made_with.gt_boxes)))}

    @t.observe("own_picture")
    def _back_to_its_objects(self, _: Any) -> None:
        """The objects of a picture of the reader's own come with it; those that were there before come back."""
        if not self.own_picture:
            self.objects = self._before.pop("objects", objects_of(self._made_with))

    _check_objects = obeys_rules("objects", of="object_rules")


def objects_of(picture: Picture) -> list[dict[str, Any]]:
    """A picture's objects as the trait holds them."""
    boxes = picture.gt_boxes.tolist()
    return [{"name": name, "box": box} for name, box in zip(picture.class_names, boxes, strict=True)]
