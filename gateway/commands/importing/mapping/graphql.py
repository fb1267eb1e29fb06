"""
GraphQL APIs: the schema, and the resolvers of a synthetic one.

Source: "Microsoft.ApiManagement service/apis/schemas" (content type ``application/vnd.ms-azure-apim.graphql.schema``),
"service/apis/resolvers".
"""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.policies import Policies
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource, Unresolved
from gateway.errors import LoadError
from gateway.reading.yaml_nodes import Mapping, Scalar

_SCHEMA_TYPE = "graphql"


class GraphQLDefinitions:
    """Maps what makes an API one of GraphQL."""

    def __init__(self, instance: Instance, policies: Policies) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._policies = policies

    def of(self, api: ArmResource, taker: Taker, id: str, has_backend: bool) -> dict[str, Any] | str:
        """``graphql`` of *api*; or the reason why it cannot be run."""
        schema = self._schema(api, taker)
        if schema is None:
            return "its schema is not in the source"
        try:
            roots = _root_fields(schema.value)
        except LoadError as error:
            return f"its schema is refused: {error.problems[0].message}"
        resolvers = self._resolvers(api, id)
        answered = {(resolver["type"], resolver["field"]) for resolver in resolvers}
        if has_backend and resolvers and not roots <= answered:
            return "its resolvers answer some of its fields and a backend the others, which the gateway does not join"
        file = self._draft.file("schemas", f"{id}.graphql", content=schema.value.encode(), origin=schema.location)
        self._draft.mapped(schema.location, f"{taker.what}: schema", f"written to {file}")
        return {"schema-file": file} | ({"resolvers": resolvers} if resolvers else {})

    def _schema(self, api: ArmResource, taker: Taker) -> Scalar | None:
        """The schema beside the API, or the first of its schema resources."""
        taker.skip("format")
        texts = [taker.node("value")]
        for resource in self._instance.below(api, "apis/schemas"):
            own = self._instance.take(resource, f"{taker.what}: schema")
            document = own.node("document")
            own.skip("contentType", "value")
            value = resource.properties.find("value")
            if _SCHEMA_TYPE in own.text("contentType", _SCHEMA_TYPE).casefold():
                texts += [document.find("value") if isinstance(document, Mapping) else document, value]
        return next((text for text in texts if isinstance(text, Scalar) and not isinstance(text, Unresolved)), None)

    def _resolvers(self, api: ArmResource, id: str) -> list[dict[str, str]]:
        resolvers: list[dict[str, str]] = []
        for resource in self._instance.below(api, "apis/resolvers"):
            what = f"resolver {resource.name[-1]} of {id}"
            taker = self._instance.take(resource, what)
            taker.skip("displayName", "description")
            type_, _, field = taker.text("path").strip("/").partition("/")
            documents = self._instance.below(resource, "apis/resolvers/policies")
            policy = self._policies.first(documents, what, "policies", "apis", id, f"resolver-{type_}-{field}.xml")
            if type_ and field and policy:
                resolvers.append({"type": type_, "field": field, **policy})
            else:
                self._draft.left_out(resource.location, what, "it has no path or no policy", "add it under resolvers")
        return resolvers


def _root_fields(text: str) -> set[tuple[str, str]]:
    """The fields of the schema's query and mutation types. Raises LoadError."""
    if find_spec("graphql") is None:  # the check of what was written says what to install
        return set()
    from gateway.graphql.schema import read_schema

    with tempfile.TemporaryDirectory(prefix="gateway-import-") as folder:
        file = Path(folder, "schema.graphql")
        file.write_text(text, encoding="utf-8")
        schema = read_schema(file)
    roots = filter(None, (schema.query_type, schema.mutation_type))
    return {(root.name, field) for root in roots for field in root.fields}
