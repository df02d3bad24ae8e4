"""What a learner's function is kept from: as much as is said, on this system and on those that lack a part."""

from __future__ import annotations

import csv
import errno
import json
import os
import platform
import socket
import struct
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rpnviz.__main__ import main
from rpnviz.exercises import check, checking
from rpnviz.exercises.sandbox import confine
from rpnviz.exercises.sandbox.confine import CALLS, Confinement, filter_program, ruleset
from rpnviz.exercises.sandbox.process import Worker
from tests.exercises.conftest import typed
from tests.exercises.notebooks.test_submission import notebook
from tests.exercises.sandbox.test_process import both_ways, is_gone
from tests.exercises.solutions import SOLUTIONS

ROOT = Path(__file__).parents[3]
linux = pytest.mark.skipif(sys.platform != "linux", reason="nothing is confined elsewhere, see test_elsewhere")

# On this system


@linux
def test_what_is_said_holds_with_every_version_of_landlock_and_without_a_filter(tmp_path: Path) -> None:
    from tests.exercises.sandbox import acts

    command = [sys.executable, "-m", "tests.exercises.sandbox.acts", str(tmp_path)]
    lines = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    assert len(lines) == len(acts.SYSTEMS)
    here = Confinement(*json.loads(lines[0])[2:4])
    for newest, filtered, landlock, is_filtered, outcomes in map(json.loads, lines):
        held = Confinement(landlock, is_filtered)
        assert held == Confinement(min(newest, here.landlock), filtered and here.filtered)
        assert not acts.wrong(outcomes, held), str(held)


@linux
def test_what_this_system_has_is_used(worker: Worker) -> None:
    version = confine._libc().syscall(444, None, 0, 1)
    assert (worker.confinement.landlock > 0) == (version > 0) and worker.confinement.landlock <= max(version, 0)
    lets_all = (
        "from rpnviz.exercises.sandbox import confine as c; c._prctl(38, 1); c._use_filter(c._step(c.RETURN, c.ALLOW))"
    )
    can = subprocess.run([sys.executable, "-c", lets_all], cwd=ROOT, stderr=subprocess.DEVNULL).returncode == 0
    assert worker.confinement.filtered == (can and platform.machine() in CALLS)


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker(seconds=60)
    yield one
    one.stop()


TRIES = """
def tries(folder, other):
    from pathlib import Path
    from tests.exercises.sandbox.acts import Place, attempt
    return attempt(Place(Path(folder), Path.cwd(), other, ""))
"""


@linux
@both_ways
def test_worker_is_confined_and_can_be_killed(can_fork: None, worker: Worker, tmp_path: Path) -> None:
    from tests.exercises.sandbox import acts

    place = acts.prepare(tmp_path, os.getpid())
    worker.ask("define", "tries", None, TRIES, 2, seconds=60)
    (answer,) = worker.ask("call", [(str(place.outside), os.getpid())])
    del answer["value"]["abstract socket"]  # nobody listens
    assert not acts.wrong(answer["value"], worker.confinement), str(worker.confinement)
    pid = worker.pid
    assert pid is not None
    worker.stop()
    assert is_gone(pid)


def test_a_thread_of_the_worker_is_confined_too(worker: Worker, tmp_path: Path) -> None:
    """The one that receives requests shares all that the function can change."""
    source = f"""
def spoils(x):
    from rpnviz.exercises.sandbox import protocol
    def writes(stream, read=protocol.read):
        try:
            open({str(tmp_path / "new")!r}, "w")
        except OSError:
            open("refused", "w")
        return read(stream)
    protocol.read = writes
def refused(x):
    import os
    return os.path.exists("refused")
"""
    worker.ask("define", "spoils", None, source, 1, seconds=60)
    worker.ask("call", [(1,)])
    worker.ask("define", "refused", None, source, 1, seconds=60)
    (answer,) = worker.ask("call", [(1,)])
    assert answer["value"] == bool(worker.confinement.landlock) != (tmp_path / "new").exists()


