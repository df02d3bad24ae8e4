"""What passes between notebook and worker: nothing is lost, nothing is unpickled, nothing endless gets through."""

from __future__ import annotations

import contextlib
import io
import json
import struct
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from rpnviz.exercises.sandbox import protocol
from rpnviz.exercises.sandbox.protocol import Foreign, Seed

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=8,
)


EMPTY = safetensors.torch.save({})


def there_and_back(value: Any) -> Any:
    return protocol.read(io.BytesIO(protocol.encode(value)))


@given(PLAIN)
def test_plain_values_come_back(value: Any) -> None:
    assert there_and_back(value) == value


@pytest.mark.parametrize("dtype", protocol.DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4)])
def test_tensors_come_back(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = (torch.rand(shape) * 7).to(dtype)
    back = there_and_back([tensor, "and more", tensor])
    for one in (back[0], back[2]):
        assert one.dtype == dtype and one.shape == shape and torch.equal(one, tensor)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.rand(3, 4).T,
        torch.rand(4, 6)[::2, 1::3],
        torch.rand(1, 5)[:, 2],  # one number, with a stride of 5
        torch.rand(3, requires_grad=True),
        torch.ones(2, 1).expand(2, 3),
        torch.eye(3).to_sparse(),
        torch.tensor([1 + 2j]).conj(),
    ],
    ids=["turned", "strided", "one of a column", "with gradient", "expanded", "sparse", "conjugate"],
)
def test_odd_tensors_come_back_as_plain_ones(tensor: torch.Tensor) -> None:
    assert torch.equal(there_and_back(tensor), tensor.detach().to_dense())


def test_special_values_come_back() -> None:
    value = [Seed(7), Foreign("a thing"), ..., b"bytes", b"", {"key": torch.tensor(1)}, {3: (1,)}, float("inf")]
    assert there_and_back(value) == value
    nan = there_and_back(float("nan"))
    assert nan != nan


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (np.zeros((2, 3)), "a NumPy array of shape [2, 3]"),
        (object(), "an object"),
        (10**400, "a whole number of 1329 bits"),
        ([0] * 20_000, "a list of 20,000 entries"),
        (torch.zeros(4_000_000), "a Tensor of shape [4000000] and dtype float32"),
        (torch.empty(3, device="meta"), "a Tensor of shape [3] without readable values"),
        ({1, 2}, "a set"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_travel_is_named(value: Any, what: str) -> None:
    assert there_and_back([value]) == [Foreign(what)]


def test_numpy_numbers_are_numbers() -> None:
    assert there_and_back([np.float64(0.5), np.float32(0.5), np.int64(3), np.bool_(True)]) == [0.5, 0.5, 3, True]


def test_list_that_holds_itself_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    found, depth = there_and_back(endless), 0
    while isinstance(found, list):
        (found,), depth = found, depth + 1
    assert isinstance(found, Foreign) and depth == protocol.DEPTH


def frame_of(text: bytes, tensors: bytes = EMPTY) -> bytes:
    return struct.pack("<QQ", len(text), len(tensors)) + text + tensors


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("<QQ", 2**40, 0),
        struct.pack("<QQ", 0, 2**40),
        frame_of(b"{x}"),
        frame_of(b"{}"),
        frame_of(b'{"nothing": true}'),
        frame_of(b'{"tuple": [1], "list": [1]}'),
        frame_of(b'{"tuple": 3}'),
        frame_of(b'{"dict": [[[], 1]]}'),
        frame_of(b'{"tensor": 0}'),
        frame_of(b'{"tensor": [0]}'),
        frame_of(b"[" * 100_000),
        frame_of(b"\xff"),
        frame_of(b"[]", b""),
        frame_of(b"[]", b"no tensors"),
        frame_of(b'{"tensor": 0}', safetensors.torch.save({"0": torch.zeros(3)})[:-1]),
        frame_of(b'{"tensor": 0}', safetensors.torch.save({"0": torch.zeros(3).to(torch.float8_e5m2)})),
        frame_of(b'{"complex": 0}', safetensors.torch.save({"0": torch.zeros(3)})),
        frame_of(b"[]", struct.pack("<Q", 2**63) + b"{}"),
    ],
)
def test_damaged_frames_are_refused(frame: bytes) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.read(io.BytesIO(frame))


KINDS = st.sampled_from(["tuple", "dict", "seed", "foreign", "ellipsis", "tensor", "complex", "bytes", "other"])
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KINDS, inner, min_size=1, max_size=2),
    max_leaves=6,
)


@given(HOSTILE)
def test_no_json_is_more_than_refused(content: Any) -> None:
    tensors = safetensors.torch.save({"0": torch.zeros(2), "1": torch.zeros(2, dtype=torch.uint8)})
    with contextlib.suppress(protocol.ProtocolError):
        assert protocol.encode(protocol.read(io.BytesIO(frame_of(json.dumps(content).encode(), tensors))))


@pytest.mark.parametrize(
    "content", [{"seed": {"seed": 1}}, {"seed": None}, {"seed": True}, {"foreign": [1]}, {"foreign": 0}]
)
def test_what_holds_another_type_is_refused(content: Any) -> None:
    with pytest.raises(protocol.ProtocolError, match=r"a damaged frame: (Seed|Foreign) holds (int|str), not "):
        protocol.read(io.BytesIO(frame_of(json.dumps({"tuple": [content]}).encode(), safetensors.torch.save({}))))


@given(st.data())
def test_no_damage_is_more_than_refused(data: st.DataObject) -> None:
    frame = bytearray(protocol.encode({"value": [torch.ones(2, 2), (1.5, "text"), torch.tensor([1j])]}))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(protocol.ProtocolError, EOFError):
        assert protocol.encode(protocol.read(io.BytesIO(bytes(frame))))


def test_ended_stream_is_told() -> None:
    frame = protocol.encode([1, torch.zeros(3)])
    for length in (0, 5, 20, len(frame) - 1):
        with pytest.raises(EOFError):
            protocol.read(io.BytesIO(frame[:length]))


def test_argument_is_a_copy_and_a_seed_a_generator() -> None:
    tensor = torch.zeros(3)
    protocol.ready(tensor).add_(1)
    assert torch.equal(tensor, torch.zeros(3))
    draws = [torch.randperm(20, generator=protocol.ready(Seed(seed))).tolist() for seed in (3, 3, 4)]
    assert draws[0] == draws[1] != draws[2]
