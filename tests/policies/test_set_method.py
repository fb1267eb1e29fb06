"""set-method: the method that the backend gets, checked when it is computed."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from tests.policies.bench import Bench, get


@pytest.mark.parametrize(("method", "expected"), [("PUT", "PUT"), ('@("PA" + "TCH")', "PATCH"), (" POST ", "POST")])
def test_method(bench: Bench, method: str, expected: str) -> None:
    """The backend gets the new method; the original one stays readable."""
    ran = bench.run(f"<set-method>{method}</set-method>", get("/"))
    assert (ran.request.method, ran.request.original_method) == (expected, "GET")


@pytest.mark.parametrize("method", ["", "G T", "TRACE", "connect", "GET / HTTP/1.1\r\n"])
def test_a_computed_method_is_checked(bench: Bench, method: str) -> None:
    """What is no method, or must not be sent, fails the request."""
    with pytest.raises(ExpressionError):
        bench.run("<set-method>@(context.Variables[&quot;x&quot;])</set-method>", x=method)
