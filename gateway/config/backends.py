"""Backends: where requests go, how they are sent there, and with which credentials."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, model_validator

from gateway.config.pem import require_bundle, require_pair
from gateway.config.values import (
    Count,
    Delay,
    Duration,
    File,
    Id,
    Model,
    OneOrMore,
    Secret,
    Surroundings,
    Url,
    defaults_of,
    mistake,
)
from gateway.wire.settings import TlsSettings, UpstreamSettings

_UPSTREAM, _TLS = defaults_of(UpstreamSettings), defaults_of(TlsSettings)


class BackendTls(Model):
    """TLS towards a backend."""

    ca_file: File | None = None
    """PEM bundle to trust instead of the system's."""
    verify_chain: bool = _TLS.verify_chain
    """Whether the certificate must lead to a trusted root."""
    verify_name: bool = _TLS.verify_name
    """Whether the certificate must name the host."""
    certificate_file: File | None = None
    """PEM file: our client certificate."""
    key_file: File | None = None
    """PEM file: its private key, when it is in a file of its own."""
    key_password: Secret | None = None
    """Password of the private key."""
    server_name: str | None = None
    """Name for SNI and for the check, when it is not the URL's host."""

    @model_validator(mode="after")
    def _usable(self, info: ValidationInfo) -> BackendTls:
        if isinstance(info.context, Surroundings):
            if self.certificate_file is not None:
                require_pair(self.certificate_file, self.key_file, self.key_password)
            if self.ca_file is not None:
                require_bundle(self.ca_file)
        return self

    def settings(self) -> TlsSettings:
        """The same for the wire, where an empty text stands for None."""
        given = {name for name in type(self).model_fields if getattr(self, name) is None}
        return self.build(TlsSettings, **dict.fromkeys(given, ""))


def _one_line(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\t\x20-\x7e]*", value.get_secret_value()):
        raise mistake("bad-value", "a header value is printable ASCII on one line", "encode anything else")
    return value


FieldName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
FieldValue = Annotated[Secret, AfterValidator(_one_line)]


class Authorization(Model):
    """An `Authorization` header for every request."""

    scheme: FieldName
    """`Basic`, `Bearer`, …"""
    parameter: FieldValue
    """What follows the scheme."""


class Credentials(Model):
    """What is added to every request to the backend."""

    headers: dict[FieldName, OneOrMore[FieldValue]] = {}
    """Header fields by name; one value or a list."""
    query: dict[str, OneOrMore[Secret]] = {}
    """Query parameters by name; one value or a list."""
    authorization: Authorization | None = None
    """The `Authorization` header."""


class CircuitBreaker(Model):
    """When a backend is left alone for a while: requests get 503, or go to another one of the pool."""

    count: Count | None = None
    """Failures within *interval* that open the circuit. Give this or *percentage*."""
    percentage: Annotated[int, Field(ge=1, le=100)] | None = None
    """Failed requests of a hundred within *interval* that open the circuit."""
    interval_s: Duration = 60.0
    """Window in which failures are counted."""
    status_codes: tuple[Annotated[str, Field(pattern=r"^[1-5]\d\d(-[1-5]\d\d)?$")], ...] = ("500-599",)
    """Statuses, or ranges of them, that count as failures."""
    error_reasons: tuple[str, ...] = ("BackendConnectionFailure", "Timeout")
    """Reasons of `context.LastError` that count as failures."""
    trip_duration_s: Duration = 60.0
    """How long the circuit stays open."""
    accept_retry_after: bool = False
    """Whether the backend's `Retry-After` replaces *trip-duration*."""

    @model_validator(mode="after")
    def _one_threshold(self) -> CircuitBreaker:
        if (self.count is None) == (self.percentage is None):
            raise mistake("one-of", "a circuit breaker has either count or percentage", "write one of them")
        return self


class PoolMember(Model):
    """One backend of a pool."""

    backend: Id
    """Its id."""
    weight: Annotated[int, Field(ge=0, le=100)] = 1
    """Its share among members of the same priority."""
    priority: Annotated[int, Field(ge=0, le=100)] = 1
    """Smaller ones first; larger ones only while every smaller one is open-circuited."""


class Backend(Model):
    """A place where requests can go: a URL, an application in this process, or a pool of other backends."""

    url: Url | None = None
    """Base URL. Give this, *app* or *pool*."""
    app: Id | None = None
    """An application inside this process: `notifications`."""
    pool: tuple[PoolMember, ...] = ()
    """Other backends that share the load."""
    session_affinity: str | None = None
    """Name of the cookie that keeps a client on one member of the pool. None: no cookie."""
    credentials: Credentials | None = None
    """What is added to every request."""
    circuit_breaker: CircuitBreaker | None = None
    """When to leave it alone. None: never."""
    tls: BackendTls = BackendTls()
    """TLS towards it."""
    connect_timeout_s: Duration = _UPSTREAM.connect_timeout_s
    """For name resolution, TCP and TLS together."""
    idle_timeout_s: Delay = _UPSTREAM.idle_timeout_s
    """Age at which an unused connection is closed; keep it below the backend's own keep-alive time."""
    body_timeout_s: Duration = _UPSTREAM.body_timeout_s
    """Between two pieces of an answer's body."""
    max_connections: Count = _UPSTREAM.max_connections
    """Open connections of one worker."""
    max_waiting: Count = _UPSTREAM.max_waiting
    """Requests that may wait for a connection; one more gets 503."""
    max_head_bytes: Count = _UPSTREAM.max_head_bytes
    """Largest head of an answer; beyond it 502."""
    max_fields: Count = _UPSTREAM.max_fields
    """Header field lines of an answer; beyond it 502."""
    max_redirects: Count = _UPSTREAM.max_redirects
    """Redirects followed where forward-request asks for it."""

    @model_validator(mode="after")
    def _one_place(self) -> Backend:
        if [bool(self.url), bool(self.app), bool(self.pool)].count(True) != 1:
            raise mistake("one-of", "a backend has exactly one of url, app and pool", "write one of them")
        return self

    def settings(self) -> UpstreamSettings:
        """The same for the wire."""
        return self.build(UpstreamSettings, tls=self.tls.settings())
