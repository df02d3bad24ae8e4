"""A picture of the reader's own in each explorer: a page without a kernel makes of it what Python makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets as t
from PIL import Image
from playwright.sync_api import Browser

from rpnviz._files.data import data_folder
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.own_picture import OWN_PICTURE, TakesOwnPictures
from rpnviz.explorers.common.page_network import NETWORK_MODULE, network_files
from rpnviz.explorers.linked.explore import explore
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.pictures import Picture
from tests.explorers.compute_page import ComputePage
from tests.explorers.every import every_explorer
from tests.explorers.page_code import as_state
from tests.explorers.photos import photograph

EXPLORERS = ["linked", "labels", "minibatch", "funnel", "nms", "detections", "anchors", "iou", "poolings", "loss"]
ELSEWHERE = {"window", "layers", "channels", "roi"}  # test_own_maps.py
IN_PYTHON = {"pyramid"}  # whose network no page has: test_pyramid_explorer.py
ROUNDED = {"objectness", "deltas", "boxes", "scores"}  # float32 that two networks worked out
# Opens an explorer as a saved page does, and gives its model to what follows.
OPEN = """async (state, network) => {
  const el = document.createElement("div");
  document.body.append(el);
  const files = async () => Object.fromEntries(
    Object.entries(network).map(([name, bytes]) => [name, new DataView(bytes.buffer)]));
  await openSaved({
    el, state: JSON.parse(state, revive), network: Object.keys(network).length ? { Network, files } : null,
    render: (context) => { globalThis.model = context.model; return render(context); },
  });
  globalThis.root = el.querySelector(".rpnviz");
}"""
DROP = """async (files) => {
  const data = new DataTransfer();
  for (const [name, bytes] of Object.entries(files)) data.items.add(new File([bytes], name));
  root.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  const open = root.querySelector(".rpnviz-own button");
  while (open.disabled) await new Promise((resolve) => setTimeout(resolve, 20));
  return root.querySelector(".rpnviz-own-said").textContent;
}"""
GET = """(names) => {
  const plain = (value) => value instanceof DataView
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : Array.isArray(value) ? value.map(plain)
    : value && typeof value === "object" && !ArrayBuffer.isView(value)
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)])) : value;
  return Object.fromEntries(names.map((name) => [name, plain(model.get(name))]));
}"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """What makes a new explorer of a name; the linked one with the bundled network."""
    makers: dict[str, Callable[[], Any]] = {**every_explorer(tmp_path_factory.mktemp("every"))}
    makers["linked"] = lambda: explore("street-05").unfold()
    return lambda name: makers[name]()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., ComputePage]]:
    """Open an explorer in a page, without a kernel, with the network in it or not."""
    opened: list[Any] = []

    def opener(explorer: RpnvizWidget, network: bool = True) -> ComputePage:
        opened.append(browser.new_page())
        page = ComputePage(opened[-1], explorer.view, "saved/open.js", NETWORK_MODULE)
        files = network_files(explorer.networks) if network else {}
        page.run(OPEN, as_state(explorer.saved_state()), files)
        return page

    yield opener
    for page in opened:
        page.close()


def sent(path: Path, number: int = 1) -> dict[str, Any]:
    """What a page tells Python of a picture."""
    picture = Picture.open(path)
    size = Image.open(path).size[::-1]
    own = {"name": path.name, "file_size": list(size), "number": number}
    return {"own_picture": own, "own_pixels": memoryview(picture.image.tobytes())}


def taken(explorer: Any) -> list[str]:
    """The traits that follow from the picture."""
    names = [name for name in explorer.own_traits() if explorer.traits()[name].read_only]
    others = {"extra_channel", "answered", "error", "has_kernel", "look", "questions", "pictures"}
    return [name for name in names if name not in others]


def same(name: str, page: Any, python: Any) -> None:
    """Compare a trait of the page with Python's, pictures by their pixels, what a network worked out to 1e-4."""
    if isinstance(python, bytes):
        if name in ROUNDED:
            numbers, ours = np.frombuffer(page, "<f4"), np.frombuffer(python, "<f4")
            assert numbers.shape == ours.shape and np.abs(numbers - ours).max() < 2e-3, name
            return
        ours, theirs = (np.frombuffer(one, np.uint8).astype(int) for one in (python, page))
        assert ours.shape == theirs.shape, name
        step = 1 if name == "mean" or name.isdigit() else 0  # a map of features, in 256 steps of brightness
        assert np.abs(ours - theirs).max() <= step, name
    elif isinstance(python, dict):
        assert set(page) - {"further"} == set(python), name
        for key, value in python.items():
            same(key, page[key], value)
    elif isinstance(python, (list, tuple)) and name != "proposals":
        assert len(page) == len(python), name
        for mine, ours in zip(page, python, strict=True):
            same(name, mine, ours)
    elif isinstance(python, (float, list)):
        assert np.abs(np.array(page) - np.array(python)).max() < 0.02, name
    else:
        assert page == python, name


