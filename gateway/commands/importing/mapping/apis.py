"""
APIs: paths, versions, revisions, keys, where they lead, and their policies.

An API without operations answers nothing in APIM and everything here; one whose operations are not known is therefore
left out rather than opened.

Source: "Microsoft.ApiManagement service/apis"; APIM, "Versions in Azure API Management", "Revisions".
"""

from __future__ import annotations

from typing import Any

from gateway.commands.importing.mapping.definitions import Definitions
from gateway.commands.importing.mapping.descriptions import Descriptions
from gateway.commands.importing.mapping.graphql import GraphQLDefinitions
from gateway.commands.importing.mapping.identifiers import last_segment
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.mcp_servers import McpServers
from gateway.commands.importing.mapping.operations import Operations
from gateway.commands.importing.mapping.policies import Policies
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.mapping.urls import Urls
from gateway.commands.importing.mapping.versions import Versions
from gateway.commands.importing.mapping.workspaces import WorkspacePolicies
from gateway.commands.importing.resources import ArmResource

_OTHER_KINDS = {
    "websocket": "WebSocket: an API without operations would let every path pass",
}
_DEFINED_AS = {"graphql": "graphql", "wsdl": "soap", "odata": "odata", "grpc": "grpc"}
_DESCRIBED = ("soap", "odata")
_NO_OPERATIONS = (
    "its operations are not in the source; without them every path would pass",
    "add its operations, or its OpenAPI definition",
)
_MISSING = {
    "mcp": ("neither its tools nor the server behind it are in the source", "add mcpTools or a backend"),
    "odata": (
        "its metadata is not in the source, or cannot be read; it says which paths there are",
        "export the API with its metadata",
    ),
    "soap": (
        "its WSDL is not in the source, or cannot be read; it says which messages there are",
        "export the API with its WSDL",
    ),
}
_PROTOCOLS = ("http", "https", "ws", "wss")
_KEY_NAMES = {"header": "Ocp-Apim-Subscription-Key", "query": "subscription-key"}


