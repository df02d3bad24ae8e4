"""Train a head in the notebook and watch it; start, stop and resume at any step (notebook 07).

The steps are taken in a thread of their own, so that the kernel stays free: other cells run, other explorers answer,
and "stop" is heard. A cell that waits in `finish` holds up other cells, and still hears every explorer.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
import traitlets as t
from torch import Tensor

from rpnviz._inputs import take_whole
from rpnviz.backbone import Backbone
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.curves import TOP_NS
from rpnviz.explorers.common.hearing import hear_widgets
from rpnviz.explorers.common.payload import named_objects, picture_file, picture_plan
from rpnviz.explorers.live.pace import Pace, time_left
from rpnviz.explorers.live.runs import SMOOTH, Run, pack_outcome
from rpnviz.figures.primitives import Still
from rpnviz.figures.training import Chart, Scene, curve_looks, training_figure
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from rpnviz.train.variants import INTACT, VARIANTS

NOBODY = "nothing"
LOSS_WORDS = ("objectness loss", "box loss")
SAVE_EVERY = 25  # steps


class LiveExplorer(RpnvizWidget):
    """Train the head of a fixed backbone from random values, alone or with a variant beside it.

    Only one of a kernel takes steps at a time; starting another stops it: a cell that is run again leaves behind a
    training that no view shows any more.

    Args:
        backbone: stays as it is.
        pictures: what to train on.
        features: of each picture, from `train.head.features_and_mirrored`.
        watched: the picture that is shown.
        steps: length of a run, up to 10,000.
        seed: of first weights, pictures and minibatches; the same for the variants.
        checkpoint: where to write one every 25 steps and at each stop; None for a new temporary folder.

    Attributes:
        running (bool): set it to start, stop or resume.
        beside (str): the variant that is trained beside, a key of VARIANTS, or "nothing".
        top_n (int): how many proposals are drawn, 10 or 50.
        checkpoint (Path): what `HeadTraining.load` goes on from; written whole or not at all.

    Raises:
        ValueError: as `HeadTraining`.
    """

    unmoved = ("running", "beside")
    _started_last: ClassVar[LiveExplorer | None] = None
    view = "live/view.js"
    networks = ("backbone",)
    needs_python = "What a page trains stays in the page. Cells that go on with a head run in Python"
    sheets = ("common/training.css",)
    plan = t.Dict(read_only=True, help="sizes, objects, steps, variants").tag(sync=True)
    image = t.Bytes(read_only=True, help="the watched picture as a file").tag(sync=True)
    before = t.Dict(read_only=True, help="what the untrained head makes of it").tag(sync=True)
    runs: t.List[Any] = t.List(read_only=True, help="the runs shown: the intact one, and the one beside it").tag(
        sync=True
    )
    time_left = t.Unicode("", read_only=True, help="an estimate in words, or nothing").tag(sync=True)
    running = t.Bool(False, help="whether steps are being taken").tag(sync=True)
    beside = t.Enum([NOBODY, *list(VARIANTS)[1:]], NOBODY).tag(sync=True)
    top_n = t.Enum(TOP_NS, 10).tag(sync=True)
    show_map = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        backbone: Backbone,
        pictures: Sequence[Picture],
        features: Sequence[Tensor],
        watched: Picture,
        steps: int = 200,
        seed: int = 0,
        checkpoint: Path | None = None,
    ) -> None:
        """Set up the intact run; nothing is trained before `running` is set or `finish` called."""
        steps = take_whole(steps, "steps", 1, 10_000)
        looked_at = watched, backbone.features(watched, Grid.paper())
        self._settings = (backbone, pictures, features, looked_at, steps, seed)
        self._runs: dict[str, Run] = {INTACT: Run(INTACT, *self._settings)}
        self.checkpoint = checkpoint or Path(tempfile.mkdtemp(prefix="rpnviz-")) / "head.pt"
        self._failure: Exception | None = None
        self._awaited = False  # someone waits in `finish` and will hear of a failure
        self._pace = Pace()
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        super().__init__()
        changes = [{"name": name, "what": variant.what} for name, variant in VARIANTS.items()]
        objects = named_objects(watched)
        places = {**picture_plan(watched), "objects": objects, "feature_size": list(Grid.paper().feature_size)}
        self.set_trait(
            "plan", {**places, "steps": steps, "smooth": SMOOTH, "variants": changes, "lines": curve_looks()}
        )
        self.set_trait("image", picture_file(watched))
        self.set_trait("before", pack_outcome(self._runs[INTACT].first))
        self._publish()
        self.observe(self._on_beside, "beside")
        self.observe(self._on_running, "running")

    @property
    def head(self) -> RPNHead:
        """The head of the intact run as it is now."""
        return self._runs[INTACT].training.head

    @property
    def step(self) -> int:
        """How many steps the intact run has taken."""
        return self._runs[INTACT].step

    @property
    def losses(self) -> list[tuple[float, float]]:
        """Objectness loss and box loss of each step of the intact run so far."""
        return list(self._runs[INTACT].losses)

    def finish(self) -> None:
        """Start, or go on, until the last step is taken or someone stops; an interruption of the cell stops, too.

        The page's Stop is heard while the cell waits; `step` says how far it came.

        Raises:
            Exception: whatever went wrong in the training.
        """
        self._awaited = True
        try:
            self.running = True
            self.wait()
        finally:
            self._awaited = False
            self.running = False  # still true only if this cell was interrupted
        failure, self._failure = self._failure, None
        if failure:
            raise failure

    def wait(self) -> None:
        """Do nothing but hear the page until no steps are being taken; the last checkpoint is then written."""
        while (thread := self._thread) and thread.is_alive():
            thread.join(0.05)
            hear_widgets()

    def on_demand(self) -> dict[str, Any]:
        """What a page trains on, in which the bundled backbone is: files of pictures, with the same pixels as here."""
        _, pictures, _, (watched, _), _, seed = self._settings
        return {
            "training": {
                "seed": seed % 2**32,  # as PyTorch's generator takes it
                "watched": _sent(watched),
                "pictures": [_sent(picture) for picture in pictures],
            }
        }

    # ---- the thread ----------------------------------------------------------------------------------------------

    def _on_running(self, _: Any) -> None:
        with self._lock:
            if self.running and not (self._thread and self._thread.is_alive()):
                self._failure = None
                before, LiveExplorer._started_last = LiveExplorer._started_last, self
                if before and before is not self:
                    before.running = False
                self._thread = threading.Thread(target=self._work, name="rpnviz-training", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        """Take steps until all are taken, someone stops, or something goes wrong."""
        torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))  # of this thread: one core stays free for the page
        failure: Exception | None = None
        while True:
            try:
                with self.reporting("training"):
                    self._take_steps()
            except Exception as error:
                failure = self._failure = error
            with self._lock:  # nobody can resume between the question and the end of the thread
                if failure or not (self.running and self._next()):
                    self._thread, heard = None, self._awaited
                    if self.running:
                        self.running = False
                    break
        if failure and not heard:
            raise failure  # nobody waits for it in `finish`

    def _take_steps(self) -> None:
        self._pace.begin()
        while self.running and (run := self._next()):
            run.advance()
            if run.name == INTACT and run.step % SAVE_EVERY == 0:
                self._save()
            self._pace.step_of(run.name)
            self._publish()
        self._save()

    def _next(self) -> Run | None:
        """The run shown that is furthest behind; None if all steps are taken."""
        behind = max(self._shown(), key=lambda run: run.left)
        return behind if behind.left else None

    def _save(self) -> None:
        self._runs[INTACT].save(self.checkpoint)

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _shown(self) -> list[Run]:
        """The intact run, and the one beside it."""
        names = [INTACT] if self.beside == NOBODY else [INTACT, self.beside]
        with self._lock:
            for name in names:
                if name not in self._runs:
                    self._runs[name] = Run(name, *self._settings)
            return [self._runs[name] for name in names]

    def _on_beside(self, _: Any) -> None:
        with self.reporting("setting up"):
            self._publish()

    def _publish(self) -> None:
        with self._lock:
            shown = self._shown()
            seconds = self._pace.seconds({run.name: run.left for run in shown})
            self.set_trait("time_left", time_left(seconds) if seconds else "")
            self.set_trait("runs", [run.pack() for run in shown])

    # ---- for readers without a kernel ----------------------------------------------------------------------------

    def figure(self) -> Still:
        """Draw the training as it stands; alone, the intact run stands beside its own beginning."""
        runs = self._shown()
        intact, picture = runs[0], runs[0].watched[0]
        outcomes = [(f"{run.name}: after step {run.outcome.step}", run.outcome) for run in runs]
        if len(runs) == 1:
            outcomes = [("before training", intact.first), *outcomes]
        scenes = [Scene(title, one.objectness, one.proposals) for title, one in outcomes]
        charts = [
            Chart(words, [run.curve(k, line) for run, line in zip(runs, ("first", "second"), strict=False)], steps)
            for k, (words, steps) in enumerate((words, intact.training.steps) for words in LOSS_WORDS)
        ]
        title = "Live training: " + (
            "the untrained head, and what became of it." if len(runs) == 1 else "two heads, one seed."
        )
        return training_figure(picture.image, picture.gt_boxes, scenes, charts, self.top_n, title, self.describe())

    def describe(self) -> str:
        """Say how far the runs are and what they find."""
        said = []
        for run in self._shown():
            covered = run.outcome.covered[:, TOP_NS.index(self.top_n)]
            found = f"{int(covered.sum())} of {len(covered)} objects among the best {self.top_n} proposals"
            said.append(f"{run.name}: step {run.step} of {run.training.steps}, {found}")
        return f"Live training: {'; '.join(said)}."


def _sent(picture: Picture) -> dict[str, Any]:
    """A picture for a page that trains."""
    return {"file": picture.file(), "boxes": picture.gt_boxes.tolist()}
