"""The page's compute modules say the same in Firefox and WebKitGTK: another engine's arithmetic moves no index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.explorers.compute.conversation import check_same
from tests.explorers.compute.test_twins import CASES, TWINS, converse
from tools.browser.engines import chosen
from tools.browser.page import Engine


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Any]]:
    """A third of the inputs of test_twins, by what is asked."""
    drawn = {}
    for twin in TWINS:
        rng = np.random.default_rng(0)
        drawn[twin.call] = [twin.draw(rng) for _ in range(CASES // 3)]
    return drawn


@pytest.fixture(scope="module")
def chromium_says(browser: Browser, cases: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {twin.call: converse(browser, twin.call, cases[twin.call]) for twin in TWINS}


@pytest.mark.parametrize("name", [name for name in chosen() if name != "chromium"])
def test_another_browser_says_what_chromium_says(
    engines: Callable[[str], Engine], cases: dict[str, list[Any]], chromium_says: dict[str, list[Any]], name: str
) -> None:
    for twin in TWINS:
        for i, said in enumerate(converse(engines(name), twin.call, cases[twin.call])):
            check_same(said, chromium_says[twin.call][i], f"{twin.name}, case {i}", twin.size)
