"""The words of the series, read from glossary.toml: what the glossary is made of, and the links to it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rpnviz.site.headings import heading_id

SOURCE = Path(__file__).parent / "glossary.toml"
START = "00"  # the notebook that links a few terms only: it is read first, and whole
FIELDS = {"name", "forms", "sentence", "where", "paper", "torchvision", "also", "except", "not_in", "start"}


@dataclass(frozen=True)
class Term:
    """One entry.

    Attributes:
        name: its heading.
        group: the heading of its part of the page.
        sentence: explains it.
        where: notebook and section that explain it, "04.1".
        forms: as it stands in text; the name is the first.
        paper, torchvision, also: other words for it, "" for none; Markdown.
        excepted: phrases in which a form means something else.
        not_in: notebooks in which it always does.
        start: whether notebook 00 links it.
    """

    name: str
    group: str
    sentence: str
    where: str
    forms: tuple[str, ...]
    paper: str
    torchvision: str
    also: str
    excepted: tuple[str, ...]
    not_in: frozenset[str]
    start: bool

    @property
    def fragment(self) -> str:
        """What a link to its entry ends with."""
        return fragment(self.name)

    @property
    def title(self) -> str:
        """Its sentence as the title of a Markdown link."""
        return '"' + self.sentence.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def is_linked_in(self, notebook: str) -> bool:
        """Whether a notebook, told by its number, links the term where it uses it; "" is the glossary itself."""
        return notebook not in self.not_in and (notebook != START or self.start)


def fragment(heading: str) -> str:
    """The end of a link to a heading. No more of it is quoted than Markdown needs: the site takes it as it stands."""
    return re.sub(r"[()<>\s\"%]", lambda found: quote(found[0]), heading_id(heading))


def read_terms(path: Path = SOURCE) -> list[Term]:
    """Read the terms, in the order of the page.

    Raises:
        ValueError: if an entry has an unknown field, or two of them claim the same word.
    """
    terms = [term for group in tomllib.loads(path.read_text("utf-8"))["group"] for term in _of(group)]
    claimed: dict[str, str] = {}
    for term in terms:
        for form in term.forms:
            if claimed.setdefault(form.lower(), term.name) != term.name:
                raise ValueError(f"{path.name}: {form!r} is a form of both {claimed[form.lower()]} and {term.name}")
    return terms


def _of(group: dict[str, Any]) -> Iterator[Term]:
    for entry in group["term"]:
        unknown = set(entry) - FIELDS
        if unknown:
            raise ValueError(f"glossary.toml: {entry.get('name')!r} has a field {', '.join(sorted(unknown))}")
        yield Term(
            name=entry["name"],
            group=group["title"],
            sentence=entry["sentence"],
            where=entry["where"],
            forms=tuple(dict.fromkeys([entry["name"], *entry.get("forms", [])])),
            paper=entry.get("paper", ""),
            torchvision=entry.get("torchvision", ""),
            also=entry.get("also", ""),
            excepted=tuple(entry.get("except", [])),
            not_in=frozenset(entry.get("not_in", [])),
            start=entry.get("start", False),
        )
