"""Settings for all tests, and the one browser that they share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from playwright.sync_api import Browser

from tools.lab import chromium, find_chromium

# A slow moment of a busy machine is no failure.
settings.register_profile("rpnviz", deadline=None)
settings.load_profile("rpnviz")


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
