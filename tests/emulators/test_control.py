"""Control endpoints: JSON in and out, and a 400 that names the mistake."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.emulators.control import command


def _call(method: str, content: bytes) -> httpx2.Response:
    app = Starlette(routes=[command("/c", lambda body: body["value"]), command("/c", lambda _: None, "DELETE")])

    async def main() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://emulator") as client:
            return await client.request(method, "/c", content=content)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("method", "content", "status", "answer"),
    [
        ("POST", b'{"value": {"a": 1}}', 200, {"a": 1}),
        ("DELETE", b"", 200, {"ok": True}),
        ("POST", b"{}", 400, {"error": "'value'"}),
        ("POST", b"[]", 400, {"error": "the body must be a JSON object"}),
    ],
    ids=["result", "no result", "missing member", "no object"],
)
def test_command(method: str, content: bytes, status: int, answer: object) -> None:
    """A command answers its result, or says what was wrong with the body."""
    response = _call(method, content)
    assert (response.status_code, response.json()) == (status, answer)


def test_not_json() -> None:
    """A body that is not JSON is the caller's mistake, not a server error."""
    assert _call("POST", b"{").status_code == 400
