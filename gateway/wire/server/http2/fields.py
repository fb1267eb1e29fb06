"""
Heads between HPACK and the lines that the gateway keeps.

A request's fields become the text of an HTTP/1.1 head, which passes the same strict check as one that came as text: so
policies and backends cannot tell which version the client speaks, and nothing is refused in one that passes in the
other. An answer's lines become literal fields, outside HPACK's table: they need no state, so a line is encoded once for
all connections, and what one client gets leaves no trace in the compression of another's.

Source: RFC 9113 §8.2 and §8.3; RFC 7541 §6.2.2; RFC 8441 §4.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Sequence

from hpack.table import HeaderTable

from gateway.wire.decoders import MAX_TRAILER_FIELDS
from gateway.wire.fields import FieldError, check_octets, parse_fields
from gateway.wire.framing import OWNED
from gateway.wire.headers import Headers
from gateway.wire.server.http2.hpack import Field
from gateway.wire.server.request_head import HeadError

_MAX_KNOWN = 2048
_MAX_LINE = 128  # of a line that is remembered
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")  # RFC 9113 §8.2.1: a token without capitals
_PSEUDO = frozenset([b":method", b":scheme", b":path", b":authority", b":protocol"])
# Source: RFC 9113 §8.2.2.
_CONNECTION_FIELDS = frozenset([b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"])
_SCHEMES = frozenset([b"http", b"https"])
_WORD = re.compile(rb"[^ ]+")
_PATH = re.compile(rb"/[^ ]*|\*")
_SPACE = frozenset([b" ", b"\t"])
_MAX_TRAILERS = 16 * 1024

_names: set[bytes] = set()  # that were found well-formed; no pseudo-field is among them
_encoded: dict[str, bytes] = {}  # answers' lines


class MalformedFields(Exception):
    """A request that HTTP/2 calls malformed: its stream ends. Source: RFC 9113 §8.1.1."""


def head_text(fields: Sequence[Field], ended: bool) -> bytes:
    """
    The request's head as HTTP/1.1 would have it, with its empty line; *ended*: it has no body.

    Raises:
        MalformedFields: It is not a request of HTTP/2.
        HeadError: It asks for another protocol than WebSocket.
    """
    pseudo = _pseudo_fields(fields)
    rest = fields[len(pseudo) :]
    names = [name for name, _ in rest]
    lines = [_line(name, value) for name, value in rest]
    if names.count(b"cookie") > 1:
        lines = _with_one_cookie(lines)
    method, path = _target(pseudo)
    start: list[bytes] = []
    if b":protocol" in pseudo:
        method, start, lines = _switching(pseudo[b":protocol"], method, lines, ended)
    elif not ended and b"content-length" not in names:
        start = [b"transfer-encoding: chunked"]
    if b":authority" in pseudo:
        start.append(b"host: " + _authority(pseudo[b":authority"]))
        lines = _without_host(lines, names, pseudo[b":authority"])
    return _joined([b"%b %b HTTP/1.1" % (method, path), *start, *lines]) + b"\r\n\r\n"


def _line(name: bytes, value: bytes) -> bytes:
    """A field as a line of HTTP/1.1. Raises MalformedFields. Source: RFC 9113 §8.2."""
    if name not in _names:
        _check_name(name)
    if value[:1] in _SPACE or value[-1:] in _SPACE:
        raise MalformedFields("white space around a field's value")
    if name == b"te" and value.lower() != b"trailers":
        raise MalformedFields("TE with something else than trailers")
    return name + b": " + value


def _with_one_cookie(lines: list[bytes]) -> list[bytes]:
    """The *lines*, those of Cookie joined. Source: RFC 9113 §8.2.3."""
    crumbs = [line[8:] for line in lines if line.startswith(b"cookie: ")]
    return [*[line for line in lines if not line.startswith(b"cookie: ")], b"cookie: " + b"; ".join(crumbs)]


def _pseudo_fields(fields: Sequence[Field]) -> dict[bytes, bytes]:
    """The pseudo-fields at the beginning of *fields*. Raises MalformedFields. Source: RFC 9113 §8.3."""
    pseudo: dict[bytes, bytes] = {}
    for name, value in fields:
        if not name.startswith(b":"):
            break
        if name not in _PSEUDO or name in pseudo:
            raise MalformedFields("a pseudo-field twice, or one that requests do not have")
        pseudo[name] = value
    return pseudo


def _joined(lines: list[bytes]) -> bytes:
    """The *lines* as text. Raises MalformedFields: one of them holds a line end. Source: RFC 9113 §8.2.1."""
    text, ends = b"\r\n".join(lines), len(lines) - 1
    if text.count(b"\n") != ends or text.count(b"\r") != ends or b"\0" in text:
        raise MalformedFields("a line end or NUL in a field")
    return text


def _check_name(name: bytes) -> None:
    """Remember *name*, or refuse it. Raises MalformedFields."""
    if name in _CONNECTION_FIELDS:
        raise MalformedFields("a field that belongs to one connection of HTTP/1.1")
    elif not _NAME.fullmatch(name):
        raise MalformedFields("a malformed field name")
    if len(_names) < _MAX_KNOWN:
        _names.add(name)


def _target(pseudo: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """Method and path. Raises MalformedFields. Source: RFC 9113 §8.3.1."""
    method, path = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
    if method == b"CONNECT" and b":protocol" not in pseudo:
        return method, _no_path(pseudo)
    if pseudo.get(b":scheme") not in _SCHEMES or not _WORD.fullmatch(method):
        raise MalformedFields("no method or scheme, or a malformed one")
    if not _PATH.fullmatch(path):
        raise MalformedFields("no path, or a malformed one")
    return method, path


def _no_path(pseudo: dict[bytes, bytes]) -> bytes:
    """In place of the path that CONNECT must not have; it is refused later. Raises MalformedFields. RFC 9113 §8.5."""
    if b":path" in pseudo or b":scheme" in pseudo or b":authority" not in pseudo:
        raise MalformedFields("CONNECT with path or scheme, or without authority")
    return b"/"


def _authority(authority: bytes) -> bytes:
    """Raises MalformedFields: it is empty, or names a user. Source: RFC 9113 §8.3.1."""
    if not authority or b"@" in authority:
        raise MalformedFields("a malformed authority")
    return authority


def _without_host(lines: list[bytes], names: list[bytes], authority: bytes) -> list[bytes]:
    """*lines* without Host, which has to say what *authority* says. Raises MalformedFields."""
    if b"host" not in names:
        return lines
    if any(line.startswith(b"host: ") and line[6:].lower() != authority.lower() for line in lines):
        raise MalformedFields("an authority that is not the Host")
    return [line for line in lines if not line.startswith(b"host: ")]


def _switching(
    protocol: bytes, method: bytes, lines: list[bytes], ended: bool
) -> tuple[bytes, list[bytes], list[bytes]]:
    """
    Method, first fields and other *lines* of the request that HTTP/1.1 would have for a switch to *protocol*.

    Source: RFC 8441 §5. Raises MalformedFields, HeadError.
    """
    if method != b"CONNECT" or ended:
        raise MalformedFields(":protocol without CONNECT")
    if protocol.lower() != b"websocket":
        raise HeadError(501, "Protocol not supported")
    key = base64.b64encode(os.urandom(16))
    start = [b"connection: upgrade", b"upgrade: " + protocol, b"sec-websocket-key: " + key]
    return b"GET", start, [line for line in lines if not line.startswith((b"sec-websocket-key:", b"content-length:"))]


def trailer_lines(fields: Sequence[Field]) -> dict[str, str]:
    """The field lines behind a request's body, by folded name. Raises MalformedFields. Source: RFC 9113 §8.1."""
    if not fields:
        return {}
    lines = [_line(name, value) for name, value in fields if name != b"te"]
    if len(lines) != len(fields):
        raise MalformedFields("TE among trailers")
    text = _joined(lines)
    if len(lines) > MAX_TRAILER_FIELDS or len(text) > _MAX_TRAILERS:
        raise MalformedFields("too many trailers")
    try:
        check_octets(text, len(lines))
        return parse_fields(text.decode("latin-1").split("\r\n"))
    except FieldError as error:
        raise MalformedFields(str(error)) from None


