"""A picture of the reader's own: a page without a kernel works out what Python answers, and back is as before."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.explorers.channels.explorer import ChannelsExplorer
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.layers.explorer import LayersExplorer
from rpnviz.explorers.roi.explorer import RoIExplorer
from rpnviz.explorers.window.explorer import WindowExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head
from tests.explorers.own_maps import in_page, in_python, street
from tests.explorers.photos import photograph
from tests.explorers.small_scene import make_picture

Check = Callable[[Any, Any], None]


class Kind(NamedTuple):
    """An explorer that a picture is opened in."""

    make: Callable[[], RpnvizWidget]
    module: str
    answer: str  # of that module
    checks: dict[str, Check]  # by trait; any other must be the very same


class Answers(NamedTuple):
    """The same picture in both."""

    page: dict[str, Any]
    python: dict[str, Any]
    back: dict[str, Any]
    before: dict[str, Any]
    pixels: npt.NDArray[np.uint8]
    kind: Kind


def pixels_of(file: Any) -> npt.NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(bytes(file))).convert("RGB")).astype(int)


def same_sheet(page: Any, python: Any) -> None:
    """Steps of 1/20: a few cells lie just between two."""
    far = np.abs(pixels_of(page) - pixels_of(python))
    assert far.max() <= 13 and (far > 0).mean() < 1e-4


def same_bytes(page: Any, python: bytes) -> None:
    far = np.abs(page.astype(int) - np.frombuffer(python, np.uint8).astype(int))
    assert far.max() <= 1 and (far > 0).mean() < 1e-2


def same_hundredths(page: Any, python: bytes) -> None:
    one, other = (np.frombuffer(zlib.decompress(bytes(packed)), "<i4") for packed in (page, python))
    far = np.abs(one - other)
    assert far.max() <= 1 and (far > 0).mean() < 1e-2


def different_file(page: Any, python: bytes) -> None:
    """PNG and WebP of one picture; that the first is it to the pixel has a test of its own."""
    assert np.abs(pixels_of(page) - pixels_of(python)).mean() < 8


def window() -> RpnvizWidget:
    picture, grid = Picture.load("street-03"), Grid.paper()
    features = Backbone.load("mini").features(picture, grid)
    return WindowExplorer(picture, grid, features, RPNHead.load("mini"), row=20, col=30, channel=17)


def layers() -> RpnvizWidget:
    backbone, head = Backbone.load("mini"), RPNHead.load("mini")
    explorer = LayersExplorer(Picture.load("street-03"), Grid.paper(), backbone, head, layer="conv3_2", x=500, y=300)
    explorer.wish = {"layer": "conv2_1", "channel": 3}
    return explorer


def channels() -> RpnvizWidget:
    pictures, grid, backbone = (
        {n: Picture.load(n) for n in ("street-03", "street-04")},
        Grid.paper(),
        Backbone.load("mini"),
    )
    features = {name: backbone.features(picture, grid) for name, picture in pictures.items()}
    return ChannelsExplorer(pictures, grid, features, class_name="dog", picture="street-04")


def near_sheet(page: Any, python: Any) -> None:
    """Python's is packed with some loss."""
    assert np.abs(pixels_of(page) - pixels_of(python)).mean() < 4


@torch.no_grad()
def roi() -> RpnvizWidget:
    picture, grid = Picture.load("street-03"), Grid.paper()
    features = Backbone.load("mini").features(picture, grid)
    answers = flatten_head(*RPNHead.load("mini")(features))
    proposals = propose(*answers, grid_anchors(grid, cell_anchors()), picture.image_size).proposals[:12]
    return RoIExplorer(picture, grid, features, proposals, proposal=5, bin_row=2, probe=[3.5, 4.25])


def same_plan(page: dict[str, Any], python: dict[str, Any]) -> None:
    near = {"proposals": 0.01, "ranges": 1e-4}
    for name, most in near.items():
        assert np.abs(np.array(page[name]) - np.array(python[name])).max() < most
    assert {**page, **dict.fromkeys(near)} == {**python, **dict.fromkeys(near)}


def same_box(page: list[float], python: list[float]) -> None:
    assert page == pytest.approx(python, abs=0.01)


