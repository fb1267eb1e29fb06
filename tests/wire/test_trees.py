"""Large trees of a request are freed without the collector of garbage, a piece per turn."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Callable

import pytest

from gateway.expressions.json.reader import parse, parse_raw
from gateway.expressions.limits import METER
from gateway.expressions.types.json_convert import _serialize_node
from gateway.expressions.xml.as_json import from_json
from gateway.expressions.xml.reader import parse_document
from gateway.wire.trees import LARGE, TURN_S
from gateway.wire.work import Work
from tests.expressions.stubs import compiled, context
from tests.speed import on_this_machine

JSON = "[" + ",".join('{"a": [1, "b"]}' for _ in range(LARGE)) + "]"
XML = "<r>" + '<a b="c">d</a>' * LARGE + "</r>"


class Leaf:
    """A node that can be watched."""

    def __init__(self, *children: Leaf) -> None:
        self.children, self.parent = list(children), self

    def take_apart(self) -> list[Leaf]:
        del self.parent
        return self.children


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "read",
    [
        lambda: parse(JSON),
        lambda: parse_raw(JSON),
        lambda: parse_document(XML),
        lambda: _serialize_node(parse_document(XML)),
        lambda: from_json(f'{{"r": {{"a": {JSON}}}}}'),
    ],
    ids=["json", "raw", "xml", "xml as json", "json as xml"],
)
def test_a_tree_goes_with_its_request(read: Callable[[], object]) -> None:
    """A tree is freed with its request, without waiting for the garbage collector."""

    async def scenario() -> None:
        seen = context(work=Work())
        METER.left, METER.call = None, (10.0, seen)
        tree = read()
        METER.left, METER.call = None, (1.0, None)
        del tree, seen
        await turns(20)

    gc.collect()
    gc.disable()
    try:
        asyncio.run(scenario())
        assert gc.collect() < LARGE  # unreachable objects
    finally:
        gc.enable()


def test_a_tree_is_whole_until_then() -> None:
    """What a variable of the request holds is not touched while the request lasts, and a small tree never is."""

    async def scenario() -> None:
        seen = context(work=Work())
        METER.left, METER.call = None, (10.0, seen)
        tree, small = parse(JSON), parse('{"a": [1]}')
        await turns(20)
        assert str(len(tree.children())) == str(LARGE)
        METER.left, METER.call = None, (1.0, None)
        del seen
        await turns(20)
        assert tree.children() == []
        assert [child.parent for child in small.children()] == [small]

    asyncio.run(scenario())


def test_a_turn_takes_little_time() -> None:
    """However many trees wait, and however large they are, each turn of the loop takes a piece of one."""

    async def scenario() -> tuple[list[int], float]:
        leaves = [Leaf() for _ in range(100_000)]
        known = weakref.WeakSet(leaves)
        works = [Work() for _ in range(10)]
        for number, work in enumerate(works):
            work.note_tree(Leaf(*leaves[number::10]), LARGE)
        del leaves, works, work
        left, longest_s = [], 0.0
        while known:
            began_s = time.thread_time()
            await asyncio.sleep(0)
            longest_s = max(longest_s, time.thread_time() - began_s)
            left.append(len(known))
        return left, longest_s

    gc.disable()
    try:
        left, longest_s = asyncio.run(scenario())
    finally:
        gc.enable()
    assert len(left) > 5
    assert longest_s < on_this_machine(10 * TURN_S)


def test_constants_stay() -> None:
    """A constant computed at load is shared by all requests, and is not taken apart with any of them."""
    text = JSON.replace('"', "'")

    async def scenario() -> int:
        expression = compiled(f'@(JArray.Parse("{text}").Count)')
        counts = {int(str(expression(context(work=Work(time_s=60.0))))) for _ in range(3)}
        await turns(20)
        return counts.pop() if len(counts) == 1 else -1

    assert asyncio.run(scenario()) == LARGE
