"""
What a tool takes: one object whose members are the operation's parameters and the members of its JSON body.

A body that is not an object, or one of whose members has the name of a parameter, is the member ``body``.

Source: Model Context Protocol 2025-11-25 and 2026-07-28, "Tools".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.data_plane.mcp.arguments import TextArgument, may_be_argument, path_names
from gateway.data_plane.mcp.inlining import Inliner
from gateway.data_plane.routing.templates import parse
from gateway.errors import LoadError, Location
from gateway.openapi import UNDEFINED, BodyContent, OperationDefinition, Parameter
from gateway.pipeline.context import OperationInfo

WHOLE_BODY = "body"
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_NOWHERE = Location("(operation)")


@dataclass(slots=True)
class ToolInput:
    """
    How arguments become a request.

    Attributes:
        schema: JSON Schema of all arguments.
        query, headers: Those that are parameters there.
        literal_query: Names and texts that the URL template itself has.
        media_type: Of the body; empty where there is none.
        members: Arguments that are members of the body; empty where the argument ``body`` is the body.
    """

    path: tuple[str, ...] = ()
    query: list[TextArgument] = field(default_factory=list)
    headers: list[TextArgument] = field(default_factory=list)
    literal_query: list[tuple[str, str]] = field(default_factory=list)
    media_type: str = ""
    members: frozenset[str] = frozenset()
    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)

    @property
    def schema(self) -> dict[str, Any]:
        """The tool's ``inputSchema``."""
        schema: dict[str, Any] = {"type": "object", "properties": self.properties, "additionalProperties": False}
        return {**schema, "required": self.required} if self.required else schema

    @property
    def takes_body(self) -> bool:
        """Whether the argument ``body`` is the body."""
        return bool(self.media_type) and not self.members


def input_of(operation: OperationInfo, reserved: frozenset[str]) -> ToolInput:
    """
    What the tool taken of *operation* takes; *reserved*: folded names of header fields that only policies set.

    Raises:
        LoadError: The body is of a form that no argument can have.
    """
    definition = operation.definition or UNDEFINED
    taken = ToolInput(path=tuple(dict.fromkeys(path_names(operation.url_template))))
    inliner = Inliner()
    for name in taken.path:
        _add(taken, name, definition.path.get(name), inliner, required=True)
    _add_query(taken, operation, inliner)
    _add_headers(taken, definition, inliner, reserved)
    if operation.definition is None:
        _add_unknown_body(taken, operation.method)
    elif definition.body is not None and definition.body.media_types:
        _add_body(taken, definition, definition.body, inliner)
    return taken


def _add_headers(taken: ToolInput, definition: OperationDefinition, inliner: Inliner, reserved: frozenset[str]) -> None:
    for parameter in definition.headers.values():
        if may_be_argument(parameter.name, reserved) and parameter.name not in taken.properties:
            taken.headers.append(TextArgument(parameter.name, parameter, parameter.required))
            _add(taken, parameter.name, parameter, inliner, parameter.required)


def _add(taken: ToolInput, name: str, parameter: Parameter | None, inliner: Inliner, required: bool) -> None:
    schema = {"type": "string"} if parameter is None else inliner.written_out(parameter.schema)
    if parameter is not None and parameter.description and "description" not in schema:
        schema = {**schema, "description": parameter.description}
    taken.properties[name] = schema
    if required:
        taken.required.append(name)


def _add_query(taken: ToolInput, operation: OperationInfo, inliner: Inliner) -> None:
    """Query parameters of the definition, and those that only the URL template has."""
    defined = (operation.definition or UNDEFINED).query
    arguments = {parameter.name: TextArgument(parameter.name, parameter, parameter.required) for parameter in defined}
    for term in parse(operation.url_template, _NOWHERE).query:
        if term.parameter is None:
            taken.literal_query.append((term.name, term.text))
        else:
            arguments.setdefault(term.name, TextArgument(term.name, None, True))
    taken.query += (argument for name, argument in arguments.items() if name not in taken.properties)
    for argument in taken.query:
        _add(taken, argument.name, argument.parameter, inliner, argument.required)


def _add_unknown_body(taken: ToolInput, method: str) -> None:
    """Of an operation without a definition nothing is known but its method."""
    if method in ("POST", "PUT", "PATCH"):
        taken.media_type = _JSON
        taken.properties[WHOLE_BODY] = {"description": "The body of the request, as JSON."}


def _add_body(taken: ToolInput, definition: OperationDefinition, body: BodyContent, inliner: Inliner) -> None:
    taken.media_type = name = _chosen(body.media_types, definition.location)
    if _is_text(name):
        taken.properties[WHOLE_BODY] = {"type": "string", "description": f"The body of the request, as {name}."}
    else:
        schema = body.media_types[name].schema if name in body.media_types else None
        written = {} if schema is None else inliner.written_out(schema)
        if _can_be_spread(written) and taken.properties.keys().isdisjoint(written["properties"]):
            return _spread(taken, written)
        taken.properties[WHOLE_BODY] = written
    if body.required:
        taken.required.append(WHOLE_BODY)
    return None


def _spread(taken: ToolInput, written: dict[str, Any]) -> None:
    """The members of the body are arguments."""
    taken.members = frozenset(written["properties"])
    taken.properties |= written["properties"]
    taken.required += [member for member in written.get("required", ()) if member in taken.members]


def _can_be_spread(schema: dict[str, Any]) -> bool:
    """Whether it says all about an object in ``properties``."""
    says_more = schema.keys() & {"allOf", "anyOf", "oneOf", "not", "if", "$ref", "patternProperties"}
    is_open = isinstance(schema.get("additionalProperties"), dict)
    return schema.get("type", "object") == "object" and bool(schema.get("properties")) and not says_more and not is_open


def _chosen(media_types: Iterable[str], location: Location) -> str:
    """The form in which the body is sent. Raises LoadError."""
    names = list(media_types)
    chosen = next((name for fits in _FORMS for name in names if fits(name)), None)
    if chosen is not None:
        return _JSON if "*" in chosen else chosen
    message = f"a tool cannot send {', '.join(names)}"
    raise LoadError.at(location, "mcp-body", message, "leave the operation out of mcp.tools, or declare a JSON body")


def _is_json(name: str) -> bool:
    return name == _JSON or (name.startswith("application/") and name.endswith("+json"))


def _is_form(name: str) -> bool:
    return name == _FORM


def _is_range(name: str) -> bool:
    return name in ("*/*", "application/*")


def _is_text(name: str) -> bool:
    return name.startswith("text/") or name.endswith(("/xml", "+xml"))


_FORMS = (_is_json, _is_form, _is_range, _is_text)  # the best first
