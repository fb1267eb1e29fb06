"""Clients that ask all the time, and what they were answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

REQUEST = b"GET /a HTTP/1.1\r\nHost: gateway\r\n\r\n"
PATIENCE_S = 30.0


@dataclass(slots=True)
class Ledger:
    """
    What happened.

    Attributes:
        in_force: When which generation was known to be in force, seconds of the monotonic clock, in order.
        lost: Requests that were sent and not answered, with the reason.
        foreign: Answers of a configuration that never was in force.
        early: Answers of one that was not in force any more when the request was sent: how many seconds too old.
    """

    in_force: list[tuple[float, int]] = field(default_factory=list)
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    early: list[float] = field(default_factory=list)
    latest: int = 0  # that may have taken over

    def note_answer(self, mark: str, sent_at: float) -> None:
        """An answer with the generation *mark*, to a request sent at that time."""
        self.answered += 1
        if not mark.isdigit() or int(mark) > self.latest:
            self.foreign.append(mark)
            return
        following = next((at for at, number in self.in_force if number > int(mark)), None)
        if following is not None and following < sent_at:
            self.early.append(sent_at - following)


async def ask(port: int, ledger: Ledger, stop: asyncio.Event, per_connection: int) -> None:
    """One client: connections of *per_connection* requests each, until *stop*."""
    while not stop.is_set():
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE_S)
        except OSError as error:
            ledger.lost.append(f"not connected: {error}")
            await asyncio.sleep(0.05)
            continue
        try:
            await _exchanges(reader, writer, ledger, stop, per_connection)
        finally:
            writer.close()


async def _exchanges(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ledger: Ledger, stop: asyncio.Event, count: int
) -> None:
    for _ in range(count):
        sent_at = time.monotonic()
        try:
            writer.write(REQUEST)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
            fields = dict(line.lower().partition(b": ")[::2] for line in head.split(b"\r\n")[1:-2])
            mark = await asyncio.wait_for(reader.readexactly(int(fields[b"content-length"])), PATIENCE_S)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            ledger.lost.append(repr(error))
            return
        status = head.split(b" ", 2)[1]
        ledger.note_answer(mark.decode() if status == b"200" else f"status {status.decode()}", sent_at)
        if fields.get(b"connection") == b"close" or stop.is_set():
            return
