"""Settings for all tests, and the browsers that they share."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

# The workers share the cores. And memory that PyTorch lets go of is kept for its next tensor: to ask the system for it
# anew, page by page, costs much of a picture's time. Both before anything starts a process or imports PyTorch.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "4000000000")
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "4000000000")

import pytest
from hypothesis import settings
from playwright.sync_api import Browser
from xdist.scheduler import LoadScopeScheduling

from tools.browser import engines as all_engines
from tools.browser.chromium import Chromium
from tools.browser.lab import chromium, find_chromium
from tools.browser.page import Engine, Page

# A slow moment of a busy machine is no failure.
settings.register_profile("rpnviz", deadline=None)
settings.load_profile("rpnviz")


class WholeModules(LoadScopeScheduling):  # type: ignore[misc]
    """A worker takes whole modules, so that what their tests share is made once; one takes all that needs the run."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.split("::")[0]
        return "run" if module.startswith(("tests/notebooks/test_committed", "tests/site/")) else module


@pytest.hookimpl(optionalhook=True)  # -p no:xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeModules:
    return WholeModules(config, log)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was left out is said, so that nobody takes it for passed."""
    if left_out := set(all_engines.ALL) - set(all_engines.chosen()):
        terminalreporter.write_line(f"BROWSERS leaves out: {', '.join(sorted(left_out))}")


@pytest.fixture(scope="session", autouse=True)
def progress_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test checks is no progress of the one who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RPNVIZ_DATA", str(tmp_path_factory.mktemp("progress")))
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        find_chromium()
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def engines(browser: Browser) -> Iterator[Callable[[str], Engine]]:
    """Each of the browsers by its name, started when it is first asked for; one process for all tests of a worker."""
    with contextlib.ExitStack() as stack:

        def start(name: str) -> Engine:
            if name == "chromium":
                return Chromium(browser)
            try:
                return stack.enter_context(all_engines.start(name))
            except RuntimeError as error:
                pytest.fail(str(error), pytrace=False)

        yield functools.cache(start)


@pytest.fixture(scope="module", params=all_engines.chosen())
def engine(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Engine:
    """Each of the browsers in turn: a test that asks for it runs in all three."""
    return engines(request.param)


@pytest.fixture
def new_page(engine: Engine) -> Iterator[Callable[[], Page]]:
    """Open an empty page in each of the browsers; what goes wrong in it fails the test."""
    opened: list[Page] = []

    def opener() -> Page:
        opened.append(engine.new_page())
        return opened[-1]

    yield opener
    troubles = [trouble for page in opened for trouble in page.troubles]
    for page in opened:
        page.close()
    assert troubles == []
