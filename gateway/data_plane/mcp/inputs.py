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
from gateway.openapi import BodyContent, OperationDefinition, Parameter
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
    What the tool made of *operation* takes; *reserved*: folded names of header fields that only policies set.

    Raises:
        LoadError: The body is of a form that no argument can have.
    """
    definition = operation.definition
    made = ToolInput(path=tuple(dict.fromkeys(path_names(operation.url_template))))
    inliner = Inliner()
    for name in made.path:
        _add(made, name, None if definition is None else definition.path.get(name), inliner, required=True)
    _add_query(made, operation, inliner)
    for parameter in () if definition is None else definition.headers.values():
        if may_be_argument(parameter.name, reserved) and parameter.name not in made.properties:
            made.headers.append(TextArgument(parameter.name, parameter, parameter.required))
            _add(made, parameter.name, parameter, inliner, parameter.required)
    if definition is None:
        _add_unknown_body(made, operation.method)
    elif definition.body is not None and definition.body.media_types:
        _add_body(made, definition, definition.body, inliner)
    return made


def _add(made: ToolInput, name: str, parameter: Parameter | None, inliner: Inliner, required: bool) -> None:
    schema = {"type": "string"} if parameter is None else inliner.written_out(parameter.schema)
    if parameter is not None and parameter.description and "description" not in schema:
        schema = {**schema, "description": parameter.description}
    made.properties[name] = schema
    if required:
        made.required.append(name)


def _add_query(made: ToolInput, operation: OperationInfo, inliner: Inliner) -> None:
    """Query parameters of the definition, and those that only the URL template has."""
    defined = () if operation.definition is None else operation.definition.query
    arguments = [TextArgument(parameter.name, parameter, parameter.required) for parameter in defined]
    names = {argument.name for argument in arguments}
    for term in parse(operation.url_template, _NOWHERE).query:
        if term.parameter is None:
            made.literal_query.append((term.name, term.text))
        elif term.name not in names:
            arguments.append(TextArgument(term.name, None, True))
    for argument in arguments:
        if argument.name not in made.properties:
            made.query.append(argument)
            _add(made, argument.name, argument.parameter, inliner, argument.required)


def _add_unknown_body(made: ToolInput, method: str) -> None:
    """Of an operation without a definition nothing is known but its method."""
    if method in ("POST", "PUT", "PATCH"):
        made.media_type = _JSON
        made.properties[WHOLE_BODY] = {"description": "The body of the request, as JSON."}


def _add_body(made: ToolInput, definition: OperationDefinition, body: BodyContent, inliner: Inliner) -> None:
    made.media_type = name = _chosen(body.media_types, definition.location)
    schema = body.media_types[name].schema
    if not (_is_json(name) or name == _FORM):
        made.properties[WHOLE_BODY] = {"type": "string", "description": f"The body of the request, as {name}."}
    else:
        written = {} if schema is None else inliner.written_out(schema)
        members = written.get("properties", {})
        if _can_be_spread(written) and made.properties.keys().isdisjoint(members):
            made.members = frozenset(members)
            made.properties |= members
            made.required += [member for member in written.get("required", ()) if member in members]
            return
        made.properties[WHOLE_BODY] = written
    if body.required:
        made.required.append(WHOLE_BODY)


def _can_be_spread(schema: dict[str, Any]) -> bool:
    """Whether it says all about an object in ``properties``."""
    says_more = schema.keys() & {"allOf", "anyOf", "oneOf", "not", "if", "$ref", "patternProperties"}
    is_open = isinstance(schema.get("additionalProperties"), dict)
    return schema.get("type", "object") == "object" and bool(schema.get("properties")) and not says_more and not is_open


def _chosen(media_types: Iterable[str], location: Location) -> str:
    """The form in which the body is sent. Raises LoadError."""
    names = list(media_types)
    for fits in (_is_json, lambda name: name == _FORM, _is_text):
        for name in names:
            if fits(name):
                return name
    if "*/*" in names or "application/*" in names:
        return _JSON
    message = f"a tool cannot send {', '.join(names)}"
    raise LoadError.at(location, "mcp-body", message, "leave the operation out of mcp.tools, or declare a JSON body")


def _is_json(name: str) -> bool:
    return name == _JSON or (name.startswith("application/") and name.endswith("+json"))


def _is_text(name: str) -> bool:
    return name.startswith("text/") or name.endswith(("/xml", "+xml"))
