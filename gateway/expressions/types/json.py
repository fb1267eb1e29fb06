"""Newtonsoft.Json and Newtonsoft.Json.Linq."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gateway.expressions import primitives as p
from gateway.expressions.casing import lower
from gateway.expressions.change_type import CONVERTIBLES
from gateway.expressions.clr import Type, array_of, make
from gateway.expressions.collections import ArrayValue, LazySequence
from gateway.expressions.dispatch import DYNAMIC_GET, DYNAMIC_SET
from gateway.expressions.equality import equal, hash_code
from gateway.expressions.formatting.composite import FORMATTERS, format_value
from gateway.expressions.formatting.text import TEXT, text
from gateway.expressions.json import dynamic as _dynamic  # noqa: F401  (declares how leaves calculate)
from gateway.expressions.json.comparing import deep_equals, deep_key, order_leaves
from gateway.expressions.json.convert import (
    TOKENS,
    cast_token,
    convert_token,
    declare_casts,
    from_object,
    make_value,
    plain,
)
from gateway.expressions.json.deserialize import to_object
from gateway.expressions.json.editing import (
    after,
    ancestors,
    beside,
    end,
    merge,
    remove,
    replace,
    root,
    self_and,
    sibling,
    walked_properties,
)
from gateway.expressions.json.path import select, select_one
from gateway.expressions.json.reader import parse
from gateway.expressions.json.tree import (
    COMMENT,
    NULL_TYPE,
    STRING,
    TYPE_NAMES,
    UNDEFINED,
    JArray,
    JObject,
    JProperty,
    JRaw,
    JToken,
    JValue,
    add_content,
    adopt,
    descendants,
    path,
    to_token,
)
from gateway.expressions.json.writer import token_text, write
from gateway.expressions.limits import tick
from gateway.expressions.messages import READERS, decode
from gateway.expressions.operators import UNWRAP
from gateway.expressions.runtime import FOREACH, is_instance, iterate, represent, type_of
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, out_of_range, thrown
from gateway.expressions.types.dates import DATETIME, DATETIME_OFFSET, GUID, TIMESPAN
from gateway.expressions.types.dictionaries import KEY_VALUE, Pair
from gateway.expressions.types.objects import enumeration
from gateway.expressions.types.searching import ignores_case
from gateway.expressions.types.uris import URI
from gateway.expressions.values import BigInteger, EnumValue, Ref

_N = "Newtonsoft.Json.Linq"
TOKEN_TYPE = enumeration(f"{_N}.JTokenType", **{name: number for number, name in enumerate(TYPE_NAMES)})


def _formatted(token: JToken, formatting: EnumValue | None = None) -> str:
    return write(token, indented=formatting is None or formatting.value == 1)


def _store(token: JToken, key: object, value: JToken | None) -> None:
    stored = JValue(None) if value is None else value
    if isinstance(token, JObject) and isinstance(key, str):
        token.put(key, stored)
    elif isinstance(token, JArray) and isinstance(key, int):
        token.check(key)
        token.items[key].parent = None
        token.items[key] = adopt(token, stored)
    else:
        token.look(key)
        raise thrown("InvalidOperationException", f"Cannot set child value on {type_of(token).full_name}.")


def _value_of(types: tuple[Type, ...], token: JToken | None, *key: object) -> object:
    """``token.Value<T>()`` and ``token.Value<T>(key)``."""
    if token is None:
        raise argument_null("value")
    return convert_token(token.look(key[0]) if key else token, types[-1])


def _values(types: tuple[Type, ...], token: JToken, *key: object) -> LazySequence:
    source = token.look(key[0]) if key else token
    children = source.children() if source is not None else []
    return LazySequence(lambda: (convert_token(_inner(child), types[-1]) for child in children), types[-1])


def _inner(token: JToken) -> JToken:
    return token.value if isinstance(token, JProperty) else token


def _select_all(token: JToken, path: str, error_when_no_match: bool) -> LazySequence:
    tokens = list(select(token, path))
    if error_when_no_match and not tokens:
        raise thrown("JsonException", "Path returned no tokens.")
    return LazySequence(lambda: iter(tokens), TOKEN)


def _end(position: int) -> Callable[[JToken], JToken | None]:
    find = end(position)

    def run(token: JToken) -> JToken | None:
        if isinstance(token, JValue):
            raise thrown("InvalidOperationException", f"Cannot access child value on {type_of(token).full_name}.")
        return find(token)

    return run


def _children(types: tuple[Type, ...], token: JToken) -> LazySequence:
    return LazySequence(lambda: (child for child in token.children() if is_instance(child, types[0])), types[0])


def _tokens(walk: Callable[[JToken], Iterable[JToken]]) -> Callable[[JToken], LazySequence]:
    return lambda token: LazySequence(lambda: iter(walk(token)), TOKEN)


def _parse_as(name: str) -> Callable[..., JToken]:
    return lambda text, *_settings: parse(text, name)


_parse_object = _parse_as("JObject")
_parse_array = _parse_as("JArray")

define(f"{_N}.IJEnumerable", parameters=("T",), kind="interface", parents=("IEnumerable<T>",))
TOKEN: Type = define(f"{_N}.JToken", {
    "JTokenType Type": lambda token: EnumValue(TOKEN_TYPE, token.kind),
    "JToken Parent": lambda token: token.parent,
    "JToken Root": root,
    "string Path": path,
    "bool HasValues": lambda token: bool(token.children()),
    "JToken First": _end(0),
    "JToken Last": _end(-1),
    "JToken Next": sibling(1),
    "JToken Previous": sibling(-1),
    "JToken this[object key]": (lambda token, key: token.look(key), _store),
    "IEnumerable<JToken> Children()": lambda token: ArrayValue(token.children(), TOKEN),
    "generic IEnumerable<T> Children<T>()": _children,
    "IEnumerable<JToken> Ancestors()": _tokens(ancestors),
    "IEnumerable<JToken> AfterSelf()": _tokens(lambda token: after(token, 1)),
    "IEnumerable<JToken> BeforeSelf()": _tokens(lambda token: after(token, -1)),
    "generic T Value<T>(object key)": _value_of,
    "generic IEnumerable<T> Values<T>()": _values,
    "JToken SelectToken(string path)": select_one,
    "JToken SelectToken(string path, bool errorWhenNoMatch)": select_one,
    "IEnumerable<JToken> SelectTokens(string path)":
        lambda token, text: LazySequence(lambda: iter(select(token, text)), TOKEN),
    "IEnumerable<JToken> SelectTokens(string path, bool errorWhenNoMatch)": _select_all,
    "IEnumerable<JToken> AncestorsAndSelf()": _tokens(lambda token: [token, *ancestors(token)]),
    "static JTokenEqualityComparer EqualityComparer": lambda: TokenComparer(),
    "JToken DeepClone()": lambda token: token.clone(),
    "static bool DeepEquals(JToken t1, JToken t2)": deep_equals,
    "generic T ToObject<T>()": lambda types, token: to_object(token, types[0]),
    "object ToObject(Type objectType)": lambda token, target: to_object(token, target.type),
    "static JToken Parse(string json)": parse,
    "static JToken Parse(string json, JsonLoadSettings settings)": lambda text, _settings: parse(text),
    "static JToken FromObject(object o)": lambda value: _not_null(value),
    "void Remove()": remove,
    "void Replace(JToken value)": replace,
    "void AddAfterSelf(object content)": beside(1),
    "void AddBeforeSelf(object content)": beside(0),
    "string ToString()": token_text,
    "string ToString(Formatting formatting)": _formatted,
    "string ToString(Formatting formatting, params JsonConverter[] converters)":
        lambda token, how, _rest: _formatted(token, how),
    "bool Equals(object obj)": equal,
}, parents=("IEnumerable<JToken>",), price="own")  # fmt: skip


def _add_first(token: JObject | JArray, content: object) -> None:
    if isinstance(token, JArray):
        token.insert(0, to_token(content))
        return
    add_content(token, content)
    names = list(token.properties)
    token.properties = {name: token.properties[name] for name in [names[-1], *names[:-1]]}


def _replace_all(token: JObject | JArray, content: object) -> None:
    for child in token.children():
        token.replace_child(child, None)
    add_content(token, content)


CONTAINER = define(f"{_N}.JContainer", {
    "int Count": lambda token: len(token.children()),
    "void Add(object content)": add_content,
    "void AddFirst(object content)": _add_first,
    "IEnumerable<JToken> Descendants()": _tokens(descendants),
    "IEnumerable<JToken> DescendantsAndSelf()": _tokens(self_and),
    "void ReplaceAll(object content)": _replace_all,
    "void RemoveAll()": lambda token: [token.replace_child(child, None) for child in token.children()],
    "void Merge(object content)": lambda token, content: merge(token, content, 0),
    "void Merge(object content, JsonMergeSettings settings)": lambda token, content, settings: merge(
        token, content, settings.get("MergeArrayHandling", 0)
    ),
}, parents=("JToken",), price="own")  # fmt: skip


def _from_object(value: object, wanted: type[JToken]) -> JToken:
    if value is None:
        raise argument_null("o")
    token = from_object(value)
    if not isinstance(token, wanted):
        message = f"Object serialized to {TYPE_NAMES[token.kind]}. {wanted.__name__} instance expected."
        raise thrown("ArgumentException", message)
    return token


def _not_null(value: object) -> JToken:
    if value is None:
        raise argument_null("o")
    return from_object(value)


def _new_object(*content: object) -> JObject:
    result = JObject()
    for part in content:
        add_content(result, part)
    return result


def _new_object_of(contents: Iterable[object]) -> JObject:
    return _new_object(*iterate(contents)) if contents is not None else _new_object()


def _property(token: JObject, name: str | None, comparison: EnumValue | None = None) -> JProperty | None:
    if name is None:
        return None
    child_property = token.properties.get(name)
    if child_property is None and ignores_case(comparison):
        wanted = lower(name)
        child_property = next((child for child in token.properties.values() if lower(child.name) == wanted), None)
    return child_property


def _get_value(token: JObject, name: str | None, comparison: EnumValue | None = None) -> JToken | None:
    child_property = _property(token, name, comparison)
    return None if child_property is None else child_property.value


def _try_get_value(token: JObject, name: str, *rest: Any) -> bool:
    ref: Ref = rest[-1]
    comparison = rest[0] if isinstance(rest[0], EnumValue) else None
    ref.value = _get_value(token, name, comparison)
    return ref.value is not None


def _named(name: str | None) -> str:
    if name is None:
        raise argument_null("propertyName")
    return name


def _add_named(token: JObject, name: str | None, value: JToken | None) -> None:
    if name is None:
        raise argument_null("name")
    token.add(JProperty(name, JValue(None) if value is None else value))


JOBJECT: Type = define(f"{_N}.JObject", {
    "new()": JObject,
    "new(JObject other)": lambda other: other.clone(),
    "new(object content)": _new_object,
    "new(params object[] content)": _new_object_of,
    "JToken this[string propertyName]": (lambda token, key: token.look(key), _store),
    "bool ContainsKey(string propertyName)": lambda token, name: _named(name) in token.properties,
    "JToken GetValue(string propertyName)": _get_value,
    "JToken GetValue(string propertyName, StringComparison comparison)": _get_value,
    "bool TryGetValue(string propertyName, out JToken value)": _try_get_value,
    "bool TryGetValue(string propertyName, StringComparison comparison, out JToken value)": _try_get_value,
    "void Add(string propertyName, JToken value)": _add_named,
    "bool Remove(string propertyName)": lambda token, name: token.remove(name),
    "JProperty Property(string name)": lambda token, name: token.properties.get(name),
    "JProperty Property(string name, StringComparison comparison)": _property,
    "static JObject Parse(string json, JsonLoadSettings settings)": _parse_object,
    "IEnumerable<JProperty> Properties()": lambda token: LazySequence(lambda: walked_properties(token), PROPERTY),
    "IEnumerable<JToken> PropertyValues()":
        lambda token: ArrayValue([e.value for e in token.properties.values()], TOKEN),
    "static JObject Parse(string json)": _parse_object,
    "static JObject FromObject(object o)": lambda value: _from_object(value, JObject),
    "JToken DeepClone()": lambda token: token.clone(),
}, parents=("JContainer", "IEnumerable<KeyValuePair<string, JToken>>"), price="own")  # fmt: skip


def _entries(token: JObject) -> list[Pair]:
    return [Pair(name, child.value, _ENTRY) for name, child in token.properties.items()]


_ENTRY = (p.STRING, TOKEN)
FOREACH[JOBJECT] = (make(KEY_VALUE.definition, *_ENTRY), _entries)


def _new_array(*content: object) -> JArray:
    array = JArray()
    for part in content:
        _array_content(array, part)
    return array


def _array_content(array: JArray, content: object) -> None:
    """A sequence contributes its items; a token, though it may be a sequence, is one item."""
    if isinstance(content, JToken):
        array.items.append(adopt(array, content))
        return
    token = to_token(content)
    for item in token.items if isinstance(token, JArray) else [token]:
        array.items.append(adopt(array, item))


def _array_add(token: JArray, item: JToken | None) -> None:
    tick()
    token.items.append(adopt(token, JValue(None) if item is None else item))


def _array_remove(token: JArray, item: JToken) -> bool:
    present = next((child for child in token.items if child is item or equal(child, item)), None)
    if present is not None:
        token.replace_child(present, None)
    return present is not None


def _remove_at(token: JArray, index: int) -> None:
    token.check(index)
    token.items.pop(index).parent = None


def _copy_to(token: JArray, target: list[object] | None, start: int) -> None:
    """``CopyTo``, with JContainer's checks."""
    if target is None:
        raise argument_null("array")
    if start < 0:
        raise out_of_range("arrayIndex", "arrayIndex is less than 0.")
    if start >= len(target) and start:
        raise thrown("ArgumentException", "arrayIndex is equal to or greater than the length of array.")
    if len(token.items) > len(target) - start:
        message = "The number of elements in the source JObject is greater than the available space from arrayIndex to"
        raise thrown("ArgumentException", f"{message} the end of the destination array.")
    target[start : start + len(token.items)] = token.items


