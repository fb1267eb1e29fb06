"""What holds of everything that a server sends, whatever it was sent. Source: RFC 9113 §4 to §6."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.wire.server.http2.frames import END_HEADERS, END_STREAM, FRAME_BYTES, RESERVED_BIT, Frame, Kind
from tests.wire.server.http2.raw_client import RawClient

# Flags that are defined. The rest must be unset.
_FLAGS = {
    Kind.DATA: 0x09,
    Kind.HEADERS: 0x2D,
    Kind.PRIORITY: 0,
    Kind.RST_STREAM: 0,
    Kind.SETTINGS: 0x1,
    Kind.PING: 0x1,
    Kind.GOAWAY: 0,
    Kind.WINDOW_UPDATE: 0,
    Kind.CONTINUATION: 0x4,
}
_OF_THE_CONNECTION = {Kind.SETTINGS, Kind.PING, Kind.GOAWAY}
_OF_A_STREAM = {Kind.DATA, Kind.HEADERS, Kind.PRIORITY, Kind.RST_STREAM, Kind.CONTINUATION}
# A frame that comes too late is answered with RST_STREAM (RFC 9113 §5.1), whatever was sent before.
_ENDED_MAY = {Kind.RST_STREAM, Kind.WINDOW_UPDATE, Kind.PRIORITY}


def lawful(client: RawClient) -> bool:
    """Whether the server kept to the rules in every frame."""
    return not faults(client)


def faults(client: RawClient) -> list[str]:
    """What it did wrong."""
    found = [f"{seen}: form" for seen in client.frames if not _well_formed(seen)]
    found += _out_of_order(client.frames)
    if client.broken:
        found.append(f"a field block that cannot be read: {client.broken}")
    lasts = [struct.unpack("!I", seen.payload[:4])[0] for seen in client.frames if seen.kind == Kind.GOAWAY]
    if lasts != sorted(lasts, reverse=True):
        found.append("GOAWAY with a growing last stream")
    return found


def _well_formed(seen: Frame) -> bool:
    return (
        seen.kind in _FLAGS
        and not seen.flags & ~_FLAGS[Kind(seen.kind)]
        and len(seen.payload) <= FRAME_BYTES
        and not seen.stream & RESERVED_BIT
        and not (seen.kind in _OF_THE_CONNECTION and seen.stream)
        and not (seen.kind in _OF_A_STREAM and not seen.stream)
    )


def _out_of_order(frames: Sequence[Frame]) -> list[str]:
    """Frames of streams that are over, and field blocks with other frames inside."""
    found: list[str] = []
    ended: set[int] = set()
    reset: set[int] = set()
    inside = 0
    for seen in frames:
        if (seen.kind == Kind.CONTINUATION) != bool(inside) or (inside and seen.stream != inside):
            found.append(f"{seen}: field block")
        if seen.stream in reset | ended and seen.kind not in _ENDED_MAY:
            found.append(f"{seen}: the stream is over")
        if seen.kind in (Kind.HEADERS, Kind.CONTINUATION):
            inside = 0 if seen.flags & END_HEADERS else seen.stream
        if seen.kind in (Kind.DATA, Kind.HEADERS) and seen.flags & END_STREAM:
            ended.add(seen.stream)
        if seen.kind == Kind.RST_STREAM:
            reset.add(seen.stream)
    return found
