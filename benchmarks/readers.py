"""The site for a class, and for a thousand: one static server, no kernel.

What a reader asks for is what a Chromium with an empty cache asks for when she opens the front page, 00 and 04 and
reads each to its end. Then so many readers ask for the same from threads of one process, in that order, all at once,
each over one connection; the server is a Python of its own on the same machine, which compresses a text once.
"""

from __future__ import annotations

import functools
import http.client
import multiprocessing
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from benchmarks import site
from tools.browser.lab import new_page

PAGES = ("index.html", "00_nine_anchors.html", "04_iou_and_labels.html")
HEAD = """\
| readers at once | requests a reader | bytes a reader | a reader waits: median, s | 95 % | failures |
|---|---|---|---|---|---|"""


@dataclass
class Readers:
    """What was measured.

    Attributes:
        requests: of one reader.
        bytes: of their bodies, as sent.
        seconds: each reader's, for all of it.
        failures: answers that were none or not as long.
    """

    requests: int
    bytes: int
    seconds: list[float] = field(default_factory=list)
    failures: int = 0


class _Handler(site.Handler):
    """Keeps connections."""

    protocol_version = "HTTP/1.1"


class _Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


def _serve(folder: str, port: Any) -> None:
    server = _Server(("127.0.0.1", 0), functools.partial(_Handler, directory=folder))
    port.send(server.server_port)
    server.serve_forever()


def measure(browser: Browser, folder: Path, readers: int) -> Readers:
    """Let so many readers read a built site."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(str(folder), theirs), daemon=True)
    server.start()
    port: int = ours.recv()
    try:
        paths = _asked_for(browser, port)
        sizes = {path: len(_get(http.client.HTTPConnection("127.0.0.1", port), path)) for path in set(paths)}
        found = Readers(len(paths), sum(sizes[path] for path in paths))
        with ThreadPoolExecutor(readers) as pool:
            for seconds, failures in pool.map(lambda _: _read(port, paths, sizes), range(readers)):
                found.seconds.append(seconds)
                found.failures += failures
    finally:
        server.terminate()
        server.join()
    return found


def _asked_for(browser: Browser, port: int) -> list[str]:
    """The paths that a browser asks for, in their order."""
    page, paths = new_page(browser), list[str]()
    page.on("request", lambda request: paths.append(urlsplit(request.url).path))
    for name in PAGES:
        page.goto(f"http://127.0.0.1:{port}/{name}", wait_until="networkidle")
        site.read(page)
    page.context.close()
    return paths


def _read(port: int, paths: list[str], sizes: dict[str, int]) -> tuple[float, int]:
    """Ask for all of it; return the seconds, and how many answers were wrong."""
    begun, failures, connection = time.perf_counter(), 0, http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    for path in paths:
        try:
            failures += len(_get(connection, path)) != sizes[path]
        except (OSError, http.client.HTTPException):
            failures += 1
            connection.close()
    connection.close()
    return time.perf_counter() - begun, failures


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    return connection.getresponse().read()


def row(found: Readers) -> str:
    """A row of HEAD."""
    p95 = statistics.quantiles(found.seconds, n=20, method="inclusive")[-1]
    median = statistics.median(found.seconds)
    start = f"| {len(found.seconds):,} | {found.requests} | {found.bytes:,} |"
    return f"{start} {median:.1f} | {p95:.1f} | {found.failures} |"