def same_floats(page: Any, python: bytes) -> None:
    assert np.abs(np.frombuffer(page.tobytes(), "<f4") - np.frombuffer(python, "<f4")).max() < 1e-4


def same_maps(page: dict[str, Any], python: dict[str, bytes]) -> None:
    assert set(page) == set(python)
    for name in page:
        same_bytes(page[name], python[name])


KINDS = {
    "window": Kind(
        window,
        "window/own_window.js",
        "openWindow",
        {
            **{name: same_sheet for name in ("features", "vectors")},
            **{name: same_hundredths for name in ("objectness", "deltas")},
            "mean_map": same_bytes,
        },
    ),
    "layers": Kind(layers, "layers/own_layers.js", "openLayers", {"maps": same_maps, "extra_map": same_bytes}),
    "channels": Kind(channels, "channels/own_sheet.js", "openSheet", {"sheet": near_sheet}),
    "roi": Kind(roi, "roi/own_map.js", "openMap", {"plan": same_plan, "features": same_floats, "box": same_box}),
}


# A photograph is fitted, a street has the size already; how it is opened is the same for all.
CASES = [*((name, "photograph") for name in KINDS), ("window", "street")]


@pytest.fixture(scope="module")
def explorers() -> Callable[[str], RpnvizWidget]:
    """Each once; whoever opens a picture in it goes back."""
    found = dict[str, RpnvizWidget]()
    return lambda name: found.setdefault(name, found[name] if name in found else KINDS[name].make())


