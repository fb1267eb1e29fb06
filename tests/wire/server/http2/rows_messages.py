"""Rows of RFC 9113 §8: requests, their fields and pseudo-header fields, CONNECT."""

from __future__ import annotations

from tests.wire.server.http2.frames import (
    END_HEADERS,
    END_STREAM,
    Setting,
    block,
    data,
    headers,
    literal,
    opening,
    post,
    request,
)
from tests.wire.server.http2.raw_client import RawClient
from tests.wire.server.http2.row import ACCEPTED, MALFORMED, Interim, Row

METHOD, SCHEME, PATH, AUTHORITY = (
    (b":method", b"GET"),
    (b":scheme", b"http"),
    (b":path", b"/row"),
    (b":authority", b"api.example"),
)
HOST = (b"host", b"api.example")
OPENED = opening(1, post())
REFUSED = (*MALFORMED, "405", "501")


def fields(*pairs: tuple[bytes, bytes]) -> list[bytes]:
    """A request of exactly these fields."""
    return [headers(1, block(pairs))]


def with_field(name: bytes, value: bytes) -> list[bytes]:
    """An ordinary request with one more field."""
    return [headers(1, request((name, value)))]


def with_length(length: bytes, *content: bytes) -> list[bytes]:
    """A POST whose Content-Length is *length* with *content* in DATA frames."""
    last = len(content) - 1
    pieces = [data(1, piece, END_STREAM if number == last else 0) for number, piece in enumerate(content)]
    head = headers(1, post((b"content-length", length)), END_HEADERS | (0 if content else END_STREAM))
    return [head + b"".join(pieces)]


def not_forwarded(client: RawClient, received: bytes) -> bool:
    """The backend has received no complete request. Source: RFC 9113 §8.1.1."""
    return not received


