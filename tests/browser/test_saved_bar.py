"""What a saved page offers around its explorer: links, pictures, keys, the lecturer's mode, embedding."""

from __future__ import annotations

import functools
import http.server
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from rpnviz.explorers.common import bundle
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.saved_page import SAVED, SAVED_SHEET, standalone_page
from rpnviz.explorers.nms.explorer import NmsExplorer
from tests.browser.conftest import PIXELS
from tests.explorers.every import every_explorer
from tests.explorers.small_scene import make_picture
from tests.inspect.test_nms_steps import six
from tools.browser.lab import Notebook, listen

HOSTILE = "</script><img src=x onerror=hacked=1>"
NAMES = (HOSTILE, "dog\x07", "dog & <b>cat</b>")
SVG = "{http://www.w3.org/2000/svg}"
REFUSE_SCREEN = "Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('refused'))"
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"


@pytest.fixture(scope="module")
def explorers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RpnvizWidget]:
    makers = every_explorer(tmp_path_factory.mktemp("live"), make_picture(names=NAMES))
    return functools.cache(lambda name: makers[name]())


@pytest.fixture(scope="module")
def folder(explorers: Callable[[str], RpnvizWidget], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved pages, and one with two explorers that also embeds another."""
    root = tmp_path_factory.mktemp("pages")
    for name in ("linked", "nms", "iou", "loss", "replay"):
        explorers(name).to_html(root / f"{name}.html")
    (root / "two.html").write_text(_two(explorers("nms")), encoding="utf-8")
    return root


def _two(explorer: RpnvizWidget) -> str:
    """A page as a site may make it: text, two explorers of a kind, each with a name of its own."""
    assert isinstance(explorer, NmsExplorer)
    page = standalone_page("", explorer.view, "", explorer.saved_state())
    state = page.split('id="rpnviz-state">')[1].split("</script>")[0]
    opens = "".join(
        f'await openSaved({{ el: document.getElementById("{at}"), state: read(), render, name: "{at}" }});\n'
        for at in ("nms-1", "nms-2")
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>two</title>
<style>header {{ position: relative; z-index: 5 }} {explorer._css} {bundle.read(SAVED_SHEET)}</style>
<header><a href="#prose">a heading</a></header><h2 id="prose">Prose</h2>
<article><div id="nms-1" data-rpnviz-name="nms-1"></div><p>more prose</p>
<div id="nms-2" data-rpnviz-name="nms-2"></div></article><footer><button>below</button></footer>
<script type="application/json" id="state">{state}</script>
<script type="module">
{bundle.bundle(explorer.view, SAVED)}
const {{ openSaved, revive }} = rpnviz.take("{SAVED}");
const {{ render }} = rpnviz.take("{explorer.view}");
const read = () => JSON.parse(document.getElementById("state").textContent, revive);
{opens}</script>"""


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


Opener = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, folder: Path, server: str) -> Iterator[Opener]:
    """Open a page, from file:// or over http, in a context of its own; what goes wrong in it fails the test."""
    notebooks: list[Notebook] = []

    def opener(
        name: str,
        fragment: str = "",
        over: str = "file",
        before: str = "",
        size: tuple[int, int] = (1366, 768),
        clipboard: bool = False,
    ) -> Page:
        permissions = ["clipboard-read", "clipboard-write"] if clipboard else []
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, permissions=permissions)
        if before:
            context.add_init_script(before)
        notebooks.append(Notebook(context.new_page()))
        page = notebooks[-1].page
        listen(page, notebooks[-1])
        page.goto(f"{server if over == 'http' else folder.as_uri()}/{name}.html{fragment}")
        expect(page.locator(".rpnviz-tools").last).to_be_attached()
        if name == "two":
            expect(page.locator(".rpnviz-tools")).to_have_count(2)
        return page

    yield opener
    for notebook in notebooks:
        assert notebook.troubles == []
        assert notebook.page.evaluate("() => typeof hacked") == "undefined"
        notebook.page.context.close()


