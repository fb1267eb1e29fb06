"""Rows of RFC 9113 §6 and §7: each type of frame, flow control, error codes."""

from __future__ import annotations

from tests.wire.server.http2.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    LARGEST_WINDOW,
    PADDED,
    PRIORITY_FLAG,
    RESERVED_BIT,
    Code,
    Kind,
    Setting,
    continuation,
    data,
    frame,
    goaway,
    headers,
    literal,
    opening,
    padded,
    ping,
    post,
    priority,
    request,
    reset,
    settings,
    window,
)
from tests.wire.server.http2.raw_client import RawClient
from tests.wire.server.http2.row import (
    ACCEPTED,
    CLOSED,
    FLOW,
    NO_EFFECT,
    PROTOCOL,
    SIZE,
    STREAM_PROTOCOL,
    Content,
    Row,
    Settings,
    stream,
)

GET = headers(1, request())
HELD = headers(1, request(path=b"/hold"))
OPENED = opening(1, post())
STREAM_FLOW = (stream(Code.FLOW_CONTROL_ERROR),)
NARROW = ((Setting.INITIAL_WINDOW_SIZE, 1),)
SHUT = ((Setting.INITIAL_WINDOW_SIZE, 0),)
PRIORITIZED = END_HEADERS | END_STREAM | PRIORITY_FLAG
WHOLE = END_HEADERS | END_STREAM


def _pong(client: RawClient, received: bytes) -> bool:
    return client.pongs.count(b"12345678") == 1


def _no_pong(client: RawClient, received: bytes) -> bool:
    return b"12345678" not in client.pongs


def _sizes(client: RawClient, of: int = 1) -> list[int]:
    return [len(seen.payload) for seen in client.frames if seen.kind == Kind.DATA and seen.stream == of]


def _beyond_stream_window(server: Settings) -> bytes:
    length = server.get(Setting.INITIAL_WINDOW_SIZE, 65_535) + 1
    pieces = [bytes(min(16_384, length - start)) for start in range(0, length, 16_384)]
    return opening(1, request(method=b"POST", path=b"/hold")) + b"".join(data(1, piece, 0) for piece in pieces)


