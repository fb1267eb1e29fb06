"""
The strict check of a request's head: everything that two parsers could read differently is refused here.

Source: RFC 9112 §2 to §6; the classes of attack in docs/wire.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.wire.authority import is_authority
from gateway.wire.fields import FieldError, LinePlace, check_octets, fold_name, parse_fields, tokens
from gateway.wire.framing import CHUNKED, HOP_BY_HOP
from gateway.wire.target import TargetError, split_target

if TYPE_CHECKING:
    from gateway.wire.settings import ClientLimits, ServerSettings

_MAX_HOSTS = 1024
_hosts: dict[str, str] = {}  # Host lines that were found well-formed

_METHOD = re.compile(r"[A-Z][A-Z0-9_-]{0,31}")
_VERSION = re.compile(r"HTTP/[0-9]\.[0-9]")
_LENGTH = re.compile(r"0*[0-9]{1,18}")
_USUAL_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_REFUSED_METHODS = frozenset(["CONNECT", "TRACE"])

# Nominating one of these in Connection would remove what the backend relies on.
_NOT_NOMINATED = frozenset(
    ["authorization", "content-length", "content-type", "cookie", "expect", "host", "forwarded", "x-real-ip"]
)
_SINGLE = ("content-length", "host", "authorization", "transfer-encoding", "content-type", "expect")


UNINVITED = "A PROXY header is read only from a peer in trusted-proxies, and with proxy-protocol"


class HeadError(Exception):
    """
    A request that is answered with *status* and *message*, and whose connection is closed.

    *expected* and *found* are for the request log, see ``PolicyError``.

    Attributes:
        line: The request line, where there is one.
    """

    line: str = ""

    def __init__(self, status: int, message: str, *, expected: object = None, found: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.expected = expected
        self.found = found


@dataclass(slots=True)
class RequestHead:
    """
    One valid head.

    Attributes:
        lines: The field lines, without hop-by-hop and nominated ones.
        host: The Host value, ``""`` for HTTP/1.0 without one.
        length: Body bytes; 0 for no body, ``CHUNKED`` when the body marks its own end.
        upgrade: ``websocket`` for a proper upgrade request, or ``""``; other protocols are ignored.
        memo, outline, line_memo: Results that the application keeps for it, see ``Request``.
        takes_trailers: Whether the client accepts trailers after the answer's body.
        places: Of the lines as they came, for ``vary``, which makes the next head of this one; empty: not yet known.
    """

    method: str
    path: str
    query: str
    lines: dict[str, str]
    host: str
    length: int
    keep_alive: bool
    expects_continue: bool = False
    minor: int = 1
    upgrade: str = ""
    memo: dict[object, Any] = field(default_factory=dict)
    outline: dict[object, Any] = field(default_factory=dict)
    takes_trailers: bool = False
    line_memo: dict[object, Any] = field(default_factory=dict)
    places: list[LinePlace] = field(default_factory=list)


def shown_target(line: str) -> tuple[str, str]:
    """Method and path of the request line *line*, without the query, for the log; empty where it has none."""
    method, _, rest = line.partition(" ")
    target = rest.partition(" ")[0]
    if not _METHOD.fullmatch(method) or not target.startswith("/"):  # another form may hold a user's password
        return "", ""
    return method, re.split("[?#]", target, maxsplit=1)[0]


def head_too_large(size: int, limit: int) -> HeadError:
    """The head, or what has come of it, has more bytes than *limit*."""
    return HeadError(431, "Request head too large", expected={"at_most_bytes": limit}, found={"bytes": size})


def line_too_long(size: int, limit: int) -> HeadError:
    """The request line, or what has come of it, has more bytes than *limit*."""
    return HeadError(414, "Request line too long", expected={"at_most_bytes": limit}, found={"bytes": size})


def parse_head(data: bytes, lines: list[str], settings: ServerSettings) -> RequestHead:
    """Parse the head *data*, also split into *lines*, without the empty line at its end. Raises HeadError."""
    method, target, minor = read_request_line(lines[0], settings)
    fields = _fields(data, lines[1:], settings)
    fields.pop("proxy", None)  # not a field of HTTP, but CGI turns it into HTTP_PROXY: CVE-2016-5385
    host = _host(fields, minor)
    if not host and not target.startswith("/"):
        host = _target_authority(target)
    path, query = read_target(target, host, settings)
    head = RequestHead(method, path, query, fields, host, 0, minor == 1, False, minor)
    if "content-length" in fields or "transfer-encoding" in fields:
        head.length = _body_length(fields, minor)
    if "connection" in fields or "expect" in fields or not HOP_BY_HOP.isdisjoint(fields):
        _connection(head)
    return head


def read_request_line(line: str, settings: ServerSettings) -> tuple[str, str, int]:
    """Method, target and minor version. Raises HeadError."""
    if len(line) > settings.limits.request_line_bytes:
        raise line_too_long(len(line), settings.limits.request_line_bytes)
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    if version != "HTTP/1.1" and version != "HTTP/1.0":  # noqa: PLR1714 (this one is quicker)
        if _VERSION.fullmatch(version):
            raise HeadError(505, "HTTP version not supported")
        raise HeadError(400, UNINVITED if line.startswith("PROXY ") else "Malformed request line")
    if method not in _USUAL_METHODS:
        _check_method(method)
    return method, target, 1 if version == "HTTP/1.1" else 0


def _check_method(method: str) -> None:
    if not _METHOD.fullmatch(method):
        raise HeadError(400, "Malformed method")
    if method in _REFUSED_METHODS:
        raise HeadError(405, "Method not allowed", expected=sorted(_USUAL_METHODS), found=method)


def _fields(data: bytes, lines: list[str], settings: ServerSettings) -> dict[str, str]:
    if len(lines) > settings.limits.header_count:
        limit = settings.limits.header_count
        raise HeadError(431, "Too many header fields", expected={"at_most": limit}, found={"fields": len(lines)})
    if len(data) > settings.limits.header_line_bytes and max(map(len, lines)) > settings.limits.header_line_bytes:
        limit, longest = settings.limits.header_line_bytes, max(map(len, lines))
        raise HeadError(431, "Header field too long", expected={"at_most_bytes": limit}, found={"bytes": longest})
    try:
        check_octets(data, len(lines) + 1)
        fields = parse_fields(lines)
    except FieldError as error:
        raise HeadError(400, str(error)) from None
    if len(fields) != len(lines):
        _check_single(fields)
    return fields


def _check_single(fields: dict[str, str]) -> None:
    """Refuse a repeated field of which receivers would use different values."""
    for name in _SINGLE:
        if "\r\n" in fields.get(name, ""):
            raise HeadError(400, f"More than one {name} header")


def _host(fields: dict[str, str], minor: int) -> str:
    line = fields.get("host")
    if line is None:
        if minor == 0:
            return ""
        raise HeadError(400, "Host header missing")
    host = _hosts.get(line)
    if host is None:
        host = line[5:].strip(" \t")
        if not is_authority(host):
            raise HeadError(400, "Malformed Host header")
        if len(_hosts) < _MAX_HOSTS:
            _hosts[line] = host
    return host


def read_target(target: str, host: str, settings: ServerSettings) -> tuple[str, str]:
    """Path and query of the request target, for a request to *host*. Raises HeadError."""
    if not target.startswith("/"):
        target = _origin_form(target, host)
    try:
        return split_target(target, settings.path_escapes)
    except TargetError as error:
        raise HeadError(400, str(error)) from None


def _origin_form(target: str, host: str) -> str:
    """The origin form of an absolute-form target, whose authority has to be the Host. Source: RFC 9112 §3.2.2."""
    scheme, mark, rest = target.partition("://")
    if not mark or scheme.lower() not in ("http", "https"):
        raise HeadError(400, "Malformed request target")
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    if not is_authority(authority) or _plain(authority, scheme) != _plain(host, scheme):
        raise HeadError(400, "Request target and Host disagree")
    tail = rest[len(authority) :]
    return tail if tail.startswith("/") else "/" + tail


def _plain(authority: str, scheme: str) -> str:
    """*authority* for comparison: in lower case, without the scheme's default port. Source: RFC 9110 §4.2.3."""
    return re.sub(":(?:443)?$" if scheme.lower() == "https" else ":(?:80)?$", "", authority.lower())


