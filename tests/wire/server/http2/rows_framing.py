"""Rows of RFC 9113 §3 and §4: the preface, frames and their sizes, field blocks."""

from __future__ import annotations

from tests.wire.server.http2 import frames
from tests.wire.server.http2.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    FRAME_BYTES,
    PREFACE,
    RESERVED_BIT,
    Kind,
    Setting,
    continuation,
    data,
    frame,
    headers,
    literal,
    opening,
    ping,
    post,
    request,
    settings,
    window,
)
from tests.wire.server.http2.raw_client import RawClient
from tests.wire.server.http2.row import ACCEPTED, CLOSED, COMPRESSION, NO_EFFECT, PROTOCOL, SIZE, Row, Settings, stream

GET = headers(1, request())
OPENED = opening(1, post())
STARTED = PREFACE + settings()


def _settings_come_first(client: RawClient, received: bytes) -> bool:
    first = client.frames[0]
    return first.kind == Kind.SETTINGS and not first.flags & ACK and first.stream == 0


def _acknowledged_once(client: RawClient, received: bytes) -> bool:
    return client.acknowledged == 1 and _settings_come_first(client, received)


def _no_push(client: RawClient, received: bytes) -> bool:
    return client.settings.get(Setting.ENABLE_PUSH, 0) == 0


def _beyond_size(server: Settings) -> int:
    return server.get(Setting.MAX_FRAME_SIZE, FRAME_BYTES) + 1


def _large_data(server: Settings) -> bytes:
    return OPENED + data(1, bytes(_beyond_size(server)))


def _large_headers(server: Settings) -> bytes:
    return headers(1, request((b"x-long", b"a" * _beyond_size(server))))


def _large_continuation(server: Settings) -> bytes:
    return headers(1, request(), END_STREAM) + continuation(1, literal(b"x", b"a" * _beyond_size(server)))


