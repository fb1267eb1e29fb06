"""
What the answer of a language model has cost: read while it passes, never held back, never changed.

Every piece goes on to the caller before it is looked at. A stream of events is read event by event; any other JSON is
scanned for its usage. Of a stream the text is kept, for the case that it reports nothing, or is cut before it has.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from gateway.policies.parts.body_text import is_json, media_type
from gateway.policies.parts.completion_text import CompletionText
from gateway.policies.parts.event_stream import EventStream
from gateway.policies.parts.usage_fields import TokenUsage, usage_of
from gateway.policies.parts.usage_scanner import UsageScanner
from gateway.policies.parts.vocabularies import vocabulary_of
from gateway.wire.body import BodyStream
from gateway.wire.content_coding import codings
from gateway.wire.messages import Response
from gateway.wire.slices import SLICE_S

# What one piece of a compressed answer may become. A model's text grows by five or ten times, a bomb by a thousand.
MOST_DECODED = 4 * 1024 * 1024
_GZIP_OR_ZLIB = 47
_MEDIA = ("image/", "audio/", "video/")
_LINES = ("application/x-ndjson", "application/jsonl")
# Read at once; what of a longer piece takes more than a slice is read in the next turns, and so much may wait for them.
STEP = 16 * 1024
MOST_UNREAD = 16 * 1024 * 1024


class _UsageReader(Protocol):
    def feed(self, data: bytes) -> None: ...
    def finish(self) -> None: ...
    def usage(self) -> TokenUsage | None: ...
    def unreported(self) -> int: ...


class _Events:
    """Reads an answer of events."""

    def __init__(self, model: str) -> None:
        self._events = EventStream(self._read)
        self.feed, self.finish = self._events.feed, self._events.finish
        self.text = CompletionText(vocabulary_of(model))
        self._reported: dict[str, Any] = {}
        self._model = ""

    def usage(self) -> TokenUsage | None:
        return usage_of(self._reported)

    def unreported(self) -> int:
        """Its text counts instead."""
        return 0

    def _read(self, event: dict[str, Any]) -> None:
        around = [event, *(inner for name in ("response", "message") if isinstance(inner := event.get(name), dict))]
        for members in around:
            self._note_usage(members)
            self._note_model(members.get("model"))
        self.text.read(event)

    def _note_usage(self, members: dict[str, Any]) -> None:
        """Reports add to each other: Anthropic's have the prompt at the beginning, and the completion at the end."""
        usage = members.get("usage") or members.get("usageMetadata")
        if isinstance(usage, dict):
            self._reported |= {name: value for name, value in usage.items() if value is not None}

    def _note_model(self, model: Any) -> None:
        """The answer has the model's own name where the request had that of a deployment."""
        if not self._model and isinstance(model, str) and model:
            self._model = model
            self.text.vocabulary = vocabulary_of(model)


class _Json:
    """Reads an answer that is JSON."""

    def __init__(self) -> None:
        self._scanner = UsageScanner()
        self._size = 0

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        self._scanner.feed(data)

    def finish(self) -> None:
        """There is no more."""

    def usage(self) -> TokenUsage | None:
        members = self._scanner.members
        return None if members is None else usage_of(members)

    def unreported(self) -> int:
        """Some models leave the usage out where the caller asks for that."""
        return self._size if self._scanner.has_completion and self.usage() is None else 0


class _Opaque:
    """Passes an answer whose form or coding nobody here reads: Amazon's binary streams, protocol buffers, text."""

    def __init__(self) -> None:
        self._size = 0

    def feed(self, data: bytes) -> None:
        self._size += len(data)

    def finish(self) -> None:
        """There is no more."""

    def usage(self) -> TokenUsage | None:
        return None

    def unreported(self) -> int:
        return self._size


def _decoder(applied: Sequence[str]) -> Callable[[bytes], bytes] | None:
    """Decodes the next piece, or raises ValueError; None: the coding is not known, or there are several."""
    coding = applied[0] if len(applied) == 1 else ""
    if coding in ("gzip", "x-gzip", "deflate"):
        return _inflater()
    return _brotli() if coding == "br" else None


def _inflater() -> Callable[[bytes], bytes]:
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)

    def decode(data: bytes) -> bytes:
        try:
            plain = inflater.decompress(data, MOST_DECODED)
        except zlib.error as error:
            raise ValueError from error
        if inflater.unconsumed_tail or inflater.unused_data:
            raise ValueError
        return plain

    return decode


def _brotli() -> Callable[[bytes], bytes]:
    import brotli  # type: ignore[import-untyped]

    decompressor = brotli.Decompressor()

    def decode(data: bytes) -> bytes:
        try:
            plain: bytes = decompressor.process(data, output_buffer_limit=MOST_DECODED)
        except brotli.error as error:
            raise ValueError from error
        if not decompressor.can_accept_more_data():
            raise ValueError
        return plain

    return decode


def _reader(kind: str, model: str) -> _UsageReader | None:
    """Reads an answer of the media type *kind*; None: a picture, a sound or a film, which do not say what they cost."""
    if kind == "text/event-stream":
        return _Events(model)
    if not kind or is_json(kind) or kind in _LINES:
        return _Json()
    return None if kind.startswith(_MEDIA) else _Opaque()


