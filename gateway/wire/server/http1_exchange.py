"""
An exchange on a connection of HTTP/1.1 or 1.0: its answer's head and framing, and what follows for the connection.

Source: RFC 9112 §4, §6 and §9.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from gateway.wire.body import BodyStream
from gateway.wire.messages import Response
from gateway.wire.server.answer_stream import JOIN_BYTES, AnswerStream
from gateway.wire.server.answers import render_head, render_interim
from gateway.wire.server.exchange import WAITING, Exchange
from gateway.wire.trailers import barred_names

if TYPE_CHECKING:
    from gateway.wire.server.request_head import HeadError
    from gateway.wire.sweeper import Sweeper


class Line(Protocol):
    """The connection of an exchange, as the exchange sees it."""

    transport: asyncio.Transport
    sweeper: Sweeper

    @property
    def must_close(self) -> bool:
        """Whether too much of the request's body is unread to keep the connection."""

    @property
    def is_full(self) -> bool:
        """Whether the client is slow to take what has been written."""

    def switch(self) -> None:
        """From here on the client's bytes belong to another protocol."""

    def expire_at(self, expires_at: float | None) -> None:
        """End the stream that is just beginning soon after *expires_at*, seconds since the epoch."""

    def exchange_ended(self, keep_alive: bool) -> None:
        """The answer has been written."""

    def abort(self) -> None:
        """Close immediately, unsent bytes and all."""


class Http1Exchange(Exchange):
    """
    One request and its answer.

    Attributes:
        line: The connection, which sets these attributes: a call for that would be the dearest part of it.
        keep_alive: Whether the connection may carry another request afterwards.
        minor: Of the client's version, 0 or 1.
    """

    __slots__ = ("keep_alive", "line", "minor")
    line: Line
    keep_alive: bool
    minor: int

    def inform(self, response: Response) -> None:
        if self._phase is WAITING and self.minor == 1:  # HTTP/1.0 has no interim answers
            self.line.transport.write(render_interim(response))

    def refuse(self, refusal: HeadError) -> None:
        self.keep_alive = False
        super().refuse(refusal)

    def _send_whole(self, response: Response, content: bytes) -> None:
        self._sent = len(content)
        response.headers.lines.pop("content-length", None)  # so that the usual head is written unchanged
        head = self._render(response, f"Content-Length: {len(content)}\r\n")
        transport = self.line.transport
        if len(content) <= JOIN_BYTES:
            transport.write(head + content)
        else:
            transport.writelines([head, content])
        self._end()

    def _write_head_only(self, response: Response, length: str | None) -> None:
        framing = "" if length is None else f"Content-Length: {length}\r\n"
        self.line.transport.write(self._render(response, framing))
        self._end()

    def _send_stream(self, response: Response, source: BodyStream) -> None:
        response.headers.lines.pop("content-length", None)
        chunked = False
        if source.length is not None:
            framing = f"Content-Length: {source.length}\r\n"
        elif self.minor == 1:
            chunked = True
            framing = "Transfer-Encoding: chunked\r\n"
        else:
            self.keep_alive = False
            framing = ""
        head = self._render(response, framing)
        stream = AnswerStream(self.line.transport, head, chunked, self._stream_ended)
        if self.request.takes_trailers:
            stream.barred = barred_names(self.request, response.headers)
        self._pipe(stream, source, _is_event_stream(head))

    def _switch(self, response: Response) -> None:
        upgrade = response.headers.first("upgrade") or self.request.upgrade
        self.keep_alive = False
        head = self._render(response, f"Connection: Upgrade\r\nUpgrade: {upgrade}\r\n", is_last=False)
        stream = AnswerStream(self.line.transport, head, False, self._stream_ended)
        is_websocket = upgrade.lower() == "websocket"
        if is_websocket:
            self._track_frames(stream)
        self.line.switch()
        self._pipe(stream, response.body.stream or BodyStream(), is_websocket)

    def _pipe(self, stream: AnswerStream, source: BodyStream, is_lasting: bool) -> None:
        self._stream = stream
        self.is_lasting = is_lasting
        if is_lasting:
            self.line.expire_at(self.request.expires_at)
        stream.take(source, self.line.is_full)

    def _render(self, response: Response, framing: str, is_last: bool = True) -> bytes:
        """The head; *is_last*: whether nothing follows the answer if the connection is not kept."""
        if self.body is not None and self.line.must_close:
            self.keep_alive = False
        if not self.keep_alive:
            framing += "Connection: close\r\n" if is_last else ""
        elif self.minor == 0:
            framing += "Connection: keep-alive\r\n"
        if self.request.id_key:  # in place of what backend or policy calls so
            response.headers.lines.pop(self.request.id_key, None)
            framing = f"{framing}{self.request.id_line}\r\n"
        return render_head(response, framing, self.line.sweeper.date_line)

    def _end(self) -> None:
        self._close(client_left=False)
        self.line.exchange_ended(self.keep_alive)

    def _broke_off(self, ends_well: bool) -> None:
        if ends_well:
            self.line.exchange_ended(keep_alive=False)
        else:
            self.line.abort()


def _is_event_stream(head: bytes) -> bool:
    """Whether an answer with this head is a stream of server-sent events, which does not end by itself."""
    return b"\r\ncontent-type: text/event-stream" in head.lower()