JARRAY: Type = define(f"{_N}.JArray", {
    "new()": JArray,
    "new(JArray other)": lambda other: other.clone(),
    "new(object content)": _new_array,
    "new(params object[] content)": lambda contents: _new_array(*contents),
    "JToken this[int index]": (lambda token, key: token.look(key), _store),
    "void Add(JToken item)": _array_add,
    "void Insert(int index, JToken item)": lambda token, index, item: token.insert(index, item or JValue(None)),
    "bool Remove(JToken item)": _array_remove,
    "void RemoveAt(int index)": _remove_at,
    "void Clear()": lambda token: token.items.clear(),
    "bool Contains(JToken item)": lambda token, item: any(child is item for child in token.items),
    "int IndexOf(JToken item)": lambda token, item: next((i for i, e in enumerate(token.items) if e is item), -1),
    "static JArray Parse(string json)": _parse_array,
    "static JArray Parse(string json, JsonLoadSettings settings)": _parse_array,
    "bool IsReadOnly": lambda _token: False,
    "void CopyTo(JToken[] array, int arrayIndex)": _copy_to,
    "static JArray FromObject(object o)": lambda value: _from_object(value, JArray),
}, parents=("JContainer", "IList<JToken>"), price="own")  # fmt: skip


def _new_property(name: str | None, content: object) -> JProperty:
    if name is None:
        raise argument_null("name")
    return JProperty(name, to_token(content))


