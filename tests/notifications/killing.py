"""
The kill -9 harness: real service processes, killed at random moments while jobs come in and run.

    python -m tests.notifications.killing --jobs 1000 --kills 50 [--postgres URL] [--replicas 2] [--seed 1]

What it demands of every run: each accepted job's callback arrives at least once, no batch job is started twice, no
job is left unfinished. F&O, Entra and the receiver live in this process and are not killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import multiprocessing
import os
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx2 as httpx

from gateway.commands.notifications import configured as notification_commands
from gateway.emulators.d365 import D365Emulator, Job
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from tests.notifications.receiver import Receiver

CALLER = "33333333-3333-3333-3333-333333333333"

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["gateway.commands.notifications.configured", "gateway.notifications.api.serving", "uvicorn.lifespan.on"]
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: how many jobs, kills and replicas; *store* is a SQLAlchemy URL."""

    store: str
    jobs: int
    kills: int
    replicas: int = 1
    seed: int = 1
    patience_s: float = 120.0


@dataclass(slots=True)
class Result:
    """What came of a run; times in seconds."""

    accepted: int = 0
    kills: int = 0
    callbacks: int = 0
    repeated: int = 0
    missing: list[int] = field(default_factory=list)
    started_twice: list[int] = field(default_factory=list)
    never_started: list[int] = field(default_factory=list)
    doubts: int = 0
    taken_over: int = 0
    took_s: float = 0.0

    @property
    def flawless(self) -> bool:
        """Nothing lost, nothing started twice."""
        return not (self.missing or self.started_twice or self.never_started)


class World:
    """Everything that is not killed."""

    def __init__(self, plan: Plan) -> None:
        rng = random.Random(plan.seed)
        lives = [ends("Finished", rng.uniform(0, 1), rng.uniform(0, 3)) for _ in range(plan.jobs)]
        self.d365 = D365Emulator(jobs=[Job(n + 1, lives=(life,)) for n, life in enumerate(lives)])
        self.entra = EntraEmulator()
        self.receiver = Receiver(delay_s=0.1)
        # Some starts take effect and are never answered; all others are slow, so that kills hit in the middle of them.
        self.d365.drop(plan.jobs // 10, "start", after_effect=True)
        self.d365.delay(0.2, None, "start")
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)

    @contextmanager
    def served(self) -> Iterator[World]:
        """On loopback, in threads."""
        with ExitStack() as stack:
            for part in (self.d365, self.entra, self.receiver):
                stack.enter_context(serve(part))
            yield self

    def config(self, store: str) -> str:
        """The service's configuration (YAML is a superset of JSON)."""
        application = self.entra.directory.applications[0]
        token_url = f"{self.entra.base_url}/{self.entra.tenants[0]}/oauth2/v2.0/token"
        d365 = {
            "instance-url": self.d365.base_url,
            "token-url": token_url,
            "client-id": application.client_id,
            "client-secret": application.secrets[0],
            "settle": "1s",
            "connect-timeout": "1s",
            "read-timeout": "3s",
        }
        notifications = {
            "store": store,
            "encryption-key": "harness",
            "d365": d365,
            "polling": {"interval": "500ms", "max-interval": "1s"},
            "callbacks": {"hosts": ["127.0.0.1"], "allow-http": True, "allow-private-networks": True},
            "default-caller": {"name": "all", "batch-jobs": "*"},
            "hop": {"shared-secret": "hop"},
            "takeover-interval": "1s",
        }
        return json.dumps({"listen": "127.0.0.1:1", "notifications": notifications})


