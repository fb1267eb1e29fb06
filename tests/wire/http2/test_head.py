"""Heads in HTTP/2's form: pseudo-header fields first, nothing of the connection, and the checks of HTTP/1.1."""

from __future__ import annotations

import time

import pytest
from hpack import Decoder, Encoder

from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.http2.head import FieldDecoder, FieldEncoder, request_fields, response_head
from gateway.wire.messages import Request, Url
from gateway.wire.upstream.response_head import ResponseError
from tests.speed import on_this_machine

BASE = Url("https", "b.test", 8443, "/")


@pytest.mark.parametrize(
    ("base", "fields", "host"),
    [
        (BASE, [], "b.test:8443"),
        (Url("https", "b.test", 443, "/"), [], "b.test"),
        (Url("http", "2001:db8::1", 8080, "/"), [], "[2001:db8::1]:8080"),
        (BASE, [("Host", "policy.test")], "policy.test"),
    ],
    ids=["port", "default port", "IPv6", "set by a policy"],
)
def test_the_authority(base: Url, fields: list[tuple[str, str]], host: str) -> None:
    """The backend's own unless a policy set Host, which is not sent a second time."""
    sent = request_fields(Request("GET", "/", headers=Headers(fields)), "/x", base, has_length=False)
    assert dict(sent)[b":authority"] == host.encode()
    assert b"host" not in dict(sent)


def test_fields_of_a_request() -> None:
    """Pseudo-header fields first, names in lower case, one field a line, nothing of the old connection."""
    headers = Headers([("A", "1"), ("A", "2"), ("Connection", "x"), ("TE", "gzip"), ("Expect", "100-continue")])
    assert request_fields(Request("PUT", "/", headers=headers), "/p?q", BASE, has_length=False) == [
        (b":method", b"PUT"), (b":scheme", b"https"), (b":authority", b"b.test:8443"), (b":path", b"/p?q"),
        (b"a", b"1"), (b"a", b"2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "has_length", "length"),
    [
        (None, False, None),
        (None, True, b"0"),
        (Body(b"abc"), False, b"3"),
        (Body(stream=BodyStream(7)), False, b"7"),
        (Body(stream=BodyStream()), True, None),
    ],
    ids=["none", "none announced", "in memory", "stream", "stream of unknown length"],
)
def test_the_length_of_a_request(body: Body | None, has_length: bool, length: bytes | None) -> None:
    """Announced where it is known."""
    sent = dict(request_fields(Request("POST", "/", body=body), "/", BASE, has_length))
    assert sent.get(b"content-length") == length


def test_an_answer() -> None:
    """The same head that HTTP/1.1 would have carried."""
    head = response_head([(b":status", b"200"), (b"a", b"1"), (b"a", b"2"), (b"content-type", b"x")], "GET", 999, 9)
    assert (head.status, list(Headers.from_lines(head.lines))) == (200, [("a", "1"), ("a", "2"), ("content-type", "x")])


@pytest.mark.parametrize(
    "fields",
    [
        [(b"a", b"1"), (b":status", b"200")],
        [(b":status", b"200"), (b":status", b"200")],
        [(b":status", b"200"), (b"A", b"1")],
        [(b":status", b"200"), (b"connection", b"close")],
        [(b":status", b"200"), (b"transfer-encoding", b"chunked")],
        [(b":status", b"200"), (b"a", b"1\r\nb: 2")],
        [(b":status", b"200"), (b"a", b"1\nb: 2")],
        [(b":status", b"200"), (b"a", b" 1")],
        [(b":status", b"200"), (b"a", b"1\t")],
        [(b":status", b"2000")],
        [(b":status", b"200"), (b"a", b"x" * 300)],
        [(b":status", b"200"), *[(b"a", b"1")] * 10],
    ],
    ids=("status-later status-twice upper-case connection coding cr-lf lf space tab status too-large too-many").split(),
)
def test_what_is_no_answer(fields: list[tuple[bytes, bytes]]) -> None:
    """Malformed fields are refused. Source: RFC 9113 §8.1.1, §8.2 and §8.3."""
    with pytest.raises(ResponseError):
        response_head(fields, "GET", 256, 9)


def test_a_length_is_hidden_from_h2_and_counted_here() -> None:
    """Content-Length comes out of the decoder under a name that no backend can send, and is the head's length."""
    block = Encoder().encode([(":status", "200"), ("content-length", "5")])
    fields = [(bytes(name), bytes(value)) for name, value in FieldDecoder().decode(block, raw=True)]
    assert b"content-length" not in dict(fields)
    assert response_head(fields, "GET", 256, 9).length == 5


def test_long_values_are_encoded_in_time() -> None:
    """The longest head that a client can send is encoded within a turn of the loop, and reads back."""
    fields = [(b"x-long", b"a" * 32_000), (b"x-other", b"~" * 32_000), (b"x-short", b"1")]
    began = time.thread_time()
    block = FieldEncoder().encode(fields)
    assert time.thread_time() - began < on_this_machine(0.02)
    assert [tuple(field) for field in Decoder(1 << 20).decode(block, raw=True)] == fields


FIELDS = [
    (b":method", b"POST"),
    (b":path", b"/a"),
    (b"authorization", b"Bearer " + b"s" * 300),
    (b"x-name", b"value"),
    (b"x-empty", b""),
    (b"x-long", b"v" * 20_000),
    (b"accept", b"*/*"),
]


def test_fields_are_encoded_without_state() -> None:
    """Any decoder reads them, the first time and again; nothing enters its table, and secrets may enter no other."""
    encoder, decoder = FieldEncoder(), Decoder(max_header_list_size=1 << 20)
    blocks = [encoder.encode(FIELDS) for _ in range(2)]
    assert blocks[0] == blocks[1]
    for block in blocks:
        decoded = decoder.decode(block, raw=True)
        assert [tuple(field) for field in decoded] == FIELDS
        assert [field[0] for field in decoded if not field.indexable] == [b"authorization"]
    assert list(decoder.header_table.dynamic_entries) == []
    assert encoder.encode([FIELDS[2]])[0] & 0xF0 == 0x10


def test_a_smaller_table_is_announced() -> None:
    """A peer that allows a smaller table is told of it at the beginning of the next block. Source: RFC 7541 §4.2."""
    encoder, decoder = FieldEncoder(), Decoder()
    encoder.header_table_size = decoder.max_allowed_table_size = 0
    first, second = (encoder.encode(FIELDS[:2]) for _ in range(2))
    assert (first[:1], first[1:]) == (b" ", second)
    assert [tuple(field) for field in decoder.decode(first, raw=True)] == FIELDS[:2]