PROPERTY: Type = define(f"{_N}.JProperty", {
    "new(string name, object content)": _new_property,
    "new(string name, params object[] content)": _new_property,
    "string Name": lambda token: token.name,
    "JToken Value":
        (lambda token: token.value, lambda token, value: token.set(JValue(None) if value is None else value)),
}, parents=("JContainer",), price="own")  # fmt: skip


def _set_value(token: JValue, value: object) -> None:
    token.value = value
    token.type = JValue(value).type


class TokenComparer:
    """``JTokenEqualityComparer``: equal if DeepEquals is true."""

    __slots__ = ()

    def norm(self, token: JToken | None) -> object:
        """The form in which tokens are compared."""
        return deep_key(token)


COMPARER = define(f"{_N}.JTokenEqualityComparer", {
    "new()": TokenComparer,
    "bool Equals(JToken x, JToken y)": lambda _comparer, left, right: deep_equals(left, right),
    "int GetHashCode(JToken obj)": lambda _comparer, token: hash_code(deep_key(token)),
}, parents=("IEqualityComparer<JToken>",), price="own")  # fmt: skip
represent(TokenComparer, COMPARER)
JVALUE = define(f"{_N}.JValue", {
    "new(object value)": lambda value: JValue(value.value) if isinstance(value, JValue) else JValue(value),
    "new(Uri value)": lambda value: JValue(value, NULL_TYPE if value is None else None),
    "new(long value)": JValue,
    "new(char value)": JValue,
    "new(string value)": lambda value: JValue(value, STRING),
    "object Value": (lambda token: token.value, _set_value),
    "string ToString()": token_text,
    "string ToString(string format)": lambda token, pattern: format_value(token.value, pattern),
    "string ToString(IFormatProvider formatProvider)": lambda token, _provider: token_text(token),
    "string ToString(string format, IFormatProvider provider)":
        lambda token, pattern, _p: format_value(token.value, pattern),
    "int CompareTo(JValue obj)": order_leaves,
    "bool Equals(JValue other)": equal,
    "static JValue CreateUndefined()": lambda: JValue(None, UNDEFINED),
    "static JValue CreateComment(string value)": lambda value: JValue(value, COMMENT),
    "static JValue CreateNull()": lambda: JValue(None),
    "static JValue CreateString(string value)": lambda value: JValue(value, STRING),
}, parents=("JToken", "IComparable", "IFormattable"), price="own")  # fmt: skip


