"""
Logging: one JSON object a line on standard output, or lines for people.

Whatever looks like a token is masked and long texts are cut, wherever in a line they stand: the last guard, after
every part has already kept its secrets to itself.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import orjson
import structlog

MAX_CHARACTERS = 2_000
FLUSH_AFTER_S = 0.05

_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_CREDENTIAL = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}")
_SHORTEST_SECRET = 13  # no match of these is shorter
_SHORTEST_HIDDEN = 4  # hiding less would only say what it is
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str = "info", form: str = "json") -> None:
    """Set up structlog and the standard library's root logger for the whole process."""
    renderer: Any = structlog.processors.JSONRenderer(_dump) if form == "json" else structlog.dev.ConsoleRenderer()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=max(_LEVELS[level], logging.WARNING), force=True)


class _Hidden:
    """The configuration's own secrets, which look like any other text."""

    pattern: re.Pattern[str] | None = None


def hide(secrets: Iterable[str]) -> None:
    """Mask *secrets* in every line from now on, instead of those given before."""
    known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_HIDDEN}, key=len, reverse=True)
    _Hidden.pattern = re.compile("|".join(map(re.escape, known))) if known else None


def _dump(event: object, **_: object) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


class _Lines:
    """
    Where structlog's lines go: standard output, all lines of a moment in one write.

    A flood of refused requests must not cost a system call each. Outside an event loop lines are written at once.
    """

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def msg(self, line: str) -> None:
        """Write *line*, now or in a moment."""
        self._waiting.append(line)
        if len(self._waiting) > 1:
            return
        try:
            asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)
        except RuntimeError:
            self.flush()

    def flush(self) -> None:
        """Write what waits; before the process ends, too."""
        if not self._waiting:
            return
        lines, self._waiting = self._waiting, []
        sys.stdout.write("\n".join([*lines, ""]))
        sys.stdout.flush()

    debug = info = warning = warn = error = err = critical = fatal = exception = log = msg


_lines = _Lines()
flush = _lines.flush
atexit.register(flush)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """structlog processor: no token, no credential, nothing endless."""
    return {key: clean(value) for key, value in event.items()}


def clean(value: object) -> object:
    """*value* as it may be logged."""
    if isinstance(value, str):
        text = value if _Hidden.pattern is None else _Hidden.pattern.sub("*****", value)
        text = _masked(text) if len(text) >= _SHORTEST_SECRET else text
        return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"
    if isinstance(value, Mapping):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def _masked(text: str) -> str:
    """*text* without tokens and credentials. The look for a trace of one is much quicker than the expressions."""
    lower = text.lower()
    if "eyj" in lower or "bearer" in lower or "basic" in lower:
        return _CREDENTIAL.sub(r"\1 *****", _TOKEN.sub("*****", text))
    return text
