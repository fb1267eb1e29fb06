"""Raw requests that a stranger may send, with the answers that the standard allows; ``table`` prints the outcomes."""

from __future__ import annotations

from dataclasses import dataclass

PASS, REFUSE, CLOSE = "passes", "refused", "closed"


@dataclass(frozen=True, slots=True)
class Probe:
    """
    One request.

    Attributes:
        right: ``passes`` (the backend's 200), ``refused`` (4xx or 5xx) or both, by the standard.
        source: Where that is written.
    """

    what: str
    sent: bytes
    right: tuple[str, ...]
    source: str


def _request(*lines: str, body: str = "", target: str = "/a", method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    head = "\r\n".join([f"{method} {target} {version}", "Host: api.example", *lines, "", ""])
    return (head + body).encode("latin-1")


def _post(*lines: str, body: str) -> bytes:
    return _request(*lines, body=body, method="POST")


_CHUNKED = "Transfer-Encoding: chunked"
_LAST = "0\r\n\r\n"  # the last chunk
_REFUSED, _EITHER = (REFUSE,), (REFUSE, PASS)

PROBES = [
    Probe("a plain request", _request(), (PASS,), "RFC 9112 §3"),
    Probe(
        "length and chunked coding together",
        _post("Content-Length: 5", _CHUNKED, body=_LAST),
        (REFUSE,),
        "RFC 9112 §6.1",
    ),
    Probe(
        "two lengths that differ",
        _post("Content-Length: 1", "Content-Length: 2", body="ab"),
        (REFUSE,),
        "RFC 9112 §6.3",
    ),
    Probe("a length with a sign", _post("Content-Length: +1", body="a"), _REFUSED, "RFC 9110 §8.6"),
    Probe("a length that no machine has", _post("Content-Length: " + "9" * 30, body="a"), _REFUSED, "RFC 9110 §8.6"),
    Probe(
        "chunked is not the last coding",
        _post("Transfer-Encoding: chunked, gzip", body=_LAST),
        (REFUSE,),
        "RFC 9112 §6.1",
    ),
    Probe("chunked coding, twice", _post(_CHUNKED, _CHUNKED, body=_LAST), _REFUSED, "RFC 9112 §6.1"),
    Probe(
        "chunked coding in HTTP/1.0",
        _request(_CHUNKED, body=_LAST, method="POST", version="HTTP/1.0"),
        (REFUSE, PASS),
        "RFC 9112 §6.1",
    ),
    Probe("a chunk size that is not a number", _post(_CHUNKED, body="zz\r\na\r\n0\r\n\r\n"), _REFUSED, "RFC 9112 §7.1"),
    Probe("a chunk size with 0x", _post(_CHUNKED, body="0x1\r\na\r\n0\r\n\r\n"), _REFUSED, "RFC 9112 §7.1"),
    Probe("a chunk longer than its size", _post(_CHUNKED, body="1\r\nabc\r\n0\r\n\r\n"), _REFUSED, "RFC 9112 §7.1"),
    Probe("white space before the colon", _request("X-A : b"), _REFUSED, "RFC 9112 §5.1"),
    Probe("a folded header line", _request("X-A: b\r\n c"), _EITHER, "RFC 9112 §5.2"),
    Probe("a header name with a space", _request("X A: b"), _REFUSED, "RFC 9110 §5.1"),
    Probe("a NUL in a header", _request("X-A: b\0c"), _REFUSED, "RFC 9110 §5.5"),
    Probe("a bare CR in a header", _request("X-A: b\rc"), _EITHER, "RFC 9112 §2.2"),
    Probe("no Host", b"GET /a HTTP/1.1\r\n\r\n", _REFUSED, "RFC 9112 §3.2"),
    Probe("two Hosts", _request("Host: other.example"), _REFUSED, "RFC 9112 §3.2"),
    Probe("a Host that is not a host", b"GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", _REFUSED, "RFC 9112 §3.2"),
    Probe("another authority in the target", _request(target="http://other.example/a"), _EITHER, "RFC 9112 §3.2.2"),
    Probe("a dot segment", _request(target="/a/../b"), _EITHER, "RFC 3986 §5.2.4"),
    Probe("a dot segment in escapes", _request(target="/a/%2e%2e/b"), _EITHER, "RFC 3986 §6.2.2"),
    Probe("a NUL in the path", _request(target="/a%00b"), _EITHER, "RFC 3986 §7.3"),
    Probe("a fragment in the target", _request(target="/a#b"), _REFUSED, "RFC 9112 §3.2"),
    Probe("a raw byte above ASCII in the path", _request(target="/\xff"), _REFUSED, "RFC 3986 §2"),
    Probe("a method that is not a token", _request(method="G{T"), _REFUSED, "RFC 9110 §9.1"),
    Probe("CONNECT", _request(target="api.example:443", method="CONNECT"), _EITHER, "RFC 9110 §9.3.6"),
    Probe("TRACE", _request(method="TRACE"), _EITHER, "RFC 9110 §9.3.8"),
    Probe("an unknown version", _request(version="HTTP/1.9"), _EITHER, "RFC 9110 §2.5"),
    Probe("HTTP/0.9", b"GET /a\r\n", (REFUSE, CLOSE), "RFC 9112 §3"),
    Probe("HTTP/2 without agreement", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (REFUSE, CLOSE), "RFC 9113 §3.4"),
    Probe("a request line of 100 kB", _request(target="/" + "a" * 100_000), _REFUSED, "RFC 9110 §15.5.15"),
    Probe("a header line of 100 kB", _request("X-A: " + "a" * 100_000), _REFUSED, "RFC 6585 §5"),
    Probe("5,000 header lines", _request(*(f"X-{number}: a" for number in range(5_000))), _REFUSED, "RFC 6585 §5"),
    Probe(
        "an unknown expectation",
        _post("Expect: 200-maybe", "Content-Length: 1", body="a"),
        (REFUSE, PASS),
        "RFC 9110 §10.1.1",
    ),
]
