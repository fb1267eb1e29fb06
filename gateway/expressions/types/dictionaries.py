"""Dictionaries: the pipeline's headers, queries, variables and claims, and ``Dictionary<K, V>``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import getitem
from typing import Any

from gateway.expressions import primitives as p
from gateway.expressions.clr import DYNAMIC, OBJECT, Type, definition_of, make
from gateway.expressions.collections import ArrayValue, check_capacity
from gateway.expressions.conversions import cast, cast_dynamic
from gateway.expressions.equality import EQUALS, KEYS, equal, key_of
from gateway.expressions.formatting.text import TEXT, text
from gateway.expressions.runtime import iterate, represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import ExceptionValue, argument_null, key_not_found, modified, thrown
from gateway.expressions.types.comparers import Comparer
from gateway.expressions.values import Ref

MISSING = object()


class Pair:
    """``KeyValuePair<K, V>``."""

    __slots__ = ("key", "types", "value")

    def __init__(self, key: object, value: object, types: tuple[Type, ...] = (OBJECT, OBJECT)) -> None:
        self.key = key
        self.value = value
        self.types = types


class Map:
    """The members of every dictionary; subclasses define how keys are found."""

    __slots__ = ()
    types: tuple[Type, ...] = (p.STRING, OBJECT)

    def look(self, _key: Any) -> object:
        """The value, or MISSING."""
        raise NotImplementedError

    def pairs(self) -> Iterable[tuple[object, object]]:
        """Keys and values in order."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Pair]:
        types = self.types
        return (Pair(key, value, types) for key, value in self.pairs())


class Dictionary(Map):
    """``Dictionary<K, V>``; keys are compared by the comparer and keep their original spelling."""

    __slots__ = ("comparer", "data", "types")

    def __init__(self, types: tuple[Type, ...], comparer: Comparer | None = None) -> None:
        self.types = types
        self.comparer = comparer
        self.data: dict[object, tuple[object, object]] = {}

    @staticmethod
    def of(mapping: Mapping[Any, object], key: Type, value: Type, ignore_case: bool = False) -> Dictionary:
        """The entries of a Python mapping."""
        dictionary = Dictionary((key, value), Comparer(True) if ignore_case else None)
        for name, item in mapping.items():
            dictionary.store(name, item)
        return dictionary

    def norm(self, key: Any) -> object:
        """The form in which keys are compared."""
        if key is None:
            raise argument_null("key")
        return key_of(key) if self.comparer is None else self.comparer.norm(key)

    def look(self, key: Any) -> object:
        """The value, or MISSING."""
        entry = self.data.get(self.norm(key))
        return MISSING if entry is None else entry[1]

    def store(self, key: Any, value: object) -> None:
        """``d[key] = value``."""
        norm = self.norm(key)
        old = self.data.get(norm)
        self.data[norm] = (key if old is None else old[0], value)

    def add(self, key: Any, value: object) -> None:
        """``d.Add(key, value)``."""
        if self.norm(key) in self.data:
            raise thrown("ArgumentException", f"An item with the same key has already been added. Key: {key}")
        self.store(key, value)

    def pairs(self) -> Iterable[tuple[object, object]]:
        """Keys and values in order."""
        return list(self.data.values())

    def __iter__(self) -> Iterator[Pair]:
        """The entries, as long as none is added meanwhile; .NET allows that some are removed."""
        size = len(self.data)
        for key, value in self.pairs():
            yield Pair(key, value, self.types)
            if len(self.data) > size:
                raise modified()


class View(Map):
    """A Python mapping that belongs to other code, read in place."""

    __slots__ = ("mapping", "types", "wrap")

    def __init__(
        self, mapping: Mapping[Any, Any], types: tuple[Type, ...], wrap: Callable[[Any], object] | None = None
    ) -> None:
        self.mapping = mapping
        self.types = types
        self.wrap = wrap

    def look(self, key: Any) -> object:
        """The value, or MISSING."""
        if key is None:
            raise argument_null("key")
        if key not in self.mapping:
            return MISSING
        value = self.mapping[key]
        return value if self.wrap is None else self.wrap(value)

    def pairs(self) -> Iterable[tuple[object, object]]:
        """Keys and values in order."""
        return [(key, value if self.wrap is None else self.wrap(value)) for key, value in self.mapping.items()]


def mapping_of(value: object) -> Map:
    """Any dictionary value as a Map; a plain dict holds the request's variables."""
    return View(value, (p.STRING, OBJECT)) if isinstance(value, dict) else value  # type: ignore[return-value]


