"""Private folders: none outlives its processes, and nobody else's is touched."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.serving.private_folder import LOCK, inherited, private_folder, remove_left, require_short


def test_only_what_nobody_holds_is_removed(tmp_path: Path) -> None:
    """The folder of a dead supervisor goes; a living one's, one without a lock, a link and a strange file stay."""
    with private_folder("g-", tmp_path) as mine:
        assert mine.stat().st_mode & 0o777 == 0o700
        left, unlocked, elsewhere = (tmp_path / name for name in ("g-left", "g-unlocked", "elsewhere"))
        for folder in (left, unlocked, elsewhere):
            folder.mkdir()
            (folder / "file").touch()
        for folder in (left, elsewhere):
            (folder / LOCK).touch()
        (tmp_path / "g-link").symlink_to(elsewhere)
        (tmp_path / "g-file").touch()
        (unlocked / LOCK).symlink_to(elsewhere / LOCK)
        remove_left("g-", tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            ["elsewhere", "g-file", "g-link", "g-unlocked", mine.name]
        )
        assert (elsewhere / "file").exists()
    assert not mine.exists()


def test_the_lock_is_held_by_those_who_inherit_it(tmp_path: Path) -> None:
    """As long as a worker of a dead supervisor lives, the folder is not removed by another gateway."""
    with private_folder("g-", tmp_path) as mine:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        os.close(reading)
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
        lock = next(number for number in descriptors if _leads_to(number, mine / LOCK))
        os.close(lock)  # as if this process were gone
        remove_left("g-", tmp_path)
        assert mine.exists()
        os.close(writing)
        os.waitpid(child, 0)
        remove_left("g-", tmp_path)
        assert not mine.exists()
        os.open("/dev/null", os.O_RDONLY)  # takes the lock's number, which is closed in the end


def _leads_to(number: int, file: Path) -> bool:
    try:
        return Path(os.readlink(f"/proc/self/fd/{number}")) == file
    except OSError:
        return False


@pytest.mark.parametrize(("owner", "stays"), [(os.getppid(), True), (2**22 + 1, False)])
def test_the_last_ones_remove_it(tmp_path: Path, owner: int, stays: bool) -> None:
    """A process whose supervisor is gone removes the folder when it ends."""
    folder = tmp_path / "g-1"
    folder.mkdir()
    with inherited(folder, owner):
        pass
    assert folder.exists() == stays


def test_a_name_too_long_for_sockets_is_said() -> None:
    """A TMPDIR in whose folders no socket can have a name ends the start; workers could not be asked."""
    require_short(Path("/tmp/gateway-workers-12345678"))
    with pytest.raises(GatewayError, match="the folder /x+ has too long a name for sockets: set TMPDIR to a shorter"):
        require_short(Path("/" + "x" * 80, "gateway-workers-12345678"))


def test_old_temporary_files_are_cleaned_elsewhere(tmp_path: Path) -> None:
    """systemd-tmpfiles leaves out what is below a folder that it cannot lock: withdrawn keys must last."""
    with private_folder("g-", tmp_path) as mine:
        cleaning = os.open(mine, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(cleaning, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(cleaning)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """One line with a remedy, and the exit code of what another start may find better."""
    with pytest.raises(GatewayError, match="TMPDIR") as raised, private_folder("g-", tmp_path / "nowhere"):
        pass
    assert raised.value.exit_code == 69
