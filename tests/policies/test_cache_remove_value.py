"""cache-remove-value: what is removed is gone."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench
from tests.policies.caching import LOOKUP

pytestmark = pytest.mark.usefixtures("cached")


def test_what_is_removed_is_gone(bench: Bench) -> None:
    """cache-remove-value forgets; a duration of 0 keeps nothing."""
    bench.run('<cache-store-value key="k" value="1" duration="60"/><cache-remove-value key="k"/>')
    bench.run('<cache-store-value key="k" value="1" duration="0"/>')
    assert bench.run(LOOKUP.format("")).variables == {}
