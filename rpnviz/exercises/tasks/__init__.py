"""The exercises of the series, in its order."""

from __future__ import annotations

from rpnviz.exercises.exercise import Exercise
from rpnviz.exercises.tasks.iou import BOX_IOU
from rpnviz.exercises.tasks.nms import NMS

EXERCISES: dict[str, Exercise] = {exercise.name: exercise for exercise in (BOX_IOU, NMS)}
