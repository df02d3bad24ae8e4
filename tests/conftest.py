"""Settings for all tests, and the one browser that they share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers share the cores; before anything imports PyTorch

import pytest
from hypothesis import settings
from playwright.sync_api import Browser
from xdist.scheduler import LoadScopeScheduling

from tools.browser.lab import chromium, find_chromium

# A slow moment of a busy machine is no failure.
settings.register_profile("rpnviz", deadline=None)
settings.load_profile("rpnviz")


class WholeModules(LoadScopeScheduling):  # type: ignore[misc]
    """A worker takes whole modules, so that what their tests share is made once; one takes all that needs the run."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.split("::")[0]
        return "run" if module.startswith(("tests/notebooks/", "tests/site/")) else module


@pytest.hookimpl(optionalhook=True)  # -p no:xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeModules:
    return WholeModules(config, log)


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
