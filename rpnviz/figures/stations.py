"""The stations of the machine, which notebook explains each, and the slim strip that says where a reader is.

The overview, its still picture, the poster and the strip are all drawn from STATIONS.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple


class Station(NamedTuple):
    """One station of the machine.

    Args:
        name: for code: what is drawn at it, and its place in the layout.
        part: "network", "anchors", "training" or "proposals": the line it stands on.
        short: its name in the strip.
        title: its name in the overview.
        what: what it does, in a sentence.
        notebook: the number of the notebook that explains it.
    """

    name: str
    part: str
    short: str
    title: str
    what: str
    notebook: str


NOTEBOOKS = {  # number → file, without its ending
    "00": "00_nine_anchors",
    "01": "01_picture_to_feature_map",
    "02": "02_the_3x3_window",
    "03": "03_the_anchors",
    "04": "04_iou_and_labels",
    "05": "05_the_minibatch",
    "06": "06_the_loss",
    "07": "07_what_training_changes",
    "08": "08_from_21600_to_300",
    "09": "09_what_comes_next",
    "10": "10_does_it_hold_on_my_picture",
    "11": "11_who_does_it_differently",
    "12": "12_your_own_rpn",
    "13": "13_do_these_anchors_fit_my_data",
}
PARTS = {  # line → its name
    "network": "Network",
    "anchors": "Written down before",
    "training": "Training",
    "proposals": "Proposals",
}
STATIONS = (  # in the order of the data, line by line
    Station(
        "picture", "network", "picture", "picture", "The picture, and on it the part that the window covers.", "01"
    ),
    Station(
        "convolutions",
        "network",
        "VGG-16",
        "VGG-16",
        "Thirteen convolutions find patterns. Four poolings halve both sides.",
        "01",
    ),
    Station(
        "map",
        "network",
        "map",
        "feature map",
        "512 numbers for each of its cells; here is their mean.",
        "01",
    ),
    Station(
        "window",
        "network",
        "3×3",
        "3×3 window",
        "A 3×3 convolution: at each cell it reads nine cells, 512 numbers in each.",
        "02",
    ),
    Station("vector", "network", "512", "vector", "What the window becomes: one vector of 512 numbers.", "02"),
    Station(
        "outputs",
        "network",
        "9 + 36",
        "scores, deltas",
        "Read off the vector by 1×1 convolutions: for each of the nine anchors one score and four deltas.",
        "02",
    ),
    Station(
        "anchors",
        "anchors",
        "anchors",
        "nine anchors",
        "Nine fixed boxes at every cell. They do not come out of the network.",
        "03",
    ),
    Station(
        "labels",
        "training",
        "labels",
        "labels",
        "Each anchor is compared with the objects: positive, negative, or neither.",
        "04",
    ),
    Station("minibatch", "training", "256", "minibatch", "256 of the labelled anchors are drawn at random.", "05"),
    Station(
        "losses",
        "training",
        "losses",
        "two losses",
        "How wrong are the scores of the 256, and how far off the boxes of the positive ones?",
        "06",
    ),
    Station(
        "training",
        "training",
        "training",
        "training",
        "The losses move the weights, step by step, and fall.",
        "07",
    ),
    Station("decode", "proposals", "decode", "decode", "Each anchor is moved by its four deltas.", "08"),
    Station("clip", "proposals", "clip", "clip", "Boxes are cut off at the border. Tiny ones are dropped.", "08"),
    Station(
        "top", "proposals", "top 6,000", "best scores", "The best scores go on. Bright: cells with many of them.", "08"
    ),
    Station("nms", "proposals", "NMS", "NMS", "A box is dropped if a better one overlaps it too much.", "08"),
    Station("proposals", "proposals", "300", "proposals", "The best 300 of what is left.", "08"),
    Station("roi", "proposals", "RoI", "RoI", "The second head reads 7×7 values in each proposal.", "09"),
)
_ALL = tuple(station.name for station in STATIONS)
# Notebook → what it is about. Each names all that it explains; the later ones come back to several.
COVERS: dict[str, tuple[str, ...]] = {
    "00": _ALL,
    **{
        number: tuple(station.name for station in STATIONS if station.notebook == number)
        for number in ("01", "02", "03", "04", "05", "06", "07", "08", "09")
    },
    "10": ("picture", "map", "nms"),
    "11": ("anchors", "labels", "minibatch", "losses", "decode", "clip", "top", "nms"),
    "12": _ALL[_ALL.index("window") :],
    "13": ("anchors", "labels"),
}
NAMED = {
    "00": "the whole",
    "10": "on a picture of your own",
    "11": "other people's settings",
    "12": "your own functions",
}
_COLUMNS = {"network": 1, "anchors": 7, "training": 8, "proposals": 8}
_ROWS = {"network": 2, "anchors": 2, "training": 1, "proposals": 3}
_LAYOUT = """<style>
.rpnviz-here { display: grid; grid-template-columns: repeat(13, auto); gap: 3px 5px; justify-content: start;
  align-items: center; max-width: 1000px; margin: 0; font: 12px/1.3 system-ui, sans-serif; }
