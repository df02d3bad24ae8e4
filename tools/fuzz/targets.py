"""What is tried: each place at which rpnviz reads what a stranger may have written.

A target takes the content of a file. It may refuse it by the errors that its docstring names, and if these are for
people, in one line of text; whatever else it raises is found, and so is an answer that the next reader could not take.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import traitlets as t
from hypothesis import strategies as st
from PIL import Image

from rpnviz._files.weights import read_weights
from rpnviz.exercises.notebooks.submission import read_notebook
from rpnviz.exercises.sandbox import protocol
from rpnviz.explorers.common import rules
from rpnviz.fit.folders import picture_size
from rpnviz.fit.opening import open_annotations
from rpnviz.pictures import Picture
from tools.fuzz.damage import HOSTILE_BYTES, damaged, damaged_json
from tools.fuzz.node import PageModule

UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # within a line of text
SPEAKING = (ValueError, OSError)  # errors whose text is for the reader
FRAME = (0, 0, 100, 60)
RULES = {
    "row": rules.whole(0, 39),
    "low": rules.number(0, 1, at_most="high"),
    "high": rules.number(0, 1),
    "on": {"kind": "switch"},
    "side": rules.one_of(["left", "dropped", "both sides"]),
    "top_n": rules.one_of([10, 50]),
    "layers": rules.some_of(["anchors", "labels"]),
    "deltas": rules.numbers([-2, -3], [2, 5]),
    "patch": rules.box(FRAME, or_none=True),
    "scales": rules.listed(4, 2000, 3),
    "objects": rules.objects(FRAME, 5),
}
LINK = (
    "explorer=it&row=7&low=0.3&high=0.7&on=0&side=left&top_n=50&layers=anchors&deltas=0,0&patch=3,4,5,6&scales=8"
    "&objects=car,0,0,100,60;Caf%25C3%25A9,1,2,3,4"
)


@dataclass(frozen=True)
class Target:
    """A reader, and what it is given.

    Attributes:
        name: of it.
        file: what the file is called that it is given.
        content: draws what is in it.
        read: reads it.
        refuses: the errors by which it may refuse it.
    """

    name: str
    file: str
    content: st.SearchStrategy[bytes]
    read: Callable[[Path], object]
    refuses: tuple[type[Exception], ...] = SPEAKING

    def trial(self, path: Path) -> None:
        """Read the file; an error that is found goes on."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.read(path)
        except self.refuses as error:
            said = str(error)
            if self.refuses == SPEAKING and (not said or UNREADABLE.search(said)):
                raise AssertionError(f"what it says is no line of text: {said!r}") from error


