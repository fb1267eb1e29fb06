"""limit-concurrency: a slot is held until the policies inside have finished."""

from __future__ import annotations

import pytest

from gateway.errors import PolicyError
from tests.policies.bench import Bench


def test_concurrency() -> None:
    """A slot is held until the policies inside have finished, whatever their end."""
    bench = Bench()
    inner = '<set-method>@((string)context.Variables["m"])</set-method>'
    xml = f'<limit-concurrency key="k" max-count="1">{inner}</limit-concurrency>'
    assert bench.run(xml, m="PUT").request.method == "PUT"
    with pytest.raises(Exception, match="method"):
        bench.run(xml, m="not one")
    bench.services.slots.acquire("k", 1)
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, m="PUT")
    assert caught.value.status == 429
    bench.services.slots.release("k")
    assert bench.run(xml, m="PUT").outcome is None


def test_concurrency_while_waiting() -> None:
    """A policy that waits holds the slot, and gives it back."""
    bench = Bench()
    xml = (
        '<limit-concurrency key="k" max-count="1"><retry condition="false" count="1" interval="0"/></limit-concurrency>'
    )
    for _ in range(2):
        bench.run(xml)
    assert bench.services.slots.acquire("k", 1)
