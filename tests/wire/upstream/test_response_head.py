"""The head of a backend's answer: how its body is framed, what belongs to the connection, and what is refused."""

from __future__ import annotations

import pytest

from gateway.wire.framing import CHUNKED
from gateway.wire.upstream.response_head import UNTIL_CLOSE, ResponseError, ResponseHead, parse_response


def parsed(first: str, *fields: str, method: str = "GET", max_fields: int = 100) -> ResponseHead:
    """The head of an answer to *method*."""
    lines = [first, *fields]
    return parse_response("\r\n".join(lines).encode("latin-1"), lines, method, max_fields)


OK = "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    ("first", "fields", "method", "length", "keep_alive"),
    [
        (OK, ("Content-Length: 5",), "GET", 5, True),
        (OK, ("Content-Length: 5, 5",), "GET", 5, True),
        (OK, ("Content-Length: 5", "content-length: 5"), "GET", 5, True),
        (OK, ("Transfer-Encoding: Chunked",), "GET", CHUNKED, True),
        (OK, (), "GET", UNTIL_CLOSE, False),
        (OK, ("Content-Length: 5", "Connection: Close"), "GET", 5, False),
        (OK, ("Content-Length: 5",), "HEAD", 0, True),
        (OK, ("Transfer-Encoding: chunked",), "HEAD", 0, True),
        ("HTTP/1.1 204 No Content", (), "GET", 0, True),
        ("HTTP/1.1 304 Not Modified", ("Content-Length: 5",), "GET", 0, True),
        ("HTTP/1.0 200 OK", ("Content-Length: 5",), "GET", 5, False),
        ("HTTP/1.0 200 OK", ("Content-Length: 5", "Connection: keep-alive"), "GET", 5, True),
    ],
    ids="length list lines chunked close announced head head-chunked 204 304 http10 http10-keep".split(),
)
def test_where_the_body_ends(first: str, fields: tuple[str, ...], method: str, length: int, keep_alive: bool) -> None:
    """Framing and persistence as RFC 9112 §6.3 and §9.3 have them."""
    head = parsed(first, *fields, method=method)
    assert head.length == length
    if first.startswith("HTTP/1.1") or "Connection" in "".join(fields):
        assert head.keep_alive is keep_alive


@pytest.mark.parametrize(
    ("first", "fields"),
    [
        ("HTTP/2 200 OK", ()),
        ("HTTP/1.1 099 Low", ()),
        ("HTTP/1.1 2000 OK", ()),
        ("HTTP/1.1  200 OK", ()),
        ("ICY 200 OK", ()),
        (OK, ("Content-Length: 5", "Transfer-Encoding: chunked")),
        (OK, ("Transfer-Encoding: gzip, chunked",)),
        (OK, ("Transfer-Encoding: chunked, chunked",)),
        ("HTTP/1.0 200 OK", ("Transfer-Encoding: chunked",)),
        (OK, ("Content-Length: 5", "Content-Length: 6")),
        (OK, ("Content-Length: +5",)),
        (OK, ("Content-Length: 5x",)),
        (OK, ("Content-Length:",)),
        (OK, ("Content-Length: 1234567890123456789",)),
        (OK, ("No colon",)),
        (OK, (" folded: 1",)),
        (OK, ("A : 1",)),
        (OK, ("A: 1\0",)),
        (OK, ("A: 1\n2",)),
        (OK, ("A: 1", "B: 2", "C: 3")),
    ],
    ids=(
        "version low-status long-status spaces protocol both coding twice http10 lengths sign letters empty digits"
        " colon folded space-before-colon nul line-feed too-many"
    ).split(),
)
def test_what_is_no_answer(first: str, fields: tuple[str, ...]) -> None:
    """A head that two programs could read in two ways is refused."""
    with pytest.raises(ResponseError):
        parsed(first, *fields, max_fields=2)


def test_what_belongs_to_the_connection_ends_here() -> None:
    """Hop-by-hop fields and those that Connection names are taken away; Content-Length cannot be named away."""
    head = parsed(
        OK,
        "Connection: X-Private, content-length",
        "X-Private: 1",
        "X_Private: 2",
        "Keep-Alive: timeout=7, max=3",
        "Proxy-Connection: x",
        "A: 1",
        "Content-Length: 0",
    )
    assert sorted(head.lines) == ["a", "content-length"]
    assert head.idle_s == 7


@pytest.mark.parametrize(
    ("status", "fields", "upgrade"),
    [
        (101, ("Connection: Upgrade", "Upgrade: WebSocket"), "websocket"),
        (101, ("Upgrade: websocket",), ""),
        (101, ("Connection: upgrade",), ""),
        (200, ("Connection: upgrade", "Upgrade: websocket"), ""),
    ],
    ids=["named", "not in Connection", "no protocol", "not 101"],
)
def test_a_protocol_switch(status: int, fields: tuple[str, ...], upgrade: str) -> None:
    """Only a 101 that names the protocol properly switches. Source: RFC 9110 §7.8."""
    assert parsed(f"HTTP/1.1 {status} X", *fields).upgrade == upgrade


@pytest.mark.parametrize(("status", "final"), [(100, False), (103, False), (101, True), (200, True), (599, True)])
def test_final_answers(status: int, final: bool) -> None:
    """Interim answers are followed by another head; a switch of protocols is not. Source: RFC 9110 §15.2."""
    assert parsed(f"HTTP/1.1 {status} X").is_final is final