CHANGED = """(before) => {
  document.querySelector(".rpnviz-tools button").click(); // copy link
  return location.hash !== before;
}"""


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def note(page: Page) -> Locator:
    return page.locator(".rpnviz-note")


def cell(page: Page, row: int, col: int) -> None:
    expect(page.locator(".rpnviz-linked")).to_have_attribute("data-cell", f"{row} {col}")


def state(page: Page) -> str:
    """The whole state, as "copy link" writes it into the address."""
    page.evaluate("() => history.replaceState(null, '', '#')")
    page.locator(".rpnviz-tools button").first.evaluate("(one) => one.click()")
    page.wait_for_function("() => location.hash.length > 1")
    return str(page.evaluate("() => location.hash"))


# --- links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["file", "http"])
def test_a_link_opens_the_explorer_as_it_says(opened: Opener, over: str) -> None:
    page = opened("linked", "#explorer=linked&row=5&col=7&layers=labels,minibatch&map=mean&selected=4", over)
    cell(page, 5, 7)
    checked = page.locator(".rpnviz-layers input:checked")
    expect(checked).to_have_count(2)
    expect(page.locator(".rpnviz-maps")).to_have_value("mean")
    expect(page.locator("tbody tr").nth(4)).to_have_class("rpnviz-hot")
    expect(note(page)).to_be_empty()
    page.evaluate("() => { location.hash = 'row=9&col=8' }")  # by hand, and for the first explorer
    cell(page, 9, 8)
    expect(checked).to_have_count(4)  # what it does not name is as it opens
    page.go_back()
    cell(page, 5, 7)


@pytest.mark.parametrize("over", ["file", "http"])
def test_a_copied_link_brings_the_state_to_others(opened: Opener, over: str) -> None:
    page = opened("linked", over=over, clipboard=True)
    page.locator(".rpnviz-map").focus()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        page.keyboard.press(key)
    page.get_by_role("checkbox", name="proposals").check()
    assert page.evaluate("() => location.hash") == ""  # moving writes nothing
    before = page.evaluate("() => history.length")
    at = page.locator(".rpnviz-linked").get_attribute("data-cell")
    button(page, "copy link").click()
    expect(page.locator(".rpnviz-tools-said")).to_have_text("link copied")
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert link == page.url and page.evaluate("() => history.length") == before
    page.mouse.move(0, 0)
    other = opened("linked", "#" + link.split("#")[1], over)
    expect(other.locator(".rpnviz-linked")).to_have_attribute("data-cell", str(at))
    for panel in (".rpnviz-map", ".rpnviz-picture"):
        wanted = page.locator(panel).evaluate(PIXELS)
        other.wait_for_function(f"(wanted) => ({PIXELS})(document.querySelector('{panel}')) === wanted", arg=wanted)


