"""
Heads in HTTP/2's form: the same fields as in HTTP/1.1, and the same checks.

Source: RFC 9113 §8.2 and §8.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from hpack import Decoder, Encoder, HeaderTuple
from hpack.hpack import encode_integer
from hpack.table import HeaderTable

from gateway.wire.fields import FieldError, check_octets, parse_fields
from gateway.wire.framing import HOP_BY_HOP, OWNED
from gateway.wire.messages import Request, Url
from gateway.wire.trailers import passed_lines
from gateway.wire.upstream.response_head import ResponseError, ResponseHead, parse_response

Field: TypeAlias = tuple[bytes, bytes]

MAX_LIST_BYTES = 1024 * 1024
"""Fields of one answer, decoded. Beyond it the connection ends, because the state of the compression is lost."""

_STATUS = re.compile(rb"[1-9][0-9]{2}")  # RFC 9113 §8.3.2: the three digits, and no reason

_HIDDEN_LENGTH = b"content-length\0"  # not a field name, so that no backend can send it

# Source: RFC 9113 §8.2.2.
_CONNECTION_FIELDS = frozenset([b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"])

# Literal fields that enter no table, and those that no other hop may put into one either. Source: RFC 7541 §6.2.
_NOT_INDEXED, _NEVER_INDEXED = 0x00, 0x10
_SECRET = frozenset([b"authorization", b"cookie", b"ocp-apim-subscription-key", b"proxy-authorization"])
_NAMES = {name: index for index, (name, _) in reversed([*enumerate(HeaderTable.STATIC_TABLE, 1)])}
_MAX_REMEMBERED, _MAX_REMEMBERED_BYTES = 2048, 128
_encoded: dict[Field, bytes] = {}

_NOT_SENT = OWNED | HOP_BY_HOP | {"expect", "host"}


class FieldDecoder(Decoder):
    """
    Decodes field blocks and hides Content-Length from h2.

    h2 ends the connection, with everybody's streams, over one answer whose length does not match. That is an error of
    the stream (RFC 9113 §8.1.1), and h2 has no setting for it, so the exchange counts for itself.
    """

    def __init__(self) -> None:
        super().__init__(MAX_LIST_BYTES)

    def decode(self, data: bytes, raw: bool = False) -> list[HeaderTuple]:
        """The fields, in order."""
        fields = super().decode(data, raw)
        return [HeaderTuple(_HIDDEN_LENGTH, field[1]) if field[0] == b"content-length" else field for field in fields]


class FieldEncoder(Encoder):
    """
    Encodes field blocks without state and without Huffman coding, which are optional (RFC 7541 §5.2 and §6.2.2).

    Nothing enters HPACK's table: a field is encoded once for all connections, and what one caller sends leaves no trace
    in the compression of another's request. hpack's Huffman coding takes time in proportion to the square of a value's
    length: 92 ms for 32 KB, which any client can send.
    """

    def encode(self, headers: Any, huffman: bool = False) -> bytes:
        """The block of *headers*."""
        block = b"".join([_encoded.get((name, value)) or _encode(name, value) for name, value in headers])
        if not self.header_table.resized:
            return block
        self.header_table.resized = False
        return self._encode_table_size_change() + block


def _encode(name: bytes, value: bytes) -> bytes:
    """A field as it is on the wire, remembered if others are likely to have it, and it is not secret."""
    is_secret = name in _SECRET
    index = _NAMES.get(name, 0)
    kind = _NEVER_INDEXED if is_secret else _NOT_INDEXED
    start = _integer(index, 4, kind) if index else bytes([kind]) + _integer(len(name), 7) + name
    encoded = start + _integer(len(value), 7) + value
    if not is_secret and len(encoded) <= _MAX_REMEMBERED_BYTES:
        if len(_encoded) >= _MAX_REMEMBERED:
            _encoded.clear()
        _encoded[name, value] = encoded
    return encoded


def _integer(number: int, bits: int, kind: int = 0) -> bytes:
    """*number* behind the *bits* that a byte has left beside its *kind*. Source: RFC 7541 §5.1."""
    octets = encode_integer(number, bits)
    octets[0] |= kind
    return bytes(octets)


def request_fields(request: Request, target: str, base: Url, has_length: bool) -> list[Field]:
    """
    The fields of *request* as they go out, pseudo-header fields first.

    Args:
        target: Path and query.
        base: Where the backend is; its authority goes out unless a policy has set Host.
        has_length: Whether the method announces a length even where there is no content.
    """
    scheme = {"wss": "https", "ws": "http"}.get(base.scheme, base.scheme)
    fields = [(":method", request.method), (":scheme", scheme), (":authority", _authority(request, base))]
    fields.append((":path", target))
    for key, lines in request.headers.lines.items():
        if key not in _NOT_SENT:
            fields += [_field(line) for line in lines.split("\r\n")]
    if request.takes_trailers and request.reserved is not None:
        fields.append(("te", "trailers"))
    fields += _length(request, has_length)
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def response_head(fields: Iterable[Field], method: str, max_bytes: int, max_fields: int) -> ResponseHead:
    """The head that *fields* make, checked as one of HTTP/1.1 is. Raises ResponseError."""
    status, *rest = fields
    if status[0] != b":status" or not _STATUS.fullmatch(status[1]):
        raise ResponseError("an answer that does not begin with its status")
    data = b"\r\n".join([b"HTTP/1.1 " + status[1], *map(_line, rest)])
    if len(data) > max_bytes:
        raise ResponseError("its answer's head is too large")
    return parse_response(data, data.decode("latin-1").split("\r\n"), method, max_fields)


def trailer_lines(fields: Iterable[Field], max_bytes: int, max_fields: int) -> dict[str, str]:
    """The field lines behind an answer's body, by folded name. Raises ResponseError. Source: RFC 9113 §8.1."""
    lines = [_line(field) for field in fields]
    data = b"\r\n".join(lines)
    if len(data) > max_bytes or len(lines) > max_fields:
        raise ResponseError("its trailers are too large")
    try:
        check_octets(data, len(lines))
        return parse_fields(data.decode("latin-1").split("\r\n"))
    except FieldError as error:
        raise ResponseError(str(error)) from None


