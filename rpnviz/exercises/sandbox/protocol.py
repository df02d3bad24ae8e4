"""What passes between the notebook and the worker process: plain values and tensors as JSON and raw bytes.

Nothing is unpickled here: whatever the learner's process sends, decoding it yields numbers, text, tensors and lists.
A frame is two lengths, then the JSON, then the bytes of all tensors one after another.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

LENGTHS = struct.Struct("<QQ")
MOST_BYTES = 64 * 1024 * 1024  # of a frame: no exercise comes near it
MOST_TENSOR_BYTES = 8 * 1024 * 1024
MOST_TEXT = 8 * 1024 * 1024
MOST_ENTRIES = 10_000  # of all lists together
DEPTH = 12  # lists in lists
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128),
        *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    )
}


@dataclass(frozen=True)
class Seed:
    """An argument that becomes a torch.Generator with this seed in the worker: generators cannot travel."""

    number: int


@dataclass(frozen=True)
class Foreign:
    """A value that is no number, tensor or list of them; `what` names it, as in "a NumPy array of shape [3]"."""

    what: str


def ready(argument: Any) -> Any:
    """An argument as a function gets it: its own copy, and a generator for a seed."""
    if isinstance(argument, Seed):
        return torch.Generator().manual_seed(argument.number)
    if isinstance(argument, Tensor):
        return argument.clone()
    return list(argument) if isinstance(argument, list) else argument


@dataclass
class _Blobs:
    """The bytes of a frame so far, and how many values went into it."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    values: int = 0

    def add(self, content: bytes) -> list[int]:
        """Append bytes; return where they begin, and how many they are."""
        start, self.size = self.size, self.size + len(content)
        self.parts.append(content)
        return [start, len(content)]


class WireError(Exception):
    """The other side sent what is no frame."""


def encode(value: Any) -> bytes:
    """Make a frame of a value; what cannot travel goes as a `Foreign` that names its type."""
    blobs = _Blobs()
    text = json.dumps(_to_json(value, blobs, 0)).encode()
    return b"".join([LENGTHS.pack(len(text), blobs.size), text, *blobs.parts])


def read(stream: BinaryIO) -> Any:
    """Read one frame.

    Raises:
        EOFError: if the stream has ended.
        WireError: if it is not a frame.
    """
    text_length, blob_length = LENGTHS.unpack(_exactly(stream, LENGTHS.size))
    if text_length + blob_length > MOST_BYTES:
        raise WireError(f"a frame of {text_length + blob_length} bytes")
    text, blobs = _exactly(stream, text_length), _exactly(stream, blob_length)
    try:
        return _from_json(json.loads(text), blobs)
    except (ValueError, KeyError, TypeError, IndexError, RuntimeError, RecursionError) as error:
        raise WireError(f"a damaged frame: {error}") from error


def _exactly(stream: BinaryIO, count: int) -> bytes:
    content = stream.read(count) if count else b""
    if len(content) < count:
        raise EOFError
    return content


def _to_json(value: Any, blobs: _Blobs, depth: int) -> Any:
    try:
        return _value_to_json(value, blobs, depth)
    except Exception:  # an object of the learner's that does not even let itself be asked what it is
        return _object(value)


def _value_to_json(value: Any, blobs: _Blobs, depth: int) -> Any:
    if value is None or isinstance(value, (bool, float)):
        return value if not isinstance(value, np.generic) else _to_json(value.item(), blobs, depth)
    if isinstance(value, str):  # halves of characters ("\udc80") can neither be shown nor written
        fits = len(value) <= MOST_TEXT
        return value.encode("utf-8", "replace").decode() if fits else _foreign(f"text of {len(value):,} characters")
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else _foreign(f"a whole number of {value.bit_length()} bits")
    if value is Ellipsis:
        return {"ellipsis": True}
    if isinstance(value, Tensor):
        return _tensor_to_json(value, blobs)
    if isinstance(value, bytes):
        return {"bytes": blobs.add(value)}
    if isinstance(value, Seed):
        return {"seed": value.number}
    if isinstance(value, Foreign):
        return _foreign(value.what)
    if isinstance(value, (list, tuple, dict)):
        return _collection_to_json(value, blobs, depth)
    return _object_to_json(value, blobs, depth)


def _object_to_json(value: Any, blobs: _Blobs, depth: int) -> Any:
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return _to_json(value.item(), blobs, depth)
    if isinstance(value, np.ndarray):
        return _foreign(f"a NumPy array of shape {list(value.shape)}")
    return _object(value)


def _object(value: Any) -> dict[str, str]:
    name = type(value).__name__ or "nameless object"
    return _foreign(f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}")


def _collection_to_json(value: Any, blobs: _Blobs, depth: int) -> Any:
    kind = "list" if isinstance(value, list) else "tuple" if isinstance(value, tuple) else "dict"
    blobs.values += len(value)
    if blobs.values > MOST_ENTRIES or depth >= DEPTH:
        return _foreign(f"a {kind} of {len(value):,} entries" if depth < DEPTH else f"a {kind} in many others")
    items = list(value.items()) if isinstance(value, dict) else list(value)
    return {kind: [_to_json(item, blobs, depth + 1) for item in items]}


def _tensor_to_json(tensor: Tensor, blobs: _Blobs) -> Any:
    name = str(tensor.dtype).removeprefix("torch.")
    shape = list(tensor.shape)
    size = tensor.numel() * tensor.element_size()
    if name not in DTYPES or size > MOST_TENSOR_BYTES or blobs.size + size > MOST_BYTES // 2:
        return _foreign(f"a Tensor of shape {shape} and dtype {name}")
    try:
        plain = tensor.detach().to_dense() if tensor.layout is not torch.strided else tensor.detach()
        plain = plain.cpu().resolve_conj().resolve_neg()
        content = plain.new_empty(plain.numel()).copy_(plain.reshape(-1))  # one after another, whatever the strides
        at = blobs.add(content.view(torch.uint8).numpy().tobytes())
    except (RuntimeError, TypeError, NotImplementedError):  # on no device, of a kind without values
        return _foreign(f"a Tensor of shape {shape} without readable values")
    return {"tensor": [name, shape, *at]}


def _foreign(what: str) -> dict[str, str]:
    return {"foreign": what}


def _from_json(value: Any, blobs: bytes) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        name, shape, start, length = content
        return _tensor_from(blobs[start : start + length], DTYPES[name], shape)
    if kind == "bytes":
        return blobs[content[0] : content[0] + content[1]]
    if kind == "seed":
        return Seed(content)
    if kind == "ellipsis":
        return Ellipsis
    if kind == "foreign":
        return Foreign(str(content))
    items = [_from_json(item, blobs) for item in content]
    return {"list": list, "tuple": tuple, "dict": dict}[kind](items)


def _tensor_from(content: bytes, dtype: torch.dtype, shape: list[int]) -> Tensor:
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"{len(content)} bytes for a tensor of shape {shape}")
    if not content:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(content), dtype=dtype).reshape(shape)
