"""The strict check of request heads: what two parsers could read differently never reaches the application."""

from __future__ import annotations

import asyncio

import pytest

from gateway.wire.body import Body
from gateway.wire.framing import CHUNKED
from gateway.wire.messages import Request, Response
from gateway.wire.server.request_head import HeadError, RequestHead, parse_head
from gateway.wire.settings import ClientLimits, ServerSettings
from tests.wire.rig import Answerer, client, serving

SETTINGS = ServerSettings(
    limits=ClientLimits(request_line_bytes=100, header_line_bytes=200, head_bytes=1000, header_count=10)
)
BODY = b"Content-Length: 1\r\n"
TE = b"Transfer-Encoding: chunked\r\n"


def head(request_line: bytes = b"GET / HTTP/1.1", fields: bytes = b"", host: bytes = b"Host: h\r\n") -> bytes:
    """A request head; *fields* are complete lines."""
    return request_line + b"\r\n" + host + fields + b"\r\n"


def parse(data: bytes) -> RequestHead:
    """The head *data*, without its empty line."""
    return parse_head(data, data.decode("latin-1").split("\r\n"), SETTINGS)


REFUSED = [
    pytest.param(head(b"GET / HTTP/0.9"), 505, id="HTTP/0.9"),
    pytest.param(head(b"GET / HTTP/1.2"), 505, id="HTTP/1.2"),
    pytest.param(head(b"GET / HTTP/2.0"), 505, id="HTTP/2.0"),
    pytest.param(head(b"GET / HTTP/1.10"), 400, id="malformed version"),
    pytest.param(head(b"GET / http/1.1"), 400, id="lower-case version"),
    pytest.param(head(b"GET /"), 400, id="no version"),
    pytest.param(head(b"GET  / HTTP/1.1"), 400, id="two spaces"),
    pytest.param(head(b"GET /a b HTTP/1.1"), 400, id="space in target"),
    pytest.param(head(b"GET\t/ HTTP/1.1"), 400, id="tab"),
    pytest.param(head(b" GET / HTTP/1.1"), 400, id="leading space"),
    pytest.param(head(b"get / HTTP/1.1"), 400, id="lower-case method"),
    pytest.param(head(b"GE(T / HTTP/1.1"), 400, id="malformed method"),
    pytest.param(head(b"G\xc3\x89T / HTTP/1.1"), 400, id="method beyond ASCII"),
    pytest.param(head(b"A" * 33 + b" / HTTP/1.1"), 400, id="endless method"),
    pytest.param(head(b"TRACE / HTTP/1.1"), 405, id="TRACE"),
    pytest.param(head(b"CONNECT h:80 HTTP/1.1"), 405, id="CONNECT"),
    pytest.param(head(b"GET /" + b"a" * 100 + b" HTTP/1.1"), 414, id="long request line"),
    pytest.param(head(b"GET http://other/ HTTP/1.1"), 400, id="another authority"),
    pytest.param(head(b"GET http://h@other/ HTTP/1.1"), 400, id="user in authority"),
    pytest.param(head(b"GET ftp://h/ HTTP/1.1"), 400, id="another scheme"),
    pytest.param(head(b"GET h/ HTTP/1.1"), 400, id="no form at all"),
    pytest.param(head(b"OPTIONS * HTTP/1.1"), 400, id="asterisk"),
    pytest.param(head(b"GET /#a HTTP/1.1"), 400, id="fragment"),
    pytest.param(head(host=b""), 400, id="no Host"),
    pytest.param(head(host=b"Host: a\r\nHost: b\r\n"), 400, id="two Hosts"),
    pytest.param(head(host=b"Host: a\r\nhost: a\r\n"), 400, id="the same Host twice"),
    *[
        pytest.param(head(host=b"Host: " + value + b"\r\n"), 400, id=f"Host {value[:40]!r}")
        for value in [
            *[
                b"",
                b"a b",
                b"a, b",
                b"a@b",
                b"u:p@b",
                b"a/b",
                b"a?b",
                b"a#b",
                b"a\\b",
                b"*",
                b"%61",
                b'"a"',
            ],
            *[b".", b".a", b"a..b", b":80", b"a:0", b"a:65536", b"a:99999", b"a:-1", b"a:8_0", b"a:80:80"],
            *[b"[]", b"[:::]", b"[1.2.3.4]", b"[::1", b"::1", b"[::1]80", b"[::1%25eth0]", b"[v1.a]"],
            *[b"b\xc3\xbccher.example", b"b\xfccher.example", b"a:\xb2", "a:\u0661".encode(), b"a\tb", b"\xa0a"],
        ]
    ],
    pytest.param(head(fields=b"A : 1\r\n"), 400, id="space before colon"),
    pytest.param(head(fields=b"A\t: 1\r\n"), 400, id="tab before colon"),
    pytest.param(head(fields=b"A: 1\r\n b\r\n"), 400, id="folded line"),
    pytest.param(head(fields=b"A: 1\r\n\tb\r\n"), 400, id="folded by tab"),
    pytest.param(head(fields=b": 1\r\n"), 400, id="no name"),
    pytest.param(head(fields=b"A\r\n"), 400, id="no colon"),
    pytest.param(head(fields=b"A(: 1\r\n"), 400, id="delimiter in name"),
    pytest.param(head(fields=b"\xc3\x84: 1\r\n"), 400, id="name beyond ASCII"),
    pytest.param(head(fields=b"A: 1\nB: 2\r\n"), 400, id="bare LF"),
    pytest.param(head(fields=b"A: 1\rB: 2\r\n"), 400, id="bare CR"),
    pytest.param(head(fields=b"A: 1\r\r\n"), 400, id="CR before CRLF"),
    pytest.param(head(fields=b"A: 1\0\r\n"), 400, id="NUL"),
    pytest.param(head(fields=b"A: \x01\r\n"), 400, id="control character"),
    pytest.param(head(fields=b"A: \x7f\r\n"), 400, id="DEL"),
    pytest.param(head(fields=b"A: 1\r\n" * 10), 431, id="too many fields"),
    pytest.param(head(fields=b"A: " + b"x" * 200 + b"\r\n"), 431, id="long field"),
    pytest.param(head(fields=b"A: " + b"x" * 1000 + b"\r\n"), 431, id="large head"),
    pytest.param(head(fields=BODY + TE), 400, id="CL with TE"),
    pytest.param(head(fields=TE + BODY), 400, id="TE with CL"),
    pytest.param(head(fields=BODY + BODY), 400, id="the same CL twice"),
    pytest.param(head(fields=BODY + b"Content-Length: 2\r\n"), 400, id="two CLs"),
    pytest.param(head(fields=b"Content_Length: 1\r\n"), 400, id="underscored CL"),
    pytest.param(head(fields=b"Transfer_Encoding: chunked\r\n"), 400, id="underscored TE"),
    *[
        pytest.param(head(fields=b"Content-Length: " + value + b"\r\n"), 400, id=f"CL {value!r}")
        for value in [b"", b"-1", b"+1", b"1,1", b"1, 2", b"0x1", b"1 1", b"1.0", b"1_0", b"9" * 19, b"\xb2"]
    ],
    *[
        pytest.param(head(fields=b"Transfer-Encoding: " + value + b"\r\n"), status, id=f"TE {value!r}")
        for value, status in [
            (b"", 400),
            (b"identity", 400),
            (b"chunked, chunked", 400),
            (b"chunked, gzip", 400),
            (b"gzip, chunked", 501),
            (b"xchunked", 400),
            (b"chunked;q=1", 400),
            (b"\x0bchunked", 400),
            (b",chunked", 400),
            (b'"chunked"', 400),
        ]
    ],
    pytest.param(head(fields=TE + TE), 400, id="two TEs"),
    pytest.param(head(b"POST / HTTP/1.0", TE), 400, id="TE in HTTP/1.0"),
    pytest.param(head(fields=b"Expect: something\r\n"), 417, id="unknown Expect"),
    pytest.param(head(fields=b"Authorization: a\r\nAuthorization: b\r\n"), 400, id="two Authorizations"),
    *[
        pytest.param(head(fields=b"Connection: close, " + name + b"\r\n"), 400, id=f"nominated {name.decode()}")
        for name in [b"authorization", b"Host", b"content-length", b"X-Forwarded-For", b"x_forwarded_for", b"cookie"]
    ],
]