def _target_authority(target: str) -> str:
    """The authority of an absolute-form target in a request without Host. Source: RFC 9112 §3.2.2."""
    authority = re.split("[/?]", target.partition("://")[2], maxsplit=1)[0]
    if not is_authority(authority):
        raise HeadError(400, "Malformed request target")
    return authority


def _body_length(fields: dict[str, str], minor: int) -> int:
    """The body's length by Content-Length or Transfer-Encoding, never both. Source: RFC 9112 §6."""
    coding = fields.get("transfer-encoding")
    if coding is None:
        return _content_length(fields["content-length"])
    if "content-length" in fields:
        raise HeadError(400, "Content-Length and Transfer-Encoding in one request")
    if minor == 0:
        raise HeadError(400, "Transfer-Encoding in HTTP/1.0")
    codings = tokens(coding)
    if codings == ("chunked",):
        return CHUNKED
    while codings and not codings[-1]:  # RFC 9110 §5.6.1.2: empty members are ignored
        codings = codings[:-1]
    return _coded_length(codings)


def _coded_length(codings: tuple[str, ...]) -> int:
    if codings == ("chunked",):
        return CHUNKED
    if codings[-1:] == ("chunked",) and codings.count("chunked") == 1 and "" not in codings:
        raise HeadError(501, "Transfer coding not supported")
    raise HeadError(400, "Malformed Transfer-Encoding")