def test_check_says_why_a_file_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    result = check(typed(f"open({str(file)!r}, 'w')\nreturn box_iou(boxes1, boxes2)"))
    if checking._worker.confinement.landlock:
        assert result.verdict == "error" and not file.exists()
        assert result.message == (
            f"It raises PermissionError: [Errno 13] Permission denied: '{file}'. "
            "In an exercise a function may read files, but not write them."
        )
        assert result.line == 2
    else:
        assert result.verdict == "pass" and file.exists()


def test_check_says_why_there_is_no_network() -> None:
    body = "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:1')"
    message = check(typed(body)).message
    assert message.startswith("It raises URLError")
    assert message.endswith("In an exercise a function has no network.") == checking._worker.confinement.filtered


HOSTILE = """
import os, pathlib, socket

def my_box_iou(boxes1, boxes2):
    tried = {{
        "table": lambda: pathlib.Path({table!r}).write_text("all pass"),
        "other": lambda: os.remove({other!r}),
        "swap": lambda: os.replace({own!r}, {other!r}),
        "link": lambda: (os.symlink({other!r}, "link"), open("link", "a")),
        "process": lambda: open("/proc/self/oom_score_adj", "r+"),
        "keeper": lambda: os.kill(os.getppid(), 9),
        "grader": lambda: os.kill({grader}, 0),
        "network": lambda: socket.socket(),
    }}
    done = []
    for name, act in tried.items():
        try:
            act()
            done.append(name)
        except OSError:
            pass
    raise ValueError(done)
"""


@linux
def test_a_submission_spoils_neither_the_table_nor_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, other, own = (str(tmp_path / name) for name in ("grades.csv", "b.ipynb", "a.ipynb"))
    source = HOSTILE.format(table=table, other=other, own=own, grader=os.getpid())
    notebook(Path(own), source)
    notebook(Path(other), SOLUTIONS["my_box_iou"])
    held = checking._worker.confinement
    assert main(["grade", own, other, "--out", table]) == 0
    with open(table, encoding="utf-8-sig", newline="") as file:
        hostile, good = csv.DictReader(file)
    done = [
        *["table", "other", "swap", "link", "process"] * (held.landlock == 0),
        *["keeper", "grader"] * (held.landlock < 6),
        *["network"] * (not held.filtered),
    ]
    assert hostile["message"].startswith(f"It raises ValueError: {done} In: ")
    assert held.landlock == 0 or good["verdict"] == "pass"


# On other systems


class Kernel:
    """A kernel as `confine` sees it: what it claims, what it knows, and what it refuses."""

    def __init__(self, claims: int = 7, knows: int = 7, lacks: tuple[int, ...] = (), error: int = errno.ENOSYS) -> None:
        self.claims, self.knows, self.lacks, self.error = claims, knows, lacks, error
        self.handled: tuple[int, ...] = ()
        self.allowed: list[int] = []
        self.used: list[int] = []

    def call(self, number: int, *arguments: Any) -> int:
        """Landlock's three calls."""
        if number in self.lacks:
            raise OSError(self.error, "lacks it")
        if number == 444 and arguments[0] is None:
            return self.claims
        if number == 444:
            self.handled = struct.unpack("=QQQ", arguments[0])
            known = struct.unpack("=QQQ", RULESETS[self.knows])
            if any(bits & ~there for bits, there in zip(self.handled, known, strict=True)):
                raise OSError(errno.EINVAL, "a bit that it does not know")
            return os.open(os.devnull, os.O_RDONLY)
        if number == 445:
            self.allowed.append(struct.unpack("=Qi", arguments[2])[0])
        self.used.append(number)
        return 0

    def prctl(self, option: int, *arguments: Any) -> int:
        """No new privileges, and the filter."""
        if option in self.lacks:
            raise OSError(self.error, "lacks it")
        self.used.append(option)
        return 0


# Files, TCP, others; by hand from landlock.h: write is bit 1, then 4 (remove folder) to 12 (make symbolic link), move
# is 13, truncate 14, control device 15.
RULESETS = {
    version: struct.pack("=QQQ", *bits)
    for version, bits in {
        1: (0x1FF2, 0, 0),
        2: (0x3FF2, 0, 0),
        3: (0x7FF2, 0, 0),
        4: (0x7FF2, 3, 0),
        5: (0xFFF2, 3, 0),
        6: (0xFFF2, 3, 3),
        7: (0xFFF2, 3, 3),
    }.items()
}


