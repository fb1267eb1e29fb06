"""
MCP servers as Azure has them: tools that name operations, or a backend.

Source: "Microsoft.ApiManagement service/apis", properties ``mcpTools`` and ``mcpProperties``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.config.apis import Api
from gateway.data_plane.mcp.settings import McpTool


def mcp_properties(api: Api, apis: Iterable[Api]) -> dict[str, Any]:
    """What the properties of an API of type ``mcp`` have besides those of any API; *apis*: all there are."""
    tools = () if api.mcp is None else api.mcp.tools
    if tools:
        known = {other.id: other for other in apis}
        return {"mcpTools": [written for tool in tools for written in _tools(tool, known[tool.api])]}
    backend = {} if api.backend is None else {"backendId": api.backend}
    return {**backend, "mcpProperties": {"transportType": "streamable"}}


def _tools(tool: McpTool, api: Api) -> Iterator[dict[str, str]]:
    """One tool for each operation that is meant."""
    for id in (operation.id for operation in api.operations if tool.operation in (None, operation.id)):
        written = {"name": tool.name or id, "operationId": f"/apis/{api.id}/operations/{id}"}
        yield written if tool.description is None else {**written, "description": tool.description}
