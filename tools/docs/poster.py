"""Draw the poster: docs/poster.svg and docs/poster.pdf, A3 landscape, the machine on one page.

    python -m tools.docs.poster            write them
    python -m tools.docs.poster --check    say which are not as they should be

Its numbers come from the package. Letters are outlines in the SVG and embedded in the PDF: it prints everywhere.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure

from rpnviz.backbone import Backbone
from rpnviz.explorers.overview.explorer import OverviewExplorer
from rpnviz.explorers.overview.figure import INK, SOFT, Frame, draw_machine
from rpnviz.figures.stations import COVERS
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from tools.docs.address import ROOT, repository
from tools.docs.links import unlink

FOLDER = ROOT / "docs"
A3 = (420 / 25.4, 297 / 25.4)  # inches
PICTURE = "street-03"
WIDTH = 118  # letters of a line of the answer
FIXED: dict[Any, Any] = {"svg.fonttype": "path", "svg.hashsalt": "rpnviz", "pdf.fonttype": 42, "pdf.compression": 9}
# A number, but not a part of a name or of a colour.
NUMBER = re.compile(r"(?<![\w#.])-?\d+(?:\.\d+)?(?![\w.])")
TOLERANCE = 0.5  # of a coordinate, in points: other processors round otherwise


@torch.no_grad()
def overview() -> OverviewExplorer:
    """The overview of the bundled network on the poster's picture."""
    picture, grid = Picture.load(PICTURE), Grid.paper()
    return OverviewExplorer(picture, grid, Backbone.load("mini").features(picture, grid), RPNHead.load("mini"))


def answer() -> str:
    """What the first notebook says below its title, in a few lines."""
    first = nbformat.read(ROOT / "notebooks" / "00_nine_anchors.ipynb", as_version=4)
    return textwrap.fill(unlink(first.cells[0].source.split("\n\n")[1]), WIDTH)


def question() -> str:
    """The title of the first notebook."""
    first = nbformat.read(ROOT / "notebooks" / "00_nine_anchors.ipynb", as_version=4)
    return str(first.cells[0].source.splitlines()[0]).removeprefix("# ").removeprefix("00 · ")


def source() -> str:
    """Licence, and where all this is from."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    parts = [project["name"], project["description"], project["license"], repository(ROOT / "pyproject.toml")]
    return " · ".join(part for part in parts if part)


def poster(explorer: OverviewExplorer) -> Figure:
    """Draw it."""
    figure = Figure(figsize=A3, facecolor="white")
    figure.text(0.03, 0.945, question(), fontsize=36, fontweight="bold", color=INK, va="center")
    figure.text(0.03, 0.885, answer(), fontsize=16, color=INK, va="center", linespacing=1.4)
    figure.text(0.03, 0.022, source(), fontsize=10, color=SOFT, va="center")
    draw_machine(figure, explorer.state(), COVERS["00"], Frame(0.5, 0.45, A3[0] - 0.5, 9.95, 11.5, sentences=5))
    return figure


def files(figure: Figure) -> dict[str, bytes]:
    """Both files by name; the same figure gives the same bytes."""
    kinds = {"svg": {"Date": None, "Creator": "rpnviz", "Title": question()}}
    kinds["pdf"] = {"CreationDate": None, "Creator": "rpnviz", "Producer": "rpnviz", "Title": question()}
    made = {}
    with rc_context(FIXED):
        for kind, metadata in kinds.items():
            figure.savefig(buffer := io.BytesIO(), format=kind, metadata=metadata, dpi=150)
            made[f"poster.{kind}"] = buffer.getvalue()
    return made


def words(svg: str) -> list[str]:
    """All that is written in the SVG: matplotlib says beside the outlines what they spell."""
    return [one.strip() for one in re.findall(r"<!--(.*?)-->", svg, re.DOTALL)]


def same_drawing(one: str, other: str) -> bool:
    """Whether two SVGs show the same: words, shapes, and numbers within TOLERANCE; pixels of pictures aside."""
    parts = [re.sub(r'"data:image[^"]*"', '""', text) for text in (one, other)]
    parts = [re.sub(r"\b[mpC][0-9a-f_]{8,}\b", "id", text) for text in parts]  # hashes of shapes
    if NUMBER.sub("", parts[0]) != NUMBER.sub("", parts[1]):
        return False
    ours, theirs = (np.array(NUMBER.findall(text), float) for text in parts)
    return len(ours) == len(theirs) and bool(np.all(np.abs(ours - theirs) <= TOLERANCE))


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    made, svg = files(poster(overview())), folder / "poster.svg"
    there = all((folder / name).is_file() for name in made)
    if there and same_drawing(svg.read_text("utf-8"), made["poster.svg"].decode()):
        return 0
    for name, content in made.items():
        print(f"{name}: {'not what tools.docs.poster draws' if options.check else 'written'}")
        if not options.check:
            (folder / name).write_bytes(content)
    return int(options.check)


if __name__ == "__main__":
    sys.exit(main())
