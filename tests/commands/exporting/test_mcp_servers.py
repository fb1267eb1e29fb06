"""MCP servers on their way back to Azure."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.commands.exporting.mcp_servers import mcp_properties
from gateway.config.apis import Api, Operation
from gateway.data_plane.mcp.settings import McpSettings, McpTool

ORDERS = Api(
    id="orders",
    operations=(
        Operation(id="read", method="GET", url_template="/"),
        Operation(id="add", method="POST", url_template="/"),
    ),
)
READ, ADD = ({"name": id, "operationId": f"/apis/orders/operations/{id}"} for id in ("read", "add"))


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        (McpSettings(tools=(McpTool(api="orders"),)), {"mcpTools": [READ, ADD]}),
        (
            McpSettings(tools=(McpTool(api="orders", operation="add", name="new", description="Adds."),)),
            {"mcpTools": [{**ADD, "name": "new", "description": "Adds."}]},
        ),
        (None, {"backendId": "b", "mcpProperties": {"transportType": "streamable"}}),
    ],
)
def test_properties(api: McpSettings | None, expected: dict[str, Any]) -> None:
    """Tools name their operations, all of an API each by itself; a server that is passed through names its backend."""
    server = Api(id="tools", type="mcp", mcp=api, backend=None if api else "b")
    assert mcp_properties(server, [ORDERS, server]) == expected
