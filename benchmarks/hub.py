"""A real JupyterHub with the configuration of deploy/, and what each learner's processes hold in memory.

Changed for the benchmark, in a file that loads that one: the spawner, which starts each learner's server as a process
of the user who measures, in a home of her own; that needs no systemd and no root, and enforces no limit.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
PATIENCE = 600  # seconds that anything may take; only there so that what never comes ends
PASSWORD = secrets.token_hex(8)
CONFIG = """
load_subconfig({config!r})
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.args = ["--allow-root", "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.services += [{{"name": "benchmark", "api_token": {token!r}}}]
c.JupyterHub.load_roles += [
    {{"name": "benchmark", "services": ["benchmark"], "scopes": ["admin:users", "admin:servers", "access:servers"]}}
]
"""


@dataclass(frozen=True)
class Hub:
    """A running JupyterHub: where it listens, the token that may do all, its process."""

    url: str
    token: str
    process: psutil.Process

    def ask(self, path: str, method: str = "GET", content: Any = None) -> Any:
        """Return what a path below the hub's address answers, as JSON; None if it says nothing.

        Raises:
            OSError: if it refuses.
        """
        body = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextlib.contextmanager
def jupyterhub(folder: Path) -> Iterator[Hub]:
    """Start a JupyterHub whose files and homes lie in a folder."""
    ports = _free_ports(3)
    url, token = f"http://127.0.0.1:{ports[0]}", secrets.token_hex(16)
    config = folder / "jupyterhub_config.py"
    names = {"hub_port": ports[1], "api_port": ports[2], "url": url, "token": token, "proxy": _proxy()}
    config.write_text(CONFIG.format(config=str(DEPLOY / "jupyterhub_config.py"), homes=str(folder / "homes"), **names))
    with (folder / "hub.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=folder,
            env={**os.environ, "RPNVIZ_CLASS_PASSWORD": PASSWORD},
            stdout=log,
            stderr=log,
        )
    hub = Hub(url, token, psutil.Process(process.pid))
    try:
        _wait_for(hub, process, folder / "hub.log")
        yield hub
    finally:
        everyone = [*hub.process.children(recursive=True), hub.process]
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        for left in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.wait()


def _proxy() -> list[str]:
    """The command of JupyterHub's proxy.

    Raises:
        RuntimeError: if it, or JupyterHub, is not installed: with the commands that do so.
    """
    node, script = shutil.which("node"), DEPLOY / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    node = node or shutil.which("node", path=str(Path(sys.executable).parent))
    if importlib.util.find_spec("jupyterhub") is None or not script.exists() or node is None:
        raise RuntimeError(
            "this part needs JupyterHub and its proxy: `.venv/bin/python -m pip install -e '.[class]'` and "
            "`.venv/bin/npm ci --ignore-scripts --prefix deploy`"
        )
    return [node, str(script)]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait_for(hub: Hub, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < give_up:
        with contextlib.suppress(OSError):
            hub.ask("/hub/api/")
            return
        time.sleep(0.1)  # there is nothing to wait on but the port
    raise RuntimeError(f"JupyterHub did not start:\n{log.read_text()[-2000:]}")


KINDS = ("server", "kernels", "nurseries and workers", "other")


@dataclass
class Memory:
    """What processes hold, in bytes.

    Attributes:
        proportional: each page divided by the number of processes that share it (PSS).
        private: pages that no other process has (USS).
        kinds: proportional, by KINDS.
    """

    proportional: int
    private: int
    kinds: dict[str, int]


def memory_of_learners(names: list[str]) -> dict[str, Memory]:
    """Memory of each learner's processes now: those whose environment has her name, wherever they hang."""
    found = {name: Memory(0, 0, dict.fromkeys(KINDS, 0)) for name in names}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if memory := found.get(process.environ().get("JUPYTERHUB_USER", "")):
                _add(memory, process)
    return found


def memory_of_hub(hub: Hub) -> int:
    """Proportional memory of the hub, its proxy and its culler, in bytes."""
    memory = Memory(0, 0, dict.fromkeys(KINDS, 0))
    for process in (hub.process, *hub.process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            if "JUPYTERHUB_USER" not in process.environ():
                _add(memory, process)
    return memory.proportional


def _add(memory: Memory, process: psutil.Process) -> None:
    used, command = process.memory_full_info(), " ".join(process.cmdline())
    marks = {"jupyterhub.singleuser": "server", "jupyterhub-singleuser": "server", "ipykernel": "kernels"}
    marks["rpnviz.exercises.sandbox"] = "nurseries and workers"
    kind = next((kind for mark, kind in marks.items() if mark in command), "other")
    memory.proportional += used.pss
    memory.private += used.uss
    memory.kinds[kind] += used.pss
