"""README, CONTRIBUTING and docs/: every link leads somewhere, every command exists, every number has its table."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

import rpnviz

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")]
PAGES += [ROOT / "tools" / "scenes" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]*(?:\([^()]*\)[^()\s]*)*)\)")
NUMBER = re.compile(r"\d[\d,]*\.?\d*")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def prose(page: Path) -> str:
    """A page without its blocks of code: what looks like a link there is none."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^    .*$", "", text, flags=re.MULTILINE)


class _Images(HTMLParser):
    """The pictures of a page that stand in it as HTML: their words and files."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.feed(text)
        words = next((words for _, words, _ in self.found if words), "")
        self.found = [(kind, said or words, file) for kind, said, file in self.found]  # a source has its picture's

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("img", "source"):
            self.found.append(("!", named.get("alt") or "", named.get("src") or named.get("srcset") or ""))


def links(page: Path) -> list[tuple[str, str, str]]:
    """("!" for a picture, words, target) of all links and pictures of a page."""
    text = prose(page)
    return [*LINK.findall(text), *_Images(text).found]


def anchors(page: Path) -> set[str]:
    """What a link to a heading of a page may say, the way GitHub makes it."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(path: Path) -> bool:
    """Whether a file or folder exists under exactly this name: some systems do not mind the case."""
    return path.exists() and (path == ROOT or path.name in {other.name for other in path.parent.iterdir()})


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for is_image, words, target in links(page):
        assert words.strip(), target
        if re.match(r"https://", target):
            assert not is_image, f"{target}: a picture of another host"
            continue
        path, _, fragment = target.partition("#")
        goal = (page.parent / unquote(path)).resolve() if path else page
        assert is_there(goal) and goal.is_relative_to(ROOT), f"{page.name}: {target}"
        if fragment:
            assert goal.suffix == ".md" and fragment in anchors(goal), f"{page.name}: {target}"
        if is_image:
            assert len(words) > 20, f"{target}: its words must do for those who do not see it"


def test_links_are_found() -> None:
    assert len(links(ROOT / "README.md")) > 15
    assert len(links(ROOT / "docs" / "teaching.md")) > 50
    assert [target for kind, _, target in links(ROOT / "README.md") if kind] == [
        "docs/explorer-still.webp",
        "docs/explorer.webp",
    ]


@every_page
def test_files_and_commands_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    for path in re.findall(r"`((?:rpnviz|tests|tools|docs|data|benchmarks|notebooks)/[\w./-]+?)/?`", text):
        if not re.search(r"N(N|AME)", path):
            assert is_there(ROOT / path), f"{page.name}: {path}"
    for module in re.findall(r"python -m ((?:tools|benchmarks|rpnviz)[\w.]*)", text):
        assert importlib.util.find_spec(module), f"{page.name}: python -m {module}"
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^    )make ([a-z]+)", text, re.MULTILINE)) <= targets, page.name


def test_contributing_names_every_target_that_is_for_people() -> None:
    told = re.findall(r"^# make ([a-z]+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert set(re.findall(r"^    make ([a-z]+)", text, re.MULTILINE)) == set(told)


def test_numbers_of_the_readme_are_those_of_the_tables() -> None:
    readme, tables = (path.read_text("utf-8") for path in (ROOT / "README.md", ROOT / "docs" / "measured.md"))
    section = readme.split("## What is measured")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+) \|$", section, re.MULTILINE)
    numbers = {number for row in rows for number in NUMBER.findall(row) if "." in number}
    assert len(numbers) > 8
    assert numbers <= set(NUMBER.findall(tables))


def test_citation_says_what_the_package_says() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(cited)
    assert cited["version"] == rpnviz.__version__
    assert cited["license"] == project["license"]
    assert not {"doi", "url", "repository-code"} & set(cited), "there is no address yet"
    bibtex = (ROOT / "README.md").read_text("utf-8").split("@software")[1]
    assert f"title = {{{cited['title']}}}" in bibtex and f"version = {{{cited['version']}}}" in bibtex
    assert cited["authors"][0]["name"] in bibtex
