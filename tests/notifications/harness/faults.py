"""The faults, by name. Each one breaks something, waits, and mends it again; it returns what it did, for the record."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.emulators.faults import Fault
from tests.notifications.harness.world import LEASE_S, Replica, World

Break = Callable[[World, Replica, random.Random], None]

_LOG_IN = {"location": "/log-in"}
_SHORT_S = (0.3, 1.5)
_LONG_S = (LEASE_S + 1, LEASE_S + 4)


def _for_a_while(rng: random.Random) -> float:
    return rng.uniform(*rng.choice((_SHORT_S, _LONG_S)))


def _kill(_world: World, replica: Replica, _rng: random.Random) -> None:
    replica.kill()


def _freeze(_world: World, replica: Replica, rng: random.Random) -> None:
    replica.freeze(_for_a_while(rng))


def _cut_store(world: World, replica: Replica, rng: random.Random) -> None:
    if replica.store is None:
        _lock_file(world, _for_a_while(rng))
        return
    with replica.store.broken(rng.choice(("stall", "cut"))):
        time.sleep(_for_a_while(rng))


def _slow_store(world: World, replica: Replica, rng: random.Random) -> None:
    if replica.store is None:
        _lock_file(world, rng.uniform(*_SHORT_S))
        return
    with replica.store.broken("delay"):
        time.sleep(_for_a_while(rng))


def _lock_file(world: World, seconds: float) -> None:
    """Another program holds the file's lock."""
    with contextlib.closing(sqlite3.connect(world.database, timeout=5, isolation_level=None)) as connection:
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("BEGIN EXCLUSIVE")
        time.sleep(seconds)


def _cut_d365(_world: World, replica: Replica, rng: random.Random) -> None:
    with replica.d365.broken(rng.choice(("stall", "cut", "delay"))):
        time.sleep(_for_a_while(rng))


def _cut_receiver(_world: World, replica: Replica, rng: random.Random) -> None:
    with replica.receiver.broken(rng.choice(("stall", "cut", "delay"))):
        time.sleep(_for_a_while(rng))


def _act_and_fail(world: World, _replica: Replica, rng: random.Random) -> None:
    count = rng.randint(2, 8)
    world.d365.drop(count, "start", after_effect=True)
    world.d365.faults.add(Fault("start", count, 503, after_effect=True))


def _answer_with_pages(world: World, _replica: Replica, rng: random.Random) -> None:
    """A redirect or a page instead of an answer: of calls that took effect, and of calls that did not."""
    for acted in (True, False):
        world.d365.faults.add(Fault("start", rng.randint(1, 3), rng.choice((302, 303)), _LOG_IN, after_effect=acted))
        world.d365.faults.add(Fault("start", rng.randint(1, 3), 200, body="<html>log in</html>", after_effect=acted))


def _fail_starts(world: World, _replica: Replica, rng: random.Random) -> None:
    world.d365.fail(rng.randint(2, 8), rng.choice((500, 502, 503)), "start")
    world.d365.throttle(rng.randint(1, 3), 1)


def _act_late(world: World, _replica: Replica, rng: random.Random) -> None:
    """Silent for longer than we wait; the effect occurs after that, within ``settle``."""
    world.d365.delay(2.2, rng.randint(2, 8), "start")


def _show_nothing(world: World, _replica: Replica, rng: random.Random) -> None:
    """An empty answer, and a page that is not OData."""
    world.d365.faults.add(Fault("batch-jobs", rng.randint(1, 2), 200, body='{"value": []}'))
    world.d365.faults.add(Fault("batch-jobs", rng.randint(1, 4), 200, body="<html>log in</html>"))


def _fill_disk(world: World, _replica: Replica, rng: random.Random) -> None:
    """Only where the store has a file system of its own, see ``small_disk``; else the file is locked."""
    if not world.database.parent.is_mount():
        _lock_file(world, rng.uniform(*_SHORT_S)) if world.postgres is None else time.sleep(0.1)
        return
    filler = world.database.parent / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    time.sleep(rng.uniform(*_SHORT_S))
    filler.unlink()


def _set_clock(_world: World, replica: Replica, rng: random.Random) -> None:
    replica.set_clock(rng.choice((-3600.0, 3600.0, 90.0)))
    if rng.random() < 0.5:
        replica.kill()


FAULTS: dict[str, Break] = {
    "kill -9": _kill,
    "freeze": _freeze,
    "store cut off": _cut_store,
    "store slow": _slow_store,
    "F&O cut off": _cut_d365,
    "receiver cut off": _cut_receiver,
    "F&O acts and fails": _act_and_fail,
    "F&O answers with a page": _answer_with_pages,
    "F&O fails": _fail_starts,
    "F&O acts late": _act_late,
    "F&O shows nothing": _show_nothing,
    "disk full": _fill_disk,
    "clock set": _set_clock,
}


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of a few megabytes at *folder*, where we may mount one."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)
