"""
JSON → .NET values: ``JsonConvert.DeserializeObject<T>`` from text, ``JToken.ToObject<T>`` from tokens.

The two differ: text keeps a number's digits and a date's spelling for a T that wants them, and refuses there what a
token of the same content converts.

Source: Newtonsoft.Json, JsonSerializerInternalReader, JsonTextReader.ReadAs…, JTokenReader.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.expressions import primitives as p
from gateway.expressions.change_type import change_type
from gateway.expressions.clr import DYNAMIC, NULLABLE, OBJECT, Type, underlying
from gateway.expressions.formatting.dateparse import ROUNDTRIP, parse_date
from gateway.expressions.formatting.text import text as to_text
from gateway.expressions.json.convert import TOKENS, base64_bytes, cannot, cast_token
from gateway.expressions.json.dates import read_moment
from gateway.expressions.json.reader import parse_raw
from gateway.expressions.json.text_reader import RawFloat
from gateway.expressions.json.tree import JArray, JObject, JToken, JValue, path, scalar
from gateway.expressions.limits import tick
from gateway.expressions.runtime import is_instance, type_of
from gateway.expressions.thrown import Thrown, argument_null, invalid_cast, thrown
from gateway.expressions.types.dictionaries import Dictionary, Pair
from gateway.expressions.types.lists import ListValue, SetValue, to_array
from gateway.expressions.types.objects import parse_enum
from gateway.expressions.values import Anonymous, EnumValue, TupleValue

_G = "System.Collections.Generic"
_LISTS = {f"{_G}.{name}" for name in
          ("List", "IList", "ICollection", "IEnumerable", "IReadOnlyList", "IReadOnlyCollection")}  # fmt: skip
_MAPS = {f"{_G}.{name}" for name in ("Dictionary", "IDictionary", "IReadOnlyDictionary")}
_INT32 = (p.INT, p.SHORT, p.BYTE)
_MOMENTS = ("System.DateTime", "System.DateTimeOffset")


def deserialize(text: str | None, target: Type) -> object:
    """``JsonConvert.DeserializeObject<T>(text)``."""
    if text is None:
        raise argument_null("value")
    if not text.strip():
        if target.is_value:
            message = f"No JSON content found and type '{target.full_name}' is not nullable."
            raise _serialization(None, message)
        return None
    return _FROM_TEXT.value(parse_raw(text), target)


def to_object(token: JToken | None, target: Type) -> object:
    """``token.ToObject<T>()``."""
    if target in (OBJECT, DYNAMIC):
        return token.value if isinstance(token, JValue) else token
    if token is None or is_instance(token, target):
        return token
    if underlying(target) in _CAST:
        return cast_token(token, target)
    return _enum(token, target) or _FROM_TOKENS.value(token, target)


_CAST = (p.STRING, p.BOOL, *p.INTEGRAL, p.CHAR, p.FLOAT, p.DOUBLE, p.DECIMAL)


def _enum(token: JToken, wanted: Type) -> object:
    """An enumeration's value from its name or number; None if it is neither."""
    target = underlying(wanted)
    if target.kind != "enum":
        return None
    if not isinstance(token, JValue) or (token.value is None and target is wanted):
        raise cannot(token, p.INT)
    if token.value is None:
        return None
    if not isinstance(token.value, str):
        return EnumValue(target, int(change_type(token.value, p.INT)))  # type: ignore[call-overload]
    try:
        return parse_enum(target, token.value, ignore_case=True)
    except Thrown:
        message = f"Could not convert '{token.value}' to {target.definition.name}."
        raise thrown("ArgumentException", message) from None


def _serialization(token: JToken | None, message: str) -> Thrown:
    where = path(token) if token is not None else ""
    return thrown("JsonSerializationException", f"{message} Path '{where}'.")


def _reading(token: JToken, message: str) -> Thrown:
    return thrown("JsonReaderException", f"{message} Path '{path(token)}'.")


def _check_null(token: JToken, target: Type) -> None:
    if target.is_value:
        raise _serialization(token, f"Error converting value {{null}} to type '{target.full_name}'.")


def _plain(token: JToken) -> JToken:
    """*token* as ``Parse`` would have read it: text that is a date and time is a date."""
    if isinstance(token, JValue):
        return scalar(token.value) if isinstance(token.value, str | RawFloat) else token
    if isinstance(token, JArray):
        return JArray([_plain(item) for item in token.items])
    copy = JObject()
    for name, child in token.properties.items():  # type: ignore[attr-defined]
        copy.put(name, _plain(child.value))
    return copy


