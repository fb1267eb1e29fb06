"""
JSON Schema as bodies and parameters are checked with: bounded regular expressions, formats, and what APIM adds.

A mistake is reported by its place and keyword, never by the value: values are the callers' and end in logs.

Source: JSON Schema 2020-12; OpenAPI 3.0.3 and 3.1, "Schema Object"; APIM policy reference, "validate-content".
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeAlias

import regex
from jsonschema import Draft202012Validator, _utils
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from gateway.openapi.formats import FORMATS
from gateway.wire.slices import rest, work_time
from gateway.wire.work import WorkExceeded

SchemaData: TypeAlias = "dict[str, Any] | bool"

# For all expressions that one value is judged by: the schema's own are trusted, the text they run on is not.
PATTERN_TIME_S = 1.0
# Processor time for one value, unless the caller has less: nested alternatives double with each level of the value.
CHECK_TIME_S = 2.0
_STEPS_A_LOOK = 64

# Where the subschemas of a keyword apply: to the same value, or to values inside it.
IN_PLACE_LISTS = frozenset({"allOf", "anyOf", "oneOf"})
IN_PLACE = frozenset({"if", "then", "else", "not"})
IN_PLACE_MAPS = frozenset({"dependentSchemas"})
INSIDE_LISTS = frozenset({"prefixItems"})
INSIDE = frozenset({"items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems"})
INSIDE_MAPS = frozenset({"properties", "patternProperties"})

# Where schemas wait to be referred to; ``components`` holds such a map.
_DEFINITION_MAPS = frozenset({"$defs", "definitions", "schemas"})
_MAPS = INSIDE_MAPS | IN_PLACE_MAPS | _DEFINITION_MAPS
_CLOSED_IN_PLACE = IN_PLACE_LISTS | IN_PLACE_MAPS | _DEFINITION_MAPS | {"then", "else", "components"}

# In a pattern: an escaped character, a class, or the end of the text.
_PATTERN_PART = regex.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", regex.DOTALL)


class Unjudged(Exception):
    """An expression takes too long on a value. No keyword catches this: below ``not``, no match would be a pass."""


class _Meter:
    """What judging one value may still take."""

    __slots__ = ("_deadline", "_steps", "pattern_deadline")

    def __init__(self, time_s: float) -> None:
        self.pattern_deadline = time.monotonic() + PATTERN_TIME_S
        self._deadline = work_time() + time_s
        self._steps = 0

    def tick(self, steps: int = 1) -> None:
        """Count *steps*; every so often look at the clock, and let the loop have its turn. Raises WorkExceeded."""
        self._steps += steps
        if self._steps >= _STEPS_A_LOOK:
            self._steps = 0
            if work_time() > self._deadline:
                raise WorkExceeded("the value takes too long to check against its schema")
            rest()


_meter: ContextVar[_Meter] = ContextVar("meter")


@cache  # patterns come from definitions, never from requests
def pattern(text: str) -> regex.Pattern[str]:
    """An ECMA 262 expression: ASCII classes, and ``$`` is the very end. Raises regex.error."""
    exact = _PATTERN_PART.sub(lambda part: r"\Z" if part[0] == "$" else part[0], text)
    return regex.compile(exact, regex.ASCII)


# -- keywords
def _pattern(validator: Any, text: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _matches(text, instance):
        yield ValidationError("pattern")


def _matches(text: str, instance: str) -> bool:
    left_s = _meter.get().pattern_deadline - time.monotonic()
    try:
        if left_s > 0:
            return pattern(text).search(instance, timeout=left_s) is not None
    except (TimeoutError, regex.error):
        pass
    raise Unjudged


class _BoundedSearch:
    """In place of ``re`` where jsonschema itself matches names (additionalProperties, unevaluatedProperties)."""

    search = staticmethod(_matches)


_utils.re = _BoundedSearch  # there is no other way in, and re has no time limit


def _pattern_properties(validator: Any, schemas: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for text, subschema in schemas.items():
        for name in [name for name in instance if _matches(text, name)]:
            yield from validator.descend(instance[name], subschema, path=name, schema_path=text)


def _multiple_of(validator: Any, factor: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """In decimals: 19.99 is a multiple of 0.01, whatever binary fractions make of it."""
    if not validator.is_type(instance, "number"):
        return
    try:
        fits = Decimal(str(instance)) % Decimal(str(factor)) == 0
    except InvalidOperation:
        fits = False  # the quotient has more digits than can be judged
    if not fits:
        yield ValidationError("multipleOf")


def _format(validator: Any, name: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    fits = FORMATS.get(name)
    if fits is not None and not fits(instance):
        yield ValidationError("format")


def _required(absent: str) -> Any:
    """``required`` without the properties that never come this way: readOnly in requests, writeOnly in responses."""

    def required(validator: Any, names: list[str], instance: Any, schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(instance, "object"):
            properties = schema.get("properties", {})
            missing = (name for name in names if name not in instance)
            if any(not _says(properties.get(name), absent) for name in missing):
                yield ValidationError("required")

    return required


def _says(schema: Any, mark: str) -> bool:
    return isinstance(schema, dict) and schema.get(mark) is True


def _not_closed(validator: Any, inner: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """``additionalProperties`` where the policy allows more: a schema still applies, ``false`` does not."""
    if inner is not False:
        yield from Draft202012Validator.VALIDATORS["additionalProperties"](validator, inner, instance, schema)


def _ignored(validator: Any, inner: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    yield from ()


def _unique_items(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """In linear time: equal items have equal texts, and a caller cannot choose a text's hash."""
    if not wanted or not validator.is_type(instance, "array"):
        return
    seen: set[str] = set()
    for item in instance:
        key = _canonical(item)
        if key in seen:
            yield ValidationError("uniqueItems")
            return
        seen.add(key)


