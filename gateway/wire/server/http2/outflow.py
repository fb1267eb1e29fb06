"""
What streams send, within the windows that the client grants: each of them, and the connection as a whole.

A frame of each stream that has something to send goes out in turn, so a large answer does not hold up the small ones.
What does not fit waits with its stream, whose source is paused; a client that takes nothing of one answer holds up no
other.

Source: RFC 9113 §5.2 and §6.9.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gateway.wire.server.http2 import frames
from gateway.wire.server.http2.calm import Calm
from gateway.wire.server.http2.frames import (
    END_STREAM,
    FIRST_WINDOW,
    MAX_FRAME,
    MAX_WINDOW,
    ConnectionFault,
    ErrorCode,
)
from gateway.wire.server.http2.unsent import Unsent

_SMALL_BYTES = 1024


class FairSender:
    """
    The outgoing side of one connection.

    Attributes:
        window: Bytes of all bodies together that the client still takes.
        first_window: The same for each new stream.
        is_full: Whether the socket takes no more for now.
        calm: Learns of what is sent.
        unsent: Learns of what waits, in all streams together.
    """

    __slots__ = ("_announcement", "_ready", "calm", "first_window", "is_full", "transport", "unsent", "window")

    def __init__(self, transport: asyncio.Transport, calm: Calm, unsent: Unsent) -> None:
        self.transport = transport
        self.calm = calm
        self.unsent = unsent
        self._announcement = b""
        self.window = self.first_window = FIRST_WINDOW
        self.is_full = False
        self._ready: deque[Outflow] = deque()

    def add(self, flow: Outflow) -> None:
        """*flow* has something to send."""
        if not flow.is_queued:
            flow.is_queued = True
            self._ready.append(flow)
            self.pump()

    def pump(self) -> None:
        """Send what the windows and the socket allow, a frame of each stream in turn."""
        ready = self._ready
        while ready and self.window > 0 and not self.is_full:
            flow = ready.popleft()
            flow.is_queued = False
            if flow.advance():
                flow.is_queued = True
                ready.append(flow)

    def widen(self, size: int) -> None:
        """The client takes *size* bytes more on the whole connection. Raises ConnectionFault."""
        if not size:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a window that grows by nothing")
        self.window += size
        if self.window > MAX_WINDOW:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is too large")
        self.pump()

    def resume(self) -> None:
        """The socket takes more."""
        self.is_full = False
        for flow in tuple(self._ready):
            flow.send_free()
        self.pump()

    def heads(self, block: bytes, flags: int, stream_id: int) -> bytes:
        """The frames of a field *block*, which has to be the next one that is written."""
        if self._announcement:
            block, self._announcement = self._announcement + block, b""
        return frames.field_block(block, flags, stream_id)

    def announce_table(self) -> None:
        """The client has made HPACK's table smaller, and expects to be told that we know. Source: RFC 7541 §4.2."""
        self._announcement = b"\x20"  # no table at all: our blocks never use it

    def forget(self, flow: Outflow) -> None:
        """*flow* sends nothing any more."""
        if flow.is_queued:
            flow.is_queued = False
            self._ready.remove(flow)


