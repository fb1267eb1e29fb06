"""The process's external connections, as configured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prometheus_client.registry import CollectorRegistry
from starlette.applications import Starlette

from gateway.assembly.certificates import client_authorities
from gateway.assembly.fingerprints import fingerprint
from gateway.assembly.identities import own_source
from gateway.assembly.issuers import FormerIssuers, issuer_prints, issuer_registry
from gateway.assembly.shared_state import SharedState, shared_state
from gateway.assembly.targets import ConfiguredTargets
from gateway.assembly.telemetry import configured_telemetry, start_telemetry, take_over_telemetry
from gateway.config import Config
from gateway.errors import GatewayError, LoadError
from gateway.outside.authorizations import AuthorizationTokens
from gateway.outside.event_sink import ConfiguredSink
from gateway.outside.http_calls import HttpCalls
from gateway.outside.identity import IdentityTokens
from gateway.reading.writable import remedy_for
from gateway.revocation.lookup import RevocationLookup
from gateway.tokens.registry import IssuerRegistry

if TYPE_CHECKING:
    from gateway.telemetry.otel.exporting import Telemetry


@dataclass(frozen=True, slots=True)
class Outside:
    """
    The process's external connections: made without an event loop, started and closed with one.

    A configuration that is loaded later takes over what it names as it was: ``of`` finds it in the one before,
    ``take_over`` continues its work, and ``aclose`` of the one before ends what is gone.
    """

    config: Config
    apps: Mapping[str, Starlette]
    targets: ConfiguredTargets
    issuers: IssuerRegistry
    issuer_prints: Mapping[str, bytes]
    http: HttpCalls
    sink: ConfiguredSink
    identity: IdentityTokens | None
    authorities: RevocationLookup | None
    tls_print: bytes
    state: SharedState
    telemetry: Telemetry | None = None

    @classmethod
    def of(cls, config: Config, registry: CollectorRegistry, former: Outside | None = None) -> Outside:
        """What *config* names, *former* being what it takes over from. Raises LoadError."""
        tls_print = fingerprint(config.tls)  # before what it stands for is read: a file that changes between is newer
        apps = _applications(config, registry) if former is None else former.apps
        identity = _identity(config, former)
        prints = issuer_prints(config)
        return cls(
            config=config,
            apps=apps,
            targets=ConfiguredTargets(
                config, apps, former=None if former is None else former.targets, identity=identity
            ),
            issuers=issuer_registry(config, None if former is None else former.former_issuers(), prints),
            issuer_prints=prints,
            http=_calls(config, former),
            sink=_sink(config, identity, former),
            identity=identity,
            authorities=_authorities(config, tls_print, former),
            tls_print=tls_print,
            state=shared_state(config) if former is None else former.state,
            telemetry=configured_telemetry(
                config, registry, None if former is None else (former.config, former.telemetry)
            ),
        )

    def former_issuers(self) -> FormerIssuers:
        """The issuers, for a configuration after this one."""
        return FormerIssuers(self.issuers, self.config.issuers, self.issuer_prints)

    async def start(self, running: AsyncExitStack) -> None:
        """Begin what runs in the background and lasts until *running* is closed. Raises LoadError."""
        if self.telemetry is not None:
            start_telemetry(self.telemetry, self.config)
        await self.state.start(running)
        try:
            for app in self.apps.values():
                await running.enter_async_context(app.router.lifespan_context(app))
        except LoadError:
            raise
        except GatewayError as error:
            raise _unstored(self.config, error) from error
        await self.issuers.start()

    async def take_over(self, former: Outside) -> None:
        """Continue the work of *former*. Raises LoadError."""
        take_over_telemetry(self.telemetry, former.telemetry, self.config)
        self.targets.settle()
        self.state.resize(self.config)
        await self.issuers.start(former.issuers)

    async def aclose(self, kept: Outside | None = None) -> None:
        """Close everything but what *kept*, which has taken over, has too. No request may still need it."""
        if kept is None:
            await self.issuers.aclose()
            await self.targets.aclose()
        parts: list[_Closing | None] = [self.authorities, self.identity, self.sink, self.http, self.telemetry]
        remaining: list[_Closing | None] = []
        if kept is not None:
            remaining = [kept.authorities, kept.identity, kept.sink, kept.http, kept.telemetry]
        for part in parts:
            if part is not None and not any(part is other for other in remaining):
                await part.aclose()


def _unstored(config: Config, error: GatewayError) -> LoadError:
    """*error* about the notification service's store, with the place that names it and what to do."""
    from gateway.notifications.store.database import StoreInUse, StoreUnusable, store_url
    from gateway.notifications.store.remedies import remedy_for_refusal

    where = config.location("notifications", "store")
    if config.notifications is None or not isinstance(error, StoreUnusable):
        code = "unusable-store" if isinstance(error, StoreInUse) else "other-store-version"
        return LoadError.at(where, code, str(error))
    if not config.notifications.embedded:
        remedy = remedy_for_refusal(error.reason) or "check that the server runs, and the URL's host, database and user"
        return LoadError.at(where, "unusable-store", f"the store cannot be used: {error.reason}", remedy)
    file = store_url(config.notifications.store_url).database or ""
    message = f"the store {file} cannot be used: {error.reason}"
    return LoadError.at(where, "unusable-store", message, remedy_for(Path(file)) or "name another file")


class _Closing(Protocol):
    async def aclose(self) -> None: ...


def _calls(config: Config, former: Outside | None) -> HttpCalls:
    if former is not None and former.config.limits.body_buffer_bytes == config.limits.body_buffer_bytes:
        return former.http
    return HttpCalls(config.limits.body_buffer_bytes)


def _authorities(config: Config, tls_print: bytes, former: Outside | None) -> RevocationLookup | None:
    if former is not None and former.tls_print == tls_print:
        return former.authorities
    return client_authorities(config)


def _sink(config: Config, identity: IdentityTokens | None, former: Outside | None) -> ConfiguredSink:
    if former is not None and former.config.loggers == config.loggers and former.identity is identity:
        return former.sink
    return ConfiguredSink(config.loggers, identity, lost=Counter() if former is None else former.sink.lost)


def _applications(config: Config, registry: CollectorRegistry) -> dict[str, Starlette]:
    """Applications in this process that backends may name."""
    if config.notifications is None:
        return {}
    # Its engine takes seconds to import; a gateway without the service starts without it.
    from gateway.notifications.api.app import create_app as create_notifications

    return {"notifications": create_notifications(config.notifications, registry)}


def _same_identity(former: Config, config: Config) -> bool:
    same = former.managed_identity == config.managed_identity
    return same and former.authorizations == config.authorizations


def _identity(config: Config, former: Outside | None) -> IdentityTokens | None:
    """The gateway's own identity. Raises LoadError: its library is not installed."""
    if former is not None and _same_identity(former.config, config):
        return former.identity
    source = own_source(config)
    if config.authorizations:
        return IdentityTokens(AuthorizationTokens(config.authorizations, source))
    return None if source is None else IdentityTokens(source)
