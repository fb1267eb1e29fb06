"""workers.py: the pages of several workers are those of one, with the numbers added up."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx2
from starlette.applications import Starlette

from gateway.assembly.app import Gateway
from gateway.management.console.routes import console_routes
from gateway.management.console.workers import Workers
from tests.management.console.rig import hostile_product, look, text_of
from tests.management.console.test_pages import traffic

PAGES = {
    "/": [
        r"failing \d things need attention. .*process : no answer \(worker-3\)",
        r"numbers 10 2 0 6 2 0",
        r"5xx : 20.0 % of the last minute's answers \(2 of 10\)",
        r"validate-jwt TokenSignatureInvalid 2 ",
        r"worker-1 ready \d+ \d+s 5 worker-2 ready \d+ \d+s 5 worker-3 no answer – – –",
    ],
    "/console/requests": [r"(GET /evil/token evil 401 TokenSignatureInvalid validate-jwt .*){2}"],
    "/console/apis": [r"/evil up 3 6 2 0 4 0 0", "Requests that matched no API: 2."],
    "/console/apis/evil": [r"GET /one/\{id\} 4 2 0 2 0 0", "inbound set-variable api policy.xml:4 → choose api"],
    "/console/dependencies": [r"/base closed 0 2 0", r"open in 2 of 2 for \d+ s"],
    "/console/traces": [r"(401 TokenSignatureInvalid .*){2}"],
}


def gathered(gateway: Gateway) -> Starlette:
    """A management process in front of two workers, which are one and the same here, and of one that is gone."""

    async def ask(path: str) -> dict[str, httpx2.Response | None]:
        return {"worker-1": await look(gateway, path), "worker-2": await look(gateway, path), "worker-3": None}

    assert gateway.console is not None
    return Starlette(routes=console_routes(gateway.console.console, Workers(ask)))


def test_added_up(tmp_path: Path) -> None:
    """Each page counts the requests of every worker, and says when one does not answer."""

    async def run() -> dict[str, str]:
        async with hostile_product(tmp_path) as running:
            await traffic(running)
            transport = httpx2.ASGITransport(gathered(running.gateway))
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return {path: text_of((await client.get(path)).text) for path in PAGES}

    texts = asyncio.run(run())
    for path, patterns in PAGES.items():
        assert (path, [pattern for pattern in patterns if not re.search(pattern, texts[path])]) == (path, [])


def test_a_trace_is_found_wherever_it_is(tmp_path: Path) -> None:
    """The worker that keeps a trace answers; an unknown trace is 404, and so are jobs without a service."""

    async def run() -> list[int]:
        async with hostile_product(tmp_path) as running:
            await traffic(running)
            known = running.gateway.console
            assert known is not None
            newest = (await known.process.traces())[0].id
            transport = httpx2.ASGITransport(gathered(running.gateway))
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
                paths = [f"/console/traces/{newest}", "/console/traces/none", "/console/notifications"]
                return [(await client.get(path)).status_code for path in paths]

    assert asyncio.run(run()) == [200, 404, 404]
