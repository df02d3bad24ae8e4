"""A learner's function, packed for the worker process with the functions and values of hers that it uses."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import sys
import types
from collections import ChainMap
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import cloudpickle

from rpnviz.exercises.sandbox.own_code import is_own

MOST_BYTES = 32 * 1024 * 1024


class CannotTravelError(Exception):
    """A function that cannot be packed; the text says why, in the learner's terms."""


def _code(code: types.CodeType) -> tuple[Any, ...]:
    make, arguments = cloudpickle.Pickler.dispatch_table[types.CodeType](code)[:2]
    return make, tuple(code.co_filename if argument == "<dynamic-code>" else argument for argument in arguments)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Keeps the name of the file that code came from, which cloudpickle leaves out: it finds the learner's line."""

    dispatch_table: ClassVar[Any] = ChainMap({types.CodeType: _code}, cloudpickle.Pickler.dispatch_table)

    def reducer_override(self, value: Any) -> Any:
        """Send torch.ops by name: it is a module of a class of its own, for which pickle has no rule."""
        if isinstance(value, types.ModuleType) and type(value) is not types.ModuleType:
            return importlib.import_module, (value.__name__,)
        return super().reducer_override(value)


def _pickled(value: Any) -> bytes:
    _Pickler(buffer := io.BytesIO()).dump(value)
    return buffer.getvalue()


def pack(function: Callable[..., Any]) -> bytes:
    """Pickle a function by value, with what it uses.

    Raises:
        CannotTravelError: if it uses something that cannot be sent, or too much.
    """
    with _by_value(function):
        try:
            pickled = _pickled(function)
        except Exception as error:
            culprit, why = _culprit(function), f"{type(error).__name__}: {error}"[:200]
            named = f"‘{culprit}’, which" if culprit else "something that"
            raise CannotTravelError(
                f"It uses {named} cannot be sent to the process in which it runs ({why}). Use its arguments instead."
            ) from error
        if len(pickled) > MOST_BYTES:
            heavy = max(_used(function).items(), key=lambda item: _weight(item[1]), default=("", None))[0]
            raise CannotTravelError(
                f"It uses {len(pickled) / 2**20:.0f} MB of values from outside, mostly ‘{heavy}’. "
                "Use its arguments instead."
            )
    return pickled


@contextlib.contextmanager
def _by_value(function: Callable[..., Any]) -> Iterator[None]:
    """Send the function itself even if it was imported from a file of the learner's: she may have changed it since."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    own = module is not None and module.__name__ != "__main__" and is_own(getattr(module, "__file__", None) or "<none>")
    if module is not None and own and module.__name__ not in cloudpickle.list_registry_pickle_by_value():
        cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            cloudpickle.unregister_pickle_by_value(module)
    else:
        yield


def _used(function: Callable[..., Any]) -> dict[str, Any]:
    """Values from outside the function, by name."""
    try:
        found = inspect.getclosurevars(function)
    except (TypeError, ValueError):
        return {}
    return {**found.globals, **found.nonlocals}


def _culprit(function: Callable[..., Any]) -> str:
    return next((name for name, value in _used(function).items() if _weight(value) < 0), "")


def _weight(value: Any) -> int:
    """Bytes of a value when packed; -1 if it cannot be."""
    try:
        return len(_pickled(value))
    except Exception:
        return -1
