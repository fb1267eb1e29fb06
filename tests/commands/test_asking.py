"""asking.py: commands that ask the running gateway."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.commands.asking import ask
from gateway.config import Config, parse
from gateway.emulators.serving import serve
from gateway.errors import GatewayError

TOKEN = "0123456789abcdef"


async def _echo(request: Request) -> Response:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return PlainTextResponse("no token\n", 401)
    body = await request.json() if request.method == "POST" else None
    return JSONResponse({"method": request.method, "body": body})


async def _refused(_: Request) -> Response:
    return JSONResponse({"error": "no such thing"}, 404)


APP = Starlette(routes=[Route("/echo", _echo, methods=["GET", "POST", "DELETE"]), Route("/refused", _refused)])


def config(port: int, token: str = TOKEN) -> Config:
    """The configuration of a gateway whose management plane has *port*."""
    text = f"management: 127.0.0.1:{port}\nconsole: {{token: {token}}}\nnamed-values: {{}}\napis: []\n"
    return parse(text, "config.yaml", Path.cwd(), {})


def test_what_is_asked() -> None:
    """The console's token is shown, a body makes it a POST, and a refusal is told in the gateway's own words."""
    with serve(APP) as url:
        port = int(url.rpartition(":")[2])
        answers = [
            ask(config(port), "/echo"),
            ask(config(port), "/echo", {"a": 1}),
            ask(config(port), "/echo", None, "DELETE"),
        ]
        assert answers == [{"method": m, "body": b} for m, b in [("GET", None), ("POST", {"a": 1}), ("DELETE", None)]]
        with pytest.raises(GatewayError, match=f"127.0.0.1:{port} refused: no such thing"):
            ask(config(port), "/refused")
        with pytest.raises(GatewayError, match=re.escape("refused: 401 no token")):
            ask(config(port, "fedcba9876543210"), "/echo")


def test_nobody_is_there() -> None:
    """A gateway that does not run is named, with its address."""
    with pytest.raises(GatewayError, match="127.0.0.1:9 does not answer.*is it running"):
        ask(config(9), "/echo")
