"""The compiled kernel that is committed: of the conv.c that is there, and as its tool writes it."""

from __future__ import annotations

import base64
import re

import pytest

from tools.kernel import __main__ as kernel


def committed() -> tuple[str, dict[str, bytes]]:
    """The digest in the module, and the two binaries."""
    text = kernel.MODULE.read_text(encoding="utf-8")
    (digest,) = re.findall(r'SOURCE_SHA256 = "([0-9a-f]{64})"', text)
    found = re.findall(r'^export const (\w+) =\n  "([\w+/=]+)";$', text, re.MULTILINE)
    return digest, {name: base64.b64decode(data) for name, data in found}


def test_it_was_compiled_from_the_source_that_is_there() -> None:
    assert committed()[0] == kernel.source_digest(), "conv.c has changed: run python -m tools.kernel"


def test_the_module_is_as_its_tool_writes_it() -> None:
    digest, binaries = committed()
    assert list(binaries) == list(kernel.FEATURES)
    assert kernel.MODULE.read_text(encoding="utf-8") == kernel.module(digest, binaries)


def sections(binary: bytes) -> dict[int, bytes]:
    """The sections of a WebAssembly module by their number."""
    assert binary[:8] == b"\0asm\1\0\0\0"
    found, at = {}, 8
    while at < len(binary):
        number, length, shift = binary[at], 0, 0
        at += 1
        while True:
            byte = binary[at]
            length |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                break
        found[number], at = binary[at : at + length], at + length
    return found


@pytest.mark.parametrize("name", list(kernel.FEATURES))
def test_it_takes_nothing_from_outside_and_gives_four_things(name: str) -> None:
    binary = committed()[1][name]
    found = sections(binary)
    assert 2 not in found, "it imports something"
    names = (b"\x06memory", b"\x04conv", b"\x08winograd", b"\x04pool")
    assert found[7][0] == len(names) and all(name in found[7] for name in names)
    assert len(binary) < 5000


def test_the_two_are_not_one() -> None:
    binaries = committed()[1]
    assert binaries["SIMD"] != binaries["FUSED"]
