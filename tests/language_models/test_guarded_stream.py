"""guarded_stream.py: what passes, when, and what is cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from gateway.errors import PolicyError, UpstreamError
from gateway.language_models.guarded_stream import MOST_HELD, GuardedStream, event_lanes
from gateway.wire.body import Body, BodyStream
from gateway.wire.messages import Response


def event(text: str, index: int = 0) -> bytes:
    chunk = {"id": "kill", "choices": [{"index": index, "delta": {"content": text}}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


class Client:
    """What has passed."""

    def __init__(self) -> None:
        self.data = b""
        self.end: object = None

    def write(self, data: bytes) -> None:
        self.data += data

    def finish(self) -> None:
        self.end = "finished"

    def fail(self, error: Exception) -> None:
        self.end = error


class Guarded:
    """A guarded stream with both of its ends; the judge refuses texts with ``kill``."""

    def __init__(self, size: int, overlap: int = 0) -> None:
        self.asked: list[str] = []
        self.calls: list[str] = []
        self.source = BodyStream(
            None,
            lambda: self.calls.append("pause"),
            lambda: self.calls.append("resume"),
            lambda: self.calls.append("discard"),
        )
        self.client = Client()
        response = Response(200, body=Body(stream=self.source))
        GuardedStream(self._judge, size, overlap).stand_before(response)
        self.passed_on = response.body.stream
        assert self.passed_on is not None
        self.passed_on.pipe(self.client)

    async def _judge(self, pieces: Sequence[str]) -> None:
        self.asked += pieces
        await asyncio.sleep(0)
        if any("kill" in piece for piece in pieces):
            raise PolicyError(403, "ContentSafetyViolation", "no")

    async def feed(self, *data: bytes) -> None:
        for part in data:
            self.source.feed(part)
            await asyncio.sleep(0.01)


def run(scenario: Callable[[Guarded], Awaitable[None]], **settings: Any) -> Guarded:
    async def whole() -> Guarded:
        guarded = Guarded(**settings)
        await scenario(guarded)
        return guarded

    return asyncio.run(whole())


def test_windows_pass_when_they_were_judged() -> None:
    """Events wait until their text fills a window, and pass as they came; the source waits meanwhile."""

    async def scenario(it: Guarded) -> None:
        await it.feed(event("1234"))
        assert (it.client.data, it.asked) == (b"", [])
        await it.feed(event("5678"))
        assert it.client.data == event("1234") + event("5678")
        assert it.asked == ["12345", "678"]
        await it.feed(event("9"), b"data: [DONE]\n\n")
        it.source.finish()
        await asyncio.sleep(0.01)
        assert it.client.data.endswith(event("9") + b"data: [DONE]\n\n")
        assert (it.client.end, it.calls[-1]) == ("finished", "resume")

    run(scenario, size=5)


def test_what_is_refused_does_not_pass() -> None:
    """The stream ends, the source is told, and later events change nothing."""

    async def scenario(it: Guarded) -> None:
        await it.feed(event("fine"), event("kill"), event("more"))
        assert (it.client.data, it.client.end) == (event("fine"), "finished")
        assert "discard" in it.calls

    run(scenario, size=4)


def test_words_across_windows_need_an_overlap() -> None:
    """With one, the end of a window is judged once more with the next."""

    async def scenario(it: Guarded) -> None:
        await it.feed(event("xxki"), event("llxx"))

    assert "finished" not in str(run(scenario, size=4).client.end)
    assert run(scenario, size=4, overlap=3).client.end == "finished"


def test_each_answer_is_read_by_itself() -> None:
    """Two answers in one stream do not hide each other's words."""

    async def scenario(it: Guarded) -> None:
        await it.feed(event("ki"), event("--", 1), event("ll"), event("--", 1))
        it.source.finish()
        await asyncio.sleep(0.01)

    assert run(scenario, size=100).client.data == b""


def test_what_is_held_is_bounded() -> None:
    """Events without text are passed on before they fill the memory; one without an end is refused."""
    empty = b": " + b"x" * 100_000 + b"\n\n"

    async def scenario(it: Guarded) -> None:
        await it.feed(*[empty] * 12)
        assert len(it.client.data) >= MOST_HELD
        await it.feed(b"x" * MOST_HELD)
        assert it.client.end == "finished"

    run(scenario, size=100)


def test_a_cut_answer_passes_no_further() -> None:
    """What is held when the model fails was never judged."""

    async def scenario(it: Guarded) -> None:
        await it.feed(event("fine"), event("x"))
        it.source.fail(UpstreamError("BackendConnectionFailure", "gone"))
        assert it.client.data == event("fine")
        assert isinstance(it.client.end, UpstreamError)

    run(scenario, size=4)


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (event("a"), ["a"]),
        (b"data: [DONE]\n\n", []),
        (b": comment\n\n", []),
        (b"data: {broken\n\n", ["{broken"]),
        (b'event: x\ndata: {"type":"response.output_text.delta","item_id":"kill","delta":"a"}\n\n', ["a"]),
        (b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}\n\n', ["a"]),
    ],
)
def test_the_texts_of_events(data: bytes, texts: list[str]) -> None:
    """Of each API, without the names of the protocol."""
    assert [text for _, text in event_lanes(data) if text] == texts
