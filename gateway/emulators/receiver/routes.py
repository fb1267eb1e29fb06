"""
The receiver's HTTP side.

    any    /callbacks/{name}        recorded, and answered as scripted
    GET    /deliveries              everything recorded, as JSON; ``?path=/callbacks/a`` for some
    DELETE /deliveries              forget it
    POST   /adf/runs                run a Webhook activity: its ``typeProperties``
    GET    /adf/runs/{id}           the state of the run
    POST   /adf/callbacks/{id}      the run's ``callBackUri``
    POST   /logic-apps/runs         run an HTTP Webhook action: its ``inputs``, ``limit``, and ``parameters``
    GET    /logic-apps/runs/{id}    the state of the run
    POST   /logic-apps/callbacks/{id}   its ``listCallbackUrl()``
    POST   /emulator/answers        script an answer, see ``answers.Answer``
    DELETE /emulator/answers        forget the answers still to come
"""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.emulators.control import command
from gateway.emulators.receiver.answers import Answer
from gateway.emulators.receiver.deliveries import Delivery
from gateway.emulators.receiver.recorder import Recorder
from gateway.emulators.receiver.signatures import check_signature
from gateway.emulators.receiver.webhook import Activity

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def application(receiver: Recorder) -> Starlette:
    """The ASGI application of one receiver."""

    async def callback(request: Request) -> Response:
        body = await request.body()
        answer = receiver.script.next(request.url.path)
        _record(receiver, request, body, 0 if answer.drop else answer.status)
        return await answer.response()

    async def adf_callback(request: Request) -> Response:
        body = await request.body()
        content_type = request.headers.get("content-type", "")
        status = receiver.runs.call_back(request.path_params["run"], content_type, body)
        _record(receiver, request, body, status)
        return Response(status_code=status)

    async def webhook_callback(request: Request) -> Response:
        body = await request.body()
        status = receiver.webhook_runs.call_back(request.path_params["run"], request.headers, body)
        _record(receiver, request, body, status)
        return Response(status_code=status)

    async def webhook_run(request: Request) -> Response:
        webhook = receiver.webhook_runs.find(request.path_params["run"])
        return JSONResponse({"error": "no such run"}, 404) if webhook is None else JSONResponse(webhook.to_json())

    async def deliveries(request: Request) -> Response:
        recorded = receiver.recorded.under(request.query_params.get("path", ""))
        return JSONResponse([delivery.to_json() for delivery in recorded])

    async def run(request: Request) -> Response:
        known_run = receiver.runs.find(request.path_params["run"])
        return JSONResponse({"error": "no such run"}, 404) if known_run is None else JSONResponse(known_run.to_json())

    return Starlette(
        routes=[
            Route("/callbacks/{name:path}", callback, methods=METHODS),
            Route("/deliveries", deliveries),
            Route("/adf/callbacks/{run}", adf_callback, methods=["POST"]),
            Route("/adf/runs/{run}", run),
            Route("/logic-apps/callbacks/{run}", webhook_callback, methods=["POST"]),
            Route("/logic-apps/runs/{run}", webhook_run),
            *_control(receiver),
        ]
    )


def _control(receiver: Recorder) -> list[Route]:
    return [
        command("/deliveries", lambda _: receiver.recorded.clear(), "DELETE"),
        command("/adf/runs", lambda body: _start(receiver, body)),
        command("/logic-apps/runs", lambda body: receiver.webhook_runs.start(body, receiver.base_url).to_json()),
        command("/emulator/answers", lambda body: receiver.answer(Answer.from_json(body))),
        command("/emulator/answers", lambda _: receiver.script.clear(), "DELETE"),
    ]


def _start(receiver: Recorder, body: dict[str, Any]) -> dict[str, Any]:
    return receiver.runs.start(Activity.from_json(body), receiver.base_url).to_json()


def _record(receiver: Recorder, request: Request, body: bytes, status: int) -> None:
    now, path = receiver.clock(), request.url.path + (f"?{request.url.query}" if request.url.query else "")
    signature = check_signature(receiver.secret, request.headers, body, now)
    receiver.recorded.record(
        Delivery(
            method=request.method,
            path=path,
            headers=tuple(request.headers.items()),
            body=body,
            at=now,
            signature=signature,
            status=status,
        )
    )
