"""One look, one meaning: what looks alike is the same, every line shows on any picture, colours stand in one file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import rpnviz
from rpnviz.figures.palette import LINE_STYLES, PALETTE, STYLES

PACKAGE = Path(rpnviz.__file__).parent
HEX = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b(?![\w-])")
NAMED = re.compile(
    r"\bstyles\.(\w+)|\bstyles\[\"(\w+)\"\]|\bstyles\[[^\]\n]*\? \"(\w+)\" : \"(\w+)\"\]|styles: \{ (\w+) \}"
)
# What red and green become to deuteranopes, in linear light. Source: Machado, Oliveira and Fernandes 2009, severity 1.
DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
APART = 20  # distance of two colours in CIELAB that nobody overlooks in a line of 2 px
WIDER = 0.4  # points


def linear(colour: str) -> npt.NDArray[np.float64]:
    share = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(colour) @ (0.2126, 0.7152, 0.0722)) + 0.05 for colour in (one, other))
    return high / low


def lab(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """CIELAB under D65 of linear sRGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ light.clip(0, 1)
    x, y, z = np.cbrt(xyz / (0.9505, 1, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: str, other: str, seen: npt.NDArray[np.float64]) -> float:
    return float(np.linalg.norm(lab(seen @ linear(one)) - lab(seen @ linear(other))))


def pairs() -> Iterator[tuple[str, str]]:
    for group in STYLES.values():
        yield from combinations(group, 2)


def test_a_name_has_one_style() -> None:
    assert sum(map(len, STYLES.values())) == len(LINE_STYLES) == len(PALETTE) - 1


@pytest.mark.parametrize(("one", "other"), [*combinations(STYLES["labels"], 2)])
def test_labels_differ_in_colour_and_in_dash(one: str, other: str) -> None:
    assert distance(PALETTE[one], PALETTE[other], np.eye(3)) > APART
    assert LINE_STYLES[one]["dash"] != LINE_STYLES[other]["dash"]


@pytest.mark.parametrize(("one", "other"), [*pairs()])
def test_no_two_of_a_group_look_alike(one: str, other: str) -> None:
    """Either by colour, with whatever eyes, or by the line itself."""
    by_line = LINE_STYLES[one]["dash"] != LINE_STYLES[other]["dash"]
    by_line |= abs(LINE_STYLES[one]["width"] - LINE_STYLES[other]["width"]) >= WIDER
    by_colour = min(distance(PALETTE[one], PALETTE[other], seen) for seen in (np.eye(3), DEUTERANOPIA)) > APART
    assert by_line or by_colour


@pytest.mark.parametrize("name", LINE_STYLES)
def test_every_line_shows_against_its_casing(name: str) -> None:
    assert contrast(PALETTE[name], PALETTE["casing"]) >= 3


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def files(*kinds: str) -> list[Path]:
    found = [path for kind in kinds for path in PACKAGE.rglob(f"*.{kind}") if path.name != "palette.py"]
    return sorted(found)


@pytest.mark.parametrize("path", files("js"), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_style_that_the_page_names_exists(path: Path) -> None:
    if "nms/" in path.as_posix() or path.parent.name == "nms":
        return  # there `styles` are those of its states
    named = {name for found in NAMED.findall(path.read_text()) for name in found if name}
    assert named <= set(LINE_STYLES)


DRAWS = {"draw_box": 2, "line_of": 0, "draw_thin": 2, "draw_names": 3}  # at which argument the style stands


def styles_of(path: Path) -> Iterator[str]:
    """The styles that a file names as texts: keys of PALETTE and LINE_STYLES, arguments of what draws, legends."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            if node.value.id in ("PALETTE", "LINE_STYLES") and isinstance(node.slice, ast.Constant):
                yield node.slice.value  # type: ignore[misc]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DRAWS:
            at = DRAWS[node.func.id]
            if len(node.args) > at and isinstance(node.args[at], ast.Constant):
                yield node.args[at].value  # type: ignore[attr-defined]


def test_every_style_that_python_names_exists() -> None:
    named = {style for path in files("py") for style in styles_of(path)}
    assert len(named) > 8 and named <= set(PALETTE)


def test_colours_of_lines_stand_in_the_palette_alone() -> None:
    """A style sheet may have white, black and the casing for grips; else none stands elsewhere. `#add` is a method."""
    allowed = {"#fff", "#000", "#add", PALETTE["casing"].lower()}
    found = {
        f"{path.name}: {colour}"
        for path in files("py", "js", "css")
        for colour in HEX.findall(path.read_text())
        if colour.lower() not in allowed
    }
    assert found <= {"rpnviz.css: #1976d2", "rpnviz.css: #d32f2f", "rpnviz.css: #ff8a80"}  # of the page, not of boxes
