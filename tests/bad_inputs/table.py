"""Bad inputs of all kinds: to whom each is given, what it is, and the sentence that it must get.

A row here is a whole test: test_bad_inputs.py also looks whether the input has left anything behind. What is special to
one module, such as the kinds of numbers that a function takes, stands with the tests of that module.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import threading
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone, preprocess
from rpnviz.boxes import box_area, box_iou, decode
from rpnviz.detection import RoIHead
from rpnviz.explorers import AnchorsExplorer, IouExplorer
from rpnviz.figures.maps import maps_figure
from rpnviz.fit.fitting import fit_anchors
from rpnviz.grid import Grid
from rpnviz.inspect.nms_steps import nms_steps
from rpnviz.inspect.recall import best_ious
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.roi import align_one_box, pool_one_box, sample_proposals
from rpnviz.rpn import RPNHead
from rpnviz.targets import label_anchors
from tests.bad_inputs.given import BLANK, CAR, File
from tests.exercises.conftest import typed
from tests.fit.data_sets import voc_object


class Row(NamedTuple):
    """A bad input; `says` is a regular expression, found anywhere in what is said."""

    given_to: str
    bad: Any
    says: str

    @property
    def name(self) -> str:
        """What the test is called."""
        bad = self.bad.name if isinstance(self.bad, File) else self.bad if isinstance(self.bad, (str, list)) else ""
        return re.sub(r"[^\w.,=()-]+", " ", f"{self.given_to}: {self.says} {str(bad)[:40]}").strip()

    def fits(self, said: str) -> bool:
        """Whether it is the sentence."""
        return re.search(self.says, said) is not None


def rows(given_to: str, *pairs: tuple[Any, str]) -> list[Row]:
    """Rows of one kind."""
    return [Row(given_to, *pair) for pair in pairs]


def png(width: int, height: int, compressed: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")


def saved(kind: str, share: float = 1.0) -> bytes:
    """A picture of noise, or its beginning."""
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)).save(content, kind)
    return content.getvalue()[: int(len(content.getvalue()) * share)]


def isobmff(major: bytes, *compatible: bytes) -> bytes:
    box = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return struct.pack(">I", len(box) + 4) + box + b"\0" * 64


HEIC = r"{}\.heic: a HEIC picture.*save it as JPEG or PNG.*register_heif_opener"
NONE = r"{}: not a picture, or its beginning is broken; takes JPEG, PNG"
CUT = r"{}: (cannot be decoded, it may be cut off or broken|not a picture)"

PICTURES = rows(
    "Picture.open",
    (File("empty.png", b""), r"empty\.png: is empty"),
    (File("text.png", b"hello, world"), NONE.format(r"text\.png")),
    (File("zeros.png", b"\0" * 100), NONE.format(r"zeros\.png")),
    (File("paper.png", b"%PDF-1.7"), NONE.format(r"paper\.png")),
    (File("drawing.png", b"<svg/>"), NONE.format(r"drawing\.png")),
    (File("print.png", b"%!PS-Adobe-3.0 EPSF-3.0"), NONE.format(r"print\.png")),
    (File("film.png", isobmff(b"isom")), NONE.format(r"film\.png")),
    (File("magic.png", b"\x89PNG"), NONE.format(r"magic\.png")),
    (File("box.png", struct.pack(">I", 8) + b"ftyp"), NONE.format(r"box\.png")),
    (File("icon.ico", saved("ICO")), NONE.format(r"icon\.ico")),
    (File("1.heic", isobmff(b"heic", b"mif1")), HEIC.format(1)),
    (File("2.heic", isobmff(b"mif1", b"heic")), HEIC.format(2)),
    (File("3.heic", isobmff(b"msf1", b"hevc")), HEIC.format(3)),
    (File("0x6.png", png(0, 6, zlib.compress(b""))), r"0x6\.png: "),
    (File("10x0.png", png(10, 0, zlib.compress(b""))), r"10x0\.png: "),
    *(
        (File(f"{int(share * 10)}.{kind}", saved(kind, share)), CUT.format(rf"{int(share * 10)}\.{kind}"))
        for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
        for share in (0.3, 0.9)
    ),
    (File("bomb.png", png(65_000, 65_000, b"")), r"bomb\.png: a picture of .* pixels, takes 1 to 64,000,000 in all$"),
    (Path("nowhere.png"), r"FileNotFoundError: nowhere\.png: no such file"),
    (Path(), "is a folder or a device"),
    (Path(os.devnull), f"{os.devnull}: is a folder or a device"),
    ("a" * 5000, "aaa.*(cannot be opened|no such file)"),
    ("a\0b.png", "a�b.png: (cannot be opened|no such file)"),
    ("~nobody-at-all/a.png", r"~nobody-at-all/a\.png: no such file"),
    ("https://a.org/cat.jpg", "https:/a.org/cat.jpg: is an address, takes a file: download it first"),
    (Path("https://a.org/dog.jpg"), "https:/a.org/dog.jpg: is an address"),
    ("file:///home/c.png", "file:/home/c.png: is an address"),
    ("data:image/png;base64," + "A" * 5000, "^ValueError: data:image/png;base64,A{38}: is an address"),
    (None, "path: got None, takes the path of a picture file"),
    (3, "path: got 3, takes the path"),
    (b"a.png", r"path: got b'a\.png', takes the path"),
)

ARRAYS = rows(
    "Picture.fit",
    (np.zeros((6, 10, 3)), r"image: got float64 \[6, 10, 3\], takes uint8 \[H, W, 3\].*\(image \* 255\)"),
    (torch.zeros(3, 60, 100, dtype=torch.uint8), r"image: got uint8 \[3, 60, 100\].*np\.moveaxis\(image, 0, -1\)"),
    (np.zeros((6, 10, 5), np.uint8), r"image: got uint8 \[6, 10, 5\], takes uint8"),
    (np.zeros((6, 0, 3), np.uint8), r"image: got uint8 \[6, 0, 3\], takes uint8"),
    (np.full((6, 10, 3), None), r"image: got object \[6, 10, 3\], takes uint8"),
    ("mine.jpg", r"image: got <U8 \[\], takes uint8"),
    ([[1, 2], [3]], "image: got list, which is not an array"),
    (torch.zeros(6, 10, 3, requires_grad=True), "image: got Tensor, which is not an array"),
    (Image.new("F", (10, 6)), "image: floating-point values, whose white is anybody's guess"),
)

GOOD_BOX = [10.0, 10, 20, 20]
BOXES = rows(
    "gt_boxes",
    *(
        ([GOOD_BOX, box], rf"^ValueError: gt_boxes\[1\] = \[.*{float(str(box[1]))}.*\] {why}")
        for box, why in (
            ([30, 10, 30, 20], "has no area"),
            ([30, 11, 40, 11], "has no area"),
            ([40, 12, 30, 20], "has no area: takes x1 < x2"),
            ([30, 20, 40, 10], "has no area"),
            ([float("nan"), 13, 40, 20], "is not finite"),
            ([10, 14, 40, float("nan")], "is not finite"),
            ([10, 15, float("inf"), 20], "is not finite"),
            ([float("-inf"), 16, 40, 20], "is not finite"),
            ([-0.5, 17, 40, 20], "reaches outside the picture of 100×60"),
            ([10, -1, 40, 20], "reaches outside"),
            ([10, 18, 100.01, 20], "reaches outside"),
            ([10, 19, 40, 61], "reaches outside"),
            ([200, 200, 300, 300], "reaches outside"),
            ([None, 21, 40, 20], "is not finite"),
            ([1e39, 22, 2e39, 23], "is not finite"),
        )
    ),
    (GOOD_BOX, r"gt_boxes: got shape \(4,\), takes \[M, 4\]: a row"),
    ([[1, 2, 3]], r"gt_boxes: got shape \(1, 3\), takes \[M, 4\]"),
    ([[1, 2, 3, 4, 5]], r"gt_boxes: got shape \(1, 5\), takes"),
    (np.zeros((0, 5)), r"gt_boxes: got shape \(0, 5\), takes"),
    ([[GOOD_BOX]], r"gt_boxes: got shape \(1, 1, 4\), takes"),
    (7, r"gt_boxes: got shape \(\), takes"),
    ([[1, 2, 3, 4], [1, 2]], "gt_boxes: got list that is not a table of numbers"),
    ("boxes", "gt_boxes: got str that is not a table of numbers"),
    ({"a": 1}, "gt_boxes: got dict that is not a table of numbers"),
    ([["a", "b", "c", "d"]], "gt_boxes: got list that is not a table of numbers .*'a'"),
    ([[10**400, 0, 1, 1]], "gt_boxes: got list that is not a table of numbers .*too large"),
    ([[50, 30, 40, 20]], r"has no area.*look like x, y, width, height, as COCO has them.*box_convert"),
)

NAMES = rows(
    "class_names",
    ([], "class_names: got 0 names for 1 boxes"),
    (["dog", "cat"], "class_names: got 2 names for 1 boxes"),
    ("d", "class_names: got 'd', takes a list of str"),
    ([3], r"class_names\[0\]: got 3, takes str"),
    ([None], r"class_names\[0\]: got None"),
    ({"dog"}, "class_names: got {'dog'}, takes a list of str"),
    (["half a \ud83d"], r"class_names\[0\]: got 'half a \\ud83d', takes text that is valid Unicode"),
)

THING: dict[str, Any] = {"name": "dog", "visible": [1, 2, 8, 9], "visible_fraction": 0.36}
SCENES = rows(
    "a scene's JSON",
    ("{", r"s\.json: not a scene: JSONDecodeError"),
    ("3", r"s\.json: not a scene: TypeError: 'int'"),
    ("[" * 100_000, r"s\.json: not a scene: RecursionError"),
    ("\ufeff[]", r"s\.json: not a scene: JSONDecodeError: Unexpected UTF-8 BOM"),
    (" " * 2**20 + "[]", "not a scene: ValueError: is larger than 1 MiB"),
    ({}, "not a scene: KeyError: 'objects'"),
    ([3], r"s\.json: not a scene: TypeError: .*not subscriptable"),
    ([{"name": "dog"}], "not a scene: KeyError: 'visible'"),
    ([THING | {"visible_fraction": "much"}], r"objects\[0\]: visible_fraction is 'much'"),
    ([THING | {"visible_fraction": 7}], r"objects\[0\]: visible_fraction is 7"),
    ([THING | {"visible_fraction": float("nan")}], r"objects\[0\]: visible_fraction is nan"),
    ([THING | {"visible": [1, 2, 3]}], "not a scene: ValueError: gt_boxes: got shape"),
    ([THING | {"visible": [1, 2, 101, 9]}], r"not a scene: ValueError: gt_boxes\[0\] .*reaches outside"),
    ([THING | {"visible": [5, 2, 5, 9]}], r"not a scene: ValueError: gt_boxes\[0\] .*has no area"),
    ([THING | {"visible": [0, 0, 10**400, 9]}], "not a scene: OverflowError"),
    ([THING | {"name": 5}], r"not a scene: ValueError: class_names\[0\]: got 5"),
    ({"objects": [THING], "image_size": [600, 1000]}, r"image_size is \[600, 1000\], but s\.webp has \[60, 100\]"),
    (
        {"objects": [THING], "picture": "../s.webp"},
        r"picture: got '\.\./s\.webp', takes the name of a file in the same",
    ),
    ({"objects": [THING], "picture": ".."}, "not a scene: ValueError: .*is a folder"),
    ({"objects": [THING], "picture": "lost.webp"}, r"FileNotFoundError: lost\.webp: no such file"),
    ({"objects": [THING], "picture": "\0"}, r"FileNotFoundError: �: no such file"),
    ({"objects": [THING], "picture": 3}, "not a scene: TypeError: expected str"),
)

ONE = torch.tensor([[0.0, 0, 64, 64]])
SIZE = (96, 128)
CALLS = rows(
    "a call",
    (lambda: Picture.load("street-99"), "name: got 'street-99', takes one of .*street-03.*Picture.open"),
    (lambda: Picture.load("../pictures/street-03"), r"name: got '\.\./pictures/street-03', takes one of"),
    (lambda: Picture(BLANK, torch.zeros(0, 4), [], "\ud83d"), "name: got .*takes text that is valid Unicode"),
    (lambda: IouExplorer(Picture.fit(BLANK)), r"picture: my picture has no objects \(gt_boxes\)"),
    (lambda: AnchorsExplorer("street-03", Grid.paper()), "picture: got str, takes a Picture"),
    (lambda: fit_anchors("none.json"), r"FileNotFoundError: none\.json: there is no such file or folder"),
    (lambda: fit_anchors("a\0b"), "there is no such file or folder"),
    (lambda: box_iou(ONE, ONE[:, :3]), r"boxes2 must be Tensor\[N, 4\]; got"),
    (lambda: decode(torch.full((1, 4), float("nan")), ONE), "must be finite"),
    (lambda: Grid.floor((2897, 2897)), r"input_size \(2897, 2897\) has 8,392,609 px; at most 8,388,608"),
    (lambda: Grid.paper((2**24 + 1, 600)), "image_size must be .* from 16 to 16,777,216; got"),
    (lambda: preprocess(torch.zeros(1, 3, 2, 2), (2897, 2897)), r"^ValueError: input_size .* has 8,392,609 px"),
    (lambda: cell_anchors(range(8, 2058), range(1, 2050)), "scales and aspect_ratios make 4,200,450 anchors"),
    (lambda: cell_anchors([2.0**26]), "scales must be .* at most 16,777,216; got"),
    (
        lambda: grid_anchors(Grid.floor((2048, 4096)), cell_anchors(range(8, 51))),
        "grid and cells make 4,227,072 anchors; at most 4,194,304",
    ),
    (lambda: box_area(torch.tensor([[0, 0, 1, 2**24 + 2]])), r"boxes\[0\] must have"),
    (lambda: box_iou(ONE.expand(5800, 4), ONE.expand(5800, 4)), "boxes1 and boxes2 make 33,640,000"),
    (lambda: label_anchors(ONE.expand(5800, 4), ONE.expand(5800, 4), SIZE), "anchors and gt_boxes make 33,640,000"),
    (lambda: best_ious(ONE.expand(5800, 4), ONE.expand(5800, 4), 5800), "proposals and gt_boxes make 33,640,000"),
    (lambda: sample_proposals(ONE.expand(5800, 4), ONE.expand(5800, 4)), "proposals and gt_boxes make 67,280,000"),
    (
        lambda: align_one_box(torch.zeros(1, 6, 8), torch.tensor([0.0, 0, 4200, 4200]), sampling_ratio=0),
        "box, output_size and sampling_ratio read 17,640,000 values; at most 16,777,216",
    ),
    (
        lambda: align_one_box(torch.zeros(1, 6, 8), torch.tensor([0.0, 0, 4, 4]), sampling_ratio=600),
        "box, output_size and sampling_ratio read 17,640,000 values$|17,640,000 values;",
    ),
    (
        lambda: pool_one_box(torch.zeros(1, 6, 8), torch.tensor([0.0, 0, 4, 4]), (101, 1)),
        "output_size must be .* 1 to 100",
    ),
    (
        lambda: pool_one_box(torch.zeros(1, 1, 1).expand(1700, 1, 1), torch.tensor([0.0, 0, 4, 4]), (100, 100)),
        "features and output_size make 17,000,000 values",
    ),
    (lambda: RPNHead(2049), "in_channels must be .* from 1 to 2,048; got 2049"),
    (lambda: RPNHead(4, 1025), "num_anchors must be .* from 1 to 1,024; got 1025"),
    (lambda: RPNHead(4, 2, 9), "kernel_size must be .* from 1 to 7; got 9"),
    (lambda: RoIHead(hidden=4097), "hidden must be .* from 1 to 4,096; got 4097"),
    (lambda: RoIHead(num_classes=10_001), "num_classes must be .* from 1 to 10,000; got 10001"),
    (lambda: Backbone((2, 2, 2, 2, 2049)), r"widths\[4\] must be .* from 1 to 2,048; got 2049"),
    (
        lambda: propose(torch.zeros(100_001), torch.zeros(100_001, 4), ONE.expand(100_001, 4), SIZE, 200_000),
        "pre_nms_top_n lets 100,001 boxes into NMS; at most 100,000",
    ),
    (lambda: nms_steps(ONE.expand(32_769, 4), torch.zeros(32_769)), "boxes are 32,769 boxes; at most 32,768"),
    (lambda: maps_figure(torch.zeros(145, 20, 20), ["a"] * 145, "Maps."), "maps are 145 maps; at most 144"),
)

STREETS = str(Path(__file__).parents[2] / "data" / "pictures")
COMMANDS = rows(
    "rpnviz",
    ([], "the following arguments are required: COMMAND"),
    (["mark"], "invalid choice: 'mark'"),
    (["grade"], "the following arguments are required: NOTEBOOK"),
    (["grade", "a.ipynb", "--out", "/nowhere/grades.csv"], "--out: /nowhere/grades.csv cannot be written: No such"),
    (["grade", "a.ipynb", "--out", "/"], "--out: / cannot be written: it is a folder"),
    (["grade", "a.ipynb", "--out", ""], r"--out: \. cannot be written: it is a folder"),
    (["fit", "none.json"], r"none\.json: there is no such file or folder"),
    (["fit", STREETS, "--images", "nowhere"], "nowhere: there is no such folder of pictures"),
    (["fit", STREETS, "--resize", "500"], "resizing: got '500', takes one of 600/1000"),
    (["fit", STREETS, "--scales", "0"], "scales must be"),
    (["fit", STREETS, "--scales", "nan"], "scales must be .*nan"),
    (["fit", STREETS, "--anchors", "fpn", "--scales", "8"], "leave --anchors out"),
    (["fit", STREETS, "--json", "/nowhere/fit.json"], "/nowhere/fit.json cannot be written"),
    (["fit", STREETS, "--anchors", "yolo"], "invalid choice"),
    (["fit", STREETS, "--at-least", "nan"], "--at-least must be a number of at least 0 and at most 1; got nan"),
    (["fit", STREETS, "--at-least", "95"], "--at-least must be .* got 95"),
    (["fit", STREETS, "--json", "fit.x", "--csv", "./fit.x"], "must be different files"),
    (["fit", f"{STREETS}/street-01.json", "--json", f"{STREETS}/street-01.json"], "must be different"),
    (["lab", os.devnull], f"{os.devnull}.*(folder|directory|exists)"),
)


def packed() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../coco.json", "{}")
    return content.getvalue()


DATA_SETS = rows(
    "rpnviz fit",
    (File("data.zip", packed()), r"data\.zip: is packed; unpack it first"),
    (File("data.tar.gz", b"\x1f\x8b"), r"data\.tar\.gz: is packed; unpack it first"),
    (File("data.7z", b"7z"), r"data\.7z: is packed; unpack it first"),
    (File("x.csv", "a,b"), r"x\.csv: takes a COCO JSON, a folder of Pascal VOC's XML"),
    (File("nothing.json", ""), r"nothing\.json: not JSON"),
    (File("deep.json", "[" * 200_000), r"deep\.json: is nested deeper than 100 levels"),
    (File("d.json", '{"images": [' + '["]]]", ' * 200_000), r"d\.json: is nested deeper than 100 levels"),
    (File("long.json", '{"images": ["\\"[' + "{" * 2_000_000), r"long\.json: has a text of more than 1 MiB"),
    (File("{}.json", "{}"), r"\{\}\.json: has nothing in it, takes a COCO JSON"),
    (File("other.json", '{"boxes": []}'), r"other\.json: has 'boxes' in it"),
    (File("text.json", '"text"'), r"text\.json: has str in it"),
    (File("none.json", '{"images": []}'), r'none\.json: has no "images"'),
    (File("size.json", '{"images": [{"id": 1}]}'), r"size\.json: .* width and height: images\[0\]: KeyError: 'height'"),
    (File("3.json", '{"images": [3]}'), r"3\.json: .* width and height: images\[0\]: TypeError"),
    (File("bytes.json", b'{"images": [{"id": 1, "file_name": "\xff"}]}'), r"bytes\.json: not JSON: [^\n]+$"),
    (File("scene.json", '{"objects": [3]}'), r"could not be read \(scene\.json: not a scene: TypeError"),
)

ANNOTATIONS = rows(
    "an annotation of COCO",
    ({"bbox": ["1", "2", "x", "4"]}, r"1 left out: they could not be read \(annotations\[1\]: ValueError: .*'x'"),
    ({"bbox": None}, r"could not be read \(annotations\[1\]: TypeError"),
    ({"bbox": [1, 2, 3]}, r"could not be read \(annotations\[1\]: ValueError: not enough values"),
    ({"bbox": [1, 2, 10**400, 4]}, r"could not be read \(all after 1 annotations: parse error: integer overflow"),
    ({"image_id": "12"}, "image_id must be a whole number, got '12'"),
    ({"category_id": True}, "category_id must be a whole number, got True"),
    ({"image_id": 2**62}, "image_id must be a whole number, got 46"),
    ({"image_id": 99}, r"belong to a picture that is not there \(annotations\[1\]"),
    ({"bbox": [10, 20, -5, 5]}, r"have corners swapped, or sides below 0 \(annotations\[1\]"),
    ({"bbox": [10, 20, 0, 5]}, r"have no area \(annotations\[1\]"),
    ({"bbox": [1e308, 20, 1e308, 5]}, r"a box that is not four finite numbers \(annotations\[1\]"),
    ({"bbox": [641, 20, 5, 5]}, r"lie outside their picture \(annotations\[1\]"),
)

ENTITIES = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
XMLS = rows(
    "an XML of VOC",
    ("<annotation>", r"could not be read \(bad\.xml: ParseError"),
    ("", r"could not be read \(bad\.xml: ParseError: no element found"),
    (f"{ENTITIES}<annotation><object><name>&b;</name></object></annotation>", r"bad\.xml: DTDForbidden"),
    ("<a>" + " " * 2**20 + "</a>", r"bad\.xml: ValueError: is larger than 1 MiB"),
    (
        voc_object("dog", (0, 0, 9, 9)).replace("<xmin>1</xmin>", "<xmin>one</xmin>"),
        r"bad\.xml: ValueError: could not convert string to float: 'one'",
    ),
)

LINES = rows(
    "a line of YOLO",
    ("1 0.5 0.5", r"could not be read \(a\.txt, line 1: has 2 numbers after the class, takes 4, or the corners"),
    ("dog 0.5 0.5 0.1 0.1", r"could not be read \(a\.txt, line 1: invalid literal for int\(\) .*'dog'"),
    ("1 a b c d", r"could not be read \(a\.txt, line 1: could not convert string to float: 'a'"),
    ("1 nan 0.5 0.1 0.1", r"have a box that is not four finite numbers \(a\.txt, line 1\)"),
    ("1 1e999 0.5 0.1 0.1", r"not four finite numbers \(a\.txt, line 1\)$|not four finite numbers \(a"),
    ("9" * 5000 + " 0.5 0.5 0.1 0.1", r"could not be read \(a\.txt, line 1: Exceeds the limit"),
)

LISTS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise("abcdefghijklmnopqrstuvwx"))
NO_NAMES = r"data\.yaml: no names of classes: "
YAMLS = rows(
    "names of YOLO",
    ("names: !!python/object/apply:os.mkdir [hacked]", NO_NAMES + "could not determine a constructor"),
    (f"{LISTS}names: [*x]", NO_NAMES + "a name must be text"),
    ("names: {x: dog}", NO_NAMES + "invalid literal for int"),
    ("names: 3", NO_NAMES + "names: got 3, takes a list, or a number for each name"),
    ("names: dog", NO_NAMES + "names: got 'dog', takes a list"),
    ("names:", NO_NAMES + "names: got None, takes a list"),
    ("names: {.inf: dog}", NO_NAMES + "cannot convert float infinity"),
    ("names: [", NO_NAMES + "while parsing a flow .* expected .*"),
    ("names: [!!timestamp x]", NO_NAMES + "'NoneType' object"),  # PyYAML's own tags, of which it is not careful
    ("names: [!!int '']", NO_NAMES + "string index out of range"),
    ("names: [!!bool x]", NO_NAMES + "'x'"),
)


class Command:
    """A pickle that would run a command."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("hacked",)


