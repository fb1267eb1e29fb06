"""What answers have cost: every provider's, whole and cut, compressed or not, and never held back."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest

from gateway.errors import UpstreamError
from gateway.policies.parts import answer_tokens
from gateway.policies.parts.answer_tokens import MOST_DECODED, MOST_UNREAD, AnswerTokens
from gateway.policies.parts.usage_fields import TokenUsage
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from gateway.wire.slices import SLICE_S


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a loop that could go on later everything is read in one slice, however slow the machine is."""
    monkeypatch.setattr(answer_tokens, "SLICE_S", math.inf)


@pytest.fixture
def in_slices(monkeypatch: pytest.MonkeyPatch, whole: None) -> None:
    """As in the gateway."""
    monkeypatch.setattr(answer_tokens, "SLICE_S", SLICE_S)


FORGED = (
    'so: {"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":1}}\n\ndata: {"usage":{"total_tokens":1}}\n\n'
)


def sse(*events: Any) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]\n\n"


def delta(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": text}}], "usage": None, **more}


CHAT = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
RESPONSE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
STREAMS: list[tuple[str, bytes, TokenUsage | None]] = [
    ("chat", sse(delta("hello"), {"choices": [], "usage": CHAT}), TokenUsage(10, 5, 15)),
    ("a forged text", sse(delta(FORGED), {"choices": [], "usage": CHAT}), TokenUsage(10, 5, 15)),
    ("a forged text alone", sse(delta(FORGED)), None),
    (
        "usage so far",
        sse(delta("a", usage={**CHAT, "total_tokens": 11}), delta("b", usage=CHAT)),
        TokenUsage(10, 5, 15),
    ),
    (
        "responses",
        sse(
            {"type": "response.created", "response": {"usage": None}},
            {"type": "response.output_text.delta", "delta": FORGED},
            {"type": "response.completed", "response": {"usage": RESPONSE, "output": [FORGED]}},
        ),
        TokenUsage(10, 5, 15),
    ),
    (
        "anthropic",
        sse(
            {"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}},
            {"type": "content_block_delta", "delta": {"text": FORGED}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        ),
        TokenUsage(10, 5, 15),
    ),
    (
        "gemini",
        sse({"candidates": [], "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5}}),
        TokenUsage(10, 5, 15),
    ),
    ("none", sse(delta("hello"), delta(" world")), None),
]
JSON: list[tuple[str, bytes, TokenUsage | None]] = [
    (
        "json",
        json.dumps({"choices": [{"message": {"content": FORGED}}], "usage": CHAT}).encode(),
        TokenUsage(10, 5, 15),
    ),
    ("forged json", json.dumps({"choices": [{"message": {"content": FORGED}}]}).encode(), None),
    (
        "embeddings",
        json.dumps({"data": [{"embedding": [0.5] * 99_999}], "usage": CHAT}).encode(),
        TokenUsage(10, 5, 15),
    ),
    ("gemini's array", json.dumps([{"usageMetadata": {"promptTokenCount": 3}}]).encode(), TokenUsage(3, 0, 3)),
]


@dataclass
class Reading:
    """An answer on its way to a client, who keeps what has come."""

    kind: str = "text/event-stream"
    coding: str = ""
    came: list[bytes] = field(default_factory=list)
    is_over: bool = False
    stream: BodyStream = field(default_factory=BodyStream)

    def __post_init__(self) -> None:
        lines = [("Content-Type", self.kind)] + ([("Content-Encoding", self.coding)] if self.coding else [])
        self.answer = Response(200, Headers(lines), Body(stream=self.stream))
        self.tokens = AnswerTokens(self.answer, "")
        self.tokens.begin(lambda: setattr(self, "is_over", True))
        assert self.answer.body.stream is not None
        self.answer.body.stream.pipe(self)

    def write(self, data: bytes) -> None:
        self.came.append(data)

    def finish(self) -> None:
        self.came.append(b"")

    def fail(self, error: Exception) -> None:
        self.came.append(str(error).encode())


@pytest.mark.parametrize("size", [1, 7, 10**9])
@pytest.mark.parametrize(("text", "usage"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_streams(text: bytes, usage: TokenUsage | None, size: int) -> None:
    """Every piece is passed on in the moment in which it comes, unchanged, and the usage is found."""
    reading = Reading()
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    for number, piece in enumerate(pieces, 1):
        reading.stream.feed(piece)
        assert len(reading.came) == number
    assert not reading.is_over
    reading.stream.finish()
    assert reading.is_over
    assert reading.came == [*pieces, b""]
    assert reading.tokens.usage == usage


@pytest.mark.parametrize(("text", "usage"), [row[1:] for row in JSON], ids=[row[0] for row in JSON])
@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/problem+json", ""])
def test_json(text: bytes, usage: TokenUsage | None, kind: str) -> None:
    """Any other JSON is scanned, however long it is; it is no stream, so nothing is counted."""
    reading = Reading(kind)
    for start in range(0, len(text), 5_000):
        reading.stream.feed(text[start : start + 5_000])
    reading.stream.finish()
    assert (reading.tokens.usage, reading.tokens.text) == (usage, None)
    in_memory = AnswerTokens(Response(200, Headers([("Content-Type", kind)]), Body(text)), "")
    in_memory.begin(lambda: None)
    assert in_memory.usage == usage


def raw_deflate(text: bytes) -> bytes:
    return zlib.compress(text)


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("deflate", raw_deflate), ("br", brotli.compress), ("GZIP", gzip.compress)],
)
def test_compressed(coding: str, encode: Callable[[bytes], bytes]) -> None:
    """A backend that compresses although it was not asked to is read all the same."""
    reading, sent = Reading(coding=coding), encode(STREAMS[0][1])
    for start in range(0, len(sent), 9):
        reading.stream.feed(sent[start : start + 9])
    reading.stream.finish()
    assert b"".join(reading.came) == sent
    assert reading.tokens.usage == TokenUsage(10, 5, 15)


@pytest.mark.parametrize(
    ("coding", "sent"),
    [
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(b"x" * MOST_DECODED * 2)),
        ("br", b"\xff\xff\xff"),
        ("br", brotli.compress(b"x" * MOST_DECODED * 2)),
        ("zstd", b"what"),
        ("gzip, br", b"what"),
    ],
    ids=["broken", "bomb", "broken brotli", "brotli bomb", "unknown", "two"],
)
def test_what_cannot_be_decoded(coding: str, sent: bytes) -> None:
    """It is passed on and says nothing."""
    reading = Reading(coding=coding)
    reading.stream.feed(sent)
    reading.stream.feed(sent)
    reading.stream.finish()
    assert b"".join(reading.came) == sent * 2
    assert reading.tokens.usage is None
    is_known = coding in ("gzip", "br")
    assert (reading.tokens.text is not None) is is_known
    assert reading.tokens.unreported == (0 if is_known else len(sent) * 2)


def test_cut_streams() -> None:
    """What was reported before the cut is kept, and so is the text."""
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}}
    reading = Reading()
    reading.stream.feed(sse(start, {"type": "content_block_delta", "delta": {"text": "hello world"}})[:-10])
    reading.stream.fail(UpstreamError("BackendConnectionFailure", "gone"))
    assert (reading.is_over, reading.tokens.is_cut, reading.came[-1]) == (True, True, b"gone")
    assert reading.tokens.usage == TokenUsage(10, 1, 11)
    assert reading.tokens.text is not None
    assert reading.tokens.text.count() == 2


def test_the_vocabulary_is_that_of_the_models_own_name() -> None:
    """The answer has the model's name where the request had that of a deployment."""
    reading = Reading()
    reading.stream.feed(sse(*[{**delta(text), "model": "gpt-4"} for text in ("お誕生日", "おめでとう")]))
    reading.stream.finish()
    assert reading.tokens.usage is None
    assert reading.tokens.text is not None
    assert reading.tokens.text.count() == 9


def test_other_answers_are_not_touched() -> None:
    """Sound and files pass without a watcher, and their trailers too."""
    reading = Reading("audio/mpeg")
    assert reading.is_over
    assert reading.answer.body.stream is reading.stream
    stream = Reading()
    stream.stream.trailers = {"x": "x: y"}
    stream.stream.finish()
    assert stream.answer.body.stream is not None
    assert stream.answer.body.stream.trailers == {"x": "x: y"}


@pytest.mark.parametrize(("size", "is_held"), [(50, True), (101, False)])
def test_a_head_may_wait(size: int, is_held: bool) -> None:
    """The answer comes while its head is held, up to the limit; then it goes on, whole."""

    async def run() -> None:
        source: list[str] = []
        stream = BodyStream(None, lambda: source.append("pause"), lambda: source.append("resume"))
        answer = Response(200, Headers([("Content-Type", "application/json")]), Body(stream=stream))
        tokens = AnswerTokens(answer, "")
        tokens.begin(lambda: None)
        head = tokens.hold(100)
        assert head is not None
        stream.feed(b"{" + b" " * (size - 1))
        assert (source[-1], head.done()) == (("resume", False) if is_held else ("pause", True))
        stream.feed(b"}")
        stream.finish()
        assert head.done()
        await answer.body.buffer(1000)
        assert answer.body.content == b"{" + b" " * (size - 1) + b"}"
        assert tokens.hold(100) is None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b'{"a":[' + b"[]," * 500_000 + b'[]],"usage":{"total_tokens":7}}'),
        ("text/event-stream", b"data:{}\n\n" * 150_000 + b'data: {"usage":{"total_tokens":7}}\n\n'),
    ],
    ids=["json", "events"],
)
@pytest.mark.usefixtures("in_slices")
def test_no_turn_is_long(kind: str, content: bytes) -> None:
    """What takes long to be read is passed on at once, and read in slices: no turn of the loop has more than one."""

    async def run() -> None:
        reading = Reading(kind)
        before = time.thread_time()
        reading.stream.feed(content)
        turns = [time.thread_time() - before]
        assert reading.came == [content]
        reading.stream.finish()
        while not reading.is_over:
            before = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - before)
        assert reading.tokens.usage == TokenUsage(0, 0, 7)
        assert len(turns) > 3
        assert sorted(turns)[len(turns) * 9 // 10] < 0.02  # the collector may have its turn too

    asyncio.run(run())


@pytest.mark.usefixtures("in_slices")
def test_no_more_waits_than_fits() -> None:
    """A backend that sends more than can be read is passed on, and not read on."""

    async def run() -> None:
        reading = Reading("application/json")
        piece = b"[]," * 350_000
        for _ in range(MOST_UNREAD // len(piece) + 2):
            reading.stream.feed(piece)
        assert reading.tokens._unread_bytes > MOST_UNREAD
        assert sum(map(len, reading.tokens._unread)) <= MOST_UNREAD

    asyncio.run(run())