class Replica:
    """
    One service process, on a port of its own, started again after each death.

    It is forked from a process that has imported everything: a new life takes a fraction of a second.
    """

    def __init__(self, config: Path, log: Path) -> None:
        self.port = _free_port()
        self._config = config
        self._log = log
        self.process = self._start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """kill -9, restart immediately, and wait until the service works: only then is the next kill of any use."""
        self.stop()
        self.process = self._start()
        self.wait()

    def wait(self) -> None:
        """Until it listens."""
        for _ in range(1200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise TimeoutError(self._log.read_text()[-2000:])

    def stop(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.join()

    def _start(self) -> BaseProcess:
        process = FORKS.Process(target=_serve, args=(str(self._config), self.port, str(self._log)), daemon=True)
        process.start()
        return process


def _serve(config: str, port: int, log: str) -> None:
    """The service as the command line runs it."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    notification_commands.app(["serve", "-c", config, "--port", str(port)])


async def run(plan: Plan, directory: Path) -> Result:
    """One run, from nothing to the last callback or the end of patience."""
    result, began = Result(), time.monotonic()
    with World(plan).served() as world:
        config = directory / "config.yaml"
        config.write_text(world.config(plan.store))
        replicas = [Replica(config, directory / f"replica-{n}.log") for n in range(plan.replicas)]
        try:
            await asyncio.gather(*(asyncio.to_thread(replica.wait) for replica in replicas))
            await asyncio.gather(_post_all(plan, world, replicas, result), _kill_often(plan, replicas, result))
            await _settled(plan, world)
        finally:
            for replica in replicas:
                replica.stop()
        _count(plan, world, result)
    log = "".join(path.read_text() for path in directory.glob("*.log"))
    result.doubts, result.taken_over = log.count('"start_in_doubt"'), log.count('"replica_taken_over"')
    result.took_s = round(time.monotonic() - began, 1)
    return result


async def _post_all(plan: Plan, world: World, replicas: list[Replica], result: Result) -> None:
    """Post the jobs spread over the time that the kills take."""
    queue = iter(range(1, plan.jobs + 1))

    async def client() -> None:
        async with httpx.AsyncClient(timeout=5, headers={"gateway-secret": "hop", "caller-objectid": CALLER}) as http:
            for batch_id in queue:
                await _post(http, world, replicas, batch_id)
                result.accepted += 1
                # Jobs must not all be over before the last kill.
                while result.kills < plan.kills and batch_id > (result.kills + 1) * plan.jobs / plan.kills:
                    await asyncio.sleep(0.05)

    await asyncio.gather(*(client() for _ in range(8)))


async def _post(http: httpx.AsyncClient, world: World, replicas: list[Replica], batch_id: int) -> None:
    """Repeat the request until it is answered with 202, as a client with an idempotency key does."""
    body = {"batchId": batch_id, "callbackUrl": world.receiver.url(f"/{batch_id}")}
    while True:
        replica = random.choice(replicas)
        try:
            response = await http.post(f"{replica.url}/jobs", json=body, headers={"idempotency-key": f"k{batch_id}"})
        except httpx.HTTPError:
            await asyncio.sleep(0.1)
            continue
        if response.status_code == 202:
            return
        if response.status_code < 500:
            raise AssertionError(response.text)
        await asyncio.sleep(0.1)


_KILL_PAUSE_S = (0.05, 2.5)


async def _kill_often(plan: Plan, replicas: list[Replica], result: Result) -> None:
    rng = random.Random(plan.seed)
    for _ in range(plan.kills):
        await asyncio.sleep(rng.uniform(*_KILL_PAUSE_S))
        await asyncio.to_thread(rng.choice(replicas).kill)
        result.kills += 1


async def _settled(plan: Plan, world: World) -> None:
    until = time.monotonic() + plan.patience_s
    while time.monotonic() < until:
        if len({item.path for item in world.receiver.received()}) == plan.jobs:
            await asyncio.sleep(1.0)  # time for what would be one callback or start too many
            return
        await asyncio.sleep(0.25)


def _count(plan: Plan, world: World, result: Result) -> None:
    told = Counter(item.path for item in world.receiver.received())
    result.callbacks = sum(told.values())
    result.repeated = sum(1 for count in told.values() if count > 1)
    result.missing = [n for n in range(1, plan.jobs + 1) if f"/{n}" not in told]
    result.started_twice = [n for n in range(1, plan.jobs + 1) if world.d365.starts(n) > 1]
    result.never_started = [n for n in range(1, plan.jobs + 1) if world.d365.starts(n) == 0]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """The long run, from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(2)))
    parser.add_argument("--postgres")
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="killing-"))
    store = given.postgres or f"sqlite:///{directory}/notifications.db"
    result = asyncio.run(run(Plan(store, given.jobs, given.kills, given.replicas, given.seed), directory))
    print(json.dumps({"seed": given.seed, "directory": str(directory), "flawless": result.flawless}), result)
    sys.exit(0 if result.flawless else 1)


if __name__ == "__main__":
    main()
