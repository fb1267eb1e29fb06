"""
The only place where parts are created and joined: ``Config`` in, a gateway that can be served out.

Building needs no event loop and touches no network; ``start`` begins what runs in the background.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware

from gateway.assembly.apis import assemble
from gateway.assembly.certificates import load_certificates
from gateway.assembly.console import ProcessConsole, process_console
from gateway.assembly.issuers import issuer_statuses, unused_issuers, withdraw_key
from gateway.assembly.outside import Outside
from gateway.assembly.schemas import load_schemas
from gateway.assembly.traces import trace_book
from gateway.config import Config
from gateway.config.placeholders import placeholder_tenants
from gateway.data_plane.dispatcher import Dispatcher
from gateway.errors import Problem
from gateway.management.app import create_app as create_management
from gateway.management.backends import backend_statuses
from gateway.management.guard import Guard
from gateway.management.health import Readiness
from gateway.management.notifications import engine_statuses
from gateway.management.withdrawal import withdrawal_route
from gateway.pipeline.services import Services
from gateway.telemetry.emitted_metrics import EmittedMetrics
from gateway.telemetry.metrics import GatewayMetrics
from gateway.tokens.cache import TokenCache
from gateway.tokens.registry import IssuerRegistry
from gateway.wire.memory import loading


@dataclass(frozen=True, slots=True)
class Gateway:
    """
    A gateway, ready to be served.

    Attributes:
        dispatcher: The data plane's application.
        management: The management plane's ASGI application.
        console: What its pages show; None where they are switched off.
        notes: What in the policy documents is worth a second look.
    """

    config: Config
    dispatcher: Dispatcher
    management: Starlette
    readiness: Readiness
    registry: CollectorRegistry
    services: Services
    outside: Outside
    notes: Sequence[Problem] = ()
    console: ProcessConsole | None = None
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def issuers(self) -> IssuerRegistry:
        """The key sets of the token issuers."""
        return self.outside.issuers

    async def start(self) -> None:
        """Start the applications and begin to fetch keys. The gateway serves while an issuer is down."""
        if self.console is not None:
            self._running.callback(asyncio.create_task(self.console.process.run()).cancel)
        await self.outside.start(self._running, self.services, self.config.timeouts.drain_s)

    async def aclose(self) -> None:
        """End everything that runs in the background."""
        await self._running.aclose()


@loading()
def build(config: Config) -> Gateway:
    """
    Join the parts.

    Raises:
        LoadError: With every mistake in configuration and documents.
    """
    registry, readiness, metrics = CollectorRegistry(), Readiness(), GatewayMetrics()
    outside, emitted = Outside.of(config, registry), EmittedMetrics()
    registry.register(metrics)
    registry.register(emitted)
    services = _services(config, outside, emitted)
    readiness.checks["issuers"] = lambda: issuer_statuses(outside.issuers)
    readiness.checks["backends"] = lambda: backend_statuses(outside.targets.named())
    if outside.state.link is not None:
        readiness.checks["shared-state"] = outside.state.statuses
    if "notifications" in outside.apps:
        readiness.checks["notifications"] = partial(engine_statuses, outside.apps["notifications"].state.engine)
    _count(metrics, outside, services)
    traces = trace_book(config)
    assembly = assemble(config, services, outside.targets, metrics, traces)
    console = process_console(assembly, readiness, metrics, outside, traces)
    guard = management_guard(config)
    pages = [] if console is None else console.routes()
    routes = [withdrawal_route(partial(withdraw_key, outside.issuers), [guard]), *pages]
    management = create_management(readiness, registry, traces, routes, guard)
    return Gateway(
        config=config,
        dispatcher=assembly.dispatcher,
        management=management,
        readiness=readiness,
        registry=registry,
        services=services,
        outside=outside,
        notes=(*placeholder_tenants(config), *assembly.notes, *unused_issuers(config, outside.issuers)),
        console=console,
    )


def _services(config: Config, outside: Outside, emitted: EmittedMetrics) -> Services:
    return Services(
        targets=outside.targets,
        issuers=outside.issuers,
        token_cache=TokenCache(config.token_cache.entries, config.token_cache.max_bytes),
        schemas=load_schemas(config),
        certificates=load_certificates(config),
        client_authorities=outside.authorities,
        counters=outside.state.counters,
        caches=outside.state.caches,
        http=outside.http,
        credentials=outside.identity,
        sink=outside.sink,
        metrics=emitted,
        max_body_bytes=config.limits.body_buffer_bytes,
        expression_time_s=config.limits.expression_time_s,
    )


def _count(metrics: GatewayMetrics, outside: Outside, services: Services) -> None:
    """Numbers that the parts keep themselves, for the scrape."""
    cache, link = services.token_cache, outside.state.link
    if cache is not None:
        metrics.counters["gateway_token_cache_hits"] = ("Tokens found verified.", lambda: cache.hits)
        metrics.counters["gateway_token_cache_misses"] = ("Tokens not found verified.", lambda: cache.misses)
    metrics.counters["gateway_events_lost"] = ("Events not written.", lambda: sum(outside.sink.lost.values()))
    if link is not None:
        metrics.gauges["gateway_redis_up"] = ("Whether Redis answers.", lambda: float(not link.away))


def management_guard(config: Config) -> Middleware:
    """Who gets the endpoints for programs on the management plane."""
    return Middleware(Guard, host=config.management.host, names=config.management_hosts, programs=True)