def trailer_fields(trailers: Mapping[str, str], barred: frozenset[str] | None) -> list[Field]:
    """Those of a request's *trailers* that pass, as they go out; see ``passed_lines``."""
    pairs = map(_field, passed_lines(trailers, barred))
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def _line(field: Field) -> bytes:
    """*field* as a line of HTTP/1.1. Raises ResponseError: it is malformed. Source: RFC 9113 §8.2.1 and §8.2.2."""
    name, value = field
    if name == _HIDDEN_LENGTH:
        name = b"content-length"
    if b":" in name or name != name.lower() or name in _CONNECTION_FIELDS:
        raise ResponseError("a field name that HTTP/2 does not allow")
    if b"\r" in value or b"\n" in value:
        raise ResponseError("a line end in its answer's head")
    if value != value.strip(b" \t"):
        raise ResponseError("a field value with white space around it")
    return b"%b: %b" % (name, value)


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip(" \t")


def _authority(request: Request, base: Url) -> str:
    """A Host that a policy set, or the backend's own."""
    line = request.headers.lines.get("host")
    if line is not None and line is not request.received_host:
        return _field(line.partition("\r\n")[0])[1]
    host = f"[{base.host}]" if ":" in base.host else base.host
    return base.authority.replace(base.host, host, 1)


def _length(request: Request, has_length: bool) -> list[tuple[str, str]]:
    body = request.body
    if body is None:
        return [("content-length", "0")] if has_length else []
    length = len(body.content) if body.stream is None else body.stream.length
    return [] if length is None else [("content-length", str(length))]
