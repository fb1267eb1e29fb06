"""
The file of a Unix socket on which the gateway listens.

A gateway that was killed leaves its file behind, and the next one replaces it: if it is a socket of the same user and
nothing listens on it. What is listened on, and whatever else has that name, stays and ends the start. In the end the
file is removed, unless another gateway's is there by then.

Source: unix(7); connect(2): ECONNREFUSED where a socket file has no listener.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.wire.server.serve import BACKLOG

_LOCK_S = 2.0  # for another gateway that is about to bind in the same folder
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class BoundFile:
    """A file that this process has made; *identity* is its device, its inode, which can be used again, and its time."""

    path: Path
    identity: tuple[int, int, int]
    _owner: int = field(default_factory=os.getpid)

    def remove(self) -> None:
        """Remove it, if it still is the same; in a process that was forked later nothing happens."""
        with suppress(OSError):
            if os.getpid() == self._owner and _identity(self.path) == self.identity:
                self.path.unlink()


def bind_file(path: Path, mode: int) -> tuple[socket.socket, BoundFile]:
    """
    A listening socket at *path*, with the permissions *mode*.

    Raises:
        OSError: Something else has that name, or the folder cannot be used; ``filename`` is the address.
    """
    listening = socket.socket(socket.AF_UNIX)
    try:
        with _alone_in(path.parent):
            _make_room(path)
            _bind(listening, path, mode)
            listening.listen(BACKLOG)
            bound = BoundFile(path, _identity(path))
    except OSError as error:
        listening.close()
        raise OSError(error.errno, error.strerror or str(error), f"unix:{path}") from None
    listening.set_inheritable(True)
    return listening, bound


def _bind(listening: socket.socket, path: Path, mode: int) -> None:
    """
    Make the file, with *mode* from the first moment on.

    Not by its name, after it has been made: who may write to the folder could have put a link there meanwhile, and the
    permissions of another file would change. Source: unix(7): the file has all permissions, less the umask.
    """
    before = os.umask(0o777 & ~mode)
    try:
        listening.bind(os.fspath(path))
    finally:
        os.umask(before)


def _identity(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino, status.st_mtime_ns


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Between looking at a file and replacing it no other gateway may do the same."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock_within(lock, _LOCK_S)
        yield
    finally:
        os.close(lock)


def _lock_within(lock: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not _is_locked(lock):
        if time.monotonic() > until:
            raise OSError(errno.EAGAIN, "its folder is locked by another process")
        time.sleep(_LOOK_S)


def _is_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_room(path: Path) -> None:
    """Remove what a gateway has left at *path*. Raises OSError: something else is there."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise OSError(errno.EEXIST, "a file that is not a socket has that name")
    if status.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "another user's socket has that name")
    if _is_used(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    path.unlink()


def _is_used(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        return client.connect_ex(os.fspath(path)) != errno.ECONNREFUSED