def test_every_explorer_that_takes_pictures_is_tested(made: Callable[[str], Any], tmp_path: Path) -> None:
    takes = {name for name in every_explorer(tmp_path) if isinstance(made(name), TakesOwnPictures)}
    assert takes - {"precomputed", *ELSEWHERE, *IN_PYTHON} == set(EXPLORERS)


@pytest.mark.parametrize(
    ("name", "path"),
    [("linked", data_folder() / "pictures" / "street-03.webp"), *((name, photograph()) for name in EXPLORERS)],
    ids=["linked-street", *EXPLORERS],
)
def test_the_page_answers_as_python_does(
    made: Callable[[str], Any], open_page: Callable[..., ComputePage], name: str, path: Path
) -> None:
    explorer = made(name)
    page = open_page(explorer)
    before = page.run(GET, taken(explorer))
    said = page.run(DROP, {path.name: path.read_bytes()})
    assert path.name in said and "it stays on this device" in said
    assert ("trained on rendered streets" in said) == bool(explorer.networks)
    explorer.set_state({**sent(path), **({"objects": []} if hasattr(explorer, "objects") else {})})
    now = page.run(GET, [*taken(explorer), *OWN_PICTURE])
    assert (now.pop("own_picture"), now.pop("own_pixels").tobytes()) == (explorer.own_picture, explorer.own_pixels)
    for trait, value in now.items():
        if trait in ("image", "photo"):
            continue
        same(trait, strip_photo(value), strip_photo(getattr(explorer, trait)))
    assert page.run(PIXELS).tobytes() == explorer.own_pixels
    page.run("() => [...root.querySelectorAll('.rpnviz-own button')].find((b) => b.textContent === 'close it').click()")
    again = page.run(GET, taken(explorer))
    assert json.dumps(again, default=repr) == json.dumps(before, default=repr)


PIXELS = """async () => {
  const file = model.get("image") || model.get("scene").photo;
  const bitmap = await createImageBitmap(new Blob([file]));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const g = canvas.getContext("2d");
  g.drawImage(bitmap, 0, 0);
  const rgba = g.getImageData(0, 0, bitmap.width, bitmap.height).data;
  return rgba.filter((_, i) => i % 4 !== 3);
}"""


def strip_photo(value: Any) -> Any:
    return {key: inner for key, inner in value.items() if key != "photo"} if isinstance(value, dict) else value


def test_linked_explorer_on_another_grid(made: Callable[[str], Any], open_page: Callable[..., ComputePage]) -> None:
    explorer = made("linked")
    page = open_page(explorer)
    page.run(DROP, {"china.jpg": photograph().read_bytes()})
    page.run(
        """async () => {
          model.set("grid", "floor");
          while (model.get("scene").grid !== "floor") await new Promise((resolve) => setTimeout(resolve, 20));
        }"""
    )
    explorer.set_state({**sent(photograph()), "objects": []})
    explorer.grid = "floor"
    same("scene", strip_photo(page.run(GET, ["scene"])["scene"]), strip_photo(explorer.scene))


def test_the_grid_that_was_chosen_last_is_shown(
    made: Callable[[str], Any], open_page: Callable[..., ComputePage]
) -> None:
    """Also when the page is still at work for the one before; and one that fails gives way to what is shown."""
    page = open_page(made("linked"))
    page.run(DROP, {"china.jpg": photograph().read_bytes()})
    shown = page.run(
        """async () => {
          const settled = async () => {
            do await new Promise((resolve) => setTimeout(resolve, 50));
            while (root.querySelector(".rpnviz-own button").disabled);
            return [model.get("scene").grid, model.get("grid")];
          };
          model.set("grid", "floor");
          await new Promise((resolve) => setTimeout(resolve, 100));
          model.set("grid", "ceil");
          const chosen = await settled();
          model.set("grid", "paper");
          await new Promise((resolve) => setTimeout(resolve, 20));
          [...root.querySelectorAll(".rpnviz-own button")].find((b) => b.textContent === "cancel").click();
          return [chosen, await settled()];
        }"""
    )
    assert shown == [["ceil", "ceil"], ["ceil", "ceil"]]


