"""All rows, and the demands of RFC 9113 §3 to §8 and RFC 7541 that have none, with the reason."""

from __future__ import annotations

from tests.wire.server.http2 import rows_frames, rows_framing, rows_hpack, rows_messages, rows_streams
from tests.wire.server.http2.row import NotOurs, Row

ROWS: list[Row] = [
    *rows_framing.ROWS,
    *rows_streams.ROWS,
    *rows_frames.ROWS,
    *rows_messages.ROWS,
    *rows_hpack.ROWS,
]

_CLIENT = "it is made on clients"
_PUSH = "the gateway never pushes: `lawful` refuses every PUSH_PROMISE that a server sends"
_SENDER = "it is made on senders; `lawful` holds it of every frame that the gateway sends in any row"

NOT_OURS = [
    NotOurs("§3.2", "h2c is not selected in TLS", "test_tls.py: no protocol but h2 and http/1.1 is agreed"),
    NotOurs("§3.3", "over TLS, HTTP/2 needs ALPN", "test_tls.py: a preface without it is refused as HTTP/1.1"),
    NotOurs("§4.1", "unused flags and the reserved bit are unset when sending", _SENDER),
    NotOurs("§4.3", "field blocks are sent without other frames inside", _SENDER),
    NotOurs(
        "§4.3.1",
        "a block without an update behind a smaller table",
        "the gateway's table stays at 4,096 octets; the row runs where a server shrinks it",
    ),
    NotOurs("§5.1", "frames on reserved streams", _PUSH),
    NotOurs("§5.1", "no frame but PRIORITY is sent on a closed stream", _SENDER),
    NotOurs(
        "§5.1.2", "the peer's limit of streams is kept", "a client's limit is about pushed streams; there are none"
    ),
    NotOurs(
        "§5.2.2",
        "frames are read as soon as they have come",
        "tests/hostile/wire: 128 frames a turn, and the rest in the next ones",
    ),
    NotOurs(
        "§5.5",
        "extensions that change the protocol are negotiated",
        "the only one is RFC 8441, announced by its setting",
    ),
    NotOurs("§6.1, §6.2", "padding is of zeros", "the gateway sends no padding"),
    NotOurs("§6.5.2", "the server does not announce ENABLE_PUSH of 1", "part of the rows of §3.4"),
    NotOurs("§6.6, §8.4", "what a pushed request may be, and when", _PUSH),
    NotOurs("§6.8", "no new streams after GOAWAY", _CLIENT),
    NotOurs("§6.8", "the last stream of GOAWAY never grows", _SENDER),
    NotOurs("§6.8", "debug data is kept safe", "debug data of clients is neither logged nor stored"),
    NotOurs("§6.9.1", "a sender's window never exceeds 2^31-1", "the gateway's largest windows are far below"),
    NotOurs(
        "§6.9.3",
        "a receiver that shrinks its window takes what is under way",
        "the gateway never changes its initial window",
    ),
    NotOurs("§8.1", "responses are not discarded because of RST_STREAM", _CLIENT),
    NotOurs(
        "§8.2.2",
        "an intermediary removes the connection's fields",
        "tests/wire/test_http2.py, towards backends; a row of §8.2 towards clients",
    ),
    NotOurs("§8.3.1", "authority is sent for Host", "towards backends: tests/wire/test_http2.py"),
    NotOurs(
        "§8.3.1",
        "OPTIONS *",
        "no backend has such a resource; test_differential.py compares it with HTTP/1.1",
    ),
    NotOurs("§8.3.2", "answers have a status", "every row that expects one reads it"),
    NotOurs(
        "§8.5",
        "what passes on a tunnel, and how it ends",
        "CONNECT without a protocol is refused; WebSockets: tests/acceptance",
    ),
    NotOurs(
        "§8.7",
        "REFUSED_STREAM means that nothing was processed",
        "part of the rows of §5.1.2: the backend sees nothing of such a request",
    ),
    NotOurs(
        "RFC 7541 §2.1",
        "fields keep their order",
        "test_differential.py compares whole requests",
    ),
    NotOurs("RFC 7541 §4.2", "a size is signalled by the encoder", "rows of §4.3.1: the client's decoder would fail"),
    NotOurs(
        "RFC 7541 §6.2.3, §7.1.3",
        "never-indexed stays so when forwarded",
        "not kept for every field: a request passes in text, where the mark is lost; Authorization and short cookies "
        "are never indexed towards backends, whatever the client has done (test_never_indexed.py)",
    ),
]