def as_file(state: object) -> bytes:
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


NOT_TENSORS = r"weights {} are not loaded: they hold something other than tensors, or are broken$"
WEIGHTS = rows(
    "weights",
    (File("command.pt", as_file({"a": Command()})), NOT_TENSORS.format(r"command\.pt")),
    (File("old.pt", pickle.dumps(Command(), protocol=2)), NOT_TENSORS.format(r"old\.pt")),
    (File("a\x07b.pt", "<html>404</html>"), NOT_TENSORS.format(r"a�b\.pt")),
    (File("page.pt", "<html>404</html>"), NOT_TENSORS.format(r"page\.pt")),
    (
        File("page.safetensors", "<html>404</html>"),
        r"weights page\.safetensors cannot be read as safetensors or a torch",
    ),
    (File("empty.safetensors", b""), r"weights empty\.safetensors cannot be read"),
    (File("huge.safetensors", struct.pack("<Q", 2**63) + b"{}"), r"weights huge\.safetensors cannot be read"),
    (File("empty.pt", b""), r"weights empty\.pt cannot be read"),
    (File("cut.pt", as_file({"a": torch.zeros(3000)})[:-2000]), r"weights cut\.pt cannot be read"),
    (File("list.pt", as_file([torch.zeros(1)])), r"weights list\.pt must hold a state dict of tensors"),
    (File("numbers.pt", as_file({0: torch.zeros(1)})), r"weights numbers\.pt must hold a state dict of tensors"),
    (File("packed.pt", packed()), r"weights packed\.pt cannot be read"),
)

