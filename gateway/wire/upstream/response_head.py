"""
The check of an answer's head from a backend: what is framed in two ways is not an answer.

Source: RFC 9112 §4 and §6.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.wire.fields import (
    FIXED,
    FieldError,
    LinePlace,
    check_octets,
    fold_name,
    line_place,
    parse_fields,
    split_members,
    tokens,
    varied_fields,
)
from gateway.wire.framing import CHUNKED, HOP_BY_HOP, NEEDED_BY_STATUS, has_no_body

UNTIL_CLOSE = -2

_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: (.*))?")
_LENGTH = re.compile(r"[0-9]{1,18}")
_PARAMETER = re.compile(r"timeout=([0-9]{1,6})")
_ANY_LENGTH = 1 << 30  # of a line: the whole head is limited
_DECISIVE = HOP_BY_HOP | {"transfer-encoding"}  # beside Content-Length, which is read
_MAX_KNOWN = 256
_known: dict[str, tuple[int, int, str]] = {}


class ResponseError(Exception):
    """An answer that breaks the protocol; the text says how."""


@dataclass(slots=True)
class ResponseHead:
    """
    One valid head.

    Attributes:
        lines: The field lines, without hop-by-hop and nominated ones.
        length: Body bytes, ``CHUNKED`` or ``UNTIL_CLOSE``.
        idle_s: How long the backend announces that it keeps an unused connection; None where it does not.
        upgrade: The protocol of a 101 answer.
        places: Of the lines as they came, for ``vary_response``; empty: not yet known.
    """

    status: int
    reason: str
    lines: dict[str, str]
    length: int
    keep_alive: bool
    idle_s: int | None = None
    upgrade: str = ""
    places: list[LinePlace] = field(default_factory=list)

    @property
    def is_final(self) -> bool:
        """Whether no other head follows for the same request. Source: RFC 9110 §15.2."""
        return self.status >= 200 or self.status == 101


def parse_response(data: bytes, lines: list[str], method: str, max_fields: int) -> ResponseHead:
    """Read the head *data*, also split into *lines*, without the empty line at its end. Raises ResponseError."""
    minor, status, reason = _status_line(lines[0])
    if len(lines) - 1 > max_fields:
        raise ResponseError("too many header fields")
    try:
        check_octets(data, len(lines))
        fields = parse_fields(lines[1:])
    except FieldError as error:
        raise ResponseError(str(error)) from None
    head = ResponseHead(status, reason, fields, 0, minor == 1)
    head.length = _body_length(head, method, minor)
    if not HOP_BY_HOP.isdisjoint(fields):
        _connection(head, minor)
    return head


def vary_response(head: ResponseHead, before: list[str], lines: list[str], method: str) -> bool:
    """
    Make *head*, whose lines were *before*, the answer to another request with *method*, with *lines*.

    Returns:
        False if it has to be read completely; then nothing is changed.

    Raises:
        ResponseError: Its length is malformed.
    """
    if not head.places:
        head.places = [FIXED, *(line_place(line, head.lines) for line in before[1:])]
    fields = varied_fields(lines, before, head.places, _ANY_LENGTH)
    if fields is None or not _DECISIVE.isdisjoint(fields):
        return False
    length = fields.get("content-length")
    if length is not None:
        size = _content_length(length)
        head.length = 0 if has_no_body(head.status, method) else size
    head.lines.update(fields)
    return True


def _status_line(line: str) -> tuple[int, int, str]:
    """Minor version, status and reason."""
    parts = _known.get(line)
    if parts is None:
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise ResponseError("malformed status line")
        parts = (int(match[1]), int(match[2]), match[3] or "")
        if len(_known) < _MAX_KNOWN and len(line) < 64:
            _known[line] = parts
    return parts


def _body_length(head: ResponseHead, method: str, minor: int) -> int:
    """How the body ends. Source: RFC 9112 §6.3."""
    coding, length = head.lines.get("transfer-encoding"), head.lines.get("content-length")
    if coding is not None:
        return _coded_length(head, coding, length, method) if minor == 1 else _conflict()
    size = UNTIL_CLOSE if length is None else _content_length(length)
    if has_no_body(head.status, method):
        return 0
    if size == UNTIL_CLOSE:
        head.keep_alive = False
    return size


def _coded_length(head: ResponseHead, coding: str, length: str | None, method: str) -> int:
    if length is not None or tokens(coding) != ("chunked",):
        _conflict()
    return 0 if has_no_body(head.status, method) else CHUNKED


def _conflict() -> int:
    raise ResponseError("conflicting or unsupported framing")


def _content_length(line: str) -> int:
    """The length; equal values in several lines or members are one. Source: RFC 9112 §6.3, item 5."""
    value = line[15:].strip(" \t")
    if not _LENGTH.fullmatch(value):
        values = set(split_members(line))
        value = values.pop()
        if values or not _LENGTH.fullmatch(value):
            raise ResponseError("conflicting or malformed Content-Length")
    return int(value)


def _connection(head: ResponseHead, minor: int) -> None:
    """Apply Connection, Keep-Alive and Upgrade, and remove the hop-by-hop fields. Source: RFC 9110 §7.6.1, §7.8."""
    fields = head.lines
    options = tokens(fields["connection"]) if "connection" in fields else ()
    if "close" in options:
        head.keep_alive = False
    elif minor == 0 and head.length != UNTIL_CLOSE:
        head.keep_alive = "keep-alive" in options
    head.idle_s = _idle_s(fields)
    head.upgrade = _upgrade(fields, options) if head.status == 101 else ""
    nominated = {fold_name(option) for option in options} - {"content-length"}
    for name in (fields.keys() & (HOP_BY_HOP | nominated)) - {NEEDED_BY_STATUS.get(head.status)}:
        del fields[name]


def _upgrade(fields: dict[str, str], options: tuple[str, ...]) -> str:
    """The protocol that the backend switches to, lower case; empty when it does not name it properly."""
    return ",".join(tokens(fields["upgrade"])) if "upgrade" in options and "upgrade" in fields else ""


def _idle_s(fields: dict[str, str]) -> int | None:
    """The backend's own keep-alive time. Source: RFC 2068 §19.7.1, which no later RFC replaces."""
    parameter = _PARAMETER.search(fields["keep-alive"].lower()) if "keep-alive" in fields else None
    return None if parameter is None else int(parameter[1])
