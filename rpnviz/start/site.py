"""The web site of the series in a browser: built once on this computer, kept in the user's cache folder, served to it.

Served, and not opened as a file: a browser in a sandbox, such as Ubuntu's Firefox, may not read hidden folders; on
Windows another program may own .html; and from WSL the browser sees another disk.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import socketserver
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import platformdirs

import rpnviz
from rpnviz._files.data import data_folder, notebooks_folder
from rpnviz.start.packages import asked_for

ROOM = 300_000_000  # bytes that a build takes; a fifth of them stays
TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".webp": "image/webp"}


def site_folder() -> Path:
    """Return where the site of what is installed here is, or will be: ~/.cache/rpnviz/site/6c1f…, on Linux."""
    return platformdirs.user_cache_path("rpnviz") / "site" / _key()


def is_built(folder: Path) -> bool:
    """Whether a whole site is there: it comes into its place at once, when it is finished."""
    return (folder / "index.html").is_file()


def missing_packages() -> list[str]:
    """What builds the site and is not installed, or is too old, as pip takes it."""
    return [str(one) for one in asked_for("site") if not one.specifier.contains(_version(one.name), prereleases=True)]


def how_to_install(packages: list[str]) -> str:
    """The line for a terminal."""
    return " ".join(["python -m pip install", *(f'"{package}"' for package in packages)])


def build_site(folder: Path, say: Callable[[str], None]) -> None:
    """Build the site: every notebook is run. What an interrupted build has run, the next one does not run again.

    Args:
        folder: as `site_folder` names it. What else lies beside it, other versions' sites, is removed.
        say: what prints a line.

    Raises:
        OSError: if it cannot be written, or there is no room for it.
        RuntimeError: if packages are missing, which it names; if a notebook goes wrong.
    """
    packages = missing_packages()
    if packages:
        raise RuntimeError(f"The site needs packages that are not here yet: {how_to_install(packages)}")
    unfinished = folder.with_name(f"unfinished-{folder.name}")
    _refuse_without_room(unfinished)
    say("The site is made once: every notebook is run here, which takes some minutes.")
    from rpnviz.site.pages import build

    try:
        build(folder, unfinished, strict=False)
    except (OSError, RuntimeError):
        if not is_built(folder):  # by another `rpnviz site`, which has then removed what this one was working on
            raise
    for old in folder.parent.iterdir():
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def serve(folder: Path, say: Callable[[str], None]) -> None:
    """Serve a folder to the browsers of this computer, and open its index, until Ctrl-C."""
    with _Server(("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder))) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        say(f"The site is at {address} as long as this runs; Ctrl-C ends it. Its files are in {folder}")
        # a browser of the terminal returns when it is left
        threading.Thread(target=_open, args=(address, say), daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("Ended. The pages are kept: rpnviz site opens them again.")


def _refuse_without_room(folder: Path) -> None:
    """Before minutes of work; the folder is made if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"the site cannot be written into {folder.parent}: {error.strerror}") from error
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        took, left = (f"{size / 1e6:.0f} MB" for size in (ROOM, free))
        raise OSError(f"the site takes {took} while it is made, and {folder.parent} has {left} left")


def _open(address: str, say: Callable[[str], None]) -> None:
    if not webbrowser.open(address):
        say("No browser was found: open this address in one of your choice.")


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Without asking for the computer's own name, which can take long where there is no network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader has left a page before all of it was there."""


class _Handler(SimpleHTTPRequestHandler):
    def guess_type(self, path: Any) -> str:
        """By our own list first: Windows has one that other programs change."""
        return TYPES.get(Path(path).suffix) or super().guess_type(path)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal says where the site is."""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "0"


def _key() -> str:
    """Name what the site follows from: every file of the package, the notebooks, the data, the libraries."""
    libraries = [f"{one.name} {_version(one.name)}" for extra in ("", "site") for one in asked_for(extra)]
    parts = hashlib.sha256(" ".join([rpnviz.__version__, *libraries]).encode())
    package = Path(rpnviz.__file__).parent
    paths = {path for folder in (package, data_folder(), notebooks_folder()) for path in folder.rglob("*")}
    for path in sorted(path for path in paths if path.is_file() and path.suffix != ".pyc"):
        parts.update(f"{path.relative_to(package.parent)}\0".encode() + path.read_bytes())
    return parts.hexdigest()[:16]
