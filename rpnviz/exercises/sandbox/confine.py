"""Keep a worker from writing files, from the network and from other processes, where the system lets a user do so.

Linux has two means for it, and each is used where it is there. Landlock refuses to write files, TCP, and signals to
other processes. A filter of system calls (seccomp) refuses sockets of every kind, and what Landlock lets through: a
file's permissions, owner, times and attributes, and a limit for another process. Both hold for this thread and for
all that it starts, for ever; so a worker confines itself before it has a second thread. Reading stays free.

A network of its own (a namespace) would do for sockets, too, but many systems keep it from users, containers above all.

Source: the Linux kernel's userspace-api/landlock.rst and userspace-api/seccomp_filter.rst, and the headers
landlock.h, seccomp.h, bpf_common.h, audit.h and unistd.h of both machines.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import platform
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

NO_NEW_PRIVILEGES, SET_SECCOMP, BY_FILTER = 38, 22, 2  # of prctl
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on all machines
ASK_VERSION, PATH_BENEATH = 1, 1

# What Landlock can refuse: the bit, and the first version that knows it.
FILES = {
    "write": (1, 1),
    "remove folder": (4, 1),
    "remove file": (5, 1),
    "make character device": (6, 1),
    "make folder": (7, 1),
    "make file": (8, 1),
    "make socket": (9, 1),
    "make pipe": (10, 1),
    "make block device": (11, 1),
    "make symbolic link": (12, 1),
    "move to another folder": (13, 2),
    "truncate": (14, 3),
    "control device": (15, 5),
}
TCP = {"bind": (0, 4), "connect": (1, 4)}
OTHERS = {"abstract socket": (0, 6), "signal": (1, 6)}
DEVICES = ("make character device", "make block device", "control device")  # not even in the worker's own folder


class Calls(NamedTuple):
    """Numbers of a machine's system calls.

    Attributes:
        architecture: as a filter sees it.
        short: the architecture of its programs of 32 bits, whose calls have other numbers.
        network: that make sockets; io_uring_setup is one, since sockets are made there without a call.
        files: chmod, chown, utime and setxattr in all their forms.
        limits: prlimit64.
    """

    architecture: int
    short: int
    network: tuple[int, ...]
    files: tuple[int, ...]
    limits: int


_ON_BOTH = (452, 463, 466, 469)  # fchmodat2 setxattrat removexattrat file_setattr
CALLS = {
    "x86_64": Calls(
        *(0xC000003E, 0x40000003, (41, 425)),
        *((*range(90, 95), 132, *range(188, 191), *range(197, 200), 235, 260, 261, 268, 280), 302),
    ),
    "aarch64": Calls(0xC00000B7, 0x40000028, (198, 425), (*range(5, 8), *range(14, 17), *range(52, 56), 88), 261),
}


@dataclass(frozen=True)
class Confinement:
    """What holds in a worker.

    Attributes:
        landlock (int): the version of Landlock that is in force; 0 for none.
        filtered (bool): whether system calls are filtered.
    """

    landlock: int = 0
    filtered: bool = False

    def __str__(self) -> str:
        """In words."""
        means = [f"Landlock {self.landlock}"] * bool(self.landlock) + ["seccomp"] * self.filtered
        by = f"by {' and '.join(means)}" if means else "this system has neither Landlock nor seccomp"
        return f"{self._files}; {self._network}; {self._others} ({by})"

    @property
    def _files(self) -> str:
        if not self.landlock:
            return "files can be written"
        if self.landlock < FILES["truncate"][1]:
            return "files cannot be written, but emptied"
        return "files read-only" if self.filtered else "files read-only, but for their permissions and times"

    @property
    def _network(self) -> str:
        if self.filtered:
            return "no network"
        return "no TCP, other network" if self.landlock >= TCP["connect"][1] else "the network can be used"

    @property
    def _others(self) -> str:
        return (
            "no signals to other processes" if self.landlock >= OTHERS["signal"][1] else "signals reach other processes"
        )

    def refused(self, error: BaseException) -> str:
        """Say what an exception comes of, if of this: "write" or "network"; else ""."""
        errors = [one for one in _with_causes(error) if isinstance(one, OSError)]
        if self.filtered:
            network = any(isinstance(one, socket.gaierror) or one.errno == errno.ENETUNREACH for one in errors)
        else:  # Landlock's answer to TCP, which names no file
            network = self.landlock >= TCP["connect"][1] and any(
                one.errno == errno.EACCES and one.filename is None for one in errors
            )
        return "network" if network else "write" if self.landlock and any(map(_is_of_writing, errors)) else ""


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those that it comes of; libraries wrap what the system says."""
    for _ in range(20):  # they may go round in a circle
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _is_of_writing(error: OSError) -> bool:
    """Not where she may not read either: that would be refused to her everywhere."""
    if not isinstance(error, PermissionError) or not isinstance(error.filename, str):
        return False
    there = os.path.lexists(error.filename)
    return os.access(error.filename if there else os.path.dirname(os.path.abspath(error.filename)), os.R_OK)


