"""The echo backend shows what it received."""

from __future__ import annotations

import asyncio

import httpx2

from gateway.emulators.echo import EchoBackend


def test_echo() -> None:
    """Method, path, query, headers and body are echoed, and kept for tests."""
    echo = EchoBackend()

    async def main() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(echo.app), base_url="http://echo") as client:
            return await client.put("/a/b?c=d", headers={"X-One": "1"}, content=b"body")

    seen = asyncio.run(main()).json()
    assert (seen["method"], seen["path"], seen["query"], seen["body"]) == ("PUT", "/a/b", "c=d", "body")
    assert ["x-one", "1"] in seen["headers"]
    assert echo.received == [seen]
