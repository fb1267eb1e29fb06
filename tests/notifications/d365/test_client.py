"""The calls to F&O and its token endpoint: what is sent, what comes back, and what each failure means."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2 as httpx
import pytest
from pydantic import SecretStr

from gateway.notifications.d365.azure_credentials import AzureCredential, build_credential
from gateway.notifications.d365.client import D365Client
from gateway.notifications.d365.errors import D365Error, FailureKind, entra_hint, odata_message
from gateway.notifications.d365.start_answer import StartAnswer, parse_start
from gateway.notifications.d365.token_provider import ClientCredentials
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import D365Settings
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.permission import NotPermitted
from tests.notifications.conftest import eventually, run

SETTINGS = D365Settings(
    instance_url="https://Contoso.operations.dynamics.com/",
    token_url="https://login.test/t/oauth2/v2.0/token",
    client_id="id",
    client_secret=SecretStr("s+/=e"),
)
Handler = Callable[[httpx.Request], httpx.Response]


class Tokens:
    """Numbered tokens: a new one when the last was rejected."""

    def __init__(self) -> None:
        self.number = 0

    async def token(self, rejected: str | None = None) -> str:
        """The current token."""
        if rejected == f"t{self.number}":
            self.number += 1
        return f"t{self.number}"

    async def close(self) -> None:
        """Nothing to close."""


class Free:
    """A permit that always holds."""

    async def renew(self) -> None:
        """Nothing to prepare."""

    def check(self) -> None:
        """It holds."""


FREE = Free()


def client(handler: Handler, settings: D365Settings = SETTINGS, tokens: Any = None) -> D365Client:
    """A client whose F&O is a function."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return D365Client(settings, tokens or Tokens(), http, Clock(), Metrics())


def rows(*ids: int) -> httpx.Response:
    """A collection of finished jobs."""
    return httpx.Response(200, json={"value": [{"BatchJobRecId": n, "Status": "Finished"} for n in ids]})


