"""
The emulator's HTTP side: the APIs under the paths of OpenAI, Azure OpenAI and Azure AI Foundry.

    /v1, /openai/v1                     the model is in the body
    /openai/deployments/{deployment}    with ?api-version=
    /openai, /models                    with ?api-version=, and the model in the body
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.emulators.openai import chat, completions, embeddings, responses
from gateway.emulators.openai.bodies import document_of
from gateway.emulators.openai.control import control
from gateway.emulators.openai.errors import ModelError, throttled_body
from gateway.emulators.openai.heads import ReplyHead
from gateway.emulators.openai.quota import retry_fields
from gateway.emulators.openai.replies import Ask, Reply, reply_to
from gateway.emulators.openai.service import ModelService

BASES = ("/v1", "/openai/v1", "/openai/deployments/{deployment}", "/openai", "/models", "")
AZURE = ("/openai/", "/models/")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call that is let in: its body, and the model it is for."""

    service: ModelService
    request: Request
    document: dict[str, Any]
    model: str

    def head(self) -> ReplyHead:
        """The answer to begin."""
        options = self.document.get("stream_options")
        return ReplyHead(
            number=self.service.next_number(),
            created=int(self.service.clock()),
            model=self.model,
            azure=self.request.url.path.startswith(AZURE),
            with_usage=isinstance(options, dict) and options.get("include_usage") is True,
        )

    def reply(self, ask: Ask, number: int = 1) -> Reply:
        """What the model says, *number* times, its tokens counted."""
        reply = reply_to(ask, self.service.next_text())
        reply = replace(reply, completion_tokens=reply.completion_tokens * number)
        self.service.quota.take(reply.total_tokens)
        return reply

    async def send(self, whole: Callable[[], dict[str, Any]], events: Callable[[], Iterator[bytes]]) -> Response:
        """The answer as a document, or as a stream where that was asked for."""
        await asyncio.sleep(self.service.first_token_s)
        if self.document.get("stream") is not True:
            return JSONResponse(whole())
        return StreamingResponse(_paced(events(), self.service), media_type="text/event-stream")


async def _paced(events: Iterator[bytes], service: ModelService) -> AsyncIterator[bytes]:
    for index, event in enumerate(events):
        if index and service.pace_s:
            await asyncio.sleep(service.pace_s)
        yield event


async def _chat(call: ModelCall) -> Response:
    ask, number = chat.asked(call.document), chat.choices(call.document)
    reply, head = call.reply(ask, number), call.head()
    return await call.send(partial(chat.completion, head, reply, number), partial(chat.chunks, head, reply, number))


async def _completions(call: ModelCall) -> Response:
    reply, head = call.reply(completions.asked(call.document)), call.head()
    return await call.send(partial(completions.completion, head, reply), partial(completions.chunks, head, reply))


async def _responses(call: ModelCall) -> Response:
    reply, head = call.reply(responses.asked(call.document)), call.head()
    whole = partial(responses.response, head, reply, call.document)
    if call.document.get("store") is not False:
        call.service.keep(whole())
    return await call.send(whole, partial(responses.events, head, reply, call.document))


async def _embeddings(call: ModelCall) -> Response:
    document = embeddings.answer(call.document, call.model)
    call.service.quota.take(document["usage"]["total_tokens"])
    await asyncio.sleep(call.service.first_token_s)
    return JSONResponse(document)


async def _images(call: ModelCall) -> Response:
    return JSONResponse({"created": int(call.service.clock()), "data": [{"b64_json": PIXEL}]})


OPERATIONS: dict[str, tuple[str, Callable[[ModelCall], Awaitable[Response]]]] = {
    "chat": ("/chat/completions", _chat),
    "completions": ("/completions", _completions),
    "responses": ("/responses", _responses),
    "embeddings": ("/embeddings", _embeddings),
    "images": ("/images/generations", _images),
}


