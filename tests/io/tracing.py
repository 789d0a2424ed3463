"""Follow the system calls with which a child process changes files, and kill it before one of them.

Linux only. HDF5 itself writes, so that nothing in Python sees its writes.
"""

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

_CHANGES = {
    "x86_64": {
        1: "write",
        18: "pwrite64",
        74: "fsync",
        77: "ftruncate",
        82: "rename",
        83: "mkdir",
        86: "link",
        87: "unlink",
        285: "fallocate",
    },
    "aarch64": {
        34: "mkdirat",
        35: "unlinkat",
        37: "linkat",
        38: "renameat",
        46: "ftruncate",
        47: "fallocate",
        64: "write",
        68: "pwrite64",
        82: "fsync",
        276: "renameat2",
    },
}.get(platform.machine(), {})

_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_MARK_STOPS, _END_WITH_ME = 0x01, 0x100000
_ENTRY = 1


@dataclass(frozen=True)
class Change:
    """A system call that changes a file.

    :param name: of the call.
    :param path: of the file, for calls on open files.
    :param start: where `pwrite64` writes.
    :param size: how much it writes.
    """

    name: str
    path: str = ""
    start: int = 0
    size: int = 0


def can_trace() -> bool:
    """Whether this works here: it may be forbidden in a container."""
    if not _CHANGES or platform.system() != "Linux":
        return False
    try:
        changes, status = follow(lambda: os.fsync(os.open(__file__, os.O_RDONLY)))
    except OSError:
        return False
    return [change.name for change in changes] == ["fsync"] and status == 0


def follow(work: Callable[[], None], *, kill_before: int | None = None) -> tuple[list[Change], int]:
    """Run something in a child process.

    :param kill_before: number of the change (from 1) that is not made any more.
    :returns: the changes that were begun, and the exit status as `os.waitpid` gives it.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _ptrace(_TRACEME, 0, None)
            os.kill(os.getpid(), signal.SIGSTOP)
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    _ptrace(_SETOPTIONS, child, _MARK_STOPS | _END_WITH_ME)
    changes: list[Change] = []
    pass_on = 0
    while True:
        _ptrace(_SYSCALL, child, pass_on)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return changes, status
        stop = os.WSTOPSIG(status)
        pass_on = 0 if stop == signal.SIGTRAP | 0x80 else stop
        if pass_on:
            continue
        change = _change(child)
        if change is not None:
            if len(changes) + 1 == kill_before:
                os.kill(child, signal.SIGKILL)
                return changes, os.waitpid(child, 0)[1]
            changes.append(change)


def _change(child: int) -> Change | None:
    buffer = ctypes.create_string_buffer(88)
    _ptrace(_GET_SYSCALL_INFO, child, buffer, ctypes.sizeof(buffer))
    if buffer.raw[0] != _ENTRY:
        return None
    number, first, _, third, fourth = struct.unpack_from("5Q", buffer, 24)
    name = _CHANGES.get(number)
    if name is None or (name == "write" and first <= 2):  # output
        return None
    if name not in ("write", "pwrite64", "ftruncate", "fallocate", "fsync"):
        return Change(name)
    path = os.readlink(f"/proc/{child}/fd/{first}")
    return Change(name, path, fourth, third) if name == "pwrite64" else Change(name, path)


@cache
def _system_call() -> Callable[..., int]:
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    call.restype = ctypes.c_long
    return call


def _ptrace(request: int, child: int, data: object, address: int = 0) -> None:
    given = ctypes.cast(data, ctypes.c_void_p) if isinstance(data, ctypes.Array) else data
    if _system_call()(request, child, address, given) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
