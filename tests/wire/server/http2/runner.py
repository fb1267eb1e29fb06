"""Runs a row against a listener and says in a word what became of it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from tests.wire.server.http2.frames import Code, headers, ping, request
from tests.wire.server.http2.lawful import lawful
from tests.wire.server.http2.raw_client import RawClient, connected
from tests.wire.server.http2.recorder import Recorder
from tests.wire.server.http2.row import CLOSED, IGNORED, SILENT, UNTIMELY, Content, Interim, Row, Step

_FENCE = b"thefence"
_BRIEF_S = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of a row.

    Attributes:
        word: As in `Row.right`; ``needless`` where the server does not announce what the row is about.
        checked: Whether the row's check holds.
    """

    word: str
    checked: bool


NEEDLESS = Outcome("needless", True)


async def run(row: Row, port: int, recorder: Recorder, tls: ssl.SSLContext | None = None) -> Outcome:
    """Send the steps of *row* on a connection of its own."""
    recorder.complete.clear()
    async with connected(port, tls) as client:
        if not row.raw:
            await client.greet(*row.announced)
        if row.needs is not None and not _announces(client, row.needs):
            return NEEDLESS
        for step in row.steps:
            await _take(client, step)
        await _settle(client, row)
        return Outcome(_word(client, row), row.check(client, _received(recorder)) and lawful(client))


def _received(recorder: Recorder) -> bytes:
    """The complete requests, without the runner's own."""
    return b"".join(complete for complete in recorder.complete if b" /probe " not in complete)


def _announces(client: RawClient, setting: int) -> bool:
    """Whether the server announces *setting*, with another value than the one that is there from the start."""
    return client.settings.get(setting, 0) not in (0, _INITIAL.get(setting))


_INITIAL = {1: 4096}


async def _take(client: RawClient, step: Step) -> None:
    match step:
        case bytes():
            client.send(step)
        case Content(stream, octets):
            await client.until(lambda: len(client.bodies[stream]) >= octets)
        case Interim(stream):
            await client.until(lambda: bool(client.statuses.get(stream)))
        case int():
            await client.until(lambda: client.finished(step))
        case _:
            client.send(step(client.settings))


async def _settle(client: RawClient, row: Row) -> None:
    """Read until nothing more can come: behind what was sent are a request and a PING, whose answers are the last."""
    if row.probe:
        client.send(headers(row.probe, request(path=b"/probe")))
    client.send(ping(_FENCE))
    if IGNORED not in row.right:
        await client.until(
            lambda: client.finished(row.stream) or bool(client.goaway and client.goaway[1]), _BRIEF_S * 2
        )
    await client.until(lambda: _FENCE in client.pongs and (not row.probe or client.finished(row.probe)), _BRIEF_S * 2)
    if client.goaway is not None and client.goaway[1]:
        await client.closes()


def _word(client: RawClient, row: Row) -> str:
    if client.goaway is not None and client.goaway[1]:
        word = f"connection {_name(client.goaway[1])}"
        return word if client.closed else f"{word}, not closed"
    if client.closed and not _over(client, row):
        return CLOSED
    if row.probe and client.statuses.get(row.probe) != [200]:
        return UNTIMELY if client.finished(row.probe) else SILENT
    return _of_stream(client, row.stream)


def _over(client: RawClient, row: Row) -> bool:
    """Whether everything was answered before the server closed, as it may after a GOAWAY."""
    return client.finished(row.stream) and not row.probe


def _of_stream(client: RawClient, stream: int) -> str:
    statuses = [status for status in client.statuses.get(stream, []) if status >= 200]
    if statuses and stream in client.ended:
        return str(statuses[-1])
    if stream in client.resets:
        return f"stream {_name(client.resets[stream])}"
    return IGNORED


def _name(code: int) -> str:
    return Code(code).name if code in set(Code) else hex(code)
