"""A backend that answers with the request it received: it shows what a policy did."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class EchoBackend:
    """
    Answers every request with a copy of it: method, path, query, headers and body.

    Attributes:
        received: The last hundred requests, newest last, for tests.
    """

    def __init__(self, base_url: str = "") -> None:
        self.base_url = base_url
        self.received: list[dict[str, object]] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._echo, methods=METHODS)])

    async def _echo(self, request: Request) -> JSONResponse:
        body = await request.body()
        seen: dict[str, object] = {
            "method": request.method,
            "path": request.url.path,
            "query": request.url.query,
            "headers": [[name, value] for name, value in request.headers.items()],
            "body": body.decode("utf-8", "replace"),
        }
        self.received = [*self.received[-99:], seen]
        return JSONResponse(seen)
