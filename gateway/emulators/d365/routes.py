"""The emulator's HTTP side: the service document, BatchJobs, the start action, and control under ``/emulator``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.emulators.d365.control import control
from gateway.emulators.d365.environment import Environment
from gateway.emulators.d365.errors import ODataError
from gateway.emulators.d365.histories import history, requested_histories
from gateway.emulators.d365.metadata import metadata
from gateway.emulators.d365.queries import QueryOptions, page
from gateway.emulators.d365.rows import row, selected
from gateway.emulators.d365.starts import requested_job, start_answer

Endpoint = Callable[[Environment, Request], Awaitable[Response]]

ACTION = "/data/BatchJobs/Microsoft.Dynamics.DataEntities.SetBatchJobToWaiting"
# A real service document names thousands; these are enough to see that names are plural and case sensitive.
ENTITY_SETS = ("BatchGroups", "BatchJobHistories", "BatchJobs", "CustomersV3", "LegalEntities", "SalesOrderHeadersV2")


def application(d365: Environment) -> Starlette:
    """The ASGI application of one emulator."""
    routes = [
        Route("/data", _endpoint(d365, "service-document", _service_document)),
        Route("/data/$metadata", _endpoint(d365, "metadata", _metadata)),
        Route("/data/BatchJobs", _endpoint(d365, "batch-jobs", _collection)),
        Route("/data/BatchJobs/$count", _endpoint(d365, "count", _count)),
        Route("/data/BatchJobs({key})", _endpoint(d365, "batch-job", _entity)),
        Route("/data/BatchJobHistories", _endpoint(d365, "histories", _histories)),
        Route(ACTION, _endpoint(d365, "start", _start), methods=["POST"]),
    ]
    return Starlette(routes=routes + control(d365))


def _endpoint(d365: Environment, name: str, endpoint: Endpoint) -> Callable[..., Any]:
    async def answer(request: Request) -> Response:
        try:
            return _refusal(d365, request) or await endpoint(d365, request)
        except ODataError as error:
            return error.response()

    async def dated(request: Request) -> Response:
        await request.body()  # F&O has the whole request before it becomes slow: leaving cannot undo it
        response = await d365.faults.around(name, lambda: answer(request))
        now = datetime.fromtimestamp(d365.clock() + d365.date_ahead_s, UTC)
        response.headers["Date"] = format_datetime(now, usegmt=True)
        return response

    return dated


def _refusal(d365: Environment, request: Request) -> Response | None:
    authorization = request.headers.get("authorization", "")
    client_id = d365.access.client(authorization, d365.base_url, d365.clock())
    if client_id is None:
        return Response(status_code=401)
    if client_id in d365.access.forbidden:
        raise ODataError(403, "Access denied for the entity BatchJobEntity.")
    return None


async def _service_document(d365: Environment, _request: Request) -> Response:
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in ENTITY_SETS]
    return _odata({"@odata.context": f"{d365.base_url}/data/$metadata", "value": sets})


async def _collection(d365: Environment, request: Request) -> Response:
    d365.queries.append(request.url.query)
    query = QueryOptions.parse(dict(request.query_params))
    if query.filter is None and query.top is None:
        await asyncio.sleep(d365.listing_delay_s / d365.speed)
    ids = query.filter.ids if query.filter else None
    shape = partial(selected, names=query.select, ieee754=_ieee754(request))
    rows = _rows(d365, d365.jobs if ids is None else sorted(ids))
    return _odata(page(query, rows, d365.page_size, f"{d365.base_url}/data/BatchJobs", shape))


async def _metadata(_d365: Environment, _request: Request) -> Response:
    return Response(metadata(), media_type="application/xml", headers={"OData-Version": "4.0"})


async def _count(d365: Environment, request: Request) -> Response:
    """How many jobs pass ``$filter``, as text."""
    query = QueryOptions.parse(dict(request.query_params))
    rows = list(_rows(d365, d365.jobs))
    number = sum(1 for row in rows if query.filter is None or query.filter.test(row))
    return Response(str(number), media_type="text/plain", headers={"OData-Version": "4.0"})


async def _entity(d365: Environment, request: Request) -> Response:
    key = request.path_params["key"].removeprefix("BatchJobRecId=")
    query = QueryOptions.parse(dict(request.query_params))
    rows = list(_rows(d365, [int(key)] if key.isascii() and key.isdigit() and len(key) < 20 else []))
    if not rows:
        return Response(status_code=404)
    context = f"{d365.base_url}/data/$metadata#BatchJobs/$entity"
    return _odata({"@odata.context": context, **selected(rows[0], query.select, _ieee754(request))})


async def _histories(d365: Environment, request: Request) -> Response:
    job_id, top, names = requested_histories(request.query_params)
    job = d365.jobs.get(job_id)
    runs = [] if job is None else reversed(job.ended_runs(d365.clock(), d365.speed))
    histories = [history(d365.jobs[job_id], run, names, precise=d365.speed > 1) for run in runs][:top]
    return _odata({"@odata.context": f"{d365.base_url}/data/$metadata#BatchJobHistories", "value": histories})


async def _start(d365: Environment, request: Request) -> Response:
    job_id = requested_job(await request.body())
    job = d365.jobs.get(job_id)
    if job is None or d365.status(job_id) is None:
        return start_answer(d365.answer_form, (job_id, False, f"Batch job {job_id} was not found."))
    if job.refusal:
        return start_answer(d365.answer_form, (job_id, False, job.refusal))
    job.start(d365.clock(), d365.start_lag_s, d365.speed)
    return start_answer(d365.answer_form, (job_id, True, f"Batch job {job_id} is set to waiting."))


def _rows(d365: Environment, ids: Iterable[int]) -> Iterable[dict[str, Any]]:
    now = d365.clock()
    for job in [d365.jobs[job_id] for job_id in ids if job_id in d365.jobs]:
        snapshot = job.at(now, d365.speed)
        if snapshot.status is not None:
            yield row(job, snapshot, precise=d365.speed > 1)


def _ieee754(request: Request) -> bool:
    return "ieee754compatible=true" in request.headers.get("accept", "").lower()


def _odata(document: dict[str, Any]) -> Response:
    headers = {"OData-Version": "4.0"}
    return JSONResponse(document, headers=headers, media_type="application/json; odata.metadata=minimal")
