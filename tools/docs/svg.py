"""A drawing of few strokes and words as an SVG file; lengths are in px of the drawing."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Protocol

INK, SOFT, BLUE, GREEN, RED = "#1B1F24", "#8A919C", "#1F6FC4", "#007A5A", "#B93D17"
PAPER = "#FFFFFF"
MARKS = {INK: "ink", BLUE: "blue", GREEN: "green", RED: "red"}  # names of the arrow heads


class Drawn(Protocol):
    """What can be written as an SVG file."""

    def svg(self) -> str:
        """Return the whole file."""


def write_drawings(drawings: Mapping[str, Callable[[], Drawn]], folder: Path, arguments: list[str] | None) -> int:
    """Write each drawing that is not as committed, or with --check say so; return the exit status.

    Args:
        drawings: what draws each, by the name of its file.
        folder: where they lie.
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(description=f"Draw {', '.join(drawings)}.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    stale = 0
    for name, draw in drawings.items():
        path, text = folder / f"{name}.svg", draw().svg()
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale += 1
        print(f"{path.name}: {'not what is drawn now' if options.check else 'written'}")
        if not options.check:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return int(options.check and bool(stale))


class Drawing:
    """Strokes and words, in the order in which they are put on the board."""

    def __init__(self, width: int, height: int, title: str) -> None:
        """Start with an empty board; `title` says what it will show."""
        heads = "".join(
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" orient="auto">'
            f'<path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
            for colour, name in MARKS.items()
        )
        self.lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'role="img" font-family="system-ui, sans-serif" font-size="16">',
            f"<title>{escape(title)}</title>",
            f"<defs>{heads}</defs>",
            f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
        ]

    def box(
        self, x1: float, y1: float, x2: float, y2: float, colour: str = INK, dash: str = "", fill: str = ""
    ) -> None:
        """Draw a box, xyxy; `dash` as in SVG, `fill` a colour that is laid in thinly."""
        inside = f'fill="{fill}" fill-opacity="0.15"' if fill else 'fill="none"'
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.lines.append(
            f'<rect x="{x1:g}" y="{y1:g}" width="{x2 - x1:g}" height="{y2 - y1:g}" {inside} stroke="{colour}" '
            f'stroke-width="2"{dashed}/>'
        )

    def line(self, *points: tuple[float, float], colour: str = INK, width: float = 2, arrow: bool = False) -> None:
        """Draw a line through points, with an arrow head at its end if asked for."""
        head = f' marker-end="url(#{MARKS[colour]})"' if arrow else ""
        through = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.lines.append(
            f'<polyline points="{through}" fill="none" stroke="{colour}" stroke-width="{width:g}"{head}/>'
        )

    def dot(self, x: float, y: float, colour: str = INK, radius: float = 4) -> None:
        """Draw a dot."""
        self.lines.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{colour}"/>')

    def text(self, x: float, y: float, words: str, colour: str = INK, anchor: str = "middle", size: int = 16) -> None:
        """Write words; `anchor` is start, middle or end, y their base line."""
        self.lines.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">'
            f"{escape(words)}</text>"
        )

    def svg(self) -> str:
        """Return the file's text."""
        return "\n".join([*self.lines, "</svg>"]) + "\n"
