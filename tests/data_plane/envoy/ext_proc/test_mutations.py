"""Heads differ in nothing but what policies have changed; a table of differences."""

from __future__ import annotations

import pytest

from gateway.data_plane.envoy.ext_proc.mutations import all_of, difference
from gateway.data_plane.envoy.ext_proc.reading import EnvoyHead
from gateway.wire.headers import Headers

Fields = list[tuple[str, str]]
Changes = tuple[list[str], Fields, Fields]

A: Fields = [("a", "1")]
TABLE: dict[str, tuple[Fields, Fields, Changes]] = {
    "nothing": (A, [("A", "1")], ([], [], [])),
    "changed": (A, [("A", "2")], ([], [("a", "2")], [])),
    "new": ([], [("X-New", "1")], ([], [("x-new", "1")], [])),
    "gone": ([*A, ("b", "2")], [("A", "1")], (["b"], [], [])),
    "one more line": (A, [("a", "1"), ("a", "2")], ([], [("a", "1")], [("a", "2")])),
    "one line less": ([*A, ("a", "2")], [("a", "2")], ([], [("a", "2")], [])),
    "lines in another order": ([*A, ("a", "2")], [("a", "2"), ("a", "1")], ([], [("a", "2")], [("a", "1")])),
    "another spelling is replaced": ([("x_a", "evil")], [("x-a", "ours")], (["x_a"], [("x-a", "ours")], [])),
    "both spellings": ([("x_a", "evil"), ("x-a", "evil")], [("x-a", "ours")], (["x_a"], [("x-a", "ours")], [])),
    "one of two spellings": ([("x_a", "evil"), ("x-a", "1")], [("x-a", "1")], (["x_a"], [], [])),
    "the first line is the same": ([*A, ("a", "2")], A, ([], [("a", "1")], [])),
    "a spelling stays": ([("x_a", "1")], [("x_a", "1")], ([], [], [])),
    "every spelling goes": ([("x_a", "1"), ("x-a", "2")], [], (["x_a", "x-a"], [], [])),
    "an empty value": (A, [("a", "")], ([], [("a", "")], [])),
    "of the connection": ([("connection", "x"), ("te", "trailers"), ("upgrade", "websocket")], [], ([], [], [])),
    "framing": ([("content-length", "3"), ("transfer-encoding", "chunked")], [("content-length", "9")], ([], [], [])),
    "Envoy's own": ([("x-envoy-internal", "true")], [("x-envoy-attempt-count", "9")], ([], [], [])),
    "Host": ([], [("Host", "b.example")], ([], [], [])),
    "Latin-1": ([("a", "caf\xe9")], [("a", "caf\xe9")], ([], [], [])),
}


@pytest.mark.parametrize(("received", "wanted", "changes"), TABLE.values(), ids=TABLE.keys())
def test_differences(received: Fields, wanted: Fields, changes: Changes) -> None:
    """What Envoy is told is what differs, spelled as Envoy has it."""
    mutation = difference(EnvoyHead({}, received), Headers(wanted).lines)
    assert (mutation.removed, mutation.put, mutation.added) == changes
    assert bool(mutation) is (changes != ([], [], []))


@pytest.mark.parametrize(("received", "wanted", "changes"), TABLE.values(), ids=TABLE.keys())
def test_applied(received: Fields, wanted: Fields, changes: Changes) -> None:
    """Removals, then replacements, then further lines: what Envoy has then is what is wanted."""
    removed, put, added = changes
    fields = [pair for pair in received if pair[0] not in {*removed, *(name for name, _ in put)}]
    result = Headers([*fields, *put, *added])
    untouched = ("connection", "te", "upgrade", "content-length", "transfer-encoding", "host")
    for key in {*result.names(), *Headers(wanted).names()}:
        if key not in untouched and not key.startswith("x-envoy-"):
            assert result.values(key) == Headers(wanted).values(key)


def test_all_of() -> None:
    """An answer of our own has all its fields, framing aside."""
    mutation = all_of(Headers([("Set-Cookie", "a"), ("Set-Cookie", "b"), ("Content-Length", "1"), ("X", "1")]).lines)
    assert mutation.put == [("set-cookie", "a"), ("x", "1")]
    assert mutation.added == [("set-cookie", "b")]