@pytest.mark.parametrize("over", ["file", "http"])
def test_without_a_clipboard_the_link_stands_there_selected(opened: Opener, over: str) -> None:
    page = opened("nms", over=over, before=NO_CLIPBOARD)
    button(page, "copy link").focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="The link, to be copied")
    expect(field).to_be_focused()
    expect(page.locator(".rpnviz-tools-said")).to_contain_text("not copied")
    assert (
        page.evaluate(
            "() => getSelection().toString() || document.activeElement.value.slice("
            "document.activeElement.selectionStart, document.activeElement.selectionEnd)"
        )
        == page.url
    )
    assert "#explorer=nms&" in page.url
    page.keyboard.press("Tab")
    expect(field).to_be_hidden()


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("row=40", "row is 40, takes 0 to 39"),
        ("row=-1&col=2", "row is -1"),
        ("col=3&row=5.5", "row is 5.5"),
        ("row=1e1", "row is 1e1"),
        ("row=5&row=6", "row stands there twice"),
        ("row=&col=", "row is empty"),
        ("explorer=linked", ""),
        ("explorer=nms&turn=3", "it is for an explorer that is not here"),
        ("explorer=%00", "it is for an explorer that is not here"),
        ("layers=anchors,wishes", "layers is anchors,wishes, takes some of"),
        ("layers=__proto__", "layers is __proto__"),
        ("__proto__[row]=5", "there is nothing here called __proto__[row]"),
        ("picture=street-01", "picture is street-01, takes one of mine"),
        ("map=channel+9999", "map is channel 9999"),
        ("scene=0", "there is nothing here called scene"),
        ("error=hello", "there is nothing here called error"),
        ("has_kernel=1", "there is nothing here called has_kernel"),
        ("%E0%A4%A", "there is nothing here called"),
        ("%", "there is nothing here called %"),
        ("&&=&=", "there is nothing here called"),
        ("<img src=x onerror=hacked=1>", "there is nothing here called <img"),
        ("row=<script>hacked=1</script>", "row is <script>hacked=1</sc…"),
        ("javascript:hacked=1", "there is nothing here called javascript:hacked"),
        ("seed=" + "9" * 3000, "seed is 99999999999999999999…"),
        ("x" * 17000, "it is too long"),
        ("predict-then-move", "there is nothing here called predict-then-move"),
        ("rpnviz-view", None),  # a place of the page: not for an explorer
    ],
)
def test_a_damaged_link_falls_back_and_says_so(opened: Opener, fragment: str, said: str | None) -> None:
    page = opened("linked")
    opening = page.locator(".rpnviz-linked").get_attribute("data-cell")
    row, col = map(int, str(opening).split())
    page.evaluate("(fragment) => { location.hash = fragment }", f"row={row - 2}&col={col}")
    cell(page, row - 2, col)
    page.evaluate("(fragment) => { location.hash = fragment }", fragment)  # while it is open
    if said is None:
        cell(page, row - 2, col)
    else:
        cell(page, row, col)
        expect(note(page)).to_have_text(_begins(said) if said else "")
    page.reload()  # as it opens
    cell(page, row, col)
    expect(note(page)).to_have_text(_begins(said) if said else "")
    assert page.locator(".rpnviz img, .rpnviz script").count() == 0
    page.locator(".rpnviz-map").focus()
    page.keyboard.press("ArrowLeft")
    cell(page, row, col - 1)
    expect(note(page)).to_be_empty()  # the reader goes on


def _begins(said: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(f"This link was not followed: {said}"))


def test_of_several_explorers_the_link_names_one(opened: Opener) -> None:
    page = opened("two", "#explorer=nms-2&turn=3")
    first, second = page.locator(".rpnviz-nms").first, page.locator(".rpnviz-nms").last
    expect(second).to_have_attribute("data-turn", "3")
    expect(first).to_have_attribute("data-turn", "0")
    expect(second).to_be_in_viewport(ratio=0.6)
    page.evaluate("() => { location.hash = 'explorer=nms-1&turn=2' }")
    expect(first).to_have_attribute("data-turn", "2")
    expect(second).to_have_attribute("data-turn", "3")
    expect(first).to_be_in_viewport(ratio=0.6)
    page.evaluate("() => { location.hash = 'prose' }")
    expect(page.locator("#prose")).to_be_in_viewport()
    page.evaluate("() => { location.hash = 'explorer=nms-3&turn=1' }")
    expect(note(page).first).to_have_text("This link was not followed: it is for an explorer that is not here.")
    expect(note(page).last).to_be_empty()
    expect(second).to_have_attribute("data-turn", "3")


# --- keys ------------------------------------------------------------------------------------------------------------

