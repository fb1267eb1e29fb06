"""
A definition → its operations, as APIM imports them; or every mistake in it, each with its place.

What other tools make of a definition (servers, security, callbacks, links) says nothing about a request that this
gateway would check; it is known and left alone, as APIM does.

Source: OpenAPI 3.0.3 and 3.1; Swagger 2.0; APIM, "API import restrictions and known issues".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from gateway.errors import LoadError, Location, Problem
from gateway.openapi import swagger
from gateway.openapi.contents import ContentReader
from gateway.openapi.definition import BodyContent, OperationDefinition
from gateway.openapi.documents import Documents
from gateway.openapi.identifiers import operation_id, operation_name
from gateway.openapi.mistakes import Mistakes
from gateway.openapi.objects import METHODS, Fields
from gateway.openapi.parameters import Parameter
from gateway.openapi.plain import items, mapping, remark, text
from gateway.openapi.schemas import SchemaReader, check_dialect
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode

_VERSION = re.compile(r"3\.([01])\.\d+\Z|(2\.0)\Z")
_TEMPLATE_NAME = re.compile(r"\{\*?([^{}]*)\}")
_BODILESS = ("get", "head", "options")  # APIM drops what a definition says about their bodies
# Any other name no request can have. Source: RFC 9110 §5.1.
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_PLACES = ("path", "query", "header", "cookie", "body", "formData")


# What APIM keeps beside OpenAPI definitions, by the suffix of the file.
_OTHERS = {
    ".graphql": "this is a GraphQL schema",
    ".gql": "this is a GraphQL schema",
    ".wsdl": "this is a description of a SOAP service",
    ".wadl": "this is a WADL description",
    ".xsd": "this is an XML schema",
}


def read_definition(
    path: Path, query_in_template: bool = True, described: bool = False
) -> tuple[OperationDefinition, ...]:
    """
    The operations of the definition in the file at *path*.

    Args:
        query_in_template: Whether required query parameters become part of the URL template, as APIM has it by default.
        described: Whether descriptions are kept, which nothing but a tool's reader needs.

    Raises:
        LoadError: With every mistake found.
    """
    if other := _OTHERS.get(path.suffix.lower()):
        remedy = "export the API as OpenAPI, or list its operations in the configuration"
        raise LoadError.at(Location(str(path)), "not-openapi", f"{other}, not an OpenAPI definition", remedy)
    reader = _Reader(path, query_in_template, described)
    operations = reader.operations()
    if reader.mistakes:
        raise LoadError(sorted(dict.fromkeys(reader.mistakes), key=lambda problem: problem.location))
    return operations


class _Reader:
    """One run over one definition."""

    def __init__(self, path: Path, query_in_template: bool, described: bool) -> None:
        self.mistakes = Mistakes()
        self._described = described
        self._documents = Documents(path)
        self._query_in_template = query_in_template
        root = mapping(self._documents.root())
        self._swagger, modern = _version(root)
        self._root = Fields(root, "swagger definition" if self._swagger else "definition", self.mistakes)
        self._schemas = SchemaReader(self._documents, modern, self.mistakes, described)
        self._contents = ContentReader(self._documents, self._schemas, self.mistakes, described)

    def operations(self) -> tuple[OperationDefinition, ...]:
        """Every operation, in the order of the file."""
        operations: dict[str, OperationDefinition] = {}
        for path, method, item, node in self._listed():
            with self.mistakes.gathering():
                operation = self._operation(path, method, item, node, operations)
                operations[operation.id] = operation
        self._schemas.finish()
        return tuple(operations.values())

    def _listed(self) -> Iterator[tuple[Scalar, Scalar, Fields, YamlNode]]:
        """Path, method, path item and operation of everything under ``paths``; ``x-ms-paths`` has queries in it."""
        groups = (self._root.get("paths"), self._root.get("x-ms-paths"))
        for path, node in chain.from_iterable(mapping(group).entries for group in groups if group):
            with self.mistakes.gathering():
                item = Fields(self._documents.resolve(node), "path", self.mistakes)
                methods = (entry for entry in item.node.entries if entry[0].value in METHODS)
                yield from ((path, method, item, operation) for method, operation in methods)

    def _operation(
        self, path: Scalar, method: Scalar, item: Fields, node: YamlNode, taken: dict[str, OperationDefinition]
    ) -> OperationDefinition:
        """One operation. Raises LoadError."""
        resolved = self._documents.resolve(node)  # not in the specification, but bundlers leave it
        operation = Fields(resolved, "swagger operation" if self._swagger else "operation", self.mistakes)
        declared = self._declared(item, operation)
        by_place = self._parameters(declared)
        written, summary = _written(operation, "operationId"), _written(operation, "summary")
        return OperationDefinition(
            id=operation_id(written, method.value, path.value, taken),
            name=operation_name(summary, written, method.value.upper(), path.value),
            method=method.value.upper(),
            url_template=self._template(path, _path_names(declared), by_place["query"]),
            location=method.location,
            path={parameter.name: parameter for parameter in by_place["path"]},
            query=tuple(by_place["query"]),
            headers={parameter.field_key: parameter for parameter in by_place["header"]},
            body=None if method.value in _BODILESS else self._body(operation, declared),
            responses=self._contents.responses(operation.get("responses"), self._response_form(operation)),
            description=remark(operation.get("description")) if self._described else "",
        )

    # -- parameters
    def _declared(self, item: Fields, operation: Fields) -> list[Mapping]:
        """The parameters of an operation; its own replace those of the path that have the same place and name."""
        groups = [self._by_key(fields.get("parameters")) for fields in (item, operation)]
        return list({**groups[0], **groups[1]}.values())

    def _by_key(self, group: YamlNode | None) -> dict[tuple[str, str], Mapping]:
        """Parameters by place and name."""
        parameters: dict[tuple[str, str], Mapping] = {}
        for written in items(group) if group else ():
            node = mapping(self._documents.resolve(written))
            place, name = _place(node), _name(node)
            if parameters.setdefault((place, name), node) is not node:
                message = f"the {place} parameter {name!r} is declared twice"
                self.mistakes.append(Problem(node.location, "duplicate-parameter", message, "remove one of them"))
        return parameters

    def _parameters(self, declared: list[Mapping]) -> dict[str, list[Parameter]]:
        """By place. Cookies are not looked at, as in APIM; what Swagger has in the body is not a parameter here."""
        parameters: dict[str, list[Parameter]] = {place: [] for place in _PLACES}
        for node in declared:
            place = _place(node)
            if place not in ("path", "query", "header"):
                continue
            with self.mistakes.gathering():
                read = swagger.parameter(node) if self._swagger else node
                parameters[place].append(self._contents.parameter(read, place))
        return parameters

    def _template(self, path: Scalar, declared: set[str], query: list[Parameter]) -> str:
        """The URL template. Raises LoadError: it and the path parameters do not name the same."""
        named = {*_TEMPLATE_NAME.findall(path.value.partition("?")[0])}
        if not path.value.startswith("/") or named != declared:
            odd = ", ".join(sorted(named ^ declared)) or path.value
            message = f"path and path parameters of {path.value!r} differ: {odd}"
            raise LoadError.at(path.location, "bad-path", message, "write /…/{name}, and a parameter in: path for each")
        names = _template_names(query) if self._query_in_template else []
        for name in sorted(named & {*names}):
            message = f"{name} is a parameter of the path and of the query"
            remedy = "rename one, or set translate-required-query-parameters: query"
            raise LoadError.at(path.location, "repeated-parameter", message, remedy)
        return path.value + _query_template("&" if "?" in path.value else "?", names)

    # -- bodies
    def _body(self, operation: Fields, declared: list[Mapping]) -> BodyContent | None:
        node = operation.get("requestBody")
        if self._swagger:
            node = swagger.request_body(declared, operation.get("consumes") or self._root.get("consumes"))
        return None if node is None else self._contents.body(node)

    def _response_form(self, operation: Fields) -> Callable[[Mapping], Mapping]:
        """What brings a response into OpenAPI 3's form."""
        if not self._swagger:
            return lambda response: response
        return partial(swagger.response, produces=operation.get("produces") or self._root.get("produces"))


