"""
Schemas that validate-content names by id.

Source: "Microsoft.ApiManagement service/schemas".
"""

from __future__ import annotations

from gateway.commands.importing.json_nodes import json_text
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.resources import Unresolved
from gateway.reading.yaml_nodes import Scalar


def map_schemas(instance: Instance) -> None:
    """Write every schema that a policy may name."""
    for resource in instance.all("schemas"):
        what, name = f"schema {resource.name[-1]}", resource.name[-1]
        taker = instance.take(resource, what)
        kind = taker.text("schemaType", "json").casefold()
        document, value = taker.node("document"), taker.node("value")
        node = value if document is None else document
        if not instance.mentions(name):
            instance.draft.harmless(resource.location, what, "no policy names it")
        elif node is None or isinstance(node, Unresolved):
            instance.draft.left_out(resource.location, what, "its text is not in the source", "write it under schemas")
        else:
            id = instance.ids.give("schemas", name, resource.workspace)
            text = node.value if isinstance(node, Scalar) else json_text(node)
            suffix = "xsd" if kind == "xml" else "json"
            file = instance.draft.file("schemas", f"{id}.{suffix}", content=text.encode(), origin=node.location)
            instance.draft.entry("schemas", id, file, instance.origin(resource.location))
            instance.draft.mapped(resource.location, what, f"written to {file}")
