"""
A head that varies the last one of its connection: only what has changed is read.

Clients, and the proxies in front of us, send the same fields again and again with another path, token or trace id.
Whatever is less simple than that is left to the whole reading, which also says what is wrong.

Source: docs/adr/0009, docs/adr/0090.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.wire.fields import ANY_LINE, FIXED, LinePlace, line_place, varied_fields
from gateway.wire.server.request_head import RequestHead, read_request_line, read_target

if TYPE_CHECKING:
    from gateway.wire.settings import ServerSettings

# Fields that stay in a head and decide where its body ends, or which host it is for.
_DECISIVE = frozenset(["content-length", "forwarded", "host"])


def vary(head: RequestHead, before: list[str], lines: list[str], settings: ServerSettings) -> bool:
    """
    Make *head*, whose lines were *before*, the one that has *lines*.

    Returns:
        False if it has to be parsed completely: it has other fields, or one that affects the rest has changed. Then
        nothing is changed.

    Raises:
        HeadError: Its request line is refused; nothing is changed.
    """
    places = head.places or _places(head, before)
    fields = varied_fields(lines, before, places, settings.limits.header_line_bytes)
    if fields is None:
        return False
    if "" in fields and not _vary_request_line(head, fields.pop(""), settings):
        return False
    head.lines.update(fields)
    head.memo = {}
    return True


def _vary_request_line(head: RequestHead, line: str, settings: ServerSettings) -> bool:
    """Whether *head* has the request line *line* now. Raises HeadError."""
    method, target, minor = read_request_line(line, settings)
    if minor != head.minor or "host" not in head.lines:  # the old line may have named the host
        return False
    path, query = read_target(target, head.host, settings)
    head.method, head.path, head.query, head.outline = method, path, query, {}
    return True


def _places(head: RequestHead, lines: list[str]) -> list[LinePlace]:
    """See ``RequestHead.places``."""
    head.places = [ANY_LINE, *(_place(head, line) for line in lines[1:])]
    return head.places


def _place(head: RequestHead, line: str) -> LinePlace:
    place = line_place(line, head.lines)
    return FIXED if place.key in _DECISIVE or place.key.startswith("x-forwarded") else place
