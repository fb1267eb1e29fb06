"""
``System.Random``: one with a seed gives .NET's own numbers, one without gives any.

Source: Knuth, "The Art of Computer Programming", volume 2, section 3.2.2: the subtractive method, as .NET uses it for
seeds (https://learn.microsoft.com/dotnet/api/system.random).
"""

from __future__ import annotations

import random
from collections.abc import Callable

from gateway.expressions.limits import charge
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, out_of_range
from gateway.expressions.values import Int64, to_single

MOST = 0x7FFFFFFF
SEED = 161_803_398
SIZE = 56


class RandomValue:
    """``System.Random``; *next* gives a number from zero up to one below *MOST*, *sample* a fraction."""

    __slots__ = ("next", "sample")

    def __init__(self, seed: int | None = None) -> None:
        self.next: Callable[[], int]
        self.sample: Callable[[], float]
        if seed is None:
            source = random.Random()  # noqa: S311
            self.next, self.sample = (lambda: source.randrange(MOST)), source.random
        else:
            self.next = _subtractive(seed)
            self.sample = lambda: self.next() * (1.0 / MOST)


def _table(seed: int) -> list[int]:
    table = [0] * SIZE
    last = SEED - min(abs(seed), MOST)
    table[55] = last
    following = 1
    place = 0
    for _ in range(1, 55):
        place = place + 21 if place + 21 < 55 else place + 21 - 55
        table[place] = following
        following = last - following
        following += MOST if following < 0 else 0
        last = table[place]
    for _ in range(4):
        for index in range(1, SIZE):
            other = index + 30 if index + 30 < 55 else index + 30 - 55
            table[index] = _wrapped(table[index] - table[1 + other])
            table[index] += MOST if table[index] < 0 else 0
    return table


def _wrapped(number: int) -> int:
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)


def _subtractive(seed: int) -> Callable[[], int]:
    table = _table(seed)
    first, second = 0, 21

    def following() -> int:
        nonlocal first, second
        first = first + 1 if first + 1 < SIZE else 1
        second = second + 1 if second + 1 < SIZE else 1
        number = table[first] - table[second]
        number -= number == MOST
        number += MOST if number < 0 else 0
        table[first] = number
        return number

    return following


def _next(value: RandomValue, *bounds: int) -> int:
    if not bounds:
        return value.next()
    low, high = (0, bounds[0]) if len(bounds) == 1 else bounds
    if high < low:
        raise _bad_bounds(len(bounds) == 1, high)
    span = high - low
    if span > MOST:
        return int(_large_sample(value) * span) + low
    return int(value.sample() * span) + low


def _large_sample(value: RandomValue) -> float:
    """For ranges wider than an int: two numbers make one."""
    number = value.next()
    number = -number if value.next() % 2 == 0 else number
    return (number + (MOST - 1)) / (2 * MOST - 1)


def _bad_bounds(single: bool, high: int) -> Exception:
    if single:
        return out_of_range("maxValue", f"maxValue ('{high}') must be a non-negative value.")
    return out_of_range("minValue", "'minValue' cannot be greater than maxValue.")


def _next_bytes(value: RandomValue, data: bytearray | None) -> None:
    if data is None:
        raise argument_null("buffer")
    charge(len(data))
    data[:] = bytes(value.next() & 0xFF for _ in data)


def _next_long(value: RandomValue, *bounds: int) -> Int64:
    low, high = (0, (1 << 63) - 1) if not bounds else (0, bounds[0]) if len(bounds) == 1 else bounds
    if high < low:
        raise _bad_bounds(len(bounds) == 1, high)
    return Int64(low if high == low else low + int(value.sample() * (high - low)))


_SHARED = RandomValue()
RANDOM = define("System.Random", {
    "new()": RandomValue,
    "new(int Seed)": RandomValue,
    "static Random Shared": lambda: _SHARED,
    "int Next()": _next,
    "int Next(int maxValue)": _next,
    "int Next(int minValue, int maxValue)": _next,
    "long NextInt64()": _next_long,
    "long NextInt64(long maxValue)": _next_long,
    "long NextInt64(long minValue, long maxValue)": _next_long,
    "double NextDouble()": lambda value: value.sample(),
    "float NextSingle()": lambda value: to_single(value.sample()),
    "void NextBytes(byte[] buffer)": _next_bytes,
})  # fmt: skip
represent(RandomValue, RANDOM)
