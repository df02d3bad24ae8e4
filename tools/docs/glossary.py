"""Write the glossary and the formula sheet, and link each term where a notebook first uses it.

Run it when the words of a notebook have changed:

    python -m tools.docs.glossary            write glossary.ipynb, formulas.ipynb and the links
    python -m tools.docs.glossary --check    write nothing; say what is not as it should be
    python -m tools.docs.glossary --report   write nothing; list the terms that a notebook uses before it explains them

The terms are those of glossary.toml, the formulas those of formulas.py. Links that are there are made anew, so that it
can be run again and again; outputs stay as they are. Exercise cells are left alone: `make exercises` makes them.

Exit status: 0 when all is as it should be (now), 1 when --check found what is not, 2 for a term whose section is gone.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from tools.docs.formulas import sheet
from tools.docs.links import PAGE, SHEET, link_first_uses, unlink, uses
from tools.docs.terms import Term, fragment, read_terms
from tools.notebooks.run import METADATA, NOTEBOOKS

OPENING = f"""# Glossary

The words of this series, in the order in which data flows through the network. In the notebooks each word is a link
where it is used first: point at it to read its sentence, or follow it to its entry here.

Formulas are on the [formula sheet]({SHEET}). The way back to the lessons: [00 How do nine anchors come out of a 3×3
window?](00_nine_anchors.ipynb)"""
WORDS = """## The same thing in other words

The paper is *Faster R-CNN* (arXiv 1506.01497). Where a column is empty, we know of no fixed word.

| here | the paper | torchvision | elsewhere |
|---|---|---|---|
{rows}"""


def lessons(folder: Path) -> dict[str, Path]:
    """The notebooks of the series by their numbers."""
    return {path.name[:2]: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}


def has_terms(cell: NotebookNode) -> bool:
    """Whether the terms of a cell are linked: of prose, but not of an exercise, which has another source."""
    return bool(cell.cell_type == "markdown" and not cell.id.startswith("my_"))


def with_links(notebook: NotebookNode, number: str, terms: list[Term]) -> NotebookNode:
    """Link the terms in a notebook of that number; changed in place."""
    cells = [cell for cell in notebook.cells if has_terms(cell)]
    known = [term for term in terms if term.is_linked_in(number)]
    for cell, text in zip(cells, link_first_uses([cell.source for cell in cells], known), strict=True):
        cell.source = text
    return notebook


def section(notebook: NotebookNode, number: str) -> tuple[str, str]:
    """Heading and prose of a section, told by its number; ("", "") if there is none."""
    prose = "\n\n".join(unlink(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.search(rf"^## ({number} · .*?)$(.*?)(?=^## |\Z)", prose, re.DOTALL | re.MULTILINE)
    return (found[1], found[2]) if found else ("", "")


def glossary(terms: list[Term], folder: Path) -> NotebookNode:
    """The page, made for the notebooks of a folder.

    Raises:
        ValueError: if a section that explains a term is gone, or does not use it any more.
    """
    notebooks = {number: nbformat.read(path, as_version=4) for number, path in lessons(folder).items()}
    cells = [v4.new_markdown_cell(OPENING, id="opening"), v4.new_markdown_cell(_index(terms), id="index")]
    for number, (group, members) in enumerate(groupby(terms, key=lambda term: term.group), 1):
        entries = [_entry(term, terms, notebooks, folder) for term in members]
        text = "\n\n".join([f"## {group}", *entries])
        cells.append(v4.new_markdown_cell(text, id=f"group-{number}"))
    rows = "\n".join(_row(term) for term in terms if term.paper or term.torchvision or term.also)
    cells.append(v4.new_markdown_cell(WORDS.format(rows=rows), id="words"))
    page: NotebookNode = v4.new_notebook(cells=cells, metadata=METADATA)
    return page


def _index(terms: list[Term]) -> str:
    ordered = sorted(terms, key=lambda term: term.name.lower())
    return " · ".join(f"[{term.name}](#{term.fragment})" for term in ordered)


def _entry(term: Term, terms: list[Term], notebooks: dict[str, Any], folder: Path) -> str:
    number, _, part = term.where.partition(".")
    heading, text = section(notebooks[number], part) if number in notebooks else ("", "")
    if not heading:
        raise ValueError(f"glossary.toml: {term.name} is explained in {term.where}, and there is no such section")
    if not any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", heading + text, re.IGNORECASE) for form in term.forms):
        raise ValueError(f"glossary.toml: {term.name} is explained in {term.where}, which does not use the word")
    (sentence,) = link_first_uses([term.sentence], terms, page="", known=term.name)
    place = f"[{number}, section {part}]({lessons(folder)[number].name}#{fragment(heading)})"
    said = [("Paper", term.paper), ("torchvision", term.torchvision), ("also", term.also), ("explained in", place)]
    return f"### {term.name}\n\n{sentence}\n\n" + " · ".join(f"*{who}:* {words}" for who, words in said if words)


def _row(term: Term) -> str:
    return f"| [{term.name}](#{term.fragment}) | {term.paper} | {term.torchvision} | {term.also} |"


def used_too_early(terms: list[Term], folder: Path) -> Iterator[tuple[Term, str, str]]:
    """Terms that a notebook uses before the one that explains them: term, first notebook, the line of its first use."""
    for term in terms:
        for number, path in lessons(folder).items():
            if number >= term.where[:2]:
                break
            cells = nbformat.read(path, as_version=4).cells
            texts = [unlink(cell.source) for cell in cells if has_terms(cell) and number not in term.not_in]
            found = [(text, use) for text in texts for use in uses(text, terms) if use.term == term]
            if found:
                text, use = found[0]
                line = text[text.rfind("\n", 0, use.start) + 1 :].split("\n")[0]
                yield term, number, line
                break


def written(folder: Path) -> dict[Path, str]:
    """Return each file as it should be.

    Raises:
        ValueError: as `glossary`.
    """
    terms = read_terms()
    files = {folder / PAGE: glossary(terms, folder), folder / SHEET: sheet(terms)}
    for number, path in lessons(folder).items():
        files[path] = with_links(nbformat.read(path, as_version=4), number, terms)
    return {path: nbformat.writes(notebook) + "\n" for path, notebook in files.items()}


def main(arguments: list[str] | None = None, folder: Path = NOTEBOOKS) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--report", action="store_true", help="list terms that are used before they are explained")
    options = parser.parse_args(arguments)
    if options.report:
        for term, number, line in used_too_early(read_terms(), folder):
            print(f"{term.name}: explained in {term.where}, used in {number}: {line[:100]}")
        return 0
    try:
        files = written(folder)
    except ValueError as error:
        parser.error(str(error))
    stale = {path: text for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        print(f"{path.name}: {'not as the glossary says' if options.check else 'written'}")
        if not options.check:
            path.write_text(text, encoding="utf-8")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
