"""
The HTTP/2 connections to one backend: as few as carry all exchanges, with a bounded queue behind them.

Over TLS the handshake decides whether HTTP/2 is spoken (ALPN); without TLS the policy document does.

Source: RFC 9113 §3 and §9.1; RFC 7301.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import Context

from gateway.wire.http2.connection import Http2Connection
from gateway.wire.http2.exchange import Http2Exchange
from gateway.wire.settings import UpstreamSettings
from gateway.wire.sweeper import Sweeper, sweeper
from gateway.wire.upstream.dial import Dial, cause
from gateway.wire.upstream.name_watch import NameWatch

FALLBACK_S = 300.0  # a backend that spoke HTTP/1.1 only is not asked again for that long


class Http2Pool:
    """
    Connections to one host and port.

    Args:
        negotiated: Whether TLS decides about the protocol.
    """

    def __init__(self, dial: Dial, settings: UpstreamSettings, negotiated: bool) -> None:
        self._dial = dial
        self._negotiated = negotiated
        self.settings = settings
        self._open: list[Http2Connection] = []
        self._name = NameWatch(dial.host, self._open)
        self._waiting: deque[Http2Exchange] = deque()
        self._connecting: asyncio.Task[None] | None = None
        self._asked_again = float("-inf")
        self._stopped = False

    @property
    def sweeper(self) -> Sweeper:
        """Of the running event loop."""
        return sweeper()

    @property
    def size(self) -> int:
        """Open connections."""
        return len(self._open)

    def dispatch(self, exchange: Http2Exchange) -> None:
        """Send *exchange* on a connection that can take it, or as soon as there is one."""
        if self._stopped or len(self._waiting) >= self.settings.max_waiting:
            exchange.refuse("All connections to the backend are in use, and too many requests wait.", 503)
            return
        if self.sweeper.now < self._asked_again:
            exchange.fall_back()
            return
        self.sweeper.watch(exchange)
        self._waiting.append(exchange)
        self.feed()

    def feed(self) -> None:
        """Put waiting exchanges on connections that can take them; open one more when they do not suffice."""
        for connection in tuple(self._open):
            while self._waiting and connection.room > 0:
                connection.start(self._waiting.popleft())
        if self._waiting and self._connecting is None and self._may_connect:
            self._connecting = asyncio.get_running_loop().create_task(self._connect(), context=Context())

    @property
    def _may_connect(self) -> bool:
        """Connections that only finish their streams do not keep the requests that follow from a new one."""
        return sum(not connection.is_retired for connection in self._open) < self.settings.max_connections

    def withdraw(self, exchange: Http2Exchange) -> None:
        """*exchange* no longer needs a connection."""
        self.sweeper.forget(exchange)
        if exchange in self._waiting:
            self._waiting.remove(exchange)

    def lost(self, connection: Http2Connection) -> None:
        """*connection* is closed."""
        if connection in self._open:
            self._open.remove(connection)
        if not self._stopped:
            self.feed()

    async def aclose(self) -> None:
        """Close every connection; requests that wait are refused."""
        self._stopped = True
        self._name.stop()
        if self._connecting is not None:
            self._connecting.cancel()
        self._refuse_waiting("The gateway is stopping.", 503)
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.sleep(0)

    async def _connect(self) -> None:
        connection = Http2Connection(self)
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await self._dial(connection)
        except Exception as error:
            self._connecting = None
            self._refuse_waiting(f"No connection to the backend {self._dial.place}: {cause(error)}.", 502)
            return
        self._connecting = None
        if connection.transport.is_closing():  # lost already, and connection_lost does not come twice
            self._refuse_waiting("The backend closed the connection before its answer.", 502)
        elif self._negotiated and _protocol(connection) != "h2":
            connection.abort()
            self._fall_back()
        else:
            self._open.append(connection)
            self.sweeper.watch(self)
            self.feed()

    def sweep(self, now: float) -> None:
        """Follow the backend's name while connections are open; *now* is the event loop's time."""
        self._name.sweep(now)
        if not self._open:
            self.sweeper.forget(self)

    def _fall_back(self) -> None:
        self._asked_again = asyncio.get_running_loop().time() + FALLBACK_S
        waiting, self._waiting = self._waiting, deque()
        for exchange in waiting:
            self.sweeper.forget(exchange)
            exchange.fall_back()

    def _refuse_waiting(self, message: str, status: int) -> None:
        waiting, self._waiting = self._waiting, deque()
        for exchange in waiting:
            self.sweeper.forget(exchange)
            exchange.refuse(message, status)


def _protocol(connection: Http2Connection) -> str | None:
    """What TLS has agreed on."""
    tls = connection.transport.get_extra_info("ssl_object")
    return None if tls is None else tls.selected_alpn_protocol()
