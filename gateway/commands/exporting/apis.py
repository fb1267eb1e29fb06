"""
APIs: where they are, their versions and revisions, definitions, operations and policies.

Source: "Microsoft.ApiManagement service/apis" in Azure's template reference.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from gateway.commands.exporting.backends import is_query_of_one_api
from gateway.commands.exporting.definitions import defined
from gateway.commands.exporting.folder import ExportFolder
from gateway.commands.exporting.mcp_servers import mcp_properties
from gateway.commands.exporting.policies import write_policy
from gateway.commands.exporting.source import ExportSource
from gateway.config.apis import Api, Operation, SubscriptionKeyNames, Version
from gateway.graphql.settings import GraphQLSettings
from gateway.openapi import normalized

_TAKEN = frozenset(
    """
    id name type path backend service-url policy openapi operations protocols version revision current graphql mcp
    wsdl soap metadata subscription-required subscription-key products
    """.split()
)
_SCHEMES = {"path": ("Segment", ""), "header": ("Header", "versionHeaderName"), "query": ("Query", "versionQueryName")}


class ExportedApis:
    """Writes APIs one by one."""

    def __init__(self, source: ExportSource, folder: ExportFolder) -> None:
        self._source = source
        self._folder = folder
        self._sets: dict[tuple[str, str, str], str] = {}

    def write(self) -> None:
        """Every API of the configuration."""
        for index, api in enumerate(self._source.config.apis):
            written = self._source.written["apis"][index]
            name = self._named(index, api)
            self._folder.information(self._properties(index, api), "apis", name)
            if api.graphql is not None:
                self._schema(index, api, api.graphql, name)
            elif api.type != "mcp":
                self._definition(index, api, name, written)
            write_policy(self._folder, self._folder.place("apis", name), api.policy, f"policy of API {api.id}")
            self._left_out(written.keys() - _TAKEN, api, "apis", index)
            self._left_out((written.get("mcp") or {}).keys() - {"tools"}, api, "apis", index, "mcp")

    def _left_out(self, keys: set[str], api: Api, *path: Any) -> None:
        """Keys below *path* for which Azure has nothing."""
        for key in sorted(keys):
            message = f"Azure has no {key} of an API"
            self._folder.left_out(self._source.at(*path, key), f"API {api.id}", message)

    def _named(self, index: int, api: Api) -> str:
        """The API's name in Azure: that of its current revision, with ``;rev=N`` for another one."""
        if api.current:
            return api.id
        whose = (api.path, api.version)
        current = next((a.id for a in self._source.config.apis if a.current and (a.path, a.version) == whose), None)
        if current is None:
            message = "a revision without a current one, which Azure needs"
            self._folder.needs_you(self._source.at("apis", index), f"API {api.id}", message, "make one current")
        return f"{current or api.id};rev={api.revision}"

    def _properties(self, index: int, api: Api) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "path": api.path,
            "type": None if api.type == "http" else api.type,
            "apiRevision": api.revision,
            "isCurrent": True if api.current else None,
            "displayName": api.name or api.id,
            "protocols": list(api.protocols),
            "serviceUrl": self._service_url(index, api),
            "subscriptionRequired": api.subscription_required,
        }
        if api.subscription_key != SubscriptionKeyNames():
            names = {"header": api.subscription_key.header, "query": api.subscription_key.query}
            properties["subscriptionKeyParameterNames"] = names
        if api.type == "mcp":
            properties |= mcp_properties(api, self._source.config.apis)
        if api.version is not None:
            set_id = f"/apiVersionSets/{self._set(api.path, api.version)}"
            properties |= {"apiVersion": api.version.value, "apiVersionSetId": set_id}
        return properties

    def _service_url(self, index: int, api: Api) -> str | None:
        if api.backend is None or api.type == "mcp":
            return api.service_url
        backend = self._source.config.backends[api.backend]
        if is_query_of_one_api(self._source, api.backend):
            query = self._source.section("backends")[api.backend]["credentials"]["query"]
            return f"{backend.url}?{urlencode(query, doseq=True)}"
        message = f"Azure names the backend {api.backend} in a policy"
        remedy = f'add <set-backend-service backend-id="{api.backend}" /> to the inbound section'
        self._folder.needs_you(self._source.at("apis", index, "backend"), f"API {api.id}", message, remedy)
        return backend.url

    def _set(self, path: str, version: Version) -> str:
        """The version set of the APIs at *path*, written when it is first named."""
        key = (path, version.scheme, version.name or "")
        if key not in self._sets:
            name = "-".join(filter(None, [path.replace("/", "-"), version.scheme]))
            self._sets[key] = name
            scheme, field = _SCHEMES[version.scheme]
            properties = {"displayName": name, "versioningScheme": scheme}
            self._folder.information(properties | ({field: version.name} if field else {}), "apiVersionSets", name)
        return self._sets[key]

    def _schema(self, index: int, api: Api, graphql: GraphQLSettings, name: str) -> None:
        """The schema of a GraphQL API, and its resolvers."""
        text = graphql.schema_file.read_bytes().decode("utf-8-sig")
        self._folder.text(f"{self._folder.place('apis', name)}/specification.graphql", text)
        for resolver in graphql.resolvers:
            id, path = f"{resolver.type}-{resolver.field}", f"{resolver.type}/{resolver.field}"
            self._folder.information({"displayName": path, "path": path}, "apis/resolvers", name, id)
            place = self._folder.place("apis/resolvers", name, id)
            write_policy(self._folder, place, resolver.policy, f"resolver {id} of API {api.id}")
        for key in sorted(self._source.written["apis"][index]["graphql"].keys() - {"schema-file", "resolvers"}):
            message = f"Azure has no {key} of an API"
            self._folder.left_out(self._source.at("apis", index, "graphql", key), f"API {api.id}", message)

    # -- operations
    def _definition(self, index: int, api: Api, name: str, written: dict[str, Any]) -> None:
        place = self._folder.place("apis", name)
        if api.type in ("soap", "odata"):
            return self._description(index, api, name, written)
        if api.openapi is not None:
            suffix = "json" if api.openapi.suffix.lower() == ".json" else "yaml"
            self._folder.text(f"{place}/specification.{suffix}", api.openapi.read_bytes().decode("utf-8-sig"))
            beside = [operation for operation in api.operations if operation.definition is None]
        else:
            text, beside = defined(api)
            self._folder.text(f"{place}/specification.yaml", text)
            self._folder.changed(self._source.at("apis", index), f"API {api.id}", _written_out(api))
        self._operations(api, name, written)
        for operation in beside:
            self._beside(index, api, name, operation)

    def _description(self, index: int, api: Api, name: str, written: dict[str, Any]) -> None:
        """A WSDL has a place in the folder, metadata has none; Azure gives the operations of both ids of its own."""
        where, what = self._source.at("apis", index), f"API {api.id}"
        if api.wsdl is not None:
            text = api.wsdl.read_bytes().decode("utf-8-sig")
            self._folder.text(f"{self._folder.place('apis', name)}/specification.wsdl", text)
        else:
            self._folder.needs_you(
                where, what, "metadata has no file in such a folder", "import the OData API in Azure"
            )
        self._operations(api, name, written)
        if any(operation.policy for operation in api.operations):
            message = "Azure gives its operations ids of its own, and policies belong to ids"
            self._folder.needs_you(where, what, message, "look the ids up in Azure, and rename the folders")

    def _operations(self, api: Api, name: str, written: dict[str, Any]) -> None:
        """The policies of operations, under the ids that are written, which definitions know in another spelling."""
        ids = {normalized(operation["id"]): operation["id"] for operation in written.get("operations") or ()}
        for operation in api.operations:
            id = ids.get(normalized(operation.id), operation.id)
            place = self._folder.place("apis/operations", name, id)
            write_policy(self._folder, place, operation.policy, f"policy of operation {api.id}/{id}")

    def _beside(self, index: int, api: Api, name: str, operation: Operation) -> None:
        """An operation that the definition does not have, for the one publisher that takes it."""
        what = f"operation {api.id}/{operation.id}"
        properties = {
            "displayName": operation.name or operation.id,
            "method": operation.method,
            "urlTemplate": operation.url_template,
            "templateParameters": [],
        }
        self._folder.information(properties, "apis/operations", name, operation.id)
        message = f"{operation.method} {operation.url_template} is not in the definition; only apiops-cli publishes it"
        if operation.method == "*":
            message = "Azure has no operation for every method"
        remedy = "add the operation to the definition, once for each method"
        self._folder.needs_you(self._source.at("apis", index, "operations"), what, message, remedy)


def _written_out(api: Api) -> str:
    if api.operations:
        return "its operations are written as an OpenAPI definition, from which publishers take them"
    return "every method and path passes; in Azure: an operation /* for each method"
