"""Limits and times of both sides; frozen, made at load."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """
    What the listener accepts from clients, and for how long it waits.

    Attributes:
        max_request_line_bytes: Beyond it: 414.
        max_field_line_bytes: Beyond it: 431.
        max_head_bytes: Request line and all fields together; beyond it: 431.
        max_fields: Field lines of one request; beyond it: 431.
        max_connections: Open client connections of this process; beyond it a new one gets 503. None for no limit.
        head_timeout_s: From the first byte of a request to the end of its head.
        body_timeout_s: Between two pieces of a request's body.
        idle_timeout_s: Between two requests on one connection.
        write_timeout_s: Without a byte taken by the client while an answer waits to be sent.
        linger_s: How long the rest of an unread body is thrown away before the connection is closed.
        drain_timeout_s: For running requests to end when the server stops.
        farewell_s: How long an idle connection may still bring a last request when the server stops: a client that
            is just sending it would lose it otherwise.
        expiry_grace_s: How long a stream may outlive the token that opened it.
        trusted_proxies: Peers whose X-Forwarded-* fields are believed.
    """

    max_request_line_bytes: int = 8 * 1024
    max_field_line_bytes: int = 32 * 1024
    max_head_bytes: int = 64 * 1024
    max_fields: int = 100
    max_connections: int | None = None
    head_timeout_s: float = 10.0
    body_timeout_s: float = 30.0
    idle_timeout_s: float = 75.0
    write_timeout_s: float = 60.0
    linger_s: float = 2.0
    drain_timeout_s: float = 30.0
    farewell_s: float = 0.0
    expiry_grace_s: float = 30.0
    trusted_proxies: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """
    TLS towards a backend.

    Attributes:
        ca_file: PEM bundle to trust instead of the system's.
        verify_chain: Whether the certificate must lead to a trusted root.
        verify_name: Whether the certificate must name the host.
        certificate_file, key_file: The client certificate, PEM; *key_file* is empty when both are in one file.
        server_name: Name for SNI and for the check, when it is not the URL's host.
    """

    ca_file: str = ""
    verify_chain: bool = True
    verify_name: bool = True
    certificate_file: str = ""
    key_file: str = ""
    key_password: str = ""
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """
    How one backend is called.

    Attributes:
        connect_timeout_s: For name resolution, TCP and TLS together.
        idle_timeout_s: Age of an unused connection; keep it below the backend's own keep-alive time.
        body_timeout_s: Between two pieces of an answer's body while the client takes them.
        max_connections: Open connections of this process to this backend.
        max_waiting: Requests that may wait for a connection; one more gets 503.
        max_head_bytes, max_fields: Limits on the answer's head; beyond them: 502.
        max_redirects: Followed where forward-request asks for it.
    """

    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 30.0
    body_timeout_s: float = 300.0
    max_connections: int = 512
    max_waiting: int = 1024
    max_head_bytes: int = 64 * 1024
    max_fields: int = 200
    max_redirects: int = 5
    tls: TlsSettings = TlsSettings()
