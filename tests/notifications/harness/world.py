"""
Replicas as real processes, and around each of them proxies that can be broken; F&O, Entra and the receiver are ours.

Every replica has proxies of its own to the store (PostgreSQL), to F&O and to the receiver, so that one can be cut off
while the other is not. Its wall clock is its own too: ``time.time`` plus what a file says.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.commands.notifications import configured as notification_commands
from gateway.emulators.d365 import Access, D365Emulator
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from tests.notifications import killing
from tests.notifications.harness.proxy import Address, Proxy
from tests.notifications.receiver import Receiver

SETTLE_S = 3.0
LEASE_S = 3.0


class AnyAudience(Access):
    """Each replica reaches F&O under another address, which is its tokens' audience."""

    def client(self, authorization: str, base_url: str, now: float) -> str | None:
        """A client with a bearer token."""
        return "a client" if authorization.startswith("Bearer ") else None


@dataclass(slots=True)
class World:
    """
    What is not killed.

    Attributes:
        folder: For the store, logs and configurations.
        postgres: URL of a database on a Unix socket; None is an embedded store in *folder*.
        changes: To the configuration of replicas, by block.
        second: Another F&O environment, by the name ``second``; nothing breaks the lines to it.
    """

    folder: Path
    d365: D365Emulator
    postgres: str | None = None
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    entra: EntraEmulator = field(default_factory=EntraEmulator)
    receiver: Receiver = field(default_factory=Receiver)
    second: D365Emulator = field(default_factory=lambda: D365Emulator(jobs=[], access=AnyAudience()))

    @contextmanager
    def served(self) -> Iterator[World]:
        """On loopback, in threads."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of clients that were killed
        with ExitStack() as stack:
            for part in (self.d365, self.second, self.entra, self.receiver):
                stack.enter_context(serve(part))
            yield self

    @property
    def store(self) -> str:
        """Its URL, without a proxy."""
        return self.postgres or f"sqlite:///{self.database}"

    @property
    def database(self) -> Path:
        """The file of an embedded store."""
        return self.folder / "store" / "notifications.db"


class Replica(killing.Replica):
    """
    One service process and the proxies around it.

    Attributes:
        store, d365, receiver: Its proxies; *store* is None on SQLite.
    """

    def __init__(self, world: World, number: int) -> None:
        self.number = number
        self.clock = world.folder / f"clock-{number}"
        self.clock.write_text("0")
        self.d365 = Proxy(_address(world.d365.base_url))
        self.receiver = Proxy(_address(world.receiver.base_url))
        self.store = Proxy(_socket_of(world.postgres)) if world.postgres else None
        config = world.folder / f"config-{number}.yaml"
        config.write_text(json.dumps(self._configuration(world)))
        super().__init__(config, world.folder / f"replica-{number}.log")

    def close(self) -> None:
        """End everything."""
        self.stop()
        for proxy in (self.d365, self.receiver, self.store):
            if proxy is not None:
                proxy.close()

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT later."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGCONT)

    def set_clock(self, by_s: float) -> None:
        """Set its wall clock, now and for its next lives."""
        self.clock.write_text(str(float(self.clock.read_text()) + by_s))

    def _start(self) -> BaseProcess:
        arguments = (str(self._config), self.port, str(self._log), str(self.clock))
        process = killing.FORKS.Process(target=_serve, args=arguments, daemon=True)
        process.start()
        return process

    def _configuration(self, world: World) -> dict[str, Any]:
        application = world.entra.directory.applications[0]
        d365 = {
            "instance-url": f"http://127.0.0.1:{self.d365.port}",
            "token-url": f"{world.entra.base_url}/{world.entra.tenants[0]}/oauth2/v2.0/token",
            "client-id": application.client_id,
            "client-secret": application.secrets[0],
            "settle": f"{SETTLE_S}s",
            "connect-timeout": "500ms",
            "read-timeout": "1500ms",
            "max-retry-after": "2s",
        }
        callbacks = {
            "hosts": ["127.0.0.1", "localhost"], "allow-http": True, "allow-private-networks": True,
            "read-timeout": "2s", "total-timeout": "3s",
        }  # fmt: skip
        notifications: dict[str, Any] = {
            "store": self._store_url(world),
            "encryption-key": "harness",
            "d365": d365 | world.changes.get("d365", {}),
            "environments": {"second": d365 | {"instance-url": world.second.base_url}},
            "polling": {"interval": "500ms", "max-interval": "1s"} | world.changes.get("polling", {}),
            "callbacks": callbacks,
            "default-caller": {"name": "all", "batch-jobs": "*", "environments": ["d365", "second"]},
            "hop": {"shared-secret": "hop"},
            "takeover-interval": f"{LEASE_S / 3}s",
        }
        return {"listen": "127.0.0.1:1", "notifications": notifications}

    def _store_url(self, world: World) -> str:
        if world.postgres is None or self.store is None:
            world.database.parent.mkdir(exist_ok=True)
            return world.store
        name = world.postgres.partition("/{")[0].rpartition("/")[2] if "{" in world.postgres else _name(world.postgres)
        return f"postgresql://postgres@127.0.0.1:{self.store.port}/{name}"


def _serve(config: str, port: int, log: str, clock: str) -> None:
    """The service as the command line runs it, by a wall clock that can be set."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    real = time.time
    # libfaketime refuses CLOCK_BOOTTIME, which our steady clock is; nothing else here asks for the time of day.
    time.time = lambda: real() + float(Path(clock).read_text() or 0)
    notification_commands.app(["serve", "-c", config, "--port", str(port)])


def _address(url: str) -> Address:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _socket_of(url: str) -> str:
    return f"{url.partition('host=')[2]}/.s.PGSQL.5432"


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


@contextmanager
def replicas_of(world: World, count: int) -> Iterator[list[Replica]]:
    """Replicas that listen."""
    found = [Replica(world, number) for number in range(count)]
    try:
        for replica in found:
            replica.wait()
        yield found
    finally:
        for replica in found:
            replica.close()
