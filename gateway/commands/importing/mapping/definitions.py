"""
Definitions of APIs: a file that the gateway reads, or the reason why it cannot.

A definition is read before it is used, so that one that the gateway refuses does not stop the whole configuration: its
operations are written out instead.

Source: "Microsoft.ApiManagement service/apis", properties ``format`` and ``value``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.commands.importing.json_nodes import json_text
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.loose_definitions import loose_operations
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.proto.services import read_services
from gateway.errors import LoadError, Location
from gateway.openapi import OperationDefinition, normalized, read_definition
from gateway.reading.yaml_nodes import Scalar, YamlNode

_ADDED = ("policy", "responses")  # what is written about an operation of a definition
_FORMS = ("openapi", "openapi+json", "swagger-json", "swagger")


@dataclass(frozen=True, slots=True)
class ReadDefinition:
    """A definition that the gateway takes: its file, and its operations by id and by route."""

    file: str
    ids: dict[str, OperationDefinition]
    routes: dict[tuple[str, str], OperationDefinition]

    def join(self, operation: dict[str, Any]) -> dict[str, Any] | None:
        """What has to be written about *operation* beside the definition; None where that says it all."""
        added: dict[str, Any] = {key: value for key, value in operation.items() if key in _ADDED}
        known = self.ids.get(normalized(operation["id"]))
        if known is not None and _agrees(operation, known):
            return _unless_empty({"id": operation["id"]}, added)
        if "method" not in operation:
            return None
        same = self.routes.get((operation["method"], operation["url-template"]))
        return operation if added or same is None else None


class Definitions:
    """
    Reads the definitions of one instance.

    Attributes:
        loose: Of a definition that is refused, what its operations are.
    """

    def __init__(self, instance: Instance) -> None:
        self._draft = instance.draft
        self.loose: list[dict[str, Any]] = []

    def of(self, taker: Taker, id: str) -> ReadDefinition | None:
        """The definition of the API with *id*; None where it has none, or none that can be read."""
        form, value = taker.text("format").casefold(), text_of(taker.node("value"))
        what = f"{taker.what}: definition"
        self.loose = []
        if value is None:
            return None
        if form.endswith("-link") or "-link-" in form or isinstance(value, Unresolved):
            reason = "it depends on values that are not known" if isinstance(value, Unresolved) else "it is a URL"
            remedy = f"save it as definitions/{id}.yaml and write openapi: with the API"
            self._draft.needs_you(value.location, what, f"{reason}, which the import does not fetch", remedy)
            return None
        return self._in_form(form, value, id, what)

    def _in_form(self, form: str, value: Scalar, id: str, what: str) -> ReadDefinition | None:
        if not form or form in _FORMS:
            return self._read(value, id, what)
        if form == "grpc":
            self.loose = self._methods(value, what)
        else:
            self._draft.left_out(value.location, what, f"the gateway does not read {form}", "list the operations")
        return None

    def _methods(self, value: Scalar, what: str) -> list[dict[str, Any]]:
        """The operations of a .proto file that imports nothing but what every compiler knows."""
        with tempfile.TemporaryDirectory(prefix="gateway-import-") as folder:
            file = Path(folder, "definition.proto")
            file.write_bytes(value.value.encode())
            try:
                methods = read_services(file.parent, [file])
            except LoadError as error:
                problem = error.problems[0]
                place = moved(problem.location, value.location)
                self._draft.left_out(place, what, problem.message, problem.remedy or "import its .proto files instead")
                return []
        self._draft.mapped(value.location, what, f"{len(methods)} methods")
        return [
            {"id": method.id, "name": method.shown, "method": "POST", "url-template": method.path} for method in methods
        ]

    def _read(self, value: Scalar, id: str, what: str) -> ReadDefinition | None:
        suffix = "json" if value.value.lstrip("\ufeff \r\n\t").startswith("{") else "yaml"
        try:
            operations = _operations(value.value, suffix)
        except LoadError as error:
            problem = error.problems[0]
            self.loose = loose_operations(value.value)
            place = moved(problem.location, value.location)
            count = len(self.loose)
            written = f"its {count} operations are" if count != 1 else "its one operation is"
            message = f"the gateway refuses it ({problem.message}); {written} written out"
            self._draft.changed(place, what, message, problem.remedy)
            return None
        if not operations:
            self._draft.changed(value.location, what, "it has no operations")
            return None
        file = self._draft.file("definitions", f"{id}.{suffix}", content=value.value.encode(), origin=value.location)
        self._draft.mapped(value.location, what, f"written to {file}")
        routes = {
            (operation.method, template): operation
            for operation in reversed(operations)
            for template in (operation.url_template.partition("?")[0], operation.url_template)
        }
        return ReadDefinition(file, {operation.id: operation for operation in operations}, routes)


def text_of(node: YamlNode | None) -> Scalar | None:
    """A definition's text; of one that is an object, its JSON."""
    return node if node is None or isinstance(node, Scalar) else Scalar(json_text(node), node.location)


def moved(place: Location, origin: Location) -> Location:
    """*place* in a text that begins at *origin* in the source."""
    column = place.column + (origin.column - 1 if place.line == 1 else 0)
    return Location(origin.file, origin.line + place.line - 1, column)


def _unless_empty(head: dict[str, Any], added: dict[str, Any]) -> dict[str, Any] | None:
    return {**head, **added} if added else None


def _operations(text: str, suffix: str) -> Sequence[OperationDefinition]:
    """The operations of a definition. Raises LoadError."""
    with tempfile.TemporaryDirectory(prefix="gateway-import-") as folder:
        file = Path(folder) / f"definition.{suffix}"
        file.write_bytes(text.encode())
        return read_definition(file)


def _agrees(operation: dict[str, Any], definition: OperationDefinition) -> bool:
    templates = (None, definition.url_template, definition.url_template.partition("?")[0])
    return operation.get("method") in (None, definition.method) and operation.get("url-template") in templates
