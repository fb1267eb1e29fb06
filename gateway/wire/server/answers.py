"""
Answers: the default error body, and the head of every answer as it goes out.

Source: RFC 9112 §4; the form of APIM's own error answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from gateway.wire.body import Body
from gateway.wire.framing import OWNED
from gateway.wire.headers import Headers
from gateway.wire.messages import Response, reason_phrase

_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_MAX_STATUS_LINES = 512
_status_lines: dict[tuple[int, str | None], str] = {}  # by status, and reason if there is one


def error_response(status: int, message: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """The default error answer, spaced as APIM spaces it."""
    content = f'{{ "statusCode": {status}, "message": {json.dumps(message)} }}'.encode()
    fields = Headers([("Content-Type", "application/json"), *headers])
    return Response(status, fields, Body(content))


def refusal_response(status: int, message: str) -> Response:
    """The answer to a request that never reaches the application."""
    return error_response(status, message, [("Allow", _METHODS)] if status == 405 else [])


def status_line(status: int, reason: str | None) -> str:
    """The first line with its CRLF; the registered phrase if no *reason* is given."""
    line = _status_lines.get((status, reason))
    if line is None:
        phrase = reason_phrase(status) if reason is None else reason
        printable = "".join(mark for mark in phrase if mark.isprintable() and ord(mark) <= 0xFF)
        line = f"HTTP/1.1 {status} {printable}\r\n"
        if len(_status_lines) < _MAX_STATUS_LINES:
            _status_lines[status, reason] = line
    return line


def _with_upgrade(framing: str) -> str:
    """*framing* with ``upgrade`` among the options of Connection."""
    if "Connection: " in framing:
        return framing.replace("Connection: ", "Connection: upgrade, ", 1)
    return f"{framing}Connection: upgrade\r\n"


def render_head(response: Response, framing: str, date_line: str) -> bytes:
    """
    The complete head. *framing*: the lines that this package adds, each with its CRLF.

    A Date is added if the backend sent none: RFC 9110 §6.6.1.
    """
    lines = response.headers.lines
    if not OWNED.isdisjoint(lines):
        upgrade = lines.get("upgrade") if response.status_code == 426 else None
        lines = {name: line for name, line in lines.items() if name not in OWNED}
        if upgrade is not None:  # RFC 9110 §7.8: named in Connection too
            framing = f"{upgrade}\r\n{_with_upgrade(framing)}"
    if "date" not in lines:
        framing = f"{framing}{date_line}\r\n"
    block = "\r\n".join(lines.values())
    first = status_line(response.status_code, response.given_reason)
    text = f"{first}{block}\r\n{framing}\r\n" if block else f"{first}{framing}\r\n"
    return text.encode("latin-1")


def render_interim(response: Response) -> bytes:
    """The complete head of an interim answer, which has no body and needs no Date."""
    lines = [f"{line}\r\n" for name, line in response.headers.lines.items() if name not in OWNED]
    first = status_line(response.status_code, response.given_reason)
    return "".join([first, *lines, "\r\n"]).encode("latin-1")