class Apis:
    """Maps APIs one by one."""

    def __init__(self, instance: Instance, urls: Urls, policies: Policies, workspaces: WorkspacePolicies) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._urls = urls
        self._workspaces = workspaces
        self._versions = Versions(instance)
        self._definitions = Definitions(instance)
        self._mcp = McpServers(instance)
        self._descriptions = Descriptions(instance)
        self._operations = Operations(instance, policies, self._definitions)
        self._graphql = GraphQLDefinitions(instance, policies)

    def map(self) -> None:
        """Write every API that the gateway can run; MCP servers last, when the APIs of their tools have ids."""
        for resource in sorted(self._instance.all("apis"), key=self._mcp.is_one):
            self._map(resource)

    def _map(self, resource: ArmResource) -> None:
        what = f"API {resource.name[-1]}"
        taker = self._instance.take(resource, what)
        kind = self._kind(taker)
        if kind in _OTHER_KINDS:
            return self._leave_out(resource, taker, f"{_OTHER_KINDS[kind]}", "publish it as an HTTP API")
        revision = _revision(resource.name[-1])
        id = self._instance.ids.give("apis", resource.name[-1], resource.workspace)
        if source := taker.text("sourceApiId"):
            message = f"made from {last_segment(source)}: what it does not have itself is taken from there"
            self._draft.changed(taker.location_of("sourceApiId"), what, message)
        api = self._address(taker, id, resource.workspace, revision)
        if kind == "graphql":
            return self._map_graphql(resource, taker, id, api)
        operations = self._described_by(resource, taker, id, kind)
        if operations is None:
            self._instance.ids.forget("apis", resource.name[-1], resource.workspace)
            return self._leave_out(resource, taker, *_MISSING.get(kind, _NO_OPERATIONS))
        self._instance.add_revision(resource, id)
        api |= {"type": kind} if kind in ("grpc", "mcp", *_DESCRIBED) else {}
        api |= self._workspaces.of(resource, what, "policies", "apis", id, "api.xml")
        self._draft.item("apis", {**api, **operations}, self._instance.origin(resource.location))
        self._draft.mapped(resource.location, what, f"path /{api['path']} {_listed(operations)}")
        return None

    def _map_graphql(self, resource: ArmResource, taker: Taker, id: str, api: dict[str, Any]) -> None:
        definition = self._graphql.of(resource, taker, id, "backend" in api or "service-url" in api)
        if isinstance(definition, str):
            self._instance.ids.forget("apis", resource.name[-1], resource.workspace)
            return self._leave_out(resource, taker, f"GraphQL: {definition}", "write it under apis, with its schema")
        if "resolvers" in definition and (api.pop("backend", None) or api.pop("service-url", None)):
            self._draft.changed(taker.location, taker.what, "its backend is left out: resolvers answer every field")
        self._instance.add_revision(resource, id)
        policy = self._workspaces.of(resource, taker.what, "policies", "apis", id, "api.xml")
        written = {**api, "type": "graphql", "graphql": definition, **policy}
        self._draft.item("apis", written, self._instance.origin(resource.location))
        count = len(definition.get("resolvers", ()))
        listed = f"with its schema and {count} resolver{'' if count == 1 else 's'}" if count else "with its schema"
        self._draft.mapped(resource.location, taker.what, f"path /{api['path']} {listed}")
        return None

    def _described_by(self, resource: ArmResource, taker: Taker, id: str, kind: str) -> dict[str, Any] | None:
        """The operations, and the file that describes them, or the tools; None where they are not known."""
        if kind == "mcp":
            return self._mcp.of(resource, taker)
        if kind not in _DESCRIBED:
            return self._operations.of(resource, taker, id)
        return self._operations.described(resource, id, self._descriptions.of(taker, id, kind))

    def _kind(self, taker: Taker) -> str:
        """``http``, or what else the API is."""
        written = taker.text("apiType") or taker.text("type")
        defined = _DEFINED_AS.get(taker.text("format").casefold().partition("-")[0])
        protocols = {protocol.casefold() for protocol in taker.texts("protocols")}
        if defined is not None and written.casefold() != "http":
            return defined
        if protocols and protocols <= {"ws", "wss"}:
            return "websocket"
        return written.casefold() or "http"

    def _leave_out(self, resource: ArmResource, taker: Taker, message: str, remedy: str) -> None:
        self._draft.left_out(resource.location, taker.what, message, remedy)
        for _ in taker.entries():  # said as a whole
            pass
        for kind in ("apis/operations", "apis/policies", "apis/schemas", "apis/resolvers"):
            for child in self._instance.below(resource, kind):
                self._instance.below(child, "apis/operations/policies")
                self._instance.below(child, "apis/resolvers/policies")

    def _address(self, taker: Taker, id: str, workspace: str, revision: str) -> dict[str, Any]:
        display = taker.text("displayName")
        api: dict[str, Any] = {"id": id}
        if display and display != id:
            api["name"] = display
        api["path"] = taker.text("path").strip("/")
        api |= self._urls.service(taker, f"api-{id}")
        protocols = [protocol.casefold() for protocol in taker.texts("protocols")]
        if protocols and sorted(protocols) != ["http", "https"]:
            api["protocols"] = [protocol for protocol in protocols if protocol in _PROTOCOLS]
        api |= self._versions.of(taker, workspace)
        api |= _of_revision(taker, revision)
        api["subscription-required"] = taker.flag("subscriptionRequired", default=True)
        api |= _key_names(taker)
        return api


def _listed(written: dict[str, Any]) -> str:
    """What an API has, in words."""
    if {"openapi", "wsdl", "metadata"}.intersection(written):
        return "with its definition"
    if "backend" in written:
        return f"leads to {written['backend']}"
    kind = "tool" if "mcp" in written else "operation"
    count = len(written["mcp"]["tools"] if "mcp" in written else written.get("operations", ()))
    return f"with {count} {kind}{'' if count == 1 else 's'}"


def _revision(name: str) -> str:
    """The revision that the API's name has in it: ``orders;rev=2``."""
    return name.partition(";rev=")[2]


def _of_revision(taker: Taker, named: str) -> dict[str, Any]:
    revision = taker.text("apiRevision") or named or "1"
    current = taker.flag("isCurrent", default=not named)
    return ({"revision": revision} if revision != "1" else {}) | ({} if current else {"current": False})


def _key_names(taker: Taker) -> dict[str, Any]:
    names = taker.inner("subscriptionKeyParameterNames")
    if names is None:
        return {}
    written = {key: names.text(key, default) for key, default in _KEY_NAMES.items()}
    return {} if written == _KEY_NAMES else {"subscription-key": written}
