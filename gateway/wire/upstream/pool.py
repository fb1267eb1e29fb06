"""
The connections to one backend: reused last in, first out; bounded, with a bounded queue behind the bound.

Source: RFC 9112 §9.3 to §9.5.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque

from gateway.wire.settings import UpstreamSettings
from gateway.wire.sweeper import Sweeper, sweeper
from gateway.wire.upstream.connection import UpstreamConnection
from gateway.wire.upstream.dial import Dial, cause
from gateway.wire.upstream.exchange import UpstreamExchange
from gateway.wire.upstream.name_watch import NameWatch

_GOODBYE_S = 1.0
_LOOK_S = 0.02
STALL_S = 5.0  # a client that takes nothing for that long loses its answer while requests wait for a connection


class Pool:
    """
    Connections to one host and port.

    Attributes:
        size: Open connections, and those being opened.
        stopped: Connections end with the exchange that they carry.
    """

    def __init__(self, dial: Dial, settings: UpstreamSettings) -> None:
        self._dial = dial
        self._sweeper: Sweeper | None = None
        self.settings = settings
        self.size = 0
        self.stopped = False
        # The backend closes connections right after its answers: a used one could cost a request its only attempt.
        self._closes_unasked = False
        self._idle: list[UpstreamConnection] = []
        self._waiting: deque[UpstreamExchange] = deque()
        self._open: set[UpstreamConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._name = NameWatch(dial.host, self._open)

    @property
    def sweeper(self) -> Sweeper:
        """Of the event loop in which the pool is used."""
        if self._sweeper is None:
            self._sweeper = sweeper()
        return self._sweeper

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return len(self._waiting)

    def dispatch(self, exchange: UpstreamExchange) -> None:
        """Send *exchange* on an unused connection, on a new one, or as soon as one is free."""
        while self._idle and (exchange.repeatable or not self._closes_unasked):
            connection = self._idle.pop()
            if connection.fit_for(exchange):
                connection.start(exchange)
                return
            connection.abort()
        if self.size < self.settings.max_connections:
            self._connect_for(exchange)
        elif len(self._waiting) < self.settings.max_waiting:
            self._waiting.append(exchange)
            self.sweeper.watch(exchange)
            self._make_room()
        else:
            exchange.give_up("All connections to the backend are in use, and too many requests wait.", 503)

    def _make_room(self) -> None:
        """Give up an idle connection: what waits beside it can only go out on a new one."""
        if self._idle:
            self._idle.pop(0).abort()

    def withdraw(self, exchange: UpstreamExchange) -> None:
        """*exchange* no longer needs a connection."""
        self.sweeper.forget(exchange)
        if exchange in self._waiting:
            self._waiting.remove(exchange)

    def release(self, connection: UpstreamConnection) -> None:
        """*connection* can carry the next request."""
        if connection.reused:
            self._closes_unasked = False
        connection.rest()
        if not self._waiting:
            self._idle.append(connection)
        elif connection.fit_for(self._waiting[0]) and (self._waiting[0].repeatable or not self._closes_unasked):
            connection.start(self._next())
        else:
            connection.abort()  # a new one takes its place

    def lost(self, connection: UpstreamConnection, resend: UpstreamExchange | None = None) -> None:
        """*connection* is closed; *resend*, which was on it, gets its place: a new connection cannot be stale."""
        self.size -= 1
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.closed_early:
            self._closes_unasked = True
        if resend is None:
            self._feed_waiting()
        elif self.stopped:
            resend.refuse("The gateway is stopping.", 503)
        else:
            resend.resends += 1
            self._connect_for(resend)

    def _feed_waiting(self) -> None:
        if self._waiting and self.size < self.settings.max_connections:
            self._connect_for(self._next())

    def _next(self) -> UpstreamExchange:
        """The exchange that has waited longest."""
        exchange = self._waiting.popleft()
        self.sweeper.forget(exchange)
        return exchange

    # -- new connections
    def _connect_for(self, exchange: UpstreamExchange) -> None:
        self.size += 1
        self.sweeper.watch(exchange)
        self.sweeper.watch(self)
        # In a context of its own: a connection outlives the request that opens it.
        task = asyncio.get_running_loop().create_task(self._connect(exchange), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, exchange: UpstreamExchange) -> None:
        connection = UpstreamConnection(self)
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await self._dial(connection)
        except Exception as error:
            self.size -= 1
            self.sweeper.forget(exchange)
            exchange.give_up(f"No connection to the backend {self._dial.place}: {cause(error)}.")
            self._feed_waiting()
            return
        except asyncio.CancelledError:
            self.size -= 1
            exchange.give_up("The gateway is stopping.", 503)
            raise
        self._open.add(connection)
        self.sweeper.forget(exchange)
        if not exchange.done:
            connection.start(exchange)
        elif self.stopped:
            connection.abort()
        else:
            self.release(connection)

    # -- now and then
    def sweep(self, now: float) -> None:
        """Take connections from clients that take nothing while requests wait; follow the backend's name."""
        if self._waiting:
            self._reclaim(now)
        self._name.sweep(now)
        if not self.size:
            self.sweeper.forget(self)

    def _reclaim(self, now: float) -> None:
        stalled = [connection for connection in self._open if now - connection.stalled_at >= STALL_S]
        stalled.sort(key=lambda connection: connection.stalled_at)
        for connection in stalled[: len(self._waiting)]:
            connection.reclaim()

    async def aclose(self) -> None:
        """Close every connection; requests that wait are refused."""
        self.stopped = True
        self._name.stop()
        for task in tuple(self._tasks):
            task.cancel()
        while self._waiting:
            self._waiting.popleft().give_up("The gateway is stopping.", 503)
        for connection in tuple(self._open):
            connection.stop()
        await self._wait_for_tunnels()
        for connection in tuple(self._open):
            connection.abort()

    async def _wait_for_tunnels(self) -> None:
        """Let the backend take the close frames of tunnels that the gateway has ended, and close."""
        patience = int(_GOODBYE_S / _LOOK_S)
        while self._open and patience:
            await asyncio.sleep(_LOOK_S)
            patience -= 1
