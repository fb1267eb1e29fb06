"""A head that varies the last one of its connection means exactly what it means on a connection of its own."""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.server.forwarded import Peer
from gateway.wire.server.listener import Caller
from gateway.wire.server.request_head import HeadError, parse_head
from gateway.wire.server.varied_head import vary
from gateway.wire.settings import ClientLimits, ServerSettings

SETTINGS = ServerSettings(limits=ClientLimits(request_line_bytes=60, header_line_bytes=50, header_count=6))
BASE = ("GET /a HTTP/1.1", "Host: h", "Authorization: Bearer one", "X-Trace: 1")

REQUEST_LINES = (
    "GET /a HTTP/1.1",
    "POST /b?q=1 HTTP/1.1",
    "GET /a HTTP/1.0",
    "GET http://h/a HTTP/1.0",
    "GET http://other/ HTTP/1.0",
    "GET /%2e HTTP/1.1",
    "get /a HTTP/1.1",
)
FIELDS = (
    "Host: h",
    "Host: other:81",
    "Authorization: Bearer one",
    "Authorization: Bearer two",
    "authorization: Bearer three",
    "X-Trace: 1",
    "X_Trace: 2",
    "X-Trace: \x01",
    "X-Trace: a\nb",
    "X-Trace: " + "x" * 60,
    "X-Trace",
    "X Trace: 1",
    "Content-Length: 0",
    "Content-Length: 7",
    "content_length: 7",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Connection: x-trace",
    "Expect: 100-continue",
    "Upgrade: websocket",
    "X-Forwarded-For: 9.9.9.9",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: elsewhere",
    "Forwarded: for=9.9.9.9",
    "TE: trailers",
)
HEADS = st.tuples(
    st.sampled_from(REQUEST_LINES), st.sampled_from([["Host: h"], []]), st.lists(st.sampled_from(FIELDS), max_size=6)
).map(lambda parts: [parts[0], *parts[1], *parts[2]])


def caller(trusted: bool) -> Caller:
    """A connection; *trusted*: of a proxy whose forwarding fields are believed."""
    networks = (ipaddress.ip_network("10.0.0.0/8"),) if trusted else ()
    given = ServerSettings(
        limits=ClientLimits(request_line_bytes=60, header_line_bytes=50, header_count=6), trusted_proxies=networks
    )
    return Caller(Peer("10.0.0.1", "http", networks), given, None)


def meaning(connection: Caller, sent: list[str]) -> object:
    """Everything that the request says, or how it is refused."""
    try:
        head = connection.read("\r\n".join([*sent, "", ""]).encode("latin-1"))
    except HeadError as refusal:
        return refusal.status, refusal.message, refusal.line
    request = connection.request(head)
    framing = head.length, head.keep_alive, head.expects_continue, head.minor, head.upgrade
    origin = request.scheme, request.host, request.port, request.ip_address
    is_own_host = request.received_host is request.headers.lines.get("host")
    return (
        request.method,
        request.path,
        request.query,
        list(request.headers.lines.items()),
        framing,
        origin,
        is_own_host,
    )


@settings(max_examples=1000)
@given(HEADS, st.integers(0, 7), st.sampled_from(REQUEST_LINES + FIELDS), st.booleans())
def test_means_the_same(first: list[str], at: int, line: str, trusted: bool) -> None:
    """Whatever head came before, and whatever line of it changes."""
    second = [*first[:at], line, *first[at + 1 :]]
    connection = caller(trusted)
    meaning(connection, first)
    assert meaning(connection, second) == meaning(caller(trusted), second)


@settings(max_examples=1000)
@given(HEADS, st.dictionaries(st.integers(0, 7), st.sampled_from(FIELDS), max_size=4), st.booleans())
def test_means_the_same_where_several_lines_change(first: list[str], changes: dict[int, str], trusted: bool) -> None:
    """The same of heads in which more than one line is another."""
    second = [changes.get(number, line) for number, line in enumerate(first)]
    connection = caller(trusted)
    meaning(connection, first)
    assert meaning(connection, second) == meaning(caller(trusted), second)


@settings(max_examples=150)
@given(st.lists(HEADS, min_size=2, max_size=6), st.integers(1, 8))
def test_means_the_same_whatever_changes(heads: list[list[str]], at: int) -> None:
    """Unrelated heads, and those that mix two of them, one after another, refused ones between them as over HTTP/2."""
    connection = caller(trusted=False)
    for first, second in itertools.pairwise(heads):
        for sent in (first, [*first[:at], *second[at:]], second):
            assert meaning(connection, sent) == meaning(caller(trusted=False), sent)


@pytest.mark.parametrize(
    ("at", "line", "varies"),
    [
        (0, "POST /b?c=1 HTTP/1.1", True),
        (2, "Authorization: Bearer two", True),
        (3, "X-Trace: 2", True),
        (3, "x_trace: 2", False),
        (3, "X-Trace: a\tb\xe9", True),
        (3, "X-Trace: a\x7f", False),
        (3, "X-Tracer: 2", False),
        (0, "GET /a\x01 HTTP/1.1", False),
        (0, "GET /a HTTP/1.0", False),
        (1, "Host: other", False),
        (3, "Connection: close", False),
        (3, "X-Trace: " + "x" * 60, False),
    ],
)
def test_reads_only_what_has_changed(at: int, line: str, varies: bool) -> None:
    """The usual changes cost no whole reading; what decides about the rest does. Values leave the outline."""
    lines = [*BASE[:at], line, *BASE[at + 1 :]]
    head = parse_head("\r\n".join(BASE).encode(), list(BASE), SETTINGS)
    memos: list[dict[object, Any]] = [{1: 1}, {2: 2}, {3: 3}]
    head.memo, head.outline, head.line_memo = memos
    before = list(head.lines.items())
    assert vary(head, list(BASE), lines, SETTINGS) == varies
    if varies:
        assert head.memo == {}
        assert (head.outline is memos[1]) == (at > 0)
    else:
        assert head.memo is memos[0]
        assert (list(head.lines.items()), head.path) == (before, "/a")
    assert head.line_memo is memos[2]


def test_a_request_keeps_its_head_while_the_next_one_varies_it() -> None:
    """What a request was given does not change with the next head of the connection; a memo is its own head's."""
    connection = caller(trusted=False)
    first = connection.request(connection.read("\r\n".join([*BASE, "", ""]).encode()))
    lines, memo = dict(first.headers.lines), first.memo
    lines_now = [BASE[0].replace("/a", "/b?c"), *BASE[1:3], "X-Trace: 2", "", ""]
    second = connection.request(connection.read("\r\n".join(lines_now).encode()))
    assert (first.headers.lines, first.path, first.query) == (lines, "/a", "")
    assert (second.headers.lines["x-trace"], second.path, second.query) == ("X-Trace: 2", "/b", "c")
    assert second.memo is not memo
    assert second.line_memo is first.line_memo
    assert second.headers.lines["authorization"] is first.headers.lines["authorization"]
