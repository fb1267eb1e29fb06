"""A client of the official SDK's first generation, run in an environment of its own: lists, and calls each tool."""

import asyncio
import json
import sys
from typing import Any

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client  # type: ignore[attr-defined]  # another version is installed here


async def main(url: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    """Print what the server at *url* says, as JSON."""
    steps: list[float] = []

    async def told(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async with streamablehttp_client(url) as (reader, writer, session_id), ClientSession(reader, writer) as session:
        handshake = await session.initialize()
        await session.send_ping()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        results = [
            (await session.call_tool(name, arguments, progress_callback=told)).model_dump(mode="json")
            for name, arguments in calls
        ]
        version = handshake.protocolVersion  # type: ignore[attr-defined]
        said = {"version": version, "session": session_id(), "tools": tools, "results": results}
        print(json.dumps({**said, "steps": len(steps)}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
