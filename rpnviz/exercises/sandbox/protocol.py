"""What passes between the notebook and the worker process: plain values as JSON, their tensors as safetensors.

Nothing is unpickled here: whatever the learner's process sends, decoding it yields numbers, text, tensors and lists.
A frame is two lengths, then the JSON, then the tensors. In the JSON a list is a list; all that JSON lacks is an object
with one key, its kind: {"tuple": [1, 2]}, {"tensor": 0} for the first of the tensors.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

LENGTHS = struct.Struct("<QQ")
MOST_BYTES = 64 * 1024 * 1024  # of a frame: no exercise comes near it
MOST_TENSOR_BYTES = 8 * 1024 * 1024
MOST_TEXT = 8 * 1024 * 1024
MOST_ENTRIES = 10_000  # of all lists together
DEPTH = 12  # lists in lists
COMPLEX = (torch.complex64, torch.complex128)
DTYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, *COMPLEX),
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)


@dataclass(frozen=True)
class Seed:
    """An argument that becomes a torch.Generator with this seed in the worker: generators cannot travel."""

    number: int


@dataclass(frozen=True)
class Foreign:
    """A value that is no number, tensor or list of them; `what` names it, as in "a NumPy array of shape [3]"."""

    what: str


def _holding(make: Callable[[Any], Any], kind: type) -> Callable[[Any], Any]:
    """A maker that takes content of one type alone: the other side may send anything."""

    def made(content: Any) -> Any:
        if type(content) is not kind:
            raise TypeError(f"{make.__name__} holds {kind.__name__}, not {type(content).__name__}")
        return make(content)

    return made


MAKERS: dict[str, Callable[[Any], Any]] = {  # what a kind's content is made into
    "tuple": tuple,
    "dict": dict,
    "seed": _holding(Seed, int),
    "foreign": _holding(Foreign, str),
    "ellipsis": lambda _: Ellipsis,
}


def ready(argument: Any) -> Any:
    """An argument as a function gets it: its own copy, and a generator for a seed."""
    if isinstance(argument, Seed):
        return torch.Generator().manual_seed(argument.number)
    if isinstance(argument, Tensor):
        return argument.clone()
    return list(argument) if isinstance(argument, list) else argument


class ProtocolError(Exception):
    """The other side sent what is no frame."""


def encode(value: Any) -> bytes:
    """Make a frame of a value; what cannot travel goes as a `Foreign` that names its type."""
    frame = _Frame()
    text = json.dumps(frame.plain(value, 0)).encode()
    tensors = safetensors.torch.save({str(i): tensor for i, tensor in enumerate(frame.tensors)})
    return b"".join([LENGTHS.pack(len(text), len(tensors)), text, tensors])


def read(stream: BinaryIO) -> Any:
    """Read one frame.

    Raises:
        EOFError: if the stream has ended.
        ProtocolError: if it is not a frame.
    """
    text_length, tensors_length = LENGTHS.unpack(_exactly(stream, LENGTHS.size))
    if text_length + tensors_length > MOST_BYTES:
        raise ProtocolError(f"a frame of {text_length + tensors_length} bytes")
    text, packed = _exactly(stream, text_length), _exactly(stream, tensors_length)
    try:
        tensors = safetensors.torch.load(packed)
        return json.loads(text, object_hook=lambda one: _value_of(one, tensors))
    except (SafetensorError, ValueError, LookupError, TypeError, RuntimeError) as error:
        raise ProtocolError(f"a damaged frame: {error}") from error


def _exactly(stream: BinaryIO, count: int) -> bytes:
    content = stream.read(count) if count else b""
    if len(content) < count:
        raise EOFError
    return content


def _value_of(one: dict[str, Any], tensors: dict[str, Tensor]) -> Any:
    """The value of an object with one key, its kind."""
    ((kind, content),) = one.items()
    if kind in ("tensor", "complex", "bytes"):
        tensor = tensors[str(content)]
        if tensor.dtype not in DTYPES:
            raise ValueError(f"a tensor of dtype {tensor.dtype}")
        if kind == "bytes":
            return tensor.numpy().tobytes()
        return torch.view_as_complex(tensor) if kind == "complex" else tensor
    return MAKERS[kind](content)


@dataclass
class _Frame:
    """A frame that is being made: its tensors so far, and how many values went into it."""

    tensors: list[Tensor] = field(default_factory=list)
    values: int = 0

    def plain(self, value: Any, depth: int) -> Any:
        """A value as JSON has it."""
        try:
            return self._plain(value, depth)
        except Exception:  # an object of the learner's that does not even let itself be asked what it is
            return _named(value)

    def _plain(self, value: Any, depth: int) -> Any:
        if isinstance(value, np.generic) and value.dtype.kind in "biuf":
            value = value.item()
        if value is None or isinstance(value, (bool, float)):
            return value
        if isinstance(value, str):  # halves of characters ("\udc80") can neither be shown nor written
            fits = len(value) <= MOST_TEXT
            return value.encode("utf-8", "replace").decode() if fits else _foreign(f"text of {len(value):,} characters")
        if isinstance(value, int):
            return int(value) if abs(value) < 2**63 else _foreign(f"a whole number of {value.bit_length()} bits")
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, (list, tuple, dict)):
            return self._collection(value, depth)
        if isinstance(value, bytes):
            return {"bytes": self._add(torch.from_numpy(np.array(bytearray(value))))}
        if isinstance(value, Seed):
            return {"seed": value.number}
        if isinstance(value, Foreign):
            return _foreign(value.what)
        if isinstance(value, np.ndarray):
            return _foreign(f"a NumPy array of shape {list(value.shape)}")
        return {"ellipsis": True} if value is Ellipsis else _named(value)

    def _collection(self, value: Any, depth: int) -> Any:
        kind = "list" if isinstance(value, list) else "tuple" if isinstance(value, tuple) else "dict"
        self.values += len(value)
        if self.values > MOST_ENTRIES or depth >= DEPTH:
            return _foreign(f"a {kind} of {len(value):,} entries" if depth < DEPTH else f"a {kind} in many others")
        items = [self.plain(item, depth + 1) for item in (value.items() if isinstance(value, dict) else value)]
        return items if kind == "list" else {kind: items}

    def _tensor(self, tensor: Tensor) -> Any:
        shape, name = list(tensor.shape), str(tensor.dtype).removeprefix("torch.")
        size = tensor.numel() * tensor.element_size()
        room = MOST_BYTES // 2 - sum(one.nbytes for one in self.tensors)
        if tensor.dtype not in DTYPES or size > min(MOST_TENSOR_BYTES, room):
            return _foreign(f"a Tensor of shape {shape} and dtype {name}")
        try:
            plain = tensor.detach().to_dense() if tensor.layout is not torch.strided else tensor.detach()
            plain = plain.cpu().resolve_conj().resolve_neg()
            plain = torch.view_as_real(plain) if tensor.is_complex() else plain
            copy = torch.empty(plain.shape, dtype=plain.dtype).copy_(plain)  # safetensors wants no memory shared
        except (RuntimeError, TypeError, NotImplementedError):  # on no device, of a kind without values
            return _foreign(f"a Tensor of shape {shape} without readable values")
        return {"complex" if tensor.is_complex() else "tensor": self._add(copy)}

    def _add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1


def _named(value: Any) -> dict[str, str]:
    name = type(value).__name__ or "nameless object"
    return _foreign(f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}")


def _foreign(what: str) -> dict[str, str]:
    return {"foreign": what}