VALID = [
    pytest.param(head(b"M2 / HTTP/1.1"), ("M2", "/", "h", 0), id="method with a digit"),
    pytest.param(head(b"MY_METHOD / HTTP/1.1"), ("MY_METHOD", "/", "h", 0), id="method with an underscore"),
    pytest.param(head(host=b"Host: h:\r\n"), ("GET", "/", "h:", 0), id="empty port"),
    pytest.param(head(host=b"Host: [::1]:\r\n"), ("GET", "/", "[::1]:", 0), id="empty port of an IPv6 literal"),
    pytest.param(head(b"GET http://h:80/a HTTP/1.1"), ("GET", "/a", "h", 0), id="absolute, port written out"),
    pytest.param(
        head(b"GET http://H/a HTTP/1.1", host=b"Host: h:80\r\n"), ("GET", "/a", "h:80", 0), id="the other way"
    ),
    pytest.param(head(b"GET https://h:443 HTTP/1.1"), ("GET", "/", "h", 0), id="absolute, https"),
    pytest.param(head(b"GET http://h:8080/a HTTP/1.0", host=b""), ("GET", "/a", "h:8080", 0), id="absolute, no Host"),
    pytest.param(head(fields=b"Content-Length:\t5\t\r\n"), ("GET", "/", "h", 5), id="tab about a length"),
    pytest.param(head(fields=b"Content-Length: " + b"0" * 30 + b"5\r\n"), ("GET", "/", "h", 5), id="leading zeros"),
    pytest.param(head(fields=b"Transfer-Encoding:\tchunked\t\r\n"), ("GET", "/", "h", -1), id="tab about a coding"),
    pytest.param(head(fields=b"Transfer-Encoding: chunked,\r\n"), ("GET", "/", "h", -1), id="empty member"),
    pytest.param(head(fields=b"Transfer-Encoding: Chunked , ,\r\n"), ("GET", "/", "h", -1), id="empty members"),
]


