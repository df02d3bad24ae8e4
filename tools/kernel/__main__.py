"""Compile conv.c to WebAssembly and write it into the page's code, compute/kernel.js.

python -m tools.kernel            compile and write
python -m tools.kernel --check    compile, and say whether the module that is there holds just that

Needed by those who change conv.c only: `pip install -e ".[kernel]"` first, a C compiler of 400 MB. It is compiled
twice, as plain SIMD and with fused multiply-add; the page takes the second where the browser has it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).parent / "conv.c"
ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = ROOT / "rpnviz" / "explorers" / "common" / "compute" / "kernel.js"
FEATURES = {"SIMD": ["-msimd128"], "FUSED": ["-msimd128", "-mrelaxed-simd"]}
# -ffast-math lets sums be taken in any order and fused. The memory is exported, and grows as the page asks; the stack
# is hardly used.
FLAGS = [
    *("-target", "wasm32-freestanding", "-O3", "-ffast-math", "-nostdlib"),
    *("-Wl,--no-entry", "-Wl,--export-memory", "-Wl,--strip-all"),
    *("-Wl,--initial-memory=1048576", "-Wl,-z,stack-size=16384"),
]
HEAD = """\
// @ts-check
// Written by `python -m tools.kernel`, do not edit: tools/kernel/conv.c as WebAssembly, in base64.

/** SHA-256 of the conv.c that this was compiled from; a test is red when that has changed and this has not. */
export const SOURCE_SHA256 = "{digest}";
"""
DOCS = {
    "SIMD": "For every browser with WebAssembly SIMD.",
    "FUSED": "With fused multiply-add (relaxed SIMD), for those that have it.",
}


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the module is another")
    options = parser.parse_args()
    text = module(source_digest(), {name: compiled(name) for name in FEATURES})
    if options.check:
        same = MODULE.read_text(encoding="utf-8") == text
        print(f"{MODULE.name} holds {'just' if same else 'something other than'} what conv.c is compiled to.")
        return 0 if same else 1
    MODULE.write_text(text, encoding="utf-8")
    print(f"{MODULE.relative_to(ROOT)}: {len(text):,} bytes")
    return 0


def source_digest() -> str:
    """The SHA-256 of conv.c, whatever its line ends are."""
    return hashlib.sha256(SOURCE.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def compiled(name: str) -> bytes:
    """Compile conv.c with the features of that name.

    Raises:
        SystemExit: if there is no compiler, or it finds fault.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "conv.wasm"
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *FEATURES[name], "-o", str(made), str(SOURCE)]
        if subprocess.run(command).returncode:
            raise SystemExit('Not compiled. The compiler comes with: pip install -e ".[kernel]"')
        return made.read_bytes()


def module(digest: str, binaries: dict[str, bytes]) -> str:
    """Write the module that holds the two."""
    parts = [HEAD.format(digest=digest)]
    for name, binary in binaries.items():
        text = base64.b64encode(binary).decode("ascii")
        parts.append(f'\n/** {DOCS[name]} */\nexport const {name} =\n  "{text}";\n')
    return "".join(parts)


if __name__ == "__main__":
    sys.exit(main())
