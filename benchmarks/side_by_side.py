"""What the page does against what Python does of the same, in turns: what else the machine does then meets both alike.

Processor is how long the page's process and Python's have computed, which on a busy machine says more than the clock.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Browser, Page, Route

from rpnviz.explorers.common import bundle
from tools.browser.lab import new_page

ADDRESS = "http://rpnviz.test/"
PAGE = '<!doctype html><meta charset="utf-8"><title>measured</title><script src="code.js"></script>'


@dataclass
class Compared:
    """Seconds of one thing in the page and in Python; and what the processor was busy of them."""

    name: str
    page: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    page_busy: list[float] = field(default_factory=list)
    python_busy: list[float] = field(default_factory=list)

    def take(self, browser: Browser, in_page: Callable[[], float], in_python: Callable[[], Any], keep: bool) -> None:
        """Do it once in the page, which tells its seconds, and once in Python; `keep`: it is not to warm up."""
        before = busiest(browser)["cpuTime"]
        seconds = in_page()
        busy = busiest(browser)["cpuTime"] - before
        started, began = time.perf_counter(), time.process_time()
        in_python()
        if keep:
            self.page.append(seconds)
            self.page_busy.append(busy)
            self.python.append(time.perf_counter() - started)
            self.python_busy.append(time.process_time() - began)


def served_page(browser: Browser, modules: tuple[str, ...], files: dict[str, bytes]) -> Page:
    """A page with some modules in it, that can load some files."""
    served = {"": PAGE.encode(), "code.js": bundle.bundle(*modules).encode(), **files}
    kinds = {"": "text/html", "code.js": "text/javascript"}

    def serve(route: Route) -> None:
        name = route.request.url.removeprefix(ADDRESS)
        route.fulfill(body=served[name], content_type=kinds.get(name, "application/octet-stream"))

    page = new_page(browser)
    page.route(f"{ADDRESS}*", serve)
    page.goto(ADDRESS)
    return page


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch use so many."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def busiest(browser: Browser) -> Any:
    """The renderer that has computed most: the page's process, and its worker's."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return max(
        (process for process in processes if process["type"] == "renderer"), key=lambda process: process["cpuTime"]
    )


def megabytes(browser: Browser) -> float | None:
    """What the page's process held at most, besides mapped files; None where there is no /proc."""
    process = busiest(browser)
    try:
        status = Path(f"/proc/{process['id']}/status").read_text()
    except OSError:
        return None
    kilobytes = {key: int(value) for key, value in re.findall(r"^(\w+):\s+(\d+) kB", status, re.MULTILINE)}
    return (kilobytes["VmHWM"] - kilobytes["RssFile"]) / 1024