def _large_settings(server: Settings) -> bytes:
    return settings(*[(0xFFFF, 0)] * (_beyond_size(server) // 6 + 1))


def _large_unknown(server: Settings) -> bytes:
    return frame(Kind.UNKNOWN, 0, bytes(_beyond_size(server)))


def _update_is_missing(server: Settings) -> bytes:
    return GET


def _uses_a_small_table(client: RawClient, received: bytes) -> bool:
    return not client.broken


ROWS = [
    # -- §3
    Row("§3.4", "both prefaces, then a request", [STARTED + GET], ACCEPTED, raw=True, check=_settings_come_first),
    Row(
        "§3.4", "the preface in single bytes' order: split in two", [STARTED[:9], STARTED[9:] + GET], ACCEPTED, raw=True
    ),
    Row(
        "§3.4",
        "SETTINGS, acknowledged behind the server's own",
        [STARTED + GET],
        ACCEPTED,
        raw=True,
        check=_acknowledged_once,
    ),
    Row(
        "§3.4",
        "a preface with another second line",
        [STARTED.replace(b"SM", b"XX") + GET],
        (*PROTOCOL, CLOSED),
        raw=True,
    ),
    Row("§3.4", "PING behind the preface instead of SETTINGS", [PREFACE + ping() + GET], PROTOCOL, raw=True),
    Row("§3.4", "HEADERS behind the preface instead of SETTINGS", [PREFACE + GET], PROTOCOL, raw=True),
    Row(
        "§3.4",
        "an acknowledgement behind the preface instead of SETTINGS",
        [PREFACE + settings(flags=ACK) + GET],
        PROTOCOL,
        raw=True,
    ),
    Row("§3.4", "a second preface", [PREFACE + GET], (*PROTOCOL, *SIZE)),
    # -- §4.1
    Row("§4.1", "a frame of an unknown type on stream 0", [frame(Kind.UNKNOWN, 0, b"content", 0xFF)], NO_EFFECT),
    Row(
        "§4.1",
        "a frame of an unknown type on an open stream",
        [OPENED + frame(Kind.UNKNOWN, 1, b"content", 0xFF) + data(1)],
        ACCEPTED,
    ),
    Row(
        "§4.1",
        "undefined flags of PING",
        [ping(flags=0xFE)],
        NO_EFFECT,
        check=lambda client, _: b"12345678" in client.pongs,
    ),
    Row("§4.1", "undefined flags of SETTINGS", [frame(Kind.SETTINGS, 0, b"", 0xFE)], NO_EFFECT),
    Row("§4.1", "undefined flags of HEADERS", [headers(1, request(), END_HEADERS | END_STREAM | 0xD2)], ACCEPTED),
    Row("§4.1", "undefined flags of DATA", [OPENED + data(1, b"abc", END_STREAM | 0xF6)], ACCEPTED),
    Row("§4.1", "undefined flags of WINDOW_UPDATE", [frame(Kind.WINDOW_UPDATE, 0, b"\0\0\0\1", 0xFF)], NO_EFFECT),
    Row(
        "§4.1",
        "undefined flags of CONTINUATION",
        [headers(1, request(), END_STREAM) + continuation(1, literal(b"x", b"y"), 0xFF)],
        ACCEPTED,
    ),
    Row("§4.1", "the reserved bit of HEADERS", [headers(1 | RESERVED_BIT, request())], ACCEPTED),
    Row(
        "§4.1",
        "the reserved bit of PING",
        [frame(Kind.PING, RESERVED_BIT, b"12345678")],
        NO_EFFECT,
        check=lambda client, _: b"12345678" in client.pongs,
    ),
    # -- §4.2
    Row("§4.2", "DATA of 16,384 octets", [OPENED + data(1, bytes(FRAME_BYTES))], ACCEPTED),
    Row(
        "§4.2",
        "HEADERS of 16,384 octets",
        [headers(1, (large := request((b"x", b"")))[:-1] + frames.text(b"a" * (FRAME_BYTES - len(large) - 2)))],
        ACCEPTED,
    ),
    Row("§4.2", "DATA longer than allowed", [_large_data], (*SIZE, stream(frames.Code.FRAME_SIZE_ERROR))),
    Row("§4.2", "HEADERS longer than allowed", [_large_headers], SIZE),
    Row("§4.2", "CONTINUATION longer than allowed", [_large_continuation], SIZE),
    Row("§4.2", "SETTINGS longer than allowed", [_large_settings], SIZE),
    Row("§4.2", "an unknown frame on stream 0 longer than allowed", [_large_unknown], SIZE),
    # -- §4.3
    Row(
        "§4.3",
        "a field block that is not HPACK",
        [headers(1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")],
        COMPRESSION,
    ),
    Row("§4.3", "a field block cut off in a literal", [headers(1, request()[:-3])], COMPRESSION),
    Row("§4.3", "trailers that are not HPACK", [OPENED + data(1, b"a", 0) + headers(1, b"\x80")], COMPRESSION),
    Row(
        "§4.3",
        "a field block in three frames",
        [headers(1, request()[:9], END_STREAM) + continuation(1, request()[9:20], 0) + continuation(1, request()[20:])],
        ACCEPTED,
    ),
    Row(
        "§4.3.1",
        "no size update after the server's table shrank",
        [_update_is_missing],
        COMPRESSION,
        needs=Setting.HEADER_TABLE_SIZE,
    ),
    Row(
        "§4.3.1",
        "a table of 0 for the server's answers, between two requests",
        [GET, 1, settings((Setting.HEADER_TABLE_SIZE, 0)), headers(3, request()), 3],
        ACCEPTED,
        stream=3,
        check=_uses_a_small_table,
    ),
    Row(
        "§4.3.1",
        "a table of 0 for the server's answers, from the start",
        [GET],
        ACCEPTED,
        announced=((Setting.HEADER_TABLE_SIZE, 0),),
        check=_uses_a_small_table,
    ),
    Row(
        "§4.3.1",
        "a table of 4 GiB for the server's answers",
        [GET],
        ACCEPTED,
        announced=((Setting.HEADER_TABLE_SIZE, 2**32 - 1),),
        check=_uses_a_small_table,
    ),
    Row("§3.4", "what the server announces about push", [window(0, 1) + GET], ACCEPTED, check=_no_push),
]