NOTEBOOKS = rows(
    "rpnviz grade",
    (b"", r"a\.ipynb: unreadable: a\.ipynb is not a notebook: it is not JSON"),
    (b"hello", r"unreadable: a\.ipynb is not a notebook"),
    (b"\xff\xfe\x00", r"unreadable: a\.ipynb is not a notebook: it is not JSON\n"),
    (b"[" * 100_000, r"unreadable: a\.ipynb is not a notebook: it is not JS"),
    (b"[1, 2]", r"unreadable: a\.ipynb is not a notebook of format 4: it has no list of cells"),
    (b'{"worksheets": []}', "is not a notebook of format 4: it has no list"),
    (b'{"cells": {"a": 1}}', "is not a notebook of format 4: it has no list of cells\n"),
    (b'{"cells": [3, null, {"cell_type": "code", "source": {}}]}', "It holds none of the exercise functions"),
    (["x = 1"], r"a\.ipynb.*not found: It holds none of the exercise functions"),
    (["def my_nms(boxes:\n    pass"], "not found: It holds none"),
    (["my_nms = 3"], "my_nms not written: |my_nms not written"),
    (
        ["import nowhere_at_all\ndef my_nms(a, b, c):\n    return nowhere_at_all.f(a)"],
        "ModuleNotFoundError: .*'nowhere_at_all'",
    ),
    (["def my_nms(a, b, c):\n    import os\n    os._exit(0)"], "ended the process in which it ran, with exit status 0"),
)

