"""
The only place where parts are created and joined: ``Config`` in, a gateway that can be served out.

Building needs no event loop and touches no network; ``start`` begins what runs in the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from prometheus_client.registry import CollectorRegistry
from starlette.applications import Starlette

from gateway.assembly.apis import Assembly, assemble
from gateway.assembly.certificates import load_certificates
from gateway.assembly.console import ConsoleParts, ProcessConsole, management_access, process_console
from gateway.assembly.envoy import require_envoy
from gateway.assembly.issuers import issuer_statuses, unused_issuers, withdraw_key
from gateway.assembly.outside import Outside
from gateway.assembly.schemas import load_schemas
from gateway.assembly.telemetry import count_exports, request_watcher
from gateway.assembly.traces import trace_book, wanted_traces
from gateway.config import Config
from gateway.config.placeholders import placeholder_tenants
from gateway.config.reachable import unreachable_calls
from gateway.data_plane.dispatcher import Dispatcher
from gateway.errors import Problem
from gateway.management.app import create_app as create_management
from gateway.management.backends import backend_statuses
from gateway.management.guard import LOCAL, Visitors
from gateway.management.health import Readiness
from gateway.management.next_traces import next_routes, ordering
from gateway.management.notifications import engine_statuses
from gateway.management.withdrawal import withdrawal_route
from gateway.pipeline.services import Services
from gateway.pipeline.tracing.wanted import WantedTraces
from gateway.telemetry.emitted_metrics import EmittedMetrics
from gateway.telemetry.metrics import GatewayMetrics
from gateway.telemetry.requests.ring import RequestLog
from gateway.tokens.cache import TokenCache
from gateway.tokens.registry import IssuerRegistry
from gateway.wire.memory import loading


@dataclass(frozen=True, slots=True)
class Gateway:
    """
    A gateway, ready to be served.

    Attributes:
        assembly: The data plane, with its parts.
        management: The management plane's ASGI application.
        console: What its pages show; None where they are switched off.
        access: Who may call the management plane.
        notes: What in the policy documents is worth a second look.
    """

    config: Config
    assembly: Assembly
    management: Starlette
    readiness: Readiness
    registry: CollectorRegistry
    services: Services
    outside: Outside
    notes: Sequence[Problem] = ()
    console: ProcessConsole | None = None
    access: Visitors = LOCAL
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def dispatcher(self) -> Dispatcher:
        """The data plane's application."""
        return self.assembly.dispatcher

    @property
    def metrics(self) -> GatewayMetrics:
        """What the process counts; a gateway that takes over goes on with it."""
        return self.dispatcher.metrics

    @property
    def requests(self) -> RequestLog:
        """The last requests; a gateway that takes over goes on with them."""
        return self.dispatcher.requests

    @property
    def issuers(self) -> IssuerRegistry:
        """The key sets of the token issuers."""
        return self.outside.issuers

    async def start(self) -> None:
        """Start the applications and begin to fetch keys. The gateway serves while an issuer is down."""
        self._keep_history()
        await self.outside.start(self._running)

    def _keep_history(self) -> None:
        if self.console is not None:
            self.console.process.history.on_slot = self.console.process.note
            self.console.process.history.start()
            self._running.callback(self.console.process.history.stop)

    async def take_over(self, former: Gateway) -> None:
        """Continue the work of *former*, which goes on with the requests that it has. This one was built after it."""
        await self.outside.take_over(former.outside)
        self.requests.resize(self.config.request_log)
        _count(self.metrics, self.outside, self.services)  # only now: what is built may never serve
        if former.console is None:
            self._keep_history()
        else:
            note = None if self.console is None else self.console.process.note
            former.console.process.history.on_slot = note
            if self.console is None:
                former.console.process.history.stop()
        if self.services.token_cache is not None:
            self.services.token_cache.forget_predecessors()

    async def aclose(self) -> None:
        """End everything that runs in the background."""
        await self.services.background.drain(self.config.timeouts.drain_s)
        await self._running.aclose()
        await self.outside.aclose()


