"""Limits on the bench: calls by a subscription, counted in memory on a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.counters import Admission, Demand, MemoryCounters
from gateway.errors import PolicyError
from gateway.pipeline.context import Context
from gateway.pipeline.outcome import finish
from gateway.wire.messages import Ending, Response
from tests.entities import subscription
from tests.policies.bench import Bench, answer, get, new_context

SUBSCRIPTION = subscription("s1", "S", "k")


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class LaterCounters:
    """Counters that answer with an awaitable, as Redis does, and take one owner's demands in a call."""

    def __init__(self, counters: MemoryCounters) -> None:
        self.counters = counters

    async def admit(self, demands: Sequence[Demand]) -> Admission:
        require_one_owner(demands)
        return self.counters.admit(demands)

    async def add(self, demands: Sequence[Demand]) -> None:
        require_one_owner(demands)
        self.counters.add(demands)


def require_one_owner(demands: Sequence[Demand]) -> None:
    """A counter that several calls use with different owners would be several counters in Redis."""
    assert len({demand.owner or demand.key for demand in demands}) <= 1


def call(bench: Bench, xml: str, status: int = 200, **attributes: Any) -> Context:
    """One call, answered with *status*."""
    context = new_context(get("/"), **{"subscription": SUBSCRIPTION, **attributes})
    pipeline = bench.compile(xml)

    async def exchange() -> None:
        try:
            for step in pipeline.inbound:
                context.place = step.place
                waiting: Response | Awaitable[Response | None] | None = step.apply(context)
                await finish(waiting)
        except PolicyError:
            raise
        context.response = context.finished(answer(status))
        for follow_up in context.after_response or []:
            follow_up(context, Ending(status, 1000, 24))
        await asyncio.sleep(0)

    asyncio.run(exchange())
    return context


def refused(bench: Bench, xml: str, **attributes: Any) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        call(bench, xml, **attributes)
    return caught.value