def test_the_page_covers_a_part_as_python_does(
    made: Callable[[str], Any], open_page: Callable[..., ComputePage]
) -> None:
    explorer, patch = made("linked"), [300, 100, 520, 421]
    page = open_page(explorer)
    box = "[...root.querySelectorAll('.rpnviz-layer label')].find((one) => one.textContent === 'cover a part').control"
    assert page.run(f"() => {box}.disabled") is True  # of this picture the page has no exact pixels
    page.run(DROP, {"china.jpg": photograph().read_bytes()})
    assert page.run(f"() => {box}.disabled") is False
    said = page.run(
        """async (patch) => {
          model.set("patch", [0, 0, 9, 9]);
          model.set("patch", patch); // before the first was answered
          const isAnswered = () => String(model.get("covered").patch) === String(patch);
          for (let i = 0; i < 1000 && !isAnswered(); i++) await new Promise((done) => setTimeout(done, 20));
          return [new Float32Array(model.get("covered").logits.buffer), root.textContent.includes("when covered")];
        }""",
        patch,
    )
    explorer.set_state({**sent(photograph()), "objects": []})
    explorer.patch = patch
    assert np.abs(said[0] - np.frombuffer(explorer.covered["logits"], "<f4")).max() < 2e-3 and said[1]
    assert page.run("() => { model.set('patch', []); return root.textContent.includes('when covered'); }") is True
    assert page.run("() => root.textContent.includes('when covered')") is False


def test_a_cancelled_opening_changes_nothing(made: Callable[[str], Any], open_page: Callable[..., ComputePage]) -> None:
    explorer = made("linked")
    page = open_page(explorer)
    before = json.dumps(page.run(GET, explorer.own_traits()), default=repr)
    said = page.run(
        f"""async (files) => {{
          const cancel = [...root.querySelectorAll(".rpnviz-own button")].find((b) => b.textContent === "cancel");
          const opening = ({DROP})(files);
          const seen = () => root.querySelector(".rpnviz-own-said").textContent.includes("layer");
          while (!seen()) await new Promise((resolve) => setTimeout(resolve, 5));
          cancel.click();
          return [await opening, cancel.hidden];
        }}""",
        {"china.jpg": photograph().read_bytes()},
    )
    assert said == ["", True]
    assert json.dumps(page.run(GET, explorer.own_traits()), default=repr) == before


# ---- what goes wrong ------------------------------------------------------------------------------------------------

CUT_OFF = photograph().read_bytes()[:3000]


@pytest.mark.parametrize(
    ("name", "files", "says"),
    [
        (
            "linked",
            {"cut.jpg": photograph().read_bytes()[:3000]},
            "cut.jpg cannot be decoded: it may be cut off or broken",
        ),
        ("labels", {"notes.txt": b"hello"}, "notes.txt is not a picture that this browser reads; JPEG and PNG are"),
        (
            "labels",
            {"cut.jpg": photograph().read_bytes()[:3000]},
            "cut.jpg cannot be decoded: it may be cut off or broken",
        ),
        ("labels", {"a.png": b"", "b.png": b""}, "one picture at a time, and one file of boxes"),
        ("labels", {"empty.png": b""}, "empty.png is empty"),
        ("labels", {"boxes.json": b"[]"}, "boxes.json: these are boxes; open their picture first, or both at once"),
    ],
)
def test_a_file_that_is_no_good_is_told_of_and_the_view_stays(
    made: Callable[[str], Any],
    open_page: Callable[..., ComputePage],
    name: str,
    files: dict[str, bytes],
    says: str,
) -> None:
    explorer = made(name)
    page = open_page(explorer)
    before = json.dumps(page.run(GET, explorer.own_traits()), default=repr)
    assert page.run(DROP, files) == says
    assert page.run("() => root.querySelector('.rpnviz-own-said').classList.contains('rpnviz-error')")
    assert json.dumps(page.run(GET, explorer.own_traits()), default=repr) == before
    said = page.run(DROP, {"china.jpg": photograph().read_bytes()})  # and the next one is opened
    assert said.startswith("china.jpg, 640×427 pixels")


