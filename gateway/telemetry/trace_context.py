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

# No id is 0 alone. A later version may add fields behind the flags; version 00 ends there, and ff is not a version.
_PARENT = re.compile(r"(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_SIMPLE_KEY = r"[a-z][a-z0-9_\-*/]{0,255}"
_TENANT_KEY = r"[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}"
_MEMBER = re.compile(
    rf"(?:{_SIMPLE_KEY}|{_TENANT_KEY})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


class TraceContext:
    """
    Where a span is in its trace; never changed once it is made.

    Attributes:
        trace_id, span_id: 32 and 16 hexadecimal digits, never 0 alone.
        state: ``tracestate`` as it was received, for the next service; empty where there is none.
    """

    __slots__ = ("sampled", "span_id", "state", "trace_id")

    def __init__(self, trace_id: str, span_id: str, sampled: bool, state: str = "") -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.sampled = sampled
        self.state = state

    @property
    def traceparent(self) -> str:
        """The header field's value."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

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
    line = headers.lines.get(TRACEPARENT)
    if line is None or "\r\n" in line:
        return None
    state = ",".join(headers.values(TRACESTATE)) if TRACESTATE in headers.lines else ""
    return parse(line[len(TRACEPARENT) + 1 :].strip(" \t"), state)


def parse(traceparent: str, tracestate: str = "") -> TraceContext | None:
    """
    The context that both fields describe.

    A malformed traceparent is none, and takes its tracestate with it; a malformed or overlong tracestate is left out.
    """
    match = _PARENT.fullmatch(traceparent) if len(traceparent) <= _MAX_PARENT_CHARACTERS else None
    if match is None:
        return None
    trace_id, span_id, flags = match.groups()
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & 1), _state(tracestate) if tracestate else "")


def _state(text: str) -> str:
    """*text* where it is a list of members with different keys, else nothing."""
    if len(text) > MAX_STATE_CHARACTERS:
        return ""
    members = [member for part in text.split(",") if (member := part.strip(" \t"))]
    keys = {member.partition("=")[0] for member in members}
    if len(members) > _MAX_MEMBERS or len(keys) < len(members):
        return ""
    return ",".join(members) if all(map(_MEMBER.fullmatch, members)) else ""
