"""Pascal VOC: a folder of XML files, one a picture.

Source: host.robots.ox.ac.uk/pascal/VOC, VOCdevkit: xmin, ymin, xmax, ymax are pixels, the first is 1, the last belongs
to the object.
Differs: boxes are edges here: (xmin - 1, ymin - 1, xmax, ymax). torchvision.datasets.VOCDetection hands the XML on as
it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rpnviz.fit.annotations import Annotations, Labelled, Notes
from rpnviz.fit.folders import files_of, read_small

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def open_voc(folder: Path) -> Annotations:
    """Open a folder whose XML files say what is in which picture."""
    names: list[str] = []

    def labelled(notes: Notes) -> Iterator[Labelled]:
        for path in files_of(folder, ".xml", notes):
            try:
                root = fromstring(read_small(path), forbid_dtd=True)
                names.append(root.findtext("filename") or path.stem)
                found = list(_objects(root, path.name, len(names) - 1))
            except (ParseError, DefusedXmlException, OSError, ValueError, LookupError) as error:
                notes.add("broken", [f"{path.name}: {type(error).__name__}: {error}"], 1)
            else:
                yield from found

    return Annotations("Pascal VOC", labelled, names.__getitem__)


def _objects(root: Element, file: str, picture: int) -> Iterator[Labelled]:
    height, width = (_whole(root.findtext(f"size/{side}")) for side in ("height", "width"))
    for i, thing in enumerate(root.iter("object")):
        corners = [thing.findtext(f"bndbox/{corner}") for corner in CORNERS]
        x1, y1, x2, y2 = (float(corner) if corner else float("nan") for corner in corners)
        remark = "difficult" if (thing.findtext("difficult") or "0").strip() == "1" else ""
        name = thing.findtext("name") or "object"
        yield Labelled(picture, height, width, name, (x1 - 1, y1 - 1, x2, y2), f"{file}, object {i}", remark)


def _whole(text: str | None) -> int:
    """A side in px, 0 if the file does not say it: then its picture counts as not there."""
    return int(text) if text and text.strip().isdecimal() and len(text) < 10 else 0
