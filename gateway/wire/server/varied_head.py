"""
A head that varies the last one of its connection: only what has changed is read.

Clients, and the proxies in front of us, send the same fields again and again with another path, token or trace id.
Whatever is less simple than that is left to the whole reading, which also says what is wrong.

Source: docs/adr/0009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.wire.fields import FieldError, check_octets, field_key
from gateway.wire.server.request_head import RequestHead, read_request_line, read_target

if TYPE_CHECKING:
    from gateway.wire.settings import ServerSettings

# Fields that stay in a head and decide where its body ends, or which host it is for.
_DECISIVE = frozenset(["content-length", "forwarded", "host"])


def vary(
    head: RequestHead, before: list[str], data: bytes, lines: list[str], settings: ServerSettings
) -> RequestHead | None:
    """
    The head *data*, split into *lines*, as a variation of *head*, whose lines were *before*.

    Returns:
        None if it has to be parsed completely: it has other fields, or one that affects the rest has changed.

    Raises:
        HeadError: Its request line is refused.
    """
    try:
        check_octets(data, len(lines))
        fields = _varied_fields(head, before, lines, settings.limits.header_line_bytes)
    except FieldError:
        return None
    if fields is None:
        return None
    method, path, query = head.method, head.path, head.query
    if lines[0] != before[0]:
        method, target, minor = read_request_line(lines[0], settings)
        if minor != head.minor or "host" not in head.lines:  # the old line may have named the host
            return None
        path, query = read_target(target, head.host, settings)
    return RequestHead(
        method,
        path,
        query,
        fields,
        head.host,
        head.length,
        head.keep_alive,
        head.expects_continue,
        head.minor,
        head.upgrade,
        {},
        head.outline if lines[0] == before[0] else {},
        head.takes_trailers,
    )


def _varied_fields(
    head: RequestHead, before: list[str], lines: list[str], max_line_bytes: int
) -> dict[str, str] | None:
    """The fields of *head* with the new values of those that have changed. Raises FieldError: a name is malformed."""
    if len(lines) != len(before):
        return None
    fields = head.lines.copy()
    for number in [number for number in range(1, len(lines)) if lines[number] != before[number]]:
        key = _varied_key(lines[number], max_line_bytes)
        # The old line has to be in the head unchanged: not joined with others, rewritten or removed.
        if not key or fields.get(key) != before[number]:
            return None
        fields[key] = lines[number]
    return fields


def _varied_key(line: str, max_line_bytes: int) -> str:
    """The folded name of a line that may vary by itself, else empty. Raises FieldError: its name is malformed."""
    name, colon, _ = line.partition(":")
    key = field_key(name) if colon and len(line) <= max_line_bytes else ""
    return "" if key in _DECISIVE or key.startswith("x-forwarded") else key
