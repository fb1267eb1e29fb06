"""
Logging: one JSON object a line on standard output, or lines for people.

Whatever looks like a token is masked and long texts are cut, anywhere in a line: the last guard, since every part
already keeps its secrets to itself. A line is rendered first and searched as a whole; only one that could hold a secret
is cleaned value by value, because a flood of refused requests must not cost more than the refusals.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

import orjson
import structlog

from gateway.telemetry.line_writer import LineWriter
from gateway.telemetry.log_observers import observed, traced

T = TypeVar("T")

MAX_CHARACTERS = 2_000
FLUSH_AFTER_S = 0.05
_MADE_TOGETHER = 16  # lines: even if each of them has to be cleaned, that is a small part of a turn's 20 ms
_LOOKED_AT = 16_000  # characters of a text that will be cut

_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*")  # its beginning is enough: texts are cut
_CREDENTIAL = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}")
_PASSWORD = re.compile(r"(://[^/?#\s@:\"]{0,64}:)[^/?#\s@\"]{1,256}@")  # of a URL, which claims and headers may have
_SHORTEST_SECRET = 8  # no match of these is shorter
_SHORTEST_HIDDEN = 4  # masking less would only give it away
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str = "info", form: str = "json", unsaid: Collection[str] = ()) -> None:
    """
    Set up structlog and the standard library's root logger for the whole process.

    Args:
        unsaid: Events that are not logged, whatever their level.
    """
    renderer: Any = render if form == "json" else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    shared: list[Any] = [_Without(unsaid)] if unsaid else []
    shared += [structlog.processors.add_log_level, _Stamp(), structlog.processors.format_exc_info, traced]
    if form != "json":
        shared.append(redact)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _lines,
        cache_logger_on_first_use=True,
    )
    _Direct.unsaid = frozenset(unsaid) if form == "json" and _LEVELS[level] <= logging.INFO else None
    handler = _LinesHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=max(_LEVELS[level], logging.WARNING), force=True)


class _Direct:
    """
    Whether lines may be written without structlog's steps, because these would change nothing.

    Attributes:
        unsaid: Events that are not logged; None: structlog writes every line.
    """

    unsaid: frozenset[str] | None = None


def say(logger: Any, event: str, members: dict[str, Any]) -> None:
    """
    An info line with *members*, which then belong to it.

    As JSON it is written directly, which takes a fraction of the time; *logger* writes it in any other form, and where
    something else than this module has configured structlog.
    """
    if not _is_direct():
        logger.info(event, **members)
    elif event not in (_Direct.unsaid or ()):
        members["event"], members["level"] = event, "info"
        _lines.msg(render(None, "info", _stamp(None, "info", traced(None, "info", members))))


def say_later(event: str, line: Callable[[T, str], str], subject: T) -> bool:
    """
    An info line that is made in a moment, many of them at once: *line* of *subject* and of the present time.

    Returns:
        Whether it will be; False: somebody has to look at its members: ``say`` it.
    """
    if observed() or not _is_direct() or event in (_Direct.unsaid or ()):
        return False
    _lines.later(line, subject)
    return True


def ready_line(event: str, parts: tuple[str, str, str, str], stamp: str) -> str | None:
    """
    An info line of *parts*: the first three are its members as JSON, without the closing brace; whatever of them may
    hold a secret is in the last one too. None: somebody has to look at it.
    """
    first, middle, last, shown = parts
    line = f'{first}{middle}{last},"event":"{event}","level":"info","timestamp":"{stamp}"}}'
    return None if _is_long_or_hidden(line) or shows_credential(shown) else line


def full_line(event: str, members: dict[str, Any], stamp: str) -> str:
    """An info line with *members*, which then belong to it, masked where that is needed."""
    members["event"], members["level"], members["timestamp"] = event, "info", stamp
    return render(None, "info", members)


def _is_direct() -> bool:
    """Whether structlog's steps would change nothing."""
    return _Direct.unsaid is not None and structlog.get_config()["processors"][-1] is render


class _Without:
    """structlog processor: drops *events*."""

    def __init__(self, events: Collection[str]) -> None:
        self._events = frozenset(events)

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if event.get("event") in self._events:
            raise structlog.DropEvent
        return event


class _Hidden:
    """
    The configuration's own secrets, which look like any other text.

    Attributes:
        pattern: Finds them in a value.
        written: Finds them in a line, where some characters are escaped.
    """

    pattern: re.Pattern[str] | None = None
    written: re.Pattern[str] | None = None


def hide(secrets: Iterable[str]) -> None:
    """Mask *secrets* in every line from now on, instead of those of the last call."""
    longest_first = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_HIDDEN}, key=len, reverse=True)
    _Hidden.pattern = _any_of(longest_first)
    _Hidden.written = _any_of([_dump(secret)[1:-1] for secret in longest_first])


def _any_of(texts: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, texts))) if texts else None