@pytest.mark.parametrize(("data", "expected"), VALID)
def test_accepts_what_the_standard_allows(data: bytes, expected: tuple[str, str, str, int]) -> None:
    """Unusual but valid heads, which every receiver reads alike, pass: method, path, host and length of the body."""
    read = parse(data.removesuffix(b"\r\n").removesuffix(b"\r\n"))
    assert (read.method, read.path, read.host, read.length) == expected


@pytest.mark.parametrize(
    "target", [b"http://h:81/", b"https://h:80/", b"http://h:443/", b"http:///", b"http://a b/", b"http://:80/"]
)
def test_an_absolute_target_names_the_host_of_the_request(target: bytes) -> None:
    """Another port is another authority; the scheme's own port is not."""
    with pytest.raises(HeadError):
        parse(head(b"GET " + target + b" HTTP/1.1").removesuffix(b"\r\n\r\n"))


@pytest.mark.parametrize(("data", "status"), REFUSED)
def test_refuses_what_can_be_read_in_two_ways(data: bytes, status: int) -> None:
    """The answer is an error, the connection is closed, and the application never hears of it."""

    async def scenario() -> None:
        app = Answerer(lambda _: Response())
        async with serving(app, SETTINGS) as server, client(server.port) as c:
            c.send(data + b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            reply = await c.reply()
            assert (reply.status, reply.field("connection")) == (status, "close")
            assert reply.body.startswith(b'{ "statusCode": %d, "message": "' % status)
            assert await c.closed()
            assert not app.seen

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\nHost: h\n\n", 400, id="bare LF"),
        pytest.param(b"GET " + b"/" * 200, 414, id="endless request line"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"x" * 2000, 431, id="endless field"),
        pytest.param(b"GET / HTTP/1.1\rHost: h\r\r", 400, id="bare CR"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\r\n", 400, id="CR before CRLF"),
        pytest.param(b"\0\0\0\0", 400, id="binary"),
    ],
)
def test_does_not_wait_for_the_end_of_a_hopeless_head(data: bytes, status: int) -> None:
    """A head that can only go wrong is refused before it is complete."""

    async def scenario() -> None:
        async with serving(Answerer(lambda _: Response()), SETTINGS) as server, client(server.port) as c:
            c.send(data)
            assert (await c.reply()).status == status

    asyncio.run(scenario())


