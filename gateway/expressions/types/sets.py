"""``ISet<T>``, and the members of ``HashSet<T>`` that few expressions use."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.expressions.runtime import iterate
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, out_of_range, thrown
from gateway.expressions.types.lists import SetValue
from gateway.expressions.types.ranges import copy_items, copy_to


def _keys(items: SetValue, other: object) -> set[object]:
    if other is None:
        raise argument_null("other")
    return {items.norm(item) for item in iterate(other)}


def _combined(keep: Callable[[SetValue, dict[object, object]], Iterable[object]]) -> Callable[[SetValue, object], None]:
    """A method that replaces the items by what *keep* makes of them and of the other items."""

    def change(items: SetValue, other: object) -> None:
        if other is None:
            raise argument_null("other")
        others: dict[object, object] = {}
        for item in iterate(other):
            others.setdefault(items.norm(item), item)
        items.data = {items.norm(item): item for item in keep(items, others)}

    return change


def _union(items: SetValue, others: dict[object, object]) -> list[object]:
    return [*items.data.values(), *(item for key, item in others.items() if key not in items.data)]


def _symmetric(items: SetValue, others: dict[object, object]) -> list[object]:
    kept = [item for key, item in items.data.items() if key not in others]
    return kept + [item for key, item in others.items() if key not in items.data]


def _remove_where(items: SetValue, test: Callable[[object], bool]) -> int:
    if test is None:
        raise argument_null("match")
    kept = {key: item for key, item in items.data.items() if not test(item)}
    removed = len(items.data) - len(kept)
    items.data = kept
    return removed


def _copy_some(items: SetValue, target: object, offset: int, count: int) -> None:
    if offset < 0 or count < 0:
        raise out_of_range("arrayIndex" if offset < 0 else "count", "Non-negative number required.")
    if target is not None and offset + count > len(target):  # type: ignore[arg-type]
        message = "Destination array is not long enough to copy all the items in the collection."
        raise thrown("ArgumentException", f"{message} Check array index and length.")
    copy_items(list(items.data.values())[:count], target, offset)


def _try_get(items: SetValue, item: object, out: object) -> bool:
    norm = items.norm(item)
    known = norm in items.data
    out.value = items.data[norm] if known else items.element.default  # type: ignore[attr-defined]
    return known


_TABLE: dict[str, object] = {
    "void UnionWith(IEnumerable<T> other)": _combined(_union),
    "void IntersectWith(IEnumerable<T> other)": _combined(
        lambda items, others: [item for key, item in items.data.items() if key in others]
    ),
    "void ExceptWith(IEnumerable<T> other)": _combined(
        lambda items, others: [item for key, item in items.data.items() if key not in others]
    ),
    "void SymmetricExceptWith(IEnumerable<T> other)": _combined(_symmetric),
    "bool IsSubsetOf(IEnumerable<T> other)": lambda items, other: set(items.data) <= _keys(items, other),
    "bool IsSupersetOf(IEnumerable<T> other)": lambda items, other: set(items.data) >= _keys(items, other),
    "bool IsProperSubsetOf(IEnumerable<T> other)": lambda items, other: set(items.data) < _keys(items, other),
    "bool IsProperSupersetOf(IEnumerable<T> other)": lambda items, other: set(items.data) > _keys(items, other),
    "bool Overlaps(IEnumerable<T> other)": lambda items, other: not _keys(items, other).isdisjoint(items.data),
    "bool SetEquals(IEnumerable<T> other)": lambda items, other: set(items.data) == _keys(items, other),
}
define("System.Collections.Generic.ISet", {**_TABLE, "bool Add(T item)": SetValue.add}, parameters=("T",),
       kind="interface")  # fmt: skip
define("System.Collections.Generic.HashSet", {
    **_TABLE,
    "int RemoveWhere(Predicate<T> match)": _remove_where,
    "void CopyTo(T[] array)": copy_to,
    "void CopyTo(T[] array, int arrayIndex)": copy_to,
    "void CopyTo(T[] array, int arrayIndex, int count)": _copy_some,
    "free bool TryGetValue(T equalValue, out T actualValue)": _try_get,
    "free void TrimExcess()": lambda _items: None,
}, parameters=("T",))  # fmt: skip
