"""
Tokens ↔ .NET values: the casts of JToken, ``Value<T>``, ``ToObject<T>``, ``FromObject``, ``SerializeObject``.

Source: Newtonsoft.Json API reference, JToken explicit operators, Extensions.Value, JsonConvert.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable

from gateway.expressions import primitives as p
from gateway.expressions.change_type import change_type, convert_to
from gateway.expressions.clr import DYNAMIC, NULLABLE, OBJECT, Member, Type, declared, nullable, underlying
from gateway.expressions.conversions import declare_explicit, declare_implicit
from gateway.expressions.formatting.text import text
from gateway.expressions.json.tree import (
    BOOLEAN,
    BYTES,
    COMMENT,
    DATE,
    FLOAT,
    GUID,
    INTEGER,
    NULL_TYPE,
    RAW,
    SPAN,
    STRING,
    TYPE_NAMES,
    UNDEFINED,
    URI,
    JArray,
    JObject,
    JProperty,
    JToken,
    JValue,
)
from gateway.expressions.json.writer import moment_text
from gateway.expressions.limits import tick
from gateway.expressions.moments import DateTime, DateTimeOffset
from gateway.expressions.runtime import assignable, is_instance, iterate, type_of
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.types.dictionaries import Map, mapping_of
from gateway.expressions.values import Anonymous, Byte, EnumValue, Int16, Int64, SByte, UInt16, UInt32

_KIND_NAMES = {NULL_TYPE: "Null", UNDEFINED: "Undefined"}
# The types in which the JValue constructors keep numbers.
_WIDE = (int, SByte, Byte, Int16, UInt16, UInt32)


def plain(token: JToken) -> object:
    """The value of a leaf, or of a property whose value is a leaf."""
    if isinstance(token, JProperty):
        return plain(token.value)
    return token.value if isinstance(token, JValue) else token


def cast_token(token: object, target: Type) -> object:
    """``(T)token`` for a simple T."""
    inner = underlying(target)
    optional = target.definition is NULLABLE or not target.is_value
    if token is None:
        if optional:
            return None
        raise argument_null("value")
    leaf = token.value if isinstance(token, JProperty) else token
    if not isinstance(leaf, JValue):
        raise cannot(leaf, inner)
    return _cast_leaf(leaf, inner) if leaf.value is not None else _cast_null(leaf, inner, optional)


def _cast_null(leaf: JValue, target: Type, optional: bool) -> object:
    """A text that is null gives the default, as Convert does; JSON's null only what may be null."""
    if optional:
        return None
    if leaf.kind == STRING:
        return target.default
    raise cannot(leaf, target)


# Which kinds of leaves each operator takes. Source: Newtonsoft.Json, JToken's explicit conversions.
_TEXTS = frozenset({STRING, COMMENT, RAW})
_NUMBERS = _TEXTS | {INTEGER, FLOAT, BOOLEAN}
_CASTS = {"DateTime": _TEXTS | {DATE}, "DateTimeOffset": _TEXTS | {DATE}, "TimeSpan": _TEXTS | {SPAN},
          "Guid": _TEXTS | {GUID, BYTES}, "Uri": _TEXTS | {URI}, "char": _NUMBERS - {BOOLEAN},
          "byte[]": _TEXTS | {BYTES, INTEGER}}  # fmt: skip


def _cast_leaf(leaf: JValue, target: Type) -> object:
    if target is not p.STRING and leaf.kind not in _CASTS.get(target.name, _NUMBERS):
        raise cannot(leaf, target)
    if target is p.STRING:
        if isinstance(leaf.value, bytes | bytearray):
            return base64.b64encode(leaf.value).decode()
        if not _simple(leaf.value):
            raise cannot(leaf, target)
    if target.name == "byte[]" and isinstance(leaf.value, str):
        return base64_bytes(leaf.value)
    return change_type(leaf.value, target)


def base64_bytes(shown: str) -> bytearray:
    """``Convert.FromBase64String``."""
    try:
        return bytearray(base64.b64decode(re.sub(r"\s", "", shown), validate=True))
    except ValueError:
        raise thrown("FormatException", "The input is not a valid Base-64 string.") from None


