"""Moving about in a tree of tokens, and changing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.expressions.json.comparing import deep_equals
from gateway.expressions.json.tree import (
    JArray,
    JObject,
    JProperty,
    JToken,
    JValue,
    adopt,
    descendants,
    to_token,
)
from gateway.expressions.limits import tick
from gateway.expressions.runtime import type_of
from gateway.expressions.thrown import modified, thrown


def root(token: JToken) -> JToken:
    """The token without a parent above *token*."""
    while token.parent is not None:
        token = token.parent
    return token


def ancestors(token: JToken) -> Iterator[JToken]:
    """The tokens above, nearest first."""
    while token.parent is not None:
        token = token.parent
        yield token


def sibling(step: int) -> Callable[[JToken], JToken | None]:
    """The sibling *step* places further on."""

    def find(token: JToken) -> JToken | None:
        around = token.parent.children() if token.parent is not None else []
        position = next((i for i, sibling in enumerate(around) if sibling is token), -2) + step
        return around[position] if 0 <= position < len(around) else None

    return find


def end(position: int) -> Callable[[JToken], JToken | None]:
    """The first or last child."""

    def find(token: JToken) -> JToken | None:
        children = token.children()
        return children[position] if children else None

    return find


def remove(token: JToken) -> None:
    """``Remove()``."""
    if token.parent is None:
        raise thrown("InvalidOperationException", "The parent is missing.")
    token.parent.replace_child(token, None)


def replace(token: JToken, new: JToken) -> None:
    """``Replace(value)``."""
    if token.parent is None:
        raise thrown("InvalidOperationException", "The parent is missing.")
    token.parent.replace_child(token, new)


def walked_properties(token: JObject) -> Iterator[JToken]:
    """The properties, as long as none is added or removed meanwhile."""
    for child in token.children():
        yield child
        if child.parent is not token:
            raise modified()


def beside(offset: int) -> Callable[[JToken, object], None]:
    """``AddBeforeSelf`` and ``AddAfterSelf``."""

    def add(token: JToken, content: object) -> None:
        parent = token.parent
        if isinstance(parent, JArray):
            index = next(i for i, item in enumerate(parent.items) if item is token)
            parent.insert(index + offset, to_token(content))
        elif isinstance(parent, JObject) and isinstance(content, JProperty):
            _insert_property(parent, token, content, offset)
        else:
            raise thrown("InvalidOperationException", "The parent is missing.")

    return add


def _insert_property(parent: JObject, token: JToken, content: JProperty, offset: int) -> None:
    parent.add(content)
    items = list(parent.properties.items())
    moved = items.pop()
    index = next(i for i, (_, child) in enumerate(items) if child is token)
    items.insert(index + offset, moved)
    parent.properties = dict(items)


def self_and(token: JToken) -> Iterator[JToken]:
    """``DescendantsAndSelf()``."""
    yield token
    yield from descendants(token)


def after(token: JToken, step: int) -> Iterator[JToken]:
    """The siblings in one direction."""
    find = sibling(step)
    current = find(token)
    while current is not None:
        tick()
        yield current
        current = find(current)


def merge(target: JToken, content: object, arrays: int) -> None:
    """``Merge``: properties are merged one by one, arrays according to *arrays* (a MergeArrayHandling)."""
    tick()
    if content is not None and not isinstance(content, JObject | JArray):
        message = f"Could not determine JSON object type for type {type_of(content).full_name}."
        raise thrown("ArgumentException", message)
    if isinstance(target, JObject) and isinstance(content, JObject):
        for name, new in list(content.properties.items()):
            _merge_property(target, name, new.value, arrays)
    elif isinstance(target, JArray) and isinstance(content, JArray):
        _merge_arrays(target, content, arrays)


def _merge_property(target: JObject, name: str, new: JToken, arrays: int) -> None:
    """Containers of one kind are merged; a null does not replace a value; anything else does."""
    old = target.properties.get(name)
    if old is not None and old.value.kind == new.kind and isinstance(new, JObject | JArray):
        merge(old.value, new, arrays)
    elif old is None or not isinstance(new, JValue) or new.value is not None:
        target.put(name, new.clone())


def _merge_arrays(target: JArray, content: JArray, arrays: int) -> None:
    if target is content:
        _merge_with_itself(target, arrays)
    else:
        _merge_items(target, content, arrays)


def _merge_items(target: JArray, content: JArray, arrays: int) -> None:
    if arrays == 2:
        target.items.clear()
    for index, item in enumerate(content.items):
        tick()
        if arrays == 1 and any(deep_equals(item, present) for present in target.items):
            continue
        if arrays == 3 and index < len(target.items):
            target.items[index] = adopt(target, item.clone())
        else:
            target.items.append(adopt(target, item.clone()))


def _merge_with_itself(target: JArray, arrays: int) -> None:
    """Nothing changes, unless items are appended: then .NET notices after the first one."""
    if arrays == 0 and target.items:
        target.items.append(adopt(target, target.items[0].clone()))
        raise thrown("InvalidOperationException", "Collection was modified; enumeration operation may not execute.")
