"""
The connections to one backend: reused last in, first out; bounded, with a bounded queue behind the bound.

Source: RFC 9112 §9.3 to §9.5.
"""

from __future__ import annotations

import asyncio
from collections import deque

from gateway.wire.settings import UpstreamSettings
from gateway.wire.sweeper import Sweeper, sweeper
from gateway.wire.upstream.connection import UpstreamConnection
from gateway.wire.upstream.dial import Dial, cause
from gateway.wire.upstream.exchange import UpstreamExchange


class Pool:
    """
    Connections to one host and port.

    Attributes:
        size: Open connections, and those being opened.
        stopped: Connections end with the exchange that they carry.
    """

    def __init__(self, dial: Dial, settings: UpstreamSettings) -> None:
        self._dial = dial
        self.settings = settings
        self.size = 0
        self.stopped = False
        self._sweeper: Sweeper | None = None
        self._idle: list[UpstreamConnection] = []
        self._waiting: deque[UpstreamExchange] = deque()
        self._open: set[UpstreamConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

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
        while self._idle and not exchange.resends:
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
        else:
            exchange.refuse("All connections to the backend are in use, and too many requests wait.", 503)

    def withdraw(self, exchange: UpstreamExchange) -> None:
        """*exchange* no longer needs a connection."""
        self.sweeper.forget(exchange)
        if exchange in self._waiting:
            self._waiting.remove(exchange)

    def release(self, connection: UpstreamConnection) -> None:
        """*connection* can carry the next request."""
        connection.rest()
        if self._waiting:
            exchange = self._waiting.popleft()
            self.sweeper.forget(exchange)
            connection.start(exchange)
        else:
            self._idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """*connection* is closed."""
        self.size -= 1
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._feed_waiting()

    def _feed_waiting(self) -> None:
        if self._waiting and self.size < self.settings.max_connections:
            exchange = self._waiting.popleft()
            self.sweeper.forget(exchange)
            self._connect_for(exchange)

    def _connect_for(self, exchange: UpstreamExchange) -> None:
        self.size += 1
        self.sweeper.watch(exchange)
        task = asyncio.get_running_loop().create_task(self._connect(exchange))
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
            exchange.refuse(f"No connection to the backend {self._dial.place}: {cause(error)}.")
            self._feed_waiting()
            return
        except asyncio.CancelledError:
            self.size -= 1
            raise
        self._open.add(connection)
        self.sweeper.forget(exchange)
        if self.stopped:
            connection.abort()
        elif exchange.done:
            self.release(connection)
        else:
            connection.start(exchange)

    async def aclose(self) -> None:
        """Close every connection; requests that wait are refused."""
        self.stopped = True
        for task in tuple(self._tasks):
            task.cancel()
        while self._waiting:
            self._waiting.popleft().refuse("The gateway is stopping.", 503)
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.sleep(0)
