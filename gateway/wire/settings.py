"""Limits and times of both sides; frozen, checked at load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from gateway.reading.settings import Block, Surroundings, mistake
from gateway.reading.values import Count, Delay, Duration, File, Peers, Secret, TextForm, UnixFile
from gateway.wire.claims import is_claim
from gateway.wire.fields import fold_name
from gateway.wire.framing import HOP_BY_HOP, OWNED
from gateway.wire.pem import require_bundle, require_pair

VIA = "gateway"


class ClientLimits(Block):
    """How much the listener accepts from clients."""

    request_line_bytes: Count = 8 * 1024
    """Longest request line; beyond it 414."""
    header_line_bytes: Count = 32 * 1024
    """Longest header field line; beyond it 431."""
    head_bytes: Count = 64 * 1024
    """Request line and all fields together; beyond it 431."""
    header_count: Count = 100
    """Header field lines of a request; beyond it 431."""
    body_rate: Annotated[int, Field(ge=0, le=1_000_000)] = 240
    """Fewest bytes per second of a request's body, besides pauses of `timeouts/body` in all; then 408. 0: any rate."""
    connections: Count | None = None
    """Open client connections of one worker; one more gets 503. TLS handshakes under way are counted apart, and
    one more is closed. None: no limit."""
    stalled_connections: Count = 256
    """Connections of one worker whose clients have read nothing for 5 s while an answer waits; one more is closed."""


class ClientTimeouts(Block):
    """How long the listener waits for clients."""

    head_s: Duration = 10.0
    """From the first byte of a request to the end of its head; for a PROXY header and a TLS handshake as well."""
    body_s: Duration = 30.0
    """Between two pieces of a request's body."""
    idle_s: Duration = 75.0
    """Between two requests on one connection."""
    write_s: Duration = 60.0
    """Without a byte read by the client while an answer waits to be sent."""
    tunnel_idle_s: Duration = 300.0
    """Without a byte in either direction of a WebSocket."""
    linger_s: Delay = 2.0
    """How long the rest of an unread body is discarded before the connection is closed."""
    drain_s: Delay = 30.0
    """For running requests to finish when the gateway stops."""
    expiry_grace_s: Delay = 30.0
    """How long a streamed answer may outlive the token that opened it."""


class Http2Settings(Block):
    """HTTP/2 from clients."""

    tls: bool = True
    """Whether it is offered to clients that connect with TLS."""
    clear_text: bool = False
    """Whether clients may begin with it on a connection without TLS: those that know that it is spoken here."""
    streams: Annotated[int, Field(ge=1, le=1000)] = 100
    """Requests of one connection at the same time; one more is refused."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """
    What one listener accepts from clients, and for how long it waits.

    Attributes:
        trusted_proxies: Peers whose forwarding fields are believed.
        proxy_protocol: Whether their connections begin with a PROXY header.
        via: Our name in the Via field of requests to backends; empty: none is written. Source: RFC 9110 §7.6.3.
        path_escapes: What some API allows in paths although servers read it differently.
        id_header: Name of the field that carries the request's id to backends and clients; empty: none does.
        client_id_header: Name under which a client's own field of that name reaches the backend; empty: it does not.
        farewell_s: How long an idle connection may still bring a last request when the server stops: a client that
            is just sending it would lose it otherwise.
        http2: Whether and how clients may speak HTTP/2; for connections that are made from now on.
    """

    limits: ClientLimits = ClientLimits()
    timeouts: ClientTimeouts = ClientTimeouts()
    trusted_proxies: tuple[Peers, ...] = ()
    proxy_protocol: bool = False
    farewell_s: float = 0.0
    via: str = VIA
    path_escapes: frozenset[str] = frozenset()
    id_header: str = ""
    client_id_header: str = ""
    http2: Http2Settings = Http2Settings()


_NAME = TextForm(r"^[A-Za-z][A-Za-z0-9-]{0,63}$", "the name of a header field", "write x-request-id")
_NOT_FOR_IDS = HOP_BY_HOP | OWNED | frozenset("authorization content-type cookie date host set-cookie via".split())


class RequestIds(Block):
    """The id of every request, which joins its answer, its log line and its record."""

    header: Annotated[str, _NAME] = "x-request-id"
    """Field that carries the id, in every answer and in requests to backends. A client's own is replaced.
    `none`: no field."""
    client_header: Annotated[str, _NAME] | None = None
    """Field in which a client's own value is passed on to the backend. None: it is dropped."""

    @field_validator("header", "client_header", mode="after")
    @classmethod
    def _free(cls, name: str | None) -> str | None:
        if name is not None and (fold_name(name) in _NOT_FOR_IDS or is_claim(fold_name(name))):
            raise mistake("bad-value", f"{name} has a meaning of its own", "write x-request-id")
        return name

    @property
    def name(self) -> str:
        """The field's name; empty: there is none."""
        return "" if self.header.lower() == "none" else self.header


