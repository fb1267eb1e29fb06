"""
The backend's side: one connection of a pool, bound to one exchange at a time.

Source: RFC 9112 §9; RFC 9110 §15.2 for interim answers.
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, cast

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.decoders import ChunkedDecoder, CloseDecoder, Decoder, FramingError, LengthDecoder
from gateway.wire.framing import CHUNKED
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from gateway.wire.sweeper import sweeper
from gateway.wire.upstream.exchange import MAX_INTERIM
from gateway.wire.upstream.response_head import ResponseError, ResponseHead, parse_response

if TYPE_CHECKING:
    from gateway.wire.upstream.exchange import UpstreamExchange
    from gateway.wire.upstream.pool import Pool

_NEVER = float("inf")
_WRITE_HIGH_BYTES = 256 * 1024
_JOIN_BYTES = 32 * 1024
_WHOLE_BYTES = 8 * 1024  # a body up to here is passed on with its head: backends often send them in two pieces


class UpstreamConnection(asyncio.Protocol):
    """One connection to a backend."""

    transport: asyncio.Transport

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._settings = pool.settings
        self._sweeper = sweeper()
        self._exchange: UpstreamExchange | None = None
        self._held = b""  # the incomplete head of an answer
        self._interim = 0
        self._last_data = b""
        self._last_method = ""
        self._last_head: ResponseHead | None = None
        self._decoder: Decoder | None = None
        self._stream: BodyStream | None = None
        self._keep_alive = True
        self._idle_s = self._settings.idle_timeout_s
        self._sending: BodyStream | None = None  # the request's body, while it is on its way
        self._chunked = False
        self._reading = True
        self._used = False
        self._tunnel = False  # the protocol has been switched
        self._deadline = _NEVER
        self.closed = False

    # -- from the pool
    def start(self, exchange: UpstreamExchange) -> None:
        """Send the request of *exchange*."""
        self._exchange = exchange
        exchange.connection = self
        self._deadline = exchange.deadline
        body = exchange.request.body
        if body is None:
            self.transport.write(exchange.head)
        elif body.stream is None:
            self._send(exchange.head, body.content)
        else:
            self.transport.write(exchange.head)
            self._chunked = exchange.chunked
            self._sending = body.stream
            body.stream.pipe(self)

    def _send(self, head: bytes, content: bytes) -> None:
        if len(content) <= _JOIN_BYTES:
            self.transport.write(head + content)
        else:
            self.transport.writelines([head, content])

    def rest(self) -> None:
        """Wait in the pool for the next exchange."""
        self._used = True
        self._deadline = self._sweeper.deadline(self._idle_s)

    def fit_for(self, exchange: UpstreamExchange) -> bool:
        """Whether the backend has not closed its side; asked of the kernel where the request must not be repeated."""
        if self.closed or self.transport.is_closing():
            return False
        return exchange.repeatable or not _readable(self.transport)

    # -- from the transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(_WRITE_HIGH_BYTES)
        self._sweeper.watch(self)

    def data_received(self, data: bytes) -> None:
        if self._decoder is not None:
            self._receive_body(data)
        elif self._exchange is None:
            self.abort()  # an answer to nothing
        else:
            self._receive_head(data)

    def eof_received(self) -> None:
        """The backend has closed its side; connection_lost follows."""

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._sweeper.forget(self)
        self._pool.lost(self)
        self._stop_sending()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._lost_while_waiting(exchange)
        elif self._stream is not None:
            self._lost_while_reading(error)

    def _lost_while_waiting(self, exchange: UpstreamExchange) -> None:
        exchange.connection = None
        if self._used and not self._held and not self._interim and exchange.may_resend:
            exchange.resends += 1
            self._pool.dispatch(exchange)
        else:
            exchange.refuse("The backend closed the connection before its answer.")

    def _lost_while_reading(self, error: Exception | None) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        if isinstance(self._decoder, CloseDecoder) and error is None:
            stream.finish()
        else:
            stream.fail(UpstreamError("BackendConnectionFailure", "The backend's answer ended too early."))

    # -- the answer's head
    def _receive_head(self, data: bytes) -> None:
        data = self._held + data if self._held else data
        while self._exchange is not None:
            end = data.find(b"\r\n\r\n")
            if end < 0 or end > self._settings.max_head_bytes:
                self._await_head(data)
                return
            try:
                head = self._parse(data[:end], self._exchange.request.method)
            except ResponseError as error:
                self._break(str(error))
                return
            rest = len(data) - end - 4
            if rest < head.length <= _WHOLE_BYTES:
                self._held = data
                return
            data = data[end + 4 :]
            if head.status >= 200 or head.status == 101:
                self._held = b""
                self._answer(head, data)
                return
            self._interim += 1
            if self._interim > MAX_INTERIM:
                self._break("too many interim answers")

    def _await_head(self, data: bytes) -> None:
        """Wait for the rest of the head, unless it can only go wrong."""
        self._held = data
        if len(data) > self._settings.max_head_bytes:
            self._break("its answer's head is too large")
        elif data.count(b"\n") != data.count(b"\r\n"):  # it will never end as a head must
            self._break("a bare line end in its answer's head")

    def _parse(self, data: bytes, method: str) -> ResponseHead:
        """Check a head; one that equals the last one on this connection is not parsed again. Raises ResponseError."""
        if data == self._last_data and method == self._last_method and self._last_head is not None:
            return self._last_head
        head = parse_response(data, method, self._settings.max_fields)
        self._last_data, self._last_method, self._last_head = data, method, head
        return head

    def _answer(self, head: ResponseHead, data: bytes) -> None:
        """The final head is there, and *data* behind it."""
        exchange = cast("UpstreamExchange", self._exchange)
        if head.status == 101:
            self._switch(head, data, exchange)
            return
        self._exchange = None
        self._interim = 0
        self._keep_alive = head.keep_alive
        if head.idle_s is not None:
            self._idle_s = min(self._settings.idle_timeout_s, max(0.0, head.idle_s - 1.0))
        response = Response(head.status, Headers.from_lines(head.lines.copy()), None, head.reason)
        if head.length == 0:
            self._end(data)
        elif head.length == len(data):
            response.body.content = data
            self._end(b"")
        else:
            try:
                self._receive_first(response, head.length, data, exchange)
            except FramingError as error:
                self._exchange = exchange
                self._break(str(error))
                return
        exchange.connection = None
        exchange.resolve(response)

    def _receive_first(self, response: Response, length: int, data: bytes, exchange: UpstreamExchange) -> None:
        """Read what has come of the body; what has not come will flow."""
        decoder = _decoder(length)
        content = decoder.decode(data)
        if decoder.done:
            response.body.content = content
            self._end(decoder.rest)
            return
        self._decoder = decoder
        stream = BodyStream(length if length > 0 else None, self._pause, self._resume, self.abort)
        self._stream = stream
        self._deadline = _NEVER
        if content:
            stream.feed(content)
        response.body.stream = stream
        exchange.request.lend(stream)

    def _switch(self, head: ResponseHead, data: bytes, exchange: UpstreamExchange) -> None:
        """The backend agrees to the protocol that the client asked for; from here on the connection is a tunnel."""
        request = exchange.request
        if not head.upgrade or not request.upgrade or request.upgraded is None:
            self._break("it switched protocols unasked")
            return
        self._exchange = None
        self._deadline = _NEVER
        self._keep_alive = False
        self._tunnel = True
        self._decoder = CloseDecoder()
        self._stream = BodyStream(None, self._pause, self._resume, self._close)
        if data:
            self._stream.feed(data)
        headers = Headers.from_lines(head.lines.copy())
        headers.replace("Upgrade", head.upgrade)
        request.lend(self._stream)
        self._sending, self._chunked = request.upgraded, False
        request.upgraded.pipe(self)
        exchange.connection = None
        exchange.resolve(Response(101, headers, Body(stream=self._stream), head.reason))

    # -- the answer's body
    def _receive_body(self, data: bytes) -> None:
        decoder, stream = cast(Decoder, self._decoder), cast(BodyStream, self._stream)
        try:
            content = decoder.decode(data)
        except FramingError as error:
            self._stream = None
            self.abort()
            stream.fail(UpstreamError("BackendConnectionFailure", str(error)))
            return
        if self._reading:
            self._deadline = self._sweeper.deadline(self._settings.body_timeout_s)
        if decoder.done:
            self._stream = None
            self._end(decoder.rest)
        if content:
            stream.feed(content)
        if decoder.done:
            stream.finish()

    def _end(self, rest: bytes) -> None:
        """The answer is complete: back to the pool, unless the connection cannot be used again."""
        self._decoder = None
        self._deadline = _NEVER
        if rest or not self._keep_alive or self._sending is not None or self._pool.stopped:
            self._stop_sending()
            self._close()
        else:
            if not self._reading:
                self._resume()
            self._pool.release(self)

    def _break(self, fault: str) -> None:
        """The backend broke the protocol."""
        exchange, self._exchange = self._exchange, None
        self.abort()
        if exchange is not None:
            exchange.connection = None
            exchange.refuse(f"The backend broke the protocol: {fault}.")

    # -- the sink of the request's body
    def write(self, data: bytes) -> None:
        """The next piece of the request's body."""
        if self.transport.is_closing():
            return
        if self._exchange is not None:  # the time to answer begins with the end of the request
            self._deadline = self._sweeper.deadline(self._exchange.timeout_s)
        if not self._chunked:
            self.transport.write(data)
        elif len(data) <= _JOIN_BYTES:
            self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self.transport.writelines([b"%x\r\n" % len(data), data, b"\r\n"])

    def finish(self) -> None:
        """The request's body is complete; a tunnel ends with what the client sends."""
        self._sending = None
        if self._tunnel:
            self._close()
        elif self._chunked and not self.transport.is_closing():
            self.transport.write(b"0\r\n\r\n")

    def fail(self, error: Exception) -> None:
        """The request's body broke off: the backend must not take it for complete."""
        self._sending = None
        exchange, self._exchange = self._exchange, None
        self.abort()
        if exchange is not None:
            exchange.connection = None
            exchange.reject(error)

    def _stop_sending(self) -> None:
        """Nobody takes the rest of the request's body."""
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.discard()

    def pause_writing(self) -> None:
        if self._sending is not None:
            self._sending.pause()

    def resume_writing(self) -> None:
        if self._sending is not None:
            self._sending.resume()

    # -- flow and end
    def _pause(self) -> None:
        """The client is slow: leave the backend's bytes in the socket."""
        self._deadline = _NEVER
        if self._reading and not self.transport.is_closing():
            self._reading = False
            self.transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading and not self.transport.is_closing():
            self._reading = True
            self.transport.resume_reading()
        if self._stream is not None and not isinstance(self._decoder, CloseDecoder):
            self._deadline = self._sweeper.deadline(self._settings.body_timeout_s)

    def _close(self) -> None:
        self.closed = True
        self.transport.close()

    def abort(self) -> None:
        """Close at once; the connection is never used again."""
        self.closed = True
        self._stream = None
        self.transport.abort()

    def sweep(self, now: float) -> None:
        """Look at the deadline; *now* is the event loop's time."""
        if now < self._deadline:
            return
        self._deadline = _NEVER
        exchange, self._exchange = self._exchange, None
        stream, self._stream = self._stream, None
        self.abort()
        if exchange is not None:
            exchange.connection = None
            exchange.time_out()
        elif stream is not None:
            stream.fail(UpstreamError("Timeout", "The backend stopped sending its answer.", 504))


def _decoder(length: int) -> Decoder:
    if length > 0:
        return LengthDecoder(length)
    return ChunkedDecoder() if length == CHUNKED else CloseDecoder()


def _readable(transport: asyncio.Transport) -> bool:
    """Whether the kernel has something to read: on an unused connection that can only be its end."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))