def test_each_version_gets_what_it_knows() -> None:
    assert {version: ruleset(version) for version in RULESETS} == RULESETS
    assert ruleset(9) == RULESETS[7]


@pytest.mark.parametrize(
    ("kernel", "held"),
    [
        (Kernel(), Confinement(7, True)),
        (Kernel(claims=1, knows=1), Confinement(1, True)),
        (Kernel(claims=12), Confinement(12, True)),
        (Kernel(claims=6, knows=5), Confinement(5, True)),  # Red Hat's 5.14
        (Kernel(lacks=(444,)), Confinement(0, True)),  # older than 5.13
        (Kernel(lacks=(444,), error=errno.EOPNOTSUPP), Confinement(0, True)),  # switched off
        (Kernel(lacks=(444,), error=errno.EPERM), Confinement(0, True)),  # a container that keeps it from users
        (Kernel(lacks=(445,), error=errno.EINVAL), Confinement(0, True)),
        (Kernel(lacks=(446,), error=errno.EPERM), Confinement(0, True)),
        (Kernel(lacks=(22,), error=errno.EINVAL), Confinement(7, False)),  # an emulator
        (Kernel(lacks=(38,), error=errno.EINVAL), Confinement(0, False)),
    ],
)
def test_a_kernel_that_lacks_something(kernel: Kernel, held: Confinement, imitate: Any, tmp_path: Path) -> None:
    imitate(kernel)
    assert confine.confine(str(tmp_path)) == held
    assert (446 in kernel.used) == bool(held.landlock)
    if held.landlock == 7:
        assert kernel.allowed == [0x7FF2 & ~(1 << 6 | 1 << 11), 1 << 1 | 1 << 14]  # its folder without devices; nowhere


@pytest.fixture
def imitate(monkeypatch: pytest.MonkeyPatch) -> Any:
    def take_for(kernel: Kernel, system: str = "linux", machine: str = "x86_64", alone: bool = True) -> None:
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(platform, "machine", lambda: machine)
        monkeypatch.setattr(confine, "_has_one_thread", lambda: alone)
        monkeypatch.setattr(confine, "_call", kernel.call)
        monkeypatch.setattr(confine, "_prctl", kernel.prctl)
        monkeypatch.setattr(confine, "_sockets_are_refused", lambda: 22 in kernel.used)

    return take_for


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere(system: str, imitate: Any, tmp_path: Path) -> None:
    imitate(kernel := Kernel(), system)
    assert confine.confine(str(tmp_path)) == Confinement() and not kernel.used


@linux
def test_nothing_is_claimed_for_one_thread_of_several(imitate: Any, tmp_path: Path) -> None:
    second = threading.Thread(target=(end := threading.Event()).wait)
    second.start()
    assert not confine._has_one_thread()
    end.set()
    second.join()
    imitate(kernel := Kernel(), alone=False)
    assert confine.confine(str(tmp_path)) == Confinement() and not kernel.used


def test_a_machine_whose_calls_are_not_known_has_landlock_alone(imitate: Any, tmp_path: Path) -> None:
    imitate(kernel := Kernel(), machine="riscv64")
    assert confine.confine(str(tmp_path)) == Confinement(7, False) and 22 not in kernel.used


def test_a_filter_without_effect_is_none(imitate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imitate(Kernel())
    monkeypatch.setattr(confine, "_sockets_are_refused", lambda: False)
    assert confine.confine(str(tmp_path)) == Confinement(7, False)


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (
            Confinement(7, True),
            "files read-only; no network; no signals to other processes (by Landlock 7 and seccomp)",
        ),
        (
            Confinement(5, True),
            "files read-only; no network; signals reach other processes (by Landlock 5 and seccomp)",
        ),
        (
            Confinement(4, False),
            "files read-only, but for their permissions and times; no TCP, other network; "
            "signals reach other processes (by Landlock 4)",
        ),
        (
            Confinement(2, True),
            "files cannot be written, but emptied; no network; signals reach other processes "
            "(by Landlock 2 and seccomp)",
        ),
        (Confinement(0, True), "files can be written; no network; signals reach other processes (by seccomp)"),
        (
            Confinement(),
            "files can be written; the network can be used; signals reach other processes "
            "(this system has neither Landlock nor seccomp)",
        ),
    ],
)
def test_it_is_put_into_words(held: Confinement, says: str) -> None:
    assert str(held) == says