def _simple(value: object) -> bool:
    return isinstance(value, str | int | float | EnumValue | uuid.UUID) or type_of(value).is_value


def cannot(token: object, target: Type) -> Thrown:
    """The exception of a cast to a type that this kind of token cannot become."""
    kind = TYPE_NAMES[token.kind] if isinstance(token, JToken) else "Object"
    return thrown("ArgumentException", f"Can not convert {kind} to {target.definition.name}.")


def make_value(value: object) -> JToken:
    """The implicit conversion to JToken: whole numbers become Int64."""
    return JValue(Int64(value) if value.__class__ in _WIDE else value)


def _text_value(value: object) -> JToken:
    """A text, which remains one where it is null."""
    return JValue(value, STRING)


def _char_value(value: object) -> JToken:
    """There is no conversion from char, but it widens to a number that has one."""
    return JValue(Int64(ord(str(value))))


_MAKERS = {p.STRING: _text_value, p.CHAR: _char_value}


def declare_casts(token: Type, targets: list[Type]) -> None:
    """The operators between JToken and the simple types."""
    for simple in targets:
        for clr_type in (simple, nullable(simple)):
            declare_implicit(clr_type, token, _MAKERS.get(clr_type, make_value))
            declare_explicit(token, clr_type, _caster(clr_type))


def _caster(target: Type) -> Callable[[object], object]:
    return lambda token: cast_token(token, target)


def convert_token(token: JToken | None, target: Type) -> object:
    """``Value<T>``: null becomes the default, a leaf is converted to T, a container must already be a T."""
    if token is None:
        return _default(target)
    if target in (OBJECT, DYNAMIC) or is_instance(token, target):
        return token
    leaf = token.value if isinstance(token, JProperty) else token
    if not isinstance(leaf, JValue):
        message = f"Cannot cast {type_of(leaf).full_name} to Newtonsoft.Json.Linq.JToken."
        raise thrown("InvalidCastException", message)
    if leaf.value is not None:
        return convert_to(leaf.value, underlying(target))
    if target.is_value:
        raise thrown("InvalidCastException", "Null object cannot be converted to a value type.")
    return None


def _default(target: Type) -> object:
    return target.default


# Full names of the token types; filled by the part that declares them.
TOKENS: set[str] = set()
# .NET class → the token into which the serializer turns it; filled by the types that JSON knows (Uri, Jwt …).
SERIALIZERS: dict[type, Callable[..., JToken]] = {}


def from_object(value: object) -> JToken:
    """``JToken.FromObject`` and what ``SerializeObject`` writes: properties of anonymous objects, entries, items."""
    tick()
    if isinstance(value, JToken):
        return value.clone() if value.parent is not None else value
    own = SERIALIZERS.get(value.__class__)
    if own is not None:
        return own(value)
    if isinstance(value, Anonymous):
        return _object({name: item for name, item in value.fields.items()})
    if isinstance(value, dict | Map):
        return _object({_key(key): item for key, item in mapping_of(value).pairs()})
    return _from_value(value)


def _key(key: object) -> str:
    """The name of a dictionary's entry."""
    return moment_text(key) if isinstance(key, DateTime | DateTimeOffset) else text(key)


def _object(entries: dict[str, object]) -> JObject:
    result = JObject()
    for name, item in entries.items():
        result.put(name, from_object(item))
    return result


def _from_value(value: object) -> JToken:
    if isinstance(value, str | bytes | bytearray) or not assignable(type_of(value), p.ENUMERABLE):
        return _value_token(value)
    return JArray([from_object(item) for item in iterate(value)])


def _value_token(value: object) -> JToken:
    try:
        return JValue(value.value if isinstance(value, EnumValue) else value)
    except Thrown:
        return _object(_readable(value))


def _readable(value: object) -> dict[str, object]:
    """The properties of an allowed type that a serializer would write."""
    tables = (declared(ancestor.definition) for ancestor in type_of(value).ancestors)
    readable: dict[str, Member] = {}
    for member in (members[0] for table in tables for members in table.values()):
        if member.kind == "property" and not member.static:
            readable.setdefault(member.name, member)
    return {name: member.call(value) for name, member in readable.items()}
