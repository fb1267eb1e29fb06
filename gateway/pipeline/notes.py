"""
What a request leaves behind on its way, so that its trace can be written afterwards, if anyone ever wants it.

The notes of a request are one flat list of triples: what happened, when (``time.monotonic``), and a value. What
happened is a step that begins (the value is what its policy may change, see ``changes``), a policy that has decided
something, or a ``Mark``. Nothing is formatted and nothing large is referred to: most requests are good, and their notes
are dropped unread.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple, TypeAlias

from gateway.tokens.jwt import Jwt
from gateway.wire.messages import Response

Notes: TypeAlias = list[Any]

WIDTH = 3  # elements of one note
MAX_NOTES = 500
MAX_HELD = 65_536  # characters of a text that a note refers to; of a longer one it has the length only

_PLAIN = (type(None), bool, int, float, Jwt)


class Mark(Enum):
    """What is noted beside steps and decisions."""

    FAILED = "failed"
    """The request goes to on-error. The value: reason, message, and the response that the error answer replaces."""
    ANSWERED = "answered"
    """There is an answer: the value."""
    POLICY_ANSWERED = "policy-answered"
    """The same, where a policy made it instead of the backend."""
    CAUGHT = "caught"
    """A policy around the step that began last deals with its failure. The value: reason and message."""
    CACHED = "cached"
    """The step that began last found its response in the cache."""
    ENDED = "ended"
    """One of several steps that run side by side is over. The value: that step."""
    SAID = "said"
    """A policy document wants a line in the trace. The value: source, text, and names with values."""
    LEFT_OUT = "left-out"
    """From here on notes were dropped. The value: everything that policies may change, as it was."""


class Shown(str):
    """A text that stands for a value that is not shown: nothing in it is to be masked."""

    __slots__ = ()


def held(value: object) -> object:
    """*value* as a note refers to it: no body, and no object that has one, outlives its use because of a trace."""
    if isinstance(value, str):
        return value if len(value) <= MAX_HELD else Shown(f"(text of {len(value)} characters)")
    if isinstance(value, Response):
        return Shown(f"(Response {value.status_code})")
    return value if isinstance(value, _PLAIN) else Shown(f"({type(value).__name__})")


class Note(NamedTuple):
    """
    One note.

    Attributes:
        what: A step that begins, a policy that has decided something, or a ``Mark``.
        at: ``time.monotonic``.
    """

    what: Any
    at: float
    value: Any


def listed(notes: Notes) -> list[Note]:
    """*notes* one by one."""
    return [Note(*notes[start : start + WIDTH]) for start in range(0, len(notes), WIDTH)]
