"""What a confined process may try, and what came of it; run by itself, it tries all of it on this system.

An act is refused by Landlock from a version on, or by the filter of system calls, or by both: see `ACTS`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import resource
import socket
import stat
import sys
import tempfile
import termios
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import NamedTuple

from rpnviz.exercises.sandbox import confine
from rpnviz.exercises.sandbox.confine import Confinement

REFUSED = {"EACCES", "EPERM", "ENETUNREACH", "EXDEV"}
NEVER = 1000  # no version of Landlock refuses it


class Place(NamedTuple):
    """Where acts are tried: a folder with a file and an empty folder, the process's own, and who is to be reached."""

    outside: Path
    own: Path
    other: int
    abstract: str

    @property
    def file(self) -> Path:
        return self.outside / "file"


class Act(NamedTuple):
    """Something to try; from which version on Landlock refuses it, and whether the filter does."""

    do: Callable[[Place], object]
    landlock: int = NEVER
    filtered: bool = False
    until: int = NEVER + 1  # the version from which on it need not be refused
    anyone: bool = True  # may do it, where nothing is refused


def _special(kind: int) -> Callable[[Place], object]:
    return lambda at: os.mknod(at.outside / "special", kind | 0o600, 0)


def _connect(family: int, address: object) -> None:
    with socket.socket(family) as one:
        one.connect(address)  # type: ignore[arg-type]


def _bind(at: Place) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))


def _socket_pair(at: Place) -> None:
    for one in socket.socketpair():
        one.close()


def _control_device(at: Place) -> None:
    with open("/dev/zero", "rb") as device:
        fcntl.ioctl(device, termios.TCGETS, bytes(64))


def _chmod_by_descriptor(at: Place) -> None:
    with at.file.open() as file:
        os.chmod(file.fileno(), 0o600)


def _chmod_by_folder(at: Place) -> None:
    folder = os.open(at.outside, os.O_RDONLY)
    os.chmod("file", 0o600, dir_fd=folder)


def _through_a_link(at: Place) -> None:
    with contextlib.suppress(FileExistsError):
        (at.own / "symbolic").symlink_to(at.file)
    (at.own / "symbolic").write_text("mine")


def _move_between_own_folders(at: Place) -> None:
    for name in ("one", "two"):
        (at.own / name).mkdir(exist_ok=True)
    (at.own / "one" / "file").write_text("x")
    (at.own / "one" / "file").rename(at.own / "two" / "file")


def _use_own_folder(at: Place) -> None:
    (at.own / "folder").mkdir()
    (at.own / "folder" / "file").write_text("x")
    (at.own / "folder" / "file").unlink()
    (at.own / "folder").rmdir()


def _same_limit(pid: int) -> None:
    limit = resource.RLIMIT_NOFILE
    resource.prlimit(pid, limit, resource.prlimit(0, limit))


