"""
``POST /reload``: take a new configuration over, where ``reload/endpoint`` allows it.

The body is empty or JSON and is refused without JSON's type, so that no web page can send it without asking first.

Source: Fetch Standard, "CORS-safelisted request-header" (a JSON body needs a preflight).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PATH = "/reload"

Reload = Callable[[], Awaitable[Mapping[str, object]]]
"""Reloads; the report has ``reloaded``, ``problems`` and ``needs-restart``."""


async def no_reload() -> Mapping[str, object]:
    """``Reload`` where there is nothing to be reloaded."""
    return {"reloaded": False, "problems": ["nothing here can be reloaded"], "needs-restart": []}


def reload_route(reload: Reload, guard: Sequence[Middleware] = ()) -> Route:
    """The endpoint; 200 with the report if the new configuration has taken over, 422 with it if not."""

    async def answer(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return JSONResponse({"error": "send it with Content-Type: application/json"}, 415)
        report = await reload()
        return JSONResponse(report, 200 if report["reloaded"] else 422)

    return Route(PATH, answer, methods=["POST"], middleware=guard)
