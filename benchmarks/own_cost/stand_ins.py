"""
Stand-ins for the kernel and the event loop's waiting: connections that are lists, and a clock that is moved by hand.

The loop is asyncio's own with another selector, so that tasks, futures and timers are the real ones. Nothing here
waits: where a loop would wait for its next timer, the clock moves on to it.
"""

from __future__ import annotations

import asyncio
import itertools
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Answers = Callable[[bytes], bytes]
Protocols = Callable[[], asyncio.Protocol]


class Wire(asyncio.Transport):
    """
    The transport of one connection.

    Attributes:
        protocol: What the bytes are for.
        sent: What the protocol has written and nobody has taken.
    """

    def __init__(self, protocol: asyncio.Protocol, sent: list[bytes], extra: Mapping[str, Any]) -> None:
        super().__init__()
        self.protocol = protocol
        self.sent = sent
        self._extra_info = extra
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(data)  # type: ignore[arg-type]

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._extra_info.get(name, default)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol  # type: ignore[assignment]

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Nobody waits for the end."""

    def pause_reading(self) -> None:
        """Bytes come when the driver brings them."""

    def resume_reading(self) -> None:
        """Bytes come when the driver brings them."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Everything is sent at once."""

    def get_write_buffer_size(self) -> int:
        return 0


class BackendWire(Wire):
    """
    A connection to the backend, which remembers that it has been asked.

    Attributes:
        request: The last bytes.
    """

    def __init__(self, protocol: asyncio.Protocol, backend: Backend) -> None:
        super().__init__(protocol, backend.received, {"socket": backend.silence})
        self._asked = backend.asked
        self.request: Any = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(data)  # type: ignore[arg-type]
        self.request = data
        self._asked.append(self)

    @property
    def path(self) -> bytes:
        """Of the last request."""
        return b"".join(self.request.split(b" ", 2)[1:2])


class Backend:
    """
    Everything that the gateway connects to.

    Attributes:
        asked: Connections with a request that has not been answered.
        received: What has been written on all of them.
        answer: To whatever is no document.
        silence: A socket with nothing to read: where a request must not be repeated, the pool asks the kernel for that.
    """

    def __init__(self, documents: Mapping[bytes, bytes], answer: bytes) -> None:
        """*documents*: answers by path."""
        self.asked: list[BackendWire] = []
        self.received: list[bytes] = []
        self.silence, self._unused = socket.socketpair()
        self._documents = documents
        self.answer = answer
        self._numbers = itertools.count(1)

    def connect(self, protocol: asyncio.Protocol) -> BackendWire:
        """A new connection for *protocol*."""
        wire = BackendWire(protocol, self)
        protocol.connection_made(wire)
        return wire

    def answer_all(self) -> None:
        """Answer what has been asked, each connection once."""
        asked = dict.fromkeys(self.asked)
        self.asked.clear()
        for wire in asked:
            if not wire.is_closing():
                wire.protocol.data_received(self._documents.get(wire.path, self.answer))

    def next_answer(self) -> bytes:
        """``answer`` as a backend gives it for another resource: with another date and entity tag."""
        number = next(self._numbers)
        date = b"%02d:%02d:%02d GMT" % (number // 3600 % 24, number // 60 % 60, number % 60)
        return self.answer.replace(b"00:00:00 GMT", date, 1).replace(b'ETag: "', b'ETag: "%d-' % number, 1)

    async def serve(self, seconds: float) -> None:
        """Answer while so much of the loop's time passes."""
        for _ in range(round(seconds * 1_000)):
            self.answer_all()
            time.sleep(0.0005)  # noqa: ASYNC251 (this loop has no clock on the wall; threads read authorities meanwhile)
            await asyncio.sleep(0.001)


class Clockwork(selectors.SelectSelector):
    """Never waits for the kernel. *now* is the loop's time in seconds."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let *timeout* pass at once; None: a thread works on something."""
        if timeout is None:
            time.sleep(0.001)
        else:
            self.now += max(0.0, timeout)
        return []


class Listening:
    """A listener that nobody can reach; the driver uses its protocols."""

    def close(self) -> None:
        """There is nothing to close."""

    async def wait_closed(self) -> None:
        """There is nothing to wait for."""


class StandInLoop(asyncio.SelectorEventLoop):
    """
    An event loop without sockets and signals.

    Attributes:
        backend: What connections lead to.
        listeners: By port, what makes the protocol of a client's connection.
        signals: What the program does at each signal.
    """

    def __init__(self, backend: Backend) -> None:
        self._clockwork = Clockwork()
        self.backend = backend
        self.listeners: dict[int, Protocols] = {}
        self.signals: dict[int, Callable[[], object]] = {}
        super().__init__(self._clockwork)

    def time(self) -> float:
        return self._clockwork.now

    async def create_connection(self, protocol_factory: Protocols, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        protocol = protocol_factory()
        return self.backend.connect(protocol), protocol

    async def create_server(self, protocol_factory: Protocols, *_: Any, sock: Any, **__: Any) -> Any:  # type: ignore[override]
        self.listeners[sock.getsockname()[1]] = protocol_factory
        return Listening()

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        self.signals[sig] = lambda: callback(*args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self.signals.pop(sig, None) is not None