class Outflow:
    """
    The outgoing side of one stream.

    Attributes:
        window: Bytes of its body that the client still takes; negative after the client has made windows smaller.
        size: Bytes that wait.
        is_over: Whether its end has been sent, or nothing is sent any more.
        is_queued: Whether the sender knows that it has something to send.
    """

    __slots__ = (
        "_at", "_drained", "_ended", "_heads", "_is_bare", "_is_complete", "_pieces", "_sender", "_tail", "is_over",
        "is_queued", "size", "stream_id", "window",
    )  # fmt: skip

    def __init__(
        self, stream_id: int, sender: FairSender, drained: Callable[[], None], ended: Callable[[], None]
    ) -> None:
        """*drained* is called when nothing waits any more, *ended* when the end has been sent."""
        self.stream_id = stream_id
        self.window = sender.first_window
        self.size = 0
        self.is_over = self.is_queued = False
        self._sender = sender
        self._drained = drained
        self._ended = ended
        self._heads: list[bytes] = []  # that wait for the socket
        self._is_bare = False  # the last of them is also the end
        self._pieces: deque[bytes] = deque()
        self._at = 0  # of the first piece has been sent
        self._is_complete = False
        self._tail = b""  # trailers

    # -- from the stream
    def send_whole(self, block: bytes, content: bytes) -> None:
        """An answer that is in memory, with its head's *block*."""
        sender, size = self._sender, len(content)
        if size <= MAX_FRAME and size <= self.window and size <= sender.window and not sender.is_full:
            stream_id = self.stream_id
            sender.window -= size
            self.window -= size
            sender.calm.earned += 1
            head = sender.heads(block, 0 if size else END_STREAM, stream_id)
            data = frames.data_head(size, END_STREAM, stream_id) + content if size else b""
            sender.transport.write(head + data)
            self._end()
            return
        self.send_head(block, not size)
        if size:
            self.send(content)
            self.complete()

    def send_head(self, block: bytes, is_end: bool = False) -> None:
        """The head of an answer; *is_end*: nothing follows it."""
        self._heads.append(block)
        self._is_complete = self._is_bare = is_end
        if self._sender.is_full:
            self._sender.add(self)
        else:
            self.send_free()

    def send_free(self) -> None:
        """Send what needs no window: heads, and the end where nothing comes before it."""
        sender = self._sender
        if self.is_over or sender.is_full:
            return
        heads, self._heads = self._heads, []
        for number, block in enumerate(heads, 1):
            is_end = self._is_bare and number == len(heads)
            sender.transport.write(sender.heads(block, END_STREAM if is_end else 0, self.stream_id))
        if self._is_complete and not self.size:
            self._send_end()

    def send(self, data: bytes) -> None:
        """The next piece of the body."""
        if not data or self.is_over:
            return
        self._pieces.append(data)
        self.size += len(data)
        self._sender.unsent.grow(len(data))
        if self.window > 0:
            self._sender.add(self)

    def complete(self, tail: bytes = b"") -> None:
        """The body is complete; *tail*: the block of its trailers."""
        if self.is_over:
            return
        self._is_complete = True
        self._tail = tail
        if self.size:
            return
        if self._sender.is_full:
            self._sender.add(self)
        else:
            self.send_free()

    # -- from the sender
    def advance(self) -> bool:
        """Send one frame. Whether there is more that can be sent now."""
        self.send_free()
        if self.size:
            self._send_frame()
        if self.is_over:
            return False
        if not self.size and not self._is_complete:
            self._drained()
        if self.size:
            return self.window > 0
        return self._is_complete  # the socket has become full before the end

    def _send_frame(self) -> None:
        sender = self._sender
        room = min(self.window, sender.window, MAX_FRAME)
        if room <= 0:
            return
        data = self._take(room)
        self.window -= len(data)
        sender.window -= len(data)
        if len(data) >= _SMALL_BYTES or not self.size:
            sender.calm.earned += 1
        is_last = self._is_complete and not self.size and not self._tail
        sender.transport.write(frames.data_head(len(data), END_STREAM if is_last else 0, self.stream_id) + data)
        if is_last:
            self._end()
        else:
            self.send_free()

    def _take(self, room: int) -> bytes:
        """The next *room* bytes at most, without joining pieces."""
        piece, at = self._pieces[0], self._at
        data = piece[at : at + room]
        self._at += len(data)
        if self._at == len(piece):
            self._pieces.popleft()
            self._at = 0
        self.size -= len(data)
        self._sender.unsent.shrink(len(data))
        return data

    def _send_end(self) -> None:
        if self._tail:
            self._sender.transport.write(self._sender.heads(self._tail, END_STREAM, self.stream_id))
        elif not self._is_bare:
            self._sender.transport.write(frames.data_head(0, END_STREAM, self.stream_id))
        self._end()

    def _end(self) -> None:
        ended = self._ended
        self.abandon()
        ended()

    # -- from the connection
    def widen(self, size: int) -> bool:
        """The client takes *size* bytes more (or fewer). False: more than a window may have."""
        self.window += size
        if self.window > MAX_WINDOW:
            return False
        if self.size and self.window > 0:
            self._sender.add(self)
        return True

    def abandon(self) -> None:
        """Nothing is sent any more."""
        self.is_over = True
        self._sender.forget(self)
        if self.size:
            self._sender.unsent.drop(self.size)
        self._pieces.clear()
        self.size = 0
        self._drained = self._ended = _nothing  # a stream that its flow holds would wait for the garbage collector


def _nothing() -> None:
    """The stream is over."""
