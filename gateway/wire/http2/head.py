"""
Heads in HTTP/2's form: the same fields as in HTTP/1.1, and the same checks.

Source: RFC 9113 §8.2 and §8.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from gateway.wire.framing import HOP_BY_HOP, OWNED
from gateway.wire.messages import Request, Url
from gateway.wire.upstream.response_head import ResponseError, ResponseHead, parse_response

Field: TypeAlias = tuple[bytes, bytes]

_NOT_SENT = OWNED | HOP_BY_HOP | {"expect", "host"}


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
    fields += _length(request, has_length)
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def response_head(fields: Iterable[Field], method: str, max_bytes: int, max_fields: int) -> ResponseHead:
    """The head that *fields* make, checked as one of HTTP/1.1 is. Raises ResponseError."""
    status, lines = b"", []
    for name, value in fields:
        if name == b":status":
            status = value
        elif b"\r" in value or b"\n" in value:
            raise ResponseError("a line end in its answer's head")
        else:
            lines.append(b"%b: %b" % (name, value))
    data = b"\r\n".join([b"HTTP/1.1 " + status, *lines])
    if len(data) > max_bytes:
        raise ResponseError("its answer's head is too large")
    return parse_response(data, method, max_fields)


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
