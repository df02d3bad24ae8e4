"""What goes to a compute module in the page and comes back: typed arrays stay typed arrays, to the last bit."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from torch import Tensor

KINDS = {"float32": "Float32Array", "float64": "Float64Array", "int32": "Int32Array", "int8": "Int8Array"}
KINDS["uint8"] = "Uint8Array"
ASK = """
const KINDS = { Float32Array, Float64Array, Int32Array, Int8Array, Uint8Array };
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const received = (value) => {
  if (value && value.kind) return new KINDS[value.kind](bytesOf(value.base64).buffer);
  if (Array.isArray(value)) return value.map(received);
  return value;
};
const sent = (value) => {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return { kind: value.constructor.name, base64: btoa(text) };
  }
  if (Array.isArray(value)) return value.map(sent);
  if (!value || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, sent(one)]));
};
export const ask = (calls) => calls.map((call) => sent(answer(received(call))));
"""


def packed(value: Any) -> Any:
    """What `received` of the page reads."""
    if isinstance(value, Tensor):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        kind = value.dtype if value.dtype.name in KINDS else np.dtype(np.int32)
        data = np.ascontiguousarray(value, kind.newbyteorder("<"))
        return {"kind": KINDS[kind.name], "base64": base64.b64encode(data.tobytes()).decode("ascii")}
    if isinstance(value, (list, tuple)):
        return [packed(one) for one in value]
    return value


def unpacked(value: Any) -> Any:
    """What `sent` of the page wrote."""
    if isinstance(value, dict) and "kind" in value:
        name = {kind: name for name, kind in KINDS.items()}[value["kind"]]
        return np.frombuffer(base64.b64decode(value["base64"]), np.dtype(name).newbyteorder("<"))
    if isinstance(value, dict):
        return {name: unpacked(one) for name, one in value.items()}
    return [unpacked(one) for one in value] if isinstance(value, list) else value


def check_same(page: Any, python: Any, where: str, size: float = 0.0) -> None:
    """Whole numbers and truths are the same; floats differ by a millionth of their size at most.

    Args:
        page: what the page said, of `unpacked`.
        python: what the lesson says: tensors, numbers, texts, or dicts and lists of them, with the page's names.
        where: for the message.
        size: of the numbers that were added up, where a sum may be much smaller than they are.
    """
    if isinstance(python, dict):
        assert set(page) >= set(python), f"{where}: the page says {sorted(page)}, without some of {sorted(python)}"
        for name, value in python.items():
            check_same(page[name], value, f"{where}.{name}", size)
    elif isinstance(python, (list, tuple)) and not all(isinstance(one, (int, float)) for one in python):
        assert len(page) == len(python), f"{where}: {len(page)} in the page, {len(python)} in Python"
        for i, (ours, theirs) in enumerate(zip(page, python, strict=True)):
            check_same(ours, theirs, f"{where}[{i}]", size)
    elif isinstance(python, str):
        assert page == python, where
    else:
        _check_numbers(page, python, where, size)


def _check_numbers(page: Any, python: Any, where: str, size: float) -> None:
    ours, theirs = (np.asarray(said, np.float64).ravel() for said in (page, python))
    assert ours.shape == theirs.shape, f"{where}: {ours.shape} in the page, {theirs.shape} in Python"
    is_float = np.asarray(python).dtype.kind == "f"
    allowed = 1e-6 * np.maximum(np.abs(theirs), size) if is_float else np.zeros_like(theirs)
    wrong = np.flatnonzero(~(np.abs(ours - theirs) <= allowed))
    assert not len(wrong), f"{where}[{wrong[0]}]: {ours[wrong[0]]} in the page, {theirs[wrong[0]]} in Python"
