"""The whole: read annotations, compare each object with the anchors, suggest others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rpnviz.fit.anchor_sets import AnchorSet, one_map
from rpnviz.fit.annotations import Annotations
from rpnviz.fit.coverage import Coverage, Resized, compare, resize
from rpnviz.fit.opening import open_annotations
from rpnviz.fit.resizing import RESIZINGS, Resizing
from rpnviz.fit.result import CoverageRow, FitResult, Sample, Suggestion
from rpnviz.fit.sampling import Reservoir, halves
from rpnviz.fit.suggest import Half, judge, suggest

SHOWN = 4_000  # objects in the picture
TRIED = 8_000  # objects of each half on which suggestions are found and judged
ENOUGH = 0.02  # a gain of coverage at 0.7 that is worth other anchors


def fit_anchors(
    path: str | os.PathLike[str],
    anchors: AnchorSet | None = None,
    images: str | os.PathLike[str] | None = None,
    resizing: str | None = None,
    seed: int = 0,
) -> FitResult:
    """Say whether anchors fit the objects of a data set.

    Args:
        path: a COCO JSON, a folder of Pascal VOC's XML or of YOLO's text files, or rpnviz's own JSON.
        anchors: the detector's; None: the paper's nine.
        images: where YOLO's pictures are, if not beside their text files.
        resizing: of RESIZINGS; None: as the detector does it.
        seed: of what is drawn: the halves, the sample, the first shapes of k-means.

    Returns:
        FitResult: with all that was read, also if some of it was no good; its findings say what.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ValueError: if it is in no format that is known, or a setting is none.
    """
    anchors = anchors or one_map()
    resizing = resizing or anchors.resizing
    if resizing not in RESIZINGS:
        raise ValueError(f"resizing: got {resizing!r}, takes one of {', '.join(RESIZINGS)}")
    annotations = open_annotations(Path(path), None if images is None else Path(images))
    seen = _go_through(annotations, anchors, RESIZINGS[resizing], seed)
    coverage, usual = seen.coverage, anchors.count(seen.coverage.usual_size)
    suggestions = suggest(*seen.halves, anchors, coverage.usual_size)
    present, _ = judge(seen.halves[1], anchors)
    return FitResult(
        source=Path(path).expanduser().resolve().name,
        format=annotations.format,
        anchors_name=anchors.name,
        resizing=resizing,
        num_pictures=annotations.num_pictures,
        num_objects=coverage.overall().objects,
        num_anchors=usual,
        class_names=tuple(annotations.class_names),
        findings=annotations.notes.findings(),
        overall=coverage.overall(),
        **coverage.groups(annotations.class_names),
        by_best_rule_alone=coverage.by_best_rule_alone,
        unreached=coverage.unreached,
        untouched=coverage.untouched,
        shapes=coverage.shapes(),
        sample=_sample(seen.shown, annotations),
        present_on_half=present,
        suggestions=suggestions,
        verdict=_verdict(coverage.overall(), present, usual, suggestions),
    )


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is kept of the objects that went by."""

    coverage: Coverage
    shown: Reservoir
    halves: tuple[Half, Half]


def _go_through(annotations: Annotations, anchors: AnchorSet, resizing: Resizing, seed: int) -> _Seen:
    """Compare all objects, batch by batch."""
    coverage, shown = Coverage(anchors), Reservoir(SHOWN, seed)
    tried = Reservoir(TRIED, seed), Reservoir(TRIED, seed + 1)
    for batch in annotations.batches():
        objects = resize(batch, resizing)
        compared = compare(objects, anchors)
        coverage.add(batch, objects, compared)
        best, shapes = (part.numpy() for part in compared.ious.max(dim=1))
        own = {"boxes": batch.boxes, "image_sizes": batch.image_sizes, "pictures": batch.pictures}
        found = {"classes": batch.classes, "ious": best, "shapes": shapes, "sizes": objects.sizes.numpy()}
        shown.add(**own, **found)
        second = halves(batch.pictures, seed)
        for one, chosen in zip(tried, (~second, second), strict=True):
            one.add(boxes=objects.boxes.numpy()[chosen], input_sizes=objects.input_sizes.numpy()[chosen])
    return _Seen(coverage, shown, (_half(tried[0]), _half(tried[1])))


def _half(kept: Reservoir) -> Half:
    if not len(kept):
        return Half(Resized(torch.zeros(0, 4).double(), torch.zeros(0, 2).long()))
    return Half(Resized(torch.from_numpy(kept["boxes"]), torch.from_numpy(kept["input_sizes"])))


def _sample(kept: Reservoir, annotations: Annotations) -> Sample:
    if not len(kept):
        whole, real = np.zeros(0, np.int64), np.zeros(0)
        return Sample(real.reshape(0, 2), real, whole, whole, real.reshape(0, 4), whole.reshape(0, 2), ())
    names = tuple(annotations.picture_name(int(number)) for number in kept["pictures"])
    return Sample(
        sizes=kept["sizes"],
        ious=kept["ious"],
        best_shapes=kept["shapes"],
        classes=kept["classes"],
        boxes=kept["boxes"],
        image_sizes=kept["image_sizes"],
        pictures=names,
    )


def _verdict(
    overall: CoverageRow, present: tuple[float, float], num_anchors: int, suggestions: Sequence[Suggestion]
) -> str:
    """Whether the present anchors will do; and if not, the suggestion with the best coverage that costs no more."""
    if not overall.objects:
        return "There is no object to fit anchors to."
    if not suggestions:
        return f"{overall.objects:,} objects are too few for suggestions that could be judged on others."
    affordable = [one for one in suggestions if one.anchors <= num_anchors] or [suggestions[0]]
    best = max(affordable, key=lambda one: one.covered[1])
    now = f"On the half of the pictures that judges, the present anchors cover {present[1]:.1%} of the objects at 0.7"
    if best.covered[1] - present[1] < ENOUGH:
        return f"{now}. They are good enough: no suggestion with as few anchors gains {ENOUGH:.0%}."
    cost = f"{best.anchors:,} anchors a picture{f' instead of {num_anchors:,}' if best.anchors != num_anchors else ''}"
    return f"{now}; {len(best.shapes)} shapes by {best.how} cover {best.covered[1]:.1%}, with {cost}."
