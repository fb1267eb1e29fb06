"""What all connections of one listener share, and how a checked head becomes the application's request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.x509 import Certificate

from gateway.wire.forwarded import Peer, client_address, forwarded_value
from gateway.wire.headers import Headers
from gateway.wire.messages import DEFAULT_PORTS, Request, Response
from gateway.wire.request_head import RequestHead
from gateway.wire.settings import ServerSettings


class Application(Protocol):
    """What a listener drives."""

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer *request*: at once, with a Pending (cheap), or with a coroutine (one task)."""


def _unheard(status: int, message: str) -> None:
    """Nobody counts refusals."""


@dataclass(frozen=True, slots=True)
class Listener:
    """
    What all connections of one listener share.

    Attributes:
        refused: Told status and message of every request that does not reach the application.
    """

    application: Application
    settings: ServerSettings = ServerSettings()
    refused: Callable[[int, str], None] = _unheard

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        """Never called: uvicorn wants its application to look like ASGI."""
        raise NotImplementedError


class Caller:
    """The client of one connection: turns heads into requests."""

    __slots__ = ("_certificate", "_host", "_networks", "_parts", "_peer")

    def __init__(self, peer: Peer, settings: ServerSettings, certificate: Certificate | None) -> None:
        self._peer = peer
        self._networks = settings.trusted_proxies
        self._certificate = certificate
        self._host: tuple[str, str] | None = None
        self._parts = ("", 0)

    def request(self, head: RequestHead) -> Request:
        """The request that *head* announces, its forwarding fields rewritten, its body not yet attached."""
        lines = head.lines
        address, scheme, host = self._peer.address, self._peer.scheme, head.host
        received_host = lines.get("host")
        if self._peer.trusted:
            address = client_address(lines, self._peer, self._networks)
            scheme = forwarded_value(lines, "x-forwarded-proto") or scheme
            host = forwarded_value(lines, "x-forwarded-host") or host
            self._peer.extend(lines, head.host)
        else:
            self._peer.rewrite(lines, host)
        if (host, scheme) != self._host:
            self._host = (host, scheme)
            self._parts = _authority(host, scheme)
        name, port = self._parts
        request = Request(
            head.method,
            head.path,
            head.query,
            Headers.from_lines(lines),
            scheme=scheme,
            host=name,
            port=port,
            ip_address=address,
            certificate=self._certificate,
        )
        request.received_host = received_host
        request.upgrade = head.upgrade
        return request


def _authority(host: str, scheme: str) -> tuple[str, int]:
    """Name and port of a Host value."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdecimal():
        return name, int(port)
    return host, DEFAULT_PORTS.get(scheme, 80)
