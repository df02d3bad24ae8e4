"""The objects of a picture, which a hand may move, draw and delete in the view."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
import traitlets as t

from rpnviz.explorers.common.rules import MOST_OBJECTS, Rule, obeys_rules, objects
from rpnviz.pictures import Picture


class HasObjects(t.HasTraits):
    """The picture that an explorer was opened on, with the objects as they stand in its view."""

    objects: t.List[dict[str, Any]] = t.List(
        t.Dict(), help="name and box, [x1, y1, x2, y2] in pixels of the picture, of each object"
    ).tag(sync=True)

    def open_picture(self, picture: Picture) -> None:
        """Show a picture with its own objects."""
        self._opened = picture
        self.objects = objects_of(picture)

    @property
    def picture_shown(self) -> Picture:
        """The picture with the objects that are drawn in the view."""
        boxes = torch.tensor([one["box"] for one in self.objects], dtype=torch.float32).reshape(-1, 4)
        return dataclasses.replace(self._opened, gt_boxes=boxes, class_names=[one["name"] for one in self.objects])

    def object_rules(self) -> dict[str, Rule]:
        """Say what may be drawn."""
        height, width = self._opened.image_size
        return {"objects": objects([0, 0, width, height], max(MOST_OBJECTS, len(self._opened.gt_boxes)))}

    _check_objects = obeys_rules("objects")


def objects_of(picture: Picture) -> list[dict[str, Any]]:
    """A picture's objects as the trait holds them."""
    boxes = picture.gt_boxes.tolist()
    return [{"name": name, "box": box} for name, box in zip(picture.class_names, boxes, strict=True)]
