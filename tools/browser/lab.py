"""A real JupyterLab in a real Chromium: what the browser tests and the benchmarks drive.

`jupyterlab(folder)` starts a server of its own (free port, fresh token, empty settings, no network), `chromium()` a
browser that resolves no host but this one, and `open_notebook` a notebook in it. `Notebook.troubles` then collects
whatever went wrong: console errors, page errors, requests to other hosts, error and stderr messages of the kernel.
"""

from __future__ import annotations

import ast
import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from rpnviz.site.running import offline_environment

SCREEN = (1366, 768)  # a small laptop
PATIENCE = 300_000  # ms that anything may take; only there so that what never comes ends
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
_SETTINGS = {"apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}'}
_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")


def find_chromium() -> str:
    """Return the path of a Chromium or Chrome.

    Raises:
        RuntimeError: if there is none, with one line that says how to get one.
    """
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found or not shutil.which(found):
        raise RuntimeError(
            f"no browser found{f' at CHROMIUM={named}' if named else ''}: install one (`apt-get install chromium`, "
            "`brew install --cask chromium`, or Google Chrome) or set CHROMIUM to its path"
        )
    return found


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium that reaches nothing but this machine."""
    executable = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab server: where it listens, its token, the folder it serves."""

    url: str
    token: str
    root: Path
    pages: str = "doc/tree"  # below it a notebook has a page of its own; in Notebook 7 "notebooks"


@contextlib.contextmanager
def jupyterlab(root: Path, start: Sequence[str | Path] = (), **more: str) -> Iterator[Lab]:
    """Start a JupyterLab that serves `root`, with settings of its own and kernels without a network.

    Args:
        root: the folder.
        start: the command that starts it there, if not the JupyterLab that is installed here.
        more: what else its environment holds.
    """
    lab = Lab(free_address(), secrets.token_hex(16), root)
    start = start or (sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}")
    with serving([*start, *_arguments(lab)], f"{lab.url}/api?token={lab.token}", **more):
        yield lab


def free_address() -> str:
    """Return the address of a port of this machine at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@contextlib.contextmanager
def serving(command: Sequence[str | Path], answers: str, **more: str) -> Iterator[None]:
    """Run a server for as long as it is needed, with settings of its own and kernels without a network.

    Args:
        command: what starts it.
        answers: an address of it; whatever it answers there, it can be used from then on.
        more: what else its environment holds.

    Raises:
        RuntimeError: if it does not start, with the end of what it said.
    """
    home = Path(tempfile.mkdtemp(prefix="rpnviz-lab-"))
    environment = offline_environment(home) | {name: str(home / name) for name in _FOLDERS} | more
    for name, text in _SETTINGS.items():
        path = home / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen([*map(str, command)], env=environment, stdout=log, stderr=log)
    try:
        _wait_for(server, answers, home / "server.log")
        yield
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(home, ignore_errors=True)


def _arguments(lab: Lab) -> list[str]:
    return [
        *("--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={urlsplit(lab.url).port}", "--ServerApp.port_retries=0"),
        f"--IdentityProvider.token={lab.token}",
        *("--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None", "--LabApp.extension_manager=readonly"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]


def _wait_for(server: subprocess.Popen[bytes], answers: str, log: Path) -> None:
    give_up = time.monotonic() + PATIENCE / 1000
    while server.poll() is None and time.monotonic() < give_up:
        try:
            urllib.request.urlopen(answers, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return  # it has no such page, so it is there
        except OSError:
            time.sleep(0.1)  # there is nothing to wait on but the port
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")


@dataclass
class Notebook:
    """A notebook opened in JupyterLab, and what went wrong in it so far."""

    page: Page
    troubles: list[str] = field(default_factory=list)

    def run_all(self) -> None:
        """Run all cells and wait for the last one."""
        self._answer("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        self.collect()

    def run_above(self, index: int) -> None:
        """Run all cells above one and wait for the last of them."""
        self._answer(_RUN_ABOVE, index)
        self.collect()

    def run(self, code: str) -> None:
        """Append a cell and run it; its output is on the screen when this returns."""
        self._answer(_APPEND_AND_RUN, code)
        self.collect()

    def execute(self, code: str) -> None:
        """Execute code in the kernel without a cell; what it raises is among the troubles."""
        self.ask("None", code)

    def ask(self, expression: str, code: str = "") -> Any:
        """Return what a Python expression (a literal: numbers, strings, lists, …) gives in the notebook's kernel."""
        reply = self._answer(_ASK, [code, expression])
        if reply["status"] != "ok":
            raise RuntimeError(f"{expression}: {reply['ename']}: {reply['evalue']}")
        return ast.literal_eval(reply["data"]["text/plain"])

    def wait_for(self, expression: str, value: Any) -> None:
        """Ask the kernel until a Python expression gives `value`: what a view sends may arrive after the question."""
        give_up = time.monotonic() + PATIENCE / 1000
        while (found := self.ask(expression)) != value:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{expression} is {found!r}, not {value!r}")

    def _answer(self, script: str, argument: Any = None) -> Any:
        """What a promise of JupyterLab's gives; one that is never kept must not hold up everything for ever."""
        return self.page.evaluate(f"{_IN_TIME}(({script})(argument)); }}", argument)

    def collect(self) -> list[str]:
        """Add what the kernel said and what the outputs show to the troubles; return them all, each once."""
        for line in self.page.evaluate(_COMPLAINTS):
            self.note(line)
        return self.troubles

    def note(self, line: str) -> None:
        """Remember something that went wrong."""
        if line not in self.troubles:
            self.troubles.append(line)

    def change_theme(self, theme: str) -> None:
        """Show JupyterLab in its "light" or its "dark" theme."""
        self._answer(_CHANGE_THEME, f"JupyterLab {theme.title()}")
        self.page.wait_for_function(_THEMED, arg=theme)

    def close(self) -> None:
        """Stop the kernel and close the page."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.page.context.close()


def new_page(browser: Browser) -> Page:
    """Open an empty page of a small laptop's size, in a profile of its own."""
    width, height = SCREEN
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.set_default_timeout(PATIENCE)
    return page


def open_notebook(page: Page, lab: Lab, name: str) -> Notebook:
    """Open a notebook of the served folder in the light theme and wait for its kernel; nothing is run yet.

    Args:
        page (Page): from `new_page()`.
        lab (Lab): from `jupyterlab()`.
        name (str): path of the notebook below the served folder.
    """
    notebook = Notebook(page)
    listen(page, notebook)
    page.goto(f"{lab.url}/{lab.pages}/{name}?token={lab.token}&reset")
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel")
    page.evaluate(_READY)
    notebook.change_theme("light")
    return notebook


def listen(page: Page, notebook: Notebook) -> None:
    """Note console errors, page errors and requests to other hosts from now on."""

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            notebook.note(f"console: {message.text[:300]} ({message.location.get('url', '')[:120]})")

    def request(sent: Request) -> None:
        parts = urlsplit(sent.url)
        if parts.scheme not in ("data", "blob", "file", "chrome") and parts.hostname != "127.0.0.1":
            notebook.note(f"request to another host: {sent.url[:120]}")

    page.on("console", console)
    page.on("request", request)
    page.on("pageerror", lambda error: notebook.note(f"page error: {str(error)[:300]}"))


# The kernel's messages are watched from the start: a callback that raises shows up in no cell's output. JupyterLab asks
# a new kernel for its widgets before ipywidgets is imported there; the kernel's "No such comm" is the answer to that.
_IN_TIME = f"""argument => {{
  const late = new Promise((_, no) => setTimeout(() => no(new Error("JupyterLab does not answer")), {PATIENCE}));
  return ((promise) => Promise.race([promise, late]))"""
_READY = """async () => {
  await jupyterapp.restored;
  const { sessionContext } = jupyterapp.shell.currentWidget;
  await sessionContext.ready;
  const { kernel } = sessionContext.session;
  await kernel.info;
  window.rpnvizComplaints = [];
  kernel.iopubMessage.connect((_, { header, content }) => {
    if (header.msg_type === "error") rpnvizComplaints.push(`kernel: ${content.ename}: ${content.evalue}`);
    if (header.msg_type !== "stream" || content.name !== "stderr" || content.text.startsWith("No such comm")) return;
    rpnvizComplaints.push(`stderr: ${content.text}`);
  });
}"""
_CHANGE_THEME = 'theme => jupyterapp.commands.execute("apputils:change-theme", { theme })'
_THEMED = "theme => document.body.dataset.jpThemeLight === String(theme === 'light')"
_COMPLAINTS = """() => {
  const shown = document.querySelectorAll('[data-mime-type$="jupyter.error"], [data-mime-type$="jupyter.stderr"]');
  return [...window.rpnvizComplaints, ...[...shown].map(e => `output: ${e.innerText.slice(-300)}`)];
}"""
_ASK = """async ([code, expression]) => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  const request = { code, user_expressions: { answer: expression }, store_history: false };
  const { content } = await kernel.requestExecute(request).done;
  return content.status === "ok" ? content.user_expressions.answer : content;
}"""
_RUN_ABOVE = """async index => {
  const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = index;
  content.deselectAll();
  await jupyterapp.commands.execute("notebook:run-all-above");
}"""
_APPEND_AND_RUN = """async source => {
  const { content } = jupyterapp.shell.currentWidget;
  content.model.sharedModel.addCell({ cell_type: "code", source });
  content.activeCellIndex = content.widgets.length - 1;
  content.deselectAll();
  await jupyterapp.commands.execute("notebook:run-cell");
}"""
