"""
Counters that replicas share, in Redis or Valkey.

One script call answers a request's demands, atomically. While Redis is unavailable each replica counts in its own
memory: limits then apply per replica, and no request fails.

All keys of a call have the call's hash tag, so that a cluster has them on one node, whatever they are called. Source:
"Redis cluster specification", hash tags
(https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags); docs/adr/0079.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any, TypeAlias

from redis.exceptions import NoScriptError

from gateway.counters.memory import MemoryCounters
from gateway.counters.windows import Admission, CalendarWindow, Counters, Demand, SlidingWindow, Usage, Window, answer
from gateway.outside.redis_link import RedisAway, RedisLink

_SCRIPT = Path(__file__).with_name("admit.lua").read_text("utf-8")
_Reply: TypeAlias = tuple[bool, float, list[tuple[int, float]]]
_DIGEST = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


class RedisCounters:
    """Counters in Redis; see ``windows.Counters``."""

    def __init__(
        self,
        link: RedisLink,
        namespace: str = "gateway",
        fallback: Counters | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """
        Count through *link*.

        Args:
            link: The connection.
            namespace: Begins every key; two gateways with the same one share their counters.
            fallback: Counts while Redis is unavailable; memory of its own where none is given.
            clock: Seconds since the epoch; Redis's own clock where none is given.
        """
        self._link = link
        self._namespace = namespace
        self._fallback = MemoryCounters() if fallback is None else fallback
        self._clock = clock

    async def admit(self, demands: Sequence[Demand]) -> Admission:
        """Count all *demands*, or none of them when any counter is exhausted."""
        try:
            admitted, at, states = await self._run("admit", demands)
        except RedisAway:
            locally = self._fallback.admit(demands)
            admission = locally if isinstance(locally, Admission) else await locally
            return admission._replace(at=math.inf)
        usages = [_usage(demand.window.limit, *state) for demand, state in zip(demands, states, strict=True)]
        return answer(usages, admitted, at)

    async def add(self, demands: Sequence[Demand]) -> None:
        """Count *demands* whatever the limits; a negative amount is withdrawn."""
        try:
            await self._run("add", demands)
        except RedisAway:
            locally = self._fallback.add(demands)
            if locally is not None:
                await locally

    async def _run(self, verb: str, demands: Sequence[Demand]) -> _Reply:
        prefix = f"{self._namespace}/{_hash_tag(demands[0])}/"
        keys = [(prefix + demand.storage_key).encode("utf-8", "surrogatepass") for demand in demands]
        values: list[str | float] = ["" if self._clock is None else self._clock(), verb]
        for demand in demands:
            values += _arguments(demand)
        return await self._link.ask(lambda: self._evaluate(keys, values), keys[0])

    async def _evaluate(self, keys: list[bytes], values: list[str | float]) -> _Reply:
        """Run the script by its digest, and in full where the server does not have it: a new one, or a new primary."""
        client: Any = self._link.client
        try:
            reply = await client.evalsha(_DIGEST, len(keys), *keys, *values)
        except NoScriptError:
            reply = await client.eval(_SCRIPT, len(keys), *keys, *values)
        return _parsed(reply, len(keys))


def _parsed(reply: list[bytes | int], count: int) -> _Reply:
    """
    Whether it was admitted, and when; of each counter what is used, and the seconds to wait.

    Raises ValueError, TypeError: Not the script's answer: something else than Redis is there.
    """
    admitted, at, *states = reply
    parsed = [(int(used), float(wait)) for used, wait in zip(states[::2], states[1::2], strict=True)]
    if len(parsed) != count:
        raise ValueError
    return bool(admitted), float(at), parsed


def _hash_tag(demand: Demand) -> str:
    """What decides on a cluster's node. A digest: nothing that callers choose can end the tag, or leave it empty."""
    return f"{{{sha256((demand.owner or demand.key).encode('utf-8', 'surrogatepass')).hexdigest()[:16]}}}"


def _arguments(demand: Demand) -> tuple[str | float, ...]:
    window = demand.window
    counted_at = "" if demand.counted_at is None else repr(demand.counted_at)
    more = (window.limit, _length(window), demand.amount, int(demand.whole), counted_at)
    if isinstance(window, SlidingWindow):
        return "rate", *more, 0
    return ("calendar", *more, 0) if isinstance(window, CalendarWindow) else ("quota", *more, window.start_s)


def _length(window: Window) -> float:
    """Of a period: in months of the calendar, or in seconds."""
    return window.months if isinstance(window, CalendarWindow) else window.period_s


def _usage(limit: int, used: int, wait_s: float) -> Usage:
    return Usage(used, max(0, limit - used), math.inf if wait_s < 0 else wait_s)
