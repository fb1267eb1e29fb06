"""
``/requests``: the request log as JSON, newest first, and ``/requests/{id}`` for one of them.

Of several workers each keeps the requests that it has served: all are asked, and their answers joined.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.management.guard import Addressed
from gateway.telemetry.requests.filter import RequestFilter
from gateway.telemetry.requests.ring import RequestLog

PATH = "/requests"

# Asks every worker for a path; by worker, None for one that does not answer.
Ask: TypeAlias = Callable[[str], Awaitable[Mapping[str, httpx2.Response | None]]]


def request_pages(log: RequestLog) -> list[Addressed]:
    """The two paths over the *log* of this process."""

    async def listed(request: Request) -> Response:
        try:
            return JSONResponse(own_records(log, request.query_params))
        except ValueError as error:
            return _bad_request(error)

    async def one(request: Request) -> Response:
        record = log.find(request.path_params["request_id"])
        return _unknown() if record is None else JSONResponse(record.as_json())

    return [(PATH, listed), (f"{PATH}/{{request_id}}", one)]


def gathered_request_pages(ask: Ask) -> list[Addressed]:
    """The two paths over the logs of all workers."""

    async def listed(request: Request) -> Response:
        try:
            return JSONResponse(await gathered_records(ask, request.query_params))
        except ValueError as error:
            return _bad_request(error)

    async def one(request: Request) -> Response:
        record = await gathered_record(ask, request.path_params["request_id"])
        return _unknown() if record is None else JSONResponse(record)

    return [(PATH, listed), (f"{PATH}/{{request_id}}", one)]


def own_records(log: RequestLog, query: Mapping[str, str]) -> dict[str, Any]:
    """What ``/requests`` answers for this process. Raises ValueError: *query* is no filter."""
    records = [record.as_json() for record in log.recent(RequestFilter.of(query))]
    return {"requests": records, "retention": log.retention()}


async def gathered_records(ask: Ask, query: Mapping[str, str]) -> dict[str, Any]:
    """The same for all workers. Raises ValueError."""
    filters = RequestFilter.of(query)
    answers = _answers(await ask(f"{PATH}?{urlencode(list(query.items()))}"))
    records = [{**record, "worker": worker} for worker, answer in answers.items() for record in answer["requests"]]
    records.sort(key=lambda record: record["time"], reverse=True)
    retention = {worker: answer["retention"] for worker, answer in answers.items()}
    return {"requests": records[: filters.limit], "retention": {"workers": retention}}


async def gathered_record(ask: Ask, request_id: str) -> dict[str, Any] | None:
    """One record, from the worker that has it."""
    answers = _answers(await ask(f"{PATH}/{quote(request_id, safe='')}"))
    return next(({**answer, "worker": worker} for worker, answer in answers.items()), None)


def _answers(answers: Mapping[str, httpx2.Response | None]) -> dict[str, Any]:
    return {worker: answer.json() for worker, answer in answers.items() if answer is not None and answer.is_success}


def _unknown() -> Response:
    return JSONResponse({"error": "no such request: it was not kept, or has been evicted"}, 404)


def _bad_request(error: ValueError) -> Response:
    return JSONResponse({"error": str(error)}, 400)
