"""
A streamed answer of a language model that passes window by window, each after it has been judged.

Events are held back until their texts fill a window, or the stream ends, or what is held becomes too much; then they
are judged and passed on as they came. Where the judge refuses, nothing more is passed on and the answer ends there,
without its last event.

Source: APIM policy reference, "llm-content-safety", usage notes; WHATWG HTML, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from gateway.errors import PolicyError
from gateway.language_models.event_splitter import EventSplitter, event_data
from gateway.language_models.model_texts import named_texts, windows
from gateway.wire.body import BodyStream

if TYPE_CHECKING:
    from gateway.wire.messages import Response

log = structlog.get_logger("gateway.content_safety")

# Bytes that are held back at most, whatever the size of the window.
MOST_HELD = 1024 * 1024

_LANE = ("index", "output_index", "content_index")


def event_lanes(event: bytes) -> Iterator[tuple[object, str]]:
    """The texts of one event, and what each of them continues: a text in another member divides no word."""
    data = event_data(event)
    document = None if data in (b"", b"[DONE]") else _document(data)
    lane = _lane(document)
    yield from (((lane, place), text) for place, text in named_texts(document))


def _document(data: bytes) -> Any:
    """What an event says; what cannot be read is a text."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


def _lane(part: Any) -> object:
    return tuple(str(part.get(name)) for name in _LANE) if isinstance(part, dict) else None


class GuardedStream:
    """A sink that holds events back until *judge* has let them pass; it raises PolicyError."""

    def __init__(self, judge: Callable[[Sequence[str]], Awaitable[None]], size: int, overlap: int) -> None:
        """*size*, *overlap*: characters of a window, and of it in the next one."""
        self._judge = judge
        self._size = size
        self._overlap = overlap
        self._splitter = EventSplitter()
        self._held = bytearray()
        self._lanes: dict[object, str] = {}
        self._fresh: dict[object, None] = {}
        self._new = 0
        self._source: BodyStream | None = None
        self._passed_on = BodyStream(None, self._pause, self._go_on, self._abandon)
        self._work: asyncio.Task[None] | None = None
        self._full = self._finished = self._over = False

    def stand_before(self, response: Response) -> None:
        """Take the place of the body of *response*, which is a stream."""
        source = response.body.stream
        if source is not None:
            self._source = source
            response.body.stream = self._passed_on
            source.pipe(self)

    # -- the source's side
    def write(self, data: bytes) -> None:
        """The next bytes."""
        if self._over:
            return
        for event in self._splitter.feed(data):
            self._hold(event)
        self._start()

    def finish(self) -> None:
        """There are no more."""
        if self._splitter.rest:
            self._hold(self._splitter.finish())
        self._finished = True
        self._start()

    def fail(self, error: Exception) -> None:
        """The answer was cut: what is held has not been judged."""
        self._end()
        self._passed_on.fail(error)

    # -- inside
    def _hold(self, event: bytes) -> None:
        self._held += event
        for lane, text in event_lanes(event):
            self._lanes[lane] = self._lanes.get(lane, "") + text
            self._new += len(text)
            if text:
                self._fresh[lane] = None

    @property
    def _is_due(self) -> bool:
        """Whether what is held is to be judged now."""
        held = len(self._held) + len(self._splitter.rest)
        return not self._over and (self._finished or self._new >= self._size or held >= MOST_HELD)

    def _start(self) -> None:
        if self._work is None and self._is_due:
            self._work = asyncio.get_running_loop().create_task(self._judge_all())
        self._settle()

    async def _judge_all(self) -> None:
        try:
            await self._judge_windows()
        except PolicyError as error:
            log.warning("answer_stopped", reason=error.reason, detail=error.logged_message)
            self._stop()
        except Exception as error:
            log.error("internal_error", error=type(error).__name__, exc_info=error)
            self._stop()
        finally:
            self._work = None
        if self._finished and not self._over:
            self._end()
            self._passed_on.finish()
        self._settle()

    async def _judge_windows(self) -> None:
        while self._is_due:
            if len(self._splitter.rest) >= MOST_HELD:
                raise PolicyError(403, "ContentSafetyViolation", "Content safety: an event is too long.")
            await self._judge_window()
            if self._finished and not self._held:
                break

    async def _judge_window(self) -> None:
        held, self._held = bytes(self._held), bytearray()
        fresh = [self._lanes[lane] for lane in self._fresh]
        pieces = [piece for text in fresh for piece in windows(text, self._size, self._overlap)]
        self._forget()
        await self._judge(pieces)
        if held and not self._over:
            self._passed_on.feed(held)

    def _forget(self) -> None:
        """What has been read, save what the next windows begin with."""
        kept = {lane: text[max(0, len(text) - self._overlap) :] for lane, text in self._lanes.items()}
        self._lanes = {lane: text for lane, text in kept.items() if text}
        self._fresh.clear()
        self._new = 0

    def _stop(self) -> None:
        """Nothing more is passed on."""
        source = self._source
        self._end()
        if source is not None:
            source.discard()
        self._passed_on.finish()

    def _end(self) -> None:
        self._over = True
        self._held.clear()
        self._lanes.clear()
        self._fresh.clear()
        self._splitter.finish()

    # -- the client's side
    def _pause(self) -> None:
        self._full = True
        self._settle()

    def _go_on(self) -> None:
        self._full = False
        self._settle()

    def _abandon(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
        self._end()
        if self._source is not None:
            self._source.discard()

    def _settle(self) -> None:
        """Hold the source back while the client is slow, or something is being judged."""
        if self._source is None or self._finished or self._over:
            return
        if self._full or self._work is not None:
            self._source.pause()
        else:
            self._source.resume()
