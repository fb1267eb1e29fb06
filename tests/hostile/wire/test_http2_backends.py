"""What a backend sends over HTTP/2 holds up no other client, ends no other stream and fills no memory."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hpack import Encoder

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.http2.connection import MAX_FRAMES, MAX_UNSENT_BYTES, Http2Connection
from gateway.wire.http2.pool import Http2Pool
from gateway.wire.messages import ForwardOptions, Request
from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream.dial import Direct
from gateway.wire.upstream.http_target import HttpTarget
from tests.hostile.wire.test_fair_loop import LONGEST_S
from tests.hostile.wire.turns import watched_turns
from tests.speed import on_this_machine

TWO = ForwardOptions(10.0, http_version="2")
_PREFACE_BYTES = 24
DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 3, 4, 6, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
CANCEL = (8).to_bytes(4, "big")
ROOM = (100_000).to_bytes(4, "big")


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame as it is on the wire."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def head(stream: int, status: str = "200", flags: int = END_HEADERS) -> bytes:
    """The head of an answer."""
    return frame(HEADERS, flags, stream, Encoder().encode([(":status", status)]))


class Line:
    """The backend's end of one connection, read frame by frame in a thread of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._file = connection.makefile("rb")
        self._file.read(_PREFACE_BYTES)
        self.send(frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0))

    def send(self, data: bytes) -> None:
        """Send *data*, and wait until the socket has taken it."""
        self.connection.sendall(data)

    def heads(self, count: int) -> None:
        """Read until *count* requests have begun."""
        while count:
            count -= self.read()[0] == HEADERS

    def read(self) -> tuple[int, int]:
        """The next frame: its kind and its stream."""
        header = self._file.read(9)
        if len(header) < 9:
            raise ConnectionError
        self._file.read(int.from_bytes(header[:3]))
        return header[3], int.from_bytes(header[5:9])


@contextmanager
def backend(script: Callable[[Line], None]) -> Iterator[str]:
    """A backend that plays *script* on its only connection; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def play() -> None:
            with suppress(OSError), server.accept()[0] as connection:
                connection.settimeout(20)
                script(Line(connection))

        thread = threading.Thread(target=play)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


TINY = {
    "empty frames": (frame(DATA, 0, 1), 28_000, b""),
    "one byte a frame": (frame(DATA, 0, 1, b"a"), 20_000, b"a"),
    "pings": (frame(PING, 0, 0, bytes(8)), 10_000, b""),
    "settings": (frame(SETTINGS, 0, 0), 10_000, b""),
}


@pytest.mark.parametrize("name", TINY)
def test_tiny_frames_leave_others_their_turn(name: str) -> None:
    """Thousands of frames in one piece are read over many turns, and the answer arrives complete."""
    tiny, count, content = TINY[name]

    def script(line: Line) -> None:
        line.heads(1)
        line.send(head(1))
        reader = threading.Thread(target=lambda: [None for _ in iter(lambda: line.connection.recv(1 << 20), b"")])
        reader.start()
        line.send(tiny * count + frame(DATA, END_STREAM, 1, b"end"))
        reader.join()

    async def scenario() -> None:
        with backend(script) as url:
            target = HttpTarget(url)
            async with watched_turns() as turns:
                response = await target.send(Request("GET", "/"), TWO)
                await response.body.buffer(1 << 20)
            await target.aclose()
        assert response.body.content == content * count + b"end"
        assert turns.count > count / MAX_FRAMES
        assert turns.longest_s < on_this_machine(LONGEST_S)

    asyncio.run(scenario())


def test_a_reset_behind_more_room_ends_one_stream() -> None:
    """If the backend resets a stream right after a WINDOW_UPDATE for it, no other stream ends."""

    def script(line: Line) -> None:
        line.heads(2)
        line.send(frame(WINDOW_UPDATE, 0, 1, ROOM) + frame(WINDOW_UPDATE, 0, 0, ROOM) + frame(RST_STREAM, 0, 1, CANCEL))
        line.send(head(3, flags=END_HEADERS | END_STREAM))
        with suppress(ConnectionError):
            while True:
                line.read()

    async def scenario() -> None:
        with backend(script) as url:
            target = HttpTarget(url)
            upload = BodyStream()
            upload.feed(bytes(1_000_000))
            first = target.send(Request("POST", "/", body=Body(stream=upload)), TWO)
            await asyncio.sleep(0.1)
            response = await target.send(Request("GET", "/"), TWO)
            with pytest.raises(UpstreamError, match="reset the stream"):
                await first
            await target.aclose()
        assert response.status_code == 200

    asyncio.run(scenario())


class Unread(asyncio.Transport):
    """A transport whose other end reads nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.unsent, self.closed = 0, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.unsent += len(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    close = abort


def test_a_backend_that_pings_and_never_reads() -> None:
    """Unread replies to control frames do not pile up: the connection ends."""
    ping, transport = frame(PING, 0, 0, bytes(8)), Unread()

    async def scenario() -> None:
        connection = Http2Connection(Http2Pool(Direct("127.0.0.1", 1), UpstreamSettings(), negotiated=False))
        connection.connection_made(transport)
        connection.data_received(frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0))
        while not transport.closed:
            connection.data_received(ping * 100)

    asyncio.run(scenario())
    assert transport.unsent < MAX_UNSENT_BYTES + 2 * 100 * len(ping)


STATUSES = ["101", "200 OK", "200\r\nx-more: 1", "20", "0200", "abc"]


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_three_digits(status: str) -> None:
    """An invalid or repeated status is not an answer: it becomes neither a header field nor a protocol switch."""

    def script(line: Line) -> None:
        line.heads(1)
        line.send(head(1, status, END_HEADERS) + head(1, "200", END_HEADERS | END_STREAM))
        with suppress(ConnectionError):
            while True:
                line.read()

    async def scenario() -> None:
        informed: list[int] = []
        request = Request("GET", "/")
        request.interim = lambda response: informed.append(response.status_code)
        with backend(script) as url:
            target = HttpTarget(url)
            with pytest.raises(UpstreamError, match="broke the protocol"):
                await target.send(request, TWO)
            await target.aclose()
        assert informed == []

    asyncio.run(scenario())
