"""
What a JSON Schema allows at a path of keys: for keys of configurations, tests and documents in YAML.

Alternatives are joined: what one of them allows is offered.

Source: JSON Schema 2020-12, "Applicators".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.commands.lsp.yaml_cursor import ITEM

Schema: TypeAlias = dict[str, Any]

_JOINED = ("anyOf", "oneOf", "allOf")
MAX_ALTERNATIVES = 2_000


@dataclass(frozen=True, slots=True)
class SchemaFact:
    """A key or value that a schema allows, and what the schema says about it."""

    name: str
    description: str = ""
    required: bool = False


class SchemaWalk:
    """One schema, to be asked about paths."""

    def __init__(self, schema: Schema) -> None:
        self._root = schema
        self._definitions: Schema = schema.get("$defs", {})

    def at(self, path: Iterable[str]) -> list[Schema]:
        """Every schema that what is at *path* may fit, references resolved; empty where nothing may be."""
        schemas = self._spread([self._root])
        for step in path:
            schemas = self._spread(self._step(schemas, step))
        return schemas

    def _spread(self, schemas: Iterable[Any]) -> list[Schema]:
        known: dict[int, Schema] = {}
        waiting = [schema for schema in schemas if isinstance(schema, dict)]
        while waiting and len(known) < MAX_ALTERNATIVES:
            schema = waiting.pop()
            if id(schema) not in known:
                known[id(schema)] = schema
                waiting += self._inside(schema)
        return list(known.values())

    def _inside(self, schema: Schema) -> Iterator[Schema]:
        name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
        if name in self._definitions:
            yield self._definitions[name]
        for join in _JOINED:
            yield from (inner for inner in schema.get(join, ()) if isinstance(inner, dict))

    @staticmethod
    def _step(schemas: Iterable[Schema], step: str) -> Iterator[Any]:
        for schema in schemas:
            if step == ITEM:
                yield from (schema[key] for key in ("items",) if key in schema)
            elif step in schema.get("properties", ()):
                yield schema["properties"][step]
            else:
                yield from schema.get("patternProperties", {}).values()
                yield schema.get("additionalProperties")

    def keys(self, schemas: Iterable[Schema]) -> list[SchemaFact]:
        """The keys that a mapping may have which fits one of *schemas*."""
        schemas = list(schemas)
        allowed, known = _named(schemas), dict[str, SchemaFact]()
        for schema in schemas:
            for name, value in schema.get("properties", {}).items():
                described = SchemaFact(name, self._about(value), name in schema.get("required", ()))
                before = known.get(name, described)
                known[name] = before if before.description else described
        return [described for name, described in known.items() if allowed is None or name in allowed]

    def values(self, schemas: Iterable[Schema]) -> list[SchemaFact]:
        """The values that are listed in *schemas*; true and false for a boolean."""
        schemas = list(schemas)
        allowed = _named(schemas)
        values = dict.fromkeys(value for schema in schemas for value in _listed(schema))
        names = [name for name in values if allowed is None or name in allowed]
        return [SchemaFact(name, self._key_description(schemas, name)) for name in names]

    def description(self, path: tuple[str, ...]) -> str:
        """What the schema says about the key at the end of *path*."""
        for described in self.keys(self.at(path[:-1])) if path else ():
            if described.name == path[-1]:
                return described.description
        return ""

    def _key_description(self, schemas: Iterable[Schema], name: str) -> str:
        known = (schema["properties"][name] for schema in schemas if name in schema.get("properties", ()))
        return next((text for text in map(self._about, known) if text), "")

    def _about(self, schema: Schema) -> str:
        """Its description and default."""
        text = next((str(inner["description"]) for inner in self._nearest(schema) if "description" in inner), "")
        default = schema.get("default") if isinstance(schema, dict) else None
        shown = default not in (None, {}, [], "") and not isinstance(default, dict)
        return f"{text}\n\nDefault: `{_written(default)}`" if shown else text

    def _nearest(self, schema: Any) -> list[Schema]:
        """*schema* and what it refers to, without alternatives."""
        known: list[Schema] = []
        while isinstance(schema, dict) and len(known) < len(self._definitions) + 2:
            known.append(schema)
            name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
            several = [inner for join in _JOINED for inner in schema.get(join, ()) if inner.get("type") != "null"]
            schema = self._definitions.get(name) or (several[0] if len(several) == 1 else None)
        return known


def _named(schemas: Iterable[Schema]) -> set[str] | None:
    """The only names that a key may have, where a schema lists them."""
    lists = [set(schema["propertyNames"]["enum"]) for schema in schemas if "enum" in schema.get("propertyNames", {})]
    return set.intersection(*lists) if lists else None


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(schema: Schema) -> Iterator[str]:
    yield from map(_written, schema.get("enum", ()))
    if "const" in schema:
        yield _written(schema["const"])
    # A type that is one of several, without a pattern, is what YAML makes of a text that is not quoted.
    if schema.get("type") == "boolean" or ("boolean" in schema.get("type", ()) and "pattern" in schema):
        yield from ("true", "false")