class _ValueMaker:
    """Turns tokens into values."""

    def __init__(self, from_text: bool) -> None:
        self.from_text = from_text

    def value(self, token: JToken, target: Type) -> object:
        """*token* as a *target*."""
        tick()
        if target in (OBJECT, DYNAMIC):
            plain = _plain(token)
            return plain.value if isinstance(plain, JValue) else plain
        if target.full_name in TOKENS:
            return self._token(token, target)
        if isinstance(token, JValue) and token.value is None:
            _check_null(token, target)
            return None
        build = self._builder(target)
        if build is not None and not isinstance(token, JValue):
            return build(token, target)
        return self._leaf(token, target)

    def _token(self, token: JToken, target: Type) -> object:
        """The token itself, where the target is a token type."""
        plain = _plain(token) if self.from_text else token
        if is_instance(plain, target):
            return plain
        if isinstance(plain, JValue) and plain.value is None:
            return None
        raise _serialization(
            token,
            f"Deserialized JSON type '{type_of(plain).full_name}' is not compatible with expected type "
            f"'{target.full_name}'.",
        )

    # -- containers
    def _builder(self, target: Type) -> Callable[[JToken, Type], object] | None:
        name = target.definition.full_name
        if name == "System.Array" or name in _LISTS or name == f"{_G}.HashSet":
            return self._sequence
        if name in _MAPS:
            return self._dictionary
        return self._members if _member_types(target) is not None else None

    def _sequence(self, token: JToken, target: Type) -> object:
        if not isinstance(token, JArray):
            raise _serialization(token, _wrong_container("object", target))
        element = target.args[0]
        items = [self.value(item, element) for item in token.items]
        if target.definition.full_name == "System.Array":
            return to_array(items, element)
        if target.definition.full_name != f"{_G}.HashSet":
            return ListValue(items, element)
        distinct = SetValue(element)
        for item in items:
            distinct.add(item)
        return distinct

    def _dictionary(self, token: JToken, target: Type) -> object:
        if not isinstance(token, JObject):
            raise _serialization(token, _wrong_container("array", target))
        dictionary = Dictionary(target.args)
        for name, child in token.properties.items():
            dictionary.store(_key(child, name, target.args[0]), self.value(child.value, target.args[1]))
        return dictionary

    def _members(self, token: JToken, target: Type) -> object:
        """Tuples, pairs and anonymous objects: the object's members are their constructors' arguments."""
        if not isinstance(token, JObject):
            raise _serialization(token, _wrong_container("array", target))
        given = {name.lower(): child.value for name, child in token.properties.items()}
        values = {
            name: self.value(given[name.lower()], kind) if name.lower() in given else kind.default
            for name, kind in (_member_types(target) or {}).items()
        }
        return _made(target, values)

    # -- leaves
    def _leaf(self, token: JToken, target: Type) -> object:
        inner = underlying(target)
        if self.from_text:
            self._check_text(token, inner)
        if not isinstance(token, JValue):
            raise _unexpected(token, target, self.from_text)
        if token.value == "" and target.definition is NULLABLE:
            return None
        return self._changed_leaf(token, inner, target)

    def _changed_leaf(self, token: JValue, inner: Type, target: Type) -> object:
        if not self.from_text and inner in _INT32:
            return self._integer(token, inner)
        if self.from_text and inner is p.STRING and isinstance(token.value, bool):
            return "true" if token.value else "false"
        return _converted(token, inner, target)

    def _integer(self, token: JValue, target: Type) -> object:
        value = token.value
        if isinstance(value, str):
            return self._parsed(token, value, p.INT, "integer", target)
        return _converted(token, target, target)

    def _check_text(self, token: JToken, target: Type) -> None:
        """Refuse what the text reader refuses before any conversion."""
        value = token.value if isinstance(token, JValue) else token
        kind = _READ_AS.get(target.full_name)
        if kind is None:
            return
        if isinstance(value, str):
            self._check_string(token, value, target, kind)
        elif not isinstance(value, _FITS[kind]) or (isinstance(value, bool) and bool not in _FITS[kind]):
            raise _reading(token, f"Unexpected character encountered while parsing value: {_first(token)}.")
        elif target in _INT32:
            _check_int32(token, value)

    def _check_string(self, token: JToken, value: str, target: Type, kind: str) -> None:
        if kind == "string" or (kind == "DateTime" and read_moment(value)):
            return
        if not value and kind != "DateTime":
            raise _serialization(token, f"Error converting value {{null}} to type '{target.full_name}'.")
        self._parsed(token, value, p.INT if target in _INT32 else target, kind, target)

    def _parsed(self, token: JToken, value: str, read: Type, kind: str, target: Type) -> object:
        try:
            return change_type(change_type(value, read), target)
        except Thrown:
            name = target.definition.name if kind == "DateTime" else kind
            raise _reading(token, f"Could not convert string to {name}: {value}.") from None


