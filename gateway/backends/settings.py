"""Settings of backends: where requests go, how they are sent there, and with which credentials."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from gateway.reading.settings import Block, mistake
from gateway.reading.values import BaseUrl, Count, Duration, Id, OneOrMore, Secret, TextForm
from gateway.wire.settings import UpstreamSettings


def _one_line(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\t\x20-\x7e]*", value.get_secret_value()):
        raise mistake("bad-value", "a header value is printable ASCII on one line", "encode anything else")
    return value


FieldName = Annotated[
    str, TextForm(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "a name of letters, digits and dashes", "write it like x-api-key")
]
StatusRange = Annotated[str, TextForm(r"^[1-5]\d\d(-[1-5]\d\d)?$", "a status or a range", "write 503 or 500-599")]
FieldValue = Annotated[Secret, AfterValidator(_one_line)]


class AuthorizationSettings(Block):
    """An `Authorization` header for every request."""

    scheme: FieldName
    """`Basic`, `Bearer`, …"""
    parameter: FieldValue
    """What follows the scheme."""


class BackendIdentitySettings(Block):
    """A token of the gateway's own identity (`managed-identity`) as `Authorization`, as models in Azure want it."""

    resource: str
    """What the token is for, such as `https://cognitiveservices.azure.com`."""
    client_id: str | None = None
    """A user-assigned identity. None: the default one."""


class CredentialSettings(Block):
    """What is added to every request to the backend."""

    headers: dict[FieldName, OneOrMore[FieldValue]] = {}
    """Header fields by name; one value or a list."""
    query: dict[str, OneOrMore[Secret]] = {}
    """Query parameters by name; one value or a list."""
    authorization: AuthorizationSettings | None = None
    """The `Authorization` header."""
    managed_identity: BackendIdentitySettings | None = None
    """A token of the gateway's own identity, in place of *authorization*."""

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        if self.authorization is not None and self.managed_identity is not None:
            message = "authorization and managed-identity both set the Authorization header"
            raise mistake("bad-value", message, "remove one of them", at="managed-identity")
        return self


class BreakerSettings(Block):
    """When requests to a backend are suspended for a while: they get 503, or go to another member of the pool."""

    count: Count | None = None
    """Failures within *interval* that open the circuit. Give this or *percentage*."""
    percentage: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percentage of failed requests within *interval* that opens the circuit."""
    interval_s: Duration = 60.0
    """Window in which failures are counted."""
    status_codes: tuple[StatusRange, ...] = ("500-599",)
    """Statuses, or ranges of them, that count as failures."""
    error_reasons: tuple[str, ...] = ("BackendConnectionFailure", "Timeout")
    """Reasons of `context.LastError` that count as failures."""
    trip_duration_s: Duration = 60.0
    """How long the circuit stays open."""
    accept_retry_after: bool = False
    """Whether the backend's `Retry-After` replaces *trip-duration*."""

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if (self.count is None) == (self.percentage is None):
            raise mistake("one-of", "a circuit breaker has either count or percentage", "write one of them")
        return self


class MemberSettings(Block):
    """One backend of a pool."""

    backend: Id
    """Its id."""
    weight: Annotated[int, Field(ge=0, le=100)] = 1
    """Its share among members of the same priority."""
    priority: Annotated[int, Field(ge=0, le=100)] = 1
    """Members with the smallest number are used first; others only while the circuits of all smaller ones are open."""


class _Destination(Block):
    """Where a backend is; the settings of its connections follow."""

    url: BaseUrl | None = None
    """Base URL. Give this, *app* or *pool*."""
    app: Id | None = None
    """An application inside this process: `notifications`."""
    pool: tuple[MemberSettings, ...] = ()
    """Other backends that share the load."""
    session_affinity: FieldName | None = None
    """Name of the cookie that keeps a client on one member of the pool. None: no cookie."""
    credentials: CredentialSettings | None = None
    """What is added to every request to it."""
    circuit_breaker: BreakerSettings | None = None
    """When requests to it are suspended. None: never."""


class BackendSettings(UpstreamSettings, _Destination):
    """A place where requests can go: a URL, an application in this process, or a pool of other backends."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if [bool(self.url), bool(self.app), bool(self.pool)].count(True) != 1:
            raise mistake("one-of", "a backend has exactly one of url, app and pool", "write one of them")
        if self.unix_socket is not None and self.url is None:
            remedy = "write url: http://NAME/PATH beside it; NAME is sent as Host"
            raise mistake("missing-key", "unix-socket says how a url is reached, and there is none", remedy)
        if self.pool and not any(member.weight for member in self.pool):
            raise mistake("bad-value", "no member of the pool has a weight above 0", "give one its share", at="pool")
        return self
