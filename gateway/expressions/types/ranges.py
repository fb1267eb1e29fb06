"""Members of arrays and ``List<T>`` that work on a part of them: search, sort, reverse, fill, copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cmp_to_key

from gateway.expressions import primitives as p
from gateway.expressions.clr import ARRAY, definition_of
from gateway.expressions.collections import array_index
from gateway.expressions.equality import equal
from gateway.expressions.ordering import order, sorting
from gateway.expressions.runtime import assignable, iterate, type_of
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, out_of_range, thrown
from gateway.expressions.types.comparers import Comparer
from gateway.expressions.types.lists import ListValue, binary_search, sort
from gateway.expressions.values import EnumValue

Test = Callable[[object], bool]
_ARRAY_INDEX = "Index was out of range. Must be non-negative and less than or equal to the size of the collection."
_COUNT = "Count must be positive and count must refer to a location within the string/array/collection."
_OFFSET = (
    "Offset and length were out of bounds for the array or count is greater than the number of elements from index to "
    "the end of the source collection."
)
_TOO_SHORT = (
    "Destination array was not long enough. Check the destination index, length, and the array's lower bounds. "
    "(Parameter 'destinationArray')"
)


def _walked(items: object) -> Sequence[object]:
    """The items, each with its type: those of a ``byte[]`` are no Int32."""
    return list(iterate(items)) if isinstance(items, bytes | bytearray) else items  # type: ignore[return-value]


def _not_null(items: object, name: str = "array") -> Sequence[object]:
    if items is None:
        raise argument_null(name)
    return _walked(items)


def _forward(items: Sequence[object], start: int, count: int | None) -> range:
    """The places from *start* on, as ``IndexOf`` checks them."""
    if not 0 <= start <= len(items):
        raise out_of_range("startIndex", _ARRAY_INDEX)
    if count is None:
        count = len(items) - start
    if not 0 <= count <= len(items) - start:
        raise out_of_range("count", _COUNT)
    return range(start, start + count)


def _backward(items: Sequence[object], start: int, count: int | None) -> range:
    """The places from *start* down, as ``Array.LastIndexOf`` checks them."""
    if not items:
        if start not in (-1, 0):
            raise out_of_range("startIndex", _ARRAY_INDEX)
        if count:
            raise out_of_range("count", _COUNT)
        return range(0)
    if not 0 <= start < len(items):
        raise out_of_range("startIndex", _ARRAY_INDEX)
    if count is None:
        count = start + 1
    if not 0 <= count <= start + 1:
        raise out_of_range("count", _COUNT)
    return range(start, start - count, -1)


def _place(items: Sequence[object], places: range, item: object) -> int:
    return next((place for place in places if equal(items[place], item)), -1)


def _match(items: Sequence[object], places: range, test: Test) -> int:
    return next((place for place in places if test(items[place])), -1)


def index_of(array: object, item: object, start: int = 0, count: int | None = None) -> int:
    """``Array.IndexOf``."""
    items = _not_null(array)
    return _place(items, _forward(items, start, count), item)


def last_index_of(array: object, item: object, start: int | None = None, count: int | None = None) -> int:
    """``Array.LastIndexOf``."""
    items = _not_null(array)
    return _place(items, _backward(items, len(items) - 1 if start is None else start, count), item)


def _find_index(array: object, start: int, *rest: object) -> int:
    items = _not_null(array)
    count, test = rest if len(rest) > 1 else (None, rest[0])
    return _match(items, _forward(items, start, count), _predicate(test))  # type: ignore[arg-type]


def _find_last_index(array: object, start: int, *rest: object) -> int:
    items = _not_null(array)
    count, test = rest if len(rest) > 1 else (None, rest[0])
    predicate = _predicate(test)
    if not items and start != -1:
        raise out_of_range("startIndex", _ARRAY_INDEX)
    return _match(items, _backward(items, start, count), predicate)  # type: ignore[arg-type]


def _predicate(test: object) -> Test:
    if test is None:
        raise argument_null("match")
    return test  # type: ignore[return-value]


def _list_last_index_of(items: ListValue, item: object, start: int, count: int | None = None) -> int:
    if not items and (count is not None or start < 0):
        return -1
    if not 0 <= start < len(items):
        raise out_of_range("index", _ARRAY_INDEX)
    return _place(items, _backward(items, start, count), item)


def part(items: Sequence[object], start: int, count: int, first: str = "index", second: str = "length") -> slice:
    """The slice of *count* items from *start*. Raises .NET's exceptions where it is not inside of *items*."""
    if start < 0 or count < 0:
        raise out_of_range(first if start < 0 else second, "Non-negative number required.")
    if len(items) - start < count:
        raise thrown("ArgumentException", _OFFSET)
    return slice(start, start + count)