@loading()
def build(config: Config, former: Gateway | None = None) -> Gateway:
    """
    Join the parts; what has not changed since *former* is taken over from it, as it is: keys, counters, connections.

    Raises:
        LoadError: With every mistake in configuration and documents.
    """
    require_envoy(config)
    registry, metrics = _counting(former)
    outside = Outside.of(config, registry, None if former is None else former.outside)
    services = _services(config, outside, None if former is None else former.services)
    emitted = cast(EmittedMetrics, services.metrics)
    if former is None:
        registry.register(emitted)
        _count(metrics, outside, services)
    readiness = _readiness(outside)
    traces = trace_book(config)
    requests = RequestLog(config.request_log) if former is None else former.requests
    watcher = request_watcher(config, outside.telemetry, traces)
    assembly = assemble(config, services, outside.targets, metrics, watcher, requests)
    access = management_access(config, None if former is None else former.access)
    parts = ConsoleParts(assembly, readiness, metrics, outside, traces, requests, access=access, emitted=emitted)
    console = process_console(parts, None if former is None else former.console)
    gateway = Gateway(
        config=config,
        assembly=assembly,
        management=_management(parts, wanted_traces(config, traces), console, registry),
        readiness=readiness,
        registry=registry,
        services=services,
        outside=outside,
        notes=(
            *placeholder_tenants(config),
            *unreachable_calls(config),
            *assembly.notes,
            *unused_issuers(config, outside.issuers),
        ),
        console=console,
        access=access,
        _running=AsyncExitStack() if former is None else former._running,
    )
    config.let_positions_go()
    return gateway


def _management(
    parts: ConsoleParts, wanted: WantedTraces | None, console: ProcessConsole | None, registry: CollectorRegistry
) -> Starlette:
    """The management plane's application."""
    orders = next_routes(ordering(wanted), parts.access)
    withdrawal = withdrawal_route(partial(withdraw_key, parts.outside.issuers), [parts.access.programs()])
    routes = [*orders, withdrawal, *([] if console is None else console.routes())]
    return create_management(parts.readiness, registry, parts.traces, routes, parts.access, parts.requests)


def _counting(former: Gateway | None) -> tuple[CollectorRegistry, GatewayMetrics]:
    """What the process counts, which goes on."""
    if former is not None:
        return former.registry, former.metrics
    registry, metrics = CollectorRegistry(), GatewayMetrics()
    registry.register(metrics)
    return registry, metrics


def _readiness(outside: Outside) -> Readiness:
    readiness = Readiness()
    readiness.checks["issuers"] = lambda: issuer_statuses(outside.issuers)
    readiness.checks["backends"] = lambda: backend_statuses(outside.targets.named())
    if outside.state.link is not None:
        readiness.checks["shared-state"] = outside.state.statuses
    if "notifications" in outside.apps:
        readiness.checks["notifications"] = partial(engine_statuses, outside.apps["notifications"].state.engine)
    return readiness


def _services(config: Config, outside: Outside, former: Services | None) -> Services:
    fresh = Services(outside.targets, metrics=EmittedMetrics()) if former is None else former
    return Services(
        targets=outside.targets,
        issuers=outside.issuers,
        token_cache=_token_cache(config, former),
        schemas=load_schemas(config),
        certificates=load_certificates(config),
        client_authorities=outside.authorities,
        counters=outside.state.counters,
        caches=outside.state.caches,
        http=outside.http,
        credentials=outside.identity,
        sink=outside.sink,
        max_body_bytes=config.limits.body_buffer_bytes,
        expression_time_s=config.limits.expression_time_s,
        models=config.language_models.services(),
        slots=fresh.slots,
        background=fresh.background,
        metrics=fresh.metrics,
    )


def _token_cache(config: Config, former: Services | None) -> TokenCache:
    """The cache of *former* if it suits *config*."""
    wanted, cache = config.token_cache, None if former is None else former.token_cache
    if cache is None or (cache.max_entries, cache.max_bytes) != (wanted.entries, wanted.max_bytes):
        return TokenCache(wanted.entries, wanted.max_bytes)
    cache.expect_successors()
    return cache


def _count(metrics: GatewayMetrics, outside: Outside, services: Services) -> None:
    """Numbers that the parts keep themselves, for the scrape."""
    cache, link = services.token_cache, outside.state.link
    if cache is not None:
        metrics.counters["gateway_token_cache_hits"] = ("Tokens found verified.", lambda: cache.hits)
        metrics.counters["gateway_token_cache_misses"] = ("Tokens not found verified.", lambda: cache.misses)
    metrics.counters["gateway_events_lost"] = ("Events not written.", lambda: sum(outside.sink.lost.values()))
    count_exports(metrics, outside.telemetry)
    if link is not None:
        metrics.gauges["gateway_redis_up"] = ("Whether Redis answers.", lambda: float(not link.away))