def _canonical(value: Any) -> str:
    """The text that all values share which JSON Schema calls equal: 1 and 1.0 do, 1 and true do not."""
    _meter.get().tick()
    if isinstance(value, dict):
        members = sorted(f"{json.dumps(name)}:{_canonical(item)}" for name, item in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_canonical, value))}]"
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def _metered(keyword: Any) -> Any:
    """*keyword*, each use of which counts, for as many steps as its instance is large."""

    def judge(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        sized = isinstance(instance, list | dict | str)
        _meter.get().tick(1 + (len(instance) >> 6 if sized else 0))
        return keyword(validator, value, instance, schema)

    return judge


_BASE = {
    "uniqueItems": _unique_items,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "multipleOf": _multiple_of,
    "format": _format,
}
_OPEN = {"additionalProperties": _not_closed, "unevaluatedProperties": _ignored}


def validator_class(on_request: bool, additional: bool | None) -> Any:
    """
    The class of jsonschema's validators for one direction.

    *additional*: True lets objects have more properties than the schema allows. False needs a ``closed`` schema.
    """
    required = {"required": _required("readOnly" if on_request else "writeOnly")}
    keywords = {**Draft202012Validator.VALIDATORS, **_BASE, **required, **(_OPEN if additional else {})}
    return extend(Draft202012Validator, {name: _metered(keyword) for name, keyword in keywords.items()})


# -- closed schemas
def closed(schema: SchemaData) -> SchemaData:
    """*schema* without any property that it does not name, at every depth."""
    inner = closed_inside(schema)
    return {**inner, "unevaluatedProperties": False} if isinstance(inner, dict) else inner


def closed_inside(schema: SchemaData) -> SchemaData:
    """
    The same for the values inside only: where several schemas share a value, none of them sees the others' properties.
    """
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in ("additionalProperties", "unevaluatedProperties")}
    return {key: _closed_keyword(key, value) for key, value in kept.items()}


