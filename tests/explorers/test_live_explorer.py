"""The live training of notebook 07, without a browser: it starts, stops, resumes, fails and is compared."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from rpnviz.anchors import cell_anchors
from rpnviz.explorers.common.curves import smoothed
from rpnviz.explorers.live.explorer import NOBODY, LiveExplorer
from rpnviz.explorers.live.pace import Pace
from rpnviz.explorers.live.runs import LOOK_EVERY, SMOOTH, Run
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from rpnviz.train.head import HeadTraining
from rpnviz.train.training import Rules
from rpnviz.train.variants import INTACT, VARIANTS
from tests.explorers.small_scene import HOSTILE, make_picture, payload

CHANNELS = 8  # the paper's 512 would only take longer


class SmallBackbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def features(self, picture: Picture, grid: Grid) -> Tensor:
        return torch.rand(1, CHANNELS, *grid.feature_size, generator=torch.Generator().manual_seed(1))


def make(steps: int = 12, **options: Any) -> LiveExplorer:
    pictures = [make_picture("one"), make_picture("two")]
    features = [torch.rand(2, CHANNELS, 40, 60, generator=torch.Generator().manual_seed(i)).half() for i in (2, 3)]
    watched = options.pop("watched", make_picture("watched"))
    backbone: Any = SmallBackbone()
    return LiveExplorer(backbone, pictures, features, watched, steps=steps, **options)


@pytest.fixture
def unheard() -> Iterator[list[Any]]:
    """What threads raised that nobody waited for."""
    raised: list[Any] = []
    hook, threading.excepthook = threading.excepthook, lambda args: raised.append(args.exc_value)
    yield raised
    threading.excepthook = hook


def stop_at(live: LiveExplorer, steps: Container[int]) -> Callable[[Any], None]:
    """An observer that stops the run at one of these steps."""

    def observer(_: Any) -> None:
        if live.step in steps:
            live.running = False

    return observer


def until(live: LiveExplorer, holds: Callable[[], bool]) -> None:
    """Wait, without a sleep, until something holds after a change of what is shown."""
    changed = threading.Event()
    live.observe(lambda _: changed.set(), "runs")
    while not holds():
        assert changed.wait(60), "nothing happened for a minute"
        changed.clear()


def weights(head: RPNHead) -> list[Tensor]:
    return [values.detach().clone() for values in head.parameters()]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_finish_takes_all_steps_and_says_how_it_went() -> None:
    live = make()
    untrained = weights(live.head)
    assert (live.step, live.losses, live.running) == (0, [], False)
    live.finish()
    assert (live.step, len(live.losses), live.running) == (12, 12, False)
    assert not same(untrained, weights(live.head))
    (shown,) = live.runs
    assert (shown["step"], shown["looked"]) == (12, 12)
    raw = [np.frombuffer(curve["raw"], np.float32).tolist() for curve in shown["curves"]]
    assert [tuple(pair) for pair in zip(*raw, strict=True)] == live.losses
    assert live.describe().startswith("Live training: all rules of ours: step 12 of 12, ")


class Minutes:
    """A clock that every look moves on by a minute: a step is looked at once, at its end."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 60
        return self.now


def test_it_says_how_long_it_takes_from_its_first_steps_and_each_run_counts() -> None:
    live = make()
    live._pace = Pace(Minutes())
    assert live.time_left == ""
    said: list[str] = []
    live.observe(lambda _: said.append(live.time_left), "runs")
    live.finish()
    assert said == [
        "",
        "",
        *(f"about {minutes} minutes left" for minutes in range(9, 1, -1)),
        "about a minute left",
        "",
    ]
    said.clear()
    live.beside = "one scale only"
    live.finish()
    assert said == [
        "",
        "",
        "",
        *(f"about {minutes} minutes left" for minutes in range(9, 1, -1)),
        "about a minute left",
        "",
    ]
    live.beside = NOBODY
    assert live.time_left == ""


def test_two_runs_side_by_side_take_the_time_of_both() -> None:
    live = make(steps=4)
    live._pace = Pace(Minutes())
    live.beside = "one scale only"
    said: list[str] = []
    live.observe(lambda _: said.append(live.time_left), "runs")
    live.finish()
    assert said == ["", "", "", "", "", "about 2 minutes left", "about a minute left", ""]  # three steps of each first


def test_stopped_it_still_knows_and_a_choice_that_was_not_measured_takes_the_promise_back() -> None:
    live = make()
    live._pace = Pace(Minutes())
    live.observe(stop_at(live, [5]), "runs")
    live.running = True
    live.wait()
    assert live.time_left == f"about {12 - live.step} minutes left"
    live.beside = "one scale only"
    assert live.time_left == ""
    live.beside = NOBODY
    assert live.time_left == f"about {12 - live.step} minutes left"


