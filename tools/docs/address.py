"""Write what follows from the repository's address: the README's badges, and Colab's install cell.

    python -m tools.docs.address            write them
    python -m tools.docs.address --check    say what is not as it should be

The address stands in one place, pyproject.toml:

    [project.urls]
    Repository = "https://github.com/OWNER/NAME"

While it does not stand there, the README shows no badge and the notebooks have no such cell. `make notebooks` then runs
the new cells.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

ROOT = Path(__file__).resolve().parents[2]
GITHUB = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")
BADGES = re.compile(r"(?<=<!-- badges: python -m tools\.docs\.address -->\n).*?(?=<!-- end of badges -->)", re.DOTALL)
TAG = "install"
CELL = """try:
    import rpnviz
except ModuleNotFoundError:  # on Colab, say
    %pip install --quiet "rpnviz @ git+{address}"
"""


def repository(pyproject: Path) -> str:
    """Return the repository's address, "" while there is none.

    Raises:
        ValueError: if it is no repository on GitHub, the only place that Binder's and Colab's links are made for here.
    """
    urls = tomllib.loads(pyproject.read_text("utf-8"))["project"].get("urls", {})
    address = str(urls.get("Repository", ""))
    if address and not GITHUB.fullmatch(address):
        raise ValueError(f"project.urls.Repository must be https://github.com/OWNER/NAME; got {address!r}")
    return address


def badges(address: str) -> str:
    """Markdown that opens notebook 00 on Binder and on Colab; nothing without an address."""
    if not address:
        return ""
    name, first = address.removeprefix("https://github.com/"), "notebooks/00_nine_anchors.ipynb"
    binder = f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/{first}"
    colab = f"https://colab.research.google.com/github/{name}/blob/HEAD/{first}"
    return f"[Open on Binder]({binder}) · [Open on Colab]({colab}): nothing to install.\n"


def with_install_cell(notebook: NotebookNode, address: str) -> NotebookNode:
    """Put the cell that installs the package below the title, or take it out."""
    notebook.cells = [cell for cell in notebook.cells if TAG not in cell.metadata.get("tags", [])]
    if address:
        source = CELL.format(address=address).rstrip()
        cell = v4.new_code_cell(source, id=TAG, metadata={"tags": [TAG]})
        notebook.cells.insert(1, cell)
    return notebook


def written(root: Path) -> dict[Path, str]:
    """Return each file that follows from the address, as it should be.

    Raises:
        ValueError: as `repository`; if the README has lost the place for the badges.
    """
    address, readme = repository(root / "pyproject.toml"), root / "README.md"
    text, places = BADGES.subn(lambda _: badges(address), readme.read_text("utf-8"))
    if places != 1:
        raise ValueError("README.md must have one place for badges, between its two comments")
    files = {readme: text}
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        notebook = with_install_cell(nbformat.read(path, as_version=4), address)
        files[path] = nbformat.writes(notebook) + "\n"
    return files


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    try:
        stale = {path: text for path, text in written(root).items() if path.read_text("utf-8") != text}
    except ValueError as error:
        parser.error(str(error))
    for path, text in stale.items():
        print(f"{path.relative_to(root)}: {'does not follow from the address' if options.check else 'written'}")
        if not options.check:
            path.write_text(text, encoding="utf-8")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