def test_query() -> None:
    """One query for many jobs, names in their exact case, spaces as %20, the URL below 2 kB."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return rows(1)

    found = run(client(handler).read(range(5637515827, 5637515867)))
    url = str(seen[0].url)
    assert url.startswith("https://contoso.operations.dynamics.com/data/BatchJobs?$filter=BatchJobRecId%20eq%20563")
    assert "&$select=BatchJobRecId,Status,StartDateTime,EndDateTime,OrigStartDateTime,JobDescription" in url
    assert "+" not in url
    assert len(url) < 2048
    assert seen[0].headers["odata-version"] == "4.0"
    assert list(found.by_id) == [1]


def test_unreadable_row() -> None:
    """A row without its key leaves the others alone, and keeps missing ids from counting as missing."""
    good = {"BatchJobRecId": 1, "Status": "Finished"}
    body = {"value": [good, {"Status": "Executing"}, "nonsense"]}
    found = run(client(lambda _: httpx.Response(200, json=body)).read([1, 2]))
    assert (list(found.by_id), found.complete) == ([1], False)
    assert run(client(lambda _: rows(1)).read([1])).complete


def test_last_check() -> None:
    """A permit that ends while the connection is made keeps the call from being sent."""
    received = []

    class Ending(Free):
        asked = 0

        def check(self) -> None:
            self.asked += 1
            if self.asked > 1:
                raise NotPermitted

    async def serve_and_call() -> None:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            received.append(await reader.read())
            writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = SETTINGS.model_copy(update={"instance_url": url})
        async with httpx.AsyncClient() as http:
            found = D365Client(settings, Tokens(), http, Clock(), Metrics())
            with pytest.raises(NotPermitted):
                await found.start(1, Ending())
        await eventually(lambda: len(received) == 1)
        server.close()
        await server.wait_closed()

    run(serve_and_call())
    assert b"batchJobId" not in received[0]


def test_cross_company() -> None:
    """Reading across companies is a setting."""
    urls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return rows()

    run(client(handler, SETTINGS.model_copy(update={"cross_company": True})).read([1]))
    assert urls[0].endswith("&cross-company=true")


def test_unknown_field() -> None:
    """An environment that does not know a selected field is asked without $select, once and for all."""
    urls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        text = "Could not find a property named 'OrigStartDateTime'"
        return httpx.Response(400, json={"error": {"message": text}}) if "select" in urls[-1] else rows(1)

    found = client(handler)
    run(_twice(found))
    assert ["$select" in url for url in urls] == [True, False, False]


async def _twice(found: D365Client) -> None:
    await found.read([1])
    await found.read([1])


@pytest.mark.parametrize(
    ("response", "kind", "hint"),
    [
        (httpx.Response(401), FailureKind.AUTH, "applications"),
        (httpx.Response(302, headers={"location": "https://login"}), FailureKind.AUTH, "applications"),
        (httpx.Response(403, html="<html>"), FailureKind.AUTH, "may not read"),
        (httpx.Response(404), FailureKind.PERMANENT, "case sensitive"),
        (
            httpx.Response(400, json={"error": {"innererror": {"message": "Infolog: x"}}}),
            FailureKind.PERMANENT,
            "Infolog: x",
        ),
        (httpx.Response(418), FailureKind.PERMANENT, "no reason given"),
        (httpx.Response(429, headers={"retry-after": "0"}), FailureKind.THROTTLED, "throttling"),
        (httpx.Response(503, html="<html>"), FailureKind.AMBIGUOUS, "503"),
        (httpx.Response(500, headers={"retry-after": "3"}), FailureKind.AMBIGUOUS, "500"),
        (httpx.Response(200, html="<html>log in</html>"), FailureKind.TRANSIENT, "not an OData"),
        (httpx.Response(200, json={"value": [{"Status": "x"}]}), FailureKind.TRANSIENT, "not an OData"),
    ],
)
def test_failures(response: httpx.Response, kind: FailureKind, hint: str) -> None:
    """Each answer has its kind, and a hint that a person can act on."""
    with pytest.raises(D365Error) as caught:
        run(client(lambda _: response).read([1]))
    assert caught.value.kind is kind
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError, FailureKind.TRANSIENT),
        (httpx.ReadTimeout, FailureKind.AMBIGUOUS),
        (httpx.RemoteProtocolError, FailureKind.AMBIGUOUS),
    ],
)
def test_connection_failures(error: type[httpx.RequestError], kind: FailureKind) -> None:
    """A connection that never was is harmless; one that broke leaves a doubt."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise error("x", request=request)

    with pytest.raises(D365Error) as caught:
        run(client(handler).start(1, FREE))
    assert caught.value.kind is kind


def test_one_refresh() -> None:
    """A rejected token is replaced once, however many calls it was used for."""
    tokens = Tokens()

    def handler(request: httpx.Request) -> httpx.Response:
        return rows(1) if request.headers["authorization"] == "Bearer t1" else httpx.Response(401)

    async def many() -> None:
        found = client(handler, tokens=tokens)
        await asyncio.gather(*(found.read([1]) for _ in range(10)))

    run(many())
    assert tokens.number == 1


def test_pause() -> None:
    """A 429 shuts the door for every call to the environment, until its time is over."""
    answers = [httpx.Response(429, headers={"retry-after": "1"}), rows(1), rows(1)]

    async def calls() -> float:
        found = client(lambda _: answers.pop(0))
        began = asyncio.get_running_loop().time()
        with pytest.raises(D365Error):
            await found.read([1])
        await asyncio.gather(found.read([1]), found.read([1]))
        return asyncio.get_running_loop().time() - began

    assert 0.9 < run(calls()) < 2


