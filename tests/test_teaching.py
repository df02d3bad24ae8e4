"""The teaching guide: its sections, controls, keys, numbers and plans are those of notebooks and explorers."""

from __future__ import annotations

import ast
import html
import importlib
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from rpnviz.exercises import EXERCISES
from rpnviz.explorers import EXPLORERS as FOLDERS
from rpnviz.explorers import load
from rpnviz.explorers.common.bundle import bundle
from rpnviz.explorers.common.saved_page import SAVED

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "teaching.md").read_text("utf-8")
LESSONS = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))}
PLACE = re.compile(r"\[(\d\d)(?:: ([^\]]+))?\]\(\.\./notebooks/([\w.]+)\)")
CODE = re.compile(r"`([^`]+)`")
KEY = re.compile(r"<kbd>([^<]+)</kbd>")


EXPLORERS = {kind: load(folder) for folder, kind in FOLDERS.items()}


@cache
def text_of(number: str) -> str:
    """All that a lesson says, and all that it printed."""
    notebook = nbformat.read(LESSONS[number], as_version=4)
    printed = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [str(one.get("text", "")) + str(one.get("data", {}).get("text/plain", "")) for one in printed]
    return "\n".join([cell.source for cell in notebook.cells] + texts)


@cache
def shows(kind: str) -> str:
    """The page code of an explorer, with what Python names for its choices."""
    module = EXPLORERS[kind].__module__
    return bundle(EXPLORERS[kind].view) + Path(importlib.import_module(module).__file__ or "").read_text("utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def rows(title: str) -> list[list[str]]:
    """The cells of each row of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


LINES = [line for line in GUIDE.splitlines() if PLACE.search(line)]
every_line = pytest.mark.parametrize("line", LINES, ids=lambda line: re.sub(r"\W+", " ", line)[:40])


@every_line
def test_sections_are_headings_of_their_notebooks(line: str) -> None:
    for number, heading, file in PLACE.findall(line):
        assert LESSONS[number].name == file
        headings = re.findall(r"^#{2,3} (.*)$", text_of(number), re.MULTILINE)
        assert not heading or heading in headings, f"{number}: {heading}"


def uses(number: str, kind: str) -> bool:
    return f"{kind}(" in text_of(number) or (kind == "LinkedExplorer" and "rpnviz.explore(" in text_of(number))


@every_line
def test_controls_and_keys_are_there(line: str) -> None:
    names = CODE.findall(line)
    views = [name for name in names if name in EXPLORERS]
    controls = [name for name in names if name not in EXPLORERS and not name.startswith("my_")]
    for view in views:
        assert any(uses(number, view) for number, _, _ in PLACE.findall(line)), f"{view} is not in that notebook"
    for control in controls:
        text = "".join(map(shows, views))
        assert re.search(rf"[\"'`>]{re.escape(control)} ?[\"'`<]", text), f"{control}: not in {views}"
    for key in KEY.findall(line):
        keys = "".join(re.findall(r'^ +\["([^"]+)", "[^"]+"\],$', "".join(map(shows, views)), re.MULTILINE))
        assert key in keys, f"{key}: not a key of {views}"


@every_line
def test_numbers_are_printed_or_said_in_the_notebook(line: str) -> None:
    plain = PLACE.sub("", line)
    plain = re.sub(r"^\| [\d–]+ \|", "|", plain)  # minutes, days, the belief's number
    plain = re.sub(r"\| \d+ \|", "|", plain)
    numbers = set(re.findall(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?!\w)", html.unescape(plain)))
    said = set(re.findall(r"\d[\d,]*(?:\.\d+)?", "".join(text_of(number) for number, _, _ in PLACE.findall(line))))
    said |= {number.rstrip(",") for number in said}
    for number in {number.rstrip(",") for number in numbers}:
        assert number in said, f"{number} is nowhere in {[number for number, _, _ in PLACE.findall(line)]}"


@pytest.mark.parametrize(("title", "end"), [("A demo in 20 minutes", 20), ("A lecture in 75 minutes", 75)])
def test_minutes_of_a_plan_follow_one_another(title: str, end: int) -> None:
    marks = [tuple(map(int, row[0].split("–"))) for row in rows(title)]
    assert marks[0][0] == 0 and marks[-1][1] == end
    assert all(first[1] == second[0] for first, second in pairwise(marks))
    assert all("?" in row[3] for row in rows(title)), "a row without a question"


def test_the_days_have_every_lesson_its_minutes_and_every_exercise() -> None:
    days = rows("A lesson a day, alone")
    assert [row[0] for row in days] == [str(day) for day in range(1, len(days) + 1)]
    lessons = [number for row in days for number, _, _ in PLACE.findall(row[1])]
    assert list(dict.fromkeys(lessons)) == list(LESSONS)
    for row in days:
        for number, _, _ in PLACE.findall(row[1]):
            said = re.search(r"About (\d+) minutes", text_of(number))
            assert said is None or row[2] == said[1], f"day {row[0]}"


def test_every_view_has_its_question_and_its_notebooks() -> None:
    table = {CODE.findall(row[0])[0]: row for row in rows("Which view answers what")}
    assert set(table) == set(EXPLORERS)
    for kind, row in table.items():
        assert row[2].endswith("?")
        assert row[1].split(", ") == [number for number in LESSONS if uses(number, kind)], kind


def cards() -> dict[int, tuple[str, str, str]]:
    """Belief → (explorer, notebook, section) of the card that asks about it."""
    asked: dict[str, tuple[int, str]] = {}  # by the name of the function that makes the question
    for path in sorted((ROOT / "rpnviz" / "explorers").glob("*/questions.py")):
        for function in [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]:
            facts = re.findall(r"\bfact=(\d+)", ast.unparse(function))
            if facts and function.args.args[0].annotation:
                asked[function.name] = int(facts[0]), ast.unparse(function.args.args[0].annotation)
    found = {}
    for number, path in LESSONS.items():
        section = ""
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                section = [section, *re.findall(r"^#{2,3} (.*)$", cell.source, re.MULTILINE)][-1]
            elif ".ask(" in cell.source:
                for name in [one for one in asked if re.search(rf"\b{one}\b", cell.source)]:
                    found[asked[name][0]] = asked[name][1], number, section
    return found


def test_each_belief_names_the_card_that_asks_it() -> None:
    beliefs = rows("What they will say")
    assert [row[0] for row in beliefs] == [str(number) for number in range(1, 28)]
    named = {}
    for row in beliefs:
        ((number, section, _),) = PLACE.findall(row[3])
        named[int(row[0])] = CODE.findall(row[3])[-1], number, section
    assert named == cards()


def test_views_and_beliefs_agree() -> None:
    beliefs = rows("What they will say")
    for row in rows("Which view answers what"):
        kind = CODE.findall(row[0])[0]
        settled = [belief[0] for belief in beliefs if f"`{kind}`" in belief[3] + belief[4]]
        assert row[3] == (", ".join(settled) or "–"), kind


def test_every_exercise_has_its_day() -> None:
    written = [name for row in rows("A lesson a day, alone") for name in CODE.findall(row[3]) if name.startswith("my_")]
    assert written == list(EXERCISES)


def test_keys_and_words_of_the_lecture_mode() -> None:
    text = section("On the projector")
    page = html.unescape(bundle(SAVED))
    for key in KEY.findall(text):
        assert re.search(rf'\["[^"]*{re.escape(key)}[^"]*", "', page) or f'"{key}"' in page, key
    for words, code in (("lecture mode", page), ("copy link", page), ("hide", shows("LinkedExplorer"))):
        assert f"**{words}**" in text and re.search(rf'button\("{words}"|"{words}"', code)
