"""YOLO's text files: a line an object, "class x y width height", shares of the picture's sides, (x, y) the middle.

A picture lies where its text file lies, with "images" in place of "labels" in the path, as Ultralytics has it, or right
beside it. Names of classes stand in data.yaml, or line by line in classes.txt; without them they are "class 0", ….
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from rpnviz._files.tables import one_line
from rpnviz.fit.annotations import Annotations, Labelled, Notes
from rpnviz.fit.folders import files_of, find_picture, picture_size, read_small

NO_LABELS = {"classes.txt", "names.txt", "train.txt", "val.txt", "test.txt", "readme.txt"}


def open_yolo(folder: Path, images: Path | None = None) -> Annotations:
    """Open a folder of text files.

    Args:
        folder: with the text files in it, or in "labels" below it.
        images: where the pictures are, if not where they are looked for.
    """
    names: list[str] = []
    class_names = _class_names(folder)

    def labelled(notes: Notes) -> Iterator[Labelled]:
        for path in files_of(folder, ".txt", notes):
            if path.name.lower() in NO_LABELS:
                continue
            try:
                lines = read_small(path).decode("utf-8").splitlines()
                names.append(path.stem)
                size = _size_of(path, folder, images)
            except (OSError, ValueError) as error:
                notes.add("broken", [f"{path.name}: {error}"], 1)
                continue
            yield from _objects(lines, path.name, len(names) - 1, size, class_names, notes)

    return Annotations("YOLO", labelled, names.__getitem__)


def _objects(
    lines: list[str], file: str, picture: int, size: tuple[int, int], class_names: dict[int, str], notes: Notes
) -> Iterator[Labelled]:
    for number, line in enumerate(lines, 1):
        entry = f"{file}, line {number}"
        try:
            kind, *values = line.split()[:10_000] or ["", ""]
            if not kind:
                continue
            shares = [float(value) for value in values]
            box, remark = _box(shares, size)
            index = int(kind)
        except ValueError as error:
            notes.add("broken", [f"{entry}: {error}"], 1)
            continue
        yield Labelled(picture, *size, class_names.get(index, f"class {index}"), box, entry, remark)


def _box(shares: list[float], size: tuple[int, int]) -> tuple[tuple[float, float, float, float], str]:
    """xyxy, px, of four shares, or of the corners of a polygon; and what is to be noted."""
    height, width = size
    if len(shares) == 4:
        x, y, w, h = shares[0] * width, shares[1] * height, shares[2] * width, shares[3] * height
        return (x - w / 2, y - h / 2, x + w / 2, y + h / 2), ""
    if len(shares) >= 6 and len(shares) % 2 == 0:
        xs, ys = shares[::2], shares[1::2]
        return (min(xs) * width, min(ys) * height, max(xs) * width, max(ys) * height), "polygon"
    raise ValueError(f"has {len(shares)} numbers after the class, takes 4, or the corners of a polygon")


def _size_of(path: Path, folder: Path, images: Path | None) -> tuple[int, int]:
    """(H, W) of the picture that a text file is of; (0, 0) if there is none."""
    inside = path.relative_to(folder).parent
    places = [images / inside, images] if images else [path.parent, _instead(path.parent)]
    for place in places:
        if found := find_picture(place, path.stem):
            return picture_size(found)
    return 0, 0


def _instead(folder: Path) -> Path:
    """The folder of the pictures to a folder of text files: the last "labels" of its path is "images" there."""
    parts = list(folder.parts)
    for i in reversed(range(len(parts))):
        if parts[i] == "labels":
            parts[i] = "images"
            break
    return Path(*parts)


def _class_names(folder: Path) -> dict[int, str]:
    """Names of the classes, from beside the labels or one folder above; none if there is no such file.

    Raises:
        ValueError: if the file is not as it should be; names it.
    """
    for place in (folder, folder.parent):
        for path in (*sorted(place.glob("*.yaml")), *sorted(place.glob("*.yml")), place / "classes.txt"):
            if path.is_file():
                try:
                    names = _names_in(path)
                except Exception as error:  # PyYAML stumbles at its own tags: "!!int", "!!timestamp x", "!!bool x"
                    raise ValueError(f"{path.name}: no names of classes: {one_line(error)}") from error
                if names:  # another file of settings may lie beside it
                    return names
    return {}


def _names_in(path: Path) -> dict[int, str]:
    text = read_small(path).decode("utf-8")
    if path.suffix == ".txt":
        return dict(enumerate(text.split("\n")))
    content = yaml.safe_load(text)
    found = content.get("names", {}) if isinstance(content, dict) else {}
    if not isinstance(found, (dict, list)):
        raise ValueError(f"names: got {found!r:.60}, takes a list, or a number for each name")
    pairs = list(found.items() if isinstance(found, dict) else enumerate(found))
    if not all(isinstance(name, (str, int)) for _, name in pairs):  # a list of lists may stand for gigabytes of text
        raise ValueError("a name must be text")
    return {int(index): str(name) for index, name in pairs}
