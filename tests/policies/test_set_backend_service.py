"""set-backend-service: where the request goes."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from tests.policies.bench import Bench, get


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('base-url="https://other.test:8443/v2/"', "https://other.test:8443/v2/a/b?c=1"),
        ('base-url="http://other.test"', "http://other.test/a/b?c=1"),
        ('base-url="wss://other.test/socket"', "wss://other.test/socket/a/b?c=1"),
        ('backend-id="orders"', "https://orders.test/a/b?c=1"),
        ('base-url="@(context.Variables["x"])"', "http://computed.test/a/b?c=1"),
        (
            'backend-id="dapr" dapr-app-id="app" dapr-method="do/it" dapr-namespace="ns"',
            "http://localhost:3500/v1.0/invoke/app.ns/method/do/it?c=1",
        ),
        (
            'backend-id="dapr" dapr-app-id="app" dapr-method="it"',
            "http://localhost:3500/v1.0/invoke/app/method/it?c=1",
        ),
    ],
    ids="base no-path websocket id expression dapr dapr-plain".split(),
)
def test_where_the_request_goes(bench: Bench, attributes: str, expected: str) -> None:
    """Scheme, host, port and base path change; path and query stay."""
    ran = bench.run(f"<set-backend-service {attributes}/>", get("/a/b?c=1"), x="http://computed.test")
    assert str(ran.request.url) == expected


@pytest.mark.parametrize("name", ["base-url", "backend-id"])
@pytest.mark.parametrize("given", ["nope", "", "file:///etc/passwd", "http://u:p@h"])
def test_an_expression_must_give_a_backend(bench: Bench, name: str, given: str) -> None:
    """Anything but an absolute HTTP or WebSocket URL, or a backend's id, fails the request."""
    with pytest.raises(ExpressionError):
        bench.run(f'<set-backend-service {name}="@(context.Variables["x"])"/>', x=given)