FUNCTIONS = rows(
    "my_box_iou",
    ("exit()", r"calls exit\(\) instead of returning something"),
    ("import os\nos._exit(3)", "ended the process in which it ran, with exit status 3"),
    ("import ctypes\nctypes.string_at(0)", "ended the process in which it ran, by signal 11"),
    ("while True: pass", "did not return within 1 s and was stopped. Does a loop never end?"),
    ("return my_box_iou(boxes1, boxes2)", "calls itself without end"),
    ("return torch.zeros(10**11)", "asks for more than 1,024 MB of memory"),
    ("return input('boxes? ')", "asks for input; everything it needs is in its arguments"),
    ("return helper(boxes1)", "NameError: name 'helper' is not defined"),
    ("raise KeyboardInterrupt", "It raises KeyboardInterrupt"),
    ("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E", "It raises E"),
    ("return 'x' * 10**7", "returns text of 10,000,000 characters"),
    ("return type('', (), {})()", "returns a nameless object"),
    ("class A:\n    @property\n    def __class__(self): raise ValueError\nreturn A()", "returns an A"),
    ("import builtins\nbuiltins.len = None", "the process in which it ran,"),
    ("import subprocess\nsubprocess.Popen(['sleep', '600'])\nraise ValueError('left')", "It raises ValueError: left"),
    ("torch.set_default_dtype(torch.float64)\ntorch.manual_seed(3)", r"returns None. Does it end with return\?"),
    ("open('beside.txt', 'w').write('x')\nreturn 3", "it returns the number 3"),
    (  # refused where Linux has Landlock 6
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nreturn 3",
        "it returns the number 3|It raises PermissionError",
    ),
    (
        "import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)\nraise ValueError('left alone')",
        "It raises ValueError: left alone",
    ),
    (  # refused where Linux has a filter of system calls
        "import socket\nsocket.create_connection(('127.0.0.1', 1))",
        r"It raises (OSError.*\. In an exercise a function has no network\.|ConnectionRefusedError)",
    ),
)