# The filter, run as the kernel would


def run_filter(program: bytes, architecture: int, number: int, first: int = 0) -> int:
    """What a filter of the kind made here returns."""
    data = struct.pack("<IIQQ", number, architecture, 0, first)
    steps = list(struct.iter_unpack("=HBBI", program))
    at, loaded = 0, 0
    while True:
        code, if_so, if_not, value = steps[at]
        at += 1
        if code == 0x20:  # load
            (loaded,) = struct.unpack_from("<I", data, value)
        elif code in (0x15, 0x35):  # jump
            at += if_so if (loaded == value if code == 0x15 else loaded >= value) else if_not
        else:
            assert code == 0x06
            return int(value)


# By hand from the kernel's tables of calls.
NETWORK = {"socket": (41, 198), "io_uring_setup": (425, 425)}
FILES = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
MACHINES = {"x86_64": (0, 0xC000003E, 0x40000003), "aarch64": (1, 0xC00000B7, 0x40000028)}
ALLOW = 0x7FFF0000


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_refuses_these_calls_and_no_others(machine: str) -> None:
    column, own, short = MACHINES[machine]
    program = filter_program(CALLS[machine])
    network = {calls[column] for calls in NETWORK.values()}
    files = {calls[column] for calls in FILES.values()} - {None}
    limits = (302, 261)[column]
    for number in range(600):
        expected = errno.ENETUNREACH if number in network else errno.EPERM if number in files else 0
        assert run_filter(program, own, number) == (0x50000 | expected if expected else ALLOW), number
        assert run_filter(program, short, number) == 0x50000 | errno.ENOSYS
        assert run_filter(program, 0xC0000015, number) == ALLOW  # an emulator's machine
    assert run_filter(program, own, 0x40000000 + 41) == 0x50000 | errno.ENOSYS  # x32's socket
    assert run_filter(program, own, limits, first=7) == 0x50000 | errno.EPERM
    assert run_filter(program, own, limits) == ALLOW


# What an exception comes of

ALL, NO_FILTER, NONE = Confinement(7, True), Confinement(7, False), Confinement()


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


circle = ValueError()
circle.__cause__ = circle


@pytest.mark.parametrize(
    ("error", "held", "of"),
    [
        (PermissionError(errno.EACCES, "", "/no such folder/file"), ALL, ""),  # nor can it be read
        (PermissionError(errno.EACCES, "", __file__), ALL, "write"),
        (PermissionError(errno.EACCES, "", f"{__file__}.new"), ALL, "write"),
        (PermissionError(errno.EPERM, "", __file__), NO_FILTER, "write"),
        (PermissionError(errno.EACCES, "", __file__), NONE, ""),
        (PermissionError(errno.EACCES, "", __file__), Confinement(0, True), ""),
        (caused(ValueError(), PermissionError(errno.EACCES, "", __file__)), ALL, "write"),
        (PermissionError("of her own"), ALL, ""),
        (FileNotFoundError(errno.ENOENT, "", __file__), ALL, ""),
        (OSError(errno.ENETUNREACH, ""), ALL, "network"),
        (socket.gaierror(-3, ""), ALL, "network"),
        (caused(urllib.error.URLError("x"), socket.gaierror(-3, "")), ALL, "network"),
        (PermissionError(errno.EACCES, ""), NO_FILTER, "network"),
        (PermissionError(errno.EACCES, ""), Confinement(3, False), ""),
        (PermissionError(errno.EPERM, ""), NO_FILTER, ""),  # a signal
        (OSError(errno.ENETUNREACH, ""), NONE, ""),
        (ValueError(), ALL, ""),
        (circle, ALL, ""),
    ],
)
def test_it_is_known_what_an_exception_comes_of(error: BaseException, held: Confinement, of: str) -> None:
    assert held.refused(error) == of
