"""Four formats say the same; whatever is odd is counted and named, and the rest is read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rpnviz.fit.annotations import LONGEST_NAME, MOST_CLASSES, Annotations
from rpnviz.fit.opening import open_annotations
from tests.fit import data_sets
from tests.fit.data_sets import FORMATS, OBJECTS, SIZES, coco, coco_object, scenes, voc, voc_object, write_voc, yolo


def read(annotations: Annotations) -> list[tuple[str, tuple[int, ...], str, list[float]]]:
    """(picture's stem, size, class, box) of every object that is taken."""
    found = []
    for batch in annotations.batches():
        columns = zip(batch.pictures, batch.image_sizes, batch.classes, batch.boxes, strict=True)
        found += [
            (
                Path(annotations.picture_name(int(picture))).stem,
                tuple(size.tolist()),
                annotations.class_names[kind],
                box.tolist(),
            )
            for picture, size, kind, box in columns
        ]
    return found


def noted(annotations: Annotations) -> dict[str, tuple[int, list[str]]]:
    """What is odd, by kind."""
    return {kind: (count, annotations.notes.examples[kind]) for kind, count in annotations.notes.counts.items()}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same(name: str, tmp_path: Path) -> None:
    annotations = open_annotations(FORMATS[name](tmp_path))
    found = read(annotations)
    assert annotations.format == name and annotations.num_pictures == 2 and not noted(annotations)
    assert [one[:3] for one in found] == [(where, SIZES[where], kind) for where, kind, _ in OBJECTS]
    np.testing.assert_allclose([one[3] for one in found], [box for _, _, box in OBJECTS], atol=1e-9)


ODD: dict[str, tuple[dict[str, Any], int]] = {  # kind → what stands in place of the first annotation, how many stay
    "no_picture": ({"image_id": 99}, 2),
    "swapped": ({"bbox": [10, 20, -5, 5]}, 2),
    "no_area": ({"bbox": [10, 20, 0, 5]}, 2),
    "outside": ({"bbox": [641, 20, 5, 5]}, 2),
    "crowd": ({"iscrowd": 1}, 2),
    "overhangs": ({"bbox": [600, 20, 60, 50]}, 3),
    "duplicate": ({"image_id": 5, "bbox": [0, 0, 50, 60]}, 3),
    "broken": ({"bbox": [1, 2, 3]}, 2),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_odd_is_counted_and_named(kind: str, tmp_path: Path) -> None:
    change, stay = ODD[kind]
    content = json.loads(coco(tmp_path).read_text("utf-8"))
    content["annotations"][0] |= change
    annotations = open_annotations(coco(tmp_path, **content))
    assert len(read(annotations)) == stay
    ((found, (count, examples)),) = noted(annotations).items()
    place = 2 if kind == "duplicate" else 0  # the second of the two is the one that was there before
    assert (found, count) == (kind, 1) and examples[0].startswith(f"annotations[{place}]")


def test_what_overhangs_is_cut_at_the_border(tmp_path: Path) -> None:
    annotations = open_annotations(coco(tmp_path, annotations=[coco_object(0, 12, (-30, 20, 700, 500))]))
    assert read(annotations)[0][3] == [0, 20, 640, 480]


@pytest.mark.parametrize("end", ["", "NaN, 1, 2]}]}", "]}", '{"id": 3', "1" * 40])
def test_a_file_that_breaks_off_is_read_until_there(end: str, tmp_path: Path) -> None:
    path = coco(tmp_path)
    text = path.read_text("utf-8")
    lists = json.loads(text)
    head = json.dumps({name: lists[name] for name in ("images", "categories")})[:-1]
    first = ", ".join(map(json.dumps, lists["annotations"][:2]))
    path.write_text(f'{head}, "annotations": [{first}, {{"bbox": [{end}', "utf-8")
    annotations = open_annotations(path)
    assert len(read(annotations)) == 2
    assert re.match(r"all after [23] annotations: \S", noted(annotations)["broken"][1][-1])


def test_folders_of_none_or_several_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no annotations in it; takes"):
        open_annotations(tmp_path)
    voc(tmp_path)
    scenes(tmp_path)
    with pytest.raises(ValueError, match=r"has XML files \(e\.g\. a\.xml\) and JSON files \(e\.g\. a\.json\); name"):
        open_annotations(tmp_path)
    for path, images in ((tmp_path / "none", None), (tmp_path, tmp_path / "none")):
        with pytest.raises(FileNotFoundError, match="there is no such"):
            open_annotations(path, images)


def test_one_bad_picture_or_class_does_not_spoil_the_others(tmp_path: Path) -> None:
    content = json.loads(coco(tmp_path).read_text("utf-8"))
    del content["images"][0]["height"]
    content["images"].append({**content["images"][1], "height": 7})
    content["categories"].append({"id": "x", "name": "bird"})
    annotations = open_annotations(coco(tmp_path, **content))
    assert [one[:3] for one in read(annotations)] == [("b", SIZES["b"], "dog")]
    count, examples = noted(annotations)["broken"]
    assert count == 3 and examples[0] == "images[0]: KeyError: 'height'"
    assert (
        examples[1].startswith("categories[2]: TypeError: id must be") and examples[2] == "images: id 5 is there twice"
    )
    assert noted(annotations)["no_picture"][0] == 2


def test_a_mark_before_the_text_is_passed_over(tmp_path: Path) -> None:
    path = coco(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read(open_annotations(path))) == 3


def test_what_the_parser_says_is_one_line_of_text(tmp_path: Path) -> None:
    path = coco(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"a.png"', b'"\xff.png"'))
    with pytest.raises(ValueError, match=r"^coco\.json: not JSON: [^\n']+$"):
        open_annotations(path)


def test_names_are_text_of_a_length_that_can_be_shown(tmp_path: Path) -> None:
    names = [{"id": 1, "name": "<img src=x onerror=alert(1)>"}, {"id": 7, "name": "犬" * 100_000}]
    annotations = open_annotations(coco(tmp_path, categories=names))
    assert len(read(annotations)) == 3
    assert annotations.class_names == ["<img src=x onerror=alert(1)>", "犬" * (LONGEST_NAME - 1) + "…"]


def test_too_many_classes_are_ids(tmp_path: Path) -> None:
    things = [coco_object(i, 12, (0, 0, 9, 9), i) for i in range(MOST_CLASSES + 1)]
    with pytest.raises(ValueError, match="more than 10,000 classes"):
        read(open_annotations(coco(tmp_path, annotations=things)))


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<annotation>", "ParseError"),
        (f"{BOMB}<annotation><object><name>&b;</name></object></annotation>", "DTDForbidden"),
        ("<a>" + " " * 2**20 + "</a>", "is larger than 1 MiB"),
        (voc_object("dog", (0, 0, 9, 9)).replace("<xmin>1</xmin>", "<xmin>one</xmin>"), "could not convert"),
    ],
)
def test_xml_that_is_no_good_is_named(content: str, said: str, tmp_path: Path) -> None:
    (voc(tmp_path) / "犬.xml").write_text(content, "utf-8")
    annotations = open_annotations(tmp_path)
    assert len(read(annotations)) == 3
    ((count, examples),) = noted(annotations).values()
    assert count == 1 and examples[0].startswith("犬.xml") and said in examples[0]


def test_voc_without_a_size_and_difficult_objects(tmp_path: Path) -> None:
    write_voc(tmp_path, "a", voc_object("dog", (0, 0, 9, 9)))
    size = "<size><width>50</width><height>40</height></size>"
    write_voc(tmp_path, "b", size + voc_object("dog", (0, 0, 9, 9), "<difficult>1</difficult>"))
    write_voc(tmp_path, "c", size + voc_object("dog", (0, 0, 9, 9)).replace("<ymax>9</ymax>", ""))
    annotations = open_annotations(tmp_path)
    assert [one[0] for one in read(annotations)] == ["b"]
    assert noted(annotations) == {
        "no_picture": (1, ["a.xml, object 0"]),
        "not_finite": (1, ["c.xml, object 0"]),
        "difficult": (1, ["b.xml, object 0"]),
    }


def test_of_a_png_the_head_is_enough(tmp_path: Path) -> None:
    whole = yolo(tmp_path) / "images" / "a.png"
    whole.write_bytes(whole.read_bytes()[:60])
    assert len(read(open_annotations(tmp_path))) == 3


def test_yolo_lines_that_are_no_good_are_named(tmp_path: Path) -> None:
    yolo(tmp_path)
    lines = ["", "1 0.5 0.5", "dog 0.5 0.5 0.1 0.1", "1 nan 0.5 0.1 0.1", "1 0.1 0.1 0.3 0.1 0.2 0.4", "9 .5 .5 .1 .1"]
    (tmp_path / "labels" / "a.txt").write_text("\n".join(lines), "utf-8")
    (tmp_path / "labels" / "lost.txt").write_text("1 0.5 0.5 0.1 0.1", "utf-8")
    (tmp_path / "labels" / "no_text.txt").write_bytes(b"\xff\xfe")
    annotations = open_annotations(tmp_path)
    kinds = [(where, kind) for where, _, kind, _ in read(annotations)]
    assert kinds == [("a", "dog"), ("a", "class 9"), ("b", "dog")]
    found = noted(annotations)
    assert found["broken"][0] == 3 and found["broken"][1][0].startswith("a.txt, line 2: has 2 numbers after the class")
    assert "no_text.txt" in found["broken"][1][2]
    assert found["not_finite"] == (1, ["a.txt, line 4"]) and found["polygon"] == (1, ["a.txt, line 5"])
    assert found["no_picture"] == (1, ["lost.txt, line 1"])


def test_yolo_finds_pictures_where_they_are_said_to_be_and_turned(tmp_path: Path) -> None:
    yolo(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    turned = Image.new("RGB", (640, 480)).getexif()
    turned[0x0112] = 6
    Image.new("RGB", (640, 480)).save(elsewhere / "a.JPG", exif=turned)
    (elsewhere / "b.png").write_bytes(b"no picture")
    annotations = open_annotations(tmp_path / "labels", elsewhere)
    assert {one[1] for one in read(annotations)} == {(640, 480)}
    assert "b.png: not a picture that can be read" in noted(annotations)["broken"][1][0]


def test_yolo_names_lie_beside_other_settings(tmp_path: Path) -> None:
    for name, content in (("args.yaml", "epochs: 3"), ("a.yaml", "- 1"), ("b.yml", "")):
        (tmp_path / name).write_text(content, "utf-8")
    annotations = open_annotations(yolo(tmp_path))
    assert {one[2] for one in read(annotations)} == {"dog", "cat"}


def test_links_that_lead_out_are_left_alone(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    voc(inside)
    (outside / "secret.xml").write_text("<annotation/>", "utf-8")
    (inside / "secret.xml").symlink_to(outside / "secret.xml")
    (inside / "nothing.xml").symlink_to(inside / "gone.xml")
    (inside / "itself.xml").symlink_to(inside / "itself.xml")
    annotations = open_annotations(inside)
    assert len(read(annotations)) == 3
    assert noted(annotations) == {"link": (3, ["itself.xml", "nothing.xml", "secret.xml"])}


def test_scenes_of_which_one_is_broken(tmp_path: Path) -> None:
    (scenes(tmp_path) / "a.webp").unlink()
    annotations = open_annotations(tmp_path)
    assert [one[0] for one in read(annotations)] == ["b"]
    assert "a.webp" in noted(annotations)["broken"][1][0]


@pytest.mark.parametrize("count", [0, 1])
def test_none_or_one_object(count: int, tmp_path: Path) -> None:
    things = [coco_object(0, 12, (10, 20, 30, 40))][:count]
    assert len(read(open_annotations(coco(tmp_path, annotations=things)))) == count


def test_batches_do_not_change_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    things = [coco_object(i, 12, (i % 7, 0, 9 + i % 7, 9)) for i in range(23)]
    path = coco(tmp_path, annotations=things)
    whole = open_annotations(path)
    expected = read(whole)
    monkeypatch.setattr("rpnviz.fit.annotations.AT_ONCE", 5)
    parts = open_annotations(path)
    assert read(parts) == expected and noted(parts) == noted(whole)
    assert noted(parts)["duplicate"][0] == 16 and data_sets.NUMBERS["dog"] == 1
