"""
Server-sent events, cut out of a stream as they came. What has been searched for an event's end is not searched again.

Source: WHATWG HTML, "Server-sent events" (https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

from __future__ import annotations

import re

_EVENT_END = re.compile(rb"\n\r?\n")
# The beginning of an end that the next piece may complete.
_BEGUN = 2


class EventSplitter:
    """
    Takes a stream in pieces.

    Attributes:
        rest: The beginning of the next event.
    """

    def __init__(self) -> None:
        self.rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The events that *data* completes, each with what ends it."""
        searched = max(0, len(self.rest) - _BEGUN)
        self.rest += data
        ends = [end.end() for end in _EVENT_END.finditer(self.rest, searched)]
        events = [bytes(self.rest[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
        if ends:
            del self.rest[: ends[-1]]
        return events

    def finish(self) -> bytes:
        """What is left at the end of the stream."""
        rest, self.rest = bytes(self.rest), bytearray()
        return rest


def event_data(event: bytes) -> bytes:
    """The lines of *event* that are its data."""
    return b"\n".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
