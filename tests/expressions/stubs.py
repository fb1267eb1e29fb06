"""A stand-in for the pipeline's Context: the attributes that expressions read, with plain values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from gateway.errors import Location
from gateway.expressions import Expression, compile_expression
from gateway.expressions.context_types import REQUEST, URL
from gateway.expressions.entities import OperationFacts
from gateway.expressions.runtime import represent
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from gateway.wire.work import Work
from tests.entities import api, deployment, subscription

WHERE = Location("policy.xml", 10, 5)


@dataclass
class Body:
    """A body in memory; reading without preserve empties it."""

    data: bytes = b""
    size: int = 0

    def read(self, preserve: bool) -> bytes:
        """The bytes."""
        data = self.data
        if not preserve:
            self.data = b""
        return data


@dataclass
class Url:
    """A URL in parts."""

    scheme: str = "https"
    host: str = "api.contoso.com"
    port: int = 443
    path: str = "/orders/42"
    query: str = "a=1&b=x%20y&a=2"
    params: dict[str, list[str]] = field(default_factory=lambda: {"a": ["1", "2"], "b": ["x y"]})


class StubRequest(SimpleNamespace):
    """A request whose URLs a test may choose; it need not have come over the wire."""


represent(StubRequest, REQUEST)
represent(Url, URL)


def request(**changes: object) -> StubRequest:
    """A GET with two headers."""
    known: dict[str, object] = {
        "method": "GET",
        "url": Url(host="backend.local", path="/v1/orders/42"),
        "original_url": Url(),
        "headers": Headers([("Accept", "application/json"), ("X-Many", "a"), ("X-Many", "b")]),
        "ip_address": "203.0.113.7",
        "matched_parameters": {"id": "42"},
        "certificate": None,
        "body": None,
    }
    return StubRequest(**{**known, **changes})


def response(
    status_code: int = 200, reason: str = "OK", headers: Headers | None = None, body: object = None
) -> Response:
    """A 200 with a JSON body."""
    given = Headers([("Content-Type", "application/json")]) if headers is None else headers
    answer = Response(status_code, given, reason=reason)
    answer.body = body or Body(b'{"active": true, "items": [{"id": 1}, {"id": 2}]}')  # type: ignore[assignment]
    return answer


def context(**changes: object) -> Any:
    """The whole context."""
    known: dict[str, object] = {
        "request": request(),
        "response": response(),
        "variables": {},
        "api": api("orders", "Orders", "orders", revision="3", version="v1", protocols=("https",),
                   service_url=Url(host="backend.local", path="/v1", query="", params={})),
        "operation": OperationFacts("get-order", "Get order", "GET", "/orders/{id}"),
        "product": None,
        "subscription": subscription("sub-1", "Contoso", "k1", secondary_key="k2"),
        "user": None,
        "deployment": deployment(region="West Europe", service_name="contoso"),
        "last_error": None,
        "backend": None,
        "request_id": uuid.UUID("11111111-2222-3333-4444-555555555555"),
        "timestamp": datetime(2024, 2, 29, 12, 30, 45, tzinfo=UTC),
        "elapsed_s": 1.5,
        "tracing": False,
        "work": Work(),
    }  # fmt: skip
    return SimpleNamespace(**{**known, **changes})


def compiled(text: str) -> Expression:
    """Compile at a fixed place."""
    return compile_expression(text, WHERE)


def evaluate(text: str, **changes: object) -> object:
    """Compile and run once."""
    return compiled(text)(context(**changes))