def _each(walk: Callable[..., Iterable[JToken]]) -> Callable[[object], LazySequence]:
    """The results of *walk* for every token of a sequence."""
    return lambda source: LazySequence(lambda: (result for token in iterate(source) for result in walk(token)), TOKEN)


def _leaves(token: JToken) -> Iterable[JToken]:
    """A leaf itself, the values of anything else."""
    return [token] if isinstance(token, JValue) else map(_inner, token.children())


def _keyed(token: object, key: object) -> Iterable[JToken]:
    if key is None:
        return _leaves(token)  # type: ignore[arg-type]
    value = token.look(key)  # type: ignore[attr-defined]
    return [] if value is None else [value]


RAW = define(f"{_N}.JRaw", {"new(object rawJson)": JRaw, "new(JRaw other)": JRaw.of}, parents=("JValue",))
define(f"{_N}.Extensions", {
    "generic ext U Value<U>(IEnumerable<JToken> value)": _value_of,
    "generic ext IEnumerable<U> Values<U>(IEnumerable<JToken> source)": _values,
    "generic ext IEnumerable<U> Values<U>(IEnumerable<JToken> source, object key)": lambda types, source, key: (
        LazySequence(lambda: (convert_token(token.look(key), types[-1]) for token in iterate(source)), types[-1])  # type: ignore[attr-defined]
    ),
    "ext IEnumerable<JToken> Children(IEnumerable<JToken> source)": _each(lambda token: token.children()),
    "ext IEnumerable<JToken> Descendants(IEnumerable<JContainer> source)": _each(descendants),
    "ext IEnumerable<JToken> DescendantsAndSelf(IEnumerable<JContainer> source)": _each(self_and),
    "ext IEnumerable<JToken> Ancestors(IEnumerable<JToken> source)": _each(ancestors),
    "ext IEnumerable<JToken> AncestorsAndSelf(IEnumerable<JToken> source)":
        _each(lambda token: [token, *ancestors(token)]),
    "ext IEnumerable<JProperty> Properties(IEnumerable<JObject> source)": _each(lambda token: token.children()),
    "ext IEnumerable<JToken> Values(IEnumerable<JToken> source)": _each(_leaves),
    "ext IEnumerable<JToken> Values(IEnumerable<JToken> source, object key)": lambda source, key: LazySequence(
        lambda: (value for token in iterate(source) for value in _keyed(token, key)), TOKEN
    ),
}, kind="static", price="own")  # fmt: skip
declare_casts(TOKEN, [
    p.STRING, p.BOOL, *p.INTEGRAL, p.CHAR, p.FLOAT, p.DOUBLE, p.DECIMAL, DATETIME, DATETIME_OFFSET, TIMESPAN, GUID,
    URI, array_of(p.BYTE),
])  # fmt: skip
for _class, _type in ((JObject, JOBJECT), (JArray, JARRAY), (JProperty, PROPERTY), (JValue, JVALUE), (JRaw, RAW)):
    represent(_class, _type, lambda token: token.children())
    TEXT[_class] = token_text
    TOKENS.add(_type.full_name)
TOKENS.update((TOKEN.full_name, CONTAINER.full_name))
CONVERTIBLES[JValue] = cast_token
UNWRAP[JValue] = plain  # type: ignore[assignment]
FORMATTERS[JValue] = lambda token, pattern: format_value(token.value, pattern)
DYNAMIC_GET[JObject] = lambda token, name: token.look(name)  # type: ignore[attr-defined]
DYNAMIC_SET[JObject] = lambda token, name, value: token.put(  # type: ignore[attr-defined]
    name, value if isinstance(value, JToken) else make_value(value)
)
TEXT[BigInteger] = int.__repr__
represent(BigInteger, define("System.Numerics.BigInteger", {"string ToString()": text}, kind="struct"))
READERS.update({
    "Newtonsoft.Json.Linq.JObject": lambda data: _parse_object(decode(data)),
    "Newtonsoft.Json.Linq.JArray": lambda data: _parse_array(decode(data)),
    "Newtonsoft.Json.Linq.JToken": lambda data: parse(decode(data)),
})  # fmt: skip
