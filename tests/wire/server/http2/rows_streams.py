"""Rows of RFC 9113 §5: states of streams, their identifiers and number, flow control's principles, errors."""

from __future__ import annotations

from tests.wire.server.http2 import frames
from tests.wire.server.http2.frames import (
    END_HEADERS,
    END_STREAM,
    LARGEST_STREAM,
    Code,
    Kind,
    Setting,
    continuation,
    data,
    frame,
    headers,
    literal,
    opening,
    post,
    priority,
    request,
    reset,
    settings,
    window,
)
from tests.wire.server.http2.raw_client import RawClient
from tests.wire.server.http2.row import ACCEPTED, IGNORED, NO_EFFECT, PROTOCOL, Row, Settings, connection, stream

GET = headers(1, request())
HELD = headers(1, request(path=b"/hold"))  # the backend does not answer, so the stream stays half-closed
OPENED = opening(1, post())
CLOSED_STREAM = (stream(Code.STREAM_CLOSED), connection(Code.STREAM_CLOSED))
REUSED = (*CLOSED_STREAM, *PROTOCOL)
MALFORMED_REQUEST = opening(1, request((b"Upper", b"case"), method=b"POST"))


def _beyond_concurrency(server: Settings) -> bytes:
    allowed = server.get(Setting.MAX_CONCURRENT_STREAMS, 1000)
    return b"".join(headers(number, request(path=b"/hold")) for number in range(1, 2 * allowed + 2, 2)) + reset(1)


def _refused_the_last(client: RawClient, received: bytes) -> bool:
    allowed = client.settings[Setting.MAX_CONCURRENT_STREAMS]
    return client.resets.get(2 * allowed + 1) in (Code.REFUSED_STREAM, Code.PROTOCOL_ERROR) and len(client.resets) == 1


def _indexed_behind_a_refusal(server: Settings) -> bytes:
    """The refused request adds a field to the table; one that is allowed, because another has ended, names it."""
    allowed = server[Setting.MAX_CONCURRENT_STREAMS]
    refused = 2 * allowed + 1
    held = b"".join(headers(number, request(path=b"/hold")) for number in range(1, refused, 2))
    indexed = headers(refused, request() + literal(b"x-kept", b"1", 0x40))
    return held + indexed + reset(1) + reset(3) + headers(refused + 2, request() + b"\xbe")


def _one_goaway_then_nothing(client: RawClient, received: bytes) -> bool:
    return client.frames[-1].kind == Kind.GOAWAY and client.closed


def _no_reset_for_a_reset(client: RawClient, received: bytes) -> bool:
    return not client.resets


def _credit_returns(client: RawClient, received: bytes) -> bool:
    increments = [
        int.from_bytes(seen.payload, "big")
        for seen in client.frames
        if seen.kind == Kind.WINDOW_UPDATE and not seen.stream
    ]
    return sum(increments) >= 60_000


