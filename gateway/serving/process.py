"""``gateway serve``: the data plane and the management plane of one process, until SIGINT or SIGTERM."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import structlog
import uvloop

from gateway import __version__
from gateway.assembly.app import Gateway, build, management_guard
from gateway.assembly.shared_state import require_shareable
from gateway.assembly.traces import secrets_of
from gateway.config import Config, load
from gateway.data_plane.decision import DecisionEndpoint
from gateway.documents.lint import PLACEHOLDER_TENANT
from gateway.errors import GatewayError
from gateway.management.server import serve_management
from gateway.management.withdrawal import WithdrawalBook
from gateway.reading.values import Address
from gateway.serving.signals import Lifeline, StopSignals, hang_up
from gateway.serving.workers import KILL_AFTER_S, Job, Supervisor, unix_socket
from gateway.telemetry import logs
from gateway.telemetry.metrics import GatewayMetrics
from gateway.wire.memory import settle
from gateway.wire.server.listener import Listener
from gateway.wire.server.serve import RunningServer, bind, start
from gateway.wire.settings import ServerSettings

log = structlog.get_logger("gateway")


def serve(path: Path, *, workers: int | None = None, port: int | None = None) -> None:
    """Run until a signal stops it. Raises LoadError, before anything listens, with every problem found."""
    signal.signal(signal.SIGHUP, hang_up)
    config = load(path)
    logs.configure(config.logging.level, config.logging.format)
    logs.hide(secrets_of(config))
    gateway = build(config)
    for note in gateway.notes:
        if note.code == PLACEHOLDER_TENANT:  # the others are for reviews; with this one no token is ever accepted
            log.warning("placeholder_tenant", at=str(note.location), detail=note.message, remedy=note.remedy)
    address = config.listen if port is None else Address(config.listen.host, port)
    count = config.workers if workers is None else workers
    require_shareable(config, count)
    try:
        sockets = Sockets.bound(config, address)
    except OSError as error:
        raise GatewayError(f"cannot listen on {error.filename}: {error.strerror}") from None
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
        """The configured addresses, bound; *address* replaces the data plane's. Raises OSError."""
        decisions = None if config.decisions is None else bind(*config.decisions)
        return cls(bind(*(address or config.listen)), bind(*config.management), decisions)

    def close_public(self) -> None:
        """Leave the data plane and decisions to others."""
        self.data.close()
        if self.decisions is not None:
            self.decisions.close()

    def close(self) -> None:
        """Leave everything to others."""
        self.close_public()
        self.management.close()


async def run_process(gateway: Gateway, sockets: Sockets, lifeline: Lifeline | None = None) -> None:
    """
    Serve both planes until a signal, then stop in three steps.

    First it is not ready: ``/readyz`` answers 503 and everything else continues, so that load balancers notice
    (*drain_delay_s*). Then it stops listening, and running requests may end (*drain_s*). Then the rest is cut.
    """
    signals = StopSignals(lifeline, stop_time_s(gateway.config) + KILL_AFTER_S)
    async with serving_gateway(gateway, sockets) as server:
        settle()
        log.info("listening", version=__version__, port=server.port, apis=len(gateway.config.apis), process=os.getpid())
        with gateway.dispatcher.metrics.loop.running():
            await signals.wait()
        gateway.readiness.draining = True
        log.info("draining", connections=server.connections)
        await signals.delay(gateway.config.timeouts.drain_delay_s)


@asynccontextmanager
async def serving_gateway(gateway: Gateway, sockets: Sockets) -> AsyncIterator[RunningServer]:
    """Both planes within this event loop while the context lasts; at its end running requests may finish."""
    config = gateway.config
    async with AsyncExitStack() as running:
        await gateway.start()
        running.push_async_callback(gateway.aclose)
        await running.enter_async_context(serve_management(gateway.management, sockets.management))
        metrics = gateway.dispatcher.metrics
        listener = Listener(gateway.dispatcher, config.server_settings(), partial(_note_refusal, metrics))
        server = await start(listener, tls=config.tls, listening=sockets.data)
        running.push_async_callback(server.aclose)
        gauges = gateway.dispatcher.metrics.gauges
        gauges["gateway_connections"] = ("Open client connections.", lambda: server.connections)
        gauges["gateway_streams"] = ("Open WebSockets and event streams.", lambda: server.streams)
        if sockets.decisions is not None:
            decisions = await start(
                _decision_endpoint(gateway), settings=_decision_settings(config), listening=sockets.decisions
            )
            running.push_async_callback(decisions.aclose)
        yield server


def _note_refusal(metrics: GatewayMetrics, status: int, message: str) -> None:
    """Count, and log, a request that the wire has refused before any policy ran."""
    metrics.wire_refusals[status] += 1
    log.info("wire_refused", status=status, reason=message)


def _supervise(gateway: Gateway, sockets: Sockets, count: int) -> None:
    """*count* workers, and one process for the management plane."""
    with TemporaryDirectory(prefix="gateway-") as directory:
        paths = [Path(directory, f"worker-{number}.sock") for number in range(1, count + 1)]
        book = WithdrawalBook(Path(directory, "withdrawn-keys"))
        jobs: dict[str, Job] = {path.stem: partial(_work, gateway, sockets, path, book) for path in paths}
        jobs["management"] = partial(_manage, gateway, sockets, paths, book)
        Supervisor(jobs, stop_time_s(gateway.config), sockets.close).run()


def stop_time_s(config: Config) -> float:
    """How long a process may take to stop."""
    return config.timeouts.drain_delay_s + config.timeouts.drain_s


# A process closes the sockets on which it does not accept: while others stop listening, connections would hang there.
def _work(gateway: Gateway, sockets: Sockets, path: Path, book: WithdrawalBook, lifeline: Lifeline) -> None:
    sockets.management.close()
    for kid, issuer in book.withdrawn():  # before this worker was started
        with suppress(LookupError):
            gateway.issuers.withdraw(kid, issuer)
    uvloop.run(run_process(gateway, replace(sockets, management=unix_socket(str(path))), lifeline))


def _manage(gateway: Gateway, sockets: Sockets, paths: list[Path], book: WithdrawalBook, lifeline: Lifeline) -> None:
    from gateway.management import gathered  # only the process of --workers gathers metrics

    sockets.close_public()
    console = None if gateway.console is None else gateway.console.console

    async def run() -> None:
        signals = StopSignals(lifeline, stop_time_s(gateway.config) + KILL_AFTER_S)
        plane = gathered.create_app(paths, book, console, management_guard(gateway.config))
        async with serve_management(plane, sockets.management):
            await signals.wait()
            await signals.delay(gateway.config.timeouts.drain_delay_s)  # workers report that they are not ready

    uvloop.run(run())


def _decision_endpoint(gateway: Gateway) -> DecisionEndpoint:
    config = gateway.config
    return DecisionEndpoint(gateway.dispatcher, config.decision_callers, config.trusted_proxies)


def _decision_settings(config: Config) -> ServerSettings:
    """Callers of the decision endpoint are proxies: their forwarding fields are believed, those of others are not."""
    return replace(config.server_settings(), trusted_proxies=(*config.decision_callers, *config.trusted_proxies))
