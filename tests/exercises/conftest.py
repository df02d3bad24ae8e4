"""Functions as a learner types them into a cell, and a progress file for each test."""

from __future__ import annotations

import linecache
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from rpnviz.exercises import checking
from rpnviz.exercises.sandbox import starting

_cells = count(1)


@pytest.fixture(autouse=True)
def progress_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RPNVIZ_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(scope="module", autouse=True)
def no_worker_left() -> Iterator[None]:
    yield
    checking._worker.stop()


@pytest.fixture
def can_fork(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """For `both_ways` of test_process.py."""
    monkeypatch.setattr(starting, "CAN_FORK", request.param)


def typed(body: str, name: str = "my_box_iou", parameters: str = "boxes1, boxes2", **scope: Any) -> Callable[..., Any]:
    """A function with this body, defined in a notebook's cell: its text is known to linecache, as IPython does it."""
    source = f"def {name}({parameters}):\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"
    file = str(Path(tempfile.gettempdir(), "ipykernel_1", f"{next(_cells)}.py"))
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"torch": torch, "box_iou": torchvision.ops.box_iou, "__name__": "__main__", **scope}
    exec(compile(source, file, "exec"), names)
    function: Callable[..., Any] = names[name]
    return function
