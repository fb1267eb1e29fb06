"""docs/mcp.md: what it shows is what happens."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.assembly.app import build
from gateway.config import parse
from gateway.emulators.serving import serve_here
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mcp.md").read_text()


async def _order(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.path_params["id"]})


def test_the_first_example() -> None:
    """The first configuration answers the call that the page shows as it shows it."""
    config = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
    asked, shown = re.findall(r"```console\n\$ (curl .*?)\n(.*?)\n```", PAGE, re.DOTALL)[0]
    words = shlex.split(asked)
    name, _, value = words[words.index("-H") + 1].partition(": ")

    async def scenario() -> httpx2.Response:
        async with serve_here(Starlette(routes=[Route("/orders/{id}", _order)])) as backend:
            text = config.replace("http://127.0.0.1:8090", backend)
            gateway = build(parse(text, "config.yaml", ROOT, {}))
            sockets = Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))
            async with serving_gateway(LiveGateway(gateway), sockets) as server, httpx2.AsyncClient() as client:
                url = words[2].replace(":8080", f":{server.port}")
                return await client.post(url, content=words[words.index("-d") + 1], headers={name: value})

    answer, expected = asyncio.run(scenario()).json(), json.loads(shown)
    for result in (answer["result"], expected["result"]):  # spaces in the text are the backend's
        result["content"][0]["text"] = json.loads(result["content"][0]["text"])
    assert answer == expected
