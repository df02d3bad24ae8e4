"""Step through a recorded training: losses, objectness map, best proposals and recall move together (notebook 07)."""

from __future__ import annotations

from typing import Any

import torch
import traitlets as t
from torch import Tensor

from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.curves import TOP_NS, smoothed
from rpnviz.explorers.common.payload import named_objects, picture_file, picture_plan
from rpnviz.explorers.common.recorded import Recorded
from rpnviz.explorers.common.rules import Rule, obeys_rules, one_of, whole
from rpnviz.figures.primitives import Still
from rpnviz.figures.training import Chart, Curve, Scene, curve_looks, training_figure
from rpnviz.inspect.recall import best_ious
from rpnviz.pictures import Picture
from rpnviz.train.recording import Replay

SMOOTH = 50  # steps in the running mean of the losses


class ReplayExplorer(RpnvizWidget):
    """A recorded run; one slider moves all of it, in the page alone.

    Args:
        replay: the run; None for the bundled one.
        picture: name of one of its pictures.

    Attributes:
        snapshot (int): which of the run's moments is shown; `step` is the number of steps taken by then.
        picture (str): name of the picture.
        top_n (int): how many proposals are drawn, 10 or 50.
        run (Replay): what was recorded.

    Raises:
        TraitError: if the run has no such picture.
    """

    asks = ("picture",)
    presented = "snapshot"
    view = "replay/view.js"
    sheets = ("common/training.css",)
    plan = t.Dict(read_only=True, help="steps of the snapshots, names, lines").tag(sync=True)
    curves = t.Dict(read_only=True, help="losses and recall over the steps, as bytes").tag(sync=True)
    scene = t.Dict(read_only=True, help="see `pack_scene`").tag(sync=True)
    picture = t.Unicode("street-03").tag(sync=True)
    snapshot = t.Int(0).tag(sync=True)
    top_n = t.Enum(TOP_NS, 50).tag(sync=True)

    def __init__(self, picture: str = "street-03", replay: Replay | None = None) -> None:
        """Open at the first snapshot, the untrained network."""
        self.run = replay or Replay.load("mini")
        super().__init__(picture=picture)
        self.set_trait(
            "plan",
            {
                "steps": self.run.steps.tolist(),
                "pictures": self.run.picture_names,
                "top_ns": self.run.top_ns.tolist(),
                "held_out": self.run.held_out,
                "feature_size": list(self.run.objectness.shape[-2:]),
                "lines": curve_looks(),
                "smooth": SMOOTH,
            },
        )
        self.set_trait("curves", self._pack_curves())
        self.start_answering()

    @property
    def step(self) -> int:
        """How many steps the network shown was trained."""
        return int(self.run.steps[self.snapshot])

    def go_to(self, step: int) -> None:
        """Show the recorded moment that is nearest to a step."""
        self.snapshot = int((self.run.steps - step).abs().argmin())

    _check = obeys_rules("snapshot")

    @t.validate("picture")
    def _check_picture(self, proposal: Any) -> str:
        value: str = proposal["value"]
        if value not in self.run.picture_names:
            raise t.TraitError(f"picture: got {value!r}, takes one of {', '.join(self.run.picture_names)}")
        return value

    # ---- what the page is given ----------------------------------------------------------------------------------

    def _losses(self) -> list[Tensor]:
        return [self.run.loss_objectness, self.run.loss_rpn_box_reg]

    def _pack_curves(self) -> dict[str, Any]:
        losses = [{"raw": _bytes(line), "mean": smoothed(line.numpy(), SMOOTH).tobytes()} for line in self._losses()]
        recall = [_bytes(line) for line in self.run.recall.T]
        return {"loss_steps": _bytes(self.run.loss_steps), "losses": losses, "recall": recall}

    def answer(self) -> dict[str, Any]:
        """Open the picture chosen, with what was recorded of it."""
        picture, number = Picture.load(self.picture), self.run.picture_names.index(self.picture)
        covered = covered_by_step(picture.gt_boxes, self.run.proposals[:, number])
        scene = pack_scene(picture, self.run, number, covered)
        self._picture, self._number, self._covered = picture, number, covered
        return {"scene": scene}

    # ---- for readers without a kernel ----------------------------------------------------------------------------

    def recorded(self) -> list[Recorded]:
        """Record every picture of the run."""
        return [Recorded({"picture": self.run.picture_names})]

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        return {"picture": one_of([self.picture]), "snapshot": whole(0, len(self.run.steps) - 1)}

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        run, now = self.run, (self.snapshot, self._number)
        scenes = [
            Scene(f"objectness map after step {self.step:,}", run.objectness[now], torch.zeros(0, 4)),
            Scene(f"best {self.top_n} proposals", None, present(run.proposals[now])),
        ]
        names = ("objectness loss", "box loss")
        losses = [
            Curve(name, line, run.loss_steps, smoothed(values.numpy(), SMOOTH), values)
            for name, line, values in zip(names, ("first", "second"), self._losses(), strict=True)
        ]
        recalls = [
            Curve(f"{n}", f"{n}", run.steps, values)
            for n, values in zip(run.top_ns.tolist(), run.recall.T, strict=True)
        ]
        charts = [
            Chart("loss", losses, int(run.steps[-1]), None, True, self.step),
            Chart("recall at IoU 0.5", recalls, int(run.steps[-1]), 1.0, True, self.step),
        ]
        title = f"A recorded training, step {self.step:,} of {int(run.steps[-1]):,}."
        boxes = self._picture.gt_boxes
        return training_figure(self._picture.image, boxes, scenes, charts, self.top_n, title, self.describe())

    def describe(self) -> str:
        """Say what the network finds at this step."""
        covered = self._covered[self.snapshot, TOP_NS.index(self.top_n)]
        recall = ", ".join(
            f"{value:.2f} with {n:,}"
            for n, value in zip(self.run.top_ns.tolist(), self.run.recall[self.snapshot].tolist(), strict=True)
        )
        return (
            f"Replay of a training, step {self.step:,} of {int(self.run.steps[-1]):,}, on {self.picture}: "
            f"{int(covered.sum())} of {len(covered)} objects among the best {self.top_n} proposals; "
            f"recall on {self.run.held_out} held-out scenes: {recall} proposals."
        )


