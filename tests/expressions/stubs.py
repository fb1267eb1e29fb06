"""A stand-in for the pipeline's Context: the attributes that expressions read, with plain values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

from gateway.errors import Location
from gateway.expressions import Expression, compile_expression
from gateway.wire.headers import Headers
from gateway.wire.work import Work

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


def request(**changes: object) -> SimpleNamespace:
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
    return SimpleNamespace(**{**known, **changes})


def response(**changes: object) -> SimpleNamespace:
    """A 200 with a JSON body."""
    known: dict[str, object] = {
        "status_code": 200,
        "reason": "OK",
        "headers": Headers([("Content-Type", "application/json")]),
        "body": Body(b'{"active": true, "items": [{"id": 1}, {"id": 2}]}'),
    }
    return SimpleNamespace(**{**known, **changes})


def context(**changes: object) -> SimpleNamespace:
    """The whole context."""
    known: dict[str, object] = {
        "request": request(),
        "response": response(),
        "variables": {},
        "api": SimpleNamespace(
            id="orders", name="Orders", path="orders", revision="3", version="v1", is_current_revision=True,
            service_url=Url(host="backend.local", path="/v1", query="", params={}), protocols=("https",),
        ),
        "operation": SimpleNamespace(id="get-order", name="Get order", method="GET", url_template="/orders/{id}"),
        "product": None,
        "subscription": SimpleNamespace(id="sub-1", name="Contoso", key="k1", primary_key="k1", secondary_key="k2"),
        "user": None,
        "deployment": SimpleNamespace(
            gateway_id="managed", region="West Europe", service_name="contoso", certificates={}
        ),
        "last_error": None,
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
