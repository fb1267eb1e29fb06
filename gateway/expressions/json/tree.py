"""
JToken and its kinds. A token knows its parent; one that has a parent already is copied when it is put elsewhere.

Source: Newtonsoft.Json.Linq API reference.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from gateway.expressions.clr import NULL
from gateway.expressions.json.dates import read_moment
from gateway.expressions.json.text_reader import RawFloat, name_in_path
from gateway.expressions.limits import tick
from gateway.expressions.moments import DateTime, DateTimeOffset, TimeSpan
from gateway.expressions.primitives import ENUMERABLE
from gateway.expressions.runtime import iterate, type_of
from gateway.expressions.thrown import Thrown, argument_null, null_reference, out_of_range, thrown
from gateway.expressions.values import BigInteger, Char, EnumValue, Int64, Single

LONG = 1 << 63  # the least whole number that Int64 does not have

# JTokenType
NONE, OBJECT, ARRAY, CONSTRUCTOR, PROPERTY, COMMENT, INTEGER, FLOAT, STRING = range(9)
BOOLEAN, NULL_TYPE, UNDEFINED, DATE, RAW, BYTES, GUID, URI, SPAN = range(9, 18)
TYPE_NAMES = (
    "None", "Object", "Array", "Constructor", "Property", "Comment", "Integer", "Float", "String", "Boolean", "Null",
    "Undefined", "Date", "Raw", "Bytes", "Guid", "Uri", "TimeSpan",
)  # fmt: skip


class JToken:
    """A node of a JSON tree."""

    __slots__ = ("parent",)

    def __init__(self) -> None:
        self.parent: JToken | None = None

    @property
    def kind(self) -> int:
        """Its JTokenType."""
        raise NotImplementedError

    def children(self) -> list[JToken]:
        """Direct children: properties of an object, items of an array, the value of a property."""
        return []

    def values(self) -> list[JToken]:
        """The same, with each property replaced by its value."""
        return []

    def clone(self) -> JToken:
        """A copy without a parent."""
        raise NotImplementedError

    def take_apart(self) -> list[JToken]:
        """Forget the parent and the children; returns those."""
        self.parent = None
        return []

    def replace_child(self, old: JToken, new: JToken | None) -> None:
        """Replace *old* by *new*, or remove *old*."""
        raise NotImplementedError

    def look(self, key: object) -> JToken | None:
        """``token[key]``."""
        raise thrown("InvalidOperationException", f"Cannot access child value on {type_of(self).full_name}.")


class JValue(JToken):
    """A leaf: a .NET value and its JTokenType."""

    __slots__ = ("type", "value")

    def __init__(self, value: object, kind: int | None = None) -> None:
        self.parent = None
        self.value = value
        self.type = value_kind(value) if kind is None else kind

    @property
    def kind(self) -> int:
        """Its JTokenType."""
        return self.type

    def clone(self) -> JValue:
        """A copy without a parent."""
        return JValue(self.value, self.type)


def value_kind(value: object) -> int:
    """The JTokenType of a .NET value."""
    kind = _KINDS.get(value.__class__)
    if kind is not None:
        return kind
    if isinstance(value, int):
        return INTEGER
    raise thrown("ArgumentException", f"Could not determine JSON object type for type {type_of(value).full_name}.")


_KINDS: dict[type, int] = {
    type(None): NULL_TYPE, bool: BOOLEAN, str: STRING, Char: STRING, int: INTEGER, float: FLOAT, Decimal: FLOAT,
    DateTime: DATE, DateTimeOffset: DATE, uuid.UUID: GUID, TimeSpan: SPAN, bytes: BYTES, bytearray: BYTES,
    EnumValue: INTEGER, Single: FLOAT,
}  # fmt: skip


def declare_kind(python: type, kind: int) -> None:
    """Declare the JTokenType of a class from a higher layer."""
    _KINDS[python] = kind


class JProperty(JToken):
    """A name and its value."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: JToken) -> None:
        self.parent = None
        self.name = name
        self.value = adopt(self, value)

    @classmethod
    def fresh(cls, parent: JObject, name: str, value: JToken) -> JProperty:
        """A property of *parent* whose value does not have a parent yet."""
        created = cls.__new__(cls)
        created.parent, created.name, created.value = parent, name, value
        value.parent = created
        return created

    @property
    def kind(self) -> int:
        """Its JTokenType."""
        return PROPERTY

    def children(self) -> list[JToken]:
        """The value."""
        return [self.value]

    def take_apart(self) -> list[JToken]:
        """Forget the parent; returns the value."""
        self.parent = None
        return [self.value]

    def clone(self) -> JProperty:
        """A copy without a parent."""
        return JProperty(self.name, self.value.clone())

    def replace_child(self, old: JToken, new: JToken | None) -> None:
        """Set the value."""
        self.set(JValue(None) if new is None else new)

    def set(self, value: JToken) -> None:
        """``property.Value = value``."""
        if isinstance(value, JProperty):
            raise cannot_add(value, self)
        self.value.parent = None
        self.value = adopt(self, value)


