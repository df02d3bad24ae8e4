"""Draw the pictures of docs/look.md, docs/look/*.svg: one for each rule of the visual language, in its own lines.

    python -m tools.docs.look            write them
    python -m tools.docs.look --check    say which are not as they should be

Lines and colours are the palette's, sizes of letters and distances those of the explorers' style sheet.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from rpnviz.anchors import cell_anchors
from rpnviz.figures.palette import IN_WORDS, LINE_STYLES, OUTSIDE, PALETTE, STYLES
from tools.docs.svg import write_drawings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "look"
SHEET = ROOT / "rpnviz" / "explorers" / "common" / "rpnviz.css"
GROUND, INK, PAPER, NIGHT = "#6E7480", "#1B1F24", "#FFFFFF", "#121212"
LETTER = 13  # px; a letter takes about 0.58 of it
CASING, THIN, THIN_CASING = 1.6, 1.3, 0.9  # as in canvas_panel.js


class Sheet:
    """A small picture in which boxes look as they do on a canvas; lengths are in px."""

    def __init__(self, width: int, height: int, title: str, ground: str = GROUND) -> None:
        """Start with an empty ground; `title` is for those who do not see it."""
        self.lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" font-family="system-ui, sans-serif" font-size="{LETTER}">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" rx="6" fill="{ground}"/>',
        ]

    def box(self, corners: Sequence[float], style: str, width: float = 0, opacity: float = 1, fill: float = 0) -> None:
        """Draw a box, xyxy, with its casing; `width` if it is not the style's."""
        x1, y1, x2, y2 = corners
        line = width or LINE_STYLES[style]["width"]
        around = CASING if line > THIN else THIN_CASING
        dash = " ".join(f"{length:g}" for length in LINE_STYLES[style]["dash"])
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        inside = f'fill="{PALETTE[style]}" fill-opacity="{fill:g}"' if fill else 'fill="none"'
        at = f'x="{x1:g}" y="{y1:g}" width="{x2 - x1:g}" height="{y2 - y1:g}" opacity="{opacity:g}"'
        self.lines.append(f'<rect {at} fill="none" stroke="{PALETTE["casing"]}" stroke-width="{line + around:g}"/>')
        self.lines.append(f'<rect {at} {inside} stroke="{PALETTE[style]}" stroke-width="{line:g}"{dashed}/>')

    def flat(self, corners: Sequence[float], colour: str, edge: str = "none") -> None:
        """Fill a box."""
        x1, y1, x2, y2 = corners
        at = f'x="{x1:g}" y="{y1:g}" width="{x2 - x1:g}" height="{y2 - y1:g}"'
        self.lines.append(f'<rect {at} rx="3" fill="{colour}" stroke="{edge}"/>')

    def tag(self, x: float, y: float, words: str, style: str) -> None:
        """Write words on a tag whose upper left corner is (x, y)."""
        wide = 0.6 * LETTER * len(words) + 8
        self.flat((x, y, x + wide, y + 18), PALETTE[style], PALETTE["casing"])
        self.text(x + wide / 2, y + 13.5, words, PALETTE["casing"], "middle")

    def text(
        self, x: float, y: float, words: str, colour: str = PAPER, anchor: str = "start", size: float = LETTER
    ) -> None:
        """Write words; y is their base line."""
        self.lines.append(
            f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}" font-size="{size:g}">'
            f"{escape(words)}</text>"
        )

    def svg(self) -> str:
        """The file."""
        return "\n".join([*self.lines, "</svg>", ""])