CHECKED = rows(
    "check",
    (3, "check takes the function itself, without calling it"),
    (None, r"without calling it: check\(my_box_iou\)"),
    (typed("return 1", name="my_iou"), "No exercise is called my_iou. Do you mean my_box_iou?"),
    (lambda boxes1, boxes2: 0, "No exercise is called <lambda>. The exercises are: my_receptive_field, "),
    (typed("return 1", parameters="boxes1"), r"takes 2 arguments, \(boxes1, boxes2\). Yours takes 1: \(boxes1\)."),
    (typed("return lock", lock=threading.Lock()), "It uses ‘lock’, which cannot be sent"),
    (typed("return big", big=np.zeros(20_000_000)), "153 MB of values from outside, mostly ‘big’"),
)

MESSAGES = rows(
    "a page's message",
    ({"objects": 3}, "TraitError: .*objects"),
    (
        {"objects": [CAR, {"name": "car", "box": [0, 0, 200, 60]}]},
        "objects: got .*takes up to 200 objects, each a name",
    ),
    ({"objects": [{"name": "car", "box": [0, 0, 0, 60]}]}, "objects: got .*'box': \\[0, 0, 0, 60\\].*, takes up to"),
    ({"objects": [{"name": "\ud83d", "box": [0, 0, 9, 9]}]}, "objects: got .*ud83d.*, takes up to 200"),
    ({"objects": [{"name": "a" * 201, "box": [0, 0, 9, 9]}]}, "objects: got .*aaa.*, takes up to 200"),
    ({"objects": [CAR] * 201}, "objects: got .*, takes up to 200 objects, each"),
)

