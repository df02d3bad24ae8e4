"""A class on this machine: a JupyterHub, and learners who all do the same at the same time.

Each logs in, opens 00 and runs it, moves its first view, opens 04 and runs it, moves, and checks a function. Then a
third trains in 07 for SECONDS while the others go on moving and checking. Most are protocol clients: they say to hub
and kernel what JupyterLab says, and draw nothing. Every tenth, and the first in any case, is a JupyterLab in a headless
Chromium of her own on the same machine; what the browsers hold is not counted.

A learner moves four times a second. A notebook that was left stays open, with its kernel. Memory is read between the
steps, while all of them wait.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from playwright.sync_api import ViewportSize

from benchmarks.hub import KINDS, PASSWORD, PATIENCE, Hub, Memory, jupyterhub, memory_of_hub, memory_of_learners
from benchmarks.kernel_client import WIDGET_VIEW, KernelClient
from benchmarks.series import measure_root
from tools.browser.lab import SCREEN, Lab, Notebook, chromium, new_page, open_notebook
from tools.notebooks.exercises import SOLUTIONS
from tools.notebooks.run import NOTEBOOKS

SECONDS = 60  # of training
MOVES = 40
SIZE: ViewportSize = {"width": SCREEN[0], "height": SCREEN[1]}
PAUSE = 0.25  # seconds between two moves
EXERCISE = "my_box_iou"
STEPS = {"training-02", "training-04", "training-24", "training-30"}  # the cells of 07 that a training needs
# What is timed, in the order of the table: what it is, and the unit.
TIMES = {
    "login": ("logs in → her server answers", "s"),
    "view": ("opens 00 → its first view is there", "s"),
    "00": ("opens 00 → all its cells have run", "s"),
    "04": ("opens 04 → all its cells have run", "s"),
    "key": ("a key → the frame that shows it, in the browsers", "ms"),
    "move": ("a move → the kernel has heard it", "ms"),
    "check": ("check of an exercise", "s"),
    "move, others train": ("a move, while a third trains", "ms"),
    "check, others train": ("check, while a third trains", "s"),
    "steps": ("training, each of that third: steps a second", "1/s"),
}


@dataclass
class Class:
    """What was measured of a class.

    Attributes:
        learners: how many.
        browsers: how many of them were browsers.
        times: by the names of TIMES, in their units.
        memory: after each step, of each learner.
        hub: proportional memory of hub, proxy and culler at the end, in bytes.
        failures: one line each.
    """

    learners: int
    browsers: int
    times: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in TIMES})
    memory: dict[str, dict[str, Memory]] = field(default_factory=dict)
    hub: int = 0
    failures: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Time a block."""
        begun, scale = time.perf_counter(), {"s": 1, "ms": 1000}[TIMES[name][1]]
        yield
        self.times[name].append((time.perf_counter() - begun) * scale)


