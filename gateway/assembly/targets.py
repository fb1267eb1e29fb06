"""Where requests can go, as configured: backends by id, service URLs, applications in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, cast

from pydantic import SecretStr

from gateway.assembly.fingerprints import fingerprint
from gateway.backends import (
    Backend,
    BackendIdentity,
    BackendPool,
    BreakerRule,
    CircuitBreaker,
    Credentials,
    PoolMember,
    SessionAffinity,
)
from gateway.backends.settings import BackendSettings, BreakerSettings, CredentialSettings
from gateway.config import Config
from gateway.errors import LoadError
from gateway.outside.seam import CredentialSource
from gateway.reading.values import revealed
from gateway.wire.messages import Target, Url
from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream.asgi_call import AsgiApp
from gateway.wire.upstream.asgi_target import AsgiTarget
from gateway.wire.upstream.http_target import HttpTarget

# An expression can compute a base URL from the request; the pools that it makes must not grow without bound.
MAX_COMPUTED_TARGETS = 256


class Upstream(Target, Protocol):
    """A target with connections of its own."""

    async def aclose(self) -> None: ...


class Connect(Protocol):
    """Makes an upstream; its arguments are HttpTarget's. Raises ValueError: the URL cannot be used."""

    def __call__(self, url: str | Url, settings: UpstreamSettings = ...) -> Upstream: ...