def present(proposals: Tensor) -> Tensor:
    """Those of Tensor[50, 4] that are there: a picture with fewer is filled up with NaN."""
    return proposals[~proposals.isnan().any(dim=-1)]


def covered_by_step(gt_boxes: Tensor, proposals: Tensor) -> Tensor:
    """Which objects (of Tensor[M, 4]) the best 10 and 50 of Tensor[S, 50, 4] cover at IoU 0.5: bool [S, 2, M]."""
    return torch.stack(
        [torch.stack([best_ious(present(boxes), gt_boxes, n) >= 0.5 for n in TOP_NS]) for boxes in proposals]
    )


def pack_scene(picture: Picture, replay: Replay, number: int, covered: Tensor) -> dict[str, Any]:
    """What the page shows of one picture at every snapshot.

    Args:
        picture: the picture.
        replay: the run.
        number: of the picture in the run.
        covered (BoolTensor[S, 2, M]): from `covered_by_step`.
    """
    return {
        "picture": picture.name,
        "image": picture_file(picture),
        "places": {**picture_plan(picture), "objects": named_objects(picture)},
        "maps": _bytes(replay.objectness[:, number]),
        "proposals": _bytes(replay.proposals[:, number].float()),
        "covered": _bytes(covered.byte()),
    }


def _bytes(values: Tensor) -> bytes:
    """The numbers of a tensor, int64 as int32: JavaScript has no arrays of the former."""
    return (values.int() if values.dtype == torch.int64 else values).contiguous().numpy().tobytes()
