"""
Message bodies: on their way as a stream, or in memory.

A body streams from one connection to the other with back-pressure unless a policy has to read it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.errors import GatewayError
from gateway.wire.decoders import NO_TRAILERS


class BodyTooLarge(GatewayError):
    """A body that has to be held in memory exceeds the limit."""


class BodyAbandoned(GatewayError):
    """A body whose reader left before its end."""


class Sink(Protocol):
    """Where a stream's bytes go: the connection on the other side."""

    def write(self, data: bytes) -> None: ...
    def finish(self) -> None: ...
    def fail(self, error: Exception) -> None: ...


def _nothing() -> None:
    """A source that cannot be held back."""


class BodyStream:
    """
    Bytes on their way: pushed by one source, taken by one sink.

    Until a sink is attached the bytes wait here and the source is paused; *length* is the body's size in bytes when
    the framing tells it, None for chunked or until-close bodies.

    Attributes:
        trailers: Folded name -> field lines that have come behind the body; its source sets them before it finishes.
    """

    __slots__ = ("_chunks", "_discard", "_error", "_finished", "_pause", "_resume", "_sink", "length", "trailers")

    def __init__(
        self,
        length: int | None = None,
        pause: Callable[[], None] = _nothing,
        resume: Callable[[], None] = _nothing,
        discard: Callable[[], None] = _nothing,
    ) -> None:
        self.length = length
        self.trailers = NO_TRAILERS
        self._discard = discard
        self._pause = pause
        self._resume = resume
        self._sink: Sink | None = None
        self._chunks: list[bytes] = []
        self._finished = False
        self._error: Exception | None = None

    @classmethod
    def whole(cls, content: bytes, trailers: Mapping[str, str]) -> BodyStream:
        """A body that has come to its end, which *trailers* follow."""
        stream = cls()
        stream.trailers = trailers
        if content:
            stream.feed(content)
        stream.finish()
        return stream

    @property
    def is_taken(self) -> bool:
        """Whether a sink is attached."""
        return self._sink is not None

    # -- the source's side
    def feed(self, data: bytes) -> None:
        """The next bytes."""
        if self._sink is not None:
            self._sink.write(data)
        elif self._error is None:
            self._chunks.append(data)
            self._pause()

    def finish(self) -> None:
        """The body is complete."""
        self._finished = True
        if self._sink is not None:
            self._sink.finish()

    def fail(self, error: Exception) -> None:
        """The body will never be complete."""
        self._error = error
        if self._sink is not None:
            self._sink.fail(error)

    def part(self) -> None:
        """The source has nothing to do with it any more: a body that held it would keep it in memory."""
        self._pause = self._resume = self._discard = _nothing

    # -- the sink's side
    def pause(self) -> None:
        """The sink is full."""
        self._pause()

    def resume(self) -> None:
        """The sink is ready for more."""
        self._resume()

    def pipe(self, sink: Sink) -> None:
        """Give everything to *sink*: what waits now, the rest as it comes."""
        self._sink = sink
        chunks, self._chunks = self._chunks, []
        if chunks:
            sink.write(b"".join(chunks))
        if self._error is not None:
            sink.fail(self._error)
        elif self._finished:
            sink.finish()
        else:
            self._resume()

    def discard(self) -> None:
        """The rest is not needed: the source drops it, or closes its connection. Without a rest nothing happens."""
        self._chunks.clear()
        if not self._finished and self._error is None:
            self._error = BodyAbandoned("nothing reads this body any more")
            self._discard()

    async def read(self, max_bytes: int) -> bytes:
        """The whole body. Raises BodyTooLarge, or what the source failed with."""
        if self.length is not None and self.length > max_bytes:
            raise BodyTooLarge(f"body of {self.length} bytes, at most {max_bytes} can be held in memory")
        collector = _Collector(max_bytes)
        self.pipe(collector)
        try:
            return await collector.complete
        except BaseException:
            self.discard()
            raise


class _Collector:
    """A sink that keeps everything, up to a limit."""

    def __init__(self, max_bytes: int) -> None:
        self.complete: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._max_bytes = max_bytes
        self._size = 0
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._max_bytes:
            self._chunks.clear()
            self.fail(BodyTooLarge(f"body larger than {self._max_bytes} bytes cannot be held in memory"))
        else:
            self._chunks.append(data)

    def finish(self) -> None:
        if not self.complete.done():
            self.complete.set_result(b"".join(self._chunks))

    def fail(self, error: Exception) -> None:
        if not self.complete.done():
            self.complete.set_exception(error)


class Body:
    """
    The body of one message.

    Attributes:
        stream: The bytes still on their way, or None when *content* is all there is.
        content: The bytes in memory.
    """

    __slots__ = ("content", "stream")

    def __init__(self, content: bytes = b"", stream: BodyStream | None = None) -> None:
        self.content = content
        self.stream = stream

    @property
    def buffered(self) -> bool:
        """Whether the whole body is in memory."""
        return self.stream is None

    async def buffer(self, max_bytes: int) -> None:
        """Bring the whole body into memory. Raises BodyTooLarge."""
        if self.stream is not None:
            self.content = await self.stream.read(max_bytes)
            self.stream = None

    def discard(self) -> None:
        """This body is no longer wanted."""
        self.content = b""
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.discard()

    def replace(self, content: bytes) -> None:
        """Make *content* the whole body; what was still to come is dropped."""
        self.discard()
        self.content = content

    def read(self, preserve: bool = False) -> bytes:
        """
        The bytes in memory; without *preserve* they are used up.

        Source: APIM policy expressions, IMessageBody.As: the default consumes the body.
        """
        content = self.content
        if not preserve:
            self.content = b""
        return content


class DecodedBody(Body):
    """
    A body whose content codings policies do not see: they read *plain*, and unless they change it, what was sent is
    sent on.
    """

    __slots__ = ("plain",)

    def __init__(self, content: bytes, plain: bytes) -> None:
        super().__init__(content)
        self.plain: bytes | None = plain

    def replace(self, content: bytes) -> None:
        """Make *content* the whole body. A caller that sets text removes Content-Encoding as well."""
        self.plain = None
        super().replace(content)

    def discard(self) -> None:
        """The body is wanted no more."""
        self.plain = None
        super().discard()

    def read(self, preserve: bool = False) -> bytes:
        """The plain bytes; without *preserve* the body is used up, for the backend too."""
        if self.plain is None:
            return super().read(preserve)
        plain = self.plain
        if not preserve:
            self.plain, self.content = b"", b""
        return plain
