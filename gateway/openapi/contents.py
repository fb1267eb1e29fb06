"""
Parameters, headers, bodies and responses of a definition.

Source: OpenAPI 3.1, "Parameter Object", "Header Object", "Media Type Object", "Responses Object", "Example Object".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from gateway.errors import LoadError
from gateway.openapi.definition import BodyContent, MediaType, ResponseDefinition
from gateway.openapi.documents import Documents
from gateway.openapi.kinds import form_of
from gateway.openapi.mistakes import Mistakes
from gateway.openapi.objects import Fields
from gateway.openapi.parameters import Parameter
from gateway.openapi.plain import flag, mapping, plain, remark, text
from gateway.openapi.samples import example_body
from gateway.openapi.schemas import SchemaReader
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode

_STATUS = re.compile(r"[1-5](\d\d|XX)\Z")

# Styles by place, the default first. Label and matrix need characters that no path may have here.
_STYLES = {
    "path": ("simple",),
    "header": ("simple",),
    "response header": ("simple",),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
}


class ContentReader:
    """Reads what operations consist of. Every method raises LoadError; unknown fields become *mistakes*."""

    def __init__(
        self, documents: Documents, schemas: SchemaReader, mistakes: Mistakes, described: bool = False
    ) -> None:
        self._described = described
        self._documents = documents
        self._schemas = schemas
        self._mistakes = mistakes

    # -- parameters
    def parameter(self, node: Mapping, place: str) -> Parameter:
        """A parameter in *place*: ``path``, ``query`` or ``header``."""
        fields = Fields(node, "parameter", self._mistakes)
        return self._parameter(fields, text(_needed(fields, "name")), place)

    def _parameter(self, fields: Fields, name: str, place: str) -> Parameter:
        style, node = self._style(fields, place)
        explode = fields.get("explode")
        schema = self._schemas.schema(node, name)
        return Parameter(
            name=name,
            schema=schema,
            style=style,
            exploded=style == "form" if explode is None else flag(explode),
            required=_flag(fields, "required"),
            allow_empty=_flag(fields, "allowEmptyValue"),
            form=form_of(schema),
            description=remark(fields.get("description")) if self._described else "",
        )

    def _style(self, fields: Fields, place: str) -> tuple[str, YamlNode]:
        """How the parameter is written, and its schema."""
        content = fields.get("content")
        if content is not None:
            return "json", self._json_schema(mapping(content))
        known, written = _STYLES[place], fields.get("style")
        style = known[0] if written is None else text(written)
        if style not in known:
            where = (written or fields.node).location
            message = f"the style {style} of a {place} parameter is not supported"
            raise LoadError.at(where, "unsupported-style", message, f"known: {', '.join(known)}")
        if place == "response header" and fields.get("schema") is None:
            return style, Scalar("true", fields.node.location, plain=True)  # often left out: any value
        return style, _needed(fields, "schema")

    def _json_schema(self, content: Mapping) -> YamlNode:
        """The schema of a parameter that is a whole JSON text."""
        for kind, node in content.entries:
            if _media_type(kind.value).endswith("json"):
                return _needed(Fields(self._documents.resolve(node), "media type", self._mistakes), "schema")
        remedy = "write application/json, or a schema"
        raise LoadError.at(content.location, "unsupported-content", "such a parameter cannot be checked", remedy)

    # -- bodies
    def body(self, node: YamlNode) -> BodyContent:
        """A request body."""
        fields = Fields(self._documents.resolve(node), "request body", self._mistakes)
        return BodyContent(self._content(_needed(fields, "content")), _flag(fields, "required"))

    def responses(
        self, node: YamlNode | None, converted: Callable[[Mapping], Mapping]
    ) -> dict[str, ResponseDefinition]:
        """Responses by status; *converted* brings one into the form of OpenAPI 3."""
        responses = {}
        for status, value in mapping(node).entries if node else ():
            key = status.value.upper() if status.value != "default" else status.value
            if key.startswith("X-"):
                continue
            if key != "default" and not _STATUS.match(key):
                message = f"{status.value!r} is not a status"
                raise LoadError.at(status.location, "bad-status", message, "write 200, 4XX or default")
            responses[key] = self._response(converted(mapping(self._documents.resolve(value))))
        return responses

    def _response(self, node: Mapping) -> ResponseDefinition:
        fields = Fields(node, "response", self._mistakes)
        content, headers = fields.get("content"), fields.get("headers")
        return ResponseDefinition(
            BodyContent({} if content is None else self._content(content)),
            {header.field_key: header for header in self._headers(mapping(headers))} if headers else {},
        )

    def _headers(self, node: Mapping) -> Iterator[Parameter]:
        for name, value in node.entries:
            fields = Fields(self._documents.resolve(value), "header", self._mistakes)
            yield self._parameter(fields, name.value, "response header")

    def _content(self, node: YamlNode) -> dict[str, MediaType]:
        media_types: dict[str, MediaType] = {}
        for kind, value in mapping(node).entries:
            name = _media_type(kind.value)
            if name in media_types:
                message = f"{name} occurs twice: parameters of a media type make no difference"
                raise LoadError.at(kind.location, "duplicate-media-type", message, "keep one")
            fields = Fields(self._documents.resolve(value), "media type", self._mistakes)
            schema = fields.get("schema")
            media_types[name] = MediaType(
                name,
                None if schema is None else self._schemas.schema(schema, name),
                tuple(example_body(example, name) for example in self._examples(fields)),
            )
        return media_types

    def _examples(self, fields: Fields) -> Iterator[object]:
        """The values of ``example`` and ``examples``; what is elsewhere is not fetched."""
        if "example" in fields.names:
            yield plain(fields.names["example"])
        several = fields.get("examples")
        for _, node in mapping(several).entries if several else ():
            example = Fields(self._documents.resolve(node), "example", self._mistakes)
            if "value" in example.names:
                yield plain(example.names["value"])


def _needed(fields: Fields, name: str) -> YamlNode:
    value = fields.get(name)
    if value is None:
        raise LoadError.at(fields.node.location, "missing-field", f"{name} is missing", f"add {name}:")
    return value


def _flag(fields: Fields, name: str) -> bool:
    value = fields.get(name)
    return value is not None and flag(value)


def _media_type(text: str) -> str:
    """A media type without parameters, lower case."""
    return text.partition(";")[0].strip().lower()
