"""Write the sources of the site and let Sphinx make pages of them."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Collection
from importlib.metadata import metadata
from pathlib import Path

import nbformat
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
from tqdm import tqdm

from rpnviz._files.data import notebooks_folder
from rpnviz.site import licences, scripts
from rpnviz.site.executed import PACKAGE, Executed, as_committed, run
from rpnviz.site.outputs import as_pages_need
from rpnviz.site.policy import guard

HERE = Path(__file__).parent
PAGE, SHEET = "glossary.ipynb", "formulas.ipynb"  # they hold no code
TO_SHEETS = f"Words: the [glossary]({PAGE}). Formulas: the [formula sheet]({SHEET})."
DRAWERS = {"sidebar-drawer": "All pages", "toc-drawer": "On this page"}
INDEX = """# {question}

{answer}

{explorer}

{overview}
## The series

{map}

{sheets}

## Run it yourself

{start}

## What this is

{what}

<p><a href="licences.txt">Licences</a> of what these pages are made with.</p>

```{{toctree}}
:hidden:

{names}
```
"""


def build(target: Path, kept: Path, moving: Collection[Path] | None = None, strict: bool = True) -> None:
    """Build the site.

    Args:
        target: the folder; what was in it is removed. It comes into its place when it is whole.
        kept: a folder for the executed notebooks, which the next build takes from there.
        moving: the notebooks that are executed and whose explorers move; the others are shown as they were committed.
            None for all.
        strict: whether a word on stderr in a notebook, or of Sphinx, stops the build.

    Raises:
        RuntimeError: if a notebook goes wrong, or Sphinx; if strict, also if Sphinx finds something to warn of, a dead
            link for one.
    """
    executed = {}
    bar = tqdm(lessons(), unit="notebook", disable=None)
    for path in bar:
        bar.set_description(path.stem)
        executed[path] = run(path, kept, strict) if moving is None or path in moving else as_committed(path)
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=kept, ignore_cleanup_errors=True) as folder:
        source, made = Path(folder, "source"), Path(folder, "made")  # MyST-NB writes beside the latter
        _write_sources(source, executed)
        _run_sphinx(source, made, strict)
        _adjust(made)
        licences.write(made)
        guard(made)
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, target)


def lessons() -> list[Path]:
    """Return the notebooks of the series, in its order; the glossary and the formula sheet are none of them."""
    return sorted(notebooks_folder().glob("[0-9][0-9]_*.ipynb"))


def _run_sphinx(source: Path, made: Path, strict: bool) -> None:
    """Not by Sphinx's command line, which takes Ctrl-C for itself."""
    static = {"html_static_path": [str(source / "static")]}
    with patch_docutils(HERE), docutils_namespace():
        sphinx = Sphinx(
            source,
            HERE,
            made,
            made.with_name("doctrees"),
            "html",
            static,
            status=None,
            warning=sys.stderr if strict else None,
            warningiserror=strict,
        )
        sphinx.build(force_all=True)
    if sphinx.statuscode:
        raise RuntimeError("Sphinx could not build the site; its words are above")


def _adjust(folder: Path) -> None:
    """Change what the theme writes.

    Its drawers and their switches get names, and places in a screen reader's list of regions. A page does not name the
    next one in its head: Firefox would fetch that ahead, which the policy forbids, and the foot has the link.
    """
    for path in folder.glob("*.html"):
        page = re.sub(r'<link rel="next"[^>]*>', "", path.read_text("utf-8"))
        for drawer, name in DRAWERS.items():
            page = page.replace(f'<aside class="{drawer}', f'<aside aria-label="{name}" class="{drawer}')
        path.write_text(page, encoding="utf-8")


def _write_sources(source: Path, executed: dict[Path, Executed]) -> None:
    static = source / "static"
    (static / "data").mkdir(parents=True)
    scripts.write(static)
    sheets = [notebooks_folder() / name for name in (PAGE, SHEET)]
    for path, one in {**executed, **{path: as_committed(path) for path in sheets}}.items():
        notebook = as_pages_need(one, static)
        nbformat.write(notebook, source / path.name)
        for file in one.files.glob("*.js"):
            shutil.copy(file, static / "data")
    (source / "index.md").write_text(_index(source, list(executed)), encoding="utf-8")


def _index(source: Path, paths: list[Path]) -> str:
    readme = _readme()
    page = nbformat.read(source / paths[0].name, as_version=4)
    explorer = next(html for cell in page.cells for html in _html(cell) if "rpnviz-still" in html)
    return INDEX.format(
        question=re.sub(r"^# (\d\d · )?", "", page.cells[0].source.splitlines()[0]),
        answer=page.cells[0].source.split("\n\n")[1],
        explorer=explorer,
        overview=_overview(page),
        map=_map(page.cells[-1].source, paths[0]),
        sheets=TO_SHEETS,
        start=_section(readme, "Start"),
        what=_opening(readme),
        names="\n".join(Path(one).stem for one in [*map(str, paths), PAGE, SHEET]),
    )


def _readme() -> str:
    """README.md of a checkout; an installed package has it as its description."""
    if notebooks_folder().parent == PACKAGE:
        return metadata("rpnviz")["Description"]
    return (PACKAGE.parent / "README.md").read_text("utf-8")


def _overview(page: nbformat.NotebookNode) -> str:
    """The whole on one page, as the first notebook has it; nothing while it has none."""
    found = [html for cell in page.cells for html in _html(cell) if 'data-view="overview/view.js"' in html]
    return f"## The whole on one page\n\n{found[0]}\n" if found else ""


def _map(last_cell: str, first: Path) -> str:
    """The table of the series that ends the first notebook, whose own row has no link there."""
    lines = [line for line in last_cell.splitlines() if line.startswith("|")]
    return "\n".join(lines).replace("**00** this one", f"[00]({first.name})")


def _html(cell: nbformat.NotebookNode) -> list[str]:
    return [output["data"]["text/html"] for output in cell.get("outputs", []) if "text/html" in output.get("data", {})]


def _opening(markdown: str) -> str:
    """The paragraphs before the first section: no heading, comment or picture."""
    paragraphs = re.sub(r"<!--.*?-->", "", markdown.partition("\n## ")[0], flags=re.DOTALL).split("\n\n")
    words = [one.strip() for one in paragraphs if one.strip() and not re.match(r"\s*(#|!\[|\[!\[|<)", one)]
    if not words:
        raise ValueError("README.md says nothing before its first section")
    return "\n\n".join(words)


def _section(markdown: str, heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)^## ", markdown, re.DOTALL | re.MULTILINE)
    if not found:
        raise ValueError(f"README.md has no section {heading!r}")
    return found[1].strip("\n")  # a block of code may come first