def test_the_kernel_stays_free_and_stop_is_heard() -> None:
    live = make(steps=5000)
    live.running = True  # returns at once: what follows runs beside the steps
    until(live, lambda: live.step >= 3)
    live.running = False
    live.wait()
    stopped_at = live.step
    assert 3 <= stopped_at < 5000
    assert len(live.losses) == stopped_at == live.runs[0]["step"]


def test_another_training_stops_the_one_before_it() -> None:
    """A cell that is run again leaves one behind, which would go on unseen and take half of the machine."""
    left, new = make(steps=5000), make()
    left.running = True
    until(left, lambda: left.step >= 1)
    new.finish()
    assert (new.step, left.running) == (12, False)
    left.wait()
    left.observe(stop_at(left, range(left.step + 1, 5000)), "runs")
    left.finish()
    assert 1 <= left.step < 5000


def test_stop_and_resume_give_what_one_go_gives() -> None:
    whole, halting = make(), make()
    whole.finish()
    for step in (2, 5, 9):
        halting.observe(stop_at(halting, range(step, 12)), "runs")
        halting.running = True
        halting.wait()
        halting.unobserve_all("runs")
        assert step <= halting.step < 12
    halting.finish()
    assert halting.losses == whole.losses
    assert same(weights(halting.head), weights(whole.head))


def test_a_hasty_hand_does_not_get_it_stuck() -> None:
    live = make()
    for _ in range(30):
        live.running = True
        live.running = False
    live.running = True
    live.wait()
    assert live.step == 12


def test_a_resume_that_comes_while_it_is_stopping_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    live = make()
    save = live._save
    resumed: list[int] = []

    def save_and_resume() -> None:
        save()
        if not live.running and not resumed:
            resumed.append(live.step)
            live.running = True

    def stop_once(_: Any) -> None:
        if live.step == 3 and not resumed:
            live.running = False

    monkeypatch.setattr(live, "_save", save_and_resume)
    live.observe(stop_once, "runs")
    live.running = True
    live.wait()
    assert (resumed, live.step) == ([3], 12)


def test_an_interrupted_cell_stops_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    live = make(steps=5000)

    def interrupted() -> None:
        until(live, lambda: live.step >= 2)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(live, "wait", interrupted)
        live.finish()
    live.wait()
    assert not live.running and 2 <= live.step < 5000


def test_a_checkpoint_is_written_at_each_stop_and_can_be_resumed(tmp_path: Path) -> None:
    live = make(checkpoint=tmp_path / "head.pt")
    live.finish()
    _, pictures, features, *_ = live._settings
    backbone: Any = SmallBackbone()
    again = HeadTraining(backbone, RPNHead(CHANNELS), pictures, 12, features=features)
    again.load(live.checkpoint)
    assert again.step == 12 and same(weights(again.head), weights(live.head))


