"""The record of a request, as it is shown."""

from __future__ import annotations

import json

from gateway.telemetry.requests.record import RecordedCaller, RequestOutcome, RequestRecord, Timings

JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


def test_shown_as_json() -> None:
    """Every member of the contract is there, and what could hold a secret is masked."""
    record = RequestRecord(
        "id-1",
        1_900_000_000.5,
        "GET",
        f"/orders/{JWT}",
        RequestOutcome.REFUSED,
        "orders",
        "get",
        401,
        "validate-jwt",
        "api",
        "inbound",
        "orders.xml:7",
        "TokenAudienceNotAllowed",
        f"Not {JWT}.",
        expected=["api://orders"],
        found=JWT,
        caller=RecordedCaller("oid-1", "app-1", "sub-1", {"iss": JWT}, verified=True),
        timings=Timings(1.5),
    )
    shown = record.as_json()
    assert json.loads(json.dumps(shown)) == {
        "id": "id-1",
        "time": "2030-03-17T17:46:40.500Z",
        "outcome": "refused",
        "method": "GET",
        "path": "/orders/*****",
        "api": "orders",
        "operation": "get",
        "status": 401,
        "source": "validate-jwt",
        "scope": "api",
        "section": "inbound",
        "place": "orders.xml:7",
        "reason": "TokenAudienceNotAllowed",
        "detail": "Not *****",
        "expected": ["api://orders"],
        "found": "*****",
        "caller": {
            "object_id": "oid-1",
            "application_id": "app-1",
            "subscription": "sub-1",
            "claims": {"iss": "*****"},
            "verified": True,
        },
        "backend": None,
        "client": "",
        "elapsed_ms": 0.0,
        "timings": {"inbound_ms": 1.5, "backend_ms": None, "outbound_ms": None},
        "received": 0,
        "sent": 0,
        "client_left": False,
        "trace": None,
        "trace_id": None,
        "span_id": None,
        "worker": None,
        "grpc_status": None,
        "graphql": None,
        "tool": None,
        "parent": None,
    }


def test_size_is_bounded() -> None:
    """A long path, message or value is cut when the record is made."""
    record = RequestRecord(
        "id", 0.0, "GET", "/" * 9_000, detail="d" * 9_000, found="f" * 9_000, expected=["e" * 900] * 90
    )
    assert len(json.dumps(record.as_json(), ensure_ascii=False)) < 6_000


def test_kinds_tell_faults_of_a_token_apart() -> None:
    """Malformed tokens and wrong signatures, which have one reason in APIM, are two kinds."""
    kinds = {
        RequestRecord("id", 0.0, "GET", "/", source="validate-jwt", reason=reason, detail=detail).kind
        for reason, detail in [("JwtInvalid", "a"), ("JwtInvalid", "b"), ("TokenExpired", "a"), ("TokenExpired", "b")]
    }
    assert len(kinds) == 3