class JObject(JToken):
    """
    Properties by name, in order.

    Attributes:
        unread: Names and values as they were read, which become properties when somebody looks; never changed.
    """

    __slots__ = ("_properties", "unread")

    def __init__(self, unread: Mapping[str, object] | None = None) -> None:
        self.parent = None
        self.unread = unread
        self._properties: dict[str, JProperty] = {}

    @property
    def properties(self) -> dict[str, JProperty]:
        """By name."""
        if self.unread is not None:
            self._properties = {name: JProperty.fresh(self, name, token_of(raw)) for name, raw in self.unread.items()}
            self.unread = None  # only now: what was interrupted is still unread
        return self._properties

    @properties.setter
    def properties(self, properties: dict[str, JProperty]) -> None:
        self.unread, self._properties = None, properties

    @property
    def kind(self) -> int:
        """Its JTokenType."""
        return OBJECT

    def __iter__(self) -> Iterator[JToken]:
        return iter(list(self.properties.values()))

    def __len__(self) -> int:
        return len(self._properties if self.unread is None else self.unread)

    def children(self) -> list[JToken]:
        """The properties."""
        return list(self.properties.values())

    def values(self) -> list[JToken]:
        """Their values."""
        return [child.value for child in self.properties.values()]

    def take_apart(self) -> list[JToken]:
        """Forget the parent and the properties; returns those."""
        properties: list[JToken] = [*self._properties.values()]
        self.parent = self.unread = None
        self._properties.clear()
        return properties

    def clone(self) -> JObject:
        """A copy without a parent."""
        copy = JObject(self.unread)
        if self.unread is not None:
            return copy
        for name, child in self.properties.items():
            tick()
            copy.put(name, child.value.clone())
        return copy

    def look(self, key: object) -> JToken | None:
        """The value of a property, or null."""
        if key is None:
            raise argument_null("key")
        if key.__class__ is Char or not isinstance(key, str):
            shown = f"Accessed JObject values with invalid key value: {key}. Object property name expected."
            raise thrown("ArgumentException", shown)
        child = self.properties.get(key)
        return None if child is None else child.value

    def put(self, name: str, value: JToken) -> None:
        """``o[name] = value``."""
        child = self.properties.get(name)
        if child is not None:
            child.set(value)
        else:
            self.properties[name] = adopt(self, JProperty(name, value))  # type: ignore[assignment]

    def add(self, child: JProperty) -> None:
        """A new property; its name must be free."""
        if child.name in self.properties:
            shown = f"Can not add property {child.name} to {type_of(self).full_name}."
            raise thrown("ArgumentException", f"{shown} Property with the same name already exists on object.")
        self.properties[child.name] = adopt(self, child)  # type: ignore[assignment]

    def remove(self, name: str) -> bool:
        """Whether there was such a property."""
        child = self.properties.pop(name, None)
        if child is not None:
            child.parent = None
        return child is not None

    def replace_child(self, old: JToken, new: JToken | None) -> None:
        """Replace a property by another one."""
        if new is None:
            self.remove(old.name if isinstance(old, JProperty) else "")
            return
        if not isinstance(new, JProperty):
            raise cannot_add(new, self)
        old.parent = None
        items = [(new if child is old else child) for child in self.properties.values()]
        new.parent = self
        self.properties = {child.name: child for child in items}


class JArray(JToken):
    """
    Items in order.

    Attributes:
        unread: Values as they were read, which become items when somebody looks; never changed.
    """

    __slots__ = ("_items", "unread")

    def __init__(self, items: Iterable[JToken] = (), unread: Sequence[object] | None = None) -> None:
        self.parent = None
        self.unread = unread
        self._items: list[JToken] = [adopt(self, item) for item in items]

    @property
    def items(self) -> list[JToken]:
        """By index."""
        if self.unread is not None:
            self._items = list(map(token_of, self.unread))
            for item in self._items:
                item.parent = self
            self.unread = None
        return self._items

    @classmethod
    def fresh(cls, items: list[JToken]) -> JArray:
        """An array of items that do not have a parent yet."""
        array = cls()
        array._items = items
        for item in items:
            item.parent = array
        return array

    @property
    def kind(self) -> int:
        """Its JTokenType."""
        return ARRAY

    def __iter__(self) -> Iterator[JToken]:
        return iter(list(self.items))

    def __len__(self) -> int:
        return len(self._items if self.unread is None else self.unread)

    def children(self) -> list[JToken]:
        """The items."""
        return list(self.items)

    def values(self) -> list[JToken]:
        """The items."""
        return self.items

    def take_apart(self) -> list[JToken]:
        """Forget the parent and the items; returns those."""
        items, self._items, self.parent, self.unread = self._items, [], None, None
        return items

    def clone(self) -> JArray:
        """A copy without a parent."""
        if self.unread is not None:
            return JArray(unread=self.unread)
        items = []
        for item in self.items:
            tick()
            items.append(item.clone())
        return JArray(items)

    def look(self, key: object) -> JToken | None:
        """The item at an index."""
        if not isinstance(key, int) or isinstance(key, bool):
            shown = f'"{key}"' if isinstance(key, str) else key
            message = f"Accessed JArray values with invalid key value: {shown}. Int32 array index expected."
            raise thrown("ArgumentException", message)
        self.check(key)
        return self.items[key]

    def check(self, index: int) -> None:
        """Refuse an index that is out of range."""
        if not 0 <= index < len(self.items):
            raise out_of_range(
                "index", "Index was out of range. Must be non-negative and less than the size of the collection."
            )

    def insert(self, index: int, item: JToken) -> None:
        """Put *item* before the one at *index*."""
        if not 0 <= index <= len(self.items):
            raise out_of_range("index", "Index must be within the bounds of the List.")
        self.items.insert(index, adopt(self, item))

    def replace_child(self, old: JToken, new: JToken | None) -> None:
        """Replace *old* by *new*, or remove *old*."""
        index = next(place for place, item in enumerate(self.items) if item is old)
        old.parent = None
        if new is None:
            del self.items[index]
        else:
            self.items[index] = adopt(self, new)