def test_an_interrupted_save_leaves_the_checkpoint_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    live = make()
    live.observe(stop_at(live, [4]), "runs")
    live.running = True
    live.wait()
    stopped_at = torch.load(live.checkpoint, weights_only=True)["step"]
    assert stopped_at == live.step

    def half_way(state: Any, file: Any) -> None:
        file.write(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(torch, "save", half_way)
    with pytest.raises(OSError, match="the disk is full"):
        live.finish()
    assert live.error == "training: OSError: the disk is full"
    assert torch.load(live.checkpoint, weights_only=True)["step"] == stopped_at


def test_errors_are_shown_and_raised_where_somebody_waits(monkeypatch: pytest.MonkeyPatch, unheard: list[Any]) -> None:
    live = make()
    with monkeypatch.context() as patch:
        patch.setattr(HeadTraining, "losses", broken)
        with pytest.raises(RuntimeError, match="no memory"):
            live.finish()
    assert live.error == "training: RuntimeError: no memory"
    assert not live.running and unheard == []
    live.finish()  # what was wrong is gone
    assert (live.error, live.step) == ("", 12)


def test_errors_are_raised_also_where_nobody_waits(monkeypatch: pytest.MonkeyPatch, unheard: list[Any]) -> None:
    live = make()
    monkeypatch.setattr(HeadTraining, "losses", broken)
    live.running = True
    thread = live._thread
    if thread:
        thread.join()
    assert [str(error) for error in unheard] == ["no memory"]
    assert live.error == "training: RuntimeError: no memory" and not live.running


def broken(*_: Any) -> None:
    raise RuntimeError("no memory")


def test_a_variant_catches_up_and_leaves_the_intact_run_alone() -> None:
    alone, compared = make(), make()
    alone.finish()
    compared.beside = "256 drawn without balance"
    assert [run["step"] for run in compared.runs] == [0, 0]
    compared.finish()
    assert [run["step"] for run in compared.runs] == [12, 12]
    assert compared.losses == alone.losses
    alone.beside = "256 drawn without balance"  # only now, after the intact run
    alone.finish()
    assert alone.runs[1]["curves"] == compared.runs[1]["curves"]
    assert alone.runs[1]["curves"] != alone.runs[0]["curves"]
    alone.beside = NOBODY
    assert [run["name"] for run in alone.runs] == [INTACT]


@pytest.mark.parametrize(
    ("name", "rules", "kernel_size", "shapes"),
    [
        (INTACT, Rules(), 3, cell_anchors()),
        ("256 drawn without balance", Rules(balanced=False), 3, cell_anchors()),
        ("no best-per-gt rule", Rules(best_per_gt=False), 3, cell_anchors()),
        ("1×1 instead of 3×3", Rules(), 1, cell_anchors()),
        ("one scale only", Rules(), 3, cell_anchors()[1::3]),
        ("cross-boundary anchors dropped", Rules(drop_cross_boundary=True), 3, cell_anchors()),
    ],
)
def test_each_variant_changes_one_thing(name: str, rules: Rules, kernel_size: int, shapes: Tensor) -> None:
    run = Run(name, *make()._settings)
    assert run.training.rules == rules
    assert run.training.head.conv.kernel_size == (kernel_size, kernel_size)
    of_first_cell = run.training.anchors[: len(shapes)] - torch.tensor([25 / 3, 7.5, 25 / 3, 7.5])  # its centre
    torch.testing.assert_close(of_first_cell, shapes)
    assert len(run.training.anchors) == 2400 * len(shapes)
    assert len(VARIANTS) == 6


def test_the_watched_picture_is_looked_at_now_and_then() -> None:
    live = make(steps=LOOK_EVERY + 2)
    looked = []
    live.observe(lambda change: looked.append(change["new"][0]["looked"]), "runs")
    live.finish()
    assert sorted(set(looked)) == [0, LOOK_EVERY, LOOK_EVERY + 2]
    outcome = live._runs[INTACT].outcome
    features = live._settings[3][1]
    with torch.no_grad():
        scores = live.head(features)[0][0].sigmoid().amax(dim=0)
    assert torch.equal(outcome.objectness, (255 * scores).round().byte())
    assert live.runs[0]["map"] == outcome.objectness.numpy().tobytes()
    assert len(live.runs[0]["proposals"]) == 4 * outcome.proposals.numel() <= 4 * 4 * 50


def test_random_numbers_of_the_reader_are_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    make()
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("trait", "value"), [("beside", "no anchors"), ("beside", INTACT), ("top_n", 20)])
def test_traits_refuse(trait: str, value: Any) -> None:
    live = make()
    with pytest.raises(t.TraitError, match=trait):
        setattr(live, trait, value)


@pytest.mark.parametrize(("options", "message"), [({"steps": 0}, "steps"), ({"features": []}, "features must be of")])
def test_bad_arguments_are_named(options: dict[str, Any], message: str) -> None:
    backbone, pictures, features, (watched, _), steps, _ = make()._settings
    arguments = {"features": features, "steps": steps, **options}
    with pytest.raises(ValueError, match=message):
        LiveExplorer(backbone, pictures, watched=watched, **arguments)


def test_something_is_left_without_a_page() -> None:
    live = make(watched=make_picture(names=(HOSTILE, "dog", "dog")))
    live.beside = "one scale only"
    for _ in range(2):  # before and after
        bundle = live._repr_mimebundle_()[0]
        assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width > 900
        assert bundle["text/plain"] == live.describe() and "one scale only: step" in live.describe()
        live.finish()
    page = live.to_html()
    assert HOSTILE not in page and page.count("</script>") == 2
    assert payload(live) < 300_000


def test_still_has_both_runs_beside_each_other() -> None:
    live = make()
    assert [ax.get_title(loc="left") for ax in live.figure().axes[::2]] == [
        "before training",
        "all rules of ours: after step 0",
    ]
    live.beside = "no best-per-gt rule"
    live.finish()
    figure = live.figure()
    assert [ax.get_title(loc="left") for ax in figure.axes] == [
        "all rules of ours: after step 12",
        "objectness loss",
        "no best-per-gt rule: after step 12",
        "box loss",
    ]
    raw, mean = figure.axes[1].lines[:2]
    assert np.asarray(raw.get_ydata()).tolist() == pytest.approx([loss for loss, _ in live.losses])
    assert np.asarray(mean.get_ydata()).tolist() == pytest.approx(
        smoothed(np.array([loss for loss, _ in live.losses]), SMOOTH).tolist()
    )


def test_smoothed_by_hand() -> None:
    assert smoothed(np.array([1, 2, 3, 4], dtype=np.float32), 2).tolist() == [1, 1.5, 2.5, 3.5]
    assert smoothed(np.array([], dtype=np.float32), 20).tolist() == []


@given(st.lists(st.floats(0, 100, width=32), max_size=30), st.integers(1, 40))
def test_smoothed_is_the_mean_of_the_last(values: list[float], width: int) -> None:
    expected = [np.mean(values[max(0, i + 1 - width) : i + 1]) for i in range(len(values))]
    assert smoothed(np.array(values, dtype=np.float32), width).tolist() == pytest.approx(expected, abs=1e-3)
