"""One client of the gateway: sends requests, brings the backend's answers, and looks at the clock."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.own_cost.stand_ins import Backend, BackendWire, Wire
from benchmarks.own_cost.workloads import Call, Turn, Workload, forging

TURN_S = 0.05  # how far the clock moves in a turn, so that timers fall due as they do under load
PATIENCE_S = 30.0


@dataclass(slots=True)
class Client:
    """A client's connection, and the backend behind the gateway."""

    wire: Wire
    backend: Backend

    @classmethod
    def of(cls, protocol: asyncio.Protocol, backend: Backend) -> Client:
        """A new connection, which *protocol* serves."""
        wire = Wire(protocol, [], {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 80)})
        protocol.connection_made(wire)
        return cls(wire, backend)

    async def ask(self, turn: Turn, varied: bool = False) -> int:
        """
        Send *turn*, one request after the other's answer; nanoseconds of processor time for all of it.

        *varied*: The backend's answers differ.
        """
        receive, answers = self.wire.protocol.data_received, self.wire.sent
        asked = self.backend.asked
        exchanges = [(call.request, self.backend.next_answer() if varied else self.backend.answer) for call in turn]
        start = time.thread_time_ns()
        for request, answer in exchanges:
            before = len(answers)
            receive(request)
            if asked:
                asked.pop().protocol.data_received(answer)
            if len(answers) == before:
                await self._wait()
        await asyncio.sleep(TURN_S)
        return time.thread_time_ns() - start

    async def _wait(self) -> None:
        """The answer takes rounds of the loop: something is fetched or connected before it."""
        before, end = len(self.wire.sent), time.monotonic() + PATIENCE_S
        while len(self.wire.sent) == before:
            self.backend.answer_all()
            await asyncio.sleep(0)
            if time.monotonic() > end or self.wire.is_closing():
                raise SystemExit("a request got no answer")

    def taken(self) -> tuple[bytes, bytes]:
        """What was answered, and what the backend received, since the last time."""
        answers, received = b"".join(self.wire.sent), b"".join(self.backend.received)
        self.wire.sent.clear()
        self.backend.received.clear()
        return answers, received


@dataclass(slots=True)
class Running:
    """A workload under way on a connection of its own."""

    workload: Workload
    client: Client
    calls: Iterator[Call]

    @classmethod
    async def of(cls, workload: Workload, client: Client) -> Running:
        """The gateway has seen what it will see again, and answers rightly. Raises SystemExit."""
        running = cls(workload, client, workload.calls())
        first = next(running.calls)
        await running._ask([forging(first) if workload.guarded else first])
        await running._ask(list(itertools.islice(running.calls, workload.warm_up)))
        gc.collect()
        gc.freeze()
        return running

    async def turn(self, size: int) -> float:
        """Nanoseconds per request of one turn of at most *size* requests. Raises SystemExit: a wrong answer."""
        turn = list(itertools.islice(self.calls, min(size, self.workload.turn)))
        if not turn:
            raise SystemExit(f"{self.workload.name}: no request is left that was not sent")
        return await self._ask(turn) / len(turn)

    async def _ask(self, turn: Turn) -> int:
        spent = await self.client.ask(turn, self.workload.varied)
        self.workload.check(turn, *self.client.taken())
        return spent


class Copier(asyncio.Protocol):
    """The least that can stand between client and backend: what the measurement itself costs."""

    def __init__(self) -> None:
        self.other: Wire | None = None

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self.other is not None:
            self.other.write(data)


def copying(backend: Backend) -> Client:
    """A client whose requests are copied to *backend*."""
    inner, outer = Copier(), Copier()
    client = Client.of(inner, backend)
    inner.other, outer.other = BackendWire(outer, backend), client.wire
    return client
