"""
The emulator's HTTP side, under ``/contentsafety`` and with ``?api-version=``.

    POST   /text:analyze, /text:shieldPrompt
    GET, PATCH, DELETE /text/blocklists/{name}; GET /text/blocklists
    POST   /text/blocklists/{name}:addOrUpdateBlocklistItems, :removeBlocklistItems
    GET    /text/blocklists/{name}/blocklistItems

    GET    /emulator                requests, and blocklists
    POST   /emulator/faults         script a failure, see ``faults.Fault``
    DELETE /emulator/faults         forget the failures still to come
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.emulators.content_safety.blocklists import Blocklist
from gateway.emulators.content_safety.service import RequestRefused, SafetyResource
from gateway.emulators.control import command
from gateway.emulators.faults import Fault

BASE = "/contentsafety"
Answer = Callable[[SafetyResource, Request, dict[str, Any]], Response]


def application(resource: SafetyResource) -> Starlette:
    """The ASGI application of one emulator."""
    lists = BASE + "/text/blocklists"
    table: list[tuple[str, str, str, Answer]] = [
        ("POST", BASE + "/text:analyze", "analyze", _analyze),
        ("POST", BASE + "/text:shieldPrompt", "shield-prompt", _shield),
        ("GET", lists, "blocklists", _all),
        ("POST", lists + "/{name}:addOrUpdateBlocklistItems", "blocklists", _add),
        ("POST", lists + "/{name}:removeBlocklistItems", "blocklists", _remove),
        ("GET", lists + "/{name}/blocklistItems", "blocklists", _items),
        ("GET", lists + "/{name}", "blocklists", _one),
        ("PATCH", lists + "/{name}", "blocklists", _change),
        ("DELETE", lists + "/{name}", "blocklists", _delete),
    ]
    routes = [Route(path, _endpoint(resource, name, answer), methods=[verb]) for verb, path, name, answer in table]
    control = [
        command("/emulator", lambda _: _state(resource), "GET"),
        command("/emulator/faults", lambda body: resource.faults.add(Fault.from_json(body))),
        command("/emulator/faults", lambda _: resource.faults.clear(), "DELETE"),
    ]
    return Starlette(routes=[*control, *routes])


def _endpoint(resource: SafetyResource, name: str, answer: Answer) -> Any:
    async def endpoint(request: Request) -> Response:
        body = await request.body()

        async def answered() -> Response:
            try:
                _check(resource, request)
                return answer(resource, request, _document(body))
            except RequestRefused as error:
                document = {"error": {"code": error.code, "message": str(error)}}
                return JSONResponse(document, error.status, {"x-ms-error-code": error.code})

        return await resource.faults.around(name, answered)

    return endpoint


def _check(resource: SafetyResource, request: Request) -> None:
    key = request.headers.get("ocp-apim-subscription-key", "")
    has_token = request.headers.get("authorization", "").lower().startswith("bearer ")
    if not (key in resource.keys if resource.keys and key else key or has_token):
        raise RequestRefused(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")
    if "api-version" not in request.query_params:
        raise RequestRefused(404, "404", "Resource not found")


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise RequestRefused(400, "InvalidRequestBody", "The body is no JSON object.")
    return document


def _analyze(resource: SafetyResource, _: Request, document: dict[str, Any]) -> Response:
    resource.received.append({"operation": "analyze", "body": document})
    return JSONResponse(resource.analyze(document))


def _shield(resource: SafetyResource, _: Request, document: dict[str, Any]) -> Response:
    resource.received.append({"operation": "shield-prompt", "body": document})
    return JSONResponse(resource.shield(document))


def _all(resource: SafetyResource, _: Request, __: dict[str, Any]) -> Response:
    return JSONResponse({"value": [blocklist.to_json() for blocklist in resource.blocklists.values()]})


def _find(resource: SafetyResource, request: Request) -> Blocklist:
    name = request.path_params["name"]
    if name not in resource.blocklists:
        raise RequestRefused(404, "NotFound", f"Blocklist {name!r} is not found.")
    return resource.blocklists[name]


def _one(resource: SafetyResource, request: Request, _: dict[str, Any]) -> Response:
    return JSONResponse(_find(resource, request).to_json())


def _change(resource: SafetyResource, request: Request, document: dict[str, Any]) -> Response:
    name = request.path_params["name"]
    is_new = name not in resource.blocklists
    blocklist = resource.blocklists.setdefault(name, Blocklist(name))
    blocklist.description = str(document.get("description", blocklist.description))
    return JSONResponse(blocklist.to_json(), 201 if is_new else 200)


def _delete(resource: SafetyResource, request: Request, _: dict[str, Any]) -> Response:
    del resource.blocklists[_find(resource, request).name]
    return Response(status_code=204)


def _items(resource: SafetyResource, request: Request, _: dict[str, Any]) -> Response:
    return JSONResponse({"value": list(_find(resource, request).items.values())})


def _add(resource: SafetyResource, request: Request, document: dict[str, Any]) -> Response:
    try:
        added = _find(resource, request).add(list(document["blocklistItems"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestRefused(400, "InvalidRequestBody", str(error)) from None
    return JSONResponse({"blocklistItems": added})


def _remove(resource: SafetyResource, request: Request, document: dict[str, Any]) -> Response:
    _find(resource, request).remove([str(item) for item in document.get("blocklistItemIds", [])])
    return Response(status_code=204)


def _state(resource: SafetyResource) -> dict[str, Any]:
    lists = {name: len(blocklist.items) for name, blocklist in resource.blocklists.items()}
    return {"base_url": resource.base_url, "requests": dict(resource.requests), "blocklists": lists}
