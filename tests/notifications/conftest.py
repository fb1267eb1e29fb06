"""
The world around the notification service: Entra, F&O, a receiver of callbacks, a running service, a PostgreSQL server.

All of it is real (sockets, SQL, processes); only F&O and Entra are the project's own emulators.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2 as httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from gateway.notifications.api.app import build_app
from gateway.notifications.engine import Engine
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import (
    CallbackSettings,
    D365Settings,
    NamedCaller,
    NotificationSettings,
    PollingSettings,
)
from gateway.notifications.store.database import open_engine
from gateway.notifications.store.store import Store
from gateway.wire.addresses import resolve
from tests.notifications.receiver import Receiver
from tests.postgres_server import postgres_cluster, postgres_database

T = TypeVar("T")

SECRET = "whsec_" + "c2VjcmV0IGZvciB0ZXN0cywgMjQgYnl0ZXM="
ALICE = "11111111-1111-1111-1111-111111111111"
BOB = "22222222-2222-2222-2222-222222222222"


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own."""
    return asyncio.run(work)


async def eventually(met: Callable[[], bool], patience_s: float = 20.0) -> None:
    """Wait until *met*: a loaded machine may need longer than any fixed time."""
    async with asyncio.timeout(patience_s):
        while not met():
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def entra() -> Iterator[EntraEmulator]:
    """The token endpoint that F&O's tokens come from."""
    emulator = EntraEmulator()
    with serve(emulator):
        yield emulator


@pytest.fixture(scope="session")
def d365() -> Iterator[D365Emulator]:
    """An F&O environment in which everything happens a hundred times faster."""
    emulator = D365Emulator(jobs=[], speed=100)
    with serve(emulator):
        yield emulator


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """The receiver of the callbacks."""
    found = Receiver()
    with serve(found):
        yield found


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> Iterator[None]:
    """Scripted failures of one test do not reach the next."""
    yield
    for name in ("d365", "entra"):
        if name in request.fixturenames:
            request.getfixturevalue(name).faults.clear()
    if "receiver" in request.fixturenames:
        request.getfixturevalue("receiver").clear()


def d365_settings(entra: EntraEmulator, d365: D365Emulator, **changes: Any) -> D365Settings:
    """How the service reaches the emulators."""
    application = entra.directory.applications[0]
    values: dict[str, Any] = {
        "instance_url": d365.base_url,
        "token_url": f"{entra.base_url}/{entra.tenants[0]}/oauth2/v2.0/token",
        "client_id": application.client_id,
        "client_secret": application.secrets[0],
        "settle_s": 0.3,
    }
    return D365Settings(**(values | changes))


def fast_settings(store_url: str, d365: D365Settings, **changes: Any) -> NotificationSettings:
    """Settings with short intervals, two known callers and loopback callbacks."""
    settings = NotificationSettings(
        store=SecretStr(store_url),
        d365=d365,
        encryption_key=(SecretStr("k"),),
        polling=PollingSettings(interval_s=0.1, max_interval_s=0.3, tick_s=0.05),
        callbacks=CallbackSettings(
            hosts=("127.0.0.1", "localhost", "*.test"),
            allow_http=True,
            allow_private_networks=True,
            signing_secret=(SecretStr(SECRET),),
        ),
        callers=(
            NamedCaller(object_id=ALICE, name="alice", batch_jobs=None),
            NamedCaller(
                object_id=BOB, name="bob", batch_jobs=frozenset({7}), callback_hosts=("127.0.0.1",), max_active=1
            ),
        ),
    )
    return settings.model_copy(update=changes)


async def resolve_here(host: str, port: int) -> list[str]:
    """Literals and localhost; no test asks a name server."""
    if host == "localhost" or ":" in host or host.replace(".", "").isdigit():
        return await resolve(host, port)
    raise OSError("not resolved in tests")


class Running:
    """A running service and a way to call it as somebody."""

    def __init__(self, settings: NotificationSettings, engine: Engine | None = None) -> None:
        self.settings = settings
        self.engine = engine or Engine(settings, Metrics())
        self.app: Starlette = build_app(settings, self.engine, resolve_here)

    def call(self, method: str, path: str, caller: str | None = ALICE, **more: Any) -> httpx.Response:
        """One request in the gateway's process."""
        return run(self._call(method, path, caller, **more))

    def create(self, url: str, batch_id: int, caller: str = ALICE, **more: Any) -> httpx.Response:
        """Ask for a batch job, the way a person would."""
        body = {"batchId": batch_id, "callbackUrl": url, **more}
        return self.call("POST", "/jobs", caller, json=body)

    def until(self, job_id: str, *states: str, caller: str = ALICE, patience_s: float = 20.0) -> dict[str, Any]:
        """Wait for a job to reach one of *states*."""
        return run(self._until(job_id, states, caller, patience_s))

    async def _call(self, method: str, path: str, caller: str | None, **more: Any) -> httpx.Response:
        async with self._client(caller) as client:
            return await client.request(method, path, **more)

    def _client(self, caller: str | None) -> httpx.AsyncClient:
        async def trusted(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {"gateway.caller": caller}
            scope["root_path"] = "/batch"
            await self.app(scope, receive, send)

        transport = httpx.ASGITransport(app=trusted, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://gateway")

    async def _until(self, job_id: str, states: tuple[str, ...], caller: str, patience_s: float) -> dict[str, Any]:
        async with asyncio.timeout(patience_s), self._client(caller) as client:
            while True:
                found: dict[str, Any] = (await client.get(f"/jobs/{job_id}")).json()
                if found["status"] in states:
                    return found
                await asyncio.sleep(0.02)


@contextlib.contextmanager
def running(settings: NotificationSettings) -> Iterator[Running]:
    """Start a service, and stop it at the end."""
    service = Running(settings)
    service.engine.start()
    try:
        yield service
    finally:
        service.engine.stop()


@pytest.fixture(scope="module")
def service(entra: EntraEmulator, d365: D365Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running service on SQLite, shared by the tests of a file."""
    path = tmp_path_factory.mktemp("store") / "notifications.db"
    with running(fast_settings(f"sqlite:///{path}", d365_settings(entra, d365))) as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    found = Store(open_engine(f"sqlite:///{tmp_path}/x.db"))
    found.open()
    yield found
    found.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A private PostgreSQL cluster; the URL lacks the database's name."""
    with postgres_cluster() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: str, request: pytest.FixtureRequest) -> str:
    """URL of a fresh database."""
    return postgres_database(postgres_server, f"t{abs(hash(request.node.nodeid))}")