def _template_names(query: list[Parameter]) -> list[str]:
    """The query parameters that APIM puts into the URL template: the required ones."""
    return [parameter.name for parameter in query if parameter.required and parameter.is_plain]


def _query_template(mark: str, names: list[str]) -> str:
    return mark + "&".join(f"{name}={{{name}}}" for name in names) if names else ""


def _written(operation: Fields, name: str) -> str:
    value = operation.get(name)
    return "" if value is None else text(value)


def _path_names(declared: list[Mapping]) -> set[str]:
    return {_name(node) for node in declared if _place(node) == "path"}


def _version(root: Mapping) -> tuple[bool, bool]:
    """Whether it is Swagger, and whether its schemas are JSON Schema 2020-12. Raises LoadError."""
    node = root.find("openapi") or root.find("swagger")
    version = _VERSION.match(node.value) if isinstance(node, Scalar) else None
    if version is None or bool(version[2]) != (root.find("swagger") is not None):
        remedy = "write openapi: 3.0.3, openapi: 3.1.0 or swagger: '2.0'"
        raise LoadError.at((node or root).location, "unknown-version", "this is not an OpenAPI definition", remedy)
    dialect = root.find("jsonSchemaDialect")
    if dialect is not None:
        check_dialect(dialect)
    return bool(version[2]), version[1] == "1"


def _place(node: Mapping) -> str:
    """Where a parameter belongs. Raises LoadError."""
    value = node.find("in")
    if not isinstance(value, Scalar) or value.value not in _PLACES:
        where = (value or node).location
        raise LoadError.at(where, "bad-value", "a parameter is in path, query, header or cookie", "write in: query")
    return value.value


def _name(node: Mapping) -> str:
    """A parameter's name; header names have no case. Raises LoadError."""
    value = node.find("name")
    if value is None:
        raise LoadError.at(node.location, "missing-field", "a parameter needs a name", "add name:")
    if _place(node) != "header":
        return text(value)
    if not _FIELD_NAME.fullmatch(text(value)):
        raise LoadError.at(
            value.location, "bad-value", f"{text(value)!r} is not the name of a header", "letters, digits and -"
        )
    return text(value).lower()
