"""Every refusal has the body of the real service."""

from __future__ import annotations

import re

import pytest

from gateway.emulators.entra.errors import SHAPES, EntraError


@pytest.mark.parametrize("number", SHAPES)
def test_body(number: int) -> None:
    """The description starts with the number and carries the ids; the members are the documented ones."""
    error = EntraError(number, "{x}")
    body = error.body(1_700_000_000.0, "c-1", "http://127.0.0.1:9")
    assert list(body) == [
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    ]
    pattern = rf"AADSTS{number}: .+ Trace ID: {body['trace_id']} Correlation ID: c-1 Timestamp: 2023-11-14 22:13:20Z"
    assert re.fullmatch(pattern, body["error_description"])
    assert (body["error_codes"], body["timestamp"]) == ([number], "2023-11-14 22:13:20Z")
    assert 400 <= error.status <= 503