class AnswerTokens:
    """
    Reads one answer, in as many turns of the loop as that takes.

    Attributes:
        text: What a stream of events has brought; None: it is no such stream.
        is_over: Whether it has passed, and has been read.
        is_cut: Whether that was not the whole answer.
    """

    def __init__(self, answer: Response, model: str) -> None:
        kind = media_type(answer.headers)
        applied = codings(answer.headers.joined("Content-Encoding"))
        decode = _decoder(applied) if applied else bytes
        reader = self._reader = _reader(kind, model) if decode is not None else _Opaque()
        self._is_passed = kind in _LINES or isinstance(reader, _Opaque)
        self.text = reader.text if isinstance(reader, _Events) else None
        self._decode: Callable[[bytes], bytes] | None = decode or bytes
        self._body = answer.body
        self._over: Callable[[], None] = _nothing
        self._head: asyncio.Future[None] | None = None
        self._room = 0
        self._unread: deque[bytes] = deque()
        self._unread_bytes = self._offset = 0
        self._has_ended = self.is_over = self.is_cut = False

    def begin(self, over: Callable[[], None]) -> None:
        """Read; *over* is called when the answer has passed, immediately where it is in memory or says nothing."""
        self._over = over
        stream = self._body.stream
        if stream is None:
            self._take(self._body.content)
            self.end(complete=True)
        elif self._reader is None:
            self.end(complete=True)
        else:
            tap = Tap(stream, self._take, self.end)
            self._body.stream = tap.passed_on
            stream.pipe(tap)

    def hold(self, max_bytes: int) -> asyncio.Future[None] | None:
        """Let the answer come, but no more of it than *max_bytes*: done when it has. None: it is not to be held."""
        stream = self._body.stream
        if self.is_over or self._is_passed or stream is None or (stream.length or 0) > max_bytes:
            return None
        self._head, self._room = asyncio.get_running_loop().create_future(), max_bytes
        stream.resume()
        return self._head

    @property
    def usage(self) -> TokenUsage | None:
        """What the model has reported so far."""
        return None if self._reader is None else self._reader.usage()

    @property
    def unreported(self) -> int:
        """The bytes of an answer that says something, but not what it has cost, and is no stream of events."""
        return 0 if self._reader is None else self._reader.unreported()

    def as_text(self) -> CompletionText:
        """Those bytes, to be counted as they are."""
        text = CompletionText(vocabulary_of(""))
        text.skip(self.unreported)
        return text

    def end(self, complete: bool) -> None:
        """There is no more."""
        if self._has_ended:
            return
        self._has_ended, self.is_cut = True, not complete
        if not self._unread:
            self._finish()

    def _take(self, data: bytes) -> None:
        """The next piece, which has been passed on."""
        plain = self._plain(data)
        if self._reader is not None and plain:
            self._read(self._reader, plain)
        if self._head is not None:
            self._room -= len(data)
            self._keep_coming()

    def _plain(self, data: bytes) -> bytes:
        """*data* without its coding; nothing, from now on, where it cannot be decoded."""
        if self._decode is None:
            return b""
        try:
            return self._decode(data)
        except ValueError:
            self._decode = None
            return b""

    def _read(self, reader: _UsageReader, plain: bytes) -> None:
        if not self._unread and len(plain) <= STEP:
            reader.feed(plain)
            return
        is_first = not self._unread
        self._unread_bytes += len(plain)
        if self._unread_bytes <= MOST_UNREAD:
            self._unread.append(plain)
        else:
            self._decode = None  # a backend that sends more than can be read
        if is_first:
            self._go_on(reader)

    def _go_on(self, reader: _UsageReader) -> None:
        """Read what has come, for as long as one turn of the loop may take; the rest in the next."""
        began_s = time.thread_time()
        while self._unread:
            self._step(reader, self._unread[0])
            if self._unread and time.thread_time() - began_s > SLICE_S:
                asyncio.get_running_loop().call_soon(self._go_on, reader)
                return
        self._unread_bytes = 0
        if self._has_ended:
            self._finish()

    def _step(self, reader: _UsageReader, piece: bytes) -> None:
        end = self._offset + STEP
        reader.feed(piece[self._offset : end])
        self._offset = end
        if end >= len(piece):
            self._unread.popleft()
            self._offset = 0

    def _finish(self) -> None:
        if self._reader is not None:
            self._reader.finish()
        self.is_over = True
        over, self._over = self._over, _nothing
        over()
        self._release()

    def _keep_coming(self) -> None:
        """Who holds the answer's head wants more of it, as long as there is room; nobody else takes it yet."""
        if self._room < 0 or self._body.stream is None:
            self._release()
        else:
            self._body.stream.resume()

    def _release(self) -> None:
        head, self._head = self._head, None
        if head is not None and not head.done():
            head.set_result(None)


def _nothing() -> None:
    """It has been told."""


class Tap:
    """Passes a stream on, and lets somebody look at what has been passed on."""

    def __init__(self, stream: BodyStream, take: Callable[[bytes], None], end: Callable[[bool], None]) -> None:
        self.passed_on = BodyStream(stream.length, stream.pause, stream.resume, stream.discard)
        self._stream: BodyStream | None = stream
        self._take = take
        self._end = end

    def write(self, data: bytes) -> None:
        """The next piece."""
        self.passed_on.feed(data)
        self._take(data)

    def finish(self) -> None:
        """It is complete."""
        if self._stream is not None:
            self.passed_on.trailers = self._stream.trailers
        self.passed_on.finish()
        self._part(complete=True)

    def fail(self, error: Exception) -> None:
        """It never will be."""
        self.passed_on.fail(error)
        self._part(complete=False)

    def _part(self, complete: bool) -> None:
        # Both streams know each other: what refers to the request must not wait for the collector.
        end, self._stream = self._end, None
        self._take = self._end = _no_more
        end(complete)


def _no_more(_: object) -> None:
    """The stream is over."""