ROWS = [
    # -- §6.1
    Row("§6.1", "DATA on stream 0", [data(0, b"a")], PROTOCOL),
    Row(
        "§6.1",
        "DATA with padding",
        [OPENED + data(1, padded(b"abc", 200), END_STREAM | PADDED)],
        ACCEPTED,
        check=lambda _, received: received.endswith((b"\r\n\r\nabc", b"\r\n3\r\nabc\r\n0\r\n\r\n")),
    ),
    Row("§6.1", "DATA with a padding of 0", [OPENED + data(1, padded(b"abc", 0), END_STREAM | PADDED)], ACCEPTED),
    Row("§6.1", "DATA of padding alone", [OPENED + data(1, padded(b"", 10), END_STREAM | PADDED)], ACCEPTED),
    Row("§6.1", "empty DATA that ends the stream", [OPENED + data(1)], ACCEPTED),
    Row("§6.1", "empty DATA in between", [OPENED + data(1, b"a", 0) + data(1, b"", 0) + data(1, b"b")], ACCEPTED),
    Row("§6.1", "DATA with as much padding as payload", [OPENED + data(1, b"\4abc", END_STREAM | PADDED)], PROTOCOL),
    Row("§6.1", "DATA with more padding than payload", [OPENED + data(1, b"\xffabc", END_STREAM | PADDED)], PROTOCOL),
    Row("§6.1", "DATA with PADDED and no payload", [OPENED + data(1, b"", END_STREAM | PADDED)], (*SIZE, *PROTOCOL)),
    # -- §6.2
    Row("§6.2", "HEADERS on stream 0", [headers(0, request())], PROTOCOL),
    Row("§6.2", "HEADERS with padding", [headers(1, padded(request(), 200), WHOLE | PADDED)], ACCEPTED),
    Row("§6.2", "HEADERS with a priority", [headers(1, b"\x80\0\0\0\xff" + request(), PRIORITIZED)], ACCEPTED),
    Row(
        "§6.2",
        "HEADERS with padding and a priority",
        [headers(1, padded(b"\0\0\0\0\xff" + request(), 9), PRIORITIZED | PADDED)],
        ACCEPTED,
    ),
    Row("§6.2", "HEADERS with as much padding as payload", [headers(1, b"\4abc", WHOLE | PADDED)], PROTOCOL),
    Row("§6.2", "HEADERS with more padding than payload", [headers(1, b"\xff" + request(), WHOLE | PADDED)], PROTOCOL),
    Row("§6.2", "HEADERS with PADDED and no payload", [headers(1, b"", WHOLE | PADDED)], (*SIZE, *PROTOCOL)),
    Row("§6.2", "HEADERS with a priority of 4 octets", [headers(1, b"\0\0\0\0", PRIORITIZED)], (*SIZE, *PROTOCOL)),
    Row("§6.2", "PING inside a field block", [headers(1, request(), END_STREAM) + ping()], PROTOCOL),
    Row("§6.2", "DATA inside a field block", [headers(1, post(), 0) + data(1, b"a")], PROTOCOL),
    Row("§6.2", "SETTINGS inside a field block", [headers(1, request(), END_STREAM) + settings()], PROTOCOL),
    Row("§6.2", "WINDOW_UPDATE inside a field block", [headers(1, request(), END_STREAM) + window(0, 1)], PROTOCOL),
    Row("§6.2", "RST_STREAM inside a field block", [headers(1, request(), END_STREAM) + reset(1)], PROTOCOL),
    Row(
        "§6.2",
        "HEADERS of another stream inside a field block",
        [headers(1, request(), END_STREAM) + headers(3, request())],
        PROTOCOL,
    ),
    Row(
        "§6.2",
        "HEADERS of the same stream inside a field block",
        [headers(1, request(), END_STREAM) + headers(1, request())],
        PROTOCOL,
    ),
    Row(
        "§6.2",
        "CONTINUATION of another stream inside a field block",
        [OPENED + headers(3, request(), END_STREAM) + continuation(1, b"")],
        PROTOCOL,
    ),
    # -- §6.3
    Row("§6.3", "PRIORITY on stream 0", [priority(0)], PROTOCOL),
    Row(
        "§6.3",
        "PRIORITY of 4 octets on an open stream",
        [OPENED + frame(Kind.PRIORITY, 1, bytes(4))],
        (stream(Code.FRAME_SIZE_ERROR), *SIZE),
    ),
    Row(
        "§6.3",
        "PRIORITY of 6 octets on an open stream",
        [OPENED + frame(Kind.PRIORITY, 1, bytes(6))],
        (stream(Code.FRAME_SIZE_ERROR), *SIZE),
    ),
    Row("§6.3", "PRIORITY inside a field block", [headers(1, request(), END_STREAM) + priority(1)], PROTOCOL),
    Row("§6.3", "PRIORITY on an open stream", [OPENED + priority(1) + data(1, b"a")], ACCEPTED),
    # -- §6.4
    Row("§6.4", "RST_STREAM on stream 0", [reset(0)], PROTOCOL),
    Row("§6.4", "RST_STREAM of 3 octets", [OPENED + frame(Kind.RST_STREAM, 1, bytes(3))], SIZE),
    Row("§6.4", "RST_STREAM of 5 octets", [OPENED + frame(Kind.RST_STREAM, 1, bytes(5))], SIZE),
    Row(
        "§6.4",
        "RST_STREAM while the answer is awaited: nothing more comes for the stream",
        [HELD + reset(1)],
        NO_EFFECT,
        check=lambda client, _: not client.statuses.get(1),
    ),
    # -- §6.5
    Row("§6.5", "an acknowledgement with content", [frame(Kind.SETTINGS, 0, bytes(6), ACK)], SIZE),
    Row("§6.5", "SETTINGS on stream 1", [frame(Kind.SETTINGS, 1)], PROTOCOL),
    Row("§6.5", "SETTINGS of 5 octets", [frame(Kind.SETTINGS, 0, bytes(5))], SIZE),
    Row("§6.5", "SETTINGS of 7 octets", [frame(Kind.SETTINGS, 0, bytes(7))], SIZE),
    Row("§6.5.2", "ENABLE_PUSH of 0", [settings((Setting.ENABLE_PUSH, 0))], NO_EFFECT),
    Row("§6.5.2", "ENABLE_PUSH of 1", [settings((Setting.ENABLE_PUSH, 1))], NO_EFFECT),
    Row("§6.5.2", "ENABLE_PUSH of 2", [settings((Setting.ENABLE_PUSH, 2))], PROTOCOL),
    Row(
        "§6.5.2", "INITIAL_WINDOW_SIZE of 2^31-1", [settings((Setting.INITIAL_WINDOW_SIZE, LARGEST_WINDOW))], NO_EFFECT
    ),
    Row("§6.5.2", "INITIAL_WINDOW_SIZE of 2^31", [settings((Setting.INITIAL_WINDOW_SIZE, 2**31))], FLOW),
    Row("§6.5.2", "MAX_FRAME_SIZE of 16,383", [settings((Setting.MAX_FRAME_SIZE, 16_383))], PROTOCOL),
    Row("§6.5.2", "MAX_FRAME_SIZE of 2^24-1", [settings((Setting.MAX_FRAME_SIZE, 2**24 - 1))], NO_EFFECT),
    Row("§6.5.2", "MAX_FRAME_SIZE of 2^24", [settings((Setting.MAX_FRAME_SIZE, 2**24))], PROTOCOL),
    Row(
        "§6.5.2",
        "MAX_CONCURRENT_STREAMS of 0, which is about pushes",
        [settings((Setting.MAX_CONCURRENT_STREAMS, 0)) + GET],
        ACCEPTED,
    ),
    Row(
        "§6.5.2",
        "an unknown setting with a known one behind it",
        [settings((0x99, 1), (Setting.ENABLE_PUSH, 2))],
        PROTOCOL,
    ),
    Row(
        "§6.5.3",
        "SETTINGS are acknowledged, each once",
        [settings((Setting.INITIAL_WINDOW_SIZE, 70_000)) + settings()],
        NO_EFFECT,
        check=lambda client, _: client.acknowledged == 3,
    ),
    Row(
        "§6.5.3",
        "an acknowledgement of nothing is not acknowledged",
        [settings(flags=ACK)],
        (*NO_EFFECT, *PROTOCOL),
        check=lambda client, _: client.acknowledged == 1,
    ),
    Row(
        "§6.5.3",
        "one setting twice: the last value counts",
        [settings((Setting.INITIAL_WINDOW_SIZE, 0), (Setting.INITIAL_WINDOW_SIZE, 1)) + GET + window(1, 100)],
        ACCEPTED,
        probe=0,
        check=lambda client, _: _sizes(client)[0] in (1, 2),
    ),
    # -- §6.6
    Row(
        "§6.6",
        "PUSH_PROMISE from a client on an open stream",
        [OPENED + frame(Kind.PUSH_PROMISE, 1, b"\0\0\0\2" + request(), END_HEADERS)],
        PROTOCOL,
    ),
    Row(
        "§6.6",
        "PUSH_PROMISE from a client on stream 0",
        [frame(Kind.PUSH_PROMISE, 0, b"\0\0\0\2" + request(), END_HEADERS)],
        PROTOCOL,
    ),
    # -- §6.7
    Row("§6.7", "PING is answered with the same payload", [ping()], NO_EFFECT, check=_pong),
    Row("§6.7", "an answer to no PING is not answered", [ping(flags=ACK)], NO_EFFECT, check=_no_pong),
    Row("§6.7", "PING on stream 1", [frame(Kind.PING, 1, bytes(8))], PROTOCOL),
    Row("§6.7", "PING of 7 octets", [ping(bytes(7))], SIZE),
    Row("§6.7", "PING of 9 octets", [ping(bytes(9))], SIZE),
    # -- §6.8
    Row("§6.8", "GOAWAY on stream 1", [frame(Kind.GOAWAY, 1, bytes(8))], PROTOCOL),
    Row("§6.8", "GOAWAY of 7 octets", [frame(Kind.GOAWAY, 0, bytes(7))], SIZE),
    Row("§6.8", "GOAWAY while a request is answered", [GET + goaway(debug=b"so long")], ACCEPTED, probe=0),
    Row("§6.8", "the reserved bit of GOAWAY's last stream", [GET + goaway(RESERVED_BIT)], ACCEPTED, probe=0),
    # -- §6.9
    Row("§6.9", "an increment of 0 on a stream", [OPENED + window(1, 0)], STREAM_PROTOCOL),
    Row("§6.9", "an increment of 0 on the connection", [window(0, 0)], PROTOCOL),
    Row("§6.9", "WINDOW_UPDATE of 3 octets on the connection", [frame(Kind.WINDOW_UPDATE, 0, bytes(3))], SIZE),
    Row("§6.9", "WINDOW_UPDATE of 5 octets on a stream", [OPENED + frame(Kind.WINDOW_UPDATE, 1, b"\0\0\0\1\0")], SIZE),
    Row("§6.9", "the reserved bit of an increment", [frame(Kind.WINDOW_UPDATE, 0, b"\x80\0\0\1")], NO_EFFECT),
    Row("§6.9", "more DATA than the window takes", [_beyond_stream_window], (*STREAM_FLOW, *FLOW)),
    Row(
        "§6.9.1",
        "an answer of 2 octets into a window of 1",
        [GET, Content(1, 1)],
        NO_EFFECT,
        announced=NARROW,
        check=lambda client, _: _sizes(client) == [1] and 1 not in client.ended,
        probe=0,
    ),
    Row(
        "§6.9.1",
        "an answer of 2 octets into a window that grows octet by octet",
        [GET + window(1, 1)],
        ACCEPTED,
        announced=NARROW,
        check=lambda client, _: client.bodies[1] == b"ok" and max(_sizes(client)) <= 2,
        probe=0,
    ),
    Row("§6.9.1", "a stream's window beyond 2^31-1", [HELD + window(1, LARGEST_WINDOW) + window(1, 1)], STREAM_FLOW),
    Row("§6.9.1", "the connection's window beyond 2^31-1", [window(0, LARGEST_WINDOW) + window(0, 1)], FLOW),
    Row(
        "§6.9.2",
        "a window of 0 that SETTINGS raise",
        [GET + settings((Setting.INITIAL_WINDOW_SIZE, 9))],
        ACCEPTED,
        announced=SHUT,
    ),
    Row(
        "§6.9.2",
        "SETTINGS that take a stream's window beyond 2^31-1",
        [HELD + window(1, LARGEST_WINDOW - 65_535) + settings((Setting.INITIAL_WINDOW_SIZE, 65_536))],
        FLOW,
    ),
    Row(
        "§6.9.2",
        "a window that SETTINGS make negative takes nothing until it is positive again",
        [headers(1, request(path=b"/large")), Content(1, 3), settings((Setting.INITIAL_WINDOW_SIZE, 0)) + window(1, 3)],
        NO_EFFECT,
        announced=((Setting.INITIAL_WINDOW_SIZE, 3),),
        check=lambda client, _: sum(_sizes(client)) == 3,
        probe=0,
    ),
    Row(
        "§6.9.2",
        "a window that SETTINGS made negative and WINDOW_UPDATE positive",
        [
            headers(1, request(path=b"/large")),
            Content(1, 3),
            settings((Setting.INITIAL_WINDOW_SIZE, 0)) + window(1, 4),
            Content(1, 4),
        ],
        NO_EFFECT,
        announced=((Setting.INITIAL_WINDOW_SIZE, 3),),
        check=lambda client, _: sum(_sizes(client)) == 4,
        probe=0,
    ),
    Row(
        "§6.9.2",
        "SETTINGS do not change the connection's window",
        [settings((Setting.INITIAL_WINDOW_SIZE, 200_000)) + headers(1, request(path=b"/large")), Content(1, 65_535)],
        NO_EFFECT,
        check=lambda client, _: len(client.bodies[1]) == 65_535,
        probe=0,
    ),
    # -- §6.10
    Row("§6.10", "CONTINUATION on stream 0", [headers(1, request(), END_STREAM) + continuation(0, b"")], PROTOCOL),
    Row(
        "§6.10", "CONTINUATION behind a complete field block", [OPENED + continuation(1, literal(b"x", b"y"))], PROTOCOL
    ),
    Row(
        "§6.10",
        "CONTINUATION behind DATA",
        [OPENED + data(1, b"a", 0) + continuation(1, literal(b"x", b"y"))],
        PROTOCOL,
    ),
    Row(
        "§6.10",
        "CONTINUATION behind a last CONTINUATION",
        [headers(1, post(), 0) + continuation(1, b"") + continuation(1, b"")],
        PROTOCOL,
    ),
    Row(
        "§6.10",
        "an empty HEADERS with its block in CONTINUATION",
        [headers(1, b"", END_STREAM) + continuation(1, request())],
        ACCEPTED,
    ),
    Row(
        "§6.10",
        "three empty CONTINUATIONs",
        [headers(1, request(), END_STREAM) + continuation(1, b"", 0) * 3 + continuation(1, b"")],
        ACCEPTED,
    ),
    # -- §7
    Row("§7", "RST_STREAM with an unknown code", [HELD + reset(1, 0xFFFF)], NO_EFFECT),
    Row("§7", "GOAWAY with an unknown code", [GET + goaway(code=0xFFFF)], (*ACCEPTED, CLOSED), probe=0),
]