# Of each key that the dialog lists for an explorer: where it is pressed, what is pressed before, and the key itself.
ARROWS = "← → ↑ ↓"
LISTED = {
    "linked": {
        f"{ARROWS} on the map or the picture": (".rpnviz-map", "", "ArrowUp"),
        f"Shift + {ARROWS} there": (".rpnviz-picture", "", "Shift+ArrowRight"),
        "Home, End there": (".rpnviz-map", "", "Home"),
        "PageUp, PageDown there": (".rpnviz-picture", "", "PageDown"),
        "Esc there": (".rpnviz-map", "select", "Escape"),
        "↑ ↓ in the table": ("tbody button >> nth=0", "ArrowDown", "Space"),
    },
    "nms": {
        "→ ↓ on the picture or the table": (".rpnviz-boxes", "", "ArrowDown"),
        "← ↑ there": (".rpnviz-picture", "ArrowRight", "ArrowLeft"),
        "Home, End there": (".rpnviz-picture", "", "End"),
        "Space there": (".rpnviz-picture", "", "Space"),
    },
    "iou": {
        f"{ARROWS} on a box": (".rpnviz-movable >> nth=0", "", "ArrowDown"),
        f"Shift + {ARROWS} there": (".rpnviz-movable >> nth=1", "", "Shift+ArrowRight"),
    },
    "loss": {
        f"{ARROWS} on the decoded box": (".rpnviz-movable", "", "ArrowRight"),
        f"Shift + {ARROWS} there": (".rpnviz-movable", "", "Shift+ArrowDown"),
    },
}


@pytest.mark.parametrize("name", LISTED)
def test_each_listed_key_does_something(opened: Opener, name: str) -> None:
    page = opened(name, clipboard=True)  # else the field with the link would take the focus
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    own = dialog.locator("dl").first.locator("kbd")
    expect(own.first).to_be_visible()
    assert own.all_inner_texts() == list(LISTED[name])
    page.keyboard.press("Escape")
    for where, first, key in LISTED[name].values():
        if first == "select":
            page.locator("tbody button").first.click()
        page.locator(where).focus()
        if first and first != "select":
            page.keyboard.press(first)
        before = state(page)
        page.keyboard.press(key) if first == "ArrowDown" else page.locator(where).press(key)
        page.wait_for_function(CHANGED, arg=before)


