"""How a connection to a backend is opened: directly, or through an HTTP proxy (CONNECT)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import os
import re
import socket
import ssl
import struct
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from gateway.wire.upstream.tls import library_context
from gateway.wire.upstream.way import HttpProxy

_MAX_ANSWER_BYTES = 16 * 1024
_FULL_S = 0.01
_NO_LINGER = struct.pack("ii", 1, 0)
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r\n]?")


class Dial(Protocol):
    """Opens connections to one place."""

    @property
    def place(self) -> str:
        """``host:port``, for messages."""

    @property
    def host(self) -> str:
        """The name or address that is connected to: the backend's, or the proxy's; empty where there is none."""

    async def __call__(self, protocol: asyncio.Protocol) -> None:
        """Connect *protocol*. Raises OSError (ssl.SSLError is one)."""


@dataclass(frozen=True, slots=True)
class Direct:
    """
    Directly to the backend.

    Attributes:
        tls: None: plain TCP.
        server_name: For SNI and the certificate's check; None without TLS.
        next_address_s: See ``Way``.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    next_address_s: float | None = None

    @property
    def place(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    async def __call__(self, protocol: asyncio.Protocol) -> None:
        """Connect *protocol*."""
        loop = asyncio.get_running_loop()
        race: dict[str, Any] = {} if self.next_address_s is None else {"happy_eyeballs_delay": self.next_address_s}
        await loop.create_connection(
            lambda: protocol, self.host, self.port, ssl=self.tls, server_hostname=self.server_name, **race
        )


@dataclass(frozen=True, slots=True)
class SocketFile:
    """
    To a backend on this machine, through a Unix socket.

    Attributes:
        tls, server_name: As for Direct.
        host: Empty: there is no name to look up.
    """

    path: str
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    host: str = ""

    @property
    def place(self) -> str:
        """``unix:path``."""
        return f"unix:{self.path}"

    async def __call__(self, protocol: asyncio.Protocol) -> None:
        """Connect *protocol*."""
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        try:
            while not self._is_connected(connection):  # noqa: ASYNC110 (no event reports room)
                await asyncio.sleep(_FULL_S)
            await asyncio.get_running_loop().create_unix_connection(
                lambda: protocol, sock=connection, ssl=self.tls, server_hostname=self.server_name
            )
        except BaseException:
            connection.close()
            raise

    def _is_connected(self, connection: socket.socket) -> bool:
        """
        Whether the backend's queue had room: where it has none the kernel does not wait, as it does for TCP.

        Here, because asyncio takes that for the beginning of a connection. Source: connect(2), EAGAIN.
        """
        try:
            connection.connect(self.path)
        except BlockingIOError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Tunnel:
    """
    To the backend through a proxy that only passes bytes on.

    Attributes:
        proxy: How the proxy is reached.
        backend: How the backend would be reached directly.
        authorization: The field line for the proxy with its CRLF, or empty.
    """

    proxy: Direct
    backend: Direct
    authorization: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """``host:port`` of the backend."""
        return self.backend.place

    @property
    def host(self) -> str:
        """The proxy's name or address."""
        return self.proxy.host

    async def __call__(self, protocol: asyncio.Protocol) -> None:
        """Connect *protocol*."""
        host = f"[{self.backend.host}]" if ":" in self.backend.host else self.backend.host
        authority = f"{host}:{self.backend.port}"
        handshake = _Handshake(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{self.authorization}\r\n")
        await self.proxy(handshake)
        transport = handshake.transport
        try:
            early = await handshake.open
            if self.backend.tls is not None:
                transport = await self._secured(transport, protocol, early)
        except BaseException:
            transport.abort()
            raise
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self.backend.tls is None and early:
            protocol.data_received(early)
        transport.resume_reading()

    async def _secured(
        self, transport: asyncio.Transport, protocol: asyncio.Protocol, early: bytes
    ) -> asyncio.Transport:
        """TLS with the backend inside the tunnel."""
        if early:
            raise ConnectionAbortedError(0, "the proxy sent something before the backend could")
        transport.resume_reading()
        tls, name = cast(ssl.SSLContext, self.backend.tls), self.backend.server_name
        secured = await asyncio.get_running_loop().start_tls(transport, protocol, tls, server_hostname=name)
        return cast(asyncio.Transport, secured)


class _Handshake(asyncio.Protocol):
    """
    CONNECT, and the proxy's answer to it. Source: RFC 9110 §9.3.6.

    Attributes:
        open: What followed the proxy's 200; or OSError.
    """

    transport: asyncio.Transport

    def __init__(self, request: str) -> None:
        self._request = request.encode("latin-1")
        self._answer = b""
        self.open: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, early = self._answer.partition(b"\r\n\r\n")
        if self.open.done() or (not end and len(head) <= _MAX_ANSWER_BYTES):
            return
        status_line = _STATUS_LINE.match(head)
        if end and status_line and status_line[1].startswith(b"2"):
            self.transport.pause_reading()
            self.open.set_result(early)
        else:
            status = status_line[1].decode() if status_line else "with something other than HTTP"
            self.open.set_exception(ConnectionRefusedError(0, f"the proxy answered {status}"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(ConnectionResetError(0, "the proxy closed the connection"))


def tunnel(proxy: HttpProxy, backend: Direct) -> Tunnel:
    """The way to *backend* through *proxy*. Raises ValueError: its URL cannot be used."""
    return Tunnel(to_proxy(proxy, backend.next_address_s), backend, authorization_line(proxy))


def to_proxy(proxy: HttpProxy, next_address_s: float | None = None) -> Direct:
    """How *proxy* itself is reached. Raises ValueError: its URL cannot be used."""
    parts = urlsplit(proxy.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the proxy has no absolute http or https URL")
    if parts.scheme == "http":
        return Direct(parts.hostname, parts.port or 80, None, None, next_address_s)
    return Direct(parts.hostname, parts.port or 443, library_context(), parts.hostname, next_address_s)


def authorization_line(proxy: HttpProxy) -> str:
    """``Proxy-Authorization`` with its CRLF, or nothing. Source: RFC 7617; RFC 9110 §11.7.2."""
    if not proxy.username:
        return ""
    account = f"{proxy.username}:{proxy.password or ''}".encode()
    return f"Proxy-Authorization: Basic {base64.b64encode(account).decode()}\r\n"


def is_address(host: str) -> bool:
    """Whether *host* is an IP address, which no look-up can change."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Let the kernel notice a backend that vanished without closing: within about two minutes of silence."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Seconds of silence before the first probe, between two, and how many go unanswered.
    for option, value in ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4)):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


def drop_unsent(transport: asyncio.BaseTransport) -> None:
    """
    Let the kernel send nothing more once the socket is closed: a request that was given up must not arrive later.

    Source: POSIX ``SO_LINGER`` with a time of 0; RFC 9293 §3.10.5 (ABORT).
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0 and sock.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):  # it has been reset: nothing is left to be sent
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def cause(error: Exception) -> str:
    """What went wrong, without addresses of inner networks."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted ({error.verify_message})"
    return _system_cause(error) if isinstance(error, OSError) else type(error).__name__


def _system_cause(error: OSError) -> str:
    """The same for what the system says: never asyncio's own texts, which have the address."""
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    if error.errno:
        return os.strerror(error.errno).lower()
    if str(error).startswith("Multiple exceptions"):  # one for each address of the name
        return "none of its addresses accepts a connection"
    return str(error) or type(error).__name__  # what this package says of a proxy
