"""Tokens by client credentials: asked for once, kept, and what each failure means."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx2 as httpx
import pytest

from gateway.notifications.d365.client import D365Client
from gateway.notifications.d365.errors import D365Error, FailureKind, entra_hint
from gateway.notifications.d365.token_provider import ClientCredentials
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import D365Settings
from gateway.notifications.workflow.clock import Clock
from tests.notifications.conftest import run
from tests.notifications.d365.settings import SETTINGS, FunctionWire, Handler


def credentials(handler: Handler, settings: D365Settings = SETTINGS) -> ClientCredentials:
    """A provider whose token endpoint is a function."""
    return ClientCredentials(settings, httpx.AsyncClient(transport=httpx.MockTransport(handler)))


def issued(number: int, expires_in: object = 3600) -> httpx.Response:
    """A token."""
    return httpx.Response(200, json={"access_token": f"t{number}", "expires_in": expires_in, "token_type": "Bearer"})


def test_form() -> None:
    """v2 asks by scope, v1 by resource; neither doubles a slash; the secret is encoded."""
    forms: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        forms.append(request.content.decode())
        return issued(1)

    run(credentials(handler).token())
    run(credentials(handler, SETTINGS.model_copy(update={"token_url": "https://login.test/t/oauth2/token"})).token())
    assert "scope=https%3A%2F%2Fcontoso.operations.dynamics.com%2F.default" in forms[0]
    assert "client_secret=s%2B%2F%3De" in forms[0]
    assert "resource=https%3A%2F%2Fcontoso.operations.dynamics.com" in forms[1]


def test_single_flight() -> None:
    """Ten cold callers cost one request, ten reports of one stale token another."""
    count = 0

    async def handler(request: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        await asyncio.sleep(0.01)
        return issued(count)

    async def many() -> None:
        found = credentials(handler)  # type: ignore[arg-type]
        assert set(await asyncio.gather(*(found.token() for _ in range(10)))) == {"t1"}
        assert set(await asyncio.gather(*(found.token(rejected="t1") for _ in range(10)))) == {"t2"}

    run(many())
    assert count == 2


@pytest.mark.parametrize("expires_in", [None, 0, -5, "3599", 10**9, "soon"])
def test_odd_lifetime(expires_in: object) -> None:
    """An absurd lifetime does not cause a loop of requests."""
    count = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        return issued(count, expires_in)

    async def twice() -> None:
        found = credentials(handler)
        await found.token()
        await found.token()

    if expires_in == "soon":
        with pytest.raises(D365Error):
            run(twice())
    else:
        run(twice())
        assert count == 1


def test_endpoint_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the endpoint is unavailable the old token is used until it expires, unless it was rejected."""
    answers = [issued(1), httpx.Response(503), httpx.Response(503)]

    async def calls() -> None:
        found = credentials(lambda _: answers.pop(0))
        assert await found.token() == "t1"
        found._token = replace(found._token, refresh_at=0.0)  # type: ignore[type-var]
        assert await found.token() == "t1"
        with pytest.raises(D365Error):
            await found.token(rejected="t1")

    run(calls())


@pytest.mark.parametrize(
    ("response", "kind", "hint"),
    [
        (
            httpx.Response(401, json={"error": "invalid_client", "error_codes": [7000215]}),
            FailureKind.AUTH,
            "secret's value",
        ),
        (httpx.Response(400, json={"error": "invalid_scope", "error_codes": "x"}), FailureKind.AUTH, "invalid_scope"),
        (httpx.Response(400, json={"error": "temporarily_unavailable"}), FailureKind.TRANSIENT, "400"),
        (httpx.Response(400, html="<html>"), FailureKind.AUTH, "no reason given"),
        (httpx.Response(429, headers={"retry-after": "5"}), FailureKind.TRANSIENT, "429"),
        (httpx.Response(200, json={"token": "x"}), FailureKind.TRANSIENT, "without a token"),
        (httpx.Response(200, html="<html>"), FailureKind.TRANSIENT, "without a token"),
        (httpx.Response(200, content=b"[" * 100_000), FailureKind.TRANSIENT, "without a token"),
        (httpx.Response(200, json={"access_token": "x", "expires_in": 10**400}), FailureKind.TRANSIENT, "without"),
        (httpx.Response(400, content=b"[" * 100_000), FailureKind.AUTH, "no reason given"),
    ],
)
def test_token_failures(response: httpx.Response, kind: FailureKind, hint: str) -> None:
    """A refusal that needs another configuration is distinguished from a temporary one."""
    with pytest.raises(D365Error) as caught:
        run(credentials(lambda _: response).token())
    assert caught.value.kind is kind
    assert hint in caught.value.hint


def test_endpoint_unreachable() -> None:
    """A missing connection to the token endpoint is a temporary failure."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("x", request=request)

    with pytest.raises(D365Error) as caught:
        run(credentials(handler).token())
    assert caught.value.kind is FailureKind.TRANSIENT


def test_secrets_stay_inside() -> None:
    """Neither settings nor tokens nor errors show a secret."""
    assert "s+/=e" not in entra_hint({"error": "invalid_client"})
    assert "t1" not in repr(credentials(lambda _: issued(1))._token)


@pytest.mark.parametrize("url", ["http://login.example/t", "ftp://x", "", "https://"])
def test_insecure_endpoints(url: str) -> None:
    """A token endpoint or environment without TLS is refused; loopback is the exception."""
    with pytest.raises(ValueError, match="https"):
        D365Settings(instance_url="https://a.b", token_url=url)
    assert (
        D365Settings(instance_url="http://localhost:5", token_url="http://[::1]:6/x").instance_url
        == "http://localhost:5"
    )


@pytest.mark.parametrize(("status", "pause_s"), [(429, 20.0), (503, 20.0), (400, 0.0)])
def test_retry_after(status: int, pause_s: float) -> None:
    """A token endpoint that answers Retry-After pauses every call to the environment for that long."""
    refusal = httpx.Response(status, headers={"retry-after": "20"}, json={"error": "x"})

    async def ask() -> float:
        http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: refusal))
        unasked = FunctionWire(lambda _: refusal)
        found = D365Client(SETTINGS, ClientCredentials(SETTINGS, http), unasked, Clock(), Metrics())
        with pytest.raises(D365Error):
            await found.read([1])
        return found.gate.remaining_s

    assert run(ask()) == pytest.approx(pause_s, abs=1)