def test_start() -> None:
    """The action is called with a number under the documented name, and the clock of F&O is noted."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"IsSuccess": True}, headers={"date": "Fri, 01 Jan 2100 00:00:00 GMT"})

    found = client(handler)
    assert run(found.start(5637144576, FREE)).accepted
    assert seen[0].url.path == "/data/BatchJobs/Microsoft.Dynamics.DataEntities.SetBatchJobToWaiting"
    assert json.loads(seen[0].content) == {"batchJobId": 5637144576}
    assert found.now() == pytest.approx(4102444800, abs=5)


@pytest.mark.parametrize(
    ("body", "accepted", "message"),
    [
        (b'{"IsSuccess": true, "Batch JobId": 1, "reponseMessage": "Set."}', True, "Set."),
        (b'{"IsSuccess": false, "ExceptionDetails": "Locked."}', False, "Locked."),
        (b'{"isSuccess": "False", "ResponseMessage": "No."}', False, "No."),
        (b'{"@odata.context": "x", "value": "{\\"IsSuccess\\": false}"}', False, ""),
        (b'{"value": {"IsSuccess": true}}', True, ""),
        (b'{"value": "just text"}', True, ""),
        (b'{"value": [1]}', True, ""),
        (b"", True, ""),
        (b"<html>", True, ""),
    ],
)
def test_start_answer(body: bytes, accepted: bool, message: str) -> None:
    """All forms of the action's answer are read; success needs IsSuccess not to be false."""
    assert parse_start(body) == StartAnswer(accepted, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "outer", "innererror": {"message": "inner", "stacktrace": "at X"}}}', "inner"),
        (b'{"error": {"message": "outer", "innererror": null}}', "outer"),
        (b'{"error": "text"}', ""),
        (b"<html>", ""),
        (b"[]", ""),
    ],
)
def test_odata_message(body: bytes, message: str) -> None:
    """The useful sentence is found, the stack trace never."""
    assert odata_message(body) == message


# -- tokens


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
    """A life-time that makes no sense does not make us ask in a loop."""
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
    """With the endpoint away the old token serves while it lives, unless it is the one that was rejected."""
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
    ],
)
def test_token_failures(response: httpx.Response, kind: FailureKind, hint: str) -> None:
    """A refusal that configuration must cure is told from one that passes."""
    with pytest.raises(D365Error) as caught:
        run(credentials(lambda _: response).token())
    assert caught.value.kind is kind
    assert hint in caught.value.hint


def test_endpoint_unreachable() -> None:
    """No connection to the token endpoint passes."""

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


class _Credential:
    """What azure-identity looks like from here."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.error = error
        self.closed = False

    async def get_token(self, scope: str) -> Any:
        self.calls += 1
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        token = type("Token", (), {"token": f"{scope}#{self.calls}", "expires_on": 10**10})
        return token

    async def close(self) -> None:
        self.closed = True


def test_azure_credential() -> None:
    """azure-identity's stampede becomes one call, and a rejected token another."""
    credential = _Credential()

    async def many() -> None:
        found = AzureCredential(SETTINGS, credential)
        first = set(await asyncio.gather(*(found.token() for _ in range(10))))
        assert first == {"https://contoso.operations.dynamics.com/.default#1"}
        await found.token(rejected=first.pop())
        await found.close()

    run(many())
    assert (credential.calls, credential.closed) == (2, True)


@pytest.mark.parametrize(
    ("name", "kind"), [("ClientAuthenticationError", FailureKind.AUTH), ("OtherError", FailureKind.TRANSIENT)]
)
def test_azure_failure(name: str, kind: FailureKind) -> None:
    """azure-identity's errors get our kinds; their texts are not passed on."""
    error = type(name, (Exception,), {})("with a secret")
    with pytest.raises(D365Error) as caught:
        run(AzureCredential(SETTINGS, _Credential(error)).token())
    assert caught.value.kind is kind
    assert "secret" not in caught.value.hint


@pytest.mark.parametrize("kind", ["certificate", "managed-identity", "workload-identity"])
def test_azure_extra(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """Each kind of credential asks azure-identity for its own; without the extra the message says how to get it."""
    settings = SETTINGS.model_copy(update={"credential": kind, "tenant_id": "t", "certificate_path": "/c.pem"})
    made: list[str] = []

    class Identity:
        def __getattr__(self, name: str) -> Any:
            return lambda *args, **options: made.append(name)

    monkeypatch.setattr(importlib, "import_module", lambda name: Identity())
    build_credential(settings)
    assert made[0].lower().startswith(kind.partition("-")[0])

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ValueError, match=r"\[azure\]"):
        build_credential(settings)