def application(service: ModelService) -> Starlette:
    """The ASGI application of one emulator."""
    routes = [
        Route(base + path, _posted(service, name, operation), methods=["POST"])
        for base in BASES
        for name, (path, operation) in OPERATIONS.items()
    ]
    for base in ("/v1", "/openai/v1", "/openai"):
        routes += [
            Route(base + "/models", _read(service, "models", _models)),
            Route(base + "/models/{model}", _read(service, "models", _model)),
            Route(base + "/responses/{id}", _read(service, "responses", _stored)),
            Route(base + "/responses/{id}", _read(service, "responses", _deleted), methods=["DELETE"]),
        ]
    return Starlette(routes=[*control(service), *routes])


def _posted(service: ModelService, name: str, operation: Callable[[ModelCall], Awaitable[Response]]) -> Any:
    async def answer(request: Request, body: bytes) -> Response:
        _check_access(service, request)
        document = document_of(body)
        model = _model_of(service, request, document)
        wait_s = service.quota.wait_s(service.clock())
        if wait_s:
            headers = retry_fields(wait_s, "both", service.clock()) | service.quota.fields()
            return Response(throttled_body(wait_s), 429, headers, "application/json")
        return await operation(ModelCall(service, request, document, model))

    return _endpoint(service, name, answer)


def _read(service: ModelService, name: str, answer: Callable[[ModelService, Request], Response]) -> Any:
    async def checked(request: Request, _: bytes) -> Response:
        _check_access(service, request)
        return answer(service, request)

    return _endpoint(service, name, checked)


def _endpoint(service: ModelService, name: str, answer: Callable[[Request, bytes], Awaitable[Response]]) -> Any:
    async def refused_or_answered(request: Request, body: bytes) -> Response:
        try:
            return await answer(request, body)
        except ModelError as error:
            return error.response()

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        service.received.append(
            {
                "method": request.method,
                "path": request.url.path,
                "query": request.url.query,
                "headers": dict(request.headers),
                "body": body.decode("utf-8", "replace"),
            }
        )
        response = await service.faults.around(name, lambda: refused_or_answered(request, body))
        response.headers["x-ms-region"] = service.name
        response.headers["x-request-id"] = f"emulated-{service.faults.requests.total()}"
        for field, value in service.quota.fields().items():
            response.headers.setdefault(field, value)
        return response

    return endpoint


def _check_access(service: ModelService, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    keys = {request.headers.get("api-key", ""), token if scheme.lower() == "bearer" else ""} - {""}
    if not keys or (service.keys and not keys & service.keys):
        message = "Access denied due to invalid subscription key or wrong API endpoint."
        raise ModelError(401, "invalid_api_key" if request.url.path.startswith("/v1/") else "401", message)


def _model_of(service: ModelService, request: Request, document: dict[str, Any]) -> str:
    path = request.url.path
    if path.startswith(AZURE) and not path.startswith("/openai/v1/") and "api-version" not in request.query_params:
        raise ModelError(404, "404", "Resource not found")
    model = request.path_params.get("deployment") or document.get("model")
    if not isinstance(model, str) or not model:
        raise ModelError(400, "missing_required_parameter", "you must provide a model parameter", "model")
    if not service.knows(model):
        raise ModelError(404, "DeploymentNotFound", "The API deployment for this resource does not exist.", "model")
    return model


def _models(service: ModelService, _: Request) -> Response:
    return JSONResponse({"object": "list", "data": [_described(name) for name in service.models]})


def _model(service: ModelService, request: Request) -> Response:
    name = request.path_params["model"]
    if not service.knows(name):
        raise ModelError(404, "model_not_found", f"The model '{name}' does not exist.", "model")
    return JSONResponse(_described(name))


def _described(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "emulated"}


def _stored(service: ModelService, request: Request) -> Response:
    return JSONResponse(_kept(service, request))


def _deleted(service: ModelService, request: Request) -> Response:
    response = _kept(service, request)
    del service.responses[response["id"]]
    return JSONResponse({"id": response["id"], "object": "response", "deleted": True})


def _kept(service: ModelService, request: Request) -> dict[str, Any]:
    response = service.responses.get(request.path_params["id"])
    if response is None:
        raise ModelError(404, "not_found", f"Response with id '{request.path_params['id']}' not found.")
    return response
