"""
F&O as the simulation has it: batch jobs, answers that take time, and limits that answer 429.

The limits are those that Microsoft documented per user, application and web server until they were removed in 10.0.36:
6,000 requests and 1,200 s of execution in 300 s, 52 at a time. Those in force depend on the load of the web server and
have no number; a *busy* time stands for them. How long an answer takes is assumed: 0.2 s and 3 ms for each row.

Source: Microsoft Learn, Finance & Operations "Service protection API limits", "Batch OData API".
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from gateway.notifications.d365.connection import D365Answer, D365Call
from gateway.notifications.workflow.clock import Clock
from gateway.wire.headers import Headers

ANSWER_S = 0.2
ROW_S = 0.003
START_S = 0.25
WINDOW_S = 300.0
MOST_REQUESTS = 6_000
MOST_EXECUTION_S = 1_200.0
MOST_AT_ONCE = 52
RETRY_AFTER_S = 30

_ASKED = re.compile(r"eq%20(\d+)")
_STARTED = json.dumps({"value": json.dumps({"IsSuccess": True, "ErrorMessage": ""})}).encode()


class SimulatedClock(Clock):
    """The clock of the simulation: time passes with the event loop's timers only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: float) -> None:
        self._loop = loop
        self._start = start

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._start + self._loop.time()

    def monotonic(self) -> float:
        """The steady clock, for modules that ask ``time`` for it."""
        return self._loop.time()


@dataclass(slots=True)
class Run:
    """When a batch job's run begins and ends, epoch seconds; infinite before it is started."""

    begins: float = float("inf")
    ends: float = float("inf")


@dataclass(slots=True, eq=False)
class SimulatedEnvironment:
    """
    One environment, as what carries the calls to it.

    Attributes:
        jobs: By id.
        busy: From when to when it answers nothing but 429, epoch seconds.
        run_s: How long a job that is started runs.
        calls: How many calls of each kind and status there were.
        rows: How many rows were asked for.
    """

    clock: SimulatedClock
    random: Random
    jobs: dict[int, Run] = field(default_factory=dict)
    busy: tuple[float, float] = (0.0, 0.0)
    run_s: Callable[[Random], float] = lambda random: random.uniform(60, 600)
    calls: Counter[tuple[str, int]] = field(default_factory=Counter)
    rows: int = 0
    most_at_once: int = 0
    _at_once: int = 0
    _recent: deque[tuple[float, float]] = field(default_factory=deque)
    _execution_s: float = 0.0

    async def send(self, call: D365Call, check: Callable[[], None] | None = None) -> D365Answer:
        """See ``D365Wire``."""
        if check is not None:
            check()
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            answer = await self._answer(call)
        finally:
            self._at_once -= 1
        self.calls[call.method, answer.status] += 1
        return answer

    async def close(self) -> None:
        """See ``D365Wire``."""

    async def _answer(self, call: D365Call) -> D365Answer:
        now = self.clock.now()
        if self._is_refused(now):
            await asyncio.sleep(0.02)
            return D365Answer(429, b"", Headers((("retry-after", str(RETRY_AFTER_S)),)))
        ids = [json.loads(call.content)["batchJobId"]] if call.content else list(map(int, _ASKED.findall(call.query)))
        base = START_S if call.method == "POST" else ANSWER_S + ROW_S * len(ids)
        took_s = base * self.random.uniform(0.7, 1.6)
        self._recent.append((now, took_s))
        self._execution_s += took_s
        await asyncio.sleep(took_s)
        return self._started(ids[0]) if call.method == "POST" else self._read(ids)

    def _is_refused(self, now: float) -> bool:
        while self._recent and self._recent[0][0] < now - WINDOW_S:
            self._execution_s -= self._recent.popleft()[1]
        begin, end = self.busy
        full = len(self._recent) >= MOST_REQUESTS or self._execution_s >= MOST_EXECUTION_S
        return begin <= now < end or full or self._at_once > MOST_AT_ONCE

    def _started(self, batch_id: int) -> D365Answer:
        begins = self.clock.now() + self.random.uniform(0, 60)  # the batch framework looks for work once a minute
        self.jobs[batch_id] = Run(begins, begins + self.run_s(self.random))
        return D365Answer(200, _STARTED, Headers())

    def _read(self, ids: list[int]) -> D365Answer:
        self.rows += len(ids)
        now = self.clock.now()
        rows = [_row(batch_id, self.jobs[batch_id], now) for batch_id in ids if batch_id in self.jobs]
        return D365Answer(200, json.dumps({"value": rows}).encode(), Headers())


def _row(batch_id: int, run: Run, now: float) -> dict[str, object]:
    never = run.begins == float("inf")
    status = "Hold" if never else "Waiting" if now < run.begins else "Executing" if now < run.ends else "Finished"
    return {
        "BatchJobRecId": batch_id,
        "Status": status,
        "StartDateTime": _written(run.begins if now >= run.begins else None),
        "EndDateTime": _written(run.ends if now >= run.ends else None),
        "OrigStartDateTime": _written(None),
        "JobDescription": "simulated",
    }


def _written(moment: float | None) -> str:
    if moment is None:
        return "1900-01-01T00:00:00Z"
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