ACTS = {
    "write": Act(lambda at: at.file.open("r+").close(), 1),
    "write through a symbolic link": Act(_through_a_link, 1),
    "write through /proc": Act(lambda at: Path(f"/proc/self/root{at.file}").write_text("x"), 1),
    "write of /proc": Act(lambda at: Path("/proc/self/comm").write_text("x"), 1),
    "truncate": Act(lambda at: os.truncate(at.file, 1), 3),
    "make file": Act(_special(stat.S_IFREG), 1),
    "make folder": Act(lambda at: (at.outside / "new folder").mkdir(), 1),
    "make symbolic link": Act(lambda at: (at.outside / "symbolic").symlink_to("file"), 1),
    "make pipe": Act(_special(stat.S_IFIFO), 1),
    "make socket": Act(_special(stat.S_IFSOCK), 1),
    "make character device": Act(_special(stat.S_IFCHR), 1, anyone=False),
    "make block device": Act(_special(stat.S_IFBLK), 1, anyone=False),
    "make device in its own folder": Act(lambda at: os.mknod(at.own / "d", stat.S_IFCHR, 0), 1, anyone=False),
    "take a file": Act(lambda at: os.link(at.file, at.own / "link"), 1),
    "remove file": Act(lambda at: (at.outside / "second").unlink(), 1),
    "remove folder": Act(lambda at: (at.outside / "folder").rmdir(), 1),
    "control device": Act(_control_device, 5),
    "read memory of another": Act(lambda at: Path(f"/proc/{at.other}/mem").open().close(), 1, anyone=False),
    "chmod": Act(lambda at: at.file.chmod(0o600), filtered=True),
    "chmod by descriptor": Act(_chmod_by_descriptor, filtered=True),
    "chmod by folder": Act(_chmod_by_folder, filtered=True),
    "chown": Act(lambda at: os.chown(at.file, os.getuid(), -1), filtered=True),
    "chown of a link": Act(lambda at: os.lchown(at.file, os.getuid(), -1), filtered=True),
    "utime": Act(lambda at: os.utime(at.file), filtered=True),
    "attribute": Act(lambda at: os.setxattr(at.file, "user.x", b"x"), filtered=True),
    "no attribute": Act(lambda at: os.removexattr(at.file, "user.y"), filtered=True),
    "TCP bind": Act(_bind, 4, filtered=True),
    "TCP connect": Act(lambda at: _connect(socket.AF_INET, ("127.0.0.1", 1)), 4, filtered=True),
    "UDP": Act(lambda at: socket.socket(type=socket.SOCK_DGRAM).close(), filtered=True),
    "local socket": Act(lambda at: socket.socket(socket.AF_UNIX).close(), filtered=True),
    "abstract socket": Act(lambda at: _connect(socket.AF_UNIX, at.abstract), 6, filtered=True),
    "signal": Act(lambda at: os.kill(at.other, 0), 6),
    "limit for another": Act(lambda at: _same_limit(at.other), filtered=True),
    "limit for itself": Act(lambda at: _same_limit(0)),
    "signal to itself": Act(lambda at: os.kill(os.getpid(), 0)),
    "socket pair": Act(_socket_pair),
    "read": Act(lambda at: at.file.read_bytes()),
    "write nowhere": Act(lambda at: Path(os.devnull).write_text("x")),
    "use its own folder": Act(_use_own_folder),
    "move between its own folders": Act(_move_between_own_folders, 1, until=2),
}


def prepare(folder: Path, other: int, abstract: str = "") -> Place:
    """Make what is to be tried on; the acts of one process spoil it for another."""
    own, outside = Path(tempfile.mkdtemp(dir=folder)), Path(tempfile.mkdtemp(dir=folder))
    (outside / "folder").mkdir()
    for name in ("file", "second"):
        (outside / name).write_text("not yours")
    return Place(outside, own, other, abstract)


def attempt(at: Place) -> dict[str, str]:
    """Try everything: "done", or the name of the error."""
    return {name: _attempt(act, at) for name, act in ACTS.items()}


def _attempt(act: Act, at: Place) -> str:
    try:
        act.do(at)
    except OSError as error:
        return errno.errorcode[error.errno] if error.errno else repr(error)
    finally:
        with contextlib.suppress(OSError):
            (at.outside / "special").unlink()
    return "done"


def wrong(outcomes: dict[str, str], held: Confinement) -> dict[str, str]:
    """Find the outcomes that are not as a confinement says."""
    return {name: outcome for name, outcome in outcomes.items() if not _as_held(ACTS[name], outcome in REFUSED, held)}


def _as_held(act: Act, refused: bool, held: Confinement) -> bool:
    by_landlock = act.landlock <= held.landlock < act.until
    return refused if by_landlock or (act.filtered and held.filtered) else not refused or not act.anyone


class System(NamedTuple):
    """A system that lacks something that this one may have: the newest Landlock, the filter."""

    landlock: int
    filtered: bool

    def imitate(self) -> None:
        """Let this process take it for its own."""
        if not self.filtered:
            confine.CALLS.clear()
        known = confine.ruleset
        confine.ruleset = lambda version: known(version) if version <= self.landlock else _unknown()


def _unknown() -> bytes:
    raise OSError(errno.EINVAL, "this kernel does not know it")


SYSTEMS = [System(newest, filtered) for filtered in (True, False) for newest in (NEVER, *range(7))]


def main(folder: Path) -> None:
    """Print what came of all acts on this system, and on it without a part of it: a process for each."""
    with socket.socket(socket.AF_UNIX) as here:
        abstract = f"\0rpnviz-{os.getpid()}"
        here.bind(abstract)
        here.listen(len(SYSTEMS))
        for system in SYSTEMS:
            at = prepare(folder, os.getpid(), abstract)
            if os.fork() == 0:
                system.imitate()
                held = confine.confine(str(at.own))
                os.write(1, (json.dumps([*system, *astuple(held), attempt(at)]) + "\n").encode())
                os._exit(0)
            os.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
