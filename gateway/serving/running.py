"""One process that serves: the data plane and the management plane, until a signal stops it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Self, TypeAlias

import structlog

from gateway import __version__
from gateway.assembly.app import Gateway
from gateway.config import Config
from gateway.management.server import serve_management
from gateway.reading.values import Address, Place
from gateway.serving.activation import assigned, place_of, wanted_addresses
from gateway.serving.envoy_listener import listen_for_envoy, reserve
from gateway.serving.heart import BEAT_S, beating
from gateway.serving.live import LiveGateway, decision_endpoint, decision_settings
from gateway.serving.pulses import Pulse, lone_pulse
from gateway.serving.reloading import Reloader
from gateway.serving.resources import ResourceWatch
from gateway.serving.service_manager import NO_MANAGER, ServiceManager
from gateway.serving.signals import Lifeline, StopSignals, ignore
from gateway.serving.socket_file import BoundFile, bind_file
from gateway.serving.source import ConfigurationSource
from gateway.wire.memory import settle
from gateway.wire.server.listener import Listener, WireRefusal
from gateway.wire.server.serve import RunningServer, bind, keep_alive, start

log = structlog.get_logger("gateway")

WARM_S = 5.0  # for the keys of a process that takes over from another one
PassedSockets: TypeAlias = Sequence[tuple[str, socket.socket]]
"""Sockets that a service manager has bound, each with its name."""
KILL_AFTER_S = 5.0  # beyond the time that stopping may take


@dataclass(frozen=True, slots=True)
class Sockets:
    """
    The bound sockets of both planes.

    Attributes:
        envoy: Only holds its address: gRPC binds for itself.
        inside: Whether *management* is a worker's own, for the gateway's management process alone.
        files: Those of Unix sockets that this process has made.
    """

    data: socket.socket
    management: socket.socket
    decisions: socket.socket | None = None
    envoy: socket.socket | None = None
    inside: bool = False
    files: tuple[BoundFile, ...] = ()

    @classmethod
    def bound(cls, config: Config, address: Place | None = None, passed: PassedSockets = ()) -> Self:
        """
        The configured addresses, bound; *address* replaces the data plane's, and some are *passed* already bound.

        Raises:
            OSError: An address cannot be used.
            GatewayError: What was passed does not fit.
        """
        wanted = wanted_addresses(config, address)
        sockets = assigned(passed, wanted)
        for listening in sockets.values():
            keep_alive(listening)
        files: list[BoundFile] = []
        with ExitStack() as undone:
            undone.callback(_remove, files)
            sockets |= {
                name: _bound(place, config.socket_mode, files) for name, place in wanted.items() if name not in sockets
            }
            envoy = None if config.envoy is None else reserve(config.envoy.listen)
            undone.pop_all()
        data, management, decisions = sockets["data"], sockets["management"], sockets.get("decisions")
        return cls(data, management, decisions, envoy, files=tuple(files))

    def close_public(self) -> None:
        """Leave the data plane and decisions to others."""
        self.data.close()
        for listening in (self.decisions, self.envoy):
            if listening is not None:
                listening.close()

    def close(self) -> None:
        """Leave everything to others."""
        self.close_public()
        self.management.close()

    def remove_files(self) -> None:
        """Remove what this process has made; at its end."""
        _remove(self.files)


def _remove(files: Iterable[BoundFile]) -> None:
    for file in files:
        file.remove()


def _bound(place: Place, mode: int, files: list[BoundFile]) -> socket.socket:
    """A socket on *place*; its file, if it has one, is added to *files*. Raises OSError: it cannot be used."""
    if isinstance(place, Address):
        return bind(*place)
    listening, file = bind_file(place.path, mode)
    files.append(file)
    return listening


@dataclass(frozen=True, slots=True)
class Reloads:
    """Where SIGHUP finds a new configuration, and whether a change there is enough."""

    source: ConfigurationSource
    watched: bool = False


@dataclass(frozen=True, slots=True)
class Supervised:
    """
    A process's part in a generation.

    Attributes:
        pulse: Where it leaves signs of life, and reports that it is ready.
        warm: Whether to accept connections only when keys have been fetched, or could not be.
        reachable: Called once the management plane answers, before connections are accepted.
        beat: Called twice a second.
    """

    pulse: Pulse = field(default_factory=lone_pulse)
    lifeline: Lifeline | None = None
    warm: bool = False
    reachable: Callable[[], None] = ignore
    beat: Callable[[], None] = ignore

    def report_ready(self) -> None:
        """It serves."""
        self.pulse.report_ready()
        if self.lifeline is not None:
            self.lifeline.report()

    @property
    def supervisor(self) -> int | None:
        """Its process."""
        return None if self.lifeline is None else self.lifeline.owner


ALONE = Supervised()


async def run_process(
    gateway: Gateway,
    sockets: Sockets,
    supervised: Supervised = ALONE,
    *,
    reloads: Reloads | None = None,
    manager: ServiceManager = NO_MANAGER,
) -> None:
    """
    Serve both planes until a signal, then stop in three steps.

    First it is not ready: ``/readyz`` answers 503 and everything else continues, so that load balancers notice
    (*drain_delay_s*). Then it stops listening, and running requests may end (*drain_s*). Then the rest is cut.

    Args:
        reloads: Where new configurations come from; None: the supervisor brings them.
        manager: The service manager, if this process and no supervisor is what it has started.
    """
    live, place = LiveGateway(gateway), place_of(sockets.data)
    reloader = None if reloads is None else Reloader(live, reloads.source, manager)
    signals = StopSignals(supervised.lifeline, stop_time_s(gateway.config) + KILL_AFTER_S, _hang_up(reloader))
    resources = ResourceWatch(gateway.metrics)

    def beat() -> None:
        manager.alive()
        supervised.beat()

    async with AsyncExitStack() as running:
        beat_s = min(BEAT_S, manager.beat_s or BEAT_S)
        running.enter_context(beating(supervised.pulse, beat, resources.look, beat_s, supervised.supervisor))
        server = await running.enter_async_context(serving_gateway(live, sockets, supervised, signals))
        settle()
        if reloads is not None and reloader is not None and reloads.watched:
            await running.enter_async_context(watching(reloads.source, reloader.succeeds))
        facts = {"address": str(place), "apis": len(gateway.config.apis), "process": os.getpid()}
        log.info("listening", version=__version__, port=server.port, **facts)
        supervised.report_ready()
        manager.ready(f"Serving {len(gateway.config.apis)} APIs")
        with gateway.metrics.loop.running():
            await signals.wait()
        manager.stopping()
        live.current.readiness.draining = True
        log.info("draining", connections=server.connections)
        await signals.delay(live.current.config.timeouts.drain_delay_s)


def _hang_up(reloader: Reloader | None) -> Callable[[], None]:
    return ignore if reloader is None else reloader.ask


@asynccontextmanager
async def watching(source: ConfigurationSource, reload: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
    """While the context lasts *reload* is called whenever *source* has changed."""
    from gateway.serving.watching import watch  # its library is for those who watch

    task = asyncio.create_task(watch(source, reload))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def serving_gateway(
    live: LiveGateway, sockets: Sockets, supervised: Supervised = ALONE, signals: StopSignals | None = None
) -> AsyncIterator[RunningServer]:
    """
    Both planes within this event loop while the context lasts; at its end running requests may finish.

    *signals* end what a start waits for.
    """
    async with AsyncExitStack() as running:
        yield await _begun(live, sockets, supervised, signals, running)


async def _begun(
    live: LiveGateway,
    sockets: Sockets,
    supervised: Supervised,
    signals: StopSignals | None,
    running: AsyncExitStack,
) -> RunningServer:
    """All of it, until *running* is closed. What waits for that holds no gateway: a reload lets the first one go."""
    gateway = live.current
    config, metrics = gateway.config, gateway.metrics
    await gateway.start()
    running.push_async_callback(live.aclose)
    if supervised.warm:
        await _first_keys(gateway, signals)
    await running.enter_async_context(serve_management(live, sockets.management, inside=sockets.inside))
    supervised.reachable()
    listener = Listener(gateway.dispatcher, config.server_settings(), partial(_note_refusal, live))
    server = live.server = await start(listener, tls=config.tls, listening=sockets.data)
    closing: list[Callable[[], Awaitable[None]]] = [server.aclose]
    running.push_async_callback(_all_closed, closing)
    metrics.gauges["gateway_connections"] = ("Open client connections.", lambda: server.connections)
    metrics.gauges["gateway_streams"] = ("Open WebSockets and event streams.", lambda: server.streams)
    if sockets.decisions is not None:
        endpoint, settings = decision_endpoint(gateway), decision_settings(config)
        asked = Listener(endpoint, settings, partial(_note_refusal, live))
        live.decisions = await start(asked, listening=sockets.decisions)
        closing.append(live.decisions.aclose)
    if sockets.envoy is not None:
        closing.append(await listen_for_envoy(live, sockets.envoy))
    return server


async def _all_closed(closing: list[Callable[[], Awaitable[None]]]) -> None:
    """All listeners drain at the same time: each may need all of the time that there is."""
    await asyncio.gather(*(close() for close in closing))


async def _first_keys(gateway: Gateway, signals: StopSignals | None) -> None:
    """Wait for them a little: a process that must stop leaves the addresses to others."""
    waiting = [asyncio.ensure_future(gateway.issuers.first_keys(WARM_S))]
    if signals is not None:
        waiting.append(asyncio.ensure_future(signals.wait()))
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


def _note_refusal(live: LiveGateway, refusal: WireRefusal) -> None:
    """Count, record and log a request that the wire has refused before any policy ran."""
    live.current.metrics.wire_refusals[refusal.status] += 1
    live.current.dispatcher.note_refusal(refusal)


def stop_time_s(config: Config) -> float:
    """How long a process may take to stop."""
    return config.timeouts.drain_delay_s + config.timeouts.drain_s
