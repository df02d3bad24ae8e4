"""The replay of notebook 07, without a browser: what it hands to the page is what was recorded."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rpnviz.explorers.common.curves import smoothed
from rpnviz.explorers.replay import explorer as replay_module
from rpnviz.explorers.replay.explorer import SMOOTH, ReplayExplorer, covered_by_step, present
from rpnviz.inspect.recall import best_ious
from rpnviz.pictures import Picture
from rpnviz.train.recording import Replay
from tests.explorers.small_scene import payload

STEPS = [0, 10, 100, 500]
NAMES = ["street-02", "street-03"]


def made_up() -> Replay:
    """Four moments of two pictures. At the last the objects come first, at the one before as proposals 21, 22 …"""
    generator = torch.Generator().manual_seed(0)
    far = torch.tensor([0.0, 0, 20, 20]).repeat(len(STEPS), len(NAMES), 50, 1)
    for number, name in enumerate(NAMES):
        gt_boxes = Picture.load(name).gt_boxes
        far[3, number, : len(gt_boxes)] = gt_boxes
        far[2, number, 20 : 20 + len(gt_boxes)] = gt_boxes
    far[0, :, 30:] = torch.nan  # fewer than 50
    return Replay(
        picture_names=NAMES,
        held_out=7,
        steps=torch.tensor(STEPS),
        loss_steps=torch.arange(1, 501),
        loss_objectness=torch.rand(500, generator=generator),
        loss_rpn_box_reg=torch.rand(500, generator=generator) / 10,
        objectness=torch.randint(256, (4, 2, 40, 60), generator=generator, dtype=torch.uint8),
        proposals=far,
        scores=torch.rand(4, 2, 50, generator=generator),
        top_ns=torch.tensor([10, 50, 100, 300, 1000]),
        recall=torch.linspace(0, 1, 20).view(4, 5),
    )


@pytest.fixture(scope="module")
def recorded() -> Replay:
    return made_up()


@pytest.fixture
def explorer(recorded: Replay) -> ReplayExplorer:
    return ReplayExplorer("street-03", recorded)


def test_opens_at_the_untrained_network(explorer: ReplayExplorer) -> None:
    assert (explorer.snapshot, explorer.step, explorer.picture, explorer.top_n) == (0, 0, "street-03", 50)
    assert explorer.describe() == (
        "Replay of a training, step 0 of 500, on street-03: 0 of 4 objects among the best 50 proposals; recall on 7 "
        "held-out scenes: 0.00 with 10, 0.05 with 50, 0.11 with 100, 0.16 with 300, 0.21 with 1,000 proposals."
    )


@pytest.mark.parametrize(
    ("step", "top_n", "found"), [(0, 50, 0), (10, 50, 0), (100, 10, 0), (100, 50, 4), (500, 10, 4), (500, 50, 4)]
)
def test_says_which_objects_are_found(explorer: ReplayExplorer, step: int, top_n: int, found: int) -> None:
    explorer.go_to(step)
    explorer.top_n = top_n
    assert explorer.step == step
    assert f"{found} of 4 objects among the best {top_n} proposals" in explorer.describe()
    sent = np.frombuffer(explorer.scene["covered"], np.uint8).reshape(4, 2, 4)
    assert sent[STEPS.index(step), [10, 50].index(top_n)].sum() == found


def test_page_gets_what_was_recorded(explorer: ReplayExplorer, recorded: Replay) -> None:
    for name in ("street-03", "street-02"):
        explorer.picture = name
        number = NAMES.index(name)
        assert explorer.scene["picture"] == name
        assert explorer.scene["maps"] == recorded.objectness[:, number].numpy().tobytes()
        sent = np.frombuffer(explorer.scene["proposals"], np.float32).reshape(4, 50, 4)
        np.testing.assert_array_equal(sent, recorded.proposals[:, number].numpy())
        assert len(explorer.scene["places"]["objects"]) == len(Picture.load(name).gt_boxes)
    assert explorer.plan["steps"] == STEPS and explorer.plan["held_out"] == 7
    curves = explorer.curves
    assert np.frombuffer(curves["loss_steps"], np.int32).tolist() == list(range(1, 501))
    for sent, values in zip(curves["losses"], (recorded.loss_objectness, recorded.loss_rpn_box_reg), strict=True):
        assert sent["raw"] == values.numpy().tobytes()
        assert sent["mean"] == smoothed(values.numpy(), SMOOTH).tobytes()
    for sent, values in zip(curves["recall"], recorded.recall.T, strict=True):
        assert np.frombuffer(sent, np.float32).tolist() == values.tolist()


def test_covered_is_what_best_ious_says(recorded: Replay) -> None:
    gt_boxes = Picture.load("street-03").gt_boxes
    covered = covered_by_step(gt_boxes, recorded.proposals[:, 1])
    assert covered.shape == (4, 2, 4)
    for step, boxes in enumerate(recorded.proposals[:, 1]):
        for k, top_n in enumerate((10, 50)):
            ious = best_ious(boxes[:top_n].nan_to_num(nan=0.0), gt_boxes, top_n)  # an empty box covers nothing
            assert torch.equal(covered[step, k], ious >= 0.5)


def test_missing_proposals_are_left_out(recorded: Replay) -> None:
    assert [len(present(boxes)) for boxes in recorded.proposals[:, 0]] == [30, 50, 50, 50]


@given(st.integers(-5, 900))
def test_go_to_takes_the_nearest_moment(step: int) -> None:
    explorer = OPENED[0]
    explorer.go_to(step)
    assert abs(explorer.step - step) == min(abs(recorded - step) for recorded in STEPS)


OPENED = [ReplayExplorer("street-02", made_up())]


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("snapshot", 4, "snapshot: got 4, takes 0 to 3"),
        ("snapshot", -1, "snapshot: got -1, takes 0 to 3"),
        ("picture", "street-01", "picture: got 'street-01', takes one of street-02, street-03"),
        ("top_n", 20, "top_n"),
    ],
)
def test_traits_refuse(explorer: ReplayExplorer, trait: str, value: Any, message: str) -> None:
    before = getattr(explorer, trait)
    with pytest.raises(t.TraitError, match=message):
        setattr(explorer, trait, value)
    assert getattr(explorer, trait) == before


def test_an_unknown_picture_is_refused_at_once(recorded: Replay) -> None:
    with pytest.raises(t.TraitError, match="takes one of street-02, street-03"):
        ReplayExplorer("street-99", recorded)


def test_errors_are_shown_and_raised_and_the_picture_stays(
    explorer: ReplayExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(replay_module, "pack_scene", broken)
    with pytest.raises(RuntimeError, match="no memory"):
        explorer.picture = "street-02"
    assert explorer.error == "could not change what is shown: RuntimeError: no memory"
    assert explorer.picture == explorer.scene["picture"] == "street-03"
    assert "of 4 objects" in explorer.describe()


def test_still_shows_the_step(explorer: ReplayExplorer, recorded: Replay) -> None:
    explorer.go_to(100)
    explorer.top_n = 10
    map_axes, loss, boxes, recall = explorer.figure().axes
    assert map_axes.get_title(loc="left") == "objectness map after step 100"
    np.testing.assert_array_equal(map_axes.images[1].get_array(), recorded.objectness[2, 1].numpy())
    assert len(map_axes.patches) == 4 and len(boxes.patches) == 4 + 10
    for chart in (loss, recall):
        assert chart.lines[-1].get_xdata() == [100, 100]
    assert [np.asarray(line.get_ydata())[2] for line in recall.lines[:-1]] == pytest.approx(recorded.recall[2].tolist())


def test_something_is_left_without_a_page(explorer: ReplayExplorer) -> None:
    bundle = explorer._repr_mimebundle_()[0]
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width > 900
    assert bundle["text/plain"] == explorer.describe()
    assert explorer.to_html().count("</script>") == 2


def test_the_bundled_run_opens_and_is_light() -> None:
    run = Replay.load("mini")
    for name in run.picture_names:
        explorer = ReplayExplorer(name, run)
        assert payload(explorer) < 700_000, name
        assert len(explorer.scene["maps"]) == len(run.steps) * 2400