def test_a_page_without_the_network_offers_only_what_needs_none(
    made: Callable[[str], Any], open_page: Callable[..., ComputePage]
) -> None:
    hidden = "() => root.querySelector('.rpnviz-own').hidden"
    assert open_page(made("linked"), network=False).run(hidden) is True
    assert open_page(made("labels"), network=False).run(hidden) is False
    assert open_page(made("precomputed")).run(hidden) is True


BAD: list[tuple[dict[str, Any], str]] = [
    ({"own_picture": {"name": "a"}}, "own_picture: takes a name"),
    ({"own_picture": {"name": "a" * 201, "file_size": [3, 4], "number": 1}}, "own_picture: takes a name"),
    ({"own_picture": {"name": "a\ud800", "file_size": [3, 4], "number": 1}}, "own_picture: takes a name"),
    ({"own_picture": {"name": "a", "file_size": [0, 4], "number": 1}}, "got file_size"),
    ({"own_picture": {"name": "a", "file_size": [9000, 9000], "number": 1}}, "takes up to 64,000,000 pixels"),
    ({"own_picture": {"name": "a", "file_size": "wide", "number": 1}}, "got file_size"),
    ({"own_pixels": memoryview(b"123")}, "own_pixels: got 3 bytes, takes 1,800,000"),
    ({"objects": [{"name": "car", "box": [0, 0, 1000, 600]}]}, "objects: got"),  # into the padding
]


@pytest.mark.parametrize(("changed", "says"), BAD)
def test_python_refuses_what_no_page_of_ours_sends(
    made: Callable[[str], Any], changed: dict[str, Any], says: str
) -> None:
    explorer = made("labels")
    before = explorer.picture_shown, explorer.objects
    with pytest.raises(t.TraitError, match=says):
        explorer.set_state({**sent(photograph()), "objects": [], **changed})
    assert explorer.own_picture == {} and explorer.own_pixels == b""
    assert explorer.objects == before[1] and explorer.picture_shown.image is before[0].image


# ---- Python goes on with it -----------------------------------------------------------------------------------------


def test_the_picture_arrives_in_python_with_its_objects(made: Callable[[str], Any]) -> None:
    explorer = made("linked")
    assert isinstance(explorer, LinkedExplorer)
    objects = [{"name": "pagoda", "box": [200.0, 50.0, 560.0, 580.0]}]
    explorer.set_state({**sent(photograph()), "objects": objects})
    shown, opened = explorer.picture_shown, Picture.open(photograph())
    assert (shown.name, shown.scale, shown.offset) == ("china.jpg", opened.scale, opened.offset)
    assert (shown.image == opened.image).all()
    assert (shown.class_names, shown.gt_boxes.tolist()) == (["pagoda"], [[200, 50, 560, 580]])
    assert explorer.results.found.labels.eq(1).any()
    assert "china.jpg" in explorer.describe()
    own = explorer.to_html()
    assert '"picture":"china.jpg"' in own and '"own_picture":{}' in own  # a saved page opens with it
    explorer.set_state({"picture": "street-03", "own_picture": {}, "own_pixels": memoryview(b"")})
    assert explorer.picture_shown.class_names == Picture.load("street-03").class_names
    assert explorer.scene["picture"] == "street-03"


def test_going_back_brings_the_objects_that_were_handed_over(made: Callable[[str], Any]) -> None:
    explorer = made("funnel")
    before = explorer.objects, explorer.objectness, explorer.describe()
    explorer.set_state({**sent(photograph()), "objects": []})
    assert explorer.objects == [] and explorer.objectness != before[1]
    explorer.set_state({"own_picture": {}, "own_pixels": memoryview(b"")})
    assert (explorer.objects, explorer.objectness, explorer.describe()) == before


