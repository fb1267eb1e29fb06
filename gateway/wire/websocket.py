"""
As much of WebSocket as a tunnel has to know: where frames end, and how a close frame looks.

Source: RFC 6455 §5.2, §5.5.1 and §7.4.1.
"""

from __future__ import annotations

import os

POLICY_VIOLATION = 1008


class FrameTracker:
    """Follows the frames of one direction, to tell whether a frame of our own may be put in now."""

    __slots__ = ("_head", "_missing")

    def __init__(self) -> None:
        self._head = b""
        self._missing = 0

    @property
    def between(self) -> bool:
        """Whether the last frame is complete."""
        return not self._missing and not self._head

    def feed(self, data: bytes) -> None:
        """The next bytes of this direction."""
        at = 0
        while at < len(data):
            if self._missing:
                taken = min(self._missing, len(data) - at)
                self._missing -= taken
                at += taken
            else:
                self._head += data[at : at + 1]
                at += 1
                self._end_head()

    def _end_head(self) -> None:
        """Read the payload's length once the frame's head is complete."""
        if len(self._head) < 2:
            return
        code = self._head[1] & 0x7F
        extra = {126: 2, 127: 8}.get(code, 0)
        mask = 4 if self._head[1] & 0x80 else 0
        if len(self._head) == 2 + extra + mask:
            self._missing = int.from_bytes(self._head[2 : 2 + extra], "big") if extra else code
            self._head = b""


def close_frame(code: int, reason: str, *, masked: bool) -> bytes:
    """A close frame; *masked* as clients have to send it."""
    payload = code.to_bytes(2, "big") + reason.encode()[:123]
    if not masked:
        return bytes([0x88, len(payload)]) + payload
    mask = os.urandom(4)
    hidden = bytes(octet ^ mask[index % 4] for index, octet in enumerate(payload))
    return bytes([0x88, 0x80 | len(payload)]) + mask + hidden
