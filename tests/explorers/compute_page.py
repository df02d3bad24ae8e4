"""Modules of the page's code in an empty page that stays open; arrays and files come and go as they are."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from rpnviz.explorers.common import bundle
from tests.explorers.page_code import Evaluating, Opening

# `give` makes {dtype, text} of a typed array anywhere in an answer, `get` makes the typed array of it.
TRANSPORT = """
const kinds = { Uint8Array, Uint16Array, Int8Array, Uint8ClampedArray, Int32Array, Float32Array };
const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const textOf = (bytes) => new Promise((resolve) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.readAsDataURL(new Blob([bytes]));
});
const get = (value) => {
  if (Array.isArray(value)) return value.map(get);
  if (value === null || typeof value !== "object") return value;
  if ("dtype" in value) return new kinds[value.dtype](bytesOf(value.text).buffer);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, get(inner)]));
};
const give = async (value) => {
  if (ArrayBuffer.isView(value)) return { dtype: value.constructor.name, text: await textOf(value) };
  if (Array.isArray(value)) return Promise.all(value.map(give));
  if (value === null || typeof value !== "object") return value;
  const inner = await Promise.all(Object.entries(value).map(async ([name, one]) => [name, await give(one)]));
  return Object.fromEntries(inner);
};
"""
DTYPES: dict[str, Any] = {
    "Uint16Array": np.uint16,
    "Int8Array": np.int8,
    "Uint8Array": np.uint8,
    "Uint8ClampedArray": np.uint8,
    "Int32Array": np.int32,
    "Float32Array": np.float32,
}


class ComputePage:
    """A page in whose scope lies all that some modules export."""

    def __init__(self, page: Evaluating, *modules: str) -> None:
        self.page = page
        self.load(*modules)

    def load(self, *modules: str) -> None:
        """Put the modules into the page that is open now."""
        taken = "".join(f'Object.assign(globalThis, rpnviz.take("{name}"));\n' for name in modules)
        self.page.evaluate(
            f"() => {{\n{bundle.bundle(*modules)}\n{taken}{TRANSPORT}\nglobalThis.transport = {{ get, give }};\n}}"
        )

    def run(self, code: str, *given: Any) -> Any:
        """What an async function of the page makes of `given`; what it throws comes back as {"error": its message}."""
        wrapped = f"""async (given) => {{
            try {{
                return await transport.give(await ({code})(...transport.get(given)));
            }} catch (error) {{
                return {{ error: error.message, name: error.name }};
            }}
        }}"""
        return from_page(self.page.evaluate(wrapped, [to_page(one) for one in given]))


def to_page(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"dtype": "Uint8Array", "text": base64.b64encode(value).decode("ascii")}
    if isinstance(value, np.ndarray):
        name = next(name for name, dtype in DTYPES.items() if value.dtype == dtype)
        return {"dtype": name, "text": base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")}
    if isinstance(value, dict):
        return {name: to_page(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_page(inner) for inner in value]
    return value


def from_page(value: Any) -> Any:
    if isinstance(value, list):
        return [from_page(inner) for inner in value]
    if isinstance(value, dict):
        if set(value) == {"dtype", "text"}:
            array: npt.NDArray[Any] = np.frombuffer(base64.b64decode(value["text"]), DTYPES[value["dtype"]])
            return array
        return {name: from_page(inner) for name, inner in value.items()}
    return value


def compute_page(browser: Opening, *modules: str) -> ComputePage:
    return ComputePage(browser.new_page(), *modules)
