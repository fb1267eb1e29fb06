"""Which records a reader gets."""

from __future__ import annotations

import pytest

from gateway.telemetry.requests.filter import RequestFilter
from gateway.telemetry.requests.record import RecordedCaller, RequestRecord

RECORDS = [
    RequestRecord("a", 1_900_000_000.0, "GET", "/orders/1", api="orders", status=401, reason="TokenExpired"),
    RequestRecord("b", 1_900_000_060.0, "GET", "/orders/2", api="orders", status=429, reason="RateLimitExceeded"),
    RequestRecord("c", 1_900_000_120.0, "GET", "/items", api="items", status=200, caller=RecordedCaller("oid", "app")),
    RequestRecord("d", 1_900_000_180.0, "GET", "/items", api="items", caller=RecordedCaller(claims={"sub": "me"})),
]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, "dcba"),
        ({"api": "orders"}, "ba"),
        ({"status": "401"}, "a"),
        ({"status": "4xx"}, "ba"),
        ({"status": "4XX", "api": "items"}, ""),
        ({"reason": "TokenExpired"}, "a"),
        ({"id": "c"}, "c"),
        ({"caller": "oid"}, "c"),
        ({"caller": "app"}, "c"),
        ({"caller": "me"}, "d"),
        ({"caller": "oi"}, ""),
        ({"path": "/orders"}, "ba"),
        ({"since": "2030-03-17T17:47:40Z"}, "dcb"),
        ({"since": "2030-03-17T18:48:40+01:00"}, "dc"),
        ({"limit": "1"}, "d"),
        ({"api": ""}, "dcba"),
    ],
    ids=str,
)
def test_filters(query: dict[str, str], ids: str) -> None:
    """Each filter keeps what it names, all of them together what all of them do, newest first."""
    assert "".join(record.id for record in RequestFilter.of(query).newest(RECORDS)) == ids


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"statuss": "401"}, "no filter 'statuss'"),
        ({"status": "4x"}, "status is a number"),
        ({"since": "yesterday"}, "since is a time"),
        ({"since": "2030-03-17T17:47:40"}, "offset"),
        ({"limit": "0"}, "1 to 1000"),
        ({"limit": "9" * 5_000}, "1 to 1000"),
        ({"limit": "many"}, "1 to 1000"),
    ],
    ids=str,
)
def test_mistakes_are_named(query: dict[str, str], message: str) -> None:
    """A filter that is not understood is an error, not an empty list."""
    with pytest.raises(ValueError, match=message):
        RequestFilter.of(query)
