"""Execute a notebook for the site, once: it is kept until the notebook, the package, its data or a library change.

    python -m rpnviz.site.executed NOTEBOOK FOLDER [--strict]

In a process of its own, since nbclient takes Ctrl-C for itself.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from rpnviz._files.data import data_folder
from rpnviz.site.running import execute

HERE = Path(__file__).parent
PACKAGE = HERE.parent
WRITTEN = "executed.ipynb"
SAVE = """import pathlib
from rpnviz.site import record
record.save(pathlib.Path({folder!r}), {name!r})"""


@dataclass(frozen=True)
class Executed:
    """A notebook with its outputs, and what is known of its explorers by their model ids; `files` holds their data."""

    notebook: NotebookNode
    explorers: dict[str, dict[str, Any]]
    files: Path


def run(path: Path, kept: Path, strict: bool = True) -> Executed:
    """Return the executed notebook, from `kept` if it is there.

    Args:
        path: of the notebook.
        kept: a folder; what was kept there of another version of the notebook is removed.
        strict: as in `execute`.

    Raises:
        RuntimeError: if a cell goes wrong; says which and how.
    """
    folder = kept / f"{path.stem}-{_key(nbformat.read(path, as_version=4))}"
    if not (folder / WRITTEN).exists():
        kept.mkdir(parents=True, exist_ok=True)
        for old in kept.glob(f"{path.stem}-*"):
            shutil.rmtree(old)
        with tempfile.TemporaryDirectory(prefix="unfinished-", dir=kept, ignore_cleanup_errors=True) as unfinished:
            made = Path(unfinished, "made")
            _run_in_a_process(path, made, strict)
            made.replace(folder)
    return Executed(
        nbformat.read(folder / WRITTEN, as_version=4),
        json.loads((folder / "explorers.json").read_text("utf-8")),
        folder,
    )


def as_committed(path: Path) -> Executed:
    """Return the notebook as it was committed: with pictures, and no explorer moves."""
    return Executed(nbformat.read(path, as_version=4), {}, path.parent)


def _run_in_a_process(path: Path, folder: Path, strict: bool) -> None:
    own = [sys.executable, "-P", "-X", "utf8", "-m", "rpnviz.site.executed"]  # -P: not the files where the user stands
    command = [*own, str(path), str(folder), *(["--strict"] if strict else [])]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        *_, last = ["it ended without a word", *done.stderr.strip().splitlines()]
        raise RuntimeError(f"{path.name}: {done.stdout.strip() or last}")


def _write(path: Path, folder: Path, strict: bool) -> list[str]:
    """Execute, and write notebook and explorers; return what went wrong."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(v4.new_code_cell(SAVE.format(folder=str(folder), name=path.stem)))
    wrong = execute(notebook, path.parent, strict)
    if not wrong:
        notebook.cells.pop()
        notebook.metadata.pop("widgets", None)  # record.py has written what they hold
        nbformat.write(notebook, folder / WRITTEN)
    return wrong


def _key(notebook: NotebookNode) -> str:
    """Name what a run depends on: the cells, the package's Python, its data, the libraries; not how pages are made."""
    parts = hashlib.sha256(" ".join(sorted(f"{d.name} {d.version}" for d in distributions())).encode())
    for cell in notebook.cells:
        parts.update(f"{cell.cell_type}\0{cell.source}\0".encode())
    ours = [path for path in PACKAGE.rglob("*.py") if path.parent != HERE or path.stem in ("record", "running")]
    data = [path for path in data_folder().rglob("*") if path.is_file()]
    for path in sorted([*ours, *data]):
        parts.update(f"{path.relative_to(PACKAGE.parent)}\0".encode() + path.read_bytes())
    return parts.hexdigest()[:16]


if __name__ == "__main__":
    source, target, *options = sys.argv[1:]
    found = _write(Path(source), Path(target), options == ["--strict"])
    print("\n".join(found))
    sys.exit(bool(found))
