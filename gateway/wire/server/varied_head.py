"""
A head that varies the last one of its connection: only what has changed is read.

Clients, and the proxies in front of us, send the same fields again and again with another path, token or trace id.
Whatever is less simple than that is left to the whole reading, which also says what is wrong.

Source: docs/adr/0009, docs/adr/0090.
"""

from __future__ import annotations

from itertools import compress
from operator import ne
from typing import TYPE_CHECKING

from gateway.wire.fields import FieldError, field_key, has_controls
from gateway.wire.server.request_head import RequestHead, read_request_line, read_target

if TYPE_CHECKING:
    from gateway.wire.settings import ServerSettings

# Fields that stay in a head and decide where its body ends, or which host it is for.
_DECISIVE = frozenset(["content-length", "forwarded", "host"])
_NUMBERS = range(1 << 16)  # of lines; a head has fewer
_FIXED = ("\r\n", "")  # no line begins so


def vary(head: RequestHead, before: list[str], lines: list[str], settings: ServerSettings) -> bool:
    """
    Make *head*, whose lines were *before*, the one that has *lines*.

    Returns:
        False if it has to be parsed completely: it has other fields, or one that affects the rest has changed. Then
        nothing is changed.

    Raises:
        HeadError: Its request line is refused; nothing is changed.
    """
    if len(lines) != len(before):
        return False
    changed = [*compress(_NUMBERS, map(ne, lines, before))]
    fields = _changed_fields(changed, lines, head.places or _places(head, before), settings.limits.header_line_bytes)
    if fields is None or has_controls("".join(fields.values())):
        return False
    if "" in fields and not _vary_request_line(head, fields.pop(""), settings):
        return False
    head.lines.update(fields)
    head.memo = {}
    return True


def _changed_fields(
    changed: list[int], lines: list[str], places: list[tuple[str, str]], max_line_bytes: int
) -> dict[str, str] | None:
    """Those of *lines* whose numbers are in *changed*, by key, the request line as ``""``; None: one may not vary."""
    fields: dict[str, str] = {}
    for number in changed:
        line = lines[number]
        beginning, key = places[number]
        if number and not (line.startswith(beginning) and len(line) <= max_line_bytes):
            return None
        fields[key] = line
    return fields


def _vary_request_line(head: RequestHead, line: str, settings: ServerSettings) -> bool:
    """Whether *head* has the request line *line* now. Raises HeadError."""
    method, target, minor = read_request_line(line, settings)
    if minor != head.minor or "host" not in head.lines:  # the old line may have named the host
        return False
    path, query = read_target(target, head.host, settings)
    head.method, head.path, head.query, head.outline = method, path, query, {}
    return True


def _places(head: RequestHead, lines: list[str]) -> list[tuple[str, str]]:
    """How each of *lines* begins, and its key; ``_FIXED`` where it may not vary. They stay the same while it varies."""
    head.places = [("", ""), *(_place(head, line) for line in lines[1:])]
    return head.places


def _place(head: RequestHead, line: str) -> tuple[str, str]:
    name, colon, _ = line.partition(":")
    try:
        key = field_key(name)
    except FieldError:  # only what is refused has such a name
        return _FIXED
    # It has to be in the head unchanged: not joined with others, rewritten or removed.
    is_fixed = key in _DECISIVE or key.startswith("x-forwarded") or head.lines.get(key) != line
    return _FIXED if is_fixed else (name + colon, key)
