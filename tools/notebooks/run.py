"""Execute the notebooks in fresh kernels without a network, and write them back the way they are committed.

    python -m tools.notebooks.run              every notebook of notebooks/
    python -m tools.notebooks.run 00 03        only those whose names start so
    python -m tools.notebooks.run --check      execute in memory, write nothing

A written notebook keeps its pictures (image/png) and sentences (text/plain) and loses what cannot be shown without a
kernel (widget views, widget state) and what changes from run to run (timestamps, versions). An explorer that goes on
after it was shown, such as a training, leaves the picture of where it came to, as its view would. Exit status: 0 when
every notebook ran clean, 1 when one had an error, wrote to stderr or showed a widget that brings no picture for readers
without a kernel (that notebook is not written), 2 for a wrong call.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from rpnviz.site.running import WIDGET_VIEW, execute

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def clean(notebook: NotebookNode) -> None:
    """Take out of an executed notebook what needs its kernel and what differs between two runs."""
    notebook["metadata"] = METADATA  # NotebookNode makes its own copy
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    used: set[str] = set()
    for cell in notebook.cells:
        cell["id"] = _stable_id(cell, used)
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET_VIEW, None)
            output.get("metadata", {}).pop(WIDGET_VIEW, None)
        cell.outputs = [o for o in cell.outputs if o.get("data", True)]


def _stable_id(cell: NotebookNode, used: set[str]) -> str:
    """Keep the cell's own id; where it has none (or a copied one) derive it from the text, so that reruns agree."""
    own = str(cell.get("id") or "")
    repeat = 0
    while not own or own in used:
        own = hashlib.sha256(f"{cell.source}{repeat or ''}".encode()).hexdigest()[:8]
        repeat += 1
    used.add(own)
    return own


def chosen(names: list[str]) -> list[Path]:
    """Return the notebooks whose file names start with one of the given names; all of them for no names."""
    every = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    found = [p for p in every if not names or any(p.name.startswith(Path(n).name) for n in names)]
    missing = [n for n in names if not any(p.name.startswith(Path(n).name) for p in every)]
    if missing or not found:
        have = ", ".join(p.stem for p in every) or "none"
        raise ValueError(f"no notebook starts with {', '.join(missing) or 'NN_'}; notebooks/ has: {have}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="how a notebook's file name starts, as in 00")
    parser.add_argument("--check", action="store_true", help="execute in memory, write nothing")
    options = parser.parse_args(arguments)
    try:
        paths = chosen(options.names)
    except ValueError as error:
        parser.error(str(error))
    failed = 0
    for path in paths:
        started = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        wrong = execute(notebook, path.parent)
        if not wrong and not options.check:
            clean(notebook)
            nbformat.write(notebook, path)
        failed += bool(wrong)
        verdict = "FAILED" if wrong else "ran clean" if options.check else "written"
        print(f"{path.name}: {verdict}, {time.perf_counter() - started:.1f} s", flush=True)
        for line in wrong:
            print("   ", line.replace("\n", "\n    "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
