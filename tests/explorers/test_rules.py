"""What a link may set in a saved page is what Python takes, explorer by explorer; the page's own reading of a link."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import traitlets as t
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from rpnviz.explorers import EXPLORERS
from rpnviz.explorers.common import bundle
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.rules import (
    Rule,
    box,
    listed,
    number,
    numbers,
    obeys_rules,
    objects,
    one_of,
    rule_of,
    some_of,
    whole,
)
from tests.bad_inputs.given import CAR, OPENING, RULES
from tests.explorers.every import every_explorer
from tests.explorers.page_code import importable

# Python takes more than the saved page can show: what it was not given, or what lies far off the picture.
NARROWER = {
    *(("linked", name) for name in ("picture", "grid", "map")),
    *(("precomputed", name) for name in ("map", "seed")),
    ("replay", "picture"),
    ("convolution", "output"),
}
each = pytest.mark.parametrize("name", EXPLORERS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RpnvizWidget]:
    """Each explorer once; every test leaves it as it was."""
    makers, found = every_explorer(tmp_path_factory.mktemp("every")), dict[str, RpnvizWidget]()
    assert set(makers) == set(EXPLORERS)
    return lambda name: found.setdefault(name, found[name] if name in found else makers[name]())


def inside(rule: Rule) -> st.SearchStrategy[Any]:
    """Values that a rule allows."""
    kind = rule["kind"]
    if kind == "switch":
        return st.booleans()
    if kind == "one_of":
        return st.sampled_from(rule["choices"])
    if kind == "some_of":
        return st.lists(st.sampled_from(rule["choices"]), unique=True).map(tuple)
    if kind == "whole":
        return st.integers(rule["min"], rule["max"])
    if kind == "number":
        return st.floats(rule["min"], rule["max"])
    if kind == "list":  # few and large, so that scales and ratios make no box without area
        low = rule["min"] + (rule["max"] - rule["min"]) / 100
        return st.lists(st.floats(low, rule["max"]), min_size=1, max_size=min(4, rule["most"]))
    if kind == "objects":
        named = st.fixed_dictionaries(
            {"name": st.text(max_size=rule["longest"]), "box": inside({**rule, "kind": "box"})}
        )
        return st.lists(named, max_size=5)
    if kind == "numbers":
        values = st.tuples(*(st.floats(*pair) for pair in rule["each"])).map(list)
        return values | st.just([]) if rule["or_none"] else values
    if rule.get("or_none"):
        return inside({**rule, "or_none": False}) | st.just([])
    x1, y1, x2, y2 = rule["within"]
    xs, ys = (
        st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True) for low, high in ((x1, x2), (y1, y2))
    )
    return st.tuples(xs, ys).map(lambda p: [float(v) for v in (min(p[0]), min(p[1]), max(p[0]), max(p[1]))])


def outside(rule: Rule) -> list[Any]:
    """Values next to what a rule allows, and values of another kind."""
    kind = rule["kind"]
    if kind == "switch":
        return [2, "1", None]
    if kind == "one_of":
        return ["nonesuch", max((c for c in rule["choices"] if isinstance(c, int)), default=0) + 1, None, []]
    if kind == "some_of":
        return [("nonesuch",), "anchors", 3]
    if kind == "whole":
        return [rule["min"] - 1, rule["max"] + 1, rule["min"] + 0.5, "1", None]
    if kind == "number":
        step = (rule["max"] - rule["min"]) / 1000
        return [rule["min"] - step, rule["max"] + step, math.inf, -math.inf, "x", None]
    if kind == "numbers":
        lows, highs = zip(*rule["each"], strict=True)
        beyond = [[*lows[:i], high + 0.01, *lows[i + 1 :]] for i, high in enumerate(highs)]
        return [*beyond, [low - 0.01 for low in lows], [*lows, 0.0], list(lows[:-1]), ["x"] * len(lows), 3]
    if kind == "list":
        low, high = rule["min"], rule["max"]
        return [[], [low - 0.01], [low, high + 0.01], [high] * (rule["most"] + 1), ["x"], 3, low]
    if kind == "objects":
        good = {"name": "car", "box": rule["within"]}
        boxes = [{**good, "box": one} for one in outside({**rule, "kind": "box"})]
        names = [{**good, "name": one} for one in ("x" * (rule["longest"] + 1), 3, None, "\ud800")]
        return [
            *([one] for one in [*boxes, *names, {"name": "car"}, {**good, "score": 1}]),
            [good] * (rule["most"] + 1),
        ]
    x1, y1, x2, y2 = rule["within"]
    edges = [[x1 - 1, y1, x2, y2], [x1, y1 - 1, x2, y2], [x1, y1, x2 + 1, y2], [x1, y1, x2, y2 + 1]]
    return [*edges, [x2, y1, x1, y2], [x1, y2, x2, y1], [x1, y1, x1, y2], [x1, y1, x2], "box"]


@each
def test_every_trait_that_can_be_set_has_a_rule_or_needs_python(made: Callable[[str], RpnvizWidget], name: str) -> None:
    explorer = made(name)
    free = {one for one in explorer.own_traits() if not explorer.traits()[one].read_only}
    assert set(explorer.moves()) | set(explorer.unmoved) == free
    assert not set(explorer.moves()) & set(explorer.unmoved)
    state = explorer.saved_state()
    assert state["name"] == name and state["moves"] == explorer.moves() and state["has_kernel"] is False
    json.dumps(state["moves"], allow_nan=False)
    assert explorer.presented in {"", *state["moves"]}


@each
def test_python_takes_what_the_rules_allow(made: Callable[[str], RpnvizWidget], name: str) -> None:
    explorer, rules = made(name), made(name).moves()
    before = {trait: getattr(explorer, trait) for trait in rules}

    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(st.fixed_dictionaries({trait: inside(rule) for trait, rule in rules.items()}))
    def takes(values: dict[str, Any]) -> None:
        for trait, rule in rules.items():
            if "at_most" in rule:
                values[trait] = min(values[trait], values[rule["at_most"]])
        if name == "anchors":  # the page knows what a smaller grid and fewer anchors have
            values |= {
                "row": min(values["row"], 36),
                "col": min(values["col"], 59),
                "selected": min(values["selected"], 0),
            }
        if name in ("labels", "minibatch"):  # likewise: one anchor a cell at least
            values["selected"] = min(values["selected"], 40 * 60 - 1)
        # Two thresholds that may not cross: in one message, as the page sends them; elsewhere one after the other.
        if "bg_iou_thresh" in rules:
            explorer.set_state(values)
        else:
            for trait in rules:
                setattr(explorer, trait, values[trait])
        assert {trait: getattr(explorer, trait) for trait in rules if rules[trait]["kind"] != "some_of"} == {
            trait: value for trait, value in values.items() if rules[trait]["kind"] != "some_of"
        }
        assert explorer.describe()

    try:
        takes()
    finally:
        with explorer.hold_trait_notifications():
            for trait, value in before.items():
                setattr(explorer, trait, value)


@each
def test_python_refuses_what_the_rules_do_not_allow(made: Callable[[str], RpnvizWidget], name: str) -> None:
    explorer = made(name)
    for trait, rule in explorer.moves().items():
        before = getattr(explorer, trait)
        if (name, trait) not in NARROWER:
            for value in outside(rule):
                with pytest.raises((t.TraitError, TypeError)):
                    setattr(explorer, trait, value)
                    pytest.fail(f"{trait}: took {value!r}, the rule says {rule}")
        assert getattr(explorer, trait) == before


def test_a_trait_that_does_not_say_what_it_takes_must_be_told() -> None:
    assert rule_of("a", t.Int(min=1, max=3)) == whole(1, 3)
    assert rule_of("a", t.Float(min=0, max=0.5)) == number(0, 0.5)
    assert rule_of("a", t.Enum([10, 50])) == one_of([10, 50])
    assert rule_of("a", t.Bool()) == {"kind": "switch"}
    traits: list[t.TraitType[Any, Any]] = [t.Int(), t.Int(min=0), t.Float(max=1), t.Unicode(), t.Dict(), t.List()]
    for trait in traits:
        with pytest.raises(TypeError, match=r"depth: say in rules\(\) what it takes"):
            rule_of("depth", trait)
    assert number(0, 1, at_most="b") == {"kind": "number", "min": 0, "max": 1, "at_most": "b"}


class Ruled(t.HasTraits):
    """A trait of each kind of rule, and one that says itself what it takes."""

    given: ClassVar[dict[str, Rule]] = {
        "last": whole(0, 9, at_most="most"),
        "share": number(0, 0.5),
        "side": one_of(["left", 2]),
        "layers": some_of(["boxes", "labels"]),
        "deltas": numbers([-2, -3], [2, 5]),
        "frame": box([0, 0, 100, 60]),
        "patch": box([0, 0, 100, 60], or_none=True),
        "on": {"kind": "switch"},
        "scales": listed(4, 2000, 3),
        "objects": objects([0, 0, 100, 60], 2),
    }
    most = t.Int(9)
    last, share = t.Int(0), t.Float(0)
    side, on = t.Any("left"), t.Any(False)
    layers, deltas, frame = t.Tuple(("boxes",)), t.List([0, 0]), t.List([0, 0, 1, 1])
    patch: t.List[Any] = t.List()
    scales = t.List([8])
    objects: t.List[Any] = t.List()
    turn = t.Int(1, min=1, max=3)
    _check = obeys_rules(*given, "turn")

    def rules(self) -> dict[str, Rule]:
        """The rules."""
        return self.given


@pytest.mark.parametrize(
    ("trait", "good", "bad", "words"),
    [
        ("last", 4, 6, "got 6, takes 0 to 5"),  # most is 5
        ("last", 0, -1, "got -1, takes 0 to 5"),
        ("share", 0.5, 0.51, "got 0.51, takes 0 to 0.5"),
        ("share", 0, math.nan, "got nan, takes 0 to 0.5"),
        ("side", 2, "right", "got 'right', takes one of left, 2"),
        ("layers", ("labels",), ("labels", "hats"), "got 'hats', takes some of boxes, labels"),
        ("layers", (), ("boxes", "boxes"), "got ('boxes', 'boxes'), takes some of boxes, labels"),
        ("deltas", [2, -3], [0, 6], "got [0, 6], takes 2 numbers, -2 to 2, -3 to 5"),
        ("frame", [0, 0, 100, 60], [0, 0, 0, 60], "got [0, 0, 0, 60], takes x1 < x2 and y1 < y2 within 0, 0, 100, 60"),
        ("patch", [], [0, 0, 0, 60], "got [0, 0, 0, 60], takes x1 < x2 and y1 < y2 within 0, 0, 100, 60"),
        ("frame", [0, 0, 9, 9], [], "got [], takes x1 < x2"),
        ("on", True, 1, "got 1, takes True or False"),
        ("scales", [4, 2000], [3], "got [3], takes 1 to 3 numbers from 4 to 2000"),
        (
            "objects",
            [CAR],
            [CAR] * 3,
            f"got {[CAR] * 3}, takes up to 2 objects, each a name of up to 200 letters and a box",
        ),
        ("turn", 3, 4, ""),
    ],
)
def test_a_rule_is_the_validator(trait: str, good: Any, bad: Any, words: str) -> None:
    ruled = Ruled(most=5)
    setattr(ruled, trait, good)
    with pytest.raises(t.TraitError, match=re.escape(f"{trait}: {words}" if words else trait)):
        setattr(ruled, trait, bad)
    assert getattr(ruled, trait) == good


def test_an_explorer_may_rule_what_a_saved_page_does_not_move(made: Callable[[str], RpnvizWidget]) -> None:
    handed = made("precomputed")
    assert "min_size" in handed.rules() and "min_size" in handed.unmoved and "min_size" not in handed.moves()


# --- the page's reading of a link ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(browser: Browser) -> Any:
    opened = browser.new_page()
    opened.evaluate(
        "async (code) => { saved = await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'}))) }",
        importable("saved/link.js") + "\nexport { readLink, writeLink, addressee };",
    )
    yield opened
    opened.close()


def read(page: Page, fragment: str, opening: dict[str, Any] | None = None) -> tuple[dict[str, Any], str]:
    asked = [fragment, RULES, opening or OPENING]
    found = page.evaluate("([fragment, rules, opening]) => saved.readLink(fragment, rules, opening)", asked)
    return found["values"], found["problem"]


def write(page: Page, values: dict[str, Any]) -> str:
    text: str = page.evaluate(
        "([rules, values]) => saved.writeLink('it', rules, (name) => values[name])", [RULES, values]
    )
    return text


def test_a_link_is_read_back_as_it_was_written(page: Page) -> None:
    @settings(max_examples=60)
    @given(st.fixed_dictionaries({trait: inside(rule) for trait, rule in RULES.items()}))
    def round_trip(values: dict[str, Any]) -> None:
        values["low"] = min(values["low"], values["high"])
        values["layers"] = [one for one in RULES["layers"]["choices"] if one in values["layers"]]
        found, problem = read(page, write(page, values))
        assert not problem and set(found) == set(values)
        for trait, value in values.items():  # numbers to five decimals
            exact = isinstance(value, (str, bool)) or trait in ("layers", "objects")
            assert found[trait] == (value if exact else pytest.approx(value, abs=6e-6))

    round_trip()


def test_a_link_can_be_read_by_people(page: Page) -> None:
    assert write(page, OPENING) == (
        "explorer=it&row=7&low=0.3&high=0.7&on=0&side=left&top_n=50&layers=anchors&deltas=0,0&patch=3,4,5,6&scales=8"
        "&objects=car,0,0,100,60&probe=&box=1,2,30,40"
    )
    odd = [{"name": "Café; 50 %, 🚗&<b>", "box": [0, 0, 10, 10]}, {"name": "", "box": [1, 2, 3, 4]}]
    assert read(page, write(page, {**OPENING, "objects": odd}))[0]["objects"] == odd
    assert read(page, write(page, {**OPENING, "objects": []}))[0]["objects"] == []
    assert read(page, "explorer=it&row=12")[0] == {**OPENING, "row": 12}
    assert read(page, "row=12&layers=labels,anchors&layers")[1] == "layers stands there twice"
    assert read(page, "layers=")[0]["layers"] == []
    assert read(page, write(page, {**OPENING, "patch": []}))[0]["patch"] == []


def test_a_link_names_its_explorer(page: Page) -> None:
    named = {"explorer=nms-2&turn=3": "nms-2", "turn=3": None, "": None, "%": None, "explorer=": ""}
    assert {one: page.evaluate("(f) => saved.addressee(f)", one) for one in named} == named


# --- what is joined --------------------------------------------------------------------------------------------------


def test_svg_context_knows_every_call_and_setting_of_the_views() -> None:
    """A view that takes up another part of the canvas's context must teach it to the one that writes SVG."""
    known = bundle.read("saved/picture.js")
    used = set()
    for path in bundle.EXPLORERS.rglob("*.js"):
        if path.parent.name != "saved":
            text = path.read_text(encoding="utf-8")
            used |= set(re.findall(r"(?<![\w.])(?:\w+\.)?g\.([a-zA-Z]+)\b", text))
    elsewhere = {"createImageData", "putImageData", "getImageData"}  # of bitmaps, never of a panel
    context = known[known.index("export class SvgContext") : known.index("const upright")]
    missing = {one for one in used - elsewhere if not re.search(rf"^  {one}(\(| =)", context, flags=re.MULTILINE)}
    assert not missing and {"strokeRect", "fillText", "lineWidth"} <= used