def _content_length(line: str) -> int:
    value = line[15:].strip(" \t")
    if not _LENGTH.fullmatch(value):
        raise HeadError(400, "Malformed Content-Length")
    return int(value)


def _connection(head: RequestHead) -> None:
    """Apply Connection, Expect, Upgrade and TE; remove hop-by-hop fields. Source: RFC 9110 §7.6.1, §10.1."""
    fields = head.lines
    options = tokens(fields["connection"]) if "connection" in fields else ()
    if "expect" in fields:
        head.expects_continue = _expects_continue(fields.pop("expect"), head)
    if "close" in options:
        head.keep_alive = False
    elif head.minor == 0:
        head.keep_alive = "keep-alive" in options
    if "upgrade" in options:
        head.upgrade = _upgrade(head)
    if "te" in fields:
        head.takes_trailers = head.minor == 1 and "trailers" in tokens(fields["te"])
    _take_away(fields, options)


def _upgrade(head: RequestHead) -> str:
    """The protocol that the client may switch to. Source: RFC 9110 §7.8."""
    line = head.lines.get("upgrade")
    is_possible = line is not None and head.minor == 1 and head.length == 0
    return "websocket" if is_possible and tokens(line or "") == ("websocket",) else ""


def _expects_continue(line: str, head: RequestHead) -> bool:
    if line[7:].strip(" \t").lower() != "100-continue":
        raise HeadError(417, "Expectation failed")
    return head.minor == 1 and head.length != 0


def _take_away(fields: dict[str, str], options: tuple[str, ...]) -> None:
    """Remove fields that are meant for this connection only, and those that Connection nominates."""
    for option in options:
        name = fold_name(option)
        if name in _NOT_NOMINATED or name.startswith("x-forwarded-"):
            raise HeadError(400, "Connection nominates a header that is not hop-by-hop")
        fields.pop(name, None)
    for name in HOP_BY_HOP.intersection(fields):
        del fields[name]


def check_start(data: bytes, limits: ClientLimits) -> None:
    """Refuse the beginning of a head that is too large already, or cannot become valid. Raises HeadError."""
    if len(data) > limits.head_bytes:
        raise head_too_large(len(data), limits.head_bytes)
    if len(data) > limits.request_line_bytes and b"\r\n" not in data:
        raise line_too_long(len(data), limits.request_line_bytes)
    line_ends = data.count(b"\r\n")
    if data.count(b"\n") != line_ends or data.count(b"\r", 0, -1) != line_ends or b"\0" in data:
        raise HeadError(400, "Control character or bare line end in the message head")
