"""The bundled recording: complete, small, and of a run that learnt."""

from __future__ import annotations

import pytest
import torch

from rpnviz._files.data import data_folder
from rpnviz.pictures import Picture
from rpnviz.train.recording import Replay


@pytest.fixture(scope="module")
def run() -> Replay:
    return Replay.load("mini")


def test_the_recording_is_complete(run: Replay) -> None:
    moments, pictures = len(run.steps), len(run.picture_names)
    assert run.picture_names == Picture.bundled()
    assert run.steps[0] == 0 and (run.steps.diff() > 0).all()
    assert run.loss_steps.tolist() == list(range(1, int(run.steps[-1]) + 1))
    assert len(run.loss_objectness) == len(run.loss_rpn_box_reg) == len(run.loss_steps)
    assert run.objectness.shape == (moments, pictures, 40, 60) and run.objectness.dtype == torch.uint8
    assert run.proposals.shape == (moments, pictures, 50, 4) and run.scores.shape == (moments, pictures, 50)
    assert run.recall.shape == (moments, len(run.top_ns)) and run.held_out == 84
    floats = (run.proposals, run.scores, run.recall, run.loss_objectness, run.loss_rpn_box_reg)
    assert {values.dtype for values in floats} == {torch.float32}


def test_its_numbers_are_possible(run: Replay) -> None:
    assert (run.recall.diff(dim=1) >= 0).all()  # more proposals never find less
    assert ((run.recall >= 0) & (run.recall <= 1)).all()
    boxes = run.proposals[~run.proposals.isnan().any(dim=-1)]
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2] <= 1000).all() and (boxes[:, 3] <= 600).all()
    best_first = run.scores.nan_to_num(0)
    assert (best_first.diff(dim=-1) <= 0).all()


def test_the_network_learnt(run: Replay) -> None:
    losses = run.loss_objectness + run.loss_rpn_box_reg
    assert losses[-100:].mean() < 0.5 * losses[:20].mean()
    assert run.recall[-1, -1] > 0.95 > 2 * run.recall[0, 0]


def test_the_file_is_small() -> None:
    assert (data_folder() / "replay" / "mini.safetensors").stat().st_size < 5_000_000


def test_an_unknown_run_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"name must be a bundled run \(mini\); got 'vgg16'"):
        Replay.load("vgg16")
