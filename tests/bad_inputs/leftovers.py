"""What a bad input may leave behind and must not: settings that everybody shares, processes, threads, open files."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import psutil
import torch
from PIL import Image, ImageFile


def settings() -> dict[str, Any]:
    """All that code of rpnviz could have changed for the code after it."""
    name, keys, *place = np.random.get_state()
    return {
        "torch: dtype": torch.get_default_dtype(),
        "torch: gradients": torch.is_grad_enabled(),
        "torch: threads": torch.get_num_threads(),
        "torch: deterministic": torch.are_deterministic_algorithms_enabled(),
        "torch: device": torch.get_default_device(),
        "torch: random": torch.get_rng_state().tolist(),
        "numpy: printing": np.get_printoptions(),
        "numpy: errors": np.geterr(),
        "numpy: random": (name, np.asarray(keys).tolist(), place),
        "python: random": random.getstate(),
        "python: warnings": list(warnings.filters),
        "python: path": list(sys.path),
        "python: recursion": sys.getrecursionlimit(),
        "python: streams": (sys.stdin, sys.stdout, sys.stderr, sys.excepthook),
        "matplotlib": dict(matplotlib.rcParams),
        "pillow": (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES),
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
    }


def children() -> set[int]:
    """The processes that this one has started, browsers of other tests for some."""
    return {one.pid for one in psutil.Process().children()}


def running(others: set[int]) -> dict[str, int]:
    """How many threads, processes and open files there are, without the processes of others and what they started."""
    me = psutil.Process()
    own = [one for one in me.children() if one.pid not in others]
    return {
        "threads": threading.active_count(),
        "processes": sum(map(_with_children, own)),
        "open files": me.num_fds() if hasattr(me, "num_fds") else me.num_handles(),
    }


def _with_children(process: psutil.Process) -> int:
    try:
        return 1 + len(process.children(recursive=True))
    except psutil.NoSuchProcess:  # it has just ended
        return 0


def more_than(usual: dict[str, int], others: set[int]) -> dict[str, int]:
    """What there is more of, once all that was killed has had time to end."""
    give_up = time.monotonic() + 10
    while (more := _more_than(usual, others)) and time.monotonic() < give_up:
        time.sleep(0.02)
    return more


def _more_than(usual: dict[str, int], others: set[int]) -> dict[str, int]:
    return {name: count for name, count in running(others).items() if count > usual[name]}


def files(folder: Path) -> dict[str, bytes | None]:
    """Each file of a folder and those below it, with its content; None for what is no file."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is not as it was."""
    return [name for name in {**before, **after} if before.get(name, ()) != after.get(name, ())]
