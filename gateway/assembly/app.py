"""
The only place where parts are created and joined: ``Config`` in, a gateway that can be served out.

Building needs no event loop and touches no network; ``start`` begins what runs in the background.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from gateway.assembly.apis import Assembly
from gateway.assembly.backend_states import backend_statuses
from gateway.assembly.certificates import load_certificates
from gateway.assembly.client_authorities import client_authorities
from gateway.assembly.console import ProcessConsole, process_console
from gateway.assembly.issuers import issuer_registry, issuer_statuses
from gateway.assembly.shared_state import SharedState, shared_state
from gateway.assembly.targets import ConfiguredTargets
from gateway.assembly.traces import trace_book
from gateway.config import Config
from gateway.data_plane.dispatcher import Dispatcher
from gateway.errors import LoadError, Problem
from gateway.management.app import create_app as create_management
from gateway.management.health import Readiness, Status
from gateway.outside.event_sink import ConfiguredSink
from gateway.outside.http_calls import HttpCalls
from gateway.outside.identity import IdentityTokens
from gateway.outside.token_endpoints import token_source
from gateway.pipeline.services import Services
from gateway.revocation.lookup import RevocationLookup
from gateway.telemetry.emitted_metrics import EmittedMetrics
from gateway.telemetry.metrics import GatewayMetrics
from gateway.tokens.cache import TokenCache
from gateway.tokens.registry import IssuerRegistry
from gateway.wire.memory import loading

if TYPE_CHECKING:
    from gateway.notifications.engine import Engine


@dataclass(frozen=True, slots=True)
class Outside:
    """What the process has open towards the outside: made without an event loop, started and closed with one."""

    apps: Mapping[str, Starlette]
    targets: ConfiguredTargets
    issuers: IssuerRegistry
    http: HttpCalls
    sink: ConfiguredSink
    identity: IdentityTokens | None
    authorities: RevocationLookup | None
    state: SharedState

    @classmethod
    def of(cls, config: Config, registry: CollectorRegistry) -> Outside:
        """What *config* names. Raises LoadError."""
        apps = _applications(config, registry)
        identity = _identity(config)
        return cls(
            apps,
            ConfiguredTargets(config, apps),
            issuer_registry(config),
            HttpCalls(config.limits.body_buffer_bytes),
            ConfiguredSink(config.loggers, identity),
            identity,
            client_authorities(config),
            shared_state(config),
        )

    async def start(self, running: AsyncExitStack, services: Services, drain_s: float) -> None:
        """Begin what runs in the background until *running* is closed, which ends it in the opposite order."""
        running.push_async_callback(self.targets.aclose)
        running.push_async_callback(self.http.aclose)
        running.push_async_callback(self.sink.aclose)
        if self.identity is not None:
            running.push_async_callback(self.identity.aclose)
        if self.authorities is not None:
            running.push_async_callback(self.authorities.aclose)
        await self.state.start(running)
        for app in self.apps.values():
            await running.enter_async_context(app.router.lifespan_context(app))
        await self.issuers.start()
        running.push_async_callback(self.issuers.aclose)
        running.push_async_callback(services.background.drain, drain_s)


@dataclass(slots=True)
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
    readiness.checks["backends"] = lambda: backend_statuses(outside.targets)
    if outside.state.link is not None:
        readiness.checks["shared-state"] = outside.state.statuses
    if "notifications" in outside.apps:
        readiness.checks["notifications"] = partial(_engine_status, outside.apps["notifications"].state.engine)
    _count(metrics, outside, services)
    assembly = Assembly(config, services, outside.targets, metrics)
    traces = trace_book(config)
    dispatcher = assembly.dispatcher(traces)
    console = process_console(assembly, readiness, metrics, outside, traces)
    management = create_management(readiness, registry, traces, () if console is None else console.routes())
    return Gateway(config, dispatcher, management, readiness, registry, services, outside, assembly.notes, console)


def _services(config: Config, outside: Outside, emitted: EmittedMetrics) -> Services:
    return Services(
        targets=outside.targets,
        issuers=outside.issuers,
        token_cache=TokenCache(config.token_cache.entries, config.token_cache.max_bytes),
        schemas={name: file.read_bytes() for name, file in config.schemas.items()},
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
    """Numbers that parts keep for themselves, for the scrape."""
    cache, link = services.token_cache, outside.state.link
    if cache is not None:
        metrics.counters["gateway_token_cache_hits"] = ("Tokens found verified.", lambda: cache.hits)
        metrics.counters["gateway_token_cache_misses"] = ("Tokens not found verified.", lambda: cache.misses)
    metrics.counters["gateway_events_lost"] = ("Events not written.", lambda: sum(outside.sink.lost.values()))
    if link is not None:
        metrics.gauges["gateway_redis_up"] = ("Whether Redis answers.", lambda: float(not link.away))


def _applications(config: Config, registry: CollectorRegistry) -> dict[str, Starlette]:
    """Applications in this process that backends may name."""
    if config.notifications is None:
        return {}
    # Its engine takes seconds to import; a gateway without the service starts without it.
    from gateway.notifications.api.app import create_app as create_notifications

    return {"notifications": create_notifications(config.notifications, registry)}


async def _engine_status(engine: Engine) -> Mapping[str, Status]:
    """F&O being away is no part of it: jobs are accepted all the same."""
    ready = await engine.is_ready()
    return {"engine": Status(ready, "" if ready else "it does not run, or its store does not answer")}


def _identity(config: Config) -> IdentityTokens | None:
    """The gateway's own identity. Raises LoadError: its library is not installed."""
    try:
        source = token_source(config.managed_identity, os.environ)
    except ImportError:
        where, remedy = config.location("managed-identity", "source"), "pip install 'apim-policy-gateway[azure]'"
        raise LoadError.at(where, "missing-extra", "azure-identity is not installed", remedy) from None
    return None if source is None else IdentityTokens(source)
