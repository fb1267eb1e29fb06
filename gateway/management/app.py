"""The management application: health, metrics, request log, traces, console. Never on the data port."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client.registry import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.management.guard import LOCAL, Addressed, Visitors, guarded
from gateway.management.health import Readiness
from gateway.management.requests import request_pages
from gateway.management.traces import Traces
from gateway.telemetry.requests.ring import RequestLog


def create_app(
    readiness: Readiness,
    registry: CollectorRegistry,
    traces: Traces | None = None,
    console: Sequence[BaseRoute] = (),
    access: Visitors = LOCAL,
    requests: RequestLog | None = None,
) -> Starlette:
    """
    The management plane of one process; without *traces* or *requests* their paths do not exist.

    *access* protects everything but ``/healthz``, which reveals nothing and answers everyone.
    """

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(_: Request) -> Response:
        ready, report = await readiness.report()
        return JSONResponse(report, 200 if ready else 503)

    async def metrics(request: Request) -> Response:
        from prometheus_client.exposition import choose_encoder  # has an HTTP server and a client: 1 MiB

        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=media_type)

    probed = guarded([("/readyz", readyz), ("/metrics", metrics)], access.probes())
    pages = [*([] if traces is None else _traces(traces)), *([] if requests is None else request_pages(requests))]
    read = guarded(pages, access.programs())
    return Starlette(routes=[Route("/healthz", healthz), *probed, *console, *read])


def _traces(traces: Traces) -> list[Addressed]:
    async def listed(_: Request) -> Response:
        return JSONResponse({"traces": traces.ids(), "summaries": traces.summaries()})

    async def one(request: Request) -> Response:
        trace = traces.find(request.path_params["trace_id"])
        return JSONResponse({"error": "no such trace"}, 404) if trace is None else JSONResponse(trace.as_json())

    return [("/traces", listed), ("/traces/{trace_id}", one)]
