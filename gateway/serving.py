"""``gateway serve``: the data plane and the management plane of one process, until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import structlog
import uvloop

from gateway import __version__, logs
from gateway.app import Gateway, build
from gateway.config import Config, load
from gateway.config.values import Address
from gateway.decision import DecisionEndpoint
from gateway.errors import GatewayError, LoadError
from gateway.management.server import serve_management
from gateway.traces import secrets_of
from gateway.wire.memory import settle
from gateway.wire.serve import ListenerTls, RunningServer, bind, start
from gateway.wire.settings import ServerSettings
from gateway.workers import Supervisor, unix_socket

log = structlog.get_logger("gateway")

EVERYBODY = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


def serve(path: Path, *, workers: int | None = None, port: int | None = None) -> None:
    """Run until told to stop. Raises LoadError, before anything listens, with every mistake in the configuration."""
    config = load(path)
    logs.configure(config.logging.level, config.logging.format)
    logs.hide(secrets_of(config))
    gateway = build(config)
    address = config.listen if port is None else Address(config.listen.host, port)
    count = config.workers if workers is None else workers
    try:
        sockets = Sockets.bound(config, address)
    except OSError as error:
        raise GatewayError(f"cannot listen on {address} and {config.management}: {error.strerror}") from None
    if count == 1:
        uvloop.run(run_process(gateway, sockets))
    else:
        _supervise(gateway, sockets, count)


@dataclass(frozen=True, slots=True)
class Sockets:
    """The bound sockets of both planes."""

    data: socket.socket
    management: socket.socket
    decisions: socket.socket | None = None

    @classmethod
    def bound(cls, config: Config, address: Address | None = None) -> Self:
        """The configured addresses, taken; *address* replaces the data plane's. Raises OSError."""
        decisions = None if config.decisions is None else bind(*config.decisions)
        return cls(bind(*(address or config.listen)), bind(*config.management), decisions)


async def run_process(gateway: Gateway, sockets: Sockets) -> None:
    """Serve both planes, wait for a signal, drain."""
    stopping = _stop_signal()
    async with serving_gateway(gateway, sockets) as server:
        settle()
        log.info("listening", version=__version__, port=server.port, apis=len(gateway.config.apis), process=os.getpid())
        await stopping.wait()
        log.info("draining", connections=server.connections)


@asynccontextmanager
async def serving_gateway(gateway: Gateway, sockets: Sockets) -> AsyncIterator[RunningServer]:
    """Both planes within this event loop while the context lasts; at its end requests that run may finish."""
    config = gateway.config
    async with AsyncExitStack() as running:
        await gateway.start()
        running.push_async_callback(gateway.aclose)
        await running.enter_async_context(serve_management(gateway.management, sockets.management))
        server = await start(
            gateway.dispatcher, settings=config.server_settings(), tls=listener_tls(config), listening=sockets.data
        )
        running.push_async_callback(server.aclose)
        gauges = gateway.dispatcher.metrics.gauges
        gauges["gateway_connections"] = ("Open client connections.", lambda: server.connections)
        gauges["gateway_streams"] = ("Open WebSockets and event streams.", lambda: server.streams)
        if sockets.decisions is not None:
            decisions = await start(
                DecisionEndpoint(gateway.dispatcher), settings=_decision_settings(config), listening=sockets.decisions
            )
            running.push_async_callback(decisions.aclose)
        yield server
        gateway.readiness.draining = True


def _supervise(gateway: Gateway, sockets: Sockets, count: int) -> None:
    """*count* workers, and one process for the management plane."""
    _require_shareable(gateway.config)
    with TemporaryDirectory(prefix="gateway-") as directory:
        paths = [Path(directory, f"worker-{number}.sock") for number in range(1, count + 1)]
        jobs: dict[str, Callable[[], None]] = {path.stem: partial(_work, gateway, sockets, path) for path in paths}
        jobs["management"] = partial(_manage, sockets.management, paths)
        Supervisor(jobs, gateway.config.timeouts.drain_s).run()


def _work(gateway: Gateway, sockets: Sockets, path: Path) -> None:
    uvloop.run(run_process(gateway, replace(sockets, management=unix_socket(str(path)))))


def _manage(management: socket.socket, paths: list[Path]) -> None:
    from gateway.management import gathered  # one process alone reads nobody's metrics

    async def run() -> None:
        stopping = _stop_signal()
        async with serve_management(gathered.create_app(paths), management):
            await stopping.wait()

    uvloop.run(run())


def _decision_settings(config: Config) -> ServerSettings:
    """Whoever may ask for decisions is a proxy, and says who the client is."""
    settings = config.server_settings()
    return settings if settings.trusted_proxies else replace(settings, trusted_proxies=EVERYBODY)


def _require_shareable(config: Config) -> None:
    """Raises LoadError: several workers cannot share what is configured."""
    notifications = config.notifications
    if notifications is not None and notifications.settings().embedded:
        message = "several workers cannot share a SQLite store"
        where = config.location("notifications", "store")
        raise LoadError.at(where, "not-shareable", message, "use PostgreSQL, or one worker")


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def listener_tls(config: Config) -> ListenerTls | None:
    """TLS of the data plane, as the wire wants it."""
    tls = config.tls
    if tls is None:
        return None
    return ListenerTls(
        certificate_file=str(tls.certificate),
        key_file=str(tls.key),
        key_password=tls.key_password.get_secret_value() if tls.key_password else "",
        client_ca_file=str(tls.client_ca or ""),
        require_client_certificate=tls.client_certificate == "require",
    )
