"""
A private folder that does not outlive its processes.

A supervisor that is killed cannot remove its folder. Its workers do when they end, and if everything is killed at once,
the next gateway does: a folder belongs to somebody as long as a process holds the lock in it. The folder itself is
locked as well, so that the machine's cleaning of temporary files leaves it alone, however old its files become.

Source: flock(2): a lock is held until every process that has inherited it has ended; tmpfiles.d(5): locked folders.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.errors import GatewayError
from gateway.serving.exit_codes import ExitCode

LOCK = "owner"
LONGEST = 70  # bytes of a folder's name: that of a socket, which is below it, has 107. Source: unix(7)
MOST_LEFT = 1_000  # folders looked at


@contextmanager
def private_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """
    A new folder for this user alone, removed in the end; those that are left of dead processes are removed now.

    Args:
        prefix: With which its name, and that of no other kind of folder, begins.

    Raises:
        GatewayError: No folder can be made: the place is read-only, full, or does not exist.
    """
    try:
        place = Path(tempfile.gettempdir()) if parent is None else parent
        remove_left(prefix, place)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        locks = _locked(folder)
    except OSError as error:
        raise _unusable(error) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for lock in locks:
            os.close(lock)


def _unusable(error: OSError) -> GatewayError:
    """A disk that is full, or not mounted yet, may be better at the next start."""
    unusable = GatewayError(f"no private folder for temporary files: {error} (let TMPDIR name one with room)")
    unusable.exit_code = ExitCode.UNAVAILABLE
    return unusable


def _locked(folder: Path) -> tuple[int, int]:
    """Hold *folder* and the lock in it, which has its name only once it is held."""
    itself = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    lock = os.open(folder / f"{LOCK}.part", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    for held in (itself, lock):
        fcntl.flock(held, fcntl.LOCK_EX)
    os.rename(folder / f"{LOCK}.part", folder / LOCK)
    return itself, lock


@contextmanager
def inherited(folder: Path, owner: int) -> Iterator[None]:
    """In a process of *owner*: at the end *folder* is removed if its owner cannot do that any more."""
    try:
        yield
    finally:
        if os.getppid() != owner:
            shutil.rmtree(folder, ignore_errors=True)


def remove_left(prefix: str, place: Path) -> None:
    """Remove the folders of this user in *place* that no process holds any more."""
    for number, folder in enumerate(place.glob(f"{prefix}*")):
        if number == MOST_LEFT:
            break
        with suppress(OSError):
            _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    status = folder.lstat()
    if status.st_uid != os.geteuid() or not folder.is_dir() or folder.is_symlink():
        return
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises an OSError while somebody holds it
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def require_short(folder: Path) -> None:
    """Raises GatewayError: the name of a socket in a folder below *folder* would be too long."""
    if len(os.fsencode(folder)) > LONGEST:
        place = folder.parent
        raise GatewayError(f"the folder {place} has too long a name for sockets: set TMPDIR to a shorter one")


def unix_socket(path: str) -> socket.socket:
    """A bound Unix-domain socket that only this user can reach."""
    bound = socket.socket(socket.AF_UNIX)
    with suppress(FileNotFoundError):
        os.unlink(path)
    bound.bind(path)
    os.chmod(path, 0o600)
    return bound
