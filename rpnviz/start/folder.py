"""Put the notebooks into a learner's folder. What she has changed there is never overwritten."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from rpnviz import __version__
from rpnviz._files.atomic import write_whole
from rpnviz._files.data import notebooks_folder

RECORD = ".rpnviz.json"  # in the folder: the hash of each notebook as it was put there
FIRST = "00_nine_anchors.ipynb"


@dataclass(frozen=True)
class Fate:
    """What became of a notebook.

    Attributes:
        name (str): of the file.
        what (str): "new", "updated", "same", "yours" (changed by the learner, and this version has nothing newer) or
            "beside" (changed by her, and the newer one was put beside it).
        beside (str): the name of the newer one.
        cells (tuple[int, int]): of its cells, how many differ from hers, and how many there are.
    """

    name: str
    what: str
    beside: str = ""
    cells: tuple[int, int] = (0, 0)


def put_notebooks(folder: Path) -> list[Fate]:
    """Put every notebook of the series into a folder, which is made if it is missing.

    A notebook that is there and is as it was put there is replaced by this version's. One that was changed stays: what
    this version has instead is put beside it, under a name with the version.

    Args:
        folder: the learner's.

    Returns:
        What became of each, in the order of the series.

    Raises:
        NotADirectoryError: if the folder is a file.
        FileExistsError: if it is a package of Python's, such as that of a checkout.
        OSError: if it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; name a folder for the notebooks")
    if (folder / "__init__.py").exists():
        raise FileExistsError(f"{folder} holds a Python package; name another folder for the notebooks")
    known = _read_record(folder)
    fates = []
    for source in sorted(notebooks_folder().glob("*.ipynb")):
        content = source.read_bytes()
        fates.append(_put(folder / source.name, content, known.get(source.name, "")))
        known[source.name] = _hash(content)
    write_whole(folder / RECORD, json.dumps(known, indent=1).encode())
    return fates


def _put(target: Path, content: bytes, known: str) -> Fate:
    """Put one notebook; `known` is the hash of what was put there before, "" if nothing was."""
    if not target.exists():
        write_whole(target, content)
        return Fate(target.name, "new")
    there = target.read_bytes()
    if there == content:
        return Fate(target.name, "same")
    if _hash(there) == known:
        write_whole(target, content)
        return Fate(target.name, "updated")
    if _hash(content) == known:
        return Fate(target.name, "yours")
    beside = target.with_name(f"{target.stem} ({__version__}){target.suffix}")
    if beside.exists() and beside.read_bytes() != content:  # hers, too, by now
        return Fate(target.name, "yours")
    write_whole(beside, content)
    return Fate(target.name, "beside", beside.name, count_differences(there, content))


def count_differences(theirs: bytes, ours: bytes) -> tuple[int, int]:
    """Return how many of our cells have no cell of the same text in theirs, and how many we have.

    Args:
        theirs: a notebook, or what a learner has made of it.
        ours: a notebook.
    """
    texts = _texts(ours)
    known = set(_texts(theirs))
    return sum(text not in known for text in texts), len(texts)


def _texts(notebook: bytes) -> list[str]:
    try:
        return ["".join(cell["source"]) for cell in json.loads(notebook)["cells"]]
    except (ValueError, LookupError, TypeError):  # no notebook any more
        return []


def _read_record(folder: Path) -> dict[str, str]:
    try:
        known = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):  # none, or damaged: then every notebook that differs counts as changed
        return {}
    return {str(name): str(one) for name, one in known.items()} if isinstance(known, dict) else {}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
