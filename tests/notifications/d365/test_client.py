"""The calls to F&O: what is sent, what comes back, and what each failure means."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2 as httpx
import pytest

from gateway.errors import Unreached, UpstreamError
from gateway.notifications.d365.client import D365Client
from gateway.notifications.d365.errors import D365Error, FailureKind
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import D365Settings
from gateway.notifications.workflow.clock import Clock
from gateway.wire.body import BodyTooLarge
from gateway.wire.content_coding import CodingError
from gateway.wire.fields import FieldError
from tests.notifications.conftest import run
from tests.notifications.d365.settings import SETTINGS, FunctionWire, Handler


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
    return D365Client(settings, tokens or Tokens(), FunctionWire(handler), Clock(), Metrics())


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
    assert list(found.by_id) == [1]


def test_unreadable_row() -> None:
    """A row without its key leaves the others alone, and keeps missing ids from counting as missing."""
    good = {"BatchJobRecId": 1, "Status": "Finished"}
    body = {"value": [good, {"Status": "Executing"}, "nonsense"]}
    found = run(client(lambda _: httpx.Response(200, json=body)).read([1, 2]))
    assert (list(found.by_id), found.complete) == ([1], False)
    assert run(client(lambda _: rows(1)).read([1])).complete


def test_cross_company() -> None:
    """Reading across companies is a setting."""
    urls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return rows()

    run(client(handler, SETTINGS.model_copy(update={"cross_company": True})).read([1]))
    assert urls[0].endswith("&cross-company=true")


def test_unknown_field() -> None:
    """An environment that does not know a selected field is asked without $select from then on."""
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
        (httpx.Response(200, content=b"[" * 100_000), FailureKind.TRANSIENT, "not an OData"),
        (httpx.Response(200, json={"value": [{"Status": "x"}]}), FailureKind.TRANSIENT, "not an OData"),
    ],
)
def test_failures(response: httpx.Response, kind: FailureKind, hint: str) -> None:
    """Each answer has its own error, and a hint that an operator can act on."""
    with pytest.raises(D365Error) as caught:
        run(client(lambda _: response).read([1]))
    assert caught.value.kind is kind
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unreached("BackendConnectionFailure", "x"), FailureKind.TRANSIENT),
        (FieldError("x"), FailureKind.TRANSIENT),
        (UpstreamError("Timeout", "x", 504), FailureKind.AMBIGUOUS),
        (TimeoutError(), FailureKind.AMBIGUOUS),
        (BodyTooLarge("x"), FailureKind.AMBIGUOUS),
        (CodingError("x"), FailureKind.AMBIGUOUS),
    ],
)
def test_connection_failures(error: Exception, kind: FailureKind) -> None:
    """A connection that was never made is harmless; one that broke leaves the start in doubt."""

    def handler(_request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(D365Error) as caught:
        run(client(handler).start(1, FREE))
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(302, headers={"location": "https://login"}),
        httpx.Response(303, headers={"location": "/data/BatchJobs(1)"}),
        httpx.Response(200, html="<html>maintenance</html>"),
    ],
)
def test_start_answered_by_a_page(response: httpx.Response) -> None:
    """A redirect or a page leaves it open whether the start took effect: the call is in doubt, and not repeated."""
    calls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return response

    with pytest.raises(D365Error) as caught:
        run(client(handler).start(1, FREE))
    assert caught.value.kind is FailureKind.AMBIGUOUS
    assert calls == ["POST"]


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
    """A 429 pauses every call to the environment until its time is over."""
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