def test_the_dialog_takes_the_focus_and_gives_it_back(opened: Opener) -> None:
    page = opened("linked")
    dialog = page.get_by_role("dialog", name="Keys")
    canvas = page.locator(".rpnviz-map")
    canvas.focus()
    before = page.locator(".rpnviz-linked").get_attribute("data-cell")
    page.keyboard.press("?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="close")).to_be_focused()
    page.keyboard.press("ArrowRight")  # not for the explorer behind
    assert page.locator(".rpnviz-linked").get_attribute("data-cell") == before
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(canvas).to_be_focused()
    page.get_by_role("spinbutton", name="Seed").or_(page.locator(".rpnviz-seed")).first.focus()
    page.keyboard.press("?")  # may be typed there
    expect(dialog).to_be_hidden()
    button(page, "keys ?").click()
    expect(dialog).to_contain_text("move the window by one cell")
    dialog.get_by_role("button", name="close").click()
    expect(button(page, "keys ?")).to_be_focused()


def test_every_button_of_the_bar_is_reached_by_tab(opened: Opener) -> None:
    page = opened("nms")
    button(page, "copy link").focus()
    for name in ("save PNG", "save SVG", "embed", "lecture mode", "keys ?"):
        page.keyboard.press("Tab")
        expect(button(page, name)).to_be_focused()
        assert page.locator(".rpnviz-what").inner_text()  # says what it does


# --- pictures --------------------------------------------------------------------------------------------------------


def save(page: Page, kind: str) -> bytes:
    with page.expect_download() as download:
        button(page, f"save {kind}").click()
    assert download.value.suggested_filename.startswith("rpnviz-")
    assert download.value.suggested_filename.endswith(kind.lower())
    return Path(download.value.path()).read_bytes()


def test_svg_holds_the_boxes_where_they_are(opened: Opener, explorers: Callable[[str], RpnvizWidget]) -> None:
    page = opened("nms", "#turn=1")
    page.mouse.move(0, 0)
    canvas = page.locator(".rpnviz-picture")
    expect(page.locator(".rpnviz-nms")).to_have_attribute("data-turn", "1")
    before = canvas.evaluate(PIXELS)
    text = save(page, "SVG").decode()
    root = ElementTree.fromstring(text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "g", "rect", "path", "text", "image"} and {"rect", "image"} <= tags
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]
    assert not [element for element in root.iter() if "href" in element.attrib and element.tag != f"{SVG}image"]
    assert all(element.attrib["href"].startswith("data:image/") for element in root.iter(f"{SVG}image"))

    panel = root.find(f".//{SVG}svg")
    assert panel is not None
    plan = explorers("nms").plan
    x1, y1, x2, _ = plan["extent"]
    scale = float(panel.attrib["viewBox"].split()[2]) / (x2 - x1)
    strokes = [element for element in panel.iter(f"{SVG}rect") if "stroke" in element.attrib]
    rects = [[float(element.attrib[name]) for name in ("x", "y", "width", "height")] for element in strokes]
    for left, top, right, bottom in [*six()[0].tolist(), *make_picture().gt_boxes.tolist()]:
        wanted = [(left - x1) * scale, (top - y1) * scale, (right - left) * scale, (bottom - top) * scale]
        assert any(found == pytest.approx(wanted, abs=0.02) for found in rects), (left, top, right, bottom)
    assert any(element.attrib.get("stroke-dasharray") for element in panel.iter(f"{SVG}rect"))
    letters = [element.text for element in root.iter(f"{SVG}text")]
    assert {HOSTILE, "dog\ufffd", "dog & <b>cat</b>", "A 0.95", "NMS one box at a time"} <= set(letters)
    said = " ".join(filter(None, letters))
    assert "A (0.95) is still there, so it is kept." in said
    assert canvas.evaluate(PIXELS) == before  # the page itself is as it was


def test_png_is_what_is_seen_twice_as_fine(opened: Opener) -> None:
    page = opened("linked")
    page.mouse.move(0, 0)
    root = ElementTree.fromstring(save(page, "SVG"))
    picture = Image.open(io.BytesIO(save(page, "PNG"))).convert("RGB")
    assert picture.size == (2 * int(root.attrib["width"]), 2 * int(root.attrib["height"]))
    panels = root.findall(f".//{SVG}svg")
    assert len(panels) == 2
    for panel, name in zip(panels, (".rpnviz-map", ".rpnviz-picture"), strict=True):
        seen = Image.open(io.BytesIO(page.locator(name).screenshot())).convert("RGB")
        x, y, width, height = (float(panel.attrib[at]) for at in ("x", "y", "width", "height"))
        part = picture.crop((int(2 * x), int(2 * y), int(2 * (x + width)), int(2 * (y + height)))).resize(seen.size)
        small = [np.asarray(one.resize((12, 8)), dtype=int) for one in (part, seen)]
        far = np.abs(small[0] - small[1])
        assert far.max() < 40 and far.mean() < 5, name
        assert small[1].std() > 20


def test_charts_are_in_the_svg_with_their_colours(opened: Opener) -> None:
    page = opened("replay")
    root = ElementTree.fromstring(save(page, "SVG"))
    chart = root.findall(f".//{SVG}svg")[-1]
    lines = [path for path in chart.iter(f"{SVG}path") if path.attrib["stroke"] not in ("none", "#000000")]
    assert len(lines) >= 5 and all(path.attrib["stroke"].startswith("#") for path in lines)
    assert "class" not in {name for element in chart.iter() for name in element.attrib}
    assert {"10", "100"} <= {element.text for element in chart.iter(f"{SVG}text")}