def _pictures() -> st.SearchStrategy[bytes]:
    image = Image.new("RGB", (12, 8), (200, 30, 60))
    image.putpixel((3, 3), (0, 255, 0))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "text"
    kinds = [("PNG", image), ("PNG", image.convert("LA")), ("PNG", image.convert("P")), ("PNG", image.convert("I;16"))]
    kinds += [(kind, image) for kind in ("JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")]
    files = []
    for kind, one in kinds:
        content = io.BytesIO()
        one.save(content, kind, **({"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}))
        files.append(content.getvalue())
    return damaged(*files)


def _scene() -> st.SearchStrategy[bytes]:
    thing = {"name": "car", "visible": [1, 2, 10, 7.5], "visible_fraction": 0.9}
    scene = {"picture": "scene.png", "image_size": [8, 12], "objects": [thing, {**thing, "visible": None}]}
    return damaged_json(scene) | damaged_json(scene["objects"]) | damaged(json.dumps(scene).encode())


def _read_scene(path: Path) -> None:
    Image.new("RGB", (12, 8)).save(path.with_name("scene.png"))
    Picture.open(path)


def _coco() -> st.SearchStrategy[bytes]:
    content = {
        "images": [{"id": 1, "height": 8, "width": 12, "file_name": "a.png"}, {"id": 2, "height": 8, "width": 12}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "iscrowd": 0}] * 2,
        "categories": [{"id": 3, "name": "car"}],
    }
    return damaged_json(content) | damaged(json.dumps(content).encode())


VOC = b"""<annotation><filename>a.png</filename><size><width>12</width><height>8</height></size>
<object><name>car</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>7</ymax></bndbox>
</object></annotation>"""
XML = (
    *HOSTILE_BYTES,
    b"<!DOCTYPE a>",
    b"&amp;",
    b"&#0;",
    b"&x;",
    b"<![CDATA[",
    b"<?xml version='1.0' encoding='utf-7'?>",
)
YAML = (
    *(
        *HOSTILE_BYTES,
        b"!!int ",
        b"!!float ",
        b"!!bool ",
        b"!!timestamp ",
        b"!!binary ",
        b"!!set ",
        b"!!omap ",
        b"!!pairs ",
    ),
    *(
        b"!!null ",
        b"!!merge ",
        b"<<: ",
        b"&a ",
        b"*a ",
        b"? ",
        b"- ",
        b"| ",
        b"2026-13-45",
        b"1:2:3",
        b"0b",
        b"0o8",
        b"---",
    ),
    *(b"!!python/name:os.system ", b"%YAML 9.9", b".inf", b"~", b"!!str ", b"!!seq ", b"!!map "),
)


def _through(path: Path) -> None:
    """All that is in a data set."""
    annotations = open_annotations(path)
    for batch in annotations.batches():
        for picture in batch.pictures:
            annotations.picture_name(int(picture)).encode()
    "".join(annotations.class_names).encode()
    for finding in annotations.notes.findings():
        "".join(finding.examples).encode()


def _labels(path: Path) -> None:
    Image.new("RGB", (12, 8)).save(path.with_suffix(".png"))
    _through(path.parent)


def _names(path: Path) -> None:
    Image.new("RGB", (12, 8)).save(path.with_name("a.png"))
    path.with_name("a.txt").write_text("1 0.5 0.5 0.5 0.5\n7 0.5 0.5 0.5 0.5")
    _through(path.parent)


class _Ruled(t.HasTraits):
    """What a page may set of an explorer."""

    objects: t.List[Any] = t.List()
    patch: t.List[Any] = t.List()
    layers: t.List[Any] = t.List()
    scales: t.List[Any] = t.List([8])
    top_n = t.Any(10)
    _check = rules.obeys_rules("objects", "patch", "layers", "scales", "top_n")

    def rules(self) -> dict[str, rules.Rule]:
        """Those of this module."""
        return RULES


def _traits() -> st.SearchStrategy[bytes]:
    car = {"name": "car", "box": [0, 0, 100, 60]}
    state = {"objects": [car, {"name": "", "box": [1, 2, 3, 4.5]}], "patch": [1, 2, 3, 4], "scales": [8, 16]}
    return damaged_json({**state, "layers": ["anchors"], "top_n": 50})


def _set(path: Path) -> None:
    """Set as a page does; what was taken can be written into a page."""
    content, ruled = json.loads(path.read_bytes()), _Ruled()
    for name, value in content.items() if isinstance(content, dict) else ():
        if ruled.has_trait(name):
            with contextlib.suppress(t.TraitError):
                setattr(ruled, name, value)
                json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _links(link: PageModule) -> Callable[[Path], object]:
    """What a link sets, Python would take as well."""
    opening: dict[str, Any] = link.ask("readLink", LINK, RULES, {})["values"]

    def read(path: Path) -> None:
        found = link.ask("readLink", path.read_bytes().decode("utf-8", "replace"), RULES, opening)
        if found["problem"]:
            assert found["values"] == opening, f"a damaged link moved something: {found}"
        assert set(found["values"]) == set(RULES), f"a link made traits: {found}"
        for name, value in found["values"].items():
            assert rules.allows(RULES[name], value), f"{name} is {value!r}"

    return read


def _frames() -> st.SearchStrategy[bytes]:
    values = [{"value": [torch.ones(2, 2), (1.5, "text"), torch.tensor([1j])]}, [b"bytes", protocol.Seed(3), ..., None]]
    packed = safetensors.torch.save({"0": torch.zeros(2), "1": torch.zeros(2, dtype=torch.uint8)})
    content = [{"tuple": [1, {"seed": 2}]}, {"tensor": 0}, {"bytes": 1}, {"dict": [["a", 1]]}, {"foreign": "a"}]
    texts = damaged_json(content)
    return damaged(*map(protocol.encode, values)) | texts.map(
        lambda text: protocol.LENGTHS.pack(len(text), len(packed)) + text + packed
    )


def _frame(path: Path) -> None:
    protocol.encode(protocol.read(io.BytesIO(path.read_bytes())))


CELLS = (
    "import math\nBETA: float = 1 / 9\n%matplotlib inline\nfiles = !ls\n",
    "%%time\ndef my_nms(boxes, scores, nms_thresh):\n    return [b for b in boxes if math.floor(b)]\n\ncheck(my_nms)",
    "x = 1; y = 'a\\\nb'\nclass A(dict):\n    z = lambda self: (yield)\nmatch x:\n    case [1, *_]: pass\nhelp?\n",
)
PYTHON = (
    *(
        *HOSTILE_BYTES,
        b"%%",
        b"%",
        b"!",
        b"?",
        b"??",
        b"\\n",
        b"\\r",
        b"\\u2028",
        b"\\u000c",
        b"\\",
        b"'''",
        b"f'{",
        b"lambda",
    ),
    *(
        b"await ",
        b"yield ",
        b"async ",
        b"nonlocal x",
        b"global x",
        b"del x",
        b"*",
        b"@",
        b":=",
        b"(" * 300,
        b"-" * 3000,
    ),
    *(
        b"from __future__ import braces",
        b"from x import *",
        b"# coding: utf-7\\n",
        b"\\t",
        b"0o9",
        b"1__0",
        b"$",
        b"\xc2\xaa",
    ),
)


def _notebooks() -> st.SearchStrategy[bytes]:
    cells = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in CELLS]
    content = {"cells": [*cells, {"cell_type": "markdown", "source": ["a", "b"]}], "nbformat": 4}
    return damaged(json.dumps(content).encode(), tokens=PYTHON) | damaged_json(content)


def _notebook(path: Path) -> None:
    found = read_notebook(path)
    assert not UNREADABLE.search("".join(found.unread)), found.unread
    for name in frozenset().union(*(piece.binds for piece in found.pieces)):
        compile(found.source(name), "<source>", "exec", dont_inherit=True)
        found.left_out(name)


def _weights(kind: str) -> st.SearchStrategy[bytes]:
    state = {"conv.weight": torch.ones(2, 3), "conv.bias": torch.zeros(2, dtype=torch.float16)}
    if kind == "safetensors":
        return damaged(safetensors.torch.save(state))
    content = io.BytesIO()
    torch.save(state, content)
    return damaged(content.getvalue())


@contextlib.contextmanager
def targets() -> Iterator[dict[str, Target]]:
    """All of them, by name, as long as Node runs for that of links."""
    with PageModule("saved/link.js") as link:
        frames = (protocol.ProtocolError, EOFError)
        found = [
            Target("picture", "picture.png", _pictures(), Picture.open),
            Target("picture-size", "picture.png", _pictures(), picture_size),
            Target("scene", "scene.json", _scene(), _read_scene),
            Target("coco", "coco.json", _coco(), _through),
            Target("voc", "voc.xml", damaged(VOC, tokens=XML), lambda path: _through(path.parent)),
            Target("yolo", "a.txt", damaged(b"0 0.5 0.5 0.2 0.3\n3 .1 .1 .3 .1 .2 .4\n"), _labels),
            Target("yolo-names", "data.yaml", damaged(b"path: x\nnames: {1: car, 7: dog}\n", tokens=YAML), _names),
            Target("yolo-list", "data.yaml", damaged(b"names:\n  - car\n  - dog\nnc: 2\n", tokens=YAML), _names),
            Target("traits", "traits.json", _traits(), _set),
            Target("link", "link.txt", damaged(LINK.encode()), _links(link)),
            Target("frame", "frame.bin", _frames(), _frame, frames),
            Target("notebook", "submitted.ipynb", _notebooks(), _notebook),
            Target("safetensors", "weights.safetensors", _weights("safetensors"), read_weights),
            Target("state-dict", "weights.pt", _weights("pt"), read_weights),
        ]
        yield {target.name: target for target in found}