class Learner:
    """A protocol client."""

    def __init__(self, hub: Hub, name: str, found: Class) -> None:
        """She has not come yet."""
        self.hub, self.name, self.found = hub, name, found
        self.kernels: dict[str, KernelClient] = {}
        self.hands = ThreadPoolExecutor(1)  # all that she does: Playwright wants one and the same thread

    def come(self) -> None:
        """Log in, and wait for her server."""
        self.hub.ask(f"/hub/api/users/{self.name}", "POST")
        with self.found.timing("login"):
            self.hub.ask(f"/hub/api/users/{self.name}/server", "POST")
            while not self.hub.ask(f"/hub/api/users/{self.name}")["servers"].get("", {}).get("ready"):
                time.sleep(0.1)
            self.hub.ask(f"/user/{self.name}/api/status")

    def open(self, number: str) -> None:
        """Open a notebook and run all its cells."""
        path, begun = notebook(number), time.perf_counter()
        with self.found.timing(number):
            kernel = self.kernels[number] = KernelClient(self.hub, self.name, f"rpnviz/{path.name}")
            seen = False
            for code in cells(path).values():
                for message in kernel.execute(code):
                    if not seen and number == "00" and WIDGET_VIEW in message.content.get("data", {}):
                        seen = True
                        self.found.times["view"].append(time.perf_counter() - begun)

    def move(self, number: str, name: str = "move") -> None:
        """Move the first view of a notebook."""
        kernel = self.kernels[number]
        model = kernel.ask("explorer.model_id").strip("'")
        for i in range(MOVES):
            with self.found.timing(name):
                kernel.move(model, **({"row": i % 30, "col": i} if number == "00" else {"selected": i}))
            time.sleep(PAUSE)

    def check(self, name: str = "check") -> None:
        """Write an exercise and check it."""
        kernel = self.kernels["04"]
        kernel.run(solution())
        with self.found.timing(name):
            kernel.run(f"result = check({EXERCISE})")
        if (verdict := kernel.ask("result.verdict")) != "'pass'":
            raise RuntimeError(f"the check says {verdict}")

    def train(self) -> None:
        """Train in 07."""
        path = notebook("07")
        kernel = self.kernels["07"] = KernelClient(self.hub, self.name, f"rpnviz/{path.name}")
        for name, code in cells(path).items():
            if name in STEPS:
                kernel.run(code)
        kernel.run("live.running = True")
        time.sleep(SECONDS)
        steps = int(kernel.ask("live.step"))
        kernel.run("live.running = False; live.wait()")
        self.found.times["steps"].append(steps / SECONDS)

    def leave(self) -> None:
        """Close her pages."""
        for kernel in self.kernels.values():
            kernel.close()


class InBrowser(Learner):
    """A learner with JupyterLab in a Chromium of her own."""

    def __init__(self, hub: Hub, name: str, found: Class) -> None:
        """She has not come yet."""
        super().__init__(hub, name, found)
        self.notebooks: dict[str, Notebook] = {}
        self._closing = contextlib.ExitStack()

    def come(self) -> None:
        """Log in with the class's password, and wait for her server."""
        self.browser = self._closing.enter_context(chromium())
        page = new_page(self.browser)
        page.goto(f"{self.hub.url}/hub/login")
        page.fill("#username_input", self.name)
        page.fill("#password_input", PASSWORD)
        with self.found.timing("login"):
            page.click("#login_submit")
            page.wait_for_url(f"**/user/{self.name}/lab/**", wait_until="commit")
        self._logged_in = page.context.storage_state()
        page.context.close()

    def open(self, number: str) -> None:
        """Open a notebook and run all its cells."""
        page = self.browser.new_context(viewport=SIZE, storage_state=self._logged_in).new_page()
        page.set_default_timeout(1000 * PATIENCE)
        lab, begun = Lab(f"{self.hub.url}/user/{self.name}", "", Path()), time.perf_counter()
        with self.found.timing(number):
            opened = self.notebooks[number] = open_notebook(page, lab, f"rpnviz/{notebook(number).name}")
            page.evaluate("() => { window.ran = jupyterapp.commands.execute('notebook:run-all-cells'); }")
            if number == "00":
                page.locator(".rpnviz-body").first.wait_for()
                self.found.times["view"].append(time.perf_counter() - begun)
            page.evaluate("() => window.ran")
        if troubles := opened.collect():
            raise RuntimeError("; ".join(troubles))

    def move(self, number: str, name: str = "move") -> None:
        """Press keys on the first view of a notebook, and go back to where it was."""
        opened = self.notebooks[number]
        opened.page.bring_to_front()
        root = next(root for root in opened.page.query_selector_all(".rpnviz") if root.bounding_box())
        ms = measure_root(opened, number, root).ms
        for _ in ms:
            opened.page.keyboard.press("ArrowLeft")
        self.found.times["key"] += [one for one in ms if one is not None]
        if None in ms:
            raise RuntimeError(f"{ms.count(None)} keys of {len(ms)} were not shown")

    def check(self, name: str = "check") -> None:
        """Write an exercise and check it."""
        opened = self.notebooks["04"]
        opened.page.bring_to_front()
        opened.execute(solution())
        with self.found.timing(name):
            opened.execute(f"result = check({EXERCISE})")
        if (verdict := opened.ask("result.verdict")) != "pass":
            raise RuntimeError(f"the check says {verdict}")

    def leave(self) -> None:
        """Close her browser."""
        self._closing.close()