# --- the lecturer's mode ---------------------------------------------------------------------------------------------

MEASURE = """() => {
  const el = document.querySelector(".rpnviz-lecture");
  const root = el.querySelector(".rpnviz");
  const isText = (node) => node.nodeType === 3 && node.data.trim();
  const own = (one) => [...one.childNodes].some(isText) && one.clientWidth > 1;
  const texts = [...root.querySelectorAll(".rpnviz-body *:not(svg *):not(option), .rpnviz-what")].filter(own);
  const box = root.getBoundingClientRect();
  const seen = (one) => one.clientHeight && one.checkVisibility({ visibilityProperty: true });
  const beside = [...document.querySelectorAll("body *")].filter((one) => !el.contains(one) && !one.contains(el));
  return {
    over: [el.scrollWidth - el.clientWidth, el.scrollHeight - el.clientHeight],
    root: [box.left, box.top, innerWidth - box.right, innerHeight - box.bottom],
    type: Math.min(...texts.map((one) => parseFloat(getComputedStyle(one).fontSize))),
    beside: beside.filter(seen).length,
  };
}"""


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)], ids=str)
@pytest.mark.parametrize("name", ["linked", "nms", "iou", "loss", "replay"])
def test_in_a_lecture_all_is_large_and_nothing_is_cut(opened: Opener, name: str, size: tuple[int, int]) -> None:
    page = opened(name, size=size, before=REFUSE_SCREEN)
    button(page, "lecture mode").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".rpnviz-lecture")).to_be_visible()
    found = page.evaluate(MEASURE)
    assert found["over"] == [0, 0] and min(found["root"]) >= 0 and found["beside"] == 0
    assert found["type"] >= 20 * size[1] / 1080
    unit = page.locator("canvas").first.evaluate("(canvas) => canvas.rpnvizPanel.unit / devicePixelRatio")
    assert 10.5 * unit >= 20 * size[1] / 1080  # letters on the pictures


def test_a_presenter_moves_the_explorer_and_escape_leaves(opened: Opener) -> None:
    page = opened("nms", before=REFUSE_SCREEN)
    root, el = page.locator(".rpnviz-nms"), page.locator("#rpnviz-view")
    button(page, "lecture mode").click()
    expect(page.locator(".rpnviz-picture")).to_be_focused()  # arrows work at once
    keys = ("PageDown", "PageDown", "PageUp", "ArrowRight", "PageUp", "PageUp", "PageUp")
    for key, turn in zip(keys, (1, 2, 1, 2, 1, 0, 0), strict=True):
        page.keyboard.press(key)
        expect(root).to_have_attribute("data-turn", str(turn))
    page.keyboard.press("b")
    expect(el).to_have_class("rpnviz-alone rpnviz-lecture rpnviz-black")
    page.keyboard.press(".")
    expect(el).to_have_class("rpnviz-alone rpnviz-lecture")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("what a presenter sends")
    page.keyboard.press("Escape")  # closes the list, not the mode
    expect(dialog).to_be_hidden()
    expect(el).to_have_class("rpnviz-alone rpnviz-lecture")
    page.keyboard.press("Escape")
    expect(el).to_have_class("")
    expect(button(page, "lecture mode")).to_be_focused()
    page.keyboard.press("PageDown")
    expect(root).to_have_attribute("data-turn", "0")


def test_in_a_lecture_a_key_copies_the_link_to_what_is_shown(opened: Opener) -> None:
    page = opened("nms", over="http", clipboard=True, before=REFUSE_SCREEN)
    button(page, "lecture mode").click()
    page.keyboard.press("PageDown")
    expect(page.locator(".rpnviz-nms")).to_have_attribute("data-turn", "1")
    page.keyboard.press("l")
    expect(page.locator(".rpnviz-tools-said")).to_have_text("link copied")
    expect(button(page, "copy link")).to_be_visible()
    link = page.evaluate("() => navigator.clipboard.readText()")
    student = opened("nms", "#" + link.split("#")[1], "http")
    expect(student.locator(".rpnviz-nms")).to_have_attribute("data-turn", "1")
    expect(student.locator(".rpnviz-lecture")).to_have_count(0)


