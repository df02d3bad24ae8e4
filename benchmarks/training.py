"""A step of the head's training: all windows or the sampled ones, in bfloat16 or float32, alone or on a busy machine.

Every way takes its steps in turns with the others, so that what else the machine does meets all alike.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest import mock

import torch
from torch import Tensor

from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead, flatten_head, rpn_losses
from rpnviz.train import precision
from rpnviz.train.head import HeadTraining, features_and_mirrored
from rpnviz.train.steps import mean_losses
from rpnviz.train.training import RPN_LOSSES, draw_minibatch

PICTURES = ("street-01", "street-04")
STEPS = 240  # of notebook 07


@dataclass
class Way:
    """One way to do the same: seconds with the machine for itself, and beside a process that never rests."""

    name: str
    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)


class AllWindows(HeadTraining):
    """All windows of the map go through the head, and of their answers 256 are read."""

    bfloat16 = False

    def losses(self, views: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """The two losses of a step, from the whole map."""
        features = torch.stack([features for features, _ in views]).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bfloat16):
            answers = self.head(features.bfloat16() if self.bfloat16 else features.float())
        objectness, deltas = (answer.float() for answer in answers)
        pairs = []
        for i, (_, gt_boxes) in enumerate(views):
            minibatch = draw_minibatch(self.anchors, gt_boxes, self.grid.image_size, self.rules, self.generator)
            pairs.append(rpn_losses(*flatten_head(objectness[i : i + 1], deltas[i : i + 1]), *minibatch))
        return mean_losses(RPN_LOSSES, pairs)


class AllWindowsBfloat16(AllWindows):
    """The same in numbers of half the length."""

    bfloat16 = True


def measure(samples: int = 7) -> tuple[list[Way], list[Way]]:
    """Time a step in three ways, and the features of a picture and its mirror image in two."""
    backbone, pictures = Backbone.load("mini"), [Picture.load(name) for name in PICTURES]
    features = [features_and_mirrored(backbone, picture, Grid.paper()) for picture in pictures]

    def steps_of(kind: type[HeadTraining]) -> Callable[[], object]:
        torch.manual_seed(0)
        head = RPNHead()
        if kind is not HeadTraining:
            head.to(memory_format=torch.channels_last)  # the layout in which these are fastest
        steps = kind(backbone, head, pictures, STEPS, features=features).run()
        return lambda: next(steps)

    def features_in(bfloat16: bool) -> Callable[[], object]:
        def extract() -> None:
            with mock.patch.object(precision, "bfloat16_is_faster", lambda _: bfloat16):
                features_and_mirrored(backbone, pictures[0], Grid.paper())

        return extract

    steps = {
        "all windows, bfloat16": steps_of(AllWindowsBfloat16),
        "all windows, float32": steps_of(AllWindows),
        "sampled windows, float32": steps_of(HeadTraining),
    }
    extractions = {"bfloat16": features_in(True), "float32": features_in(False)}
    return _in_turns(steps, samples), _in_turns(extractions, samples)


def _in_turns(calls: dict[str, Callable[[], object]], samples: int) -> list[Way]:
    ways = [Way(name) for name in calls]
    for call in calls.values():
        call()  # to warm up
    for _ in range(samples):
        for way, call in zip(ways, calls.values(), strict=True):
            way.alone.append(_seconds(call))
    with _busy_process():
        for _ in range(samples):
            for way, call in zip(ways, calls.values(), strict=True):
                way.beside.append(_seconds(call))
    return ways


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


@contextmanager
def _busy_process() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def rows(what: str, ways: list[Way]) -> str:
    """A table; the ratios are to the last way."""
    head = [what, "alone", "ratio", "beside a busy process", "ratio"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for way in ways:
        cells = [way.name]
        for seconds, reference in ((way.alone, ways[-1].alone), (way.beside, ways[-1].beside)):
            ratio = statistics.median(seconds) / statistics.median(reference)
            spread = f"{statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"
            cells += [spread, f"{ratio:.1f} ×"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(steps: list[Way]) -> str:
    """What a reader of notebook 07 waits for, and what `rpnviz.precision` found out about this machine."""
    alone, beside = (STEPS * statistics.median(seconds) for seconds in (steps[-1].alone, steps[-1].beside))
    which = "bfloat16" if precision.bfloat16_is_faster("cpu") else "float32"
    return (
        f"{STEPS} steps on sampled windows, at the median: {alone:.0f} s alone, {beside:.0f} s beside a busy process.\n"
        f"{len(steps[0].alone)} runs each, in turns, on {torch.get_num_threads()} threads; rpnviz takes {which} here."
    )
