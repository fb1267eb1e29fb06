"""cache-lookup-value: a miss, a default, and values that others wrote."""

from __future__ import annotations

import msgpack
import pytest

from gateway.policies.parts.cached_values import named
from gateway.value_cache import CachedResponse
from tests.policies.bench import Bench
from tests.policies.caching import LOOKUP, LaterCache

pytestmark = pytest.mark.usefixtures("cached")


@pytest.mark.parametrize(
    ("code", "kept"),
    [(2, "{"), (19, "x"), (23, "x"), (24, ["System.Diagnostics.Process", []]), (24, ["int["]), (26, 1), (27, ["", ""])],
)
def test_forged_values_are_a_miss(bench: Bench, code: int, kept: object) -> None:
    """Whoever can write to the cache's server can make values, never types or code."""
    data = bytes(msgpack.packb(msgpack.ExtType(code, msgpack.packb(kept))))
    internal = bench.services.caches.internal
    memory = internal.cache if isinstance(internal, LaterCache) else internal
    memory.store("named/k", data, 60)
    assert bench.run(LOOKUP.format("")).variables == {}


def test_a_miss(bench: Bench) -> None:
    """Without a value the variable stays as it is, or gets the default."""
    assert bench.run(LOOKUP.format("")).variables == {}
    assert bench.run(LOOKUP.format('default-value="@(1 + 1)"')).variables == {"v": 2}


def test_foreign_bytes_are_a_miss(bench: Bench) -> None:
    """Bytes that another program wrote under the key are not trusted."""
    internal = bench.services.caches.internal
    memory = internal.cache if isinstance(internal, LaterCache) else internal
    memory.store("named/k", b"\xc1", 60)
    assert bench.run(LOOKUP.format("")).variables == {}


def test_a_callers_key_leads_to_no_response(bench: Bench) -> None:
    """A key that is all a caller's reaches values that policies have stored by name, never a cached response."""
    internal = bench.services.caches.internal
    memory = internal.cache if isinstance(internal, LaterCache) else internal
    response = CachedResponse(200, "OK", (), b"another caller's").to_bytes()
    memory.store("k", response, 60)
    assert bench.run(LOOKUP.format("")).variables == {}
    memory.store(named("k"), response, 60)
    assert bench.run(LOOKUP.format("")).variables != {}
