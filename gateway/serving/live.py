"""The gateway of one process, and how another one takes over from it between two requests."""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from gateway.assembly.app import Gateway
from gateway.assembly.envoy import processing_plane
from gateway.assembly.fingerprints import fingerprint
from gateway.assembly.outside import Outside
from gateway.assembly.traces import secrets_of
from gateway.config import Config
from gateway.data_plane.decision import DecisionEndpoint
from gateway.data_plane.envoy.answering import Answering
from gateway.data_plane.routing import RoutedApi
from gateway.management.health import Readiness
from gateway.pipeline.background import Background
from gateway.reading.values import UnixAddress
from gateway.wire.server.serve import RunningServer
from gateway.wire.settings import ServerSettings

if TYPE_CHECKING:
    from gateway.data_plane.envoy.host import EnvoyHost  # its libraries are an extra

BACKGROUND_S = 600.0  # for what requests have begun and no one waits for; each piece has a limit of its own
PIECE = 4  # APIs of a gateway that is gone are taken apart so many per turn of the loop


@dataclass(slots=True)
class LiveGateway:
    """
    The gateway that serves.

    Attributes:
        current: It; the management plane's application is always its.
        server, decisions, envoy: Its listeners, once they run.
        client_ca: Fingerprint of the authorities that the listener's clients must have.
    """

    current: Gateway
    server: RunningServer | None = None
    decisions: RunningServer | None = None
    envoy: EnvoyHost | None = None
    _ending: set[asyncio.Task[None]] = field(default_factory=set)
    _secrets: dict[_Remains, frozenset[str]] = field(default_factory=dict)  # of those before that have requests yet
    client_ca: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.client_ca = _client_ca(self.current.config)

    @property
    def secrets(self) -> set[str]:
        """What the lines of requests must not show: the secrets of every gateway that has any."""
        return {*secrets_of(self.current.config)}.union(*self._secrets.values())

    def trusts_otherwise(self, config: Config) -> bool:
        """Whether the authorities of clients' certificates are not those with which the listener was started."""
        return _client_ca(config) != self.client_ca

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The management plane, as an ASGI application."""
        await self.current.management(scope, receive, send)

    async def replace(self, gateway: Gateway) -> None:
        """
        From the next request on *gateway* serves; running requests end as they began.

        What it does not continue is closed when the last of them has ended.

        Raises:
            OSError: The listener's certificate cannot be used; nothing has changed.
        """
        former, config = self.current, gateway.config
        if self.server is not None and config.tls is not None:
            self.server.renew_certificate(config.tls)
        if self.envoy is not None:
            self.envoy.renew_certificate()
        gateway.readiness.draining = former.readiness.draining
        await gateway.take_over(former)
        self.current = gateway
        _take_apart(former.management)
        if self.server is not None:
            self.server.serve_with(gateway.dispatcher, config.server_settings())
        if self.decisions is not None:
            self.decisions.serve_with(decision_endpoint(gateway), decision_settings(config))
        if self.envoy is not None:
            self.envoy.answering = answering(gateway)
        self._when_ended(former, gateway)

    async def aclose(self) -> None:
        """End everything that runs in the background."""
        await self.current.aclose()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _when_ended(self, former: Gateway, gateway: Gateway) -> None:
        """Requests hold the dispatcher that began them: when it is gone, nothing needs what was behind it."""
        remains = _Remains(list(former.assembly.apis), former.readiness, former.outside, former.services.background)
        self._secrets[remains] = frozenset(secrets_of(former.config))
        if former.console is not None:
            former.console.process.abilities.clear()  # they hold the gateway, its dispatcher included
        loop = asyncio.get_running_loop()
        weakref.finalize(former.dispatcher, self._end, loop, remains, gateway.outside).atexit = False

    def _end(self, loop: asyncio.AbstractEventLoop, remains: _Remains, kept: Outside) -> None:
        def begin() -> None:
            task = loop.create_task(remains.dismantle(kept))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.add_done_callback(lambda _: self._secrets.pop(remains, None))

        if not loop.is_closed():
            loop.call_soon_threadsafe(begin)


@dataclass(frozen=True, slots=True, eq=False)
class _Remains:
    """What is left of a gateway without requests."""

    apis: list[RoutedApi]
    readiness: Readiness
    outside: Outside
    background: Background

    async def dismantle(self, kept: Outside) -> None:
        """
        Close what *kept* does not have, and free the rest.

        Here, because the collector never looks at what a reload has made; a few APIs at a time, because Python frees
        at once whatever nothing refers to.
        """
        self.readiness.checks.clear()
        while self.apis:
            del self.apis[-PIECE:]
            await asyncio.sleep(0)
        await self.background.ended(BACKGROUND_S)  # its one-way requests and events
        await self.outside.aclose(kept)


def _take_apart(management: Starlette) -> None:
    """
    End what lasts there, such as open pages, which ask again and are answered by the one that has taken over.

    Its pages refer to the dispatcher; they, the application and its middleware to each other.
    """
    management.routes.clear()
    management.middleware_stack = None


def _client_ca(config: Config) -> bytes:
    return fingerprint(None if config.tls is None else config.tls.client_ca)


def decision_endpoint(gateway: Gateway) -> DecisionEndpoint:
    """*gateway*, asked by other proxies."""
    config = gateway.config
    is_local = isinstance(config.decisions, UnixAddress)
    return DecisionEndpoint(gateway.dispatcher, config.decision_peers, config.trusted_proxies, is_local)


def answering(gateway: Gateway) -> Answering:
    """*gateway*, asked by Envoy over gRPC."""
    config, readiness = gateway.config, gateway.readiness
    callers = () if config.envoy is None else config.envoy.callers
    settings = replace(config.server_settings(), via="")  # the hop is Envoy's
    processing = processing_plane(config, gateway.dispatcher, gateway.outside, gateway.metrics)
    return Answering(gateway.dispatcher, settings, callers, lambda: readiness.draining, processing)


def decision_settings(config: Config) -> ServerSettings:
    """Callers of the decision endpoint are proxies: their forwarding fields are believed, those of others are not."""
    trusted = (*config.decision_peers, *config.trusted_proxies)
    return replace(config.server_settings(), trusted_proxies=trusted, proxy_protocol=False)
