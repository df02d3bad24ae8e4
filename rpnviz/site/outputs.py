"""Turn the pictures and explorers among a notebook's outputs into HTML of a page.

A picture becomes an image file with its sentence as alternative text. An explorer becomes a place for the live view,
and in it the same image and the questions asked above the view, for print and for readers without scripts; see
static/loader.js.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from nbformat import NotebookNode, v4
from PIL import Image

from rpnviz.figures.primitives import GREYS
from rpnviz.site.executed import Executed
from rpnviz.site.running import WIDGET_VIEW

STILL = '<img class="rpnviz-still" src="_static/{name}" alt="{text}" width="{width}" height="{height}" loading="lazy">'
NIGHT = STILL.replace("rpnviz-still", "rpnviz-night")
INK_AT_NIGHT = 225
MOUNT = """{sheets}
<figure class="rpnviz-mount" data-view="{view}" data-state="{state}" data-number="{number}" data-links="{links}"{quiet}>
{asks}{still}
<figcaption class="rpnviz-caption">{text}</figcaption>
</figure>
{needs}"""
NEEDS = """<p class="rpnviz-needs">{what}, in a notebook on your own computer: <code>make lab</code> or
<code>rpnviz lab</code> opens it.</p>"""
RUN_ALL = re.compile(r"Run all cells \(menu [^)]*\)\. Then \*\*(\w)")  # a page has run
NOTEBOOK = re.compile(r'(href="\d\d_\w+)\.ipynb"')  # of the strip that says where a reader is
ASK = '<section class="rpnviz-asked"><p>{text}</p><ol type="A">{choices}</ol></section>\n'


def as_pages_need(executed: Executed, static: Path) -> NotebookNode:
    """Return the notebook with HTML in place of pictures and explorers.

    Args:
        executed: left as it is.
        static: the folder for image files.
    """
    notebook: NotebookNode = v4.new_notebook(cells=[], metadata=executed.notebook.metadata)
    for cell in executed.notebook.cells:
        cell = cell.copy()
        if cell.cell_type == "markdown":
            cell.source = RUN_ALL.sub(lambda found: f"**{found[1].upper()}", cell.source)
        if cell.cell_type == "code":
            cell.outputs = [_converted(output, executed.explorers, static) for output in cell.outputs]
        notebook.cells.append(cell)
    return notebook


def _converted(output: NotebookNode, explorers: dict[str, dict[str, Any]], static: Path) -> NotebookNode:
    data = output.get("data", {})
    if "rpnviz-here" in data.get("text/html", ""):
        strip: NotebookNode = v4.new_output("display_data", {"text/html": NOTEBOOK.sub(r'\1.html"', data["text/html"])})
        return strip
    if "image/png" not in data:
        return output
    still = image(base64.b64decode(data["image/png"]), data["text/plain"], static)
    known = explorers.get(data.get(WIDGET_VIEW, {}).get("model_id", ""))
    if known:
        text = explorer_html(known, still, data["text/plain"])
    else:
        text = f"<p>{still}{at_night(base64.b64decode(data['image/png']), data['text/plain'], static)}</p>"
    made: NotebookNode = v4.new_output("display_data", {"text/html": text})
    return made


def image(png: bytes, sentence: str, static: Path) -> str:
    """Write a picture, as WebP without loss, and return its element."""
    picture = Image.open(io.BytesIO(png))
    name = f"{hashlib.sha256(png).hexdigest()[:16]}.webp"
    if not (static / name).exists():
        # method 6 takes 60 times as long for 0.2 % less
        picture.save(static / name, "WEBP", lossless=True, method=4, quality=100)
    return STILL.format(name=name, text=html.escape(sentence), width=picture.width, height=picture.height)


def at_night(png: bytes, sentence: str, static: Path) -> str:
    """The same still for the dark theme, "" if it has no ink of its own: light ink on no paper at all."""
    picture = Image.open(io.BytesIO(png))
    colours = picture.getpalette() or []
    if colours[: 3 * len(GREYS)] != [part for grey in GREYS for part in (grey, grey, grey)]:
        return ""
    opaque = np.full(256, 255, np.uint8)
    opaque[: len(GREYS)] = [255 - grey for grey in GREYS]
    colours[: 3 * len(GREYS)] = [INK_AT_NIGHT] * 3 * len(GREYS)
    table = np.zeros((256, 4), np.uint8)
    table[: len(colours) // 3, :3] = np.array(colours).reshape(-1, 3)
    table[:, 3] = opaque
    name = f"{hashlib.sha256(png).hexdigest()[:16]}-night.webp"
    if not (static / name).exists():
        night = Image.fromarray(table[np.asarray(picture)])
        night.save(static / name, "WEBP", lossless=True, method=4, quality=100)
    return NIGHT.format(name=name, text=html.escape(sentence), width=picture.width, height=picture.height)


def explorer_html(known: dict[str, Any], still: str, sentence: str) -> str:
    """Return the place of an explorer, from its entry in explorers.json."""
    sheets = [f'<link rel="stylesheet" href="_static/{name}">' for name in known["css"]]
    what = known["needs_python"]
    asks = "".join(ASK.format(text=html.escape(text), choices=_items(choices)) for text, choices in known["asks"])
    return MOUNT.format(
        sheets="".join(sheets),
        view=known["view"],
        state=known["state"],
        number=known["number"],
        quiet=" data-quiet" if known["quiet"] else "",
        links=html.escape(json.dumps(known["links"])),
        asks=asks,
        still=still,
        text=html.escape(sentence),
        needs=NEEDS.format(what=what) if what else "",
    )


def _items(texts: list[str]) -> str:
    return "".join(f"<li>{html.escape(text)}</li>" for text in texts)
