"""``/traces/next``: orders for traces are checked, bounded, listed and withdrawn; in one process and in several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.management.guard import LOCAL
from gateway.management.next_traces import OFF, Order, next_routes, ordering, ordering_from
from gateway.pipeline.tracing.wanted import MAX_PENDING, WantedTraces

PATH = "/traces/next"


def asked(order: Order, *calls: tuple[str, str, Any], host: str = "localhost", **more: Any) -> list[httpx2.Response]:
    """The answers to *calls*: method, path, JSON."""

    async def ask() -> list[httpx2.Response]:
        app = Starlette(routes=next_routes(order, LOCAL))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"http://{host}") as client:
            return [await client.request(method, path, json=body, **more) for method, path, body in calls]

    return asyncio.run(ask())


def several(*processes: WantedTraces) -> Order:
    """Workers with these orders."""

    async def ask(method: str, path: str, body: object) -> list[tuple[int, Any] | None]:
        order_id = path.removeprefix(PATH).lstrip("/")
        return [await ordering(wanted)(method, order_id, body) for wanted in processes]

    return ordering_from(ask)


@pytest.mark.parametrize("make", [lambda wanted: ordering(wanted), lambda wanted: several(wanted, WantedTraces())])
def test_an_order(make: Callable[[WantedTraces], Order]) -> None:
    """An order is answered with its id, listed with what is left of it, and withdrawn, in every worker."""
    wanted = WantedTraces()
    body = {"path": "/orders/*", "caller": "me", "count": 2, "for": "1m"}
    made, listed, other = asked(make(wanted), ("POST", PATH, body), ("GET", PATH, None), ("DELETE", f"{PATH}/x", None))
    assert made.status_code == 201
    assert (made.json()["path"], made.json()["caller"], made.json()["api"]) == ("/orders/*", "me", "")
    assert [each["id"] for each in listed.json()["pending"]] == [made.json()["id"]]
    assert other.status_code == 404
    assert [order.count for order in wanted.orders.values()] == [2]


def test_workers_have_it_under_one_id() -> None:
    """Each worker has the order; what is listed is what may still come from all of them."""
    one, two = WantedTraces(), WantedTraces()
    calls = [("POST", PATH, {"count": 3}), ("GET", PATH, None), ("DELETE", PATH, None)]
    made, listed, gone = asked(several(one, two), *calls)
    assert made.json()["workers"] == 2
    assert [each["count"] for each in listed.json()["pending"]] == [6]
    assert gone.json() == {"deleted": 1}
    assert (one.orders, two.orders) == ({}, {})


MISTAKES: list[Any] = [
    None,
    [],
    {"paths": "/"},
    {"path": 1},
    {"path": "x" * 201},
    {"count": 0},
    {"count": 51},
    {"count": True},
    {"for": "2h"},
    {"for": "0s"},
    {"for": 5},
    {"for": "soon"},
    {"id": "../x"},
]


@pytest.mark.parametrize("body", MISTAKES, ids=str)
def test_mistakes(body: Any) -> None:
    """What is no order is refused with what one looks like, and nothing is noted for it."""
    wanted = WantedTraces()
    (answer,) = asked(ordering(wanted), ("POST", PATH, body), headers={"Content-Type": "application/json"})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert wanted.orders == {}


def test_bounds() -> None:
    """There are only so many orders, and one whose time is over makes room."""
    now = [0.0]
    wanted = WantedTraces(lambda: now[0])
    bodies: list[tuple[str, str, Any]] = [("POST", PATH, {})] * (MAX_PENDING + 1)
    assert [answer.status_code for answer in asked(ordering(wanted), *bodies)] == [201] * MAX_PENDING + [409]
    now[0] = 1e12
    assert wanted.pending() == []
    assert asked(ordering(wanted), ("POST", PATH, {}))[0].status_code == 201


def test_who_may() -> None:
    """Without the setting, from another site's name, or as what a page can send without asking: refused."""
    off = asked(ordering(None), ("POST", PATH, {}), ("GET", PATH, None), ("DELETE", PATH, None))
    assert [(answer.status_code, answer.json()) for answer in off] == [(404, OFF)] * 3
    wanted = WantedTraces()
    assert asked(ordering(wanted), ("POST", PATH, {}), host="evil.example")[0].status_code == 421
    plain = asked(ordering(wanted), ("POST", PATH, {}), headers={"Content-Type": "text/plain"})
    assert plain[0].status_code == 415
    assert wanted.orders == {}
