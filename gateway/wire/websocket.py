"""
As much of WebSocket as a tunnel has to know: where frames end, and how a close frame looks.

Source: RFC 6455 §5.2, §5.5.1 and §7.4.1.
"""

from __future__ import annotations

import os
import re

# Source: RFC 6455 §7.4.1 and the IANA registry of close codes.
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
BAD_GATEWAY = 1014


# Runs of frames so short that reading them one by one would cost more than carrying them. Greedy and with a bound: no
# group is possessive here (see decoders.py).
_TINY_FRAMES = re.compile(
    rb"(?s:.(?:\x00|\x01.|\x02..|\x03...|\x04.{4}|\x80.{4}|\x81.{5}|\x82.{6}|\x83.{7}|\x84.{8})){0,4096}"
)
_MASKED = 0x80


class FrameTracker:
    """Follows the frames of one direction, to know whether a frame of our own may be put in now."""

    __slots__ = ("_head", "_missing")

    def __init__(self) -> None:
        self._head = b""  # of a frame whose length is not known yet
        self._missing = 0  # bytes of the current frame, its mask included

    @property
    def between(self) -> bool:
        """Whether the last frame is complete."""
        return not self._missing and not self._head

    def feed(self, data: bytes) -> None:
        """The next bytes of this direction."""
        if self._missing >= len(data):
            self._missing -= len(data)
            return
        at, self._missing = self._missing, 0
        if self._head:
            data, self._head = self._head + data, b""
        while len(data) - at >= 2:
            end = _frame_end(data, at)
            if end is None:
                break
            at = end
        if at > len(data):
            self._missing = at - len(data)
        else:
            self._head = data[at:]


def _frame_end(data: bytes, at: int) -> int | None:
    """Where the frame that begins at *at* ends, or a run of tiny ones; None: its length is not complete."""
    second = data[at + 1]
    length = second & 0x7F
    mask = 4 if second & _MASKED else 0
    if length < 5:
        run = _TINY_FRAMES.match(data, at)
        return max(run.end() if run else 0, at + 2 + length + mask)
    if length < 126:
        return at + 2 + length + mask
    head_end = at + (4 if length == 126 else 10)
    if head_end > len(data):
        return None
    return head_end + int.from_bytes(data[at + 2 : head_end]) + mask


def close_frame(code: int, reason: str, *, masked: bool) -> bytes:
    """A close frame; *masked* as clients have to send it."""
    payload = code.to_bytes(2, "big") + reason.encode()[:123]
    if not masked:
        return bytes([0x88, len(payload)]) + payload
    mask = os.urandom(4)
    hidden = bytes(octet ^ mask[index % 4] for index, octet in enumerate(payload))
    return bytes([0x88, 0x80 | len(payload)]) + mask + hidden
