"""
``/traces/next``: have the next requests that match traced, where ``tracing/endpoint`` allows it.

``POST`` asks, ``GET`` lists what is still wanted, ``DELETE`` withdraws it. A body is JSON and refused under any other
type, so that no web page can send it without asking first.

Source: Fetch Standard, "CORS-safelisted request-header" (a JSON body needs a preflight, and so does DELETE).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.management.bodies import bounded, is_of_type
from gateway.management.guard import Visitors
from gateway.pipeline.tracing.wanted import (
    DEFAULT_FOR_S,
    MAX_COUNT,
    MAX_FOR_S,
    MAX_PATTERN,
    Wanted,
    WantedTraces,
)
from gateway.reading import durations

PATH = "/traces/next"
MAX_BODY_BYTES = 16_384
OFF = {"error": "not allowed here: set tracing: {endpoint: true} in the configuration"}

_TEXTS = ("path", "api", "caller", "id")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")

# From method, id in the path (empty: none) and body to status and JSON.
Order: TypeAlias = Callable[[str, str, Any], Awaitable[tuple[int, object]]]


def next_routes(order: Order, access: Visitors) -> list[BaseRoute]:
    """The endpoint in front of *order*."""

    async def answer(request: Request) -> Response:
        body: Any = None
        if request.method == "POST":
            if not is_of_type(request, "application/json"):
                return JSONResponse({"error": "send it with Content-Type: application/json"}, 415)
            body = _document(await bounded(request, MAX_BODY_BYTES) or b"")
        status, content = await order(request.method, request.path_params.get("order_id", ""), body)
        return JSONResponse(content, status)

    guard = [access.programs()]
    return [
        Route(PATH, answer, methods=["GET", "POST", "DELETE"], middleware=guard),
        Route(f"{PATH}/{{order_id}}", answer, methods=["DELETE"], middleware=guard),
    ]


def ordering(wanted: WantedTraces | None) -> Order:
    """What one process does; None: it is not allowed to."""

    async def order(method: str, order_id: str, body: Any) -> tuple[int, object]:
        if wanted is None:
            return 404, OFF
        if method == "GET":
            return 200, {"pending": wanted.pending()}
        if method == "DELETE":
            gone = wanted.remove(order_id or None)
            return (200, {"deleted": gone}) if gone or not order_id else (404, {"error": "no such order"})
        return _added(wanted, body)

    return order


def _added(wanted: WantedTraces, body: Any) -> tuple[int, object]:
    now = time.monotonic()
    try:
        order = read_order(body, now)
    except ValueError as error:
        return 400, {"error": str(error)}
    try:
        wanted.add(order)
    except ValueError as error:
        return 409, {"error": str(error)}
    return 201, order.as_json(now)


def read_order(body: Any, now: float) -> Wanted:
    """What *body* asks for, at *now* (``time.monotonic``). Raises ValueError: with what is wrong."""
    if not isinstance(body, dict) or not body.keys() <= {*_TEXTS, "count", "for"}:
        raise ValueError('the body is a JSON object with any of "path", "api", "caller", "count" and "for"')
    texts = {name: _text(body, name) for name in _TEXTS}
    if texts["id"] and not _ID.fullmatch(texts["id"]):
        raise ValueError('"id" has letters, digits and dashes, at most 64')
    order = Wanted(texts["path"], texts["api"], texts["caller"], _count(body), now + _seconds(body.get("for")))
    order.id = texts["id"] or order.id
    return order


def _count(body: Mapping[str, Any]) -> int:
    count = body.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise ValueError(f'"count" is a number from 1 to {MAX_COUNT}')
    return count


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_PATTERN:
        raise ValueError(f'"{name}" is a text of at most {MAX_PATTERN} characters')
    return value


def _seconds(value: object) -> float:
    if value is None:
        return DEFAULT_FOR_S
    seconds = durations.parse(value) if isinstance(value, str) else 0.0
    if not 0 < seconds <= MAX_FOR_S:
        raise ValueError('"for" is a duration such as 5m, at most 1h')
    return seconds


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


# -- several workers
AskWorkers: TypeAlias = Callable[[str, str, object], Awaitable[Sequence[tuple[int, Any] | None]]]
"""From method, path and body to status and JSON of each worker; None: it does not answer."""


def ordering_from(ask: AskWorkers) -> Order:
    """Hands an order to every worker: each keeps the traces of its own next requests."""

    async def order(method: str, order_id: str, body: Any) -> tuple[int, object]:
        answers = await ask(method, f"{PATH}/{order_id}" if order_id else PATH, _with_id(method, body))
        return _joined(method, answers)

    return order


def _joined(method: str, answers: Sequence[tuple[int, Any] | None]) -> tuple[int, object]:
    """One answer made of all workers'. An order may have come to its end in some of them."""
    if not answers or None in answers:
        return 503, {"error": "a worker does not answer; ask again"}
    refused, done = _divided(filter(None, answers))
    if not done or (refused and method != "DELETE"):
        return refused[0]
    return done[0][0], _together(method, [content for _, content in done])


def _with_id(method: str, body: Any) -> Any:
    """Every worker gets the order under the same id."""
    is_order = method == "POST" and isinstance(body, dict)
    return {**body, "id": body.get("id") or Wanted().id} if is_order else body


def _divided(answers: Iterable[tuple[int, Any]]) -> tuple[list[tuple[int, Any]], list[tuple[int, Any]]]:
    """Those that refuse, and the others."""
    refused: list[tuple[int, Any]] = []
    done: list[tuple[int, Any]] = []
    for answer in answers:
        (refused if answer[0] >= 400 else done).append(answer)
    return refused, done


def _together(method: str, contents: Sequence[Any]) -> object:
    if method == "POST":
        return {**contents[0], "workers": len(contents)}
    if method == "DELETE":
        return {"deleted": max(content["deleted"] for content in contents)}
    pending: dict[str, Any] = {}
    for order in (order for content in contents for order in content["pending"]):
        known = pending.setdefault(order["id"], {**order, "count": 0})
        known["count"] += order["count"]
    return {"pending": list(pending.values())}
