"""``gateway serve``: the data plane and the management plane of one process, until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog
import uvloop

from gateway import __version__, logs
from gateway.app import Gateway, build
from gateway.config import Config, load
from gateway.config.values import Address
from gateway.management.server import serve_management
from gateway.wire.memory import settle
from gateway.wire.serve import ListenerTls, RunningServer, start

log = structlog.get_logger("gateway")


def serve(path: Path, *, workers: int | None = None, port: int | None = None) -> None:
    """Run until told to stop. Raises LoadError, before anything listens, with every mistake in the configuration."""
    config = load(path)
    logs.configure(config.logging.level, config.logging.format)
    gateway = build(config)
    address = config.listen if port is None else Address(config.listen.host, port)
    uvloop.run(run_process(gateway, address))


async def run_process(gateway: Gateway, address: Address) -> None:
    """Serve both planes, wait for a signal, drain."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with serving_gateway(gateway, address) as server:
        settle()
        where = f"{address.host}:{server.port}"
        log.info("listening", version=__version__, address=where, apis=len(gateway.config.apis))
        await stopping.wait()
        log.info("draining", connections=server.connections)


@asynccontextmanager
async def serving_gateway(gateway: Gateway, address: Address) -> AsyncIterator[RunningServer]:
    """Both planes within this event loop while the context lasts; at its end requests that run may finish."""
    config = gateway.config
    async with AsyncExitStack() as running:
        await gateway.start()
        running.push_async_callback(gateway.aclose)
        await running.enter_async_context(serve_management(gateway.management, config.management))
        server = await start(
            gateway.dispatcher,
            address.host,
            address.port,
            settings=config.server_settings(),
            tls=listener_tls(config),
        )
        running.push_async_callback(server.aclose)
        yield server
        gateway.readiness.draining = True


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
