"""JsonConvert and its settings."""

from __future__ import annotations

from gateway.expressions.clr import DYNAMIC, Type
from gateway.expressions.json.convert import SERIALIZERS, from_object
from gateway.expressions.json.deserialize import deserialize
from gateway.expressions.json.editing import remove
from gateway.expressions.json.tree import (
    JProperty,
    JToken,
    JValue,
    descendants,
)
from gateway.expressions.json.writer import leaf, quote, write
from gateway.expressions.limits import noted
from gateway.expressions.runtime import type_of
from gateway.expressions.signatures import define
from gateway.expressions.thrown import thrown
from gateway.expressions.types.dictionaries import Dictionary
from gateway.expressions.types.lists import ListValue
from gateway.expressions.values import EnumValue
from gateway.expressions.xml.as_json import NODE_CHARACTERS, from_json, to_json
from gateway.expressions.xml.tree import XAttribute, XDocument, XElement, XObject


def _serialize(value: object, formatting: EnumValue | None = None, settings: dict[str, object] | None = None) -> str:
    if isinstance(formatting, dict):
        formatting, settings = None, formatting
    token = from_object(value)
    if settings and settings.get("NullValueHandling") == 1:
        _drop_nulls(token)
    indented = formatting is not None and formatting.value == 1
    return write(token, indented or bool(settings and settings.get("Formatting") == 1))


def _drop_nulls(token: JToken) -> None:
    for inner in list(descendants(token)):
        if isinstance(inner, JProperty) and isinstance(inner.value, JValue) and inner.value.value is None:
            remove(inner)


def _deserialize(types: tuple[Type, ...], text: str | None, *_settings: object) -> object:
    return deserialize(text, types[0])


def _anonymous(types: tuple[Type, ...], text: str | None, _example: object, *_settings: object) -> object:
    return deserialize(text, types[0])


def _populate(text: str | None, target: object) -> None:
    source = deserialize(text, type_of(target))
    for key, item in source.pairs() if isinstance(source, Dictionary) else ():
        target.store(key, item)  # type: ignore[attr-defined]
    for item in source if isinstance(source, ListValue) else ():
        target.append(item)  # type: ignore[attr-defined]


def _serialize_node(node: XObject, formatting: EnumValue | None = None, omit_root: bool = False) -> str:
    token = JValue(None) if node is None else to_json(node, omit_root)
    text = write(token, bool(formatting and formatting.value))
    noted(token, len(text) // NODE_CHARACTERS)
    return text


def _quoted(value: str | None, delimiter: str) -> str:
    """A text between other marks than the usual ones."""
    if delimiter not in "\"'":
        message = "Delimiter must be a single or double quote. (Parameter 'delimiter')"
        raise thrown("ArgumentException", message, "delimiter")
    inner = quote(value or "")[1:-1]
    if delimiter != '"':
        inner = inner.replace('\\"', '"').replace(delimiter, f"\\{delimiter}")
    return f"{delimiter}{inner}{delimiter}"


define("Newtonsoft.Json.JsonConvert", {
    "static string SerializeXNode(XObject node)": _serialize_node,
    "static string SerializeXNode(XObject node, Formatting formatting)": _serialize_node,
    "static string SerializeXNode(XObject node, Formatting formatting, bool omitRootObject)": _serialize_node,
    "static XDocument DeserializeXNode(string value)": from_json,
    "static XDocument DeserializeXNode(string value, string deserializeRootElementName)": from_json,
    "static XDocument DeserializeXNode(string value, string deserializeRootElementName, bool writeArrayAttribute)":
        from_json,
    "static XDocument DeserializeXNode(string value, string deserializeRootElementName, bool writeArrayAttribute, "
    "bool encodeSpecialCharacters)": from_json,
    "static string SerializeObject(object value)": _serialize,
    "static string SerializeObject(object value, Formatting formatting)": _serialize,
    "static string SerializeObject(object value, JsonSerializerSettings settings)": _serialize,
    "static string SerializeObject(object value, Formatting formatting, JsonSerializerSettings settings)": _serialize,
    "static generic T DeserializeObject<T>(string value)": _deserialize,
    "static generic T DeserializeObject<T>(string value, JsonSerializerSettings settings)": _deserialize,
    "static dynamic DeserializeObject(string value)": lambda text, *_settings: deserialize(text, DYNAMIC),
    "static object DeserializeObject(string value, Type type)": lambda text, target: deserialize(text, target.type),
    "static dynamic DeserializeObject(string value, JsonSerializerSettings settings)":
        lambda text, _settings: deserialize(text, DYNAMIC),
    "static generic T DeserializeAnonymousType<T>(string value, T anonymousTypeObject)": _anonymous,
    "static void PopulateObject(string value, object target)": _populate,
    "const string Undefined": "undefined",
    "const string PositiveInfinity": "Infinity",
    "const string NegativeInfinity": "-Infinity",
    "const string NaN": "NaN",
    "static string ToString(object value)": leaf,
    "static string ToString(Enum value)": leaf,
    "static string ToString(Uri value)": leaf,
    "static string ToString(string value)": lambda value: quote(value or ""),
    "static string ToString(string value, char delimiter)": _quoted,
    "static string SerializeObject(object value, Type type, JsonSerializerSettings settings)":
        lambda value, _type, settings: _serialize(value, settings),
    "static generic T DeserializeAnonymousType<T>(string value, T anonymousTypeObject, "
    "JsonSerializerSettings settings)": _anonymous,
    "static object DeserializeObject(string value, Type type, JsonSerializerSettings settings)":
        lambda text, target, _settings: deserialize(text, target.type),
    "const string True": "true",
    "const string False": "false",
    "const string Null": "null",
}, kind="static", price="own")  # fmt: skip
for _class in (XElement, XDocument, XAttribute):
    SERIALIZERS[_class] = to_json