_READ_AS = {
    **dict.fromkeys(("System.Int32", "System.Int16", "System.Byte"), "integer"),
    **dict.fromkeys(("System.Double", "System.Single"), "double"),
    **dict.fromkeys(_MOMENTS, "DateTime"),
    "System.Decimal": "decimal", "System.Boolean": "boolean", "System.String": "string",
}  # fmt: skip
_FITS: dict[str, tuple[type, ...]] = {
    "integer": (int, RawFloat), "double": (int, RawFloat), "decimal": (int, RawFloat), "boolean": (bool, int, RawFloat),
    "string": (int, RawFloat, bool), "DateTime": (),
}  # fmt: skip


def _check_int32(token: JToken, value: object) -> None:
    if isinstance(value, RawFloat):
        raise _reading(token, f"Input string '{value.shown}' is not a valid integer.")
    if not -(1 << 31) <= int(value) < 1 << 31:  # type: ignore[call-overload]
        raise _reading(token, f"JSON integer {value} is too large or small for an Int32.")


def _first(token: JToken) -> str:
    """The character that a reader sees first."""
    if isinstance(token, JObject):
        return "{"
    if isinstance(token, JArray):
        return "["
    value = token.value  # type: ignore[attr-defined]
    return str(value).lower()[0] if isinstance(value, bool) else str(value)[0]


def _unexpected(token: JToken, target: Type, from_text: bool) -> Thrown:
    if not from_text and _READ_AS.get(underlying(target).full_name):
        kind = "StartObject" if isinstance(token, JObject) else "StartArray"
        name = _READ_AS[underlying(target).full_name]
        return _reading(token, f"Error reading {name}. Unexpected token: {kind}.")
    kind = "object" if isinstance(token, JObject) else "array"
    return _serialization(token, _wrong_container(kind, target))


def _wrong_container(container: str, target: Type) -> str:
    example = '{"name":"value"}' if container == "object" else "[1,2,3]"
    return f"Cannot deserialize the current JSON {container} (e.g. {example}) into type '{target.full_name}'."


def _converted(token: JValue, inner: Type, target: Type) -> object:
    try:
        return _changed(token.value, inner)
    except Thrown:
        shown = f'"{token.value}"' if isinstance(token.value, str) else to_text(_number(token.value))
        raise _serialization(token, f"Error converting value {shown} to type '{target.full_name}'.") from None


def _number(value: object) -> object:
    return float(value) if isinstance(value, RawFloat) else value


def _changed(value: object, target: Type) -> object:
    if isinstance(value, RawFloat):
        return _changed_float(value, target)
    if isinstance(value, str):
        return _changed_text(value, target)
    if target.full_name == "System.TimeSpan":
        raise invalid_cast(type_of(value).full_name, target.full_name)
    return EnumValue(target, int(value)) if target.kind == "enum" else change_type(value, target)  # type: ignore[call-overload]


def _changed_text(value: str, target: Type) -> object:
    if target.kind == "enum":
        return parse_enum(target, value, True)
    if target.full_name == "System.DateTime":
        return read_moment(value) or parse_date(value, ROUNDTRIP)
    return base64_bytes(value) if target.name == "byte[]" else change_type(value, target)


def _changed_float(value: RawFloat, target: Type) -> object:
    """A number as it is written, for types that keep its digits."""
    if target is p.STRING:
        return value.shown
    if target is p.DECIMAL and "e" not in value.shown.lower():
        return change_type(value.shown, target)
    return change_type(float(value), target)


def _key(child: JToken, name: str, target: Type) -> object:
    try:
        return parse_enum(target, name, True) if target.kind == "enum" else change_type(name, target)
    except Thrown:
        message = f"Could not convert string '{name}' to dictionary key type '{target.full_name}'."
        tail = "Create a TypeConverter to convert from the string to the key type object."
        raise _serialization(child, f"{message} {tail}") from None


def _member_types(target: Type) -> dict[str, Type] | None:
    """The properties that a constructor sets, or None."""
    name = target.definition.name
    if name in ("Tuple", "ValueTuple"):
        return {f"Item{number}": arg for number, arg in enumerate(target.args, 1)}
    if name == "KeyValuePair":
        return dict(zip(("Key", "Value"), target.args, strict=True))
    if name == "AnonymousType":
        members = target.definition.members or {}
        return {field: overloads[0].type for field, overloads in members.items()}
    return None


def _made(target: Type, values: dict[str, object]) -> object:
    name = target.definition.name
    if name == "AnonymousType":
        return Anonymous(target, values)
    if name == "KeyValuePair":
        return Pair(values["Key"], values["Value"], target.args)
    return TupleValue(list(values.values()), target.plain, mutable=name == "ValueTuple")


_FROM_TEXT, _FROM_TOKENS = _ValueMaker(True), _ValueMaker(False)
