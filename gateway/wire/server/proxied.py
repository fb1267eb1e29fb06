"""
A listener whose connections do not begin with HTTP: with a PROXY header, with a TLS handshake, or with both.

While that is under way there is no connection yet that could be counted and waited for. So it is counted here, leaves
the last descriptors to others, and has as long as a request's head.

Only peers in ``trusted-proxies`` may send a PROXY header, and they must: which of the two applies is known before the
first byte, because the specification forbids guessing. The header is taken from the socket before a transport has it,
and not one byte more: TLS, its handshake included, begins behind it as on any other connection.

Source: "The PROXY protocol, versions 1 & 2", section 2.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from gateway.reading.values import UNIX
from gateway.wire.server.forwarded import Introduction
from gateway.wire.server.forwarding_fields import is_within
from gateway.wire.server.proxy_header import MOST_BYTES, ProxyHeaderError, client_of, extent
from gateway.wire.server.request_head import HeadError
from gateway.wire.server.sockets import is_near_limit

if TYPE_CHECKING:
    from gateway.wire.server.listener import Listener

_AT_ONCE = 32  # connections accepted in one turn of the loop
_PAUSE_S = 1.0  # when descriptors or memory have run out
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_LOOK_S = 0.02


Serve: TypeAlias = Callable[[Introduction | None], asyncio.Protocol]
"""Makes the protocol of a connection; None: nobody introduces it."""


class ProxiedListener:
    """
    Accepts on one socket, in place of an ``asyncio.Server``, which knows neither.

    Args:
        listening: The bound socket.
        listener: Has the settings, and is told of what is refused.
        connections: How many there are, without those whose header or handshake is on its way.
    """

    def __init__(
        self,
        listening: socket.socket,
        listener: Listener,
        serve: Serve,
        tls: ssl.SSLContext | None,
        connections: Callable[[], int],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._listener = listener
        self._serve = serve
        self._tls = tls
        self._connections = connections
        self._waiting: set[_Header] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._is_open = True
        listening.setblocking(False)
        self._loop.add_reader(listening.fileno(), self._accept)

    # -- as asyncio.Server
    def close(self) -> None:
        """Accept nothing more."""
        if not self._is_open:
            return
        self._is_open = False
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listening.fileno())
        self._listening.close()

    async def settle(self, within_s: float) -> None:
        """Accept nothing more, and let proxies that have connected say for whom: a request is on its way then."""
        self.close()
        for _ in range(int(within_s / _LOOK_S)):
            if not self._waiting:
                break
            await asyncio.sleep(_LOOK_S)
        for header in tuple(self._waiting):
            header.end()

    async def wait_closed(self) -> None:
        """End what has not become a connection."""
        for header in tuple(self._waiting):
            header.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- connections
    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, address = self._listening.accept()
            except OSError as error:
                self._rest_if(error.errno in _EXHAUSTED)
                return
            connection.setblocking(False)
            self._admit(connection, address[0] if isinstance(address, tuple) else UNIX)

    def _rest_if(self, is_exhausted: bool) -> None:
        """Let others wait in the kernel's queue until something has ended."""
        if not is_exhausted:
            return
        self._loop.remove_reader(self._listening.fileno())
        self._pause = self._loop.call_later(_PAUSE_S, self._loop.add_reader, self._listening.fileno(), self._accept)

    def _admit(self, connection: socket.socket, peer: str) -> None:
        settings = self._listener.settings
        is_proxy = settings.proxy_protocol and is_within(peer, settings.trusted_proxies)
        shortage = self._shortage(connection, is_proxy, settings.limits.connections)
        if shortage:
            self._begin(connection, Introduction(refusal=HeadError(503, shortage)), peer)
        elif is_proxy:
            header = _Header(self._loop, connection, partial(self._introduce, peer))
            self._waiting.add(header)
            header.begin(settings.timeouts.head_s)
        else:
            self._begin(connection, None)

    def _shortage(self, connection: socket.socket, is_proxy: bool, most: int | None) -> str:
        """What there is too little of for what *connection* begins with; one that begins with HTTP looks itself."""
        if not is_proxy and self._tls is None:
            return ""
        # After its handshake a connection looks itself, and can be answered.
        introduced = len(self._waiting) + self._connections() if is_proxy else 0
        if most is not None and (introduced >= most or len(self._tasks) > most):
            return "Too many connections"
        return "Out of file descriptors" if is_near_limit(connection.fileno()) else ""

    def _introduce(self, peer: str, header: _Header, introduction: Introduction | None) -> None:
        """The header has been read, or will not be; *introduction* is None where nothing has come of it."""
        self._waiting.discard(header)
        if introduction is None:
            header.connection.close()
        else:
            self._begin(header.connection, introduction, peer)

    def _begin(self, connection: socket.socket, introduction: Introduction | None, peer: str = "") -> None:
        refusal = None if introduction is None else introduction.refusal
        if refusal is not None and self._tls is not None:  # there is nobody yet to whom an answer could be sent
            self._listener.note(refusal, "", peer)
            connection.close()
            return
        task = self._loop.create_task(self._connect(connection, introduction))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: socket.socket, introduction: Introduction | None) -> None:
        """Hand *connection* to a transport. A handshake that fails has closed it."""
        within_s = None if self._tls is None else self._listener.settings.timeouts.head_s
        try:
            await self._loop.connect_accepted_socket(
                partial(self._serve, introduction), connection, ssl=self._tls, ssl_handshake_timeout=within_s
            )
        except OSError:
            connection.close()


class _Header:
    """
    The header of one connection, on its way.

    Attributes:
        connection: The socket, of which nothing but the header is read.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: socket.socket,
        ended: Callable[[_Header, Introduction | None], None],
    ) -> None:
        self.connection = connection
        self._loop = loop
        self._ended = ended
        self._received = b""
        self._deadline: asyncio.TimerHandle | None = None

    def begin(self, within_s: float) -> None:
        """Read it; all of it has to come *within_s*."""
        self._deadline = self._loop.call_later(within_s, self._time_out)
        self._loop.add_reader(self.connection.fileno(), self._read)

    def end(self, introduction: Introduction | None = None) -> None:
        """Read nothing more."""
        if self._deadline is None:
            return
        self._deadline.cancel()
        self._deadline = None
        self._loop.remove_reader(self.connection.fileno())
        self._ended(self, introduction)

    def _time_out(self) -> None:
        """A peer that has sent nothing is looking whether somebody listens."""
        late = HeadError(408, "PROXY header not received in time")
        self.end(Introduction(refusal=late) if self._received else None)

    def _read(self) -> None:
        """Take what is there of the header, and leave what follows it."""
        try:
            ahead = self.connection.recv(MOST_BYTES, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            ahead = b""
        if ahead:
            self._take(ahead)
        else:
            self.end()  # the peer has left

    def _take(self, ahead: bytes) -> None:
        try:
            size, is_whole = extent(self._received + ahead)
            self._received += self.connection.recv(size - len(self._received))
            if is_whole:
                self.end(Introduction(client_of(self._received)))
        except ProxyHeaderError as error:
            self.end(Introduction(refusal=HeadError(400, f"{_REFUSED}: {error}")))


_REFUSED = "A trusted proxy's connection has no PROXY header that can be read"
