"""Every explorer without a mouse, without colours, without sight, without motion."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.access import COLOURS, PLACES, findings, walk
from tests.browser.explorer_pages import NAMES

Show = Callable[..., Page]


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


@pytest.mark.parametrize("name", NAMES)
def test_tab_reaches_everything_in_order_and_leaves(show: Show, name: str) -> None:
    walk(show(name))


# What changes each explorer, without a kernel: a part, and a key for it.
KEYS = {
    "linked": (".rpnviz-map", "ArrowRight"),
    "overview": (".rpnviz-map", "ArrowRight"),
    "window": (".rpnviz-map", "ArrowRight"),
    "convolution": (".rpnviz-map", "ArrowRight"),
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
    "pyramid": (".rpnviz-picture", "ArrowRight"),
    "conventions": (".rpnviz-anchor-map", "ArrowRight"),
    "detections": ("[aria-label=score_thresh]", "ArrowRight"),
    "fit": (".rpnviz-scatter", "ArrowRight"),
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
    # In one go: the view takes the class away when it draws next.
    moving = "e => { e.classList.add('rpnviz-busy'); return document.getAnimations().length; }"
    assert page.locator(".rpnviz").evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.locator(".rpnviz").evaluate(moving) == 0
