"""Write it yourself: `check` gives a learner's function unseen input and answers with the smallest case it fails on.

    from rpnviz.exercises import check
    check(my_box_iou)

The function runs in a process of its own, so that nothing it does can hurt the notebook. Loaded piece by piece, when
asked for: the worker process needs little of it, and `import rpnviz` nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rpnviz.exercises.checking import check as check
    from rpnviz.exercises.checking import check_source as check_source
    from rpnviz.exercises.exercise import Exercise as Exercise
    from rpnviz.exercises.notebooks.assembly import Assembly as Assembly
    from rpnviz.exercises.progress_file import forget as forget
    from rpnviz.exercises.progress_file import progress as progress
    from rpnviz.exercises.result import Result as Result
    from rpnviz.exercises.sandbox.process import Worker as Worker
    from rpnviz.exercises.tasks import EXERCISES as EXERCISES

_HOMES = {
    "Assembly": "notebooks.assembly",
    "check": "checking",
    "check_source": "checking",
    "Exercise": "exercise",
    "Worker": "sandbox.process",
    "forget": "progress_file",
    "progress": "progress_file",
    "Result": "result",
    "EXERCISES": "tasks",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Load a name's module when the name is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