def confine(folder: str) -> Confinement:
    """Confine this process for ever, as far as the system can; say what holds.

    Args:
        folder: the only one in which it may write.

    Returns:
        Confinement: what holds from now on. It says nothing of what holds in part, for one thread of several.
    """
    if sys.platform != "linux" or not _has_one_thread():
        return Confinement()
    landlock, filtered = 0, False
    with contextlib.suppress(OSError, AttributeError):  # a kernel or a C library without it
        _prctl(NO_NEW_PRIVILEGES, 1)
        with contextlib.suppress(OSError):
            landlock = _use_landlock(folder)
        if sys.maxsize > X32 and (calls := CALLS.get(platform.machine())):  # else its calls are another machine's
            _use_filter(filter_program(calls))
            filtered = _sockets_are_refused()
    return Confinement(landlock, filtered)


def _has_one_thread() -> bool:
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:  # no /proc
        return False


def _use_landlock(folder: str) -> int:
    """Refuse what this kernel's Landlock can; return its version, or that of which it does all.

    There are kernels that name a version and lack a part of it (Red Hat's 5.14: 6, without signals).
    """
    for version in range(_call(CREATE_RULESET, None, 0, ASK_VERSION), 0, -1):
        try:
            rules = _call(CREATE_RULESET, ruleset(version), 24, 0)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.E2BIG):
                raise
            continue
        try:
            _allow(rules, folder, bits(FILES, version, but=DEVICES))
            _allow(rules, os.devnull, bits({name: FILES[name] for name in ("write", "truncate")}, version))
            _call(RESTRICT_SELF, rules, 0)
        finally:
            os.close(rules)
        return version
    return 0


def ruleset(version: int) -> bytes:
    """Make what Landlock is to refuse, as its structure; an older kernel takes the longer one, if the rest is 0."""
    return struct.pack("=QQQ", *(bits(rights, version) for rights in (FILES, TCP, OTHERS)))


def bits(rights: dict[str, tuple[int, int]], version: int, but: tuple[str, ...] = ()) -> int:
    """Join the bits of rights that a version knows."""
    return sum(1 << bit for name, (bit, since) in rights.items() if since <= version and name not in but)


def _allow(rules: int, path: str, rights: int) -> None:
    """Allow rights on a file, or beneath a folder."""
    at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _call(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", rights, at), 0)
    finally:
        os.close(at)


LOAD, IF_EQUAL, IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENT_AT = 0, 4, 16  # the lower half of the first argument, on both machines
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
X32 = 0x40000000  # x86's calls with short addresses have numbers from here on


def filter_program(calls: Calls) -> bytes:
    """Make the filter: refuse the machine's calls by number, and all that have numbers of another kind.

    What another machine calls is let through: there an emulator runs us, and would end if its calls were refused.
    """
    unknown, allow = _step(RETURN, REFUSE | errno.ENOSYS), _step(RETURN, ALLOW)
    program = [
        _step(LOAD, ARCHITECTURE_AT) + _step(IF_EQUAL, calls.short, 0, 1) + unknown,
        _step(IF_EQUAL, calls.architecture, 1, 0) + allow,
        _step(LOAD, NUMBER_AT) + _step(IF_AT_LEAST, X32, 0, 1) + unknown,
    ]
    for numbers, error in ((calls.network, errno.ENETUNREACH), ((*calls.files, *_ON_BOTH), errno.EPERM)):
        program += [_step(IF_EQUAL, number, 0, 1) + _step(RETURN, REFUSE | error) for number in numbers]
    program.append(_step(IF_EQUAL, calls.limits, 1, 0) + allow)
    program.append(_step(LOAD, ARGUMENT_AT) + _step(IF_EQUAL, 0, 1, 0))  # 0 is the process itself
    return b"".join([*program, _step(RETURN, REFUSE | errno.EPERM), allow])


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)


def _use_filter(program: bytes) -> None:
    steps = ctypes.create_string_buffer(program, len(program))
    _prctl(SET_SECCOMP, BY_FILTER, struct.pack("HP", len(program) // 8, ctypes.addressof(steps)))


def _sockets_are_refused() -> bool:
    """Whether the filter does what it should; under an emulator it may be taken, and do nothing."""
    try:
        socket.socket().close()
    except OSError as error:
        return error.errno == errno.ENETUNREACH
    return False


def _call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call; raise OSError where it fails."""
    return _checked(_libc().syscall(ctypes.c_long(number), *map(_long, arguments)))


def _prctl(option: int, *arguments: int | bytes) -> int:
    given = [*arguments, 0, 0, 0, 0][:4]
    return _checked(_libc().prctl(ctypes.c_int(option), *map(_long, given)))


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _long(argument: int | bytes | None) -> ctypes.c_long | bytes | None:
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(number := ctypes.get_errno(), os.strerror(number))
    return result
