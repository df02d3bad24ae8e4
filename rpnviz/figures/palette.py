"""The one table of colours and lines; the explorers send it to the page and never repeat it. docs/look.md shows it.

Colour and dash together say what a box *is*, first of all which label it has, and the same in every view. Size, shape,
class and level are told by a name at the box or by a row of a table, never by a line of their own.
"""

from __future__ import annotations

from typing import TypedDict


class LineStyle(TypedDict):
    """How a line is drawn: ``width`` in points, ``dash`` as lengths on, off, … in points (empty: solid)."""

    width: float
    dash: list[float]


Style = tuple[str, float, list[float]]  # colour, width, dash

# By what they are told apart from. Of a group no two look alike, for colour-blind readers and in grey print neither.
STYLES: dict[str, dict[str, Style]] = {
    "labels": {
        "positive": ("#00B386", 2.5, []),
        "negative": ("#E0562B", 1.4, [10, 2.5]),
        "ignored": ("#F2C230", 1.8, [2, 2]),
        "crosses_border": ("#A9ADBA", 1.5, [6, 4]),
    },
    "boxes": {
        "anchor": ("#F3DDB0", 1.7, []),  # whatever its size, where its label is not the question
        "compared": ("#F3DDB0", 1.8, [2, 2]),  # what an anchor is held against
        "ground_truth": ("#FFFFFF", 1.6, []),
        "window": ("#33E6FF", 2.5, []),  # where the reader is: the window, a cell, the one that is followed
        "receptive_field": ("#D58BFF", 1.8, [8, 2, 2, 2]),
        "proposal": ("#4DA3FF", 1.8, []),
        "whole_cells": ("#E377C2", 1.8, [6, 4]),  # what RoI pooling takes instead of a box
        "detection": ("#D7F25C", 1.8, []),
    },
    "steps": {
        "waiting": ("#A8CCFF", 1.2, [2, 2]),
        "dropped": ("#FFAB00", 1.2, [4, 3]),
        "lost": ("#FFAB00", 2.5, []),  # suppressed at this very step; also an object that no anchor is positive for
        "half_fed": ("#D58BFF", 1.8, [2, 2]),  # a column that a pooling makes of one column alone
    },
    "curves": {
        "curve_first": ("#4DA3FF", 1.8, []),
        "curve_second": ("#FFAB00", 1.8, [6, 4]),
        "curve_third": ("#E377C2", 1.8, [2, 2]),
        "curve_10": ("#4DA3FF", 1.8, [2, 2]),
        "curve_50": ("#4DA3FF", 1.8, [6, 4]),
        "curve_100": ("#4DA3FF", 1.8, [8, 2, 2, 2]),
        "curve_300": ("#4DA3FF", 1.4, []),
        "curve_1000": ("#4DA3FF", 2.5, []),
    },
}
_EVERY = {name: style for group in STYLES.values() for name, style in group.items()}
PALETTE: dict[str, str] = {**{name: colour for name, (colour, _, _) in _EVERY.items()}, "casing": "#10131A"}
LINE_STYLES: dict[str, LineStyle] = {name: {"width": width, "dash": dash} for name, (_, width, dash) in _EVERY.items()}
IN_WORDS = {style: style.replace("_", " ") for style in LINE_STYLES}

# Behind a number: what it does to a sum; how strong says how much.
SIGNS: dict[str, str] = {"adds": "#D6601A", "takes_away": "#2A6ED6"}
# What is right and what is not, beside text, where the page may be white or dark: darker than on a picture.
MARKS: dict[str, str] = {
    "right": "#0a8f6c",
    "wrong": "#b8860b",
    "fails": "#c4451f",
    "nothing": "#7a7f8c",
}
# Words and rooms of what is printed on white paper.
PAPER: dict[str, str] = {
    "ink": "#1B1F24",
    "soft": "#5C636E",
    "grey": "#8A919C",
    "room": "#D5D9DF",
    "band": "#E3E6EA",
}
OUTSIDE = "#3A3F4B"  # beyond the border of a picture