ROWS = [
    # -- §5.1, idle
    Row("§5.1", "DATA on an idle stream", [data(1, b"a")], PROTOCOL),
    Row("§5.1", "RST_STREAM on an idle stream", [reset(1)], PROTOCOL),
    Row("§5.1", "WINDOW_UPDATE on an idle stream", [window(1, 100)], PROTOCOL),
    Row("§5.1", "CONTINUATION on an idle stream", [continuation(1, request())], PROTOCOL),
    Row("§5.1", "PRIORITY on an idle stream", [priority(1)], NO_EFFECT),
    Row("§5.1", "WINDOW_UPDATE on an idle stream of the server's", [window(2, 100)], PROTOCOL),
    # -- §5.1, half-closed (remote)
    Row("§5.1", "DATA behind END_STREAM", [HELD + data(1, b"a")], CLOSED_STREAM),
    Row("§5.1", "HEADERS behind END_STREAM", [HELD + headers(1, request())], REUSED),
    Row(
        "§5.1",
        "CONTINUATION behind END_STREAM",
        [HELD + continuation(1, literal(b"x", b"y"))],
        (*CLOSED_STREAM, *PROTOCOL),
    ),
    Row("§5.1", "WINDOW_UPDATE behind END_STREAM", [GET + window(1, 100)], ACCEPTED),
    Row("§5.1", "PRIORITY behind END_STREAM", [GET + priority(1)], ACCEPTED),
    Row("§5.1", "RST_STREAM behind END_STREAM", [HELD + reset(1)], NO_EFFECT, check=_no_reset_for_a_reset),
    Row(
        "§5.1",
        "trailers, then DATA",
        [OPENED + headers(1, literal(b"x", b"y")) + data(1, b"a")],
        CLOSED_STREAM + ACCEPTED,
    ),
    # -- §5.1, closed
    Row(
        "§5.1",
        "DATA on a stream that the client reset",
        [opening(1, post()) + reset(1) + data(1, b"a")],
        (*CLOSED_STREAM, IGNORED),
    ),
    Row("§5.1", "HEADERS on a stream that the client reset", [OPENED + reset(1) + headers(1, request())], REUSED),
    Row(
        "§5.1",
        "CONTINUATION on a stream that the client reset",
        [OPENED + reset(1) + continuation(1, literal(b"x", b"y"))],
        REUSED,
    ),
    Row("§5.1", "DATA on an answered stream", [GET, 1, data(1, b"a")], (*CLOSED_STREAM, *ACCEPTED)),
    Row("§5.1", "HEADERS on an answered stream", [GET, 1, headers(1, request())], REUSED),
    Row("§5.1", "CONTINUATION on an answered stream", [GET, 1, continuation(1, literal(b"x", b"y"))], REUSED),
    Row("§5.1", "WINDOW_UPDATE on an answered stream", [GET, 1, window(1, 100)], ACCEPTED),
    Row("§5.1", "RST_STREAM on an answered stream", [GET, 1, reset(1)], ACCEPTED, check=_no_reset_for_a_reset),
    Row("§5.1", "PRIORITY on an answered stream", [GET, 1, priority(1)], ACCEPTED),
    Row(
        "§5.1",
        "DATA and trailers behind the server's reset",
        [MALFORMED_REQUEST, 1, data(1, b"a", 0) + headers(1, literal(b"x", b"y"))],
        ("400", stream(Code.PROTOCOL_ERROR), stream(Code.STREAM_CLOSED)),
    ),
    Row(
        "§5.1",
        "a block with an index behind the server's reset keeps the table right",
        [MALFORMED_REQUEST, 1, headers(1, literal(b"x-kept", b"1", 0x40)) + headers(3, request() + b"\xbe")],
        ACCEPTED,
        stream=3,
    ),
    Row(
        "§5.1",
        "60 KB on a stream that the server has reset return to the connection's window",
        [MALFORMED_REQUEST, 1, *[data(1, bytes(15_000), 0)] * 4],
        ("400", stream(Code.PROTOCOL_ERROR), stream(Code.STREAM_CLOSED)),
        check=_credit_returns,
    ),
    # -- §5.1.1
    Row("§5.1.1", "HEADERS on a stream with an even number", [headers(2, request())], PROTOCOL),
    Row(
        "§5.1.1",
        "a stream with a lower number than the one before",
        [headers(5, request()), 5, headers(3, request())],
        (*PROTOCOL, *CLOSED_STREAM),
        stream=3,
    ),
    Row(
        "§5.1.1",
        "a stream with the number of one that was passed over, while the later one is open",
        [headers(5, request(path=b"/hold")) + headers(3, request())],
        (*PROTOCOL, *CLOSED_STREAM),
        stream=3,
    ),
    Row("§5.1.1", "numbers passed over", [headers(1, request()) + headers(77, request())], ACCEPTED, stream=77),
    Row(
        "§5.1.1",
        "the largest number",
        [headers(LARGEST_STREAM, request()), LARGEST_STREAM],
        ACCEPTED,
        stream=LARGEST_STREAM,
        probe=0,
    ),
    # -- §5.1.2
    Row(
        "§5.1.2",
        "one stream more than allowed",
        [_beyond_concurrency],
        NO_EFFECT,
        stream=0,
        check=_refused_the_last,
        needs=Setting.MAX_CONCURRENT_STREAMS,
        probe=9999,
    ),
    # -- §5.3
    Row(
        "§5.3.2",
        "HEADERS that depend on their own stream",
        [headers(1, b"\0\0\0\1\x0f" + request(), END_HEADERS | END_STREAM | frames.PRIORITY_FLAG)],
        (*ACCEPTED, stream(Code.PROTOCOL_ERROR)),
    ),
    Row(
        "§5.3.2",
        "PRIORITY that depends on its own stream",
        [priority(1, depends_on=1)],
        (IGNORED, stream(Code.PROTOCOL_ERROR)),
    ),
    # -- §5.4
    Row(
        "§5.4.1",
        "after a connection error the server closes",
        [data(0, b"a")],
        PROTOCOL,
        check=_one_goaway_then_nothing,
    ),
    Row(
        "§5.4.1",
        "GOAWAY names the last stream that was processed",
        [GET, 1, headers(3, request(path=b"/hold")) + data(0, b"a")],
        PROTOCOL,
        check=lambda client, _: client.goaway is not None and client.goaway[0] >= 3,
    ),
    Row(
        "§5.4.2",
        "RST_STREAM is not answered with one",
        [OPENED + reset(1, Code.PROTOCOL_ERROR)],
        NO_EFFECT,
        check=_no_reset_for_a_reset,
    ),
    # -- §5.5
    Row("§5.5", "an unknown setting", [settings((0xABCD, 7))], NO_EFFECT),
    Row(
        "§5.5",
        "a frame of an unknown type inside a field block",
        [headers(1, request(), END_STREAM) + frame(Kind.UNKNOWN, 1) + continuation(1, b"")],
        PROTOCOL,
    ),
    Row(
        "§5.5",
        "a frame of an unknown type on stream 0 inside a field block",
        [headers(1, request(), END_STREAM) + frame(Kind.UNKNOWN, 0) + continuation(1, b"")],
        PROTOCOL,
    ),
    # -- §4.3 and §5.1.2 together
    Row(
        "§10.5.1",
        "what a refused request added to the table can be used",
        [_indexed_behind_a_refusal],
        NO_EFFECT,
        stream=0,
        check=lambda client, received: b"x-kept: 1" in received.lower(),
        needs=Setting.MAX_CONCURRENT_STREAMS,
        probe=9999,
    ),
]
