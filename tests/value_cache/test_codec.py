"""Values come out of the cache as they went in, and nothing else does."""

from __future__ import annotations

import os
import pickle
import random
from typing import Any

import pytest

from gateway.value_cache import Codec, CodecError, ValueForm


class Int64(int):
    """A type of its own that only looks like an int."""


class Tree:
    """An object with values inside."""

    def __init__(self, items: list[object]) -> None:
        self.items = items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and self.items == other.items

    __hash__ = None  # type: ignore[assignment]


FORMS = [ValueForm(1, Int64, int, Int64), ValueForm(2, Tree, lambda tree: tree.items, Tree)]
CODEC = Codec(FORMS)

VALUES: list[Any] = [
    None,
    True,
    0,
    -(2**63),
    2**64 - 1,
    1.5,
    float("inf"),
    "",
    "\u00e9\U0001f600\x00",
    "\ud800",
    b"\x00\xff",
    [],
    [1, ["a", b"b", None], {}],
    {"a": [1], "b": {"c": b"d"}},
    {1: "int", b"x": "bytes"},
    Int64(5),
    Tree([Int64(1), Tree([]), {"k": Int64(2)}]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:30])
def test_values_come_back(value: object) -> None:
    """Value and exact type survive."""
    found = CODEC.decode(CODEC.encode(value))
    assert found == value
    assert type(found) is type(value)


def test_types_inside_are_exact() -> None:
    """A number of its own type inside a list comes back as that type, and a plain one as a plain one."""
    found = CODEC.decode(CODEC.encode([Int64(1), 1, True]))
    assert isinstance(found, list)
    assert [type(each) for each in found] == [Int64, int, bool]


def nested(depth: int) -> list[object]:
    """Lists inside lists."""
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


def nested_trees(depth: int) -> Tree:
    """Trees inside trees."""
    value = Tree([])
    for _ in range(depth):
        value = Tree([value])
    return value


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, 2**64, os.system, (1, 2), nested(2_000), nested_trees(3_000), [object()]],
    ids=["object", "set", "huge-int", "function", "tuple", "deep", "deep-forms", "inside"],
)
def test_other_values_are_refused(value: object) -> None:
    """What cannot come back as it was does not go in; the error does not show it."""
    with pytest.raises(CodecError, match="cannot be cached") as caught:
        CODEC.encode(value)
    assert "2, 1" not in str(caught.value)


def test_subclass_without_a_form_is_refused() -> None:
    """A subclass is never turned into its base in silence."""
    with pytest.raises(CodecError, match="type Int64"):
        Codec().encode(Int64(5))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x93\x01",
        b"\x01\x01",
        b"\xdf\xff\xff\xff\xff",
        b"\x91" * 5_000,
        b"\xd4\x7f\x00",
        b"\x81\x90\x01",
        b"\xa1\xff",
        pickle.dumps({"a": 1}),
        CODEC.encode([Int64(5)])[:-1] + b"\xa0",
        CODEC.encode(Int64(5)).replace(b"\x05", b"\xc1"),
    ],
    ids=lambda data: data[:6].hex(),
)
def test_foreign_bytes_are_refused(data: bytes) -> None:
    """Bytes that are not ours, cut off or deep enough to hurt are an error, never an object."""
    with pytest.raises(CodecError):
        CODEC.decode(data)


def test_random_bytes_never_crash() -> None:
    """Whatever lies in the cache, the answer is plain data or CodecError."""
    random.seed(3)
    for _ in range(5_000):
        try:
            CODEC.decode(random.randbytes(random.randrange(1, 40)))
        except CodecError:
            continue