def index(value: object, key: object) -> object:
    """``d[key]``."""
    value_found = mapping_of(value).look(key)
    if value_found is MISSING:
        raise key_not_found(key)
    return value_found


def contains(value: object, key: object) -> bool:
    """``d.ContainsKey(key)``."""
    return mapping_of(value).look(key) is not MISSING


def try_get(value: object, key: object, out: Ref) -> bool:
    """``d.TryGetValue(key, out v)``."""
    whole = mapping_of(value)
    entry = whole.look(key)
    out.value = whole.types[1].default if entry is MISSING else entry
    return entry is not MISSING


def value_or(value: object, key: object, *default: object) -> object:
    """``d.GetValueOrDefault(key, default)``."""
    whole = mapping_of(value)
    entry = whole.look(key)
    if entry is not MISSING:
        return entry
    return default[0] if default else whole.types[1].default


def joined_or(value: Map | None, key: str, default: str | None = None) -> str | None:
    """``GetValueOrDefault`` of headers, queries and claims: the values joined by commas."""
    if value is None:
        raise argument_null("source")
    values = value.look(key)
    return default if values is MISSING else ",".join(values)  # type: ignore[arg-type]


def _count(value: object) -> int:
    whole = mapping_of(value)
    if isinstance(whole, Dictionary):
        return len(whole.data)
    return len(list(whole.pairs()))


def _keys(value: object) -> ArrayValue:
    whole = mapping_of(value)
    return ArrayValue([key for key, _ in whole.pairs()], whole.types[0])


def _values(value: object) -> ArrayValue:
    whole = mapping_of(value)
    return ArrayValue([item for _, item in whole.pairs()], whole.types[1])


def _variable_or(types: tuple[Type, ...], variables: dict[str, object], name: str, *default: object) -> object:
    """``Variables.GetValueOrDefault<T>(name, default)``: a cast, not a conversion."""
    if name is None:
        raise argument_null("key")
    clr_type = types[0]
    if name not in variables:
        return default[0] if default else clr_type.default
    value = variables[name]
    if value is None and clr_type.is_value:
        return default[0] if default else clr_type.default
    return cast_dynamic(value, clr_type) if clr_type is DYNAMIC else cast(value, clr_type)


def _remove(value: Dictionary, key: object) -> bool:
    return value.data.pop(value.norm(key), None) is not None


def _remove_into(value: Dictionary, key: object, out: Ref) -> bool:
    entry = value.data.pop(value.norm(key), None)
    out.value = value.types[1].default if entry is None else entry[1]
    return entry is not None


_MAP_TABLE: dict[str, object] = {
    "free V this[K key]": index,
    "free bool ContainsKey(K key)": contains,
    "free bool TryGetValue(K key, out V value)": try_get,
    "IEnumerable<K> Keys": _keys,
    "IEnumerable<V> Values": _values,
    "free int Count": _count,
}
KEY_VALUE = define("System.Collections.Generic.KeyValuePair", {
    "free generic new(K key, V value)": lambda types, key, value: Pair(key, value, types),
    "free K Key": lambda pair: pair.key,
    "free V Value": lambda pair: pair.value,
}, parameters=("K", "V"), kind="struct")  # fmt: skip
define("System.Collections.Generic.KeyValuePair", {
    "free static generic KeyValuePair<K, V> Create<K, V>(K key, V value)": lambda types, key, value: Pair(
        key, value, types
    ),
}, kind="static")  # fmt: skip
define(
    "System.Collections.Generic.IReadOnlyDictionary", _MAP_TABLE, parameters=("K", "V"), kind="interface",
    parents=("IReadOnlyCollection<KeyValuePair<K, V>>",),
)  # fmt: skip
_WRITE_TABLE: dict[str, object] = {
    **_MAP_TABLE,
    "free V this[K key]": (index, Dictionary.store),
    "free void Add(K key, V value)": Dictionary.add,
    "free void Add(KeyValuePair<K, V> item)": lambda value, pair: value.add(pair.key, pair.value),
    "free bool Remove(K key)": _remove,
    "free bool Remove(KeyValuePair<K, V> item)": lambda value, pair: (
        equal(value_or(value, pair.key, MISSING), pair.value) and _remove(value, pair.key)
    ),
    "free void Clear()": lambda value: value.data.clear(),
    "ICollection<K> Keys": _keys,
    "ICollection<V> Values": _values,
}
del _WRITE_TABLE["IEnumerable<K> Keys"], _WRITE_TABLE["IEnumerable<V> Values"]
define(
    "System.Collections.Generic.IDictionary", _WRITE_TABLE, parameters=("K", "V"), kind="interface",
    parents=("ICollection<KeyValuePair<K, V>>",),
)  # fmt: skip


