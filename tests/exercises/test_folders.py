"""Who may import whom within the exercises, and where their colours come from."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from rpnviz import exercises

FOLDER = Path(exercises.__file__).parent
MODULES = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.py")}

# Below each other: what runs code, what is computed and said of a result, its pictures, the exercises, notebooks.
LAYERS = [
    {"sandbox"},
    {"compare", "exercise", "formatting", "references", "result", "search", "source", "running", "progress_file"},
    {"figures"},
    {"tasks"},
    {"examination", "checking"},
    {"notebooks"},
]
UPWARDS = {("progress_file", "tasks")}  # the names of all exercises, when its table is shown


def part_of(module: str) -> str:
    """The folder, or the module itself: "sandbox" for sandbox/worker.py."""
    return module.split("/")[0].removesuffix(".py")


def imported(source: str) -> set[str]:
    names = re.findall(r"^\s*(?:from|import) (rpnviz\.exercises[\w.]*)(?: import (.*))?", source, re.MULTILINE)
    dotted = {f"{name}.{part.strip()}" for name, parts in names for part in parts.split(",")}
    known = {part_of(module) for module in MODULES}
    return {name.split(".")[2] for name in dotted if name.split(".")[2] in known}


def test_imports_are_seen() -> None:
    source = "from rpnviz.exercises.sandbox.worker import main\nfrom rpnviz.exercises import references, search\n"
    assert imported(source) == {"sandbox", "references", "search"}


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"__init__.py"}))
def test_folders_know_those_below_them_only(module: str) -> None:
    ranks = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
    own = part_of(module)
    above = {part for part in imported(MODULES[module]) if ranks[part] > ranks[own]}
    assert above <= {part for name, part in UPWARDS if name == own}, f"{module} imports {above}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_colours_are_those_of_the_palette(module: str) -> None:
    texts = [node.value for node in ast.walk(ast.parse(MODULES[module])) if isinstance(node, ast.Constant)]
    assert not [text for text in texts if isinstance(text, str) and re.search(r"#[0-9a-fA-F]{6}\b", text)]