@pytest.mark.parametrize("name", EXPLORERS)
def test_in_python_too_all_is_as_it_was_once_it_is_closed(made: Callable[[str], Any], name: str) -> None:
    explorer = made(name)
    moved: dict[str, Any] = {"selected": 5, "turn": 2, "row": 30, "col": 50, "chosen": 1, "logit": 0.5}
    if hasattr(explorer, "objects"):
        moved["objects"] = [*explorer.objects[1:], {"name": "drawn", "box": [10.0, 20.0, 310.0, 220.0]}]
    for trait in moved.keys() & set(explorer.own_traits()):
        setattr(explorer, trait, moved[trait])
    names = set(explorer.own_traits()) - {"extra_channel"}  # the map that was asked for last, and not of what is shown
    before = {trait: getattr(explorer, trait) for trait in names}
    explorer.set_state({**sent(photograph()), **({"objects": []} if hasattr(explorer, "objects") else {})})
    explorer.set_state({"own_picture": {}, "own_pixels": memoryview(b"")})
    after = {trait: getattr(explorer, trait) for trait in names}
    assert [trait for trait, value in before.items() if after[trait] != value] == []


def test_boxes_are_saved_as_picture_open_reads_them(
    made: Callable[[str], Any], open_page: Callable[..., ComputePage], tmp_path: Path
) -> None:
    """Saved by the page beside the picture, opened by Python, and by the page again."""
    photo = photograph().read_bytes()
    page = open_page(made("labels"))
    page.run(DROP, {"china.jpg": photo})
    boxes = [[60.0, 20.0, 300.0, 590.0], [51.0, 0.0, 949.0, 600.0]]
    objects = [{"name": name, "box": box} for name, box in zip(["a <b>pagoda</b>", "all"], boxes, strict=True)]
    saved = page.run(
        """async (objects) => {
          model.set("objects", objects);
          const caught = new Promise((resolve) => {
            const real = URL.createObjectURL;
            URL.createObjectURL = (blob) => (resolve(blob), (URL.createObjectURL = real)(blob));
          });
          [...root.querySelectorAll(".rpnviz-own button")].find((b) => b.textContent === "save boxes").click();
          return (await caught).text();
        }""",
        objects,
    )
    (tmp_path / "china.jpg").write_bytes(photo)
    (tmp_path / "china.json").write_text(saved, encoding="utf-8")
    picture = Picture.open(tmp_path / "china.json")
    assert picture.class_names == ["a <b>pagoda</b>", "all"]
    assert np.abs(picture.gt_boxes.numpy() - np.array(boxes)).max() < 1e-3
    assert (picture.image == Picture.open(photograph()).image).all()
    other = open_page(made("minibatch"))
    said = other.run(DROP, {"china.jpg": photo, "china.json": saved.encode()})
    assert "Draw a box" not in said
    again = other.run(GET, ["objects"])["objects"]
    assert [one["name"] for one in again] == picture.class_names
    assert np.abs(np.array([one["box"] for one in again]) - np.array(boxes)).max() < 1e-6
    fewer = json.dumps({**json.loads(saved), "objects": json.loads(saved)["objects"][:1]})
    other.run(DROP, {"china.json": fewer.encode()})  # boxes alone: of the picture that is shown
    assert len(other.run(GET, ["objects"])["objects"]) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON"),
        ("3", 'takes a list of objects, or one called "objects"'),
        ("null", 'takes a list of objects, or one called "objects"'),
        ('{"objects": [], "image_size": [600, 1000]}', "is for a picture of 1000×600 pixels, and this one has 640×427"),
        ('[{"visible": [1, 2, 3, 4], "visible_fraction": 1}]', "objects[0] has no name"),
        ('[{"name": "a", "visible": [1, 2, 3, 4]}]', "objects[0] has no visible_fraction"),
        ('[{"name": "a", "visible": [1, 2, 641, 4], "visible_fraction": 1}]', "objects[0] has no box within 640×427"),
        ('[{"name": "a", "visible": [5, 2, 5, 4], "visible_fraction": 1}]', "objects[0] has no box within"),
        ('[{"name": "a", "visible": "all", "visible_fraction": 1}]', "objects[0] has no box within"),
        (json.dumps([{"name": "a", "visible": None, "visible_fraction": 0}] * 201), "has 201 objects, takes up to 200"),
        ("[" + " " * 2**20 + "]", "is larger than 1 MiB"),
    ],
)
def test_bad_boxes_are_told_of(
    made: Callable[[str], Any], open_page: Callable[..., ComputePage], content: str, says: str
) -> None:
    page = open_page(made("labels"))
    page.run(DROP, {"china.jpg": photograph().read_bytes()})
    assert page.run(DROP, {"boxes.json": content.encode()}).startswith(f"boxes.json: {says}")
