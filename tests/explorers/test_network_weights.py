"""Weights that the page reads: to the bit, and of a file that holds none it says why."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from rpnviz.grid import Grid
from tests.explorers.compute_page import ComputePage
from tests.explorers.network_page import WEIGHTS, as_grid, network_page


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[ComputePage]:
    made = network_page(browser)
    yield made
    made.page.close()


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def test_weights_are_read_to_the_bit(page: ComputePage) -> None:
    halves = np.arange(1 << 16, dtype=np.uint16)
    numbers = np.array([1.5, -0.0, 3e38, 1e-45], np.float32)
    header = {
        "__metadata__": {"made": "by hand"},
        "halves": {"dtype": "F16", "shape": [256, 256], "data_offsets": [16, 16 + (1 << 17)]},
        "numbers": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
    }
    file = safetensors(header, numbers.tobytes() + halves.tobytes())
    said = page.run("(bytes) => Object.fromEntries(readSafetensors(bytes.buffer))", file)
    assert set(said) == {"halves", "numbers"} and said["halves"]["shape"] == [256, 256]
    assert said["numbers"]["values"].tobytes() == numbers.tobytes()
    np.testing.assert_array_equal(said["halves"]["values"], halves.view(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (b"", "not a safetensors file, or cut off: its header does not fit into 0 bytes"),
        (b"1234567", "its header does not fit into 7 bytes"),
        (struct.pack("<Q", 2**63) + b"{}", "its header does not fit into 10 bytes"),
        (struct.pack("<Q", 3) + b"{}", "its header does not fit into 10 bytes"),
        (safetensors(b"{'a': 1}"), "its header is not a JSON object"),
        (safetensors(b"\xff\xfe{}"), "its header is not a JSON object"),
        (safetensors([1]), "its header is not a JSON object"),
        (safetensors({"a": None}), "a is of undefined, takes F16 or F32"),
        (safetensors(entry(dtype="I64")), "a is of I64, takes F16 or F32"),
        (safetensors(entry(dtype="constructor")), "a is of constructor, takes F16 or F32"),
        (safetensors(entry(shape=[-2])), "a has a shape or data_offsets that are not whole numbers"),
        (safetensors(entry(shape=[1.5])), "a has a shape or data_offsets that are not whole numbers"),
        (safetensors(entry(shape={})), "a has a shape or data_offsets that are not whole numbers"),
        (safetensors(entry(offsets=[0])), "a has a shape or data_offsets that are not whole numbers"),
        (safetensors(entry(offsets=[-8, 0])), "a has a shape or data_offsets that are not whole numbers"),
        (safetensors(entry(), bytes(7)), "a lies at bytes 0 to 8 of 7, takes 8 bytes for [2]; is the file cut off?"),
        (safetensors(entry(shape=[3]), bytes(8)), "a lies at bytes 0 to 8 of 8, takes 12 bytes for [3]"),
        (safetensors(entry(offsets=[8, 0]), bytes(8)), "a lies at bytes 8 to 0 of 8"),
        (safetensors(entry(shape=[2**50, 2**50]), bytes(8)), "a lies at bytes 0 to 8 of 8"),
    ],
)
def test_a_file_that_holds_no_weights_says_why(page: ComputePage, file: bytes, says: str) -> None:
    said = page.run("(bytes) => readSafetensors(bytes.buffer)", file)
    assert said["name"] == "Error" and said["error"].startswith("weights: ") and says in said["error"]


def without(file: bytes, name: str) -> bytes:
    """The same weights, one of another name."""
    return file.replace(f'"{name}"'.encode(), f'"{name[:-1]}_"'.encode())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"backbone": WEIGHTS["backbone"][:-1]}, "is the file cut off?"),
        ({"backbone": WEIGHTS["rpnHead"]}, "weights: there is no features.0.weight; are they from another network?"),
        ({"rpnHead": without(WEIGHTS["rpnHead"], "conv.bias")}, "weights: there is no conv.bias"),
        ({"rpnHead": WEIGHTS["roiHead"]}, "weights: conv.weight has the shape [64, 512, 1, 1], takes [any, any, 3, 3]"),
    ],
)
def test_weights_of_another_network_are_refused(page: ComputePage, changed: dict[str, bytes], says: str) -> None:
    said = page.run(
        """async (given, image, grid) => {
          const other = new Network(async () => ({ ...weights, ...Object.fromEntries(
            Object.entries(given).map(([name, bytes]) => [name, bytes.buffer])) }));
          try {
            return await other.lookAt({ image, imageSize: grid.imageSize }, grid);
          } finally {
            other.close();
          }
        }""",
        *(changed, np.zeros((64, 64, 3), np.uint8), as_grid(Grid.floor((64, 64)))),
    )
    assert says in said["error"]


def test_weights_that_are_not_finite_are_refused(page: ComputePage) -> None:
    file = safetensors(entry(), np.array([1, np.nan], np.float32).tobytes())
    said = page.run('(bytes) => tensorOf(readSafetensors(bytes.buffer), "a", [2])', file)
    assert said["error"] == "weights: a is not finite"
