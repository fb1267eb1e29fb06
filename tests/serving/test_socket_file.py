"""The file of a Unix socket: who may connect, what of it is replaced, and what is removed."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.serving.socket_file import bind_file


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as closing:
        yield closing


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_permissions(tmp_path: Path, mode: int, mask: int) -> None:
    """They are the configured ones, whatever the umask."""
    before = os.umask(mask)
    try:
        listening, file = bind_file(tmp_path / "http.sock", mode)
    finally:
        os.umask(before)
    with listening:
        assert stat.S_IMODE(file.path.stat().st_mode) == mode


def test_what_a_killed_gateway_left_is_replaced(tmp_path: Path, stack: ExitStack) -> None:
    """A socket on which nothing listens any more; the one that listens then is removed in the end."""
    first, old = bind_file(tmp_path / "http.sock", 0o660)
    first.close()
    listening, file = bind_file(tmp_path / "http.sock", 0o660)
    stack.enter_context(listening)
    client = stack.enter_context(socket.socket(socket.AF_UNIX))
    client.connect(str(file.path))
    old.remove()
    assert file.path.exists(), "the file of another gateway has been removed"
    file.remove()
    assert not file.path.exists()
    file.remove()


def _listener(path: Path, stack: ExitStack) -> None:
    stack.enter_context(bind_file(path, 0o660)[0])


def _full(path: Path, stack: ExitStack) -> None:
    listening = stack.enter_context(socket.socket(socket.AF_UNIX))
    listening.bind(str(path))
    listening.listen(0)
    for _ in range(2):
        client = stack.enter_context(socket.socket(socket.AF_UNIX))
        client.setblocking(False)
        client.connect_ex(str(path))


def _file(path: Path, stack: ExitStack) -> None:
    path.write_text("not a socket")


def _folder(path: Path, stack: ExitStack) -> None:
    path.mkdir()


def _link(path: Path, stack: ExitStack) -> None:
    other = path.with_name("other.sock")
    bind_file(other, 0o660)[0].close()
    path.symlink_to(other)


def _foreign(path: Path, stack: ExitStack) -> None:
    bind_file(path, 0o660)[0].close()
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    os.chown(path, 12345, -1)


@pytest.mark.parametrize(
    ("occupy", "reason"),
    [
        (_listener, errno.EADDRINUSE),
        (_full, errno.EADDRINUSE),
        (_file, errno.EEXIST),
        (_folder, errno.EEXIST),
        (_link, errno.EEXIST),
        (_foreign, errno.EPERM),
    ],
)
def test_what_is_not_ours_stays(
    tmp_path: Path, stack: ExitStack, occupy: Callable[[Path, ExitStack], None], reason: int
) -> None:
    """What is listened on, another user's socket, and whatever is not a socket stay, and end the start."""
    path = tmp_path / "http.sock"
    occupy(path, stack)
    before = path.lstat()
    with pytest.raises(OSError, match="unix:") as refused:
        bind_file(path, 0o660)
    assert (refused.value.errno, refused.value.filename) == (reason, f"unix:{path}")
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)


def test_without_a_folder(tmp_path: Path) -> None:
    """A folder that does not exist is not made: its permissions decide who connects."""
    with pytest.raises(FileNotFoundError):
        bind_file(tmp_path / "none" / "http.sock", 0o660)


def test_a_forked_process_removes_nothing(tmp_path: Path) -> None:
    """The file belongs to the process that has made it: a worker that ends leaves it."""
    listening, file = bind_file(tmp_path / "http.sock", 0o660)
    with listening:
        if (child := os.fork()) == 0:
            file.remove()
            os._exit(0)
        os.waitpid(child, 0)
        assert file.path.exists()
