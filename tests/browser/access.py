"""What a page is to people without a mouse or without sight: axe-core's findings, and the walk of the Tab key."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe()
COLOURS = ["color-contrast", "link-in-text-block"]  # what another theme changes
PLACES = [
    "target-size",
    "scrollable-region-focusable",
    "css-orientation-lock",
    "meta-viewport",
]  # and what a phone does
# What has the focus: in words, its name, whether that is to be seen, and its place among all that Tab may reach.
FOCUS = """() => {
  const e = document.activeElement;
  if (e === document.body) return null;
  const outlined = (one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle === "auto" || (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1.5);
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
  const all = [...document.querySelectorAll("a[href], button, select, input, summary, [tabindex]")];
  const seen = (e) => e.checkVisibility({ visibilityProperty: true });
  const chosen = (e) => e.type !== "radio" || e.checked;
  const free = (e) => !e.disabled && !e.closest("[inert]"); // a view is inert while its question covers it
  window.rpnvizStops = all.filter((e) => e.tabIndex >= 0 && free(e) && seen(e) && chosen(e));
  return window.rpnvizStops.map((e) => `${e.tagName} ${e.className} ${e.ariaLabel || e.textContent}`);
}"""


def findings(page: Page, rules: list[str] | None = None, without: str = "") -> list[str]:
    """What axe-core finds by its usual rules, or by some, each with what it concerns; it passes over `without`."""
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    context = {"exclude": [[without]]} if without else None
    found = AXE.run(page, context, options).response["violations"]
    return [f"{one['impact']} {one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}" for one in found]


def walk(page: Page) -> None:
    """Press Tab from the first stop to the last and once back: each has a name and shows its focus."""
    stops = page.evaluate(STOPS)
    assert stops
    reached: list[int] = []
    for _ in range(len(stops) + 10):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus is None or (reached and focus["at"] == 0):
            break  # to the browser's own parts, or, where it has none, to the first again
        assert focus["name"], f"has no name: {focus['tag']}"
        assert focus["seen"], f"its focus is not seen: {focus['tag']} {focus['name']}"
        reached.append(focus["at"])
    else:
        raise AssertionError(f"the focus does not leave: {focus}")
    assert reached == list(range(len(stops))), [stops[i] for i in set(range(len(stops))) - set(reached)]
    page.evaluate("rpnvizStops.at(-1).focus()")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUS)["at"] == len(stops) - 2
