"""
Schema objects of a definition → JSON Schema 2020-12, whichever dialect they are written in.

Every keyword is read by its own rule, so a value of the wrong kind, an expression that does not compile and an
unknown keyword are mistakes with a place. References become keys into one set of schemas; a schema may contain
itself, but not be itself.

Source: OpenAPI 3.0.3 and 3.1, "Schema Object"; JSON Schema 2020-12 core §10 and validation §6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, TypeAlias, cast

import regex

from gateway.errors import LoadError, Problem
from gateway.expressions.repetitions import MAX_REPETITIONS, repeats_too_much
from gateway.openapi.documents import REF, Documents, has_siblings, reference
from gateway.openapi.json_schema import (
    IN_PLACE,
    IN_PLACE_LISTS,
    IN_PLACE_MAPS,
    INSIDE,
    INSIDE_LISTS,
    INSIDE_MAPS,
    Schema,
    SchemaData,
    Schemas,
    pattern,
)
from gateway.openapi.mistakes import Mistakes
from gateway.openapi.plain import count, flag, items, mapping, number, plain, remark, text, texts
from gateway.reading.yaml_nodes import Scalar, Sequence, YamlNode

# Schemas that one value may be led through: in a row, and in all.
MAX_CHAIN = 50
MAX_APPLIED = 10_000

TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})

_EXCLUSIVE = {"exclusiveMaximum": "maximum", "exclusiveMinimum": "minimum"}
_SUBSCHEMAS = INSIDE | IN_PLACE | {"unevaluatedProperties"}
_SUBSCHEMA_LISTS = INSIDE_LISTS | IN_PLACE_LISTS
_SUBSCHEMA_MAPS = INSIDE_MAPS | IN_PLACE_MAPS

# They are for readers and tools, or wait to be referred to; they do not constrain a value.
_REMARKS = frozenset(
    """
    $comment $defs contentEncoding contentMediaType contentSchema definitions deprecated description
    discriminator externalDocs title xml
    """.split()
)

_DIALECTS = ("https://json-schema.org/draft/2020-12/schema", "https://spec.openapis.org/oas/3.1/dialect/base")

# What people write instead, where it is not what they may think.
_REMEDIES = {"nullable": "in OpenAPI 3.1, write type: [string, 'null']"}

Rule: TypeAlias = Callable[[YamlNode], Any]


class SchemaReader:
    """
    Reads the schemas of one definition.

    Args:
        modern: OpenAPI 3.1, where a schema is JSON Schema itself. In 3.0 and 2.0 nothing beside ``$ref`` counts.
        described: Descriptions are kept.
    """

    def __init__(self, documents: Documents, modern: bool, mistakes: Mistakes, described: bool = False) -> None:
        self.schemas = Schemas()
        self._documents = documents
        self._modern = modern
        self._rules: dict[str, Rule] = _RULES if modern else _RULES | _OLD_RULES
        self._applicators: dict[str, Rule] = {
            **dict.fromkeys(_SUBSCHEMAS, self._data),
            **dict.fromkeys(_SUBSCHEMA_LISTS, self._schema_list),
            **dict.fromkeys(_SUBSCHEMA_MAPS, self._schema_map),
            "patternProperties": self._schemas_by_pattern,
            REF: self._reference,
        }
        self._mistakes = mistakes
        self._remarks = _REMARKS - {"description"} if described else _REMARKS
        self._keys: dict[int, str] = {}
        self._waiting: list[tuple[str, YamlNode]] = []
        self._nodes: dict[str, YamlNode] = {}  # kept: the id of a freed node could be reused by another

    def schema(self, node: YamlNode, name: str) -> Schema:
        """
        The schema in *node* with all that it refers to, called *name* unless a reference names it.

        Raises LoadError: it refers to nothing. Mistakes inside it become problems. It can judge after ``finish``.
        """
        ref = reference(node)
        if ref is not None:
            name = ref.value.rpartition("/")[2] or name
        schema = Schema(self._key(node), name, self.schemas)
        while self._waiting:
            key, waiting = self._waiting.pop()
            self.schemas.data[key] = True
            with self._mistakes.gathering():
                self.schemas.data[key] = self._data(waiting)
        return schema

    def finish(self) -> None:
        """Once every schema is read: look for those that are themselves, and make the validators."""
        self._mistakes += self._endless()
        self.schemas.seal()

    # -- references
    def _key(self, node: YamlNode) -> str:
        """The key of the schema in *node*; one that only refers to another shares its key. Raises LoadError."""
        target = self._documents.resolve(node, siblings=self._modern)
        if id(target) not in self._keys:
            key = self._keys[id(target)] = str(len(self._keys))
            self._nodes[key] = target
            self._waiting.append((key, target))
        return self._keys[id(target)]

    def _data(self, node: YamlNode) -> SchemaData:
        """The schema in *node*, a reference replaced by its key."""
        if isinstance(node, Scalar) and node.value in ("true", "false"):
            return flag(node)
        ref = reference(node)
        if ref is not None and not (self._modern and has_siblings(node)):
            return {REF: f"#/$defs/{self._key(node)}"}
        data: dict[str, Any] = {}
        for name, value in mapping(node).entries:
            with self._mistakes.gathering():
                data.update(self._keyword(name, value))
        return _without_empty_type(data if self._modern else _without_dialect(data))

    def _keyword(self, name: Scalar, value: YamlNode) -> dict[str, Any]:
        """What one keyword becomes; nothing for a remark. Raises LoadError."""
        key = name.value
        if key == "$schema":
            check_dialect(value)
            return {}
        if key in self._remarks or key.startswith("x-"):
            return {}
        read = self._applicators.get(key) or self._rules.get(key)
        if read is None:
            remedy = _REMEDIES.get(key, "remove it, or call it x-… if it is a remark")
            raise LoadError.at(name.location, "unknown-keyword", f"no schema has the keyword {key!r}", remedy)
        return {key: read(value)}

    def _reference(self, node: YamlNode) -> str:
        return f"#/$defs/{self._key(self._documents.follow(self._text(node)))}"

    def _schema_list(self, node: YamlNode) -> list[SchemaData]:
        return [self._data(item) for item in items(node)]

    def _schema_map(self, node: YamlNode) -> dict[str, SchemaData]:
        return {name.value: self._data(inner) for name, inner in mapping(node).entries}

    def _schemas_by_pattern(self, node: YamlNode) -> dict[str, SchemaData]:
        for name, _ in mapping(node).entries:
            _expression(name)
        return self._schema_map(node)

    @staticmethod
    def _text(node: YamlNode) -> Scalar:
        text(node)
        return cast("Scalar", node)

    def _endless(self) -> Iterator[Problem]:
        """Schemas that apply themselves, or too many others, to the same value: no value could be judged by them."""
        counted = _counted({key: list(_applied(data)) for key, data in self.schemas.data.items()})
        odd = [self._nodes[key].location for key in self.schemas.data if counted.get(key, MAX_APPLIED) >= MAX_APPLIED]
        if odd:
            message = "this schema applies itself to the same value, or too many others"
            yield Problem(min(odd), "circular-schema", message, "put a property or items between")


def _counted(applied: dict[str, list[str]]) -> dict[str, int]:
    """
    How many schemas each one applies to the same value, itself included; those of a circle are not in it.

    Round by round those are counted that only lead to counted ones.
    """
    counted: dict[str, int] = {}
    for _ in range(MAX_CHAIN):
        ready = [key for key in applied.keys() - counted.keys() if counted.keys() >= set(applied[key])]
        counted |= {key: 1 + sum(counted[target] for target in applied[key]) for key in ready}
    return counted


def check_dialect(node: YamlNode) -> None:
    """Raises LoadError: *node* names a dialect other than JSON Schema 2020-12."""
    if text(node).rstrip("#") not in _DIALECTS:
        message = f"schemas in the dialect {text(node)} cannot be read"
        raise LoadError.at(node.location, "unknown-dialect", message, f"write {_DIALECTS[0]}, or leave it out")


def _applied(data: SchemaData) -> Iterator[str]:
    """Keys of the schemas that *data* applies to the same value."""
    if not isinstance(data, dict):
        return
    if REF in data:
        yield data[REF].rpartition("/")[2]
    for keyword in IN_PLACE & data.keys():
        yield from _applied(data[keyword])
    for keyword in (IN_PLACE_LISTS | IN_PLACE_MAPS) & data.keys():
        inner = data[keyword]
        yield from chain.from_iterable(map(_applied, inner.values() if isinstance(inner, dict) else inner))


def _without_dialect(data: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0's own keywords in JSON Schema's terms: ``nullable``, and exclusive bounds that are flags."""
    for exclusive, bound in _EXCLUSIVE.items():
        if isinstance(data.get(exclusive), bool) and data.pop(exclusive) and bound in data:
            data[exclusive] = data.pop(bound)
    if data.pop("nullable", False) and isinstance(data.get("type"), str):
        data["type"] = [data["type"], "null"]
    return data


