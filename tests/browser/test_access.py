"""Every explorer without a mouse, without colours, without sight, without motion."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.explorer_pages import NAMES

Show = Callable[..., Page]
AXE = Axe()
COLOURS = ["color-contrast", "link-in-text-block"]  # what another theme changes
PLACES = [
    "target-size",
    "scrollable-region-focusable",
    "css-orientation-lock",
    "meta-viewport",
]  # and what a phone does
MANY = 150  # presses of Tab that no explorer needs


def findings(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe-core finds by its usual rules, or by some, each with what it concerns."""
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = AXE.run(page, options=options).response["violations"]
    return [f"{one['impact']} {one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}" for one in found]


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(show: Show, name: str) -> None:
    page = show(name)
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.querySelector('.rpnviz')).backgroundColor") == "rgb(18, 18, 18)"
    assert findings(page, COLOURS) == []


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_on_a_phone(show: Show, name: str) -> None:
    assert findings(show(name, "phone"), PLACES) == []


# What has the focus: in words, its name, whether that is to be seen, and its place among all that Tab may reach.
FOCUS = """() => {
  const e = document.activeElement;
  if (e === document.body) return null;
  const outlined = (one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1.5;
  };
  const words = [...(e.labels || [])].flatMap((label) => [...label.querySelectorAll("span")]);
  const own = e.matches("input, select") ? words : [e];
  const name = e.ariaLabel || own.map((part) => part.textContent).join(" ");
  const seen = outlined(e) || (e.closest(".rpnviz-segmented") && outlined(e.nextElementSibling));
  const [at, tag] = [window.rpnvizStops.indexOf(e), `${e.tagName} ${e.className}`];
  return { at, tag, name: name.trim(), seen: Boolean(seen) };
}"""
# All that Tab may reach, in the order of the page: of radio buttons of a group the one that is chosen.
STOPS = """() => {
  const all = [...document.querySelectorAll("button, select, input, [tabindex]")];
  const seen = (e) => e.checkVisibility({ visibilityProperty: true });
  const chosen = (e) => e.type !== "radio" || e.checked;
  window.rpnvizStops = all.filter((e) => e.tabIndex >= 0 && !e.disabled && seen(e) && chosen(e));
  return window.rpnvizStops.map((e) => `${e.tagName} ${e.className} ${e.ariaLabel || e.textContent}`);
}"""


@pytest.mark.parametrize("name", NAMES)
def test_tab_reaches_everything_in_order_and_leaves(show: Show, name: str) -> None:
    page = show(name)
    stops = page.evaluate(STOPS)
    assert stops
    reached: list[int] = []
    for _ in range(MANY):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus is None or (reached and focus["at"] == 0):
            break  # to the browser's own parts, or, where it has none, to the first again
        assert focus["name"], f"has no name: {focus['tag']}"
        assert focus["seen"], f"its focus is not seen: {focus['tag']} {focus['name']}"
        reached.append(focus["at"])
    else:
        pytest.fail(f"the focus does not leave: {focus}")
    assert reached == list(range(len(stops))), [stops[i] for i in set(range(len(stops))) - set(reached)]
    page.evaluate("rpnvizStops.at(-1).focus()")
    page.keyboard.press("Shift+Tab")  # and back
    assert page.evaluate(FOCUS)["at"] == len(stops) - 2


# What changes each explorer, without a kernel: a part, and a key for it.
KEYS = {
    "linked": (".rpnviz-map", "ArrowRight"),
    "window": (".rpnviz-map", "ArrowRight"),
    "anchors": (".rpnviz-map", "ArrowRight"),
    "iou": (".rpnviz-movable >> nth=1", "ArrowRight"),
    "labels": (".rpnviz-anchor-map", "ArrowRight"),
    "minibatch": (".rpnviz-anchor-map", "ArrowRight"),
    "layers": (".rpnviz-layer-choice", "ArrowRight"),
    "poolings": (".rpnviz-columns", "ArrowDown"),
    "channels": (".rpnviz-panel >> nth=0", "ArrowRight"),
    "loss": (".rpnviz-dx", "ArrowRight"),
    "live": (".rpnviz-segmented input >> nth=0", "ArrowRight"),
    "replay": (".rpnviz-step", "ArrowRight"),
    "nms": (".rpnviz-picture", "ArrowRight"),
    "funnel": ("[type=radio]:checked >> nth=0", "ArrowUp"),
    "roi": (".rpnviz-movable", "ArrowRight"),
    "detections": ("[aria-label=score_thresh]", "ArrowRight"),
}
DESCRIBED = """() => {
  const sentence = document.querySelector(".rpnviz-shown");
  const pictures = [...document.querySelectorAll("main canvas, main [role=img]")];
  return pictures.length > 0 && [document.querySelector(".rpnviz"), ...pictures].every((e) =>
    e.ariaLabel && document.getElementById(e.getAttribute("aria-describedby")) === sentence);
}"""


@pytest.mark.parametrize("name", NAMES)
def test_the_text_of_every_picture_says_what_is_shown_now(show: Show, name: str) -> None:
    page = show(name)
    sentence = page.locator(".rpnviz-shown")
    assert page.evaluate(DESCRIBED)
    before = sentence.text_content() or ""
    assert len(before) > 20
    part, key = KEYS[name]
    page.locator(part).press(key)
    expect(sentence).not_to_have_text(before)
    expect(page.locator(".rpnviz-live[aria-live]")).to_have_text(sentence.text_content() or "")
    assert page.evaluate(DESCRIBED)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_moves_by_itself_where_that_is_not_wanted(show: Show, name: str) -> None:
    page = show(name)
    page.locator(".rpnviz").evaluate("e => e.classList.add('rpnviz-busy')")
    moving = "document.getAnimations().length"
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0