def _reverse(array: object, start: int, count: int) -> None:
    if array is None:
        raise argument_null("array")
    items: list[object] = array  # type: ignore[assignment]
    place = part(items, start, count)
    items[place] = items[place][::-1]


def _comparison(comparer: Comparer | None) -> Callable[[object, object], int]:
    return order if comparer is None else comparer.compare  # type: ignore[return-value]


def _sort(array: object, start: int, count: int, comparer: Comparer | None = None) -> None:
    if array is None:
        raise argument_null("array")
    items: list[object] = array  # type: ignore[assignment]
    place = part(items, start, count)
    chosen = list(_walked(items)[place])
    sort(chosen, cmp_to_key(sorting(_comparison(comparer))))
    items[place] = chosen


def _sort_pairs(keys: object, items: object, start: int = 0, count: int | None = None) -> None:
    """``Array.Sort(keys, items)``: the items go where their keys go."""
    if keys is None:
        raise argument_null("keys")
    ordered: list[object] = keys  # type: ignore[assignment]
    place = part(ordered, start, len(ordered) if count is None else count)
    if items is None:
        return _sort(ordered, place.start, place.stop - place.start)
    follow: list[object] = items  # type: ignore[assignment]
    if len(follow) < place.stop:
        raise thrown("ArgumentException", _OFFSET)
    rank = cmp_to_key(sorting(order))
    pairs: list[object] = list(zip(_walked(ordered)[place], _walked(follow)[place], strict=True))
    sort(pairs, lambda pair: rank(pair[0]))  # type: ignore[index]
    ordered[place] = [pair[0] for pair in pairs]  # type: ignore[index]
    follow[place] = [pair[1] for pair in pairs]  # type: ignore[index]
    return None


def _search(array: object, start: int, count: int, item: object, comparer: Comparer | None = None) -> int:
    items = _not_null(array)
    part(items, start, count)
    return binary_search(items, item, range(start, start + count), _comparison(comparer))


def _search_all(array: object, item: object, comparer: Comparer | None) -> int:
    return _search(array, 0, len(_not_null(array)), item, comparer)


def _fill(array: object, item: object, start: int, count: int) -> None:
    if array is None:
        raise argument_null("array")
    items: list[object] = array  # type: ignore[assignment]
    if not 0 <= start <= len(items):
        raise out_of_range("startIndex", _ARRAY_INDEX)
    if not 0 <= count <= len(items) - start:
        raise out_of_range("count", _COUNT)
    items[start : start + count] = [item] * count


def copy_to(source: object, target: object, offset: int = 0) -> None:
    """``CopyTo`` of a collection."""
    copy_items(list(iterate(source)), target, offset)


def copy_items(items: Sequence[object], target: object, offset: int) -> None:
    """Put *items* into the array *target* from *offset* on."""
    if target is None:
        raise argument_null("destinationArray")
    if offset < 0:
        raise out_of_range("destinationIndex", "Non-negative number required.")
    room: list[object] = target  # type: ignore[assignment]
    if offset + len(items) > len(room):
        raise thrown("ArgumentException", _TOO_SHORT, "destinationArray")
    room[offset : offset + len(items)] = items


def _copy_line(source: object, target: object, offset: int) -> None:
    """``CopyTo`` of a queue or a stack, whose check of the place is another one."""
    if target is None:
        raise argument_null("array")
    if not 0 <= offset <= len(target):  # type: ignore[arg-type]
        raise out_of_range("arrayIndex", _ARRAY_INDEX)
    items = list(iterate(source))
    if len(items) > len(target) - offset:  # type: ignore[arg-type]
        raise thrown("ArgumentException", _OFFSET)
    copy_items(items, target, offset)


def _copy_part(source: ListValue, start: int, target: object, offset: int, count: int) -> None:
    if len(source) - start < count:
        raise thrown("ArgumentException", _OFFSET)
    if target is None:
        raise argument_null("destinationArray")
    copy_items(source[part(source, start, count, "sourceIndex")], target, offset)


def _slice(items: ListValue, start: int, count: int) -> ListValue:
    return ListValue(items[part(items, start, count, "index", "count")], items.element)


def _same_array(array: object) -> object:
    if array is None:
        raise argument_null("array")
    return array


def _set_value(items: list[object], value: object, index: int) -> None:
    array_index(index, len(items))
    element = type_of(items).args[0]
    if isinstance(value, EnumValue) and element is p.INT:
        value = value.value
    if value is None or assignable(type_of(value), element):
        items[index] = element.default if value is None else value
        return
    if element in p.NUMERIC and type_of(value) in (*p.NUMERIC, p.BOOL):
        message = "Cannot widen from source type to target type either because the source type is a not a primitive"
        raise thrown("ArgumentException", f"{message} type or the conversion cannot be accomplished.")
    raise thrown("InvalidCastException", "Object cannot be stored in an array of this type.")


