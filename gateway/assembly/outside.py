"""The process's external connections, as configured."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from gateway.assembly.certificates import client_authorities
from gateway.assembly.issuers import issuer_registry
from gateway.assembly.shared_state import SharedState, shared_state
from gateway.assembly.targets import ConfiguredTargets
from gateway.config import Config
from gateway.errors import LoadError
from gateway.outside.event_sink import ConfiguredSink
from gateway.outside.http_calls import HttpCalls
from gateway.outside.identity import IdentityTokens
from gateway.outside.token_endpoints import token_source
from gateway.pipeline.services import Services
from gateway.revocation.lookup import RevocationLookup
from gateway.tokens.registry import IssuerRegistry


@dataclass(frozen=True, slots=True)
class Outside:
    """The process's external connections: made without an event loop, started and closed with one."""

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
            apps=apps,
            targets=ConfiguredTargets(config, apps),
            issuers=issuer_registry(config),
            http=HttpCalls(config.limits.body_buffer_bytes),
            sink=ConfiguredSink(config.loggers, identity),
            identity=identity,
            authorities=client_authorities(config),
            state=shared_state(config),
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


def _applications(config: Config, registry: CollectorRegistry) -> dict[str, Starlette]:
    """Applications in this process that backends may name."""
    if config.notifications is None:
        return {}
    # Its engine takes seconds to import; a gateway without the service starts without it.
    from gateway.notifications.api.app import create_app as create_notifications

    return {"notifications": create_notifications(config.notifications, registry)}


def _identity(config: Config) -> IdentityTokens | None:
    """The gateway's own identity. Raises LoadError: its library is not installed."""
    try:
        source = token_source(config.managed_identity, os.environ)
    except ImportError:
        where, remedy = config.location("managed-identity", "source"), "pip install 'apim-policy-gateway[azure]'"
        raise LoadError.at(where, "missing-extra", "azure-identity is not installed", remedy) from None
    return None if source is None else IdentityTokens(source)
