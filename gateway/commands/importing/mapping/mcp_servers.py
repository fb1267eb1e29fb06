"""
MCP servers: the tools that they make of operations, or the backend that they pass through.

Source: "Microsoft.ApiManagement service/apis", properties ``mcpTools`` and ``mcpProperties``; Microsoft, "Expose REST
API in API Management as an MCP server", "Expose an existing MCP server".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gateway.commands.importing.mapping.identifiers import last_segment
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource, Unresolved
from gateway.openapi import normalized
from gateway.reading.yaml_nodes import Scalar

_OPERATION = re.compile(r"(?:.*/)?apis/([^/]+)/operations/([^/]+)", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_SET_IT = "add it under mcp.tools"


class McpServers:
    """Maps what is particular to APIs of type ``mcp``; the APIs of their tools have been mapped before."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._draft = instance.draft

    @staticmethod
    def is_one(resource: ArmResource) -> bool:
        """Whether *resource* is an MCP server."""
        kinds = (value for key, value in resource.properties.entries if key.value.casefold() in ("type", "apitype"))
        return any(getattr(kind, "value", "") == "mcp" for kind in kinds)

    def of(self, resource: ArmResource, taker: Taker) -> dict[str, Any] | None:
        """``mcp`` or ``backend`` of the server; None where the source does not say what is behind it."""
        tools = [tool for inner in taker.inners("mcpTools") for tool in self._tool(inner, resource)]
        self._skip_transport(taker)
        self._leave_out_operations(resource)
        backend = taker.text("backendId")
        if tools:
            return {"mcp": {"tools": tools}}
        if not backend:
            return {} if taker.text("serviceUrl") else None
        id = self._instance.ids.find("backends", last_segment(backend), resource.workspace)
        if id is None:
            message = f"the backend {last_segment(backend)} is not here"
            self._draft.needs_you(taker.location_of("backendId"), taker.what, message, "write backend or service-url")
            return None
        return {"backend": id}

    def _tool(self, tool: Taker, resource: ArmResource) -> Iterator[dict[str, Any]]:
        """The tool, where its operation is here."""
        reference, name = tool.scalar("operationId"), tool.text("name")
        description = tool.scalar("description")
        matched = None if reference is None else _OPERATION.fullmatch(reference.value)
        api = None if matched is None else self._api(matched[1], resource)
        if matched is None or api is None:
            message = "its operation is not here" if matched else "the source does not say which operation it is"
            return self._draft.needs_you(tool.location, f"{tool.what}: tool {name}", message, _SET_IT)
        listed = self._instance.ids.find(f"operations of {api}", matched[2])
        operation = listed or normalized(matched[2])  # of its definition, which has the ids that APIM makes
        yield {"api": api, "operation": operation} | _texts(name, operation, description)
        return None

    def _api(self, name: str, resource: ArmResource) -> str | None:
        return self._instance.ids.find("apis", name.partition(";rev=")[0], resource.workspace)

    def _skip_transport(self, taker: Taker) -> None:
        """Streamable HTTP is what there is; anything else is said."""
        for key in ("mcpProperties", "mcpPropperties"):  # the second is a misspelling that people copy
            inner = taker.inner(key)
            if inner is None:
                continue
            transport = inner.text("transportType", "streamable")
            inner.skip("endpoints")
            if transport.casefold() != "streamable":
                message = f"its transport is {transport}; only Streamable HTTP is served"
                self._draft.changed(inner.location, taker.what, message)

    def _leave_out_operations(self, resource: ArmResource) -> None:
        for operation in self._instance.below(resource, "apis/operations"):
            message = "an MCP server has tools, not operations"
            remedy = "write protected-resource: for metadata that the gateway serves itself"
            self._draft.left_out(operation.location, f"operation {operation.name[-1]}", message, remedy)
            self._instance.below(operation, "apis/operations/policies")


def _texts(name: str, operation: str, description: Scalar | None) -> dict[str, str]:
    """Name and description, where they are known and are not the operation's own."""
    shown = _NOT_IN_NAMES.sub("-", name)[:128]
    texts = {"name": shown} if shown not in ("", operation) else {}
    if description is None or isinstance(description, Unresolved):
        return texts
    return {**texts, "description": description.value}
