"""Pack a learner's function for the worker process, with the functions and values of the notebook that it uses."""

from __future__ import annotations

import builtins
import contextlib
import functools
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

    def __init__(self, file: io.BytesIO) -> None:
        """Note what the notebook's own names stand for."""
        super().__init__(file)
        self._of_notebook = {id(value): name for name, value in _names_of_the_notebook().items()}

    def reducer_override(self, value: Any) -> Any:
        """Send by name what every notebook has, and modules for which pickle has no rule (torch.ops)."""
        if id(value) in self._of_notebook:
            return getattr, (builtins, self._of_notebook[id(value)])
        if isinstance(value, types.ModuleType) and type(value) is not types.ModuleType:
            return importlib.import_module, (value.__name__,)
        if isinstance(value, functools._lru_cache_wrapper) and _goes_by_value(value):
            return _cached, (value.__wrapped__, value.cache_parameters())
        return super().reducer_override(value)


def _names_of_the_notebook() -> dict[str, Any]:
    """What IPython puts before every cell under a name of Python's, or as `get_ipython`: the worker has its own."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    hidden = {} if shell is None else shell.user_ns_hidden
    return {name: hidden[name] for name in ("exit", "quit", "open", "get_ipython") if name in hidden}


def _goes_by_value(value: Any) -> bool:
    return value.__module__ in ("__main__", *cloudpickle.list_registry_pickle_by_value())


def _cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Callable[..., Any]:
    cached: Callable[..., Any] = functools.lru_cache(**parameters)(function)
    return cached


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
    """Send the function itself even if it was imported from a file of the learner's, which may have changed since."""
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
