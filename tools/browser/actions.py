"""Keys and the pointer as W3C WebDriver writes them: alike in BiDi (Firefox) and the classic protocol (WebKitGTK)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Spot = tuple[float, float]  # x, y in CSS px of the window

# https://www.w3.org/TR/webdriver2/#keyboard-actions: names as in KeyboardEvent.key -> the code point that stands for it
KEYS = {
    "Backspace": "\ue003",
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Shift": "\ue008",
    "Control": "\ue009",
    "Alt": "\ue00a",
    "Escape": "\ue00c",
    "Space": " ",
    "PageUp": "\ue00e",
    "PageDown": "\ue00f",
    "End": "\ue010",
    "Home": "\ue011",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
    "Delete": "\ue017",
}


def keyboard(*keys: str) -> list[dict[str, Any]]:
    """Return the actions that press keys one after another.

    Args:
        keys: as Playwright writes them: "ArrowRight", "a", "Shift+Tab".

    Raises:
        ValueError: for a key that is neither one letter nor in KEYS.
    """
    steps: list[dict[str, str]] = []
    for key in keys:
        held = [_code(part) for part in (key.split("+") if len(key) > 1 else [key])]
        steps += [{"type": "keyDown", "value": code} for code in held]
        steps += [{"type": "keyUp", "value": code} for code in reversed(held)]
    return [{"type": "key", "id": "keyboard", "actions": steps}]


def mouse(spots: Sequence[Spot]) -> list[dict[str, Any]]:
    """Return the actions that press the button at the first spot, go through the others and let go at the last."""
    moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 20} for x, y in spots]
    steps = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
    return [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}]


def _code(key: str) -> str:
    if key not in KEYS and len(key) != 1:
        raise ValueError(f"keys: {key!r} is neither one letter nor one of {', '.join(KEYS)}")
    return KEYS.get(key, key)