ACCEPTED = [
    pytest.param(head(), {"path": "/", "length": 0, "keep_alive": True}, id="least"),
    pytest.param(head(b"GET http://H/a?b HTTP/1.1"), {"path": "/a", "query": "b"}, id="absolute form"),
    pytest.param(head(b"GET http://h?b HTTP/1.1"), {"path": "/", "query": "b"}, id="absolute form without path"),
    pytest.param(head(host=b"Host: [::1]:8080\r\n"), {"host": "[::1]:8080"}, id="IPv6 Host"),
    pytest.param(head(host=b"host:\t h \t\r\n"), {"host": "h"}, id="space around a value"),
    pytest.param(head(fields=BODY), {"length": 1}, id="GET with a body"),
    pytest.param(head(fields=b"Content-Length: 007\r\n"), {"length": 7}, id="leading zeros"),
    pytest.param(head(fields=b"transfer-encoding: Chunked\r\n"), {"length": CHUNKED}, id="chunked in any case"),
    pytest.param(head(b"PROPFIND / HTTP/1.1"), {"method": "PROPFIND"}, id="extension method"),
    pytest.param(head(b"GET / HTTP/1.0", host=b""), {"host": "", "keep_alive": False}, id="HTTP/1.0 without Host"),
    pytest.param(head(fields=b"Expect: 100-Continue\r\n" + BODY), {"expects_continue": True}, id="Expect"),
    pytest.param(head(fields=b"Expect: 100-continue\r\n"), {"expects_continue": False}, id="Expect without body"),
    pytest.param(
        head(fields=b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"),
        {"upgrade": "websocket", "keep_alive": True},
        id="Upgrade",
    ),
    pytest.param(head(fields=b"Upgrade: websocket\r\n"), {"upgrade": ""}, id="Upgrade not nominated"),
    pytest.param(head(fields=b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), {"upgrade": ""}, id="Upgrade to h2c"),
    pytest.param(
        head(fields=b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"), {"upgrade": ""}, id="Upgrade to a choice"
    ),
]


@pytest.mark.parametrize(("data", "expected"), ACCEPTED)
def test_reads_what_is_unambiguous(data: bytes, expected: dict[str, object]) -> None:
    """Unusual but clear heads are read for what they say."""
    parsed = parse(data.removesuffix(b"\r\n\r\n"))
    assert {name: getattr(parsed, name) for name in expected} == expected


def test_takes_hop_by_hop_fields_away() -> None:
    """Hop-by-hop fields, and what Connection nominates in any spelling, do not reach policies or backend."""
    fields = (
        b"Connection: close, caller-objectid, X-Mine\r\nKeep-Alive: 1\r\nTE: trailers\r\nTrailer: x\r\n"
        b"Proxy-Connection: x\r\nCaller_ObjectId: forged\r\nX-Mine: 1\r\nOther: 1\r\n"
    )
    parsed = parse(head(fields=fields).removesuffix(b"\r\n\r\n"))
    assert list(parsed.lines) == ["host", "other"]


def test_one_empty_line_before_a_request_is_ignored() -> None:
    """Old clients send CRLF after a body; the request behind it is still served."""

    async def respond(request: Request) -> Response:
        return Response(200, None, Body(b"x"))

    async def scenario() -> None:
        async with serving(Answerer(respond)) as server, client(server.port) as c:
            c.send(b"\r\n" + head())
            assert (await c.reply()).status == 200

    asyncio.run(scenario())


def test_never_echoes_the_request_in_a_refusal() -> None:
    """The text of a refusal is ours alone."""
    with pytest.raises(HeadError) as refusal:
        parse(b"GET /<script> HTTP/1.1\r\nHost: h")
    assert "script" not in refusal.value.message
