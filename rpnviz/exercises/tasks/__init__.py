"""The exercises of the series, in its order."""

from __future__ import annotations

from rpnviz.exercises.exercise import Exercise
from rpnviz.exercises.tasks.align import ALIGN
from rpnviz.exercises.tasks.cell_anchors import CELL_ANCHORS
from rpnviz.exercises.tasks.deltas import DECODE, ENCODE
from rpnviz.exercises.tasks.grid_anchors import GRID_ANCHORS
from rpnviz.exercises.tasks.iou import BOX_IOU
from rpnviz.exercises.tasks.labels import LABELS
from rpnviz.exercises.tasks.losses import LOSSES
from rpnviz.exercises.tasks.minibatch import MINIBATCH
from rpnviz.exercises.tasks.nms import NMS
from rpnviz.exercises.tasks.port import PORT
from rpnviz.exercises.tasks.pyramid import PYRAMID
from rpnviz.exercises.tasks.recall import RECALL
from rpnviz.exercises.tasks.receptive_field import RECEPTIVE_FIELD
from rpnviz.exercises.tasks.size_iou import SIZE_IOU
from rpnviz.exercises.tasks.window import WINDOW

_SERIES = (
    *(RECEPTIVE_FIELD, WINDOW, CELL_ANCHORS, GRID_ANCHORS, BOX_IOU, LABELS),
    *(MINIBATCH, ENCODE, DECODE, LOSSES, RECALL, NMS, ALIGN, PYRAMID, PORT),
    SIZE_IOU,
)
EXERCISES: dict[str, Exercise] = {exercise.name: exercise for exercise in _SERIES}