# -- answers
def answer_block(status: int, headers: Headers, more: Iterable[str] = ()) -> bytes:
    """The field block of an answer's head; *more*: lines that this package adds, without remembering them."""
    pieces = [_status(status)]
    known = _encoded.get
    for name, lines in headers.lines.items():
        if name not in OWNED:
            pieces.append(known(lines) or _learn(lines))
    pieces += map(_encode, more)
    return b"".join(pieces)


def trailer_block(lines: Iterable[str]) -> bytes:
    """The field block of trailer *lines*."""
    return b"".join(map(_encode, lines))


def remembered(line: str) -> bytes:
    """*line* as a field, encoded once for all answers that have it."""
    return _encoded.get(line) or _learn(line)


def _status(status: int) -> bytes:
    """RFC 7541 appendix A has index 8 for 200 and its like, and the name for all others."""
    return _STATUS.get(status) or b"\x08\x03%d" % status


_STATUS = {200: b"\x88", 204: b"\x89", 206: b"\x8a", 304: b"\x8b", 400: b"\x8c", 404: b"\x8d", 500: b"\x8e"}


def _learn(lines: str) -> bytes:
    """The encoded field or fields of *lines*, which are remembered if they are short."""
    block = b"".join(map(_encode, lines.split("\r\n")))
    if len(lines) <= _MAX_LINE and lines[:10].lower() != "set-cookie":
        if len(_encoded) >= _MAX_KNOWN:
            _encoded.clear()
        _encoded[lines] = block
    return block


def _encode(line: str) -> bytes:
    """One field, literally and outside the table. Source: RFC 7541 §6.2.2."""
    name, _, value = line.partition(":")
    octets = value.strip(" \t").encode("latin-1")
    index = _STATIC.get(name) or _name_prefix(name)
    size = len(octets)
    return index + (bytes([size]) if size < 127 else _integer(size)) + octets


_STATIC: dict[str, bytes] = {}


def _name_prefix(name: str) -> bytes:
    octets = name.lower().encode("latin-1")
    indexed = HeaderTable.STATIC_TABLE_MAPPING.get(octets)
    if indexed is not None:
        number = indexed[0]
        prefix = bytes([number]) if number < 15 else bytes([15, number - 15])
    else:
        prefix = b"\0" + (bytes([len(octets)]) if len(octets) < 127 else _integer(len(octets))) + octets
    if len(_STATIC) < _MAX_KNOWN:
        _STATIC[name] = prefix
    return prefix


def _integer(size: int) -> bytes:
    """A length of 127 or more behind a prefix of seven bits. Source: RFC 7541 §5.1."""
    octets, size = bytearray([127]), size - 127
    while size >= 128:
        octets.append(size & 0x7F | 0x80)
        size >>= 7
    octets.append(size)
    return bytes(octets)
