"""System.Linq.Enumerable: signatures; the operators are in ``gateway/expressions/linq``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from gateway.expressions import primitives as p
from gateway.expressions.collections import ArrayValue
from gateway.expressions.conversions import NUMERIC_CONVERTERS
from gateway.expressions.equality import key_of
from gateway.expressions.linq.folds import (
    aggregate,
    aggregate_seed,
    all_items,
    any_item,
    average_by,
    average_of,
    contains,
    count,
    element_at,
    element_at_or_default,
    extreme,
    extreme_by,
    first,
    first_or_default,
    last,
    last_or_default,
    otherwise,
    sequence_equal,
    single,
    single_or_default,
    sum_of,
)
from gateway.expressions.linq.keyed import (
    Lookup,
    group_by,
    group_elements,
    group_join,
    group_result,
    join,
    order_by,
    order_itself,
    then_by,
    to_dictionary,
    to_lookup,
    to_set,
)
from gateway.expressions.linq.lazy import (
    cast_items,
    chunk,
    concat,
    default_if_empty,
    distinct,
    distinct_by,
    except_by,
    except_items,
    intersect,
    intersect_by,
    lazy,
    number_range,
    of_type,
    repeated,
    reverse,
    select,
    select_indexed,
    select_many,
    skip,
    skip_last,
    take,
    take_last,
    union,
    union_by,
    walk,
    where,
    where_indexed,
    zip_items,
)
from gateway.expressions.signatures import define
from gateway.expressions.types.lists import ListValue, to_array


def _lazy(signature: str, build: Callable[..., Iterator[object]], position: int = 0) -> dict[str, object]:
    return {f"generic ext {signature}": lazy(build, position)}


define("System.Linq.IOrderedEnumerable", parameters=("T",), kind="interface", parents=("IEnumerable<T>",))
define("System.Linq.IGrouping", {"K Key": lambda grouping: grouping.key}, parameters=("K", "T"), kind="interface",
       parents=("IEnumerable<T>",))  # fmt: skip
define("System.Linq.ILookup", {
    "IEnumerable<T> this[K key]": Lookup.find,
    "int Count": len,
    "bool Contains(K key)": lambda lookup, key: key_of(key) in lookup.by_key,
}, parameters=("K", "T"), kind="interface", parents=("IEnumerable<IGrouping<K, T>>",))  # fmt: skip
_E = "IEnumerable<T> source"
_AVERAGES = {"decimal": "decimal", "int": "double", "long": "double", "double": "double", "float": "float"}
define("System.Linq.Enumerable", {
    **_lazy(f"IEnumerable<T> Where<T>({_E}, Func<T, bool> predicate)", where),
    **_lazy(f"IEnumerable<T> Where<T>({_E}, Func<T, int, bool> predicate)", where_indexed),
    **_lazy(f"IEnumerable<R> Select<T, R>({_E}, Func<T, R> selector)", select, 1),
    **_lazy(f"IEnumerable<R> Select<T, R>({_E}, Func<T, int, R> selector)", select_indexed, 1),
    **_lazy(f"IEnumerable<R> SelectMany<T, R>({_E}, Func<T, IEnumerable<R>> selector)", select_many, 1),
    **_lazy(f"IEnumerable<R> SelectMany<T, C, R>({_E}, Func<T, IEnumerable<C>> many, Func<T, C, R> result)",
            select_many, 2),
    **_lazy(f"IEnumerable<T> Distinct<T>({_E})", distinct),
    **_lazy(f"IEnumerable<T> Distinct<T>({_E}, IEqualityComparer<T> comparer)", distinct),
    **_lazy(f"IEnumerable<T> DistinctBy<T, K>({_E}, Func<T, K> keySelector)", distinct_by),
    **_lazy(f"IEnumerable<T> Except<T>({_E}, IEnumerable<T> second)", except_items),
    **_lazy(f"IEnumerable<T> Except<T>({_E}, IEnumerable<T> second, IEqualityComparer<T> comparer)", except_items),
    **_lazy(f"IEnumerable<T> Intersect<T>({_E}, IEnumerable<T> second)", intersect),
    **_lazy(f"IEnumerable<T> Intersect<T>({_E}, IEnumerable<T> second, IEqualityComparer<T> comparer)", intersect),
    **_lazy(f"IEnumerable<T> Union<T>({_E}, IEnumerable<T> second)", union),
    **_lazy(f"IEnumerable<T> Union<T>({_E}, IEnumerable<T> second, IEqualityComparer<T> comparer)", union),
    **_lazy(f"IEnumerable<T> Concat<T>({_E}, IEnumerable<T> second)", concat),
    **_lazy(f"IEnumerable<T> Append<T>({_E}, T element)", lambda source, item: itertools.chain(walk(source), [item])),
    **_lazy(f"IEnumerable<T> Prepend<T>({_E}, T element)", lambda source, item: itertools.chain([item], walk(source))),
    **_lazy(f"IEnumerable<T> Skip<T>({_E}, int count)", skip),
    **_lazy(f"IEnumerable<T> Take<T>({_E}, int count)", take),
    **_lazy(f"IEnumerable<T> SkipLast<T>({_E}, int count)", skip_last),
    **_lazy(f"IEnumerable<T> TakeLast<T>({_E}, int count)", take_last),
    **_lazy(f"IEnumerable<T> SkipWhile<T>({_E}, Func<T, bool> predicate)",
            lambda source, test: itertools.dropwhile(test, walk(source))),
    **_lazy(f"IEnumerable<T> TakeWhile<T>({_E}, Func<T, bool> predicate)",
            lambda source, test: itertools.takewhile(test, walk(source))),
    **_lazy(f"IEnumerable<T> Reverse<T>({_E})", reverse),
    **_lazy(f"IEnumerable<T> AsEnumerable<T>({_E})", walk),
    **_lazy(f"IEnumerable<R> Zip<T, U, R>({_E}, IEnumerable<U> second, Func<T, U, R> resultSelector)", zip_items, 2),
    **_lazy(f"IEnumerable<ValueTuple<T, U>> Zip<T, U>({_E}, IEnumerable<U> second)", zip_items, 9),
    **_lazy(f"IEnumerable<R> Join<T, U, K, R>({_E}, IEnumerable<U> inner, Func<T, K> outerKeySelector, "
            "Func<U, K> innerKeySelector, Func<T, U, R> resultSelector)", join, 3),
    **_lazy(f"IEnumerable<R> GroupJoin<T, U, K, R>({_E}, IEnumerable<U> inner, Func<T, K> outerKeySelector, "
            "Func<U, K> innerKeySelector, Func<T, IEnumerable<U>, R> resultSelector)", group_join, 3),
    **_lazy(f"IEnumerable<T> ExceptBy<T, K>({_E}, IEnumerable<K> second, Func<T, K> keySelector)", except_by),
    **_lazy(f"IEnumerable<T> IntersectBy<T, K>({_E}, IEnumerable<K> second, Func<T, K> keySelector)", intersect_by),
    **_lazy(f"IEnumerable<T> UnionBy<T, K>({_E}, IEnumerable<T> second, Func<T, K> keySelector)", union_by),
    f"generic ext IOrderedEnumerable<T> Order<T>({_E})": order_itself(False),
    f"generic ext IOrderedEnumerable<T> Order<T>({_E}, IComparer<T> comparer)": order_itself(False),
    f"generic ext IOrderedEnumerable<T> OrderDescending<T>({_E})": order_itself(True),
    f"generic ext IOrderedEnumerable<T> OrderDescending<T>({_E}, IComparer<T> comparer)": order_itself(True),
    f"generic ext IOrderedEnumerable<T> OrderBy<T, K>({_E}, Func<T, K> keySelector)": order_by(False),
    f"generic ext IOrderedEnumerable<T> OrderBy<T, K>({_E}, Func<T, K> keySelector, IComparer<K> comparer)":
        order_by(False),
    f"generic ext IOrderedEnumerable<T> OrderByDescending<T, K>({_E}, Func<T, K> keySelector)": order_by(True),
    f"generic ext IOrderedEnumerable<T> OrderByDescending<T, K>({_E}, Func<T, K> keySelector, IComparer<K> comparer)":
        order_by(True),
    "generic ext IOrderedEnumerable<T> ThenBy<T, K>(IOrderedEnumerable<T> source, Func<T, K> keySelector)":
        then_by(False),
    "generic ext IOrderedEnumerable<T> ThenByDescending<T, K>(IOrderedEnumerable<T> source, Func<T, K> keySelector)":
        then_by(True),
    f"generic ext IEnumerable<IGrouping<K, T>> GroupBy<T, K>({_E}, Func<T, K> keySelector)": group_by,
    f"generic ext IEnumerable<IGrouping<K, V>> GroupBy<T, K, V>({_E}, Func<T, K> keySelector, "
    "Func<T, V> elementSelector)": group_by,
    f"generic ext IEnumerable<R> GroupBy<T, K, R>({_E}, Func<T, K> keySelector, "
    "Func<K, IEnumerable<T>, R> resultSelector)": group_result,
    f"generic ext IEnumerable<R> GroupBy<T, K, V, R>({_E}, Func<T, K> keySelector, Func<T, V> elementSelector, "
    "Func<K, IEnumerable<V>, R> resultSelector)": group_elements,
    f"generic ext T First<T>({_E})": first,
    f"generic ext T First<T>({_E}, Func<T, bool> predicate)": first,
    f"generic ext T FirstOrDefault<T>({_E})": first_or_default,
    f"generic ext T FirstOrDefault<T>({_E}, Func<T, bool> predicate)": first_or_default,
    f"generic ext T FirstOrDefault<T>({_E}, T defaultValue)": first_or_default,
    f"generic ext T FirstOrDefault<T>({_E}, Func<T, bool> predicate, T defaultValue)": otherwise(first_or_default),
    f"generic ext T LastOrDefault<T>({_E}, Func<T, bool> predicate, T defaultValue)": otherwise(last_or_default),
    f"generic ext T SingleOrDefault<T>({_E}, Func<T, bool> predicate, T defaultValue)": otherwise(single_or_default),
    f"generic ext T Last<T>({_E})": last,
    f"generic ext T Last<T>({_E}, Func<T, bool> predicate)": last,
    f"generic ext T LastOrDefault<T>({_E})": last_or_default,
    f"generic ext T LastOrDefault<T>({_E}, Func<T, bool> predicate)": last_or_default,
    f"generic ext T Single<T>({_E})": single,
    f"generic ext T Single<T>({_E}, Func<T, bool> predicate)": single,
    f"generic ext T SingleOrDefault<T>({_E})": single_or_default,
    f"generic ext T SingleOrDefault<T>({_E}, Func<T, bool> predicate)": single_or_default,
    f"ext T ElementAt<T>({_E}, int index)": element_at,
    f"generic ext T ElementAtOrDefault<T>({_E}, int index)": element_at_or_default,
    f"ext bool Any<T>({_E})": any_item,
    f"ext bool Any<T>({_E}, Func<T, bool> predicate)": any_item,
    f"ext bool All<T>({_E}, Func<T, bool> predicate)": all_items,
    f"ext int Count<T>({_E})": count,
    f"ext int Count<T>({_E}, Func<T, bool> predicate)": count,
    f"ext long LongCount<T>({_E})": lambda source: NUMERIC_CONVERTERS[p.LONG](count(source)),
    f"ext long LongCount<T>({_E}, Func<T, bool> predicate)":
        lambda source, test: NUMERIC_CONVERTERS[p.LONG](count(source, test)),
    f"ext bool Contains<T>({_E}, T value)": contains,
    f"ext bool Contains<T>({_E}, T value, IEqualityComparer<T> comparer)": contains,
    f"ext bool SequenceEqual<T>({_E}, IEnumerable<T> second)": sequence_equal,
    f"ext T Aggregate<T>({_E}, Func<T, T, T> func)": aggregate,
    f"ext A Aggregate<T, A>({_E}, A seed, Func<A, T, A> func)": aggregate_seed,
    f"ext R Aggregate<T, A, R>({_E}, A seed, Func<A, T, A> func, Func<A, R> resultSelector)": aggregate_seed,
    f"numeric generic ext T Sum<T>({_E})": sum_of,
    f"numeric generic ext R Sum<T, R>({_E}, Func<T, R> selector)": sum_of,
    f"generic ext T Min<T>({_E})": extreme(-1),
    f"generic ext R Min<T, R>({_E}, Func<T, R> selector)": extreme(-1),
    f"generic ext T Max<T>({_E})": extreme(1),
    f"generic ext R Max<T, R>({_E}, Func<T, R> selector)": extreme(1),
    f"generic ext T MinBy<T, K>({_E}, Func<T, K> keySelector)": extreme_by(-1),
    f"generic ext T MaxBy<T, K>({_E}, Func<T, K> keySelector)": extreme_by(1),
    **{f"ext {result}{optional} Average(IEnumerable<{kind}{optional}> source)": average_of(optional != "")
       for optional in ("", "?") for kind, result in _AVERAGES.items()},
    f"numeric generic ext R Average<T, R>({_E}, Func<T, R> selector)": average_by,
    f"generic ext IEnumerable<T> DefaultIfEmpty<T>({_E})": default_if_empty,
    f"generic ext IEnumerable<T> DefaultIfEmpty<T>({_E}, T defaultValue)": default_if_empty,
    "generic ext IEnumerable<R> Cast<R>(IEnumerable source)": cast_items,
    "generic ext IEnumerable<R> OfType<R>(IEnumerable source)": of_type,
    f"generic ext T[] ToArray<T>({_E})": lambda types, source: to_array(walk(source), types[0]),
    f"generic ext List<T> ToList<T>({_E})": lambda types, source: ListValue(walk(source), types[0]),
    f"generic ext HashSet<T> ToHashSet<T>({_E})": to_set,
    f"generic ext HashSet<T> ToHashSet<T>({_E}, IEqualityComparer<T> comparer)": to_set,
    f"generic ext Dictionary<K, T> ToDictionary<T, K>({_E}, Func<T, K> keySelector)": to_dictionary,
    f"generic ext Dictionary<K, T> ToDictionary<T, K>({_E}, Func<T, K> keySelector, IEqualityComparer<K> comparer)":
        to_dictionary,
    f"generic ext Dictionary<K, V> ToDictionary<T, K, V>({_E}, Func<T, K> keySelector, Func<T, V> elementSelector)":
        to_dictionary,
    f"generic ext Dictionary<K, V> ToDictionary<T, K, V>({_E}, Func<T, K> keySelector, Func<T, V> elementSelector, "
    "IEqualityComparer<K> comparer)": to_dictionary,
    f"generic ext ILookup<K, T> ToLookup<T, K>({_E}, Func<T, K> keySelector)": to_lookup,
    f"generic ext ILookup<K, V> ToLookup<T, K, V>({_E}, Func<T, K> keySelector, Func<T, V> elementSelector)": to_lookup,
    f"generic ext IEnumerable<T[]> Chunk<T>({_E}, int size)": chunk,
    "static IEnumerable<int> Range(int start, int count)": number_range,
    "static generic IEnumerable<T> Repeat<T>(T element, int count)": repeated,
    "static generic IEnumerable<T> Empty<T>()": lambda types: ArrayValue([], types[0]),
}, kind="static", price="own")  # fmt: skip
