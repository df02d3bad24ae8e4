"""What a reader of a saved page may set, and to what: sent with the page, which checks a link's fragment by it.

A rule is plain JSON, of one of these kinds:

    whole     an int from "min" to "max"; with "at_most", not above the trait of that name
    number    a finite float, likewise
    switch    True or False
    one_of    one of "choices"
    some_of   any of "choices", each at most once
    numbers   a list, each from low to high of its pair in "each"; with "or_none", also []
    list      a list of 1 to "most" numbers, each from "min" to "max"
    box       [x1, y1, x2, y2] with x1 < x2 and y1 < y2, all within the box "within"; with "or_none", also []
    objects   up to "most" of {"name": a text of up to "longest" letters, "box": as above}
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import traitlets as t

Rule = dict[str, Any]
_HALF_OF_A_PAIR = re.compile("[\ud800-\udfff]")  # of UTF-16: no page can be written with it
MOST_OBJECTS = 200
LONGEST_NAME = 200  # letters


def whole(low: int, high: int, at_most: str = "") -> Rule:
    """An int in a range; `at_most` names a trait that it may not pass."""
    return {"kind": "whole", "min": low, "max": high, **({"at_most": at_most} if at_most else {})}


def number(low: float, high: float, at_most: str = "") -> Rule:
    """A float in a range, likewise."""
    return {**whole(0, 0, at_most), "kind": "number", "min": low, "max": high}


def one_of(choices: Iterable[Any]) -> Rule:
    """One of some texts or ints."""
    return {"kind": "one_of", "choices": list(dict.fromkeys(choices))}


def some_of(choices: Iterable[str]) -> Rule:
    """Any of some texts without commas."""
    return {"kind": "some_of", "choices": list(choices)}


def numbers(lows: Iterable[float], highs: Iterable[float], or_none: bool = False) -> Rule:
    """As many floats as there are limits; or, if `or_none`, none."""
    return {"kind": "numbers", "each": [list(pair) for pair in zip(lows, highs, strict=True)], "or_none": or_none}


def listed(low: float, high: float, most: int) -> Rule:
    """1 to `most` floats in a range."""
    return {"kind": "list", "min": low, "max": high, "most": most}


def box(within: Sequence[float], or_none: bool = False) -> Rule:
    """A box, xyxy, inside another; or, if `or_none`, []."""
    return {"kind": "box", "within": list(within), "or_none": or_none}


def objects(within: Sequence[float], most: int) -> Rule:
    """Named boxes, xyxy, inside another."""
    return {"kind": "objects", "within": list(within), "most": most, "longest": LONGEST_NAME}


def rule_of(name: str, trait: t.TraitType[Any, Any]) -> Rule:
    """Read the rule off a trait.

    Args:
        name: of the trait.
        trait: a Bool, an Enum, or an Int or Float with both limits.

    Raises:
        TypeError: if the trait does not say itself what it takes.
    """
    if isinstance(trait, t.Bool):
        return {"kind": "switch"}
    if isinstance(trait, t.Enum):
        return one_of(trait.values or ())
    if isinstance(trait, (t.Int, t.Float)):
        low, high = getattr(trait, "min", None), getattr(trait, "max", None)
        if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
            return whole(low, high) if isinstance(trait, t.Int) else number(low, high)
    raise TypeError(f"{name}: say in rules() what it takes, or in unmoved that a saved page leaves it as it is")


def allows(rule: Rule, value: Any) -> bool:
    """Whether a rule allows a value; `at_most`, which asks another trait, is left to the caller."""
    kind = rule["kind"]
    if kind == "switch":
        return isinstance(value, bool)
    if kind in ("whole", "number"):
        return _within(value, rule["min"], rule["max"], int if kind == "whole" else (int, float))
    if kind == "one_of":
        return any(value == choice and type(value) is type(choice) for choice in rule["choices"])
    if not isinstance(value, (list, tuple)):
        return False
    if kind == "some_of":
        return all(one in rule["choices"] for one in value) and len(set(value)) == len(value)
    if kind == "numbers":
        limits = rule["each"]
        fits = len(value) == len(limits) and all(_within(one, *pair) for one, pair in zip(value, limits, strict=True))
        return fits or (rule["or_none"] and not value)
    if kind == "list":
        return 1 <= len(value) <= rule["most"] and all(_within(one, rule["min"], rule["max"]) for one in value)
    if kind == "objects":
        return len(value) <= rule["most"] and all(_is_object(rule, one) for one in value)
    return (rule["or_none"] and not value) or _is_box(rule["within"], value)


def is_text(value: Any, longest: int) -> bool:
    """Whether it is a text that a page can be written with."""
    return isinstance(value, str) and len(value) <= longest and not _HALF_OF_A_PAIR.search(value)


def _is_object(rule: Rule, value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"name", "box"}:
        return False
    name, box = value["name"], value["box"]
    return is_text(name, rule["longest"]) and isinstance(box, (list, tuple)) and _is_box(rule["within"], box)


def _is_box(within: Sequence[float], value: Sequence[Any]) -> bool:
    left, top, right, bottom = within
    limits = [(left, right), (top, bottom), (left, right), (top, bottom)]
    fits = len(value) == 4 and all(_within(one, *pair) for one, pair in zip(value, limits, strict=True))
    return fits and value[0] < value[2] and value[1] < value[3]


def obeys_rules(*names: str, of: str = "rules") -> Any:
    """Make the validator of traits that take what their rule says: that of `rules()`, or of the trait itself.

    A class takes it as it takes a method with `@t.validate`:

        _check = obeys_rules("turn", "top_n")

    Args:
        *names: of the traits.
        of: the method that says the rules, where those of all traits are not there as early.

    Returns:
        What raises a TraitError that names the trait, what it got and what it takes.
    """

    @t.validate(*names)
    def check(explorer: Any, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        rule = getattr(explorer, of)().get(name) or rule_of(name, proposal["trait"])
        if "at_most" in rule:
            rule = {**rule, "max": min(rule["max"], getattr(explorer, rule["at_most"]))}
        if not allows(rule, value):
            raise t.TraitError(f"{name}: got {_culprit(rule, value)!r}, takes {takes(rule)}")
        return value

    return check


def takes(rule: Rule) -> str:
    """Say in words what a rule allows."""
    kind = rule["kind"]
    if kind == "switch":
        return "True or False"
    if kind in ("one_of", "some_of"):
        return f"{kind.partition('_')[0]} of {', '.join(map(str, rule['choices']))}"
    if kind == "numbers":
        return f"{len(rule['each'])} numbers, {', '.join(f'{low:g} to {high:g}' for low, high in rule['each'])}"
    if kind == "box":
        return f"x1 < x2 and y1 < y2 within {', '.join(map(str, rule['within']))}"
    if kind == "list":
        return f"1 to {rule['most']} numbers from {rule['min']:g} to {rule['max']:g}"
    if kind == "objects":
        named = f"a name of up to {rule['longest']} letters and a box"
        return f"up to {rule['most']} objects, each {named} within {', '.join(map(str, rule['within']))}"
    return f"{rule['min']} to {rule['max']}"


def _culprit(rule: Rule, value: Any) -> Any:
    """The first of several choices that is none; else the whole value."""
    if rule["kind"] != "some_of":
        return value
    return next((one for one in value if one not in rule["choices"]), value)


def _within(value: Any, low: float, high: float, kind: Any = (int, float)) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and low <= value <= high
