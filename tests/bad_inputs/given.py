"""To whom a bad input is given, and what is said then: each of these hands it over as a user would.

They work in an empty folder, put into it what is given, and return what was said; most of them raise it instead.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from nbformat import v4
from PIL import Image

from rpnviz.__main__ import main
from rpnviz._files.weights import read_weights
from rpnviz.exercises import check, checking
from rpnviz.explorers import LabelsExplorer
from rpnviz.explorers.common import rules
from rpnviz.pictures import Picture
from tests.exercises.conftest import typed
from tests.fit.data_sets import coco, voc, yolo
from tools.fuzz import targets
from tools.fuzz.node import PageModule


class File(NamedTuple):
    """A file that is put into the folder."""

    name: str
    content: bytes | str

    def put(self) -> Path:
        path = Path(self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content if isinstance(self.content, bytes) else self.content.encode())
        return path


def open_picture(bad: File | Any) -> str:
    Picture.open(bad.put() if isinstance(bad, File) else bad)
    return ""


def fit_picture(image: Any) -> str:
    Picture.fit(image)
    return ""


BLANK = np.zeros((60, 100, 3), np.uint8)


def draw_boxes(boxes: Any) -> str:
    """Beside a good one, on a picture of 100×60."""
    Picture.fit(BLANK, boxes)
    return ""


def name_boxes(names: Any) -> str:
    Picture.fit(BLANK, [[10, 10, 20, 20]], names)
    return ""


def open_scene(content: Any) -> str:
    Image.new("RGB", (100, 60)).save("s.webp")
    Picture.open(File("s.json", content if isinstance(content, str) else json.dumps(content)).put())
    return ""


def run(*arguments: str) -> str:
    """What a command of `rpnviz` says, also when it refuses."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main(arguments)
        except SystemExit as ended:
            assert ended.code == 2
    return said.getvalue()


def fit_data_set(bad: File) -> str:
    return run("fit", str(bad.put()), "--json", "fit.json")


def fit_annotation(change: dict[str, Any]) -> str:
    """In place of the second annotation of a good COCO file."""
    content = json.loads(coco(Path()).read_text("utf-8"))
    content["annotations"][1] |= change
    return fit_data_set(File("coco.json", json.dumps(content)))


def fit_xml(content: str) -> str:
    voc(Path())
    File("bad.xml", content).put()
    return run("fit", ".", "--json", "fit.json")


def fit_label(line: str) -> str:
    yolo(Path())
    File("labels/a.txt", line).put()
    return run("fit", ".", "--json", "fit.json")


def fit_names(content: str) -> str:
    yolo(Path())
    File("data.yaml", content).put()
    return run("fit", ".", "--json", "fit.json")


def check_body(body: str) -> str:
    """As the body of my_box_iou; what never ends is not waited for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking._worker, "seconds", 1 if "while" in body or "wait()" in body else 120)
        return str(check(typed(body)))


def check_object(function: Any) -> str:
    return str(check(function))


def grade(content: bytes | list[Any]) -> str:
    """A notebook, or its code cells."""
    if isinstance(content, list):
        content = json.dumps(v4.new_notebook(cells=[v4.new_code_cell(source) for source in content])).encode()
    said = run("grade", str(File("a.ipynb", content).put()))
    for worker in checking._submissions.values():  # of the last notebook, which would run until the next
        worker.stop()
    return said + Path("grades.csv").read_text("utf-8-sig")


def load_weights(bad: File) -> str:
    read_weights(bad.put())
    return ""


CAR = {"name": "car", "box": [0, 0, 100, 60]}
RULES = targets.RULES | {
    "layers": rules.some_of(["anchors", "labels", "<b>"]),
    "probe": rules.numbers([0, 0], [39, 59], or_none=True),
    "box": rules.box([0, 0, 100, 60]),
}
OPENING = {
    **{"row": 7, "low": 0.3, "high": 0.7, "on": False, "side": "left", "top_n": 50, "layers": ["anchors"]},
    **{"deltas": [0, 0], "probe": [], "box": [1, 2, 30, 40], "patch": [3, 4, 5, 6], "scales": [8], "objects": [CAR]},
}


@contextlib.contextmanager
def following() -> Iterator[Callable[[str], str]]:
    """What a saved page says of a link; all of it stays as it opens, also what the link says besides and is good."""
    with PageModule("saved/link.js") as link:

        def follow(fragment: str) -> str:
            whole = fragment if fragment.startswith("box") else f"box=5,5,20,20&{fragment}"
            found = link.ask("readLink", whole, RULES, OPENING)
            assert found["values"] == OPENING
            return str(found["problem"])

        yield follow


@functools.cache
def _explorer() -> LabelsExplorer:
    picture = Picture(np.full((60, 100, 3), 128, np.uint8), [[10, 10, 60, 50]], ["car"], "small")  # type: ignore[arg-type]
    return LabelsExplorer(picture)


def set_from_page(state: dict[str, Any]) -> str:
    """What the status line says; the explorer stays as it was."""
    explorer = _explorer()
    before = explorer.saved_state()
    try:
        explorer.set_state(state)
    finally:
        said = str(explorer.error)
        explorer.set_trait("error", "")
        assert explorer.saved_state() == before
    return said


GIVEN: dict[str, Callable[[Any], str]] = {
    "Picture.open": open_picture,
    "Picture.fit": fit_picture,
    "gt_boxes": draw_boxes,
    "class_names": name_boxes,
    "a scene's JSON": open_scene,
    "a call": lambda call: str(call()),
    "rpnviz": lambda arguments: run(*arguments),
    "rpnviz fit": fit_data_set,
    "an annotation of COCO": fit_annotation,
    "an XML of VOC": fit_xml,
    "a line of YOLO": fit_label,
    "names of YOLO": fit_names,
    "check": check_object,
    "my_box_iou": check_body,
    "rpnviz grade": grade,
    "weights": load_weights,
    "a page's message": set_from_page,
}
WRITES = {"rpnviz grade": {"grades.csv"}}  # a table says of each notebook why it could not be read