class _Stamp:
    """structlog processor: the time, UTC. The text of each second is formatted once."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["timestamp"] = self.now()
        return event

    def now(self) -> str:
        """The time."""
        return self.at(time.time())

    def at(self, now: float) -> str:
        """The text of *now*, in seconds since the epoch."""
        second = int(now)
        if second != self._second:
            self._second, self._text = second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._text}.{int(now % 1 * 1_000_000):06d}Z"


_stamp = _Stamp()


def render(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """structlog processor: one JSON object, without tokens, credentials and overlong texts."""
    try:
        line = _dump(event)
    except TypeError:  # half a surrogate pair, or a number beyond 64 bits: a client's JSON can have both
        return json.dumps(redact(_logger, _method, event), default=_described, separators=(",", ":"))
    return _dump(redact(_logger, _method, event)) if _is_suspicious(line) else line


def _described(value: object) -> object:
    return clean(repr(value))


def _is_suspicious(line: str) -> bool:
    """Whether *line* could hold a secret, or a value to cut."""
    return _is_long_or_hidden(line) or shows_credential(line)


def _is_long_or_hidden(line: str) -> bool:
    """Whether a value is to be cut, or a secret of the configuration may be in it."""
    return len(line) > MAX_CHARACTERS or (_Hidden.written is not None and _Hidden.written.search(line) is not None)


def _dump(event: object) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


_Unmade: TypeAlias = tuple[Callable[[Any, str], str], Any, float]


class _Lines:
    """
    Where structlog's lines go: standard output, all lines of a moment in one write.

    A flood of refused requests must not cost a system call each. Outside an event loop lines are written immediately.
    Threads log, too: whoever makes or writes lines takes them out one by one, so that none is lost or comes twice.
    """

    def __init__(self) -> None:
        self._waiting: deque[str | _Unmade] = deque()
        self._unmade = 0
        self._ready: deque[str] = deque()  # made, and before those that wait
        self._flushing_loop: asyncio.AbstractEventLoop | None = None

    def msg(self, line: str) -> None:
        """Write *line*, now or in a moment."""
        self._waiting.append(line)
        if not self._flush_soon():
            flush()

    def later(self, line: Callable[[T, str], str], subject: T) -> None:
        """Write *line* of *subject* and of the present time, in its turn."""
        if not self._flush_soon():
            self.msg(line(subject, _stamp.now()))
            return
        self._waiting.append((line, subject, time.time()))
        self._unmade += 1
        if self._unmade >= _MADE_TOGETHER:
            self._make()

    def _make(self) -> None:
        """Make the lines that are to be made: what takes 10 µs between two requests takes 3 one after another."""
        self._unmade = 0
        self._ready.extend(entry if isinstance(entry, str) else _made(entry) for entry in _taken(self._waiting))

    def _flush_soon(self) -> bool:
        """Whether the event loop will flush; False: there is none."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if loop is not self._flushing_loop:  # a loop that has ended never flushes what it was asked to
            self._flushing_loop = loop
            loop.call_later(FLUSH_AFTER_S, self.flush)
        return True

    def flush(self) -> None:
        """Hand what waits to the writer."""
        self._flushing_loop = None
        self._make()
        lines = [*_taken(self._ready)]
        if lines:
            _Output.writer.write(sys.stdout, lines)

    debug = info = warning = warn = error = err = critical = fatal = exception = log = msg


def _taken(entries: deque[T]) -> Iterator[T]:
    """All *entries*, each of them to one thread only."""
    while True:
        try:
            yield entries.popleft()
        except IndexError:
            return


def _made(entry: _Unmade) -> str:
    line, subject, moment = entry
    return line(subject, _stamp.at(moment))


class _LinesHandler(logging.Handler):
    """Sends the standard library's records the same way."""

    def emit(self, record: logging.LogRecord) -> None:
        _lines.msg(self.format(record))


class _Output:
    """The writer of this process; a forked process has one of its own, for threads do not survive a fork."""

    writer = LineWriter()


def _begin_output() -> None:
    _Output.writer = LineWriter()


def dropped_lines() -> int:
    """Lines that were not written because standard output was not read."""
    return _Output.writer.dropped


def flush() -> None:
    """Write the waiting lines, for at most a second: before the process ends, and where there is no event loop."""
    _lines.flush()
    _Output.writer.wait()


_lines = _Lines()
atexit.register(flush)
if sys.platform != "win32":  # where nothing forks
    os.register_at_fork(after_in_child=_begin_output)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """structlog processor: no tokens, no credentials, no overlong texts."""
    return {key: clean(value) for key, value in event.items()}


def clean(value: object) -> object:
    """*value* as it may be logged."""
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, Mapping):
        return {_clean_text(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def shortened(text: str) -> str:
    """*text* as it may wait to be exported: one that will be cut is masked and cut now, not held until then."""
    if len(text) <= MAX_CHARACTERS:
        return text
    shown = str(clean(text[:_LOOKED_AT]))
    # A secret that the first cut has divided is not found, and would be shown where masking shortened what is before.
    return shown if len(shown) > MAX_CHARACTERS or len(text) <= _LOOKED_AT else "*****"


def _clean_text(value: str) -> str:
    text = value if _Hidden.pattern is None else _Hidden.pattern.sub("*****", value)
    text = _masked(text) if len(text) >= _SHORTEST_SECRET else text
    text = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()  # no half surrogate pairs
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def _masked(text: str) -> str:
    """*text* without tokens and credentials."""
    if not shows_credential(text):
        return text
    return _PASSWORD.sub(r"\1*****@", _CREDENTIAL.sub(r"\1 *****", _TOKEN.sub("*****", text)))


def shows_credential(text: str) -> bool:
    """Whether *text* has a trace of a token or a credential: much faster than the expressions."""
    if "J" in text and "eyJ" in text:  # one character is looked for much faster than three
        return True
    lower = text.lower()
    return "bearer" in lower or "basic" in lower or ("@" in text and "://" in text)