def _new(types: tuple[Type, ...], source: object = None, comparer: Comparer | None = None) -> Dictionary:
    if isinstance(source, Comparer):
        source, comparer = None, source
    if isinstance(source, int):
        check_capacity(source)
        source = None
    dictionary = Dictionary(types, comparer)
    for pair in iterate(source) if source is not None else ():
        dictionary.add(pair.key, pair.value)  # type: ignore[attr-defined]
    return dictionary


define("System.Collections.Generic.Dictionary", {
    "generic new()": _new,
    "generic new(int capacity)": _new,
    "generic new(IDictionary<K, V> dictionary)": _new,
    "generic new(IEnumerable<KeyValuePair<K, V>> collection)": _new,
    "generic new(IEqualityComparer<K> comparer)": _new,
    "generic new(IDictionary<K, V> dictionary, IEqualityComparer<K> comparer)": _new,
    "free void Add(K key, V value)": Dictionary.add,
    "free bool Remove(K key)": _remove,
    "free bool Remove(K key, out V value)": _remove_into,
    "free void TrimExcess()": lambda _value: None,
    "free bool TryAdd(K key, V value)":
        lambda value, key, item: not contains(value, key) and (value.store(key, item), True)[1],
    "bool ContainsValue(V value)": lambda value, item: any(equal(other, item) for _, other in value.pairs()),
}, parameters=("K", "V"), parents=("IDictionary<K, V>", "IReadOnlyDictionary<K, V>"))  # fmt: skip
definition_of("System.Collections.Generic.Dictionary", 2).explicit = frozenset(
    "Add Remove Contains CopyTo IsReadOnly".split()
)
VARIABLES = define("Microsoft.Azure.ApiManagement.Variables", {
    "free object this[string key]": getitem,  # a missing key is a KeyError: see ``failures``
    "free bool ContainsKey(string key)": lambda variables, name: name in variables,
    "free generic T GetValueOrDefault<T>(string variableName)": _variable_or,
    "free generic T GetValueOrDefault<T>(string variableName, T defaultValue)": _variable_or,
    "free object GetValueOrDefault(string variableName)": value_or,
}, parents=("IReadOnlyDictionary<string, object>", "IDictionary<string, object>"))  # fmt: skip
define("System.Collections.Generic.CollectionExtensions", {
    "free ext string GetValueOrDefault(IReadOnlyDictionary<string, string[]> source, string key)": joined_or,
    "free ext string GetValueOrDefault(IReadOnlyDictionary<string, string[]> source, string key, string defaultValue)":
        joined_or,
    "free ext V GetValueOrDefault<K, V>(IReadOnlyDictionary<K, V> source, K key)": value_or,
    "free ext V GetValueOrDefault<K, V>(IReadOnlyDictionary<K, V> source, K key, V defaultValue)": value_or,
    "free ext V GetValueOrDefault<K, V>(IDictionary<K, V> source, K key)": value_or,
    "free ext V GetValueOrDefault<K, V>(IDictionary<K, V> source, K key, V defaultValue)": value_or,
}, kind="static")  # fmt: skip


def _exception_data(error: ExceptionValue) -> object:
    """``Exception.Data``, made when it is first asked for."""
    if error.data is None:
        error.data = Dictionary((OBJECT, OBJECT))
    return error.data


define("System.Exception", {"free IDictionary<object, object> Data": _exception_data})


def _type(name: str) -> Callable[[object], Type]:
    def made(value: object) -> Type:
        definition = definition_of(name, 2)
        return make(definition, *mapping_of(value).types)

    return made


def _dictionary_pairs(value: object) -> Iterator[Pair]:
    return iter(mapping_of(value))


represent(Dictionary, _type("System.Collections.Generic.Dictionary"), iter)
represent(View, _type("System.Collections.Generic.IReadOnlyDictionary"), iter)
represent(dict, VARIABLES, _dictionary_pairs)
represent(Pair, lambda pair: make(KEY_VALUE.definition, *pair.types))
KEY_VALUE.definition.make_default = lambda clr_type: Pair(
    clr_type.args[0].default, clr_type.args[1].default, clr_type.args
)
KEYS[Pair] = lambda pair: (Pair, key_of(pair.key), key_of(pair.value))
EQUALS[Pair] = lambda left, right: left.__class__ is right.__class__ and key_of(left) == key_of(right)
TEXT[Pair] = lambda pair: f"[{text(pair.key)}, {text(pair.value)}]"
