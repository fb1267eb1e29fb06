"""
Control endpoints under ``/emulator``: JSON in, JSON out, and a 400 with the reason for an invalid body.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Command = Callable[[dict[str, Any]], object]


def command(path: str, run: Command, method: str = "POST") -> Route:
    """
    A control endpoint that calls *run* with the JSON object in the body and returns its result as JSON.

    ``ValueError``, ``KeyError`` and ``TypeError`` from *run* mean that the body was wrong: 400 with the message.
    """

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(run(_document(await request.body())) or {"ok": True})
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return Route(path, endpoint, methods=[method])


def optional_number(document: Mapping[str, Any], *names: str) -> None:
    """
    Check that the *names* present in a JSON object hold numbers or null.

    Raises:
        ValueError: It names the first one that does not.
    """
    for name in names:
        value = document.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"{name} must be a number")


def _document(body: bytes) -> dict[str, Any]:
    document = json.loads(body or b"{}")
    if not isinstance(document, dict):
        raise ValueError("the body must be a JSON object")
    return document
