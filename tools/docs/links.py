"""Put links to the glossary into Markdown: each term where it is used first, and no other words are changed.

A word counts as used in prose alone: not in code, a formula, a heading, a table, a link or a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tools.docs.terms import Term

PAGE, SHEET = "glossary.ipynb", "formulas.ipynb"
NO_PROSE = re.compile(
    r"""
    ^[ ]{0,3}(```|~~~).*?(?:^[ ]{0,3}\1|\Z)       # a block of code,
    | (?<=\n\n)(?:(?:[ ]{4}|\t).*(?:\n|\Z))+     # also one that is told by its indent
    | \$\$.*?\$\$                                # a formula
    | ^[ ]{0,3}\#{1,6}[ ].*?$                    # a heading
    | ^[ ]*\|.*?$                                # a row of a table
    | (`+)(?!`).*?(?<!`)\2(?!`)                  # code in a line
    | \$(?!\s)[^$\n]*?(?<!\s)\$                  # a formula in a line
    | !?\[(?:[^\[\]]|\[[^\]]*\])*\]\([^()]*(?:\([^()]*\)[^()]*)*\)  # a link or a picture
    | <summary>.*?</summary> | <!--.*?--> | </?[a-zA-Z][^<>]*>
    | https?://\S+
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
OWN = re.compile(rf'\[([^\[\]]+)\]\((?:{re.escape(PAGE)})?#[^\s()]+ "(?:[^"\\]|\\.)*"\)')


@dataclass(frozen=True)
class Use:
    """A term in a text, from `start` to `end`."""

    term: Term
    start: int
    end: int


def unlink(text: str) -> str:
    """Take the links to the glossary out of a text again."""
    return OWN.sub(r"\1", text)


def uses(text: str, terms: Sequence[Term]) -> Iterator[Use]:
    """Every use of a term in the prose of a text without links, in order; of two that overlap the longer one."""
    by_form = {form.lower(): term for term in terms for form in term.forms}
    if not by_form:
        return
    prose = NO_PROSE.sub(lambda found: re.sub(r"[^\n]", "\0", found[0]), text)
    elsewhere = {term.name: list(_spans(prose, term.excepted)) for term in terms if term.excepted}
    for found in _pattern(terms).finditer(prose):
        term = by_form[re.sub(r"\s+", " ", found[0]).lower()]
        if not any(start < found.end() and found.start() < end for start, end in elsewhere.get(term.name, [])):
            yield Use(term, found.start(), found.end())


def link_first_uses(texts: Iterable[str], terms: Sequence[Term], page: str = PAGE, known: str = "") -> list[str]:
    """Link each term where it is used first in a row of texts.

    Args:
        texts: Markdown; links to the glossary that are in it are made anew.
        terms: those to link.
        page: the file of the glossary, as a link from there names it.
        known: the term that is never linked: the one that the texts explain.
    """
    linked = {known}
    done = []
    for text in map(unlink, texts):
        made, end = "", 0
        for use in uses(text, terms):
            if use.term.name in linked:
                continue
            linked.add(use.term.name)
            words = text[use.start : use.end]
            made += f"{text[end : use.start]}[{words}]({page}#{use.term.fragment} {use.term.title})"
            end = use.end
        done.append(made + text[end:])
    return done


def _spans(text: str, phrases: Iterable[str]) -> Iterator[tuple[int, int]]:
    for phrase in phrases:
        words = r"\s+".join(map(re.escape, phrase.split()))
        yield from (found.span() for found in re.finditer(words, text))


def _pattern(terms: Sequence[Term]) -> re.Pattern[str]:
    """All forms, the longest first: a first letter may be large, words may stand on two lines."""
    forms = sorted({form for term in terms for form in term.forms}, key=len, reverse=True)
    return re.compile(rf"(?<![\w@./\\-])(?:{'|'.join(map(_as_written, forms))})(?![\w@]|[-./]\w)")


def _as_written(form: str) -> str:
    first, rest = form[0], re.escape(form[1:]).replace(r"\ ", r"\s+")
    return (f"[{first}{first.upper()}]" if first.islower() else re.escape(first)) + rest