class ListenerTls(Block):
    """TLS towards clients."""

    certificate: File
    """PEM file: the certificate and its chain."""
    key: File
    """PEM file: the private key."""
    key_password: Secret | None = None
    """Password of the private key."""
    client_ca: File | None = None
    """PEM bundle; clients may then present certificates whose chain leads to it."""
    client_certificate: Literal["request", "require"] = "request"
    """Whether a client without a certificate may connect; only with `client-ca`."""

    @model_validator(mode="after")
    def _usable(self, info: ValidationInfo) -> Self:
        if self.client_certificate == "require" and self.client_ca is None:
            message = "client-certificate: require needs client-ca"
            raise mistake("bad-value", message, "name the CA's PEM bundle", at="client-certificate")
        if isinstance(info.context, Surroundings):
            require_pair(self.certificate, self.key, self.key_password)
            if self.client_ca is not None:
                require_bundle(self.client_ca)
        return self


class TlsSettings(Block):
    """TLS towards a backend."""

    ca_file: File | None = None
    """PEM bundle to trust instead of the system's."""
    verify_chain: bool = True
    """Whether the certificate must lead to a trusted root."""
    verify_name: bool = True
    """Whether the certificate must name the host."""
    certificate_file: File | None = None
    """PEM file: our client certificate."""
    key_file: File | None = None
    """PEM file: its private key, if that is in a separate file."""
    key_password: Secret | None = None
    """Password of the private key."""
    server_name: str | None = None
    """Name for SNI and for the check, if it is not the URL's host."""

    @model_validator(mode="after")
    def _usable(self, info: ValidationInfo) -> Self:
        if isinstance(info.context, Surroundings):
            if self.certificate_file is not None:
                require_pair(self.certificate_file, self.key_file, self.key_password)
            if self.ca_file is not None:
                require_bundle(self.ca_file)
        return self


class UpstreamSettings(Block):
    """How one backend is called."""

    tls: TlsSettings = TlsSettings()
    """TLS towards it."""
    unix_socket: UnixFile | None = None
    """Socket file through which it is reached, in place of its URL's host and port, which `Host` keeps naming. None:
    TCP."""
    connect_timeout_s: Duration = 10.0
    """For name resolution, TCP and TLS together."""
    idle_timeout_s: Delay = 30.0
    """Age at which an unused connection is closed; keep it below the backend's own keep-alive time."""
    max_age_s: Duration = 300.0
    """Age at which a connection carries no further request, so that load spreads over backends that were added."""
    body_timeout_s: Duration = 300.0
    """Between two pieces of an answer's body."""
    max_connections: Count = 512
    """Open connections of one worker."""
    max_waiting: Count = 1024
    """Requests that may wait for a connection; one more gets 503."""
    max_head_bytes: Count = 64 * 1024
    """Largest head of an answer; beyond it 502."""
    max_fields: Count = 200
    """Header field lines of an answer; beyond it 502."""
    max_redirects: Count = 5
    """Redirects followed where forward-request asks for it."""