def _without_empty_type(data: dict[str, Any]) -> dict[str, Any]:
    """APIM exports parameters whose type was never given with an empty one: any value is meant."""
    if data.get("type") == "":
        del data["type"]
    return data


# -- rules: one keyword's value each; they raise LoadError
def _type(node: YamlNode) -> str | list[str]:
    names = texts(node) if isinstance(node, Sequence) else [text(node)]
    if not set(names) <= TYPES and names != [""]:
        message = f"no type is called {min(set(names) - TYPES)!r}"
        raise LoadError.at(node.location, "unknown-type", message, f"known: {', '.join(sorted(TYPES))}")
    return names if isinstance(node, Sequence) else names[0]


def _expression(node: YamlNode) -> str:
    if repeats_too_much(text(node)):
        message = f"the pattern expands to more than {MAX_REPETITIONS:,} characters"
        raise LoadError.at(node.location, "bad-pattern", message, "repeat less, or use maxLength")
    try:
        pattern(text(node))
    except regex.error as error:
        message = f"the pattern cannot be read: {error.msg}"
        raise LoadError.at(node.location, "bad-pattern", message, "write an ECMA 262 expression") from None
    return text(node)


def _bound(node: YamlNode) -> Any:
    """A number; in OpenAPI 3.0 a flag beside one."""
    return plain(node) if isinstance(plain(node), bool) else number(node)


def _list(node: YamlNode) -> list[Any]:
    return [plain(item) for item in items(node)]


def _factor(node: YamlNode) -> int | float:
    factor = number(node)
    if factor <= 0:
        raise LoadError.at(node.location, "bad-value", "a number above 0 belongs here")
    return factor


def _text_lists(node: YamlNode) -> dict[str, list[str]]:
    return {name.value: texts(value) for name, value in mapping(node).entries}


_RULES: dict[str, Rule] = {
    "type": _type,
    "description": remark,
    "format": text,
    "pattern": _expression,
    "multipleOf": _factor,
    "maximum": number,
    "minimum": number,
    "exclusiveMaximum": number,
    "exclusiveMinimum": number,
    "required": texts,
    "dependentRequired": _text_lists,
    "enum": _list,
    "const": plain,
    "default": plain,
    "example": plain,
    "examples": plain,
    **dict.fromkeys(
        "maxLength minLength maxItems minItems maxProperties minProperties maxContains minContains".split(), count
    ),
    **dict.fromkeys("uniqueItems readOnly writeOnly".split(), flag),
}
_OLD_RULES: dict[str, Rule] = {"nullable": flag, **dict.fromkeys(_EXCLUSIVE, _bound)}
