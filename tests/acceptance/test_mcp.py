"""MCP through the gateway, from the official SDK's client: operations as tools, and a server passed through."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.mcp_rig import mcp_front

MODES = ("2026-07-28", "auto", "legacy")


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_lists_and_calls_tools(tmp_path: Path, mode: str) -> None:
    """In both eras a client of the official SDK sees the operations as tools, and gets their answers as results."""

    async def scenario() -> None:
        async with mcp_front(tmp_path) as front, front.client(mode=mode) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert list(tools) == ["get_item", "add-item", "slow", "picture", "broken"]
            assert tools["get_item"].description == "Looks an item up by its id."
            assert tools["get_item"].annotations.read_only_hint is True  # type: ignore[union-attr]
            assert set(tools["get_item"].input_schema["properties"]) == {"id", "verbose", "X-Flavour", "x-tenant"}
            assert set(tools["add-item"].input_schema["properties"]) == {"name", "parent", "tags"}
            result = await client.call_tool("get_item", {"id": "a b", "verbose": True, "X-Flavour": "mint"})
            assert result.structured_content == {"path": "/items/a%20b", "query": "verbose=true", "body": ""}
            assert front.service.values("x-flavour") == ["mint"]
            result = await client.call_tool("add-item", {"name": "x", "tags": ["a"]})
            assert result.structured_content["body"] == '{"name":"x","tags":["a"]}'
            result = await client.call_tool("broken", {})
            assert result.is_error
            assert "out of order" in result.content[0].text
            result = await client.call_tool("picture", {})
            assert result.content[0].type == "image"
            assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")

    asyncio.run(scenario())
