"""``/requests``: of one process, and of several."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.management.app import create_app
from gateway.management.health import Readiness
from gateway.management.requests import gathered_request_pages
from gateway.telemetry.requests.record import RequestOutcome, RequestRecord
from gateway.telemetry.requests.ring import RequestLog


def plane(*records: tuple[str, int, int]) -> Starlette:
    """A process that has served *records*: id, second, status."""
    log = RequestLog()
    for id, second, status in records:
        log.add(RequestRecord(id, 1_900_000_000.0 + second, "GET", "/", RequestOutcome.REFUSED, status=status))
    return create_app(Readiness(), CollectorRegistry(), requests=log)


async def ask(app: Starlette, path: str, host: str = "localhost") -> httpx2.Response:
    """Its answer."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"http://{host}") as client:
        return await client.get(path)


def get(app: Starlette, path: str, host: str = "localhost") -> httpx2.Response:
    """Its answer, outside an event loop."""
    return asyncio.run(ask(app, path, host))


def gathered(workers: Mapping[str, Starlette | None]) -> Starlette:
    """The plane in front of *workers*; None is one that does not answer."""

    async def ask_all(path: str) -> dict[str, httpx2.Response | None]:
        return {name: None if app is None else await ask(app, path) for name, app in workers.items()}

    return Starlette(routes=[Route(path, answer) for path, answer in gathered_request_pages(ask_all)])


ONE = plane(("a", 1, 401), ("b", 2, 429), ("c", 3, 401))
SEVERAL = gathered({"w1": plane(("a", 1, 401), ("c", 3, 401)), "w2": plane(("b", 2, 429)), "w3": None})


@pytest.mark.parametrize("app", [ONE, SEVERAL], ids=["one", "several"])
@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/requests", "cba"),
        ("/requests?status=401", "ca"),
        ("/requests?status=4xx&limit=2", "cb"),
        ("/requests?since=2030-03-17T17:46:42Z", "cb"),
        ("/requests?api=none", ""),
    ],
)
def test_list(app: Starlette, path: str, ids: str) -> None:
    """The newest first, filtered, of all workers together."""
    answer = get(app, path)
    assert answer.status_code == 200
    assert "".join(record["id"] for record in answer.json()["requests"]) == ids


def test_one_request() -> None:
    """A record by its id, from whichever worker has it; 404 says that it is not kept."""
    for app in (ONE, SEVERAL):
        assert (get(app, "/requests/b")).json()["status"] == 429
        missing = get(app, "/requests/none")
        assert (missing.status_code, "not kept" in missing.json()["error"]) == (404, True)
    assert get(SEVERAL, "/requests/b").json()["worker"] == "w2"


def test_mistakes_in_the_query() -> None:
    """A filter that does not exist is 400 with the list of those that do."""
    for app in (ONE, SEVERAL):
        answer = get(app, "/requests?colour=red")
        assert answer.status_code == 400
        assert "caller" in answer.json()["error"]


def test_retention_is_part_of_the_answer() -> None:
    """How far back the list goes is stated; of several workers for each."""
    one: dict[str, Any] = get(ONE, "/requests").json()["retention"]
    assert (one["refused"]["capacity"], one["refused"]["kept"]) == (1_000, 3)
    several = get(SEVERAL, "/requests").json()["retention"]["workers"]
    assert {worker: kept["refused"]["kept"] for worker, kept in several.items()} == {"w1": 2, "w2": 1}


def test_is_guarded() -> None:
    """A browser lured by another site's name gets nothing."""
    answer = get(ONE, "/requests", host="evil.test")
    assert answer.status_code == 421
