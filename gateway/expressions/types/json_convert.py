"""JsonConvert and its settings."""

from __future__ import annotations

from gateway.expressions.clr import DYNAMIC, Type
from gateway.expressions.json.convert import (
    from_object,
    to_object,
)
from gateway.expressions.json.editing import remove
from gateway.expressions.json.reader import parse
from gateway.expressions.json.tree import (
    JProperty,
    JToken,
    JValue,
    descendants,
)
from gateway.expressions.json.writer import leaf, quote, write
from gateway.expressions.signatures import define
from gateway.expressions.types.json import FORMATTING
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue

NULL_HANDLING = enumeration("Newtonsoft.Json.NullValueHandling", Include=0, Ignore=1)


def _serialize(value: object, formatting: EnumValue | None = None, settings: dict[str, object] | None = None) -> str:
    if isinstance(formatting, dict):
        formatting, settings = None, formatting
    token = from_object(value)
    if settings and settings.get("NullValueHandling") == 1:
        _drop_nulls(token)
    indented = formatting is not None and formatting.value == 1
    return write(token, indented or bool(settings and settings.get("Formatting") == 1))


def _drop_nulls(token: JToken) -> None:
    for each in list(descendants(token)):
        if isinstance(each, JProperty) and isinstance(each.value, JValue) and each.value.value is None:
            remove(each)


def _deserialize(types: tuple[Type, ...], text: str | None, *_settings: object) -> object:
    made = parse(text)
    target = types[0] if types else DYNAMIC
    return to_object(made, target)


def _setting(name: str, kind: Type) -> tuple[object, object]:
    return (
        lambda settings: EnumValue(kind, settings.get(name, 0)),
        lambda settings, value: settings.__setitem__(name, value.value),
    )


define("Newtonsoft.Json.JsonSerializerSettings", {
    "new()": dict,
    "Formatting Formatting": _setting("Formatting", FORMATTING),
    "NullValueHandling NullValueHandling": _setting("NullValueHandling", NULL_HANDLING),
}, price="own")  # fmt: skip
define("Newtonsoft.Json.JsonConvert", {
    "static string SerializeObject(object value)": _serialize,
    "static string SerializeObject(object value, Formatting formatting)": _serialize,
    "static string SerializeObject(object value, JsonSerializerSettings settings)": _serialize,
    "static string SerializeObject(object value, Formatting formatting, JsonSerializerSettings settings)": _serialize,
    "static generic T DeserializeObject<T>(string value)": _deserialize,
    "static generic T DeserializeObject<T>(string value, JsonSerializerSettings settings)": _deserialize,
    "static dynamic DeserializeObject(string value)": lambda text: _deserialize((DYNAMIC,), text),
    "static object DeserializeObject(string value, Type type)": lambda text, made: to_object(parse(text), made.type),
    "static string ToString(object value)": leaf,
    "static string ToString(string value)": quote,
    "const string True": "true",
    "const string False": "false",
    "const string Null": "null",
}, kind="static", price="own")  # fmt: skip
