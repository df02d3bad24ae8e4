"""Workers that are forked: each as if it had been started for itself, and nothing is left of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rpnviz.exercises.sandbox import starting
from rpnviz.exercises.sandbox.process import EndedError, Worker
from tests.exercises.sandbox.test_process import is_alive, is_gone, run

pytestmark = pytest.mark.skipif(not starting.CAN_FORK, reason="elsewhere nothing is forked")


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker(seconds=2)
    yield one
    one.stop()


@pytest.mark.parametrize("name", ["starts", "leaves"])
def test_what_a_function_has_started_ends_with_a_worker_that_ended_itself(worker: Worker, name: str) -> None:
    pid = run(worker, name)
    assert isinstance(pid, int) and is_alive(pid)
    with pytest.raises(EndedError):
        run(worker, "ends")
    assert is_gone(pid)


def test_it_is_forked_from_one_thread_that_also_ends_with_the_notebook() -> None:
    code = "from tests.exercises.sandbox import test_process as t; from rpnviz.exercises.sandbox import starting\n"
    code += "t.run(w := t.Worker(), 'same'); print(starting._nursery._process.pid, flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    nursery = int(parent.stdout.readline())
    assert len(list(Path(f"/proc/{nursery}/task").iterdir())) == 1
    parent.kill()
    parent.communicate()
    assert is_gone(nursery)


def test_each_draws_its_own_numbers() -> None:
    workers = [Worker(), Worker()]
    one, two = (run(worker, "draws") for worker in workers)
    assert isinstance(one, list) and isinstance(two, list)
    assert one[0] != two[0] and one[1] != two[1]
    for worker in workers:
        worker.stop()


def test_a_nursery_that_ended_is_started_again(worker: Worker) -> None:
    run(worker, "same")
    worker.stop()
    nursery = starting._nursery._process
    assert nursery is not None
    nursery.kill()
    nursery.wait()
    run(worker, "same")
    assert starting._nursery._process is not nursery


def test_a_worker_whose_function_has_killed_the_keeper_is_ended_too(worker: Worker) -> None:
    run(worker, "same")
    pid = worker.pid
    assert pid is not None
    keeper = psutil.Process(pid).parent()
    assert keeper is not None and keeper.pid != os.getpid()
    keeper.kill()
    worker.stop()
    assert is_gone(pid)