def traits_of(explorer: RpnvizWidget) -> dict[str, Any]:
    return {name: getattr(explorer, name) for name in explorer.own_traits()}


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def answers(
    request: pytest.FixtureRequest,
    explorers: Callable[[str], RpnvizWidget],
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Answers:
    name, which = request.param
    kind, explorer = KINDS[name], explorers(name)
    path = photograph() if which == "photograph" else street(tmp_path_factory.mktemp("street"))
    page = in_page(browser, explorer, kind.module, kind.answer, path)
    before = traits_of(explorer)
    in_python(explorer, path)
    python = traits_of(explorer)
    explorer.set_state({"own_picture": {}, "own_pixels": b""})
    return Answers(page, python, traits_of(explorer), before, Picture.open(path).image, kind)


def plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value.tobytes() if isinstance(value, np.ndarray) else value


def test_the_page_answers_what_python_answers(answers: Answers) -> None:
    page = answers.page["opened"]
    changed = {name for name, value in answers.python.items() if value != answers.before[name]}
    assert {"own_picture", "own_pixels", "answered", "image"} <= changed
    for name, value in answers.python.items():
        check = {**answers.kind.checks, "image": different_file}.get(name)
        if check:
            check(page[name], value)
        elif name != "has_kernel":
            assert plain(page[name]) == plain(value), name


def test_the_picture_is_shown_to_the_pixel(answers: Answers) -> None:
    assert (pixels_of(answers.page["opened"]["image"]) == answers.pixels).all()


def test_back_is_as_before(answers: Answers) -> None:
    assert plain(answers.page["after"]) == plain(answers.page["before"])
    assert answers.back == answers.before


# --- the views --------------------------------------------------------------------------------------------------------

Opened = Callable[[str], Page]
PIXELS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value) => (Math.imul(sum, 31) + value) | 0, 7);
}"""


@pytest.fixture
def saved(
    browser: Browser, explorers: Callable[[str], RpnvizWidget], tmp_path: Path
) -> Iterator[Callable[[str], Page]]:
    """A saved page that has the network; its policy is its own."""
    page = browser.new_page(viewport={"width": 1366, "height": 900})

    def opened(name: str) -> Page:
        explorers(name).to_html(tmp_path / "page.html", with_network=True)
        page.goto((tmp_path / "page.html").as_uri())
        expect(page.locator(".rpnviz-own")).to_be_visible()
        return page

    yield opened
    page.close()


def look_at(page: Page) -> None:
    page.set_input_files(".rpnviz-own input", photograph())
    expect(page.locator(".rpnviz-own-said")).to_contain_text("fitted into", timeout=120_000)


def shown_in(page: Page) -> list[Any]:
    page.wait_for_timeout(500)  # bitmaps are decoded beside it
    said = page.locator(".rpnviz-body").inner_text()
    return [said, *(canvas.evaluate(PIXELS) for canvas in page.locator("canvas.rpnviz-panel").all())]


@pytest.mark.parametrize("name", KINDS)
def test_a_saved_page_shows_it_and_goes_back(saved: Opened, name: str) -> None:
    page = saved(name)
    before = shown_in(page)
    look_at(page)
    during = shown_in(page)
    assert all(one != other for one, other in zip(before, during, strict=True))
    page.locator(".rpnviz-own").get_by_role("button", name="close it").click()
    assert shown_in(page) == before


def test_every_channel_of_every_layer_is_there(saved: Opened) -> None:
    page = saved("layers")
    channel, root = page.locator(".rpnviz-channel"), page.locator(".rpnviz-walk")
    expect(channel).to_be_disabled()
    look_at(page)
    page.locator(".rpnviz-channel").press("Home")
    expect(root).to_have_attribute("data-shown", "conv3_2 0")
    page.locator(".rpnviz-layer-choice").press("End")
    page.locator(".rpnviz-channel").press("End")
    expect(root).to_have_attribute("data-shown", "RPN 3×3 511")


def test_no_number_of_a_class_is_claimed_for_it(saved: Opened) -> None:
    page = saved("channels")
    expect(page.locator("tr.rpnviz-hot th")).to_have_text("street-04")
    look_at(page)
    expect(page.locator(".rpnviz-fires-said")).to_contain_text("china.jpg is not among them: nobody has marked")
    expect(page.locator("tr.rpnviz-hot")).to_have_count(0)
    expect(page.locator(".rpnviz-pictures option").first).to_have_text("china.jpg")
    expect(page.locator(".rpnviz-own").get_by_role("button", name="save boxes")).to_be_hidden()


def test_a_link_that_is_followed_leads_back(saved: Opened) -> None:
    """It speaks of the channels of the picture that the page was made with."""
    page = saved("roi")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    channel = page.locator(".rpnviz-channel").get_attribute("aria-valuetext")
    look_at(page)
    page.goto(f"{page.url}#explorer=roi&bin_row=1")
    expect(page.locator(".rpnviz-roi")).to_have_attribute("data-bin", "1 3")
    expect(page.locator(".rpnviz-own").get_by_role("button", name="close it")).to_be_hidden()
    assert page.locator(".rpnviz-channel").get_attribute("aria-valuetext") == channel
    assert not errors


# --- in Python --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_a_page_saved_with_it_waits_for_nothing(explorers: Callable[[str], RpnvizWidget], name: str) -> None:
    explorer = explorers(name)
    in_python(explorer, photograph())
    state = explorer.saved_state()
    assert state["own_picture"] == {} and state["own_pixels"] == b""
    assert all(state[trait] == value for trait, value in state["answered"].items())
    assert explorer.figure() and explorer.describe()
    explorer.set_state({"own_picture": {}, "own_pixels": b""})


def test_ranks_of_another_network_are_not_shown_for_it() -> None:
    picture, grid = make_picture(), Grid.paper()
    explorer = ChannelsExplorer({"mine": picture}, grid, {"mine": torch.rand(1, 512, *grid.feature_size)})
    with pytest.raises(ValueError, match="features are not the bundled backbone's"):
        in_python(explorer, photograph())
    assert explorer.own_picture == {} and explorer.shown == "mine"
    with pytest.raises(ValueError, match="features are not the bundled backbone's"):
        explorer.to_html(with_network=True)


def test_another_picture_after_it_goes_back_to_the_first(
    explorers: Callable[[str], RpnvizWidget], tmp_path: Path
) -> None:
    explorer = explorers("window")
    before = traits_of(explorer)
    in_python(explorer, photograph())
    explorer.set_state({"row": 3, "channel": 99})
    in_python(explorer, street(tmp_path))
    assert explorer.row == 3
    explorer.set_state({"own_picture": {}, "own_pixels": b""})
    assert traits_of(explorer) == before