def _kinds(names: Sequence[str], title: str) -> Sheet:
    sheet = Sheet(680, 96 * -(-len(names) // 4), title)
    for i, name in enumerate(names):
        x, y = 20 + 165 * (i % 4), 14 + 96 * (i // 4)
        sheet.box((x, y, x + 120, y + 46), name)
        sheet.text(x, y + 68, IN_WORDS[name])
    return sheet


def labels() -> Sheet:
    """The four labels of an anchor."""
    return _kinds([*STYLES["labels"]], "Each label has a colour and a dash of its own")


def kinds() -> Sheet:
    """What is drawn besides."""
    return _kinds([*STYLES["boxes"], *STYLES["steps"]], "What a box is, where its label is not the question")


def ink() -> Sheet:
    """Nine anchors, one of which is in question."""
    sheet = Sheet(680, 220, "Nine anchors: eight are thin, the one in question is strong and has its size at it")
    nine, chosen = cell_anchors() * 0.26, 7
    for a, (x1, y1, x2, y2) in enumerate(nine.tolist()):
        at = (200 + x1, 110 + y1, 200 + x2, 110 + y2)
        if a != chosen:
            sheet.box(at, "anchor", 1, 0.5)
    x1, y1, x2, y2 = nine[chosen].tolist()
    at = (200 + x1, 110 + y1, 200 + x2, 110 + y2)
    sheet.box(at, "anchor", 2.6, fill=0.14)
    sheet.tag(at[2] + 4, at[1], "182×362", "anchor")
    for row, words in enumerate(("all nine in one line:", "a size is told by its name,", "not by a colour")):
        sheet.text(420, 96 + 20 * row, words)
    return sheet


def names() -> Sheet:
    """Where a name stands."""
    sheet = Sheet(680, 130, "A name stands beside what it names, and beside other objects")
    sheet.box((40, 44, 110, 110), "ground_truth")
    sheet.tag(40, 20, "dog", "ground_truth")
    sheet.box((140, 20, 290, 112), "ground_truth")
    sheet.tag(296, 20, "car", "ground_truth")
    sheet.text(400, 50, "above, below or beside the box,")
    sheet.text(400, 70, "on no other name and no small object;")
    sheet.text(400, 90, "inside only where the box is large")
    return sheet


def places() -> Sheet:
    """Where what stands in a view."""
    sheet = Sheet(680, 250, "Controls above or below the picture, numbers beside it, the sentence at the foot", PAPER)
    for corners, words in (
        ((16, 34, 336, 190), "picture or map"),
        ((352, 34, 664, 190), "numbers: a table, figures to the right"),
    ):
        sheet.flat(corners, "#E6E8EC")
        sheet.text((corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2, words, INK, "middle")
    sheet.text(16, 24, "caption, with the choices of what is drawn", INK)
    sheet.text(16, 208, "controls: what is moved stands under what it moves", INK)
    sheet.flat((16, 220, 664, 221), "#B0B5BF")
    sheet.text(16, 240, "the sentence: always the last line, and it never jumps", INK)
    return sheet


def letters() -> Sheet:
    """The type scale, as the style sheet has it."""
    said = dict(re.findall(r"--(text(?:-\w+)?|gap(?:-\w+)?): ([^;]+);", SHEET.read_text("utf-8")))
    sheet = Sheet(680, 150, "Four sizes of letters, three distances", PAPER)
    for row, (name, size) in enumerate(
        (("text-title", 17.5), ("text-large", 15.4), ("text", 14), ("text-small", 12.9))
    ):
        sheet.text(16, 34 + 32 * row, f"{name}: {said[name]}", INK, size=size)
    for row, name in enumerate(("gap-large", "gap", "gap-small")):
        wide = 14 * float(said[name].removesuffix("em"))
        sheet.flat((440, 36 + 34 * row, 440 + wide, 50 + 34 * row), PALETTE["proposal"])
        sheet.text(470, 48 + 34 * row, f"{name}: {said[name]}", INK)
    return sheet


def night() -> Sheet:
    """A still in both themes."""
    sheet = Sheet(680, 130, "A still: its picture is the same in the dark, its ink is light", PAPER)
    sheet.flat((340, 0, 680, 130), NIGHT)
    for x, colour in ((0, INK), (340, "#E1E1E1")):
        sheet.text(x + 20, 26, "What the still shows, in a sentence.", colour)
        sheet.flat((x + 20, 38, x + 320, 116), OUTSIDE)
        sheet.flat((x + 50, 48, x + 290, 106), GROUND)
        sheet.box((x + 90, 56, x + 150, 100), "positive")
    return sheet


DRAWINGS: dict[str, Callable[[], Sheet]] = {
    draw.__name__: draw for draw in (labels, kinds, ink, names, places, letters, night)
}


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Run the command line; return the exit status."""
    return write_drawings(DRAWINGS, folder, arguments)


if __name__ == "__main__":
    sys.exit(main())
