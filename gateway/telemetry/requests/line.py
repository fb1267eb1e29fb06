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
from gateway.telemetry.requests.record import RequestOutcome, RequestRecord

_CAUSE = ("api", "operation", "status", "source", "scope", "section", "place", "reason", "detail")
_NOTHING_MORE = (None,) * 7


def parts_of(record: RequestRecord) -> tuple[str, str, str, str] | None:
    """
    The beginning, the middle and the end of *record*'s line, which joined are JSON, and what of it may hold a secret.

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
        if not cause:
            return None
        path = orjson.dumps(record.path).decode()
        beginning = f'{{"id":"{record.id}"{_outcome(record.outcome, record.method)}{path}'
        end, shown = _usual_end(record) if _is_usual(record) else _any_end(record)
        return beginning, cause, end, path + shown
    except TypeError:  # half a surrogate pair: expressions can make one, in a message too
        return None


@lru_cache(maxsize=64)
def _outcome(outcome: RequestOutcome, method: str) -> str:
    """The members between the id, which is the gateway's own, and the path."""
    return f',{_dump({"outcome": str(outcome), "method": method})[1:-1]},"path":'


@lru_cache(maxsize=512)
def _cause(values: tuple[object, ...]) -> str:
    """What a cause writes, commas on both sides; empty if it has to be masked. None of it comes from a client."""
    written = f",{_dump(dict(zip(_CAUSE, values, strict=True)))[1:-1]},"
    return "" if shows_credential(written) else written


def _is_usual(record: RequestRecord) -> bool:
    """Whether it went no further than the policy that refused it, and nothing else belongs to it."""
    more = record.backend, record.trace, record.trace_id, record.span_id, record.graphql, record.tool, record.parent
    return (
        more == _NOTHING_MORE
        and record.grpc_status is None
        and record.timings.inbound_ms is not None
        and record.timings.backend_ms is None
        and not record.client_left
    )


def _usual_end(record: RequestRecord) -> tuple[str, str]:
    """What comes after the cause, without the last brace, and what of it may hold a secret."""
    caller = record.caller
    named = {"expected": record.expected, "found": record.found, "client": record.client}
    texts = _dump(named)[1:-1]
    names = _names(caller.object_id, caller.application_id, caller.subscription)
    numbers = (
        f'"elapsed_ms":{record.elapsed_ms!r},"timings":{{"inbound_ms":{record.timings.inbound_ms!r},'
        f'"backend_ms":null,"outbound_ms":null}},"received":{record.received},"sent":{record.sent},"client_left":false'
    )
    return f"{texts},{numbers}{names}" if texts else numbers + names, texts + names


@lru_cache(maxsize=1024)  # who is refused often asks again
def _names(object_id: str | None, application_id: str | None, subscription: str | None) -> str:
    """Who has sent it, with a comma before each name."""
    names = {"object_id": object_id, "application_id": application_id, "subscription": subscription}
    written = _dump(names)[1:-1]
    return f",{written}" if written else ""


def _any_end(record: RequestRecord) -> tuple[str, str]:
    """The same for any other record."""
    end = _dump(record.own_members())[1:-1]
    return end, end


def _dump(members: dict[str, Any]) -> str:
    """JSON of *members* without what is empty."""
    return orjson.dumps({name: value for name, value in members.items() if value is not None and value != ""}).decode()
