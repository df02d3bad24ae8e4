"""Our own JSON, as the explorers save it beside a picture: one file, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rpnviz.fit.annotations import Annotations, Labelled, Notes
from rpnviz.fit.folders import files_of
from rpnviz.pictures import read_scene


def open_scenes(path: Path) -> Annotations:
    """Open one file, or a folder of them; `rpnviz.pictures.read_scene` says what is in one."""
    names: list[str] = []

    def labelled(notes: Notes) -> Iterator[Labelled]:
        for file in [path] if path.is_file() else files_of(path, ".json", notes):
            try:
                scene = read_scene(file)
            except (ValueError, OSError) as error:
                notes.add("broken", [str(error)], 1)
                continue
            names.append(scene.name)
            for i, (name, box) in enumerate(zip(scene.class_names, scene.gt_boxes.tolist(), strict=True)):
                yield Labelled(len(names) - 1, *scene.image_size, name, tuple(box), f"{file.name}, object {i}")

    return Annotations("rpnviz JSON", labelled, names.__getitem__)
