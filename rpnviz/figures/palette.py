"""The one palette, and the one grammar of lines; the explorers send both to the page, never repeat them."""

from __future__ import annotations

from typing import TypedDict


class LineStyle(TypedDict):
    """How a line is drawn: ``width`` in points, ``dash`` as lengths on, off, … in points (empty: solid)."""

    width: float
    dash: list[float]


# Told apart by colour, by dash and by width: for colour-blind readers and grey print.
PALETTE: dict[str, str] = {
    "positive": "#00B386",
    "negative": "#E0562B",
    "ignored": "#F2C230",
    "crosses_border": "#A9ADBA",
    "ground_truth": "#FFFFFF",
    "window": "#33E6FF",
    "receptive_field": "#D58BFF",
    "proposal": "#4DA3FF",
    "sampled_positive": "#00B386",
    "sampled_negative": "#E0562B",
    "scale_128": "#00B8D9",
    "scale_256": "#FFAB00",
    "scale_512": "#E377C2",
    "only_best": "#8CE0CA",  # positive only as the best anchor of an object
    "casing": "#10131A",
}
# The same meanings beside text, where the page may be white or dark: darker than on a picture.
MARKS: dict[str, str] = {
    "right": "#0a8f6c",
    "wrong": "#b8860b",
    "fails": "#c4451f",
    "nothing": "#7a7f8c",
}
LINE_STYLES: dict[str, LineStyle] = {
    "positive": {"width": 2.5, "dash": []},
    "negative": {"width": 1.4, "dash": []},
    "ignored": {"width": 1.8, "dash": [2, 2]},
    "crosses_border": {"width": 1.5, "dash": [6, 4]},
    "ground_truth": {"width": 1.6, "dash": []},
    "window": {"width": 2.5, "dash": []},
    "receptive_field": {"width": 1.8, "dash": [8, 2, 2, 2]},
    "proposal": {"width": 1.8, "dash": []},
    "sampled_positive": {"width": 2.5, "dash": []},
    "sampled_negative": {"width": 1.4, "dash": []},
    "ratio_0.5": {"width": 1.8, "dash": []},
    "ratio_1": {"width": 1.8, "dash": [6, 4]},
    "ratio_2": {"width": 1.8, "dash": [2, 2]},
}
PROPOSAL_LOOK = ("proposal", PALETTE["proposal"])  # key of LINE_STYLES, colour
IN_WORDS = {style: style.replace("_", " ") for style in LINE_STYLES}
OUTSIDE = "#3A3F4B"


SCALE_COLOURS = (PALETTE["scale_128"], PALETTE["scale_256"], PALETTE["scale_512"])
RATIO_STYLES = ("ratio_0.5", "ratio_1", "ratio_2")


def anchor_look(a: int, num_scales: int) -> tuple[str, str]:
    """Return (key of LINE_STYLES, colour) of anchor ``a`` of a ratio-major list with ``num_scales`` scales."""
    return RATIO_STYLES[a // num_scales % len(RATIO_STYLES)], SCALE_COLOURS[a % num_scales % len(SCALE_COLOURS)]


CLASS_COLOURS = ("scale_128", "scale_256", "scale_512", "ground_truth", "positive", "negative")
CLASS_STYLES = ("ratio_0.5", "ratio_1", "ratio_2")


def class_look(label: int) -> tuple[str, str]:
    """Return (key of LINE_STYLES, colour) of class ``label``, counted from 1."""
    i = label - 1
    return CLASS_STYLES[i % len(CLASS_STYLES)], PALETTE[CLASS_COLOURS[i % len(CLASS_COLOURS)]]


LEVEL_COLOURS = ("scale_128", "scale_256", "scale_512", "positive", "receptive_field", "negative")


def level_look(level: int) -> tuple[str, str]:
    """Return (key of LINE_STYLES, colour) of a level of a pyramid, the finest is 0."""
    return CLASS_STYLES[level % len(CLASS_STYLES)], PALETTE[LEVEL_COLOURS[level % len(LEVEL_COLOURS)]]
