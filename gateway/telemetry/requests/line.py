"""
The line of a refused request, put together from what it has in common with others of its cause, and its own members.

A flood of refused requests must not cost more than the refusals, and half of each line says the same about every one of
them: it is written, and searched for what must not be logged, once. The bytes are those of ``AccessLog.members``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from gateway.telemetry.logs import shows_credential
from gateway.telemetry.requests.record import RequestRecord

_CAUSE = ("api", "operation", "status", "source", "scope", "section", "place", "reason", "detail")


def parts_of(record: RequestRecord) -> tuple[str, str, str] | None:
    """
    The beginning, the middle and the end of *record*'s line, which joined are JSON; the middle holds no secret.

    Returns:
        None where the whole line has to be looked at.
    """
    if not record.method or not record.path:
        return None
    try:
        cause = _cause(
            (
                record.api,
                record.operation,
                record.status,
                record.source,
                record.scope,
                record.section,
                record.place,
                record.reason,
                record.detail,
            )
        )
        return (_first(record), cause, _last(record)) if cause else None
    except TypeError:  # half a surrogate pair: expressions can make one, in a message too
        return None


def _first(record: RequestRecord) -> str:
    """What comes before the cause, without the closing brace."""
    members = {"id": record.id, "outcome": str(record.outcome), "method": record.method, "path": record.path}
    return orjson.dumps(members)[:-1].decode()


@lru_cache(maxsize=512)
def _cause(values: tuple[object, ...]) -> str:
    """What a cause writes, commas on both sides; empty if it has to be masked. None of it comes from a client."""
    written = f",{_dump(dict(zip(_CAUSE, values, strict=True)))[1:-1]},"
    return "" if shows_credential(written) else written


def _last(record: RequestRecord) -> str:
    """What comes after the cause, without the braces."""
    return _dump(record.own_members())[1:-1]


def _dump(members: dict[str, Any]) -> str:
    """JSON of *members* without what is empty."""
    return orjson.dumps({name: value for name, value in members.items() if value is not None and value != ""}).decode()
