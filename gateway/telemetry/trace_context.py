"""
W3C Trace Context: the header fields with which a trace passes from one service to the next.

Source: W3C "Trace Context" Level 1 (https://www.w3.org/TR/trace-context-1/), sections 3.2, 3.3 and 4.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.wire.headers import Headers

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
MAX_STATE_CHARACTERS: Final = 512
_MAX_MEMBERS = 32
_MAX_PARENT_CHARACTERS = 256

# A later version may add fields behind the flags; version 00 has none, and ff is none.
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SIMPLE_KEY = r"[a-z][a-z0-9_\-*/]{0,255}"
_TENANT_KEY = r"[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}"
_MEMBER = re.compile(
    rf"(?:{_SIMPLE_KEY}|{_TENANT_KEY})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


class TraceContext:
    """
    Where a span is in its trace; never changed once it is made.

    Attributes:
        trace_id, span_id: 128 and 64 bits, never 0.
        state: ``tracestate`` as it was received, for the next service; empty where there is none.
    """

    __slots__ = ("sampled", "span_id", "state", "trace_id")

    def __init__(self, trace_id: int, span_id: int, sampled: bool, state: str = "") -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.sampled = sampled
        self.state = state

    @property
    def traceparent(self) -> str:
        """The header field's value."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{'01' if self.sampled else '00'}"

    @property
    def fields(self) -> dict[str, str]:
        """The header fields for the next service."""
        return {TRACEPARENT: self.traceparent, **({TRACESTATE: self.state} if self.state else {})}

    @property
    def stored(self) -> str:
        """Both fields in one text, for ``restore``."""
        return f"{self.traceparent} {self.state}".rstrip()


def restore(text: str | None) -> TraceContext | None:
    """What ``TraceContext.stored`` has made of a context; None where there is none."""
    traceparent, _, state = (text or "").partition(" ")
    return parse(traceparent, state)


def received(headers: Headers) -> TraceContext | None:
    """The context in a message's fields; None where it has none, or one that breaks the specification."""
    parents = headers.values(TRACEPARENT)
    if len(parents) != 1:
        return None
    return parse(parents[0], ",".join(headers.values(TRACESTATE)))


def parse(traceparent: str, tracestate: str = "") -> TraceContext | None:
    """
    The context that both fields describe.

    A malformed traceparent is none, and takes its tracestate with it; a malformed or overlong tracestate is left out.
    """
    match = _PARENT.fullmatch(traceparent) if len(traceparent) <= _MAX_PARENT_CHARACTERS else None
    if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
        return None
    trace_id, span_id = int(match[2], 16), int(match[3], 16)
    if not trace_id or not span_id:
        return None
    return TraceContext(trace_id, span_id, bool(int(match[4], 16) & 1), _state(tracestate))


def _state(text: str) -> str:
    """*text* where it is a list of members with different keys, else nothing."""
    if len(text) > MAX_STATE_CHARACTERS:
        return ""
    members = [member for part in text.split(",") if (member := part.strip(" \t"))]
    keys = {member.partition("=")[0] for member in members}
    if len(members) > _MAX_MEMBERS or len(keys) < len(members):
        return ""
    return ",".join(members) if all(map(_MEMBER.fullmatch, members)) else ""
