"""
A running gateway takes a new configuration over: loaded and compiled beside the old one, then put in its place.

It takes over as a whole or not at all: a mistake changes nothing, and readiness, metrics and log say where it is.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.assembly.app import Gateway, build
from gateway.assembly.traces import secrets_of
from gateway.config.lasting import with_lasting
from gateway.management.console.abilities import reloading
from gateway.management.health import Status
from gateway.management.reload import reload_route
from gateway.serving.live import LiveGateway
from gateway.serving.reload_report import FAILED, IS_LAST, SUCCEEDED, ReloadCounts, ReloadReport, is_last, status_of
from gateway.serving.service_manager import NO_MANAGER, ServiceManager
from gateway.serving.source import ConfigurationSource
from gateway.telemetry import logs

# While another thread compiles, the loop gets the interpreter back after this time. Python's default is 5 ms, and a
# request needs the interpreter several times.
SWITCH_S = 0.0005


@dataclass(slots=True)
class Reloader:
    """
    Reloads one process, once at a time.

    Attributes:
        source: Where the configuration is read.
        manager: The service manager, which waits for the end of a reload that it has asked for.
    """

    live: LiveGateway
    source: ConfigurationSource
    manager: ServiceManager = NO_MANAGER
    _last: ReloadReport | None = None
    _counts: ReloadCounts = ReloadCounts()
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next: asyncio.Task[ReloadReport] | None = None  # waits for its turn
    _tasks: set[asyncio.Task[ReloadReport]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._adopt(self.live.current)
        metrics = self.live.current.metrics
        metrics.counters[SUCCEEDED[0]] = (SUCCEEDED[1], lambda: self._counts.succeeded)
        metrics.counters[FAILED[0]] = (FAILED[1], lambda: self._counts.failed)
        metrics.gauges[IS_LAST[0]] = (IS_LAST[1], lambda: float(is_last(self._last)))

    def ask(self) -> None:
        """Reload as soon as possible; for signals."""
        self._queued()

    async def reload(self) -> ReloadReport:
        """Load the configuration and let it take over. Never raises. All who wait for their turn share one reload."""
        return await asyncio.shield(self._queued())

    def _queued(self) -> asyncio.Task[ReloadReport]:
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._in_turn())
            self._tasks.add(self._next)
            self._next.add_done_callback(self._tasks.discard)
        return self._next

    async def _in_turn(self) -> ReloadReport:
        async with self._busy:
            self._next = None  # who asks from now on may have changed what is about to be read
            self.manager.reloading()
            report = self._last = await self._reload()
        self._counts = self._counts.with_one(report)
        report.write_log(len(self.live.current.config.apis))
        self.manager.ready(report.in_words())
        return report

    async def succeeds(self) -> bool:
        """Reload, and tell whether that went well."""
        return (await self.reload()).succeeded

    async def _reload(self) -> ReloadReport:
        try:
            gateway, waiting = await asyncio.to_thread(self._build)
            logs.hide({*self.live.secrets, *secrets_of(gateway.config)})
            await self.live.replace(gateway)
        except Exception as error:  # even a mistake of ours must not end what runs
            return ReloadReport.of(error)
        self._adopt(gateway)
        return ReloadReport(time.time(), waiting=waiting)

    def _build(self) -> tuple[Gateway, tuple[str, ...]]:
        """In a thread: the loop goes on serving."""
        with _polite():
            former = self.live.current
            config, waiting = with_lasting(self.source.load(), former.config)
            if self.live.trusts_otherwise(config):
                waiting = (*waiting, "the content of tls.client-ca")
            gateway = build(config, former)
            gc.freeze()  # or the collector's next pass would look through all of it at once
        return gateway, waiting

    def _adopt(self, gateway: Gateway) -> None:
        gateway.readiness.checks["configuration"] = self.statuses
        if gateway.config.reload.endpoint:
            guard = gateway.access.programs()
            gateway.management.routes.append(reload_route(self._asked, [guard]))

        if gateway.console is not None:
            gateway.console.process.abilities["reload"] = reloading(self._asked)

    async def _asked(self) -> Mapping[str, object]:
        return (await self.reload()).as_json()

    def statuses(self) -> Mapping[str, Status]:
        """For readiness."""
        return status_of(self._last)


@contextmanager
def _polite() -> Iterator[None]:
    """Let the event loop have the interpreter whenever it wants it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
