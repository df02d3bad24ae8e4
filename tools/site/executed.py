"""Execute a notebook for the site, once: kept in runs/site until the notebook, the package or its data change."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from tools.notebooks.run import execute

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "runs" / "site"
SAVE = """import sys, pathlib
sys.path.insert(0, {root!r})
from tools.site import record
record.save(pathlib.Path({folder!r}), {name!r})"""


@dataclass(frozen=True)
class Executed:
    """A notebook with its outputs, and what is known of its explorers by their model ids; `files` holds their data."""

    notebook: NotebookNode
    explorers: dict[str, dict[str, Any]]
    files: Path


def run(path: Path) -> Executed:
    """Return the executed notebook, from runs/site if it is there.

    Raises:
        RuntimeError: if a cell goes wrong; says which and how.
    """
    source = nbformat.read(path, as_version=4)
    folder = KEPT / f"{path.stem}-{_key(source)}"
    if not (folder / "executed.ipynb").exists():
        for old in KEPT.glob(f"{path.stem}-*"):
            shutil.rmtree(old)
        save = SAVE.format(root=str(ROOT), folder=str(folder), name=path.stem)
        source.cells.append(v4.new_code_cell(save))
        wrong = execute(source, path.parent)
        if wrong:
            raise RuntimeError("\n".join([f"{path.name}:", *wrong]))
        source.cells.pop()
        source.metadata.pop("widgets", None)  # record.py has written what they hold
        nbformat.write(source, folder / "executed.ipynb")
    return Executed(
        nbformat.read(folder / "executed.ipynb", as_version=4),
        json.loads((folder / "explorers.json").read_text("utf-8")),
        folder,
    )


def as_committed(path: Path) -> Executed:
    """Return the notebook as it was committed: with pictures, and no explorer moves."""
    return Executed(nbformat.read(path, as_version=4), {}, path.parent)


def _key(notebook: NotebookNode) -> str:
    """Name what a run depends on: the cells, the package's Python, its data, the libraries; not the page code."""
    parts = hashlib.sha256(" ".join(sorted(f"{d.name} {d.version}" for d in distributions())).encode())
    for cell in notebook.cells:
        parts.update(f"{cell.cell_type}\0{cell.source}\0".encode())
    ours = [*(ROOT / "rpnviz").rglob("*.py"), ROOT / "tools" / "site" / "record.py"]
    for path in sorted([*ours, *(p for p in (ROOT / "data").rglob("*") if p.is_file())]):
        parts.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return parts.hexdigest()[:16]
