"""The worker process: it is stopped when it must be, comes back, and never outlives the notebook's process."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rpnviz.exercises.sandbox import process, starting
from rpnviz.exercises.sandbox.process import EndedError, NoAnswerError, Worker

SOURCE = """
import os, time, torch

def same(x): return x
def forever(x):
    while True: pass
def ends(x): os._exit(7)
def crashes(x):
    import ctypes
    ctypes.string_at(0)
def closes(x):
    os.closerange(3, 50)
def babbles(x):
    for descriptor in range(3, 50):
        try: os.write(descriptor, b"no frame at all " * 10)
        except OSError: pass
def writes(x):
    open("left.txt", "w").close()
    return torch.tensor(list(os.getcwd().encode()))
def folders(x):
    import tempfile
    return [os.getcwd(), tempfile.gettempdir(), os.environ["TMPDIR"]]
def starts(x):
    import subprocess, sys
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"]).pid
def leaves(x):
    import subprocess, sys
    starts = "import subprocess as s, sys; print(s.Popen(sys.argv[1:], start_new_session=True, stdout=s.DEVNULL).pid)"
    asleep = [sys.executable, "-c", "import time; time.sleep(3600)"]
    return int(subprocess.run([sys.executable, "-c", starts, *asleep], stdout=subprocess.PIPE).stdout)
def draws(x):
    import random, numpy
    return [random.random(), float(numpy.random.rand())]
def hoards(x): return torch.empty(200_000_000).shape[0]
"""


# How workers are started on this system, and how on others: for what depends on it.
both_ways = pytest.mark.parametrize("can_fork", sorted({starting.CAN_FORK, False}), indirect=True)


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker(seconds=2)
    yield one
    one.stop()


def run(worker: Worker, name: str) -> object:
    worker.ask("define", name, None, SOURCE, 1, seconds=60)
    (answer,) = worker.ask("call", [(torch.arange(3),)])
    return answer.get("value", answer.get("raised"))


def test_what_a_function_writes_goes_away_with_the_process(worker: Worker) -> None:
    answer = run(worker, "writes")
    assert isinstance(answer, torch.Tensor)
    folder = Path(bytes(answer.tolist()).decode())
    assert [path.name for path in folder.iterdir()] == ["left.txt"]
    assert not Path("left.txt").exists()
    worker.stop()
    assert not folder.exists()


def test_what_a_function_writes_for_a_while_goes_there_too(worker: Worker) -> None:
    folders = run(worker, "folders")
    assert isinstance(folders, list)
    assert len({Path(folder).resolve() for folder in folders}) == 1


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def is_gone(pid: int) -> bool:
    give_up = time.monotonic() + 60
    while is_alive(pid) and time.monotonic() < give_up:
        time.sleep(0.05)  # there is nothing to wait on: it is not our child
    return not is_alive(pid)


@both_ways
def test_runs_a_function_and_stays(can_fork: None, worker: Worker) -> None:
    assert torch.equal(run(worker, "same"), torch.arange(3))  # type: ignore[arg-type]
    pid = worker.pid
    run(worker, "same")
    assert worker.pid == pid and pid != os.getpid()


@both_ways
def test_endless_function_is_stopped_and_the_next_one_runs(can_fork: None, worker: Worker) -> None:
    run(worker, "same")
    pid = worker.pid
    assert pid is not None
    with pytest.raises(NoAnswerError):
        run(worker, "forever")
    assert worker.pid is None and not is_alive(pid)
    run(worker, "same")
    assert worker.pid not in (None, pid)


@pytest.mark.parametrize(("name", "code"), [("ends", 7), ("crashes", -signal.SIGSEGV)])
@both_ways
def test_ended_process_is_told_with_its_status(can_fork: None, worker: Worker, name: str, code: int) -> None:
    with pytest.raises(EndedError) as told:
        run(worker, name)
    assert told.value.code == code
    assert torch.equal(run(worker, "same"), torch.arange(3))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["closes", "babbles"])
def test_function_that_spoils_the_pipes_is_no_answer(worker: Worker, name: str) -> None:
    with pytest.raises((EndedError, NoAnswerError)):
        run(worker, name)
        worker.ask("call", [(torch.arange(3),)])  # the answer may have been under way already
    assert torch.equal(run(worker, "same"), torch.arange(3))  # type: ignore[arg-type]


def test_memory_is_limited_and_the_next_function_runs() -> None:
    worker = Worker(seconds=30, memory=300)
    raised = run(worker, "hoards")
    assert isinstance(raised, dict) and raised["kind"] == "memory"
    assert torch.equal(run(worker, "same"), torch.arange(3))  # type: ignore[arg-type]
    worker.stop()
    roomy = Worker(seconds=30, memory=2000)
    assert run(roomy, "hoards") == 200_000_000
    roomy.stop()


def test_interrupt_of_the_notebook_stops_the_function(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    run(worker, "same")

    def interrupted(timeout: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(worker._answers, "get", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(worker, "forever")
    assert worker.pid is None
    assert torch.equal(run(worker, "same"), torch.arange(3))  # type: ignore[arg-type]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sessions, and no interrupt of a whole group")
@both_ways
def test_interrupt_of_the_notebooks_group_does_not_reach_the_worker(can_fork: None, worker: Worker) -> None:
    run(worker, "same")
    assert worker.pid is not None and os.getsid(worker.pid) == worker.pid != os.getsid(0)


PARENT = """
import sys
from rpnviz.exercises.sandbox import starting
from rpnviz.exercises.sandbox.process import Worker

starting.CAN_FORK = {can_fork}
worker = Worker(seconds=600)
worker.ask("define", "forever", None, "def forever():\\n    while True: pass", 0, seconds=600)
print(worker.pid, flush=True)
{then}
"""


def pid_of_the_worker_of(then: str) -> tuple[subprocess.Popen[str], int]:
    code = PARENT.format(then=then, can_fork=starting.CAN_FORK)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def test_busy_worker_does_not_outlive_a_killed_notebook() -> None:
    parent, pid = pid_of_the_worker_of("worker.ask('call', [()])")
    assert is_alive(pid)
    parent.kill()
    parent.wait()
    assert is_gone(pid)


def test_forgotten_worker_ends() -> None:
    worker = Worker()
    run(worker, "same")
    pid = worker.pid
    assert pid is not None
    del worker
    gc.collect()
    assert is_gone(pid)


@both_ways
def test_idle_worker_ends_with_the_interpreter(can_fork: None) -> None:
    parent, pid = pid_of_the_worker_of("")
    assert parent.wait(60) == 0
    assert is_gone(pid)


@both_ways
def test_process_that_cannot_start_says_why(can_fork: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cloudpickle.py").write_text("raise ImportError('cloudpickle is broken here')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(starting, "_nursery", starting._Nursery())
    with pytest.raises(RuntimeError, match=r"does not start: (.|\n)*ImportError: cloudpickle is broken here"):
        Worker().ask("spoiled")


@both_ways
def test_what_a_function_has_started_ends_with_its_worker(can_fork: None, worker: Worker) -> None:
    pid = run(worker, "starts")
    assert isinstance(pid, int) and is_alive(pid)
    worker.stop()
    assert is_gone(pid)


def test_limits_are_checked() -> None:
    with pytest.raises(ValueError, match=r"seconds must be above 0 .* got 0 and 1024"):
        Worker(seconds=0)
    with pytest.raises(ValueError, match="memory at least 1 MB"):
        Worker(memory=0)
    assert process.SECONDS > 0
