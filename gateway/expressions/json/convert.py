"""
Tokens ↔ .NET values: the casts of JToken, ``Value<T>``, ``ToObject<T>``, ``FromObject``, ``SerializeObject``.

Source: Newtonsoft.Json API reference, JToken explicit operators, Extensions.Value, JsonConvert.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable

from gateway.expressions import primitives as p
from gateway.expressions.change_type import change_type
from gateway.expressions.clr import ARRAY, DYNAMIC, NULLABLE, OBJECT, Member, Type, declared, nullable, underlying
from gateway.expressions.conversions import declare_explicit, declare_implicit
from gateway.expressions.json.tree import (
    NULL_TYPE,
    TYPE_NAMES,
    UNDEFINED,
    JArray,
    JObject,
    JProperty,
    JToken,
    JValue,
)
from gateway.expressions.limits import tick
from gateway.expressions.runtime import assignable, is_instance, iterate, type_of
from gateway.expressions.thrown import Thrown, argument_null, invalid_cast, thrown
from gateway.expressions.types.dictionaries import Dictionary, Map, mapping_of
from gateway.expressions.types.lists import ListValue, SetValue, to_array
from gateway.expressions.types.objects import parse_enum
from gateway.expressions.values import Anonymous, Byte, EnumValue, Int16, Int64, SByte, UInt16, UInt32

_KIND_NAMES = {NULL_TYPE: "Null", UNDEFINED: "Undefined"}
# What the JValue constructors for numbers keep.
_WIDE = (int, SByte, Byte, Int16, UInt16, UInt32)


def plain(token: JToken) -> object:
    """The value of a leaf; a property's is its value's."""
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
    if not isinstance(leaf, JValue) or (leaf.value is None and not optional):
        raise _cannot(leaf, inner)
    return _cast_leaf(leaf, inner)


def _cast_leaf(leaf: JValue, target: Type) -> object:
    if leaf.value is None:
        return None
    if target is p.STRING:
        if isinstance(leaf.value, bytes | bytearray):
            return base64.b64encode(leaf.value).decode()
        if not _simple(leaf.value):
            raise _cannot(leaf, target)
    return change_type(leaf.value, target)


def _simple(value: object) -> bool:
    return isinstance(value, str | int | float | EnumValue | uuid.UUID) or type_of(value).is_value


def _cannot(token: object, target: Type) -> Thrown:
    kind = TYPE_NAMES[token.kind] if isinstance(token, JToken) else "Object"
    return thrown("ArgumentException", f"Can not convert {kind} to {target.definition.name}.")


def make_value(value: object) -> JToken:
    """The implicit conversion to JToken: whole numbers become Int64."""
    return JValue(Int64(value) if value.__class__ in _WIDE else value)


def declare_casts(token: Type, targets: list[Type]) -> None:
    """The operators between JToken and the simple types."""
    for made in targets:
        for each in (made, nullable(made)):
            declare_implicit(each, token, make_value)
            declare_explicit(token, each, _caster(each))


def _caster(target: Type) -> Callable[[object], object]:
    return lambda token: cast_token(token, target)


def convert_token(token: JToken | None, target: Type) -> object:
    """``Value<T>``: null gives the default, a leaf is changed to T, a container must be a T already."""
    if token is None:
        return _default(target)
    if target in (OBJECT, DYNAMIC) or is_instance(token, target):
        return token
    leaf = token.value if isinstance(token, JProperty) else token
    if not isinstance(leaf, JValue):
        raise invalid_cast(type_of(leaf).full_name, target.full_name)
    return _default(target) if leaf.value is None else change_type(leaf.value, underlying(target))


def _default(target: Type) -> object:
    return target.default


def to_object(token: JToken | None, target: Type) -> object:
    """``ToObject<T>``."""
    tick()
    if target is OBJECT:
        return token.value if isinstance(token, JValue) else token
    if token is None or is_instance(token, target):
        return token
    builder = _CONTAINERS.get(target.definition.full_name)
    return _leaf(token, target) if builder is None or isinstance(token, JValue) else builder(token, target)


def _check_null(target: Type) -> None:
    if target.is_value:
        raise _json_error(f"Error converting value {{null}} to type '{target.full_name}'. Path ''.")


def _leaf(token: JToken, target: Type) -> object:
    if not isinstance(token, JValue):
        raise _json_error(f"Cannot deserialize the current JSON into type '{target.full_name}'.")
    if token.value is None:
        _check_null(target)
        return None
    inner = underlying(target)
    if inner.kind == "enum" and isinstance(token.value, str):
        return parse_enum(inner, token.value, ignore_case=True)
    if target.definition is ARRAY and target.args[0] is p.BYTE and isinstance(token.value, str):
        return bytearray(base64.b64decode(token.value))
    return change_type(token.value, inner)


def _json_error(message: str) -> Thrown:
    return thrown("JsonSerializationException", message)


def _items(token: JToken, element: Type) -> list[object]:
    if not isinstance(token, JArray):
        raise _json_error("Cannot deserialize the current JSON object into a list; a JSON array is needed.")
    return [to_object(item, element) for item in token.items]


def _to_list(token: JToken, target: Type) -> object:
    return ListValue(_items(token, target.args[0]), target.args[0])


def _to_array(token: JToken, target: Type) -> object:
    return to_array(_items(token, target.args[0]), target.args[0]) if target.args else _to_list(token, target)


def _to_set(token: JToken, target: Type) -> object:
    made = SetValue(target.args[0])
    for item in _items(token, target.args[0]):
        made.add(item)
    return made


def _to_dictionary(token: JToken, target: Type) -> object:
    if not isinstance(token, JObject):
        raise _json_error("Cannot deserialize the current JSON array into a dictionary; a JSON object is needed.")
    made = Dictionary(target.args)
    for name, each in token.properties.items():
        made.store(change_type(name, target.args[0]), to_object(each.value, target.args[1]))
    return made


_G = "System.Collections.Generic"
_CONTAINERS: dict[str, Callable[[JToken, Type], object]] = {
    "System.Array": _to_array,
    **dict.fromkeys(
        (
            f"{_G}.{name}"
            for name in ("List", "IList", "ICollection", "IEnumerable", "IReadOnlyList", "IReadOnlyCollection")
        ),
        _to_list,
    ),
    f"{_G}.HashSet": _to_set,
    **dict.fromkeys((f"{_G}.{name}" for name in ("Dictionary", "IDictionary", "IReadOnlyDictionary")), _to_dictionary),
}


# .NET class → the token that the serializer makes of it; filled by the types that JSON knows (Uri, Jwt …).
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
        from gateway.expressions.formatting.text import text

        return _object({text(key): item for key, item in mapping_of(value).pairs()})
    return _from_value(value)


def _object(entries: dict[str, object]) -> JObject:
    made = JObject()
    for name, item in entries.items():
        made.put(name, from_object(item))
    return made


def _from_value(value: object) -> JToken:
    if isinstance(value, str | bytes | bytearray) or not assignable(type_of(value), p.ENUMERABLE):
        return _value_token(value)
    return JArray([from_object(item) for item in iterate(value)])


def _value_token(value: object) -> JToken:
    try:
        return JValue(value.value if isinstance(value, EnumValue) else value)
    except Thrown:
        members = _readable(value)
        if not members:
            raise
        return _object(members)


def _readable(value: object) -> dict[str, object]:
    """The properties of an allowed type: what a serializer would show."""
    tables = (declared(ancestor.definition) for ancestor in type_of(value).ancestors)
    readable: dict[str, Member] = {}
    for member in (members[0] for table in tables for members in table.values()):
        if member.kind == "property" and not member.static:
            readable.setdefault(member.name, member)
    return {name: member.call(value) for name, member in readable.items()}
