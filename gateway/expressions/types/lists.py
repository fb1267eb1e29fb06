"""List, HashSet, Queue, Stack, arrays and the collection interfaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cmp_to_key, partial
from typing import Any

from gateway.expressions import primitives as p
from gateway.expressions.clr import ARRAY, OBJECT, Type, definition_of, make
from gateway.expressions.collections import ArrayValue, array_index, check_capacity, checked_index
from gateway.expressions.equality import equal, key_of
from gateway.expressions.limits import charge, tick_many, worked
from gateway.expressions.ordering import order, sorting
from gateway.expressions.runtime import iterate, represent, type_of
from gateway.expressions.signatures import define
from gateway.expressions.thrown import Thrown, argument_null, modified, out_of_range, thrown
from gateway.expressions.types.comparers import Comparer
from gateway.expressions.values import Byte, Int64, Ref

COMPARISON_S = 5e-7

Test = Callable[[object], bool]


class ListValue(list[object]):
    """``List<T>``."""

    __slots__ = ("element",)

    def __init__(self, items: Iterable[object] = (), element: Type = OBJECT) -> None:
        super().__init__(items)
        self.element = element


class SetValue:
    """``HashSet<T>``: insertion order, keys through a comparer."""

    __slots__ = ("comparer", "data", "element")

    def __init__(self, element: Type, comparer: Comparer | None = None) -> None:
        self.element = element
        self.comparer = comparer
        self.data: dict[object, object] = {}

    def norm(self, item: object) -> object:
        """The form in which items are compared."""
        return key_of(item) if self.comparer is None else self.comparer.norm(item)

    def add(self, item: object) -> bool:
        """Whether the item was new."""
        norm = self.norm(item)
        fresh = norm not in self.data
        if fresh:
            self.data[norm] = item
        return fresh

    def __iter__(self) -> Iterable[object]:
        return iter(list(self.data.values()))


class QueueValue(ListValue):
    """``Queue<T>``."""

    __slots__ = ()


class StackValue(ListValue):
    """``Stack<T>``; the last item of the list is the top."""

    __slots__ = ()


def walked(items: list[object]) -> Iterator[object]:
    """The items, as long as none is added or removed meanwhile."""
    size = len(items)
    for item in list.__iter__(items):
        yield item
        if len(items) != size:
            raise modified()


def _typed(name: str) -> Callable[[object], Type]:
    def made(value: object) -> Type:
        definition = definition_of(name, 1)
        return make(definition, value.element)  # type: ignore[attr-defined]

    return made


def _position(items: list[object], item: object, start: int = 0) -> int:
    return next((index for index in range(start, len(items)) if equal(items[index], item)), -1)


def _remove(items: list[object], item: object) -> bool:
    position = _position(items, item)
    if position >= 0:
        del items[position]
    return position >= 0


def _insert(items: list[object], index: int, item: object) -> None:
    if not 0 <= index <= len(items):
        raise out_of_range("index", "Index must be within the bounds of the List.")
    items.insert(index, item)


def _range(items: ListValue, start: int, count: int) -> ListValue:
    if start < 0 or count < 0:
        raise out_of_range("index" if start < 0 else "count", "Non-negative number required.")
    if start + count > len(items):
        raise thrown(
            "ArgumentException",
            "Offset and length were out of bounds for the array or count is greater than the number of elements "
            "from index to the end of the source collection.",
        )
    return ListValue(items[start : start + count], items.element)


def _insert_range(items: list[object], index: int, more: object) -> None:
    if more is None:
        raise argument_null("collection")
    if not 0 <= index <= len(items):
        raise out_of_range(
            "index", "Index was out of range. Must be non-negative and less than the size of the collection."
        )
    items[index:index] = list(iterate(more))


def _remove_range(items: ListValue, start: int, count: int) -> None:
    _range(items, start, count)
    del items[start : start + count]


def _add_range(items: list[object], more: object) -> None:
    if more is None:
        raise argument_null("collection")
    fresh = list(iterate(more))
    tick_many(len(fresh))
    charge(len(items) + len(fresh))
    items += fresh


def _new_list(types: tuple[Type, ...], *source: object) -> ListValue:
    if source and source[0] is None:
        raise argument_null("collection")
    if not source or isinstance(source[0], int):
        for capacity in source:
            check_capacity(capacity)  # type: ignore[arg-type]
        return ListValue((), types[0])
    return ListValue(iterate(source[0]), types[0])


def _remove_all(items: list[object], test: Test) -> int:
    kept = [item for item in items if not test(item)]
    removed = len(items) - len(kept)
    items[:] = kept
    return removed


def _sort(items: list[object], comparison: Callable[[object, object], int] | Comparer | None = None) -> None:
    compare_items = comparison.compare if isinstance(comparison, Comparer) else comparison or order
    sort(items, cmp_to_key(sorting(compare_items)))  # type: ignore[arg-type]


def sort(items: list[object], key: Callable[[object], Any], descending: bool = False) -> None:
    """Sort *items* in place by the result of *key*."""
    tick_many(len(items))
    comparisons = len(items) * len(items).bit_length()
    worked(comparisons * COMPARISON_S, partial(items.sort, key=key, reverse=descending))


def _for_each(items: Iterable[object], action: Callable[[object], object]) -> None:
    for item in items:
        action(item)


def _get(items: list[object], index: int) -> object:
    return items[checked_index(index, len(items))]


def _set(items: list[object], index: int, value: object) -> None:
    items[checked_index(index, len(items))] = value


def _get_array(items: list[object], index: int) -> object:
    item = items[array_index(index, len(items))]
    return Byte(item) if isinstance(items, bytes | bytearray) else item


def _set_array(items: list[object], index: int, value: object) -> None:
    if isinstance(items, bytes):
        raise thrown(
            "NotSupportedException", "This byte array comes from outside the expression and cannot be changed."
        )
    items[array_index(index, len(items))] = value


def find_first(types: tuple[Type, ...], items: Iterable[object], test: Test) -> object:
    """The first item that passes, or the default."""
    return next((item for item in items if test(item)), types[0].default)


def find_last(types: tuple[Type, ...], items: list[object], test: Test) -> object:
    """The last item that passes, or the default."""
    return find_first(types, reversed(items), test)


def _find_index(items: Iterable[object], test: Test) -> int:
    return next((index for index, item in enumerate(items) if test(item)), -1)


def _find_last_index(items: list[object], test: Test) -> int:
    return next((index for index in range(len(items) - 1, -1, -1) if test(items[index])), -1)


def _last_position(items: list[object], item: object) -> int:
    return next((index for index in range(len(items) - 1, -1, -1) if equal(items[index], item)), -1)


def _binary_search(items: list[object], item: object) -> int:
    return binary_search(items, item, range(len(items)), order)


def binary_search(
    items: Sequence[object], item: object, places: range, compare: Callable[[object, object], int]
) -> int:
    """The place of *item* among *places*, or the complement of the place where it would be."""
    low, high = places.start, places.stop - 1
    while low <= high:
        middle = (low + high) // 2
        sign = compare(items[middle], item)
        if sign == 0:
            return middle
        low, high = (middle + 1, high) if sign < 0 else (low, middle - 1)
    return ~low


def _count(value: object) -> int:
    return len(value) if hasattr(value, "__len__") else sum(1 for _ in iterate(value))


def _contains(value: object, item: object) -> bool:
    if isinstance(value, SetValue):
        return value.norm(item) in value.data
    return any(equal(other, item) for other in iterate(value))


def _convert_all(types: tuple[Type, ...], items: Iterable[object], convert: Callable[[object], object]) -> ListValue:
    return ListValue([convert(item) for item in items], types[0])


def _growing(items: Any) -> bool:
    """Whether *items* may grow and shrink; those of an array, which is an IList too, may not."""
    if type_of(items).definition is ARRAY:
        raise thrown("NotSupportedException", "Collection was of a fixed size.")
    return True


def _insert_growing(items: list[object], index: int, item: object) -> None:
    _growing(items)
    _insert(items, index, item)


def _add(items: Any, item: object) -> None:
    if isinstance(items, SetValue):
        items.add(item)
    elif _growing(items):
        items.append(item)


define("System.Collections.Generic.IEnumerator", parameters=("T",), kind="interface")
define("System.Collections.Generic.IReadOnlyCollection", {"int Count": _count}, parameters=("T",), kind="interface",
       parents=("IEnumerable<T>",))  # fmt: skip
define("System.Collections.Generic.ICollection", {
    "free int Count": _count,
    "free void Add(T item)": _add,
    "bool Remove(T item)": lambda items, item: _growing(items) and _remove(items, item),
    "bool Contains(T item)": _contains,
    "free void Clear()": lambda items: _growing(items) and items.clear(),
}, parameters=("T",), kind="interface", parents=("IEnumerable<T>",))  # fmt: skip
define("System.Collections.Generic.IReadOnlyList", {"T this[int index]": _get_array}, parameters=("T",),
       kind="interface", parents=("IReadOnlyCollection<T>",))  # fmt: skip
define("System.Collections.Generic.IList", {
    "free T this[int index]": (_get_array, _set_array),
    "int IndexOf(T item)": _position,
    "void Insert(int index, T item)": _insert_growing,
    "void RemoveAt(int index)":
        lambda items, index: _growing(items) and items.__delitem__(checked_index(index, len(items))),
}, parameters=("T",), kind="interface", parents=("ICollection<T>",))  # fmt: skip
define("System.Collections.Generic.ISet", parameters=("T",), kind="interface", parents=("ICollection<T>",))
define("System.Collections.Generic.List", {
    "generic new()": _new_list,
    "generic new(int capacity)": _new_list,
    "generic new(IEnumerable<T> collection)": _new_list,
    "free T this[int index]": (_get, _set),
    "free int Count": len,
    "free int Capacity": len,
    "free void Add(T item)": list.append,
    "void AddRange(IEnumerable<T> collection)": _add_range,
    "void InsertRange(int index, IEnumerable<T> collection)": _insert_range,
    "List<T> GetRange(int index, int count)": _range,
    "void RemoveRange(int index, int count)": _remove_range,
    "int RemoveAll(Predicate<T> match)": _remove_all,
    "void Sort()": _sort,
    "void Sort(Comparison<T> comparison)": _sort,
    "void Sort(IComparer<T> comparer)": _sort,
    "void Reverse()": list.reverse,
    "void ForEach(Action<T> action)": _for_each,
    "generic T Find(Predicate<T> match)": find_first,
    "generic List<T> FindAll(Predicate<T> match)": lambda types, items, test: ListValue(
        [item for item in items if test(item)], types[0]
    ),
    "generic T FindLast(Predicate<T> match)": find_last,
    "int FindIndex(Predicate<T> match)": _find_index,
    "bool Exists(Predicate<T> match)": lambda items, test: any(test(item) for item in items),
    "bool TrueForAll(Predicate<T> match)": lambda items, test: all(test(item) for item in items),
    "int LastIndexOf(T item)": _last_position,
    "int FindLastIndex(Predicate<T> match)": _find_last_index,
    "int BinarySearch(T item)": _binary_search,
    "T[] ToArray()": lambda items: to_array(items, items.element),
    "generic List<R> ConvertAll<R>(Converter<T, R> converter)": _convert_all,
    "free IReadOnlyList<T> AsReadOnly()": lambda items: items,
}, parameters=("T",), parents=("IList<T>", "IReadOnlyList<T>"))  # fmt: skip


def to_array(items: Iterable[object], element: Type) -> object:
    """``T[]`` of the items."""
    if element is p.BYTE:
        return bytearray(items)  # type: ignore[arg-type]
    return ArrayValue(items, element)


def _new_set(types: tuple[Type, ...], source: object = None, comparer: Comparer | None = None) -> SetValue:
    if isinstance(source, Comparer):
        source, comparer = None, source
    distinct = SetValue(types[0], comparer)
    for item in iterate(source) if source is not None else ():
        distinct.add(item)
    return distinct


def _combine(keep: Callable[[SetValue, SetValue], list[object]]) -> Callable[[SetValue, object], None]:
    def change(items: SetValue, other: object) -> None:
        more = _new_set((items.element,), other, items.comparer)
        kept = keep(items, more)
        items.data = {items.norm(item): item for item in kept}

    return change


def _subset(items: SetValue, other: object) -> bool:
    return set(items.data) <= {items.norm(item) for item in iterate(other)}


define("System.Collections.Generic.HashSet", {
    "generic new()": _new_set,
    "generic new(IEnumerable<T> collection)": _new_set,
    "generic new(IEqualityComparer<T> comparer)": _new_set,
    "generic new(IEnumerable<T> collection, IEqualityComparer<T> comparer)": _new_set,
    "free int Count": lambda items: len(items.data),
    "free bool Add(T item)": SetValue.add,
    "free bool Contains(T item)": _contains,
    "free bool Remove(T item)": lambda items, item: items.data.pop(items.norm(item), items) is not items,
    "free void Clear()": lambda items: items.data.clear(),
    "void UnionWith(IEnumerable<T> other)": _combine(lambda own, other: [*own.data.values(), *other.data.values()]),
    "void IntersectWith(IEnumerable<T> other)":
        _combine(lambda own, other: [value for key, value in own.data.items() if key in other.data]),
    "void ExceptWith(IEnumerable<T> other)":
        _combine(lambda own, other: [value for key, value in own.data.items() if key not in other.data]),
    "bool Overlaps(IEnumerable<T> other)":
        lambda items, other: any(items.norm(i) in items.data for i in iterate(other)),
    "bool IsSubsetOf(IEnumerable<T> other)": _subset,
    "bool IsSupersetOf(IEnumerable<T> other)": lambda items, other: all(
        items.norm(item) in items.data for item in iterate(other)
    ),
    "bool SetEquals(IEnumerable<T> other)": lambda items, other: set(items.data) == {
        items.norm(item) for item in iterate(other)
    },
}, parameters=("T",), parents=("ISet<T>", "IReadOnlyCollection<T>"))  # fmt: skip


def _empty(kind: str) -> Thrown:
    return thrown("InvalidOperationException", f"{kind} empty.")


def _take(items: list[object], position: int, kind: str, remove: bool) -> object:
    if not items:
        raise _empty(kind)
    return items.pop(position) if remove else items[position]


def _try_take(items: ListValue, out: Ref, position: int, remove: bool) -> bool:
    if not items:
        out.value = items.element.default
        return False
    out.value = items.pop(position) if remove else items[position]
    return True


define("System.Collections.Generic.Queue", {
    "generic new()": lambda types: QueueValue([], types[0]),
    "generic new(IEnumerable<T> collection)": lambda types, source: QueueValue(iterate(source), types[0]),
    "free int Count": len,
    "free void Enqueue(T item)": list.append,
    "free T Dequeue()": lambda items: _take(items, 0, "Queue", True),
    "free T Peek()": lambda items: _take(items, 0, "Queue", False),
    "free bool TryDequeue(out T result)": lambda items, out: _try_take(items, out, 0, True),
    "free bool TryPeek(out T result)": lambda items, out: _try_take(items, out, 0, False),
    "bool Contains(T item)": _contains,
    "free void Clear()": list.clear,
    "T[] ToArray()": lambda items: to_array(items, items.element),
}, parameters=("T",), parents=("IReadOnlyCollection<T>",))  # fmt: skip
define("System.Collections.Generic.Stack", {
    "generic new()": lambda types: StackValue([], types[0]),
    "generic new(IEnumerable<T> collection)": lambda types, source: StackValue(iterate(source), types[0]),
    "free int Count": len,
    "free void Push(T item)": list.append,
    "free T Pop()": lambda items: _take(items, -1, "Stack", True),
    "free T Peek()": lambda items: _take(items, -1, "Stack", False),
    "free bool TryPop(out T result)": lambda items, out: _try_take(items, out, -1, True),
    "free bool TryPeek(out T result)": lambda items, out: _try_take(items, out, -1, False),
    "bool Contains(T item)": _contains,
    "free void Clear()": list.clear,
    "T[] ToArray()": lambda items: to_array(reversed(items), items.element),
}, parameters=("T",), parents=("IReadOnlyCollection<T>",))  # fmt: skip
represent(ListValue, _typed("System.Collections.Generic.List"), walked)
represent(SetValue, _typed("System.Collections.Generic.HashSet"), iter)
represent(QueueValue, _typed("System.Collections.Generic.Queue"), walked)
represent(StackValue, _typed("System.Collections.Generic.Stack"), reversed)


def _array_sort(items: list[object], comparison: Callable[[object, object], int] | None = None) -> None:
    _sort(items, comparison)


def _copy(source: list[object], start: int, target: list[object], offset: int, length: int) -> None:
    if min(start, offset, length) < 0 or start + length > len(source) or offset + length > len(target):
        raise thrown(
            "ArgumentException",
            "Source array was not long enough. Check the source index, length, and the array's lower bounds.",
        )
    target[offset : offset + length] = source[start : start + length]


define("System.Array", {
    "free int Length": len,
    "free int Rank": lambda _items: 1,
    "free int GetLength(int dimension)": lambda items, dimension: (array_index(dimension, 1), len(items))[1],
    "free int GetUpperBound(int dimension)": lambda items, dimension: (array_index(dimension, 1), len(items) - 1)[1],
    "free int GetLowerBound(int dimension)": lambda _items, dimension: array_index(dimension, 1),
    "free long LongLength": lambda items: Int64(len(items)),
    "static int LastIndexOf<T>(T[] array, T value)": _last_position,
    "static int FindLastIndex<T>(T[] array, Predicate<T> match)": _find_last_index,
    "static void Fill<T>(T[] array, T value)": lambda items, value: items.__setitem__(
        slice(None), [value] * len(items)
    ),
    "static int BinarySearch<T>(T[] array, T value)": _binary_search,
    "static void Clear(Array array)": lambda items: items.__setitem__(
        slice(None), [type_of(items).args[0].default] * len(items)
    ),
    "free object GetValue(int index)": _get_array,
    "object Clone()": lambda items: bytearray(items)
    if isinstance(items, bytes | bytearray)
    else ArrayValue(items, items.element if isinstance(items, ArrayValue) else OBJECT),
    "void CopyTo(Array array, int index)": lambda items, target, offset: _copy(items, 0, target, offset, len(items)),
    "static bool Exists<T>(T[] array, Predicate<T> match)": lambda items, test: any(test(item) for item in items),
    "static bool TrueForAll<T>(T[] array, Predicate<T> match)": lambda items, test: all(test(item) for item in items),
    "static generic T Find<T>(T[] array, Predicate<T> match)": find_first,
    "static generic T FindLast<T>(T[] array, Predicate<T> match)": find_last,
    "static generic T[] FindAll<T>(T[] array, Predicate<T> match)": lambda types, items, test: to_array(
        [item for item in items if test(item)], types[0]
    ),
    "static int FindIndex<T>(T[] array, Predicate<T> match)": _find_index,
    "static int IndexOf<T>(T[] array, T value)": _position,
    "static int IndexOf<T>(T[] array, T value, int startIndex)": _position,
    "static void ForEach<T>(T[] array, Action<T> action)": _for_each,
    "static generic R[] ConvertAll<T, R>(T[] array, Converter<T, R> converter)": lambda types, items, convert: to_array(
        [convert(item) for item in items], types[1]
    ),
    "static void Reverse(Array array)": lambda items: items.reverse(),
    "static void Reverse<T>(T[] array)": lambda items: items.reverse(),
    "static void Sort(Array array)": _array_sort,
    "static void Sort<T>(T[] array)": _array_sort,
    "static void Sort<T>(T[] array, Comparison<T> comparison)": _array_sort,
    "static void Copy(Array sourceArray, Array destinationArray, int length)":
        lambda source, target, length: _copy(source, 0, target, 0, length),
    "static void Copy(Array sourceArray, int sourceIndex, Array destinationArray, int destinationIndex, int length)":
        _copy,
    "static void Clear(Array array, int index, int length)": lambda items, index, length: items.__setitem__(
        slice(index, index + length), [type_of(items).args[0].default] * length
    ),
    "free static generic T[] Empty<T>()": lambda types: to_array([], types[0]),
}, parents=("System.Collections.IEnumerable",))  # fmt: skip
ARRAY.table.update({
    "free int Length": len,
    "free T this[int index]": (_get_array, _set_array),
})  # fmt: skip
