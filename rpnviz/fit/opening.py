"""Which format is it? Told from what is there, or refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

from rpnviz.fit.annotations import Annotations
from rpnviz.fit.coco import open_coco
from rpnviz.fit.folders import files_of
from rpnviz.fit.scenes import open_scenes
from rpnviz.fit.voc import open_voc
from rpnviz.fit.yolo import NO_LABELS, open_yolo
from rpnviz.pictures import MAX_SCENE_BYTES

TAKES = "takes a COCO JSON, a folder of Pascal VOC's XML or of YOLO's text files, or rpnviz's own JSON"


def open_annotations(path: Path, images: Path | None = None) -> Annotations:
    """Open the annotations of a data set.

    Args:
        path: a JSON file, or a folder.
        images: where the pictures are; only YOLO's format needs them, and looks beside the text files without.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ValueError: if it is in none of the formats, or in several; says what there is.
    """
    path = path.expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file or folder")
    if images is not None and not images.expanduser().is_dir():
        raise FileNotFoundError(f"{images}: there is no such folder of pictures")
    if path.is_dir():
        return _open_folder(path, images and images.expanduser())
    if not path.is_file():
        raise ValueError(f"{path}: is a device or a pipe, {TAKES}")
    if path.suffix.lower() != ".json":
        packed = path.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
        raise ValueError(f"{path.name}: {'is packed; unpack it first' if packed else TAKES}")
    return open_scenes(path) if _is_scene(path) else open_coco(path)


def _open_folder(folder: Path, images: Path | None) -> Annotations:
    texts = (path for path in files_of(folder, ".txt") if path.name.lower() not in NO_LABELS)
    found = {
        "XML files": next(files_of(folder, ".xml"), None),
        "text files": next(texts, None),
        "JSON files": next(files_of(folder, ".json"), None),
    }
    there = [f"{kind} (e.g. {path.name})" for kind, path in found.items() if path]
    if len(there) > 1:
        raise ValueError(f"{folder.name}: has {' and '.join(there)}; name the folder or the file that has the boxes")
    if found["XML files"]:
        return open_voc(folder)
    if found["text files"]:
        return open_yolo(folder, images)
    if found["JSON files"]:
        return open_scenes(folder)
    raise ValueError(f"{folder.name}: has no annotations in it; {TAKES}")


def _is_scene(path: Path) -> bool:
    """Whether a JSON file is one of ours; those are small, and whole."""
    if path.stat().st_size > MAX_SCENE_BYTES:
        return False
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return False
    if isinstance(content, list) or (isinstance(content, dict) and "objects" in content):
        return True
    if isinstance(content, dict) and "images" in content:
        return False
    keys = ", ".join(map(repr, list(content)[:5])) if isinstance(content, dict) else type(content).__name__
    raise ValueError(f"{path.name}: has {keys or 'nothing'} in it, {TAKES}")
