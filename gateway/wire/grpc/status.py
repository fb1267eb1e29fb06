"""
The status of a gRPC call, and what it is as an HTTP status.

Source: gRPC, "Status codes and their use in gRPC" and "gRPC over HTTP2"; google.rpc.Code for the HTTP statuses.
"""

from __future__ import annotations

from enum import IntEnum
from urllib.parse import quote

STATUS, MESSAGE = "grpc-status", "grpc-message"


class GrpcStatus(IntEnum):
    """How a call has ended."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


# What an HTTP answer means to a caller that waits for a grpc-status. docs/grpc.md shows this table.
OF_HTTP: dict[int, GrpcStatus] = {
    400: GrpcStatus.INVALID_ARGUMENT,
    401: GrpcStatus.UNAUTHENTICATED,
    403: GrpcStatus.PERMISSION_DENIED,
    404: GrpcStatus.UNIMPLEMENTED,
    405: GrpcStatus.UNIMPLEMENTED,
    408: GrpcStatus.DEADLINE_EXCEEDED,
    409: GrpcStatus.ABORTED,
    412: GrpcStatus.FAILED_PRECONDITION,
    413: GrpcStatus.RESOURCE_EXHAUSTED,
    415: GrpcStatus.INVALID_ARGUMENT,
    422: GrpcStatus.INVALID_ARGUMENT,
    429: GrpcStatus.RESOURCE_EXHAUSTED,
    431: GrpcStatus.RESOURCE_EXHAUSTED,
    499: GrpcStatus.CANCELLED,
    500: GrpcStatus.INTERNAL,
    501: GrpcStatus.UNIMPLEMENTED,
    502: GrpcStatus.UNAVAILABLE,
    503: GrpcStatus.UNAVAILABLE,
    504: GrpcStatus.DEADLINE_EXCEEDED,
}

# The other way round, for whatever counts and judges answers by HTTP status. UNIMPLEMENTED is the caller's mistake, or
# anybody could open a circuit by calling methods that do not exist.
_AS_HTTP: dict[int, int] = {
    GrpcStatus.OK: 200,
    GrpcStatus.CANCELLED: 499,
    GrpcStatus.INVALID_ARGUMENT: 400,
    GrpcStatus.DEADLINE_EXCEEDED: 504,
    GrpcStatus.NOT_FOUND: 404,
    GrpcStatus.ALREADY_EXISTS: 409,
    GrpcStatus.PERMISSION_DENIED: 403,
    GrpcStatus.RESOURCE_EXHAUSTED: 429,
    GrpcStatus.FAILED_PRECONDITION: 400,
    GrpcStatus.ABORTED: 409,
    GrpcStatus.OUT_OF_RANGE: 400,
    GrpcStatus.UNIMPLEMENTED: 404,
    GrpcStatus.UNAVAILABLE: 503,
    GrpcStatus.UNAUTHENTICATED: 401,
}

# Source: gRPC over HTTP2, "Responses": everything printable but the percent sign stands for itself.
_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def of_http(status: int) -> GrpcStatus:
    """The status that an answer of HTTP means, which has none of its own; 2xx too: it is not an answer to a call."""
    return OF_HTTP.get(status, GrpcStatus.UNKNOWN)


def as_http(status: int) -> int:
    """The HTTP status that is closest to *status*; 500 for UNKNOWN, INTERNAL, DATA_LOSS and numbers without a name."""
    return _AS_HTTP.get(status, 500)


def name_of(status: int) -> str:
    """``UNAVAILABLE``; the number itself where there is no such status."""
    return GrpcStatus(status).name if status in _NAMED else str(status)


def parse_status(text: str | None) -> int | None:
    """A grpc-status as it was received; UNKNOWN for what is no number, None where there is none."""
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else GrpcStatus.UNKNOWN


def encode_message(text: str) -> str:
    """*text* as grpc-message, percent-encoded."""
    return quote(text, safe=_SAFE, errors="replace")  # JSON may hold half a surrogate pair


def status_lines(status: int, message: str) -> dict[str, str]:
    """Trailers that end a call: folded name -> line."""
    lines = {STATUS: f"{STATUS}: {int(status)}"}
    if message:
        lines[MESSAGE] = f"{MESSAGE}: {encode_message(message)}"
    return lines


_NAMED = frozenset(GrpcStatus)
