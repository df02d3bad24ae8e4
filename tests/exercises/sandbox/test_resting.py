"""Workers that nobody uses end, and what they are forked from; whoever comes next finds one that works."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from torch import Tensor

from rpnviz.exercises.checking import check_source
from rpnviz.exercises.sandbox import resting, starting
from rpnviz.exercises.sandbox.process import Worker
from tests.exercises.sandbox.test_process import is_gone, run

NEVER, AT_ONCE = 3600.0, 0.0
IOU = "from torchvision.ops import box_iou\ndef my_box_iou(boxes1, boxes2):\n    return box_iou(boxes1, boxes2)"


@pytest.fixture
def rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[resting._Rest]:
    """Rest that comes when the test looks, and to the test's workers only."""
    monkeypatch.setattr(resting, "SECONDS", AT_ONCE)
    if resting._rest._timer is not None:  # earlier checks in this process
        resting._rest._timer.cancel()
        resting._rest.look()
    one = resting._Rest()
    monkeypatch.setattr(resting, "SECONDS", NEVER)
    monkeypatch.setattr(resting, "using", one.using)
    yield one
    if one._timer is not None:
        one._timer.cancel()


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker(seconds=60)
    yield one
    one.stop()


def nursery() -> int | None:
    return starting._nursery._process.pid if starting._nursery._process else None


def ended(rest: resting._Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "SECONDS", AT_ONCE)
    rest.look()


def test_idle_worker_and_nursery_end_and_leave_nothing(
    rest: resting._Rest, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rest.using(worker):
        run(worker, "same")
        folder = bytes(run(worker, "writes").tolist()).decode()  # type: ignore[attr-defined]
    pid, parent = worker.pid, nursery()
    assert pid is not None and os.path.exists(f"{folder}/left.txt")
    rest.look()  # too early
    assert worker.pid == pid
    ended(rest, monkeypatch)
    assert worker.pid is None and is_gone(pid) and not os.path.exists(folder)
    assert parent is None or is_gone(parent)
    with rest.using(worker):
        assert isinstance(run(worker, "same"), Tensor)


def test_nobody_ends_while_one_is_used(rest: resting._Rest, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Worker()
    with rest.using(worker):
        run(worker, "same")
        pid = worker.pid
        with rest.using(other):
            run(other, "same")
        ended(rest, monkeypatch)
        assert run(worker, "same") is not None and worker.pid == pid
    ended(rest, monkeypatch)
    assert worker.pid is None and other.pid is None


def test_worker_of_somebody_else_is_forked_all_the_same(
    rest: resting._Rest, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has been asked for, and what forks it may still be importing PyTorch."""
    with rest.using(worker):
        run(worker, "same")
    worker.stop()
    starting.rest()  # so that the next one is forked late
    other = Worker()
    other.start()
    ended(rest, monkeypatch)
    assert isinstance(run(other, "same"), Tensor)
    other.stop()


def test_use_that_begins_while_all_end_waits_and_works(
    rest: resting._Rest, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ending is held up in its middle, until somebody has come."""
    with rest.using(worker):
        run(worker, "same")
    comes, end = threading.Event(), starting.rest
    found: list[object] = []

    def use() -> None:
        comes.set()
        with rest.using(worker):
            found.append(run(worker, "same"))

    user = threading.Thread(target=use)

    def end_late() -> None:
        user.start()
        comes.wait()
        user.join(0.3)  # would it not wait, it would be using the nursery by now
        assert user.is_alive() and not found
        end()

    monkeypatch.setattr(starting, "rest", end_late)
    ended(rest, monkeypatch)
    user.join()
    assert isinstance(found[0], Tensor)


def test_check_at_the_end_of_its_worker_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check is followed by an end as fast as the timer fires, and by the next check as fast as it comes."""
    monkeypatch.setattr(resting, "SECONDS", AT_ONCE)
    for _ in range(4):
        assert check_source(IOU, "my_box_iou").verdict == "pass"
    assert (parent := nursery()) is None or is_gone(parent)