class ConfiguredTargets:
    """
    All targets of one process; those of the same URL share one pool of connections.

    Args:
        apps: Applications in this process, by name; None: *connect* stands for them too.
        connect: Makes an upstream; ``gateway test`` brings its own.
        former: Targets of the configuration before: those that are as they were keep their connections and circuits.
            The others need no end: idle connections are closed by age, those in use end with their requests.
        identity: Tokens of the gateway's own identity; None: it has none.
    """

    def __init__(
        self,
        config: Config,
        apps: Mapping[str, AsgiApp] | None,
        connect: Connect = HttpTarget,
        former: ConfiguredTargets | None = None,
        identity: CredentialSource | None = None,
    ) -> None:
        self._apps = apps
        self._connect = connect
        self._identity = identity
        self._upstreams: list[Upstream] = []
        self._computed: dict[str, Upstream] = {} if former is None else dict(former._computed)
        self._fixed: dict[str, Upstream] = {}
        self._known: dict[str, Upstream] = {} if former is None else former._fixed
        self._by_id: dict[str, Backend | BackendPool] = {}
        self._prints = {name: self._print(entry) for name, entry in config.backends.items()}
        self._former = {} if former is None else former._unchanged(self._prints)
        self._name_all(config)
        self._former = {}

    def _name_all(self, config: Config) -> None:
        """Backends before the pools that they are in."""
        for name, entry in sorted(config.backends.items(), key=lambda named: bool(named[1].pool)):
            self._by_id[name] = self._pool(name, entry) if entry.pool else self._backend(name, entry, config)

    def for_id(self, backend_id: str) -> Target:
        """The backend called *backend_id*. Raises KeyError."""
        return self._by_id[backend_id]

    def for_api(self, service_url: str) -> Target:
        """The target of an API's own service URL; kept forever."""
        if service_url not in self._fixed:
            self._fixed[service_url] = self._known.get(service_url) or self._connect(service_url)
        return self._fixed[service_url]

    def for_url(self, base_url: str) -> Target:
        """The target of a URL that a policy names or computes. Raises ValueError: the URL cannot be used."""
        target = self._fixed.get(base_url) or self._computed.get(base_url)
        if target is None:
            self._make_room()
            target = self._computed[base_url] = self._connect(base_url)
        return target

    def named(self) -> Iterator[tuple[str, Target]]:
        """What the configuration names: backends by their id, the APIs' service URLs by themselves."""
        yield from self._by_id.items()
        yield from self._fixed.items()

    def settle(self) -> None:
        """Everything is loaded: forget the service URLs of the configuration before."""
        self._known = {}

    async def aclose(self) -> None:
        """Close every connection."""
        upstreams = [*self._upstreams, *self._computed.values(), *self._fixed.values()]
        await asyncio.gather(*(upstream.aclose() for upstream in upstreams))

    def _make_room(self) -> None:
        """Forget the oldest computed target; its running exchanges end by themselves, idle connections by age."""
        if len(self._computed) >= MAX_COMPUTED_TARGETS:
            self._upstreams.append(self._computed.pop(next(iter(self._computed))))
            del self._upstreams[: -4 * MAX_COMPUTED_TARGETS]

    def _print(self, entry: BackendSettings) -> bytes:
        """What *entry* is made of; a backend whose tokens come from elsewhere now is another one."""
        has_identity = entry.credentials is not None and entry.credentials.managed_identity is not None
        return fingerprint(entry) + (str(id(self._identity)).encode() if has_identity else b"")

    def _unchanged(self, prints: Mapping[str, bytes]) -> dict[str, Backend | BackendPool]:
        """The backends whose *prints* are what they were."""
        return {name: target for name, target in self._by_id.items() if prints.get(name) == self._prints[name]}

    def _backend(self, name: str, entry: BackendSettings, config: Config) -> Backend:
        if entry.app is not None:
            return Backend(name, self._application(name, entry.app, config))
        former = self._former.get(name)
        if isinstance(former, Backend):
            self._upstreams.append(cast(Upstream, former.target))
            return former
        upstream = self._connect(str(entry.url), entry)
        self._upstreams.append(upstream)
        credentials = _credentials(entry.credentials, self._identity) if entry.credentials else None
        breaker = CircuitBreaker(breaker_rule(entry.circuit_breaker)) if entry.circuit_breaker else None
        return Backend(name, upstream, credentials, breaker)

    def _pool(self, name: str, entry: BackendSettings) -> BackendPool:
        """*config* has checked that a pool's members exist and are not pools."""
        members = [PoolMember(self._by_id[member.backend], member.weight, member.priority) for member in entry.pool]
        former = self._former.get(name)
        same = all(self._former.get(member.backend) is self._by_id[member.backend] for member in entry.pool)
        if same and isinstance(former, BackendPool):
            return former
        return BackendPool(name, members, SessionAffinity(entry.session_affinity) if entry.session_affinity else None)

    def _application(self, name: str, app: str, config: Config) -> Target:
        if self._apps is None:
            return self._connect(f"http://{app}")
        if app in self._apps:
            return AsgiTarget(self._apps[app], app)
        known = ", ".join(sorted(self._apps)) or "none; notifications needs its own block in the configuration"
        where = config.location("backends", name, "app")
        raise LoadError.at(where, "unknown-app", f"no application is called {app!r}", f"known: {known}")


def _credentials(entry: CredentialSettings, identity: CredentialSource | None) -> Credentials:
    authorization, wanted = entry.authorization, entry.managed_identity
    return Credentials(
        headers=tuple((name, tuple(_texts(values))) for name, values in entry.headers.items()),
        query=tuple((name, text) for name, values in entry.query.items() for text in _texts(values)),
        authorization=f"{authorization.scheme} {revealed(authorization.parameter)}" if authorization else "",
        identity=None if wanted is None else BackendIdentity(wanted.resource, wanted.client_id, identity),
    )


def _texts(secrets: Iterable[SecretStr]) -> Iterator[str]:
    return (secret.get_secret_value() for secret in secrets)


def breaker_rule(entry: BreakerSettings) -> BreakerRule:
    """What a breaker does, from how it is configured."""
    return BreakerRule(
        interval_s=entry.interval_s,
        trip_s=entry.trip_duration_s,
        count=entry.count,
        percentage=entry.percentage,
        status_ranges=tuple(map(_status_range, entry.status_codes)),
        error_reasons=frozenset(entry.error_reasons),
        accept_retry_after=entry.accept_retry_after,
    )


def _status_range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    return int(low), int(high or low)
