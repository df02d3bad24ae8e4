"""Take all steps of a training with a progress bar, and go on where it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tqdm import tqdm

from rpnviz.train.steps import Steps


def finish(training: Steps[Any], checkpoint: Path, save_every: int = 500) -> None:
    """Take the steps that are left; goes on from the checkpoint if there is one."""
    if checkpoint.exists():
        training.load(checkpoint)
    smooth = 0.0
    bar = tqdm(training.run(), desc=checkpoint.stem, total=training.steps, initial=training.step, unit="step")
    for record in bar:
        loss = sum(value for name, value in record.items() if name != "step")
        smooth = loss if smooth == 0 else 0.98 * smooth + 0.02 * loss
        bar.set_postfix_str(f"loss {smooth:.3f}", refresh=False)
        if training.step % save_every == 0 or training.step == training.steps:
            training.save(checkpoint)