class JRaw(JValue):
    """Text that is written unchanged."""

    __slots__ = ()

    def __init__(self, text: object) -> None:
        super().__init__(text, RAW)

    @staticmethod
    def of(other: JRaw | None) -> JRaw:
        """``new JRaw(other)``, the overload that C# takes for ``null``, too."""
        if other is None:
            raise null_reference()
        return other.clone()

    def clone(self) -> JRaw:
        """A copy without a parent."""
        return JRaw(self.value)


def token_of(raw: object) -> JToken:
    """The token of what a JSON reader has read: a dict, a list, or a leaf's value. It has no parent yet."""
    if raw.__class__ is dict:
        return JObject(raw)
    return JArray(unread=raw) if raw.__class__ is list else scalar(raw)


def scalar(raw: object) -> JValue:
    """A leaf: integers are Int64 if they fit, text that is an ISO date and time is a date."""
    if raw.__class__ is str:
        date = read_moment(raw)
        return JValue(raw, STRING) if date is None else JValue(date, DATE)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return JValue(Int64(raw) if -LONG <= raw < LONG else BigInteger(raw), INTEGER)
    return JValue(float(raw) if raw.__class__ is RawFloat else raw)


def adopt(parent: JToken, token: JToken) -> JToken:
    """*token*, or a copy of it if it already has a parent or *parent* is in it, with *parent* set."""
    adopted = token if token.parent is None and not _holds(token, parent) else token.clone()
    adopted.parent = parent
    return adopted


def _holds(root: JToken, token: JToken) -> bool:
    """Whether *token* is *root* or below it: a tree that held itself would have no end."""
    if isinstance(root, JValue):
        return False
    while token.parent is not None:
        token = token.parent
    return token is root


def cannot_add(token: JToken, parent: JToken) -> Thrown:
    """The exception of a container for a child of the wrong kind."""
    return thrown("ArgumentException", f"Can not add {type_of(token).full_name} to {type_of(parent).full_name}.")


def to_token(value: object) -> JToken:
    """A value as content: tokens are kept, sequences become arrays, everything else a JValue."""
    if isinstance(value, JToken):
        return value
    if value.__class__ is Char:
        raise thrown("ArgumentException", "Could not determine JSON object type for type System.Char.")
    clr_type = type_of(value)
    if clr_type is not NULL and not isinstance(value, str | bytes | bytearray | Char) and _walkable(value):
        return JArray([to_token(item) for item in iterate(value)])
    return JValue(value)


def _walkable(value: object) -> bool:
    return ENUMERABLE in type_of(value).ancestors


def add_content(parent: JObject | JArray, content: object) -> None:
    """``Add(content)``: a token, or a sequence of contents."""
    tick()
    if isinstance(parent, JArray):
        parent.items.append(adopt(parent, to_token(content)))
    elif isinstance(content, JProperty):
        parent.add(content)
    elif isinstance(content, JObject) or (not isinstance(content, JToken) and _walkable(content)):
        for item in list(iterate(content)):
            add_content(parent, item)
    else:
        raise cannot_add(to_token(content), parent)


def descendants(token: JToken) -> Iterator[JToken]:
    """Every token below *token*, in document order."""
    todo = token.children()[::-1]
    while todo:
        current = todo.pop()
        tick()
        yield current
        todo += current.children()[::-1]


def path(token: JToken) -> str:
    """``token.Path``: names joined by dots, indices in brackets."""
    parts: list[str] = []
    current: JToken | None = None if token.parent is None else token
    while current is not None:
        parent = current.parent
        if isinstance(current, JProperty):
            shown = name_in_path(current.name)
            parts.append(shown if shown.startswith("['") else f".{shown}")
        elif isinstance(parent, JArray):
            parts.append(f"[{next(i for i, item in enumerate(parent.items) if item is current)}]")
        current = parent
    return "".join(reversed(parts)).lstrip(".")