def measure(learners: int) -> Class:
    """Let a class of so many come and learn."""
    found = Class(learners, browsers=max(1, learners // 10))
    with tempfile.TemporaryDirectory(prefix="rpnviz-") as folder, jupyterhub(Path(folder)) as hub:
        kinds = [InBrowser] * found.browsers + [Learner] * (learners - found.browsers)
        everyone = [kind(hub, f"learner{i}", found) for i, kind in enumerate(kinds)]
        _together(everyone, lambda learner: learner.come(), "servers alone", found)
        _together(everyone, lambda learner: learner.open("00"), "00 has run", found)
        _together(everyone, lambda learner: learner.move("00"), "", found)
        _together(everyone, lambda learner: learner.open("04"), "04 has run too", found)
        _together(everyone, lambda learner: learner.move("04"), "", found)
        _together(everyone, lambda learner: learner.check(), "after a check", found)
        _together(everyone, _train_or_go_on(everyone[-max(1, learners // 3) :]), "after a third trained in 07", found)
        found.hub = memory_of_hub(hub)
        _together(everyone, lambda learner: learner.leave(), "", found)
    return found


def _train_or_go_on(trainers: Sequence[Learner]) -> Callable[[Learner], None]:
    """What a learner does in the last step: the trainers train, the others move and check until all have trained."""
    left, lock = set(trainers), threading.Lock()

    def step(learner: Learner) -> None:
        if learner in trainers:
            try:
                learner.train()
            finally:
                with lock:
                    left.discard(learner)
        while left and learner not in trainers:
            learner.move("00", "move, others train")
            learner.check("check, others train")

    return step


def _together(everyone: Sequence[Learner], step: Callable[[Learner], None], words: str, found: Class) -> None:
    """Let all of them do a step at the same time; what goes wrong is a failure of hers. Then read the memory."""

    def one(learner: Learner) -> None:
        try:
            step(learner)
        except Exception as error:
            found.failures.append(f"{learner.name}, {words}: {type(error).__name__}: {str(error)[:300]}")

    for doing in [learner.hands.submit(one, learner) for learner in everyone]:
        doing.result()
    if words:
        found.memory[words] = memory_of_learners([learner.name for learner in everyone])


def table(found: Class) -> str:
    """Two tables: times, then memory; and what failed."""
    browsers = f"{found.browsers} of them in {'a browser' if found.browsers == 1 else 'browsers'}"
    lines = [f"| {found.learners} learners, {browsers} | times | median | 95 % | most |", "|---|---|---|---|---|"]
    for name, (words, unit) in TIMES.items():
        if values := sorted(found.times[name]):
            p95 = statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
            figures = " | ".join(f"{one:,.1f}" for one in (statistics.median(values), p95, values[-1]))
            lines.append(f"| {words}, {unit} | {len(values)} | {figures} |")
    lines += ["", f"| memory, MB | a learner: median | most | private | {' | '.join(KINDS)} | all |"]
    lines += ["|---|---|---|---|" + "---|" * (len(KINDS) + 1)]
    lines += [f"| {words} | {_memory_row([*memory.values()])} |" for words, memory in found.memory.items()]
    lines += ["", f"Hub, proxy and culler: {found.hub / 1e6:,.0f} MB. Failures: {len(found.failures)}."]
    return "\n".join([*lines, *found.failures])


def _memory_row(learners: list[Memory]) -> str:
    held = [one.proportional for one in learners]
    figures = [statistics.median(held), max(held), statistics.median(one.private for one in learners)]
    figures += [statistics.median(one.kinds[kind] for one in learners) for kind in KINDS]
    return " | ".join(f"{figure / 1e6:,.0f}" for figure in [*figures, sum(held)])


def notebook(number: str) -> Path:
    """The lesson of a number."""
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    return path


def cells(path: Path) -> dict[str, str]:
    """The code cells of a notebook: id -> source."""
    found = nbformat.read(path, as_version=4).cells
    return {cell.id: cell.source for cell in found if cell.cell_type == "code"}


def solution() -> str:
    """The solved exercise."""
    return cells(SOLUTIONS / "04_solutions.ipynb")[EXERCISE]