.rpnviz-here > a { padding: 2px 6px; border: 1px solid rgb(138 145 156); border-radius: 4px; color: inherit;
  opacity: 0.72; text-align: center; text-decoration: none; white-space: nowrap; }
.rpnviz-here > a:is(:hover, :focus-visible) { opacity: 1; text-decoration: underline; }
.rpnviz-here > .rpnviz-at { border: 2px solid rgb(31 127 212); background: rgb(31 127 212 / 18%);
  font-weight: 700; opacity: 1; }
__PLACES__
@media (max-width: 800px) { .rpnviz-here.rpnviz-here { display: flex; flex-wrap: wrap; } }
</style>"""


class Strip:
    """A strip of HTML that a notebook shows by itself, and the sentence for those who do not see it."""

    def __init__(self, html: str, sentence: str) -> None:
        """Keep both."""
        self.html, self.sentence = html, sentence

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.sentence}


def here(notebook: str) -> Strip:
    """You are here: all stations in one slim strip, grey but for those of a notebook.

    Args:
        notebook: its number, "00" to "13".

    Returns:
        Strip: shown by a notebook if it is the last line of a cell. Its stations link to their notebooks. It is HTML
        and no picture: so links work, letters have the theme's colour, and it wraps on a phone.

    Raises:
        ValueError: if there is no such notebook.
    """
    if notebook not in COVERS:
        raise ValueError(f"notebook: got {notebook!r}, takes one of {', '.join(COVERS)}")
    lit = COVERS[notebook]
    words = NAMED.get(notebook) or ", ".join(station.title for station in STATIONS if station.name in lit)
    sentence = f"You are here: {words}."
    links = "\n".join(_link(station, station.name in lit and notebook != "00") for station in STATIONS)
    html = f'{_style()}\n<nav class="rpnviz-here" aria-label="{escape(sentence)}">\n{links}\n</nav>'
    return Strip(html, sentence)


def _link(station: Station, lit: bool) -> str:
    at = ' class="rpnviz-at" aria-current="step"' if lit else ""
    short = f"<b>{escape(station.short)}</b>" if lit else escape(station.short)
    return f'<a href="{NOTEBOOKS[station.notebook]}.ipynb"{at} title="{escape(station.what)}">{short}</a>'


def _style() -> str:
    """The style sheet, with a place for each station: the network in the middle, then the two branches."""
    seen = dict.fromkeys(PARTS, 0)
    places = []
    for number, station in enumerate(STATIONS, start=1):
        column = _COLUMNS[station.part] + seen[station.part]
        seen[station.part] += 1
        places.append(f".rpnviz-here > :nth-child({number}) {{ grid-area: {_ROWS[station.part]} / {column}; }}")
    return _LAYOUT.replace("__PLACES__", "\n".join(places))
