"""
Which fields an object of a definition may have. Any other field is a mistake: nothing is skipped silently.

Source: OpenAPI 3.0.3 and 3.1, "Fixed Fields"; Swagger 2.0, the same. ``x-`` extensions are allowed everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from gateway.errors import Problem
from gateway.openapi.mistakes import Mistakes
from gateway.openapi.plain import mapping
from gateway.reading.yaml_nodes import Scalar, YamlNode

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")

_PATH_ITEM = frozenset({*METHODS, "trace", "parameters", "servers", "summary", "description", "$ref"})

FIELDS: dict[str, frozenset[str]] = {
    "definition": frozenset(
        "openapi info jsonSchemaDialect servers paths webhooks components security tags externalDocs".split()
    ),
    "swagger definition": frozenset(
        """
        swagger info host basePath schemes consumes produces paths definitions parameters responses
        securityDefinitions security tags externalDocs
        """.split()
    ),
    "path": _PATH_ITEM,
    "operation": frozenset(
        """
        tags summary description externalDocs operationId parameters requestBody responses callbacks deprecated
        security servers
        """.split()
    ),
    "swagger operation": frozenset(
        """
        tags summary description externalDocs operationId consumes produces parameters responses schemes deprecated
        security
        """.split()
    ),
    "parameter": frozenset(
        """
        name in description required deprecated allowEmptyValue style explode allowReserved schema example examples
        content
        """.split()
    ),
    "header": frozenset(
        "description required deprecated allowEmptyValue style explode schema example examples content".split()
    ),
    "request body": frozenset({"description", "content", "required"}),
    "response": frozenset({"description", "headers", "content", "links"}),
    "media type": frozenset({"schema", "example", "examples", "encoding"}),
    "example": frozenset({"summary", "description", "value", "externalValue"}),
}


class Fields:
    """
    The fields of one object. Unknown ones become *mistakes*.

    Attributes:
        names: Values by name.

    Raises:
        LoadError: It is not a mapping.
    """

    def __init__(self, node: YamlNode, kind: str, mistakes: Mistakes) -> None:
        self.node = mapping(node)
        self.names = {key.value: value for key, value in self.node.entries}
        mistakes += _unknown((key for key, _ in self.node.entries), kind)

    def get(self, name: str) -> YamlNode | None:
        """The value of the field, or None; a field without a value is not there."""
        value = self.names.get(name)
        return None if isinstance(value, Scalar) and value.null else value


def _unknown(keys: Iterable[Scalar], kind: str) -> Iterator[Problem]:
    known = FIELDS[kind]
    for key in keys:
        if key.value not in known and not key.value.startswith("x-"):
            close = get_close_matches(key.value, known, n=1)
            remedy = f"did you mean {close[0]}?" if close else "remove it, or call it x-… if it is a remark"
            yield Problem(key.location, "unknown-field", f"no {kind} has the field {key.value!r}", remedy)
