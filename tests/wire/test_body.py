"""Bodies: streams between a source and a sink, whole bodies in memory, and what becomes of those nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyAbandoned, BodyStream, BodyTooLarge, DecodedBody


@dataclass
class Ear:
    """A sink that notes what it was told."""

    told: list[object] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def finish(self) -> None:
        self.told.append("finished")

    def fail(self, error: Exception) -> None:
        self.told.append(error)


def noting(length: int | None = None) -> tuple[BodyStream, list[str]]:
    """A stream, and what its source was asked for."""
    asked: list[str] = []

    def note(what: str) -> Callable[[], None]:
        return lambda: asked.append(what)

    return BodyStream(length, note("pause"), note("resume"), note("discard")), asked


def test_a_source_waits_for_its_sink() -> None:
    """What comes before the sink is kept and pauses the source; attaching the sink hands it over and resumes."""
    stream, asked = noting()
    stream.feed(b"a")
    stream.feed(b"b")
    assert (asked, stream.is_taken) == (["pause", "pause"], False)
    ear = Ear()
    stream.pipe(ear)
    stream.feed(b"c")
    stream.finish()
    assert ear.told == [b"ab", b"c", "finished"]
    assert asked == ["pause", "pause", "resume"]


@pytest.mark.parametrize("error", [None, UpstreamError("Timeout", "slow")], ids=["complete", "broken off"])
def test_an_end_before_the_sink(error: Exception | None) -> None:
    """A body that ended before anybody read it ends in the same way for its reader, who resumes nothing."""
    stream, asked = noting()
    stream.feed(b"a")
    if error is None:
        stream.finish()
    else:
        stream.fail(error)
    ear = Ear()
    stream.pipe(ear)
    assert ear.told == [b"a", "finished" if error is None else error]
    assert "resume" not in asked


def test_back_pressure_reaches_the_source() -> None:
    """The sink pauses and resumes the source."""
    stream, asked = noting()
    stream.pipe(Ear())
    stream.pause()
    stream.resume()
    assert asked == ["resume", "pause", "resume"]


@pytest.mark.parametrize("end", ["open", "finished", "failed"])
def test_discard(end: str) -> None:
    """The source is told once that nobody reads the rest; where there is no rest nothing happens."""
    stream, asked = noting()
    stream.feed(b"secret")
    if end == "finished":
        stream.finish()
    if end == "failed":
        stream.fail(ValueError())
    stream.discard()
    stream.discard()
    assert asked.count("discard") == (1 if end == "open" else 0)
    ear = Ear()
    stream.pipe(ear)
    assert b"secret" not in ear.told
    if end == "open":
        assert isinstance(ear.told[0], BodyAbandoned)


@pytest.mark.parametrize(
    ("length", "chunks", "limit", "fits"),
    [
        (4, [b"ab", b"cd"], 4, True),
        (5, [], 4, False),
        (None, [b"ab", b"cd"], 4, True),
        (None, [b"abc", b"de"], 4, False),
    ],
    ids=["announced", "announced too long", "unannounced", "grows too long"],
)
def test_the_whole_body_within_a_limit(length: int | None, chunks: list[bytes], limit: int, fits: bool) -> None:
    """A body up to the limit is read whole; a longer one is refused, and its source told."""

    async def read() -> tuple[object, list[str]]:
        stream, asked = noting(length)
        for chunk in chunks:
            stream.feed(chunk)
        if fits:
            stream.finish()
        try:
            return await stream.read(limit), asked
        except BodyTooLarge as error:
            return error, asked

    result, asked = asyncio.run(read())
    if fits:
        assert (result, "discard" in asked) == (b"abcd", False)
    else:
        assert isinstance(result, BodyTooLarge)
        assert ("discard" in asked) is bool(chunks)


def test_a_body_used_up() -> None:
    """Reading consumes the body unless it is preserved. Source: APIM policy expressions, IMessageBody.As."""
    body = Body(b"x")
    assert (body.read(preserve=True), body.read(), body.read()) == (b"x", b"x", b"")


def test_a_replaced_body() -> None:
    """The new content is all there is; the source of the old one is told."""
    stream, asked = noting()
    body = Body(stream=stream)
    assert not body.buffered
    body.replace(b"new")
    assert (body.content, body.buffered, asked) == (b"new", True, ["discard"])


def test_a_decoded_body() -> None:
    """Policies read the plain bytes; unless they change or consume it, what was sent is sent on."""
    body = DecodedBody(b"packed", b"plain")
    assert (body.read(preserve=True), body.content) == (b"plain", b"packed")
    assert (body.read(), body.content, body.read()) == (b"plain", b"", b"")
    changed = DecodedBody(b"packed", b"plain")
    changed.replace(b"new")
    assert (changed.read(preserve=True), changed.content) == (b"new", b"new")
    gone = DecodedBody(b"packed", b"plain")
    gone.discard()
    assert (gone.read(), gone.content) == (b"", b"")