LINKS = rows(
    "a link",
    *(
        (fragment, f"^{re.escape(says)}")
        for fragment, says in (
            ("row=40", "row is 40, takes 0 to 39"),
            ("row=-1", "row is -1, takes 0 to 39"),
            ("row=7.5", "row is 7.5, takes 0 to 39"),
            ("row=0x10", "row is 0x10, takes 0 to 39"),
            ("row=1e1", "row is 1e1, takes"),
            ("row= 1", "row is  1, takes"),
            ("row=٣", "row is ٣, takes"),
            ("row=", "row is empty, takes 0"),
            ("row", "row is empty, takes"),
            ("row=NaN", "row is NaN, takes"),
            ("high=Infinity", "high is Infinity, takes 0 to 1"),
            ("high=1e999", "high is 1e999"),
            ("high=0.1", "low is above high"),
            ("low=0.9", "low is above hig"),
            ("on=true", "on is true, takes 0 or 1"),
            ("on=constructor", "on is constructor"),
            ("side=up", "side is up, takes one of left, dropped, both sides"),
            ("top_n=11", "top_n is 11, takes one of 10, 50"),
            ("layers=anchors,anchors", "layers is anchors,anchors, takes some of anchors, labels"),
            ("layers=anchors,", "layers is anchors,, takes"),
            ("deltas=0", "deltas is 0, takes 2 numbers, -2 to 2, -3 to 5"),
            ("deltas=0,6", "deltas is 0,6"),
            ("deltas=", "deltas is empty"),
            ("probe=1,60", "probe is 1,60"),
            ("box=10,10,5,20", "box is 10,10,5,20, takes x1,y1,x2,y2 within 0,0,100,60"),
            ("box=0,0,101,60", "box is 0,0,101,60"),
            ("box=0,0,0,10", "box is 0,0,0,10"),
            ("box=", "box is empty, takes x1,y1,x2,y2"),
            ("patch=0,0,0,10", "patch is 0,0,0,10, takes x1,y1,x2,y2 within 0,0,100,60"),
            ("patch=1,2", "patch is 1,2, takes"),
            ("scales=8,8,8,8", "scales is 8,8,8,8, takes 1 to 3 numbers, 4 to 2000"),
            ("scales=", "scales is empty"),
            ("scales=3", "scales is 3"),
            ("objects=car", "objects is car, takes up to 5 of name,x1,y1,x2,y2 within 0,0,100,60"),
            ("objects=car,0,0,10,10;", "objects is car,0,0,10,10;"),
            ("objects=car,0,0,101,60", "objects is car,0,0,101,60"),
            ("objects=%25E0,0,0,10,10", "objects is %E0,0,0,10,10"),
            ("objects=" + "x" * 201 + ",0,0,9,9", "objects is xxx"),
            ("objects=" + ";".join(["a,0,0,9,9"] * 6), "objects is a,0,0,9,9"),
            ("__proto__=1", "there is nothing here called __proto__"),
            ("constructor=1", "there is nothing here called constructor"),
            ("predict", "there is nothing here called predict"),
            ("row=1&row=2", "row stands there twice"),
            ("%E0%A4%A", "there is nothing here called \ufffd"),
            ("&&&===", "there is nothing here called "),
            ("<img src=x onerror=alert(1)>", "there is nothing here called <img src"),
            ("row=<script>alert(1)</script>", "row is <script>alert(1)</sc…, takes"),
            ("row=" + "1" * 17000, "it is too long"),
            ("x" * 300, "there is nothing here called " + "x" * 20 + "…"),
        )
    ),
)

ROWS = [
    *(*PICTURES, *ARRAYS, *BOXES, *NAMES, *SCENES, *CALLS, *COMMANDS, *DATA_SETS, *ANNOTATIONS, *XMLS, *LINES, *YAMLS),
    *(*WEIGHTS, *NOTEBOOKS, *FUNCTIONS, *CHECKED, *MESSAGES, *LINKS),
]