def test_a_lecture_takes_the_whole_screen_where_it_may(opened: Opener) -> None:
    page = opened("two")
    page.get_by_role("button", name="lecture mode").last.click()
    page.wait_for_function("() => document.fullscreenElement?.id === 'nms-2'")
    expect(page.get_by_role("heading", name="Prose")).to_be_hidden()
    expect(page.locator("#nms-1 canvas")).to_be_hidden()
    page.evaluate("() => document.exitFullscreen()")  # what the browser does on Escape
    expect(page.locator("#nms-2")).to_have_class("")
    expect(page.get_by_role("heading", name="Prose")).to_be_visible()


# --- embedding -------------------------------------------------------------------------------------------------------


def test_an_embedded_explorer_is_alone_and_as_it_was(opened: Opener, server: str, folder: Path) -> None:
    page = opened("two", "#explorer=nms-2&turn=2", "http", clipboard=True)
    page.locator("#nms-2").get_by_role("button", name="embed").click()
    dialog = page.get_by_role("dialog", name="Embed this explorer")
    snippet = dialog.get_by_role("textbox")
    expect(snippet).to_be_focused()
    html = snippet.input_value()
    dialog.get_by_role("button", name="copy").click()
    expect(dialog.get_by_role("status")).to_have_text("copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == html
    assert html.startswith("<iframe ") and 'title="NMS one box at a time, 2"' in html
    assert f'src="{server}/two.html?embed#explorer=nms-2&amp;' in html
    notes = f'<!doctype html><link rel="icon" href="data:,"><title>notes</title><p>notes</p>{html}'
    (folder / "notes.html").write_text(notes, encoding="utf-8")
    page.goto(f"{server}/notes.html")
    inside = page.frame_locator("iframe")
    expect(inside.locator("#nms-2 .rpnviz-nms")).to_have_attribute("data-turn", "2")
    expect(inside.locator("#nms-2 canvas")).to_be_visible()
    for hidden in ("#prose", "#nms-1 canvas", "footer button"):
        expect(inside.locator(hidden)).to_be_hidden()
    tools = inside.locator("#nms-2 .rpnviz-tools")
    assert tools.locator("button, a").all_inner_texts() == ["open the page", "keys ?"]
    inside.locator("#nms-2 .rpnviz-picture").press("ArrowRight")
    expect(inside.locator("#nms-2 .rpnviz-nms")).to_have_attribute("data-turn", "3")
    tools.get_by_role("link").focus()
    link = str(tools.get_by_role("link").get_attribute("href"))
    assert link.startswith(f"{server}/two.html#explorer=nms-2&") and "turn=3" in link
    over = "() => document.querySelector('#nms-2').scrollHeight - innerHeight"
    assert inside.locator("body").evaluate(over) <= 0  # the height in the snippet is enough


def test_a_file_is_embedded_by_its_name_alone(opened: Opener) -> None:
    page = opened("iou")
    button(page, "embed").click()
    dialog = page.get_by_role("dialog", name="Embed this explorer")
    html = dialog.get_by_role("textbox").input_value()
    assert html.startswith('<iframe src="iou.html?embed#explorer=iou&amp;')  # no folder of this machine
    expect(dialog).to_contain_text("Put this file beside them.")


def test_the_state_of_a_saved_page_says_what_may_be_moved(folder: Path) -> None:
    text = (folder / "iou.html").read_text(encoding="utf-8")
    state = json.loads(text.split('id="rpnviz-state">')[1].split("</script>")[0])
    assert state["name"] == "iou" and state["moves"]["bg_iou_thresh"]["at_most"] == "fg_iou_thresh"
