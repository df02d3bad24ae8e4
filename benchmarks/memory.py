"""What a kernel holds in memory, and what of it could be shared: imports, notebooks, the thresholds of the class's hub.

Each row is a process of its own with one thread for PyTorch, run as `python -m benchmarks.memory WHAT`. It runs the
cells of a notebook in IPython, without the rest of a kernel, which adds some 10 MB. Private is what no other process
has; what is mapped from files, and counted as shared, all learners of a machine have once. For Linux.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
IMPORTS = (
    "numpy",
    "torch",
    "torchvision",
    "matplotlib.pyplot",
    "ipykernel.kernelapp",
    "ipywidgets",
    "rpnviz.explorers",
)
WARM = (*IMPORTS, "rpnviz.exercises", "rpnviz.train.head")  # what a warm parent would have imported
# As deploy/jupyterhub_config.py sets them; and lower ones, for what they cost.
HUB = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(32 * 1024**2), "MALLOC_TRIM_THRESHOLD_": str(128 * 1024)}
LOW = HUB | {"MALLOC_MMAP_THRESHOLD_": str(128 * 1024)}
SETTINGS: dict[str, dict[str, str]] = {"": {}, ", the hub's thresholds": HUB, ", all thresholds low": LOW}
TRAINING = {"training-02", "training-04", "training-24", "training-30"}  # the cells of 07 that a training needs
SECONDS = 12  # of training
HEAD = "| in one process | private, MB | shared, MB | at most, MB | processor, ms a step |\n|---|---|---|---|---|"


@dataclass
class Held:
    """What a process holds, in MB; `most` counts shared pages too. `step` is in ms."""

    name: str
    private: float
    shared: float
    most: float
    step: float | None = None


def measure() -> Iterator[Held]:
    """Start the processes, one after the other."""
    yield from _run("imports", {})
    for words, setting in SETTINGS.items():
        for what in ("00", "04", "training"):
            for held in _run(what, setting):
                yield Held(held.name + words, held.private, held.shared, held.most, held.step)
    yield from _run("forked", HUB)


def row(held: Held) -> str:
    """A row of the table."""
    step = "–" if held.step is None else f"{held.step:.0f}"
    return f"| {held.name} | {held.private:.0f} | {held.shared:.0f} | {held.most:.0f} | {step} |"


def _run(what: str, setting: dict[str, str]) -> Iterator[Held]:
    command = [sys.executable, "-m", "benchmarks.memory", what]
    environment = {**os.environ, **setting, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return (Held(**json.loads(line)) for line in done.stdout.splitlines())


def _tell(name: str, pid: int | str = "self", step: float | None = None) -> None:
    sizes = Path(f"/proc/{pid}/smaps_rollup").read_text() + Path(f"/proc/{pid}/status").read_text()
    kB = {line.split(":")[0]: int(line.split()[1]) for line in sizes.splitlines() if line.endswith("kB")}
    private = kB["Private_Dirty"]  # clean pages are of files: the next learner's kernel has the same ones
    megabytes = {"private": private, "shared": kB["Rss"] - private, "most": kB["VmHWM"]}
    held = {of: 1024 * size / 1e6 for of, size in megabytes.items()}
    print(json.dumps({"name": name, **held, "step": step}), flush=True)


def _imports() -> None:
    _tell("Python")
    for name in IMPORTS:
        __import__(name)
        _tell(f"… and {name}")


def _cells(number: str, wanted: set[str] | None = None) -> dict[str, object]:
    """Run a notebook's cells, or some of them; return the names that they have bound."""
    from IPython.core.interactiveshell import InteractiveShell

    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    shell = InteractiveShell.instance()
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code" and (wanted is None or cell["id"] in wanted):
                done = shell.run_cell("".join(cell["source"]))  # type: ignore[no-untyped-call]
                done.raise_error()
    gc.collect()
    names: dict[str, object] = shell.user_ns
    return names


def _notebook(number: str) -> None:
    _cells(number)
    _tell(f"{number} has run")


def _training() -> None:
    from rpnviz.explorers import LiveExplorer

    live = _cells("07", TRAINING)["live"]
    assert isinstance(live, LiveExplorer)
    live.running, begun = True, time.process_time()
    time.sleep(SECONDS)
    live.running = False
    live.wait()
    _tell("07 trains", step=1000 * (time.process_time() - begun) / max(1, live.step))


def _forked() -> None:
    """Fork a kernel's process for 00 and for 04 from one that has imported all; both stay until both were measured."""
    for name in WARM:
        __import__(name)
    gc.collect()
    gc.freeze()
    _tell("a warm parent, before it forks")
    ready, stay = os.pipe(), os.pipe()
    children = {number: _fork(number, ready[1], stay) for number in ("00", "04")}
    os.close(ready[1])
    for _ in children:
        os.read(ready[0], 1)
    for number, pid in children.items():
        _tell(f"{number} has run, forked", pid)
    _tell("the warm parent, beside these two")
    os.close(stay[1])


def _fork(number: str, ready: int, stay: tuple[int, int]) -> int:
    if pid := os.fork():
        return pid
    try:
        os.close(stay[1])
        _cells(number)
        os.write(ready, b".")
        os.read(stay[0], 1)  # until the parent closes it
    finally:
        os._exit(0)


if __name__ == "__main__":
    what = sys.argv[1]
    acts = {"imports": _imports, "training": _training, "forked": _forked}
    acts[what]() if what in acts else _notebook(what)
