"""The glossary: every term is explained in plain words, and linked where a notebook first uses it."""

from __future__ import annotations

import re
import shutil
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from markdown_it import MarkdownIt
from nbformat import NotebookNode

from rpnviz.site.headings import heading_id
from tools.docs.glossary import glossary, has_terms, lessons, main, used_too_early, with_links, written
from tools.docs.links import OWN, PAGE, SHEET, uses
from tools.docs.terms import START, Term, read_terms
from tools.notebooks.run import NOTEBOOKS

TERMS = read_terms()
every_notebook = pytest.mark.parametrize("number", lessons(NOTEBOOKS))
every_page = pytest.mark.parametrize("name", [*(path.name for path in lessons(NOTEBOOKS).values()), PAGE, SHEET])
RUN = "run `python -m tools.docs.glossary`"


@cache
def read(name: str) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(NOTEBOOKS / name, as_version=4)
    return notebook


def prose(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def links(text: str) -> list[tuple[str, str]]:
    """Target and title of each link, as a reader of Markdown finds them."""
    tokens = [child for token in MarkdownIt().parse(text) for child in token.children or []]
    found = [token.attrs for token in tokens if token.type == "link_open"]
    return [(str(attrs["href"]), str(attrs.get("title", ""))) for attrs in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the notebooks, with what the tool writes."""
    for path in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, tmp_path)
    assert main([], tmp_path) == 0
    return tmp_path


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_explained_in_one_plain_sentence(term: Term) -> None:
    assert re.fullmatch(r"\S[^.!?;\"\\]*\w\.", term.sentence.replace("62.5", "")) or ";" in term.sentence
    assert len(term.sentence.split()) <= 35
    assert "(" not in term.sentence
    spoken = term.sentence.replace("decoded", "decode")
    assert any(form.lower() in spoken.lower() for form in term.forms), "it says which word it explains"


def test_no_term_is_explained_in_a_circle() -> None:
    uses_of = {term.name: {use.term.name for use in uses(term.sentence, TERMS)} - {term.name} for term in TERMS}
    assert sum(map(len, uses_of.values())) > 40
    TopologicalSorter(uses_of).prepare()


@every_notebook
def test_each_term_is_linked_at_its_first_use(number: str) -> None:
    committed = read(lessons(NOTEBOOKS)[number].name)
    made = with_links(nbformat.read(lessons(NOTEBOOKS)[number], as_version=4), number, TERMS)
    for before, now in zip(prose(committed), prose(made), strict=True):
        assert before == now, RUN


def test_the_pages_are_those_of_the_terms_and_formulas() -> None:
    files = written(NOTEBOOKS)
    for name in (PAGE, SHEET):
        assert (NOTEBOOKS / name).read_text("utf-8") == files[NOTEBOOKS / name], RUN


@every_page
def test_every_link_to_the_glossary_has_its_entry_and_its_sentence(name: str) -> None:
    entries = {heading_id(term.name): term.sentence for term in TERMS}
    found = [link for text in prose(read(name)) for link in links(text)]
    titled = [(target.partition("#")[2], title) for target, title in found if title]
    assert titled or name == lessons(NOTEBOOKS)["00"].name, RUN
    for entry, title in titled:
        assert entries[entry] == title
    headings = {heading for text in prose(read(PAGE)) for heading in re.findall(r"^### (.*)$", text, re.MULTILINE)}
    assert headings == {term.name for term in TERMS}


def test_links_of_the_glossary_lead_to_headings_that_are_there() -> None:
    for target, _ in (link for text in prose(read(PAGE)) for link in links(text)):
        name, _, place = target.partition("#")
        ids = {
            heading_id(heading)
            for text in prose(read(name or PAGE))
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        }
        assert not place or unquote(place) in ids, target


def test_every_term_is_used_somewhere_and_the_first_notebook_links_few(folder: Path) -> None:
    texts = {number: "\n\n".join(prose(nbformat.read(path, 4))) for number, path in lessons(folder).items()}
    linked = {
        number: {target.partition("#")[2] for target, title in links(text) if title} for number, text in texts.items()
    }
    assert {heading_id(term.name) for term in TERMS} <= set().union(*linked.values())
    assert 5 <= len(linked[START]) <= 14
    for text in texts.values():
        targets = [target for target, title in links(text) if title]
        assert len(targets) == len(set(targets)), "once in a notebook"


def test_a_second_run_changes_nothing_and_a_lost_link_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], folder) == 0
    path = lessons(folder)["04"]
    text = path.read_text("utf-8")
    path.write_text(re.sub(r"\[([^\[\]]+)\]\(glossary\.ipynb#[^)]*?\\\"\)", r"\1", text, count=1), encoding="utf-8")
    assert path.read_text("utf-8") != text
    capsys.readouterr()
    assert main(["--check"], folder) == 1
    assert capsys.readouterr().out == f"{path.name}: not as the glossary says\n"
    assert main([], folder) == 0
    assert path.read_text("utf-8") == text


def test_only_words_become_links(folder: Path) -> None:
    for number, path in lessons(folder).items():
        before, after = read(path.name), nbformat.read(path, as_version=4)
        assert len(before.cells) == len(after.cells)
        for old, new in zip(before.cells, after.cells, strict=True):
            assert OWN.sub(r"\1", old.source) == OWN.sub(r"\1", new.source), number
            assert {key: value for key, value in old.items() if key != "source"} == {
                key: value for key, value in new.items() if key != "source"
            }
            assert has_terms(new) or "(glossary.ipynb#" not in new.source


def test_a_section_that_is_gone_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lessons(folder)["04"]
    path.write_text(path.read_text("utf-8").replace("## 1 · One number", "## One number"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"IoU is explained in 04\.1, and there is no such section"):
        glossary(TERMS, folder)
    with pytest.raises(SystemExit) as stopped:
        main(["--check"], folder)
    assert stopped.value.code == 2
    assert "IoU is explained in 04.1" in capsys.readouterr().err


def test_a_section_that_does_not_use_the_word_is_named(tmp_path: Path) -> None:
    for number in sorted({term.where[:2] for term in TERMS}):
        parts = "\n\n".join(f"## {part} · Nothing" for part in range(1, 12))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(parts)])
        nbformat.write(notebook, tmp_path / f"{number}_a.ipynb")
    with pytest.raises(ValueError, match="which does not use the word"):
        glossary(TERMS, tmp_path)


def test_the_report_names_terms_that_come_too_early(folder: Path) -> None:
    early = {term.name: (number, line) for term, number, line in used_too_early(TERMS, folder)}
    assert all(number < next(term for term in TERMS if term.name == name).where for name, (number, _) in early.items())
    assert "k-means" not in early
    assert main(["--report"], folder) == 0