define("System.Array", {
    "void SetValue(object value, int index)": _set_value,
    "static int IndexOf<T>(T[] array, T value)": index_of,
    "static int IndexOf<T>(T[] array, T value, int startIndex)": index_of,
    "static int IndexOf<T>(T[] array, T value, int startIndex, int count)": index_of,
    "static int IndexOf(Array array, object value)": index_of,
    "static int IndexOf(Array array, object value, int startIndex)": index_of,
    "static int IndexOf(Array array, object value, int startIndex, int count)": index_of,
    "static int LastIndexOf<T>(T[] array, T value)": last_index_of,
    "static int LastIndexOf<T>(T[] array, T value, int startIndex)": last_index_of,
    "static int LastIndexOf<T>(T[] array, T value, int startIndex, int count)": last_index_of,
    "static int FindIndex<T>(T[] array, int startIndex, Predicate<T> match)": _find_index,
    "static int FindIndex<T>(T[] array, int startIndex, int count, Predicate<T> match)": _find_index,
    "static int FindLastIndex<T>(T[] array, int startIndex, Predicate<T> match)": _find_last_index,
    "static int FindLastIndex<T>(T[] array, int startIndex, int count, Predicate<T> match)": _find_last_index,
    "static void Reverse(Array array, int index, int length)": _reverse,
    "static void Reverse<T>(T[] array, int index, int length)": _reverse,
    "own static void Sort(Array array, int index, int length)": _sort,
    "own static void Sort<T>(T[] array, int index, int length)": _sort,
    "own static void Sort<T>(T[] array, IComparer<T> comparer)":
        lambda items, comparer: _sort(items, 0, len(_not_null(items)), comparer),
    "own static void Sort<T>(T[] array, int index, int length, IComparer<T> comparer)": _sort,
    "own static void Sort(Array keys, Array items)": _sort_pairs,
    "own static void Sort<K, V>(K[] keys, V[] items)": _sort_pairs,
    "own static void Sort<K, V>(K[] keys, V[] items, int index, int length)": _sort_pairs,
    "static int BinarySearch<T>(T[] array, int index, int length, T value)": _search,
    "static int BinarySearch<T>(T[] array, T value, IComparer<T> comparer)": _search_all,
    "static int BinarySearch<T>(T[] array, int index, int length, T value, IComparer<T> comparer)": _search,
    "static void Fill<T>(T[] array, T value, int startIndex, int count)": _fill,
    "free static IReadOnlyList<T> AsReadOnly<T>(T[] array)": _same_array,
    "free bool IsReadOnly": lambda _array: False,
    "free bool IsFixedSize": lambda _array: True,
    "free bool IsSynchronized": lambda _array: False,
})  # fmt: skip
define("System.Collections.Generic.ICollection", {
    "void CopyTo(T[] array, int arrayIndex)": copy_to,
    "free bool IsReadOnly": lambda items: type_of(items).definition is ARRAY,
}, parameters=("T",), kind="interface")  # fmt: skip
for _name in ("List", "HashSet"):
    definition_of(f"System.Collections.Generic.{_name}", 1).explicit = frozenset({"IsReadOnly"})
define("System.Collections.Generic.List", {
    "void CopyTo(T[] array)": copy_to,
    "void CopyTo(T[] array, int arrayIndex)": copy_to,
    "void CopyTo(int index, T[] array, int arrayIndex, int count)": _copy_part,
    "int IndexOf(T item, int index)": index_of,
    "int IndexOf(T item, int index, int count)": index_of,
    "int LastIndexOf(T item, int index)": _list_last_index_of,
    "int LastIndexOf(T item, int index, int count)": _list_last_index_of,
    "int FindIndex(int startIndex, Predicate<T> match)": _find_index,
    "int FindIndex(int startIndex, int count, Predicate<T> match)": _find_index,
    "int FindLastIndex(int startIndex, Predicate<T> match)": _find_last_index,
    "int FindLastIndex(int startIndex, int count, Predicate<T> match)": _find_last_index,
    "void Reverse(int index, int count)": _reverse,
    "own void Sort(int index, int count, IComparer<T> comparer)": _sort,
    "int BinarySearch(T item, IComparer<T> comparer)": _search_all,
    "List<T> Slice(int start, int length)": _slice,
    "free void TrimExcess()": lambda _items: None,
}, parameters=("T",))  # fmt: skip
define("System.Collections.Generic.Queue", {
    "void CopyTo(T[] array, int arrayIndex)": _copy_line,
    "free void TrimExcess()": lambda _items: None,
}, parameters=("T",))  # fmt: skip
define("System.Collections.Generic.Stack", {
    "void CopyTo(T[] array, int arrayIndex)": _copy_line,
    "free void TrimExcess()": lambda _items: None,
}, parameters=("T",))  # fmt: skip
