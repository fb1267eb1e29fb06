"""
The client's side: one connection of HTTP/1.1 or 1.0.

This protocol reads requests, gives each to the application in turn and sends its answer. What it does next depends on
its state (``states``) alone. A turn of the event loop begins at most one request: those that a client sends ahead wait
in the buffer, with reading paused, while other connections have their turn.

Source: RFC 9112.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from gateway.errors import ClientLeft
from gateway.wire.backlog import backlog
from gateway.wire.body import Body, BodyStream
from gateway.wire.decoders import FramingError
from gateway.wire.server.answers import refusal_response, render_head
from gateway.wire.server.client_connection import ClientConnection
from gateway.wire.server.deadlines import NEVER
from gateway.wire.server.http1_exchange import Http1Exchange
from gateway.wire.server.incoming_body import IncomingBody
from gateway.wire.server.listener import Listener
from gateway.wire.server.request_head import HeadError, RequestHead, check_start, head_too_large
from gateway.wire.server.sockets import has_left
from gateway.wire.server.states import (
    ANSWERING,
    CLOSED,
    DRAINING,
    HEAD,
    IDLE,
    LINGERING,
    RECEIVING,
    TUNNEL,
    ClientEvent,
    ClientState,
    on,
)
from gateway.wire.websocket import GOING_AWAY

if TYPE_CHECKING:
    from uvicorn.server import ServerState

_PART, _REQUEST, _UPLOAD, _RECEIVED, _ANSWERED, _SWITCHED, _LAST, _CLOSE = map(on, ClientEvent)


class ServerConnection(ClientConnection):
    """
    One client connection.

    Attributes:
        is_full: Whether the client is slow to take what has been written.
    """

    def __init__(self, listener: Listener, server_state: ServerState) -> None:
        super().__init__(listener, server_state)
        self._state: ClientState = HEAD
        self._buffer = b""  # the beginning of the next request, or pipelined requests
        self._exchange: Http1Exchange | None = None
        self._body: IncomingBody | None = None
        self._stopping = False
        self.is_full = False

    # -- from the transport
    def data_received(self, data: bytes) -> None:
        if len(data) > self._pace.limit_bytes:
            self._pace.took()
        if self._state > HEAD:
            _RECEIVERS[self._state](self, data)
        else:
            self._buffer = self._buffer + data if self._buffer else data
            self._serve()

    def connection_lost(self, error: Exception | None) -> None:
        self._state = _CLOSE[self._state]
        super().connection_lost(error)
        exchange, self._exchange = self._exchange, None
        body, self._body = self._body, None
        left = ClientLeft("the client left before the end of its request")
        if exchange is not None:
            exchange.leave()  # before its body fails: the application must not answer
            if exchange.request.upgraded is not None:
                exchange.request.upgraded.fail(left)
        if body is not None:
            body.fail(left)

    def pause_writing(self) -> None:
        self.is_full = True
        self._deadlines.expect_progress(self.transport.get_write_buffer_size())
        if self._exchange is not None:
            self._exchange.pause()

    def resume_writing(self) -> None:
        self.is_full = False
        self._deadlines.writing = NEVER
        self._listener.stalled.discard(self)
        if self._exchange is not None:
            self._exchange.resume()
        elif self._buffer:
            self._take_turn()

    # -- requests, one after another
    def _hold(self, data: bytes) -> None:
        """Pipelined requests wait for the current answer."""
        self._buffer += data
        self.pause_reading()

    def _drop(self, data: bytes) -> None:
        """Ignore everything that still arrives."""

    def _take_turn(self) -> None:
        """Begin the next request after other connections have had their turn."""
        self.pause_reading()
        backlog().add(self._serve)

    def _serve(self) -> None:
        """Begin the request at the start of the buffer, if its head is complete and the client takes its answers."""
        if self._state > HEAD:
            return
        if self.is_full:
            self.pause_reading()
            return
        try:
            head = self._take_head(self._buffer)
            if head is not None:
                self._begin(head)
        except HeadError as refusal:
            self._refuse(refusal)

    def _take_head(self, data: bytes) -> RequestHead | None:
        """The head at the start of *data*, the buffer; None if it is not complete. Raises HeadError."""
        caller = self.caller
        if data == caller.received:  # the usual request: just the same head again
            self._buffer = b""
            return caller.head
        if data.startswith(b"\r\n"):  # RFC 9112 §2.2: one empty line before a request
            data = self._buffer = data[2:]
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._await_head(data)
            return None
        if end > self._listener.settings.limits.head_bytes:
            raise head_too_large(end, self._listener.settings.limits.head_bytes)
        self._buffer = data[end + 4 :]
        return caller.read(data[: end + 4])

    def _await_head(self, data: bytes) -> None:
        """Refuse the beginning of a head that cannot become valid; otherwise wait for the rest."""
        check_start(data, self._listener.settings.limits)
        if self._state is IDLE or self._deadlines.reading == NEVER:
            self._deadlines.expect_head()
            self._state = _PART[self._state]
        self.resume_reading()

    def _begin(self, head: RequestHead) -> None:
        """Give the request of *head* to the application. Raises HeadError: its body is malformed."""
        request = self.caller.request(head)
        exchange = Http1Exchange(request)
        exchange.line, exchange.minor = self, head.minor
        exchange.keep_alive = head.keep_alive and not self._stopping
        self._deadlines.reading = NEVER
        if head.length:
            request.body = self._attach_body(head, exchange)
        else:
            self._state = _REQUEST[self._state]
            if head.upgrade:
                request.upgraded = BodyStream(None, self.pause_reading, self.resume_reading)
        if self._buffer:
            self.pause_reading()
        self._exchange = exchange
        self._server_state.total_requests += 1
        exchange.begin(self._listener.application)

    # -- the request's body
    def _attach_body(self, head: RequestHead, exchange: Http1Exchange) -> Body:
        """The body: in memory if all of it has arrived, else a stream that waits for its reader."""
        data, self._buffer = self._buffer, b""
        body = IncomingBody(head.length, head.expects_continue and not data)
        try:
            content = body.decode(data)
        except FramingError as error:
            raise HeadError(400, str(error)) from None
        if body.complete:
            self._state = _REQUEST[self._state]
            self._buffer = body.rest
            exchange.received = len(content)
            return body.whole(content)
        self._state = _UPLOAD[self._state]
        self._body = exchange.body = body
        self.pause_reading()
        return body.open(content, self._pause_body, self._want_body, self._drop_body)

    def _receive_body(self, data: bytes) -> None:
        body = cast(IncomingBody, self._body)
        try:
            body.receive(data)
        except FramingError as error:
            self._break_body(HeadError(400, str(error)))
            return
        if body.complete:
            self._end_body(body)
        elif body.is_wanted:
            self._want_more(body)

    def _want_more(self, body: IncomingBody) -> None:
        """Read on: data that has already arrived, after other connections have had their turn, else the next data."""
        if body.has_backlog:
            self.pause_reading()
            backlog().add(self._read_backlog, body)
        else:
            self.resume_reading()
        self._deadlines.expect_body(body)

    def _read_backlog(self, body: IncomingBody) -> None:
        if self._body is body and body.is_wanted:
            self._receive_body(b"")

    def _end_body(self, body: IncomingBody) -> None:
        self._body = None
        self._buffer = body.rest
        self._deadlines.reading = NEVER
        self._state = _RECEIVED[self._state]
        if self._buffer:
            self.pause_reading()
        else:
            self.resume_reading()  # to notice that the client leaves
        body.finish()
        if self._state is IDLE:
            self._rest()

    def _break_body(self, refusal: HeadError) -> None:
        """The body cannot be read to its end: answer, unless an answer has been sent, and close."""
        body, self._body = self._body, None
        exchange = self._exchange
        if exchange is None or exchange.answered:
            self.abort()
            return
        exchange.refuse(refusal)
        if body is not None:
            body.fail(FramingError(refusal.message))

    def _want_body(self) -> None:
        """The body has a reader: continue reading."""
        body = self._body
        if body is None:
            return
        if body.awaits_continue and not cast(Http1Exchange, self._exchange).answered:
            body.awaits_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body.is_wanted = True
        self._want_more(body)

    def _pause_body(self) -> None:
        """The reader is not ready for more: leave the rest in the socket."""
        if self._body is not None:
            self._body.is_wanted = False
        self.pause_reading()

    def _drop_body(self) -> None:
        """The body will not be read: drop what arrives, unless the client still waits to send it."""
        if self._body is not None:
            self._body.drop()
            if not self._body.awaits_continue:
                self._want_body()

    @property
    def must_close(self) -> bool:
        """Whether too much of the request's body is unread to keep the connection."""
        return self._body is not None and not self._body.is_short

    # -- from the exchange
    def exchange_ended(self, keep_alive: bool) -> None:
        """The answer has been written; the next request follows, or the connection closes."""
        self._exchange = None
        self._deadlines.expiry = NEVER
        if self._state >= LINGERING:
            return
        if self._stopping or not keep_alive:
            self._close_gently()
            return
        self._state = state = _ANSWERED[self._state]
        if state is IDLE:
            self._rest()
        else:
            self._drop_body()

    def _rest(self) -> None:
        """Wait for the next request, take a turn for a waiting one, or close."""
        if self._stopping:
            self._close_gently()
            return
        self._deadlines.expect_request()
        if self._buffer:
            self._take_turn()
        elif not self._pace.is_wanted:
            self.resume_reading()

    def _close_gently(self) -> None:
        """
        Close so that the answer arrives: closing a socket with unread bytes resets the connection.

        Source: RFC 9112 §9.6.
        """
        self._deadlines.expect_progress(self.transport.get_write_buffer_size())
        is_duplex = self._state is TUNNEL and self.transport.can_write_eof()  # with TLS our end closes both directions
        if self._body is None and not self._buffer and not is_duplex:
            self._state = _CLOSE[self._state]
            self._deadlines.reading = NEVER
            self.transport.close()
            return
        self._state = _LAST[self._state]
        self._buffer, self._body = b"", None
        self._deadlines.expect_close()
        self.resume_reading()
        with suppress(OSError, NotImplementedError):  # the client may have left unnoticed; TLS has no half-closed state
            self.transport.write_eof()

    def _refuse(self, refusal: HeadError) -> None:
        """Answer a request that never reaches the application, and close."""
        id_line = self._note(refusal)
        response = refusal_response(refusal.status, refusal.message)
        content = response.body.content
        framing = f"Content-Length: {len(content)}\r\nConnection: close\r\n{id_line}"
        self.transport.write(render_head(response, framing, self.sweeper.date_line) + content)
        self._buffer = self._buffer or b"\n"  # unread bytes may still be on their way
        self._close_gently()

    def _turn_away(self, refusal: HeadError) -> None:
        self._refuse(refusal)

    def switch(self) -> None:
        """From here on the client's bytes belong to another protocol."""
        self._state = _SWITCHED[self._state]
        data, self._buffer = self._buffer, b""
        if data:
            self._pass_on(data)
        self.resume_reading()

    def _pass_on(self, data: bytes) -> None:
        """Pass the client's bytes on in a tunnel."""
        cast(Http1Exchange, self._exchange).pass_on(data)

    def abort(self) -> None:
        self._state = _CLOSE[self._state]
        self.transport.abort()

    @property
    def is_new(self) -> bool:
        """Whether it waits for its first head."""
        return self._state is HEAD

    @property
    def lasting(self) -> int:
        return int(self._exchange is not None and self._exchange.is_lasting)

    # -- flow of reading
    def pause_reading(self) -> None:
        """Leave the client's bytes in the socket."""
        if self._pace.is_wanted:
            self._deadlines.stop_reading()
            self._pace.pause_reading()

    def resume_reading(self) -> None:
        """Read the client's bytes again."""
        self._pace.resume_reading()

    # -- deadlines
    def expire_at(self, expires_at: float | None) -> None:
        """End the stream that is just beginning soon after *expires_at*, seconds since the epoch."""
        self._deadlines.expire_at(expires_at)

    def sweep(self, now: float) -> None:
        deadlines = self._deadlines
        if now >= deadlines.writing:
            self._sweep_writing()
        elif now >= deadlines.reading:
            deadlines.reading = NEVER
            self._sweep_reading()
        elif deadlines.is_expired():
            self._expire()
        elif self._exchange is not None:
            self._sweep_exchange(self._exchange, now)

    def _sweep_exchange(self, exchange: Http1Exchange, now: float) -> None:
        """Check a tunnel, and a client whose departure would not be noticed because nothing is being read."""
        if self._state is TUNNEL:
            self._deadlines.has_moved(exchange.moved_bytes)
            if now >= self._deadlines.tunnel and not exchange.end_tunnel(GOING_AWAY, "idle"):
                self.abort()
        elif not self._pace.is_wanted and self._deadlines.is_time_to_look() and has_left(self.transport):
            self.abort()

    def _expire(self) -> None:
        """The stream's token has expired: end it, if possible between two frames."""
        if self._exchange is None or self._exchange.expire():
            self._deadlines.expiry = NEVER
        elif self._deadlines.is_overdue():
            self.abort()

    def _sweep_reading(self) -> None:
        if self._state is LINGERING:
            self._end_lingering()
        elif self._body is not None:
            self._break_body(HeadError(408, "Request body not received in time"))
        elif self._buffer:
            self._refuse(HeadError(408, "Request head not received in time"))
        else:
            self._close_gently()

    def go_away(self) -> None:
        if self._exchange is not None and self._exchange.is_lasting:
            self._exchange.end_tunnel(GOING_AWAY, "the gateway stops")

    def shutdown(self) -> None:
        self._stopping = True
        self._deadlines.stop()
        farewell_s = self._listener.settings.farewell_s
        if self._exchange is not None:
            self._exchange.keep_alive = False
        elif farewell_s and self._state < LINGERING:
            self._deadlines.hurry(farewell_s)
        elif self._state < LINGERING:
            self._close_gently()


_RECEIVERS = {
    ANSWERING: ServerConnection._hold,
    RECEIVING: ServerConnection._receive_body,
    DRAINING: ServerConnection._receive_body,
    TUNNEL: ServerConnection._pass_on,
    LINGERING: ServerConnection._drop,
    CLOSED: ServerConnection._drop,
}