def _closed_keyword(key: str, value: Any) -> Any:
    if key in INSIDE | INSIDE_LISTS | INSIDE_MAPS:
        close = closed
    elif key in _CLOSED_IN_PLACE:
        close = closed_inside
    else:
        return value
    if isinstance(value, list):
        return [close(item) for item in value]
    return {name: close(inner) for name, inner in value.items()} if key in _MAPS else close(value)


# -- references
def check_references(schema: SchemaData) -> None:
    """Follow each ``$ref`` in *schema*, which may lead to other parts of it alone. Raises ValueError: one does not."""
    for reference in _references(schema):
        if not reference.startswith("#"):
            raise ValueError(f"$ref {reference[:80]!r} leads out of the schema, and nothing is fetched")
        try:
            Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver().lookup(reference)
        except (Unresolvable, ValueError, LookupError, TypeError):
            raise ValueError(f"$ref {reference[:80]!r} leads nowhere") from None


def _references(schema: Any) -> Iterator[str]:
    """Every ``$ref`` and ``$dynamicRef`` below *schema*."""
    if isinstance(schema, dict):
        yield from (schema[key] for key in ("$ref", "$dynamicRef") if isinstance(schema.get(key), str))
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for value in inner:
        yield from _references(value)


# -- a definition's schemas
_AS_WRITTEN = "urn:definition"
_CLOSED = "urn:definition:closed"


@dataclass(slots=True, weakref_slot=True)
class Schemas:
    """
    All schemas of one definition, by key; they refer to each other by ``#/$defs/KEY``. *text* is *data* as JSON.

    Nothing is ever fetched: the registry holds these and no way to get others.
    """

    data: dict[str, SchemaData] = field(default_factory=dict)
    text: bytes = b""
    validators: Mapping[tuple[bool, bool | None], Any] = field(default_factory=dict)

    def seal(self) -> None:
        """Once every schema is in: make the validators, and the text that another process makes them of."""
        self.text = json.dumps(self.data).encode()
        inside = {key: closed_inside(schema) for key, schema in self.data.items()}
        registry: Registry[Any] = Registry().with_resources(
            (name, DRAFT202012.create_resource({"$defs": schemas}))
            for name, schemas in ((_AS_WRITTEN, self.data), (_CLOSED, inside))
        )
        self.validators = {
            (on_request, additional): validator_class(on_request, additional)({}, registry=registry)
            for on_request in (True, False)
            for additional in (None, True, False)
        }


@dataclass(frozen=True, slots=True)
class Schema:
    """
    One schema of a definition.

    Attributes:
        name: As people know it: ``Order``.
    """

    key: str
    name: str
    among: Schemas = field(repr=False, compare=False)

    @property
    def data(self) -> SchemaData:
        """The schema itself."""
        return self.among.data[self.key]

    def mistake(
        self, value: object, on_request: bool, additional: bool | None = None, time_s: float = CHECK_TIME_S
    ) -> str:
        """
        What is wrong with *value*: the place and the keyword; empty when it fits.

        Args:
            additional: Overrides whether objects may have more properties.
            time_s: Processor time for the answer.

        Raises:
            RecursionError: The value is nested too deeply.
            WorkExceeded: There is no answer within *time_s*.
        """
        here = _CLOSED if additional is False else _AS_WRITTEN
        schema: dict[str, Any] = {"$ref": f"{here}#/$defs/{self.key}"}
        if additional is False:
            schema["unevaluatedProperties"] = False
        return first_mistake(self.among.validators[on_request, additional].descend(value, schema), time_s)


def first_mistake(errors: Iterator[ValidationError], time_s: float = CHECK_TIME_S) -> str:
    """
    The first of *errors* as ``place: keyword``; empty without any. Looking for more would cost time.

    Raises:
        WorkExceeded: There is no answer within *time_s* of processor time.
    """
    begun = _meter.set(_Meter(time_s))
    try:
        error = next(errors, None)
    except Unjudged:
        return "(root): pattern"
    finally:
        _meter.reset(begun)
    if error is None:
        return ""
    place = "/".join(map(str, error.absolute_path)) or "(root)"
    return f"{place[:120]}: {error.validator}"