def _plain_fields(client: RawClient, received: bytes) -> bool:
    """Names in lower case, nothing of the connection, no white space around values. Source: RFC 9113 §8.2."""
    answer = client.fields[1]
    return (
        answer[0] == (b":status", b"200")
        and all(name == name.lower() and value == value.strip() for name, value in answer)
        and not {name for name, _ in answer} & {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade"}
        and (b"x-mixed", b"Case") in answer
    )


def _host_is_authority(client: RawClient, received: bytes) -> bool:
    return received.lower().count(b"\r\nhost:") == 1


def _one_cookie_line(client: RawClient, received: bytes) -> bool:
    return received.lower().count(b"\r\ncookie:") == 1 and b"a=b; c=d; e=f" in received


def malformed(section: str, what: str, steps: list[bytes]) -> Row:
    """A row whose request never reaches the backend."""
    return Row(section, what, steps, MALFORMED, check=not_forwarded)


ROWS = [
    # -- §8.1
    Row("§8.1", "trailers", [OPENED + data(1, b"abc", 0) + headers(1, literal(b"x-sum", b"6"))], ACCEPTED),
    Row("§8.1", "trailers without content", [OPENED + headers(1, literal(b"x-sum", b"6"))], ACCEPTED),
    Row("§8.1", "empty trailers", [OPENED + data(1, b"abc", 0) + headers(1, b"")], ACCEPTED),
    malformed(
        "§8.1",
        "a second HEADERS that does not end the stream",
        [OPENED + data(1, b"a", 0) + opening(1, literal(b"x-sum", b"6"))],
    ),
    malformed(
        "§8.1",
        "a pseudo-header field in trailers",
        [OPENED + data(1, b"a", 0) + headers(1, literal(b":path", b"/other"))],
    ),
    malformed(
        "§8.1", "an upper-case name in trailers", [OPENED + data(1, b"a", 0) + headers(1, literal(b"X-Sum", b"6"))]
    ),
    malformed(
        "§8.1",
        "a connection-specific field in trailers",
        [OPENED + data(1, b"a", 0) + headers(1, literal(b"transfer-encoding", b"chunked"))],
    ),
    # -- §8.1.1
    Row("§8.1.1", "Content-Length that fits", with_length(b"3", b"ab", b"c"), ACCEPTED),
    Row("§8.1.1", "Content-Length of 0 and no DATA", with_length(b"0"), ACCEPTED),
    malformed("§8.1.1", "Content-Length and no DATA", with_length(b"3")),
    malformed("§8.1.1", "Content-Length and less DATA", with_length(b"3", b"ab")),
    malformed("§8.1.1", "Content-Length and more DATA, in one frame", with_length(b"1", b"ab")),
    malformed("§8.1.1", "Content-Length and more DATA, in several frames", with_length(b"3", b"ab", b"cd")),
    malformed(
        "§8.1.1",
        "Content-Length and less DATA before trailers",
        [opening(1, post((b"content-length", b"3"))) + data(1, b"a", 0) + headers(1, literal(b"x-sum", b"6"))],
    ),
    malformed("§8.1.1", "Content-Length that is not a number", with_length(b"three", b"abc")),
    malformed("§8.1.1", "Content-Length with a sign", with_length(b"+3", b"abc")),
    malformed(
        "§8.1.1",
        "two Content-Lengths that differ",
        [opening(1, post((b"content-length", b"3"), (b"content-length", b"4"))) + data(1, b"abc")],
    ),
    # -- §8.2.1
    malformed("§8.2", "an upper-case name", with_field(b"X-Upper", b"a")),
    malformed("§8.2.1", "a name with a space", with_field(b"x a", b"a")),
    malformed("§8.2.1", "a name with NUL", with_field(b"x\0a", b"a")),
    malformed("§8.2.1", "a name with CR LF", with_field(b"x\r\na", b"a")),
    malformed("§8.2.1", "a name with DEL", with_field(b"x\x7fa", b"a")),
    malformed("§8.2.1", "a name with an octet above 0x7f", with_field(b"x\xe4a", b"a")),
    malformed("§8.2.1", "a name with a colon", with_field(b"x:a", b"a")),
    malformed("§8.2.1", "an empty name", with_field(b"", b"a")),
    malformed("§8.2.1", "a value with NUL", with_field(b"x-a", b"a\0b")),
    malformed("§8.2.1", "a value with LF", with_field(b"x-a", b"a\nb")),
    malformed("§8.2.1", "a value with CR", with_field(b"x-a", b"a\rb")),
    malformed(
        "§8.2.1",
        "a value with a whole request behind CR LF",
        with_field(b"x-a", b"a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"),
    ),
    malformed("§8.2.1", "a value that begins with a space", with_field(b"x-a", b" a")),
    malformed("§8.2.1", "a value that ends with a tab", with_field(b"x-a", b"a\t")),
    Row("§8.2.1", "an empty value", with_field(b"x-a", b""), ACCEPTED),
    # -- §8.2.2
    malformed("§8.2.2", "Connection", with_field(b"connection", b"close")),
    malformed("§8.2.2", "Connection that nominates a field", with_field(b"connection", b"x-a")),
    malformed("§8.2.2", "Keep-Alive", with_field(b"keep-alive", b"timeout=5")),
    malformed("§8.2.2", "Proxy-Connection", with_field(b"proxy-connection", b"keep-alive")),
    malformed(
        "§8.2.2", "Transfer-Encoding", [opening(1, post((b"transfer-encoding", b"chunked"))) + data(1, b"0\r\n\r\n")]
    ),
    malformed("§8.2.2", "Upgrade", with_field(b"upgrade", b"websocket")),
    malformed("§8.2.2", "TE that is not trailers", with_field(b"te", b"gzip")),
    malformed("§8.2.2", "TE with trailers among others", with_field(b"te", b"trailers, deflate;q=0.5")),
    Row("§8.2.2", "TE: trailers", with_field(b"te", b"trailers"), ACCEPTED),
    # -- §8.2.3
    Row(
        "§8.2.3",
        "a cookie in three fields",
        [headers(1, request((b"cookie", b"a=b"), (b"cookie", b"c=d"), (b"cookie", b"e=f")))],
        ACCEPTED,
        check=_one_cookie_line,
    ),
    # -- §8.3
    malformed("§8.3", "an unknown pseudo-header field", fields(METHOD, SCHEME, AUTHORITY, PATH, (b":unknown", b"a"))),
    malformed(
        "§8.3", "a pseudo-header field of answers", fields(METHOD, SCHEME, AUTHORITY, PATH, (b":status", b"200"))
    ),
    malformed("§8.3", "a pseudo-header field behind a field", fields(METHOD, SCHEME, AUTHORITY, (b"x-a", b"a"), PATH)),
    malformed("§8.3", "an empty pseudo-header name", fields(METHOD, SCHEME, AUTHORITY, PATH, (b":", b"a"))),
    malformed("§8.3", "two methods", fields(METHOD, METHOD, SCHEME, AUTHORITY, PATH)),
    malformed("§8.3", "two schemes", fields(METHOD, SCHEME, SCHEME, AUTHORITY, PATH)),
    malformed("§8.3", "two paths", fields(METHOD, SCHEME, AUTHORITY, PATH, (b":path", b"/other"))),
    malformed("§8.3", "two authorities", fields(METHOD, SCHEME, AUTHORITY, (b":authority", b"other.example"), PATH)),
    Row("§8.3", "pseudo-header fields in another order", fields(PATH, AUTHORITY, SCHEME, METHOD), ACCEPTED),
    # -- §8.3.1
    malformed("§8.3.1", "no method", fields(SCHEME, AUTHORITY, PATH)),
    malformed("§8.3.1", "no scheme", fields(METHOD, AUTHORITY, PATH)),
    malformed("§8.3.1", "no path", fields(METHOD, SCHEME, AUTHORITY)),
    malformed("§8.3.1", "an empty method", fields((b":method", b""), SCHEME, AUTHORITY, PATH)),
    malformed("§8.3.1", "a method with a space", fields((b":method", b"GET /other"), SCHEME, AUTHORITY, PATH)),
    malformed("§8.3.1", "an empty scheme", fields(METHOD, (b":scheme", b""), AUTHORITY, PATH)),
    malformed(
        "§8.3.1", "a scheme with a URL", fields(METHOD, (b":scheme", b"http://other.example/?"), AUTHORITY, PATH)
    ),
    malformed("§8.3.1", "an empty path", fields(METHOD, SCHEME, AUTHORITY, (b":path", b""))),
    malformed("§8.3.1", "a path without a slash", fields(METHOD, SCHEME, AUTHORITY, (b":path", b"row"))),
    malformed(
        "§8.3.1", "a path that is a URL", fields(METHOD, SCHEME, AUTHORITY, (b":path", b"http://other.example/row"))
    ),
    malformed("§8.3.1", "a path with a space", fields(METHOD, SCHEME, AUTHORITY, (b":path", b"/row HTTP/1.1"))),
    malformed("§8.3.1", "a path with CR LF", fields(METHOD, SCHEME, AUTHORITY, (b":path", b"/row\r\nx-a: b"))),
    malformed(
        "§8.3.1", "a method with CR LF", fields((b":method", b"GET / HTTP/1.1\r\nx: y\r\nGET"), SCHEME, AUTHORITY, PATH)
    ),
    malformed("§8.3.1", "an authority with CR LF", fields(METHOD, SCHEME, (b":authority", b"a\r\nx: y"), PATH)),
    malformed("§8.3.1", "an asterisk that is not for OPTIONS", fields(METHOD, SCHEME, AUTHORITY, (b":path", b"*"))),
    malformed("§8.3.1", "an authority with a user", fields(METHOD, SCHEME, (b":authority", b"user@api.example"), PATH)),
    malformed("§8.3.1", "an empty authority", fields(METHOD, SCHEME, (b":authority", b""), PATH)),
    malformed(
        "§8.3.1", "an authority that is not Host", fields(METHOD, SCHEME, AUTHORITY, PATH, (b"host", b"other.example"))
    ),
    malformed("§8.3.1", "neither authority nor Host", fields(METHOD, SCHEME, PATH)),
    malformed("§8.3.1", "two Hosts", fields(METHOD, SCHEME, PATH, HOST, (b"host", b"other.example"))),
    Row(
        "§8.3.1",
        "authority and the same Host",
        fields(METHOD, SCHEME, AUTHORITY, PATH, HOST),
        ACCEPTED,
        check=_host_is_authority,
    ),
    Row("§8.3.1", "Host instead of authority", fields(METHOD, SCHEME, PATH, HOST), ACCEPTED, check=_host_is_authority),
    Row("§8.3.1", "authority and no Host", fields(METHOD, SCHEME, AUTHORITY, PATH), ACCEPTED, check=_host_is_authority),
    # -- §8.5
    Row(
        "§8.5",
        "CONNECT with a scheme and a path",
        fields((b":method", b"CONNECT"), SCHEME, AUTHORITY, PATH),
        REFUSED,
        check=not_forwarded,
    ),
    Row(
        "§8.5",
        "CONNECT",
        fields((b":method", b"CONNECT"), (b":authority", b"api.example:443")),
        REFUSED,
        check=not_forwarded,
    ),
    Row("§8.5", "CONNECT without an authority", fields((b":method", b"CONNECT")), REFUSED, check=not_forwarded),
    # -- what a server may send
    Row(
        "§8.2",
        "a request whose answer has fields of HTTP/1.1's connections",
        [headers(1, request())],
        ACCEPTED,
        check=_plain_fields,
    ),
    Row(
        "§8.1",
        "Expect: 100-continue: an interim answer first",
        [opening(1, post((b"expect", b"100-continue"))), Interim(1), data(1, b"abc")],
        ACCEPTED,
        check=lambda client, _: client.statuses[1] == [100, 200],
    ),
    # -- RFC 8441
    malformed(
        "RFC 8441 §4",
        ":protocol on a method that is not CONNECT",
        fields(METHOD, SCHEME, AUTHORITY, PATH, (b":protocol", b"websocket")),
    ),
    Row(
        "RFC 8441 §4",
        ":protocol without a path",
        fields((b":method", b"CONNECT"), SCHEME, AUTHORITY, (b":protocol", b"websocket")),
        REFUSED,
        check=not_forwarded,
    ),
    Row(
        "RFC 8441 §4",
        "a protocol that is not known",
        fields((b":method", b"CONNECT"), SCHEME, AUTHORITY, PATH, (b":protocol", b"gopher")),
        REFUSED,
        check=not_forwarded,
        needs=Setting.ENABLE_CONNECT_PROTOCOL,
    ),
]
