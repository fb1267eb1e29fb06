"""
The client's side: one connection of the listener, hosted by uvicorn through its ``http`` class parameter.

uvicorn keeps sockets, TLS, workers and signals; this protocol reads requests, gives each to the application in turn and
sends its answer. Requests that a client sends ahead wait in the buffer, with reading paused.

Source: RFC 9112; uvicorn, "Custom protocols".
"""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509

from gateway.errors import ClientLeft
from gateway.wire.body import Body, BodyStream
from gateway.wire.decoders import ChunkedDecoder, FramingError, LengthDecoder
from gateway.wire.server.answers import error_response, render_head
from gateway.wire.server.exchange import Exchange
from gateway.wire.server.forwarded import Peer
from gateway.wire.server.listener import Application, Caller, Listener
from gateway.wire.server.request_head import HeadError, RequestHead
from gateway.wire.sweeper import sweeper

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

_NEVER = float("inf")
_WRITE_HIGH_BYTES = 256 * 1024
_DRAIN_BYTES = 64 * 1024  # the rest of an unread body that is worth reading to keep the connection


class ServerConnection(asyncio.Protocol):
    """
    One client connection.

    Attributes:
        application: Gets the requests.
        transport: To the client; exchanges write to it.
    """

    alpn_protocols = ("http/1.1",)
    transport: asyncio.Transport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._listener = cast(Listener, config.loaded_app)
        self.application: Application = self._listener.application
        self._settings = self._listener.settings
        self._server_state = server_state
        self._sweeper = sweeper()
        self._buffer = b""
        self._exchange: Exchange | None = None
        self._decoder: LengthDecoder | ChunkedDecoder | None = None
        self._body: BodyStream | None = None
        self._serving = False  # guards against serving the buffer from within an answer
        self._closing = False  # nothing more is read: lingering, or the transport closes
        self._stopping = False
        self._reading = True
        self._read_deadline = _NEVER
        self._write_deadline = _NEVER
        self._unsent_bytes = 0
        self._expiry = _NEVER

    # -- from the transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(_WRITE_HIGH_BYTES)
        tls = transport.get_extra_info("ssl_object")
        name = transport.get_extra_info("peername")
        address = name[0] if isinstance(name, tuple) else "127.0.0.1"
        peer = Peer(address, "https" if tls else "http", self._settings.trusted_proxies)
        self._caller = Caller(peer, self._settings, _certificate(tls))
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self._sweeper.watch(self)
        self._read_deadline = self._sweeper.deadline(self._settings.timeouts.head_s)
        limit = self._settings.limits.connections
        if limit is not None and len(self._server_state.connections) > limit:
            self._refuse(HeadError(503, "Too many connections"))

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._decoder is not None:
            self._receive_body(data)
        elif self._body is not None:
            self._body.feed(data)
        elif self._exchange is None:
            self._buffer = self._buffer + data if self._buffer else data
            self._serve()
        else:
            self._buffer += data
            self.pause_reading()

    def eof_received(self) -> None:
        """The client has closed its side; like nginx and Go we take that for leaving."""

    def connection_lost(self, error: Exception | None) -> None:
        self._closing = True
        self._server_state.connections.discard(self)
        self._sweeper.forget(self)
        if self._body is not None:
            body, self._body = self._body, None
            body.fail(ClientLeft("the client left before the end of its request"))
        if self._exchange is not None:
            self._exchange.leave()
            self._exchange = None

    def pause_writing(self) -> None:
        self._write_deadline = self._sweeper.deadline(self._settings.timeouts.write_s)
        self._unsent_bytes = self.transport.get_write_buffer_size()
        if self._exchange is not None:
            self._exchange.pause()

    def resume_writing(self) -> None:
        self._write_deadline = _NEVER
        if self._exchange is not None:
            self._exchange.resume()

    # -- requests, one after the other
    def _serve(self) -> None:
        """Begin requests from the buffer for as long as their answers are complete at once."""
        if self._serving:
            return
        self._serving = True
        try:
            while self._buffer and self._exchange is None and self._decoder is None and not self._closing:
                if not self._next_request():
                    break
        except HeadError as refusal:
            self._refuse(refusal)
        finally:
            self._serving = False

    def _next_request(self) -> bool:
        """Begin the request at the start of the buffer; False when its head is not complete."""
        data = self._buffer
        if data.startswith(b"\r\n"):  # RFC 9112 §2.2: one empty line before a request
            data = self._buffer = data[2:]
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._await_head(data)
            return False
        if end > self._settings.limits.head_bytes:
            raise HeadError(431, "Request head too large")
        head = self._caller.read(data[:end])
        self._buffer = data[end + 4 :]
        request = self._caller.request(head)
        exchange = Exchange(self, request, head.keep_alive and not self._stopping, head.minor)
        self._read_deadline = _NEVER
        if head.length:
            request.body = self._attach_body(head, exchange)
        elif head.upgrade:
            request.upgraded = BodyStream(None, self.pause_reading, self.resume_reading)
        self._exchange = exchange
        self._server_state.total_requests += 1
        exchange.begin()
        return True

    def _await_head(self, data: bytes) -> None:
        """Refuse a beginning that can only go wrong; otherwise wait for the rest."""
        if len(data) > self._settings.limits.head_bytes:
            raise HeadError(431, "Request head too large")
        if len(data) > self._settings.limits.request_line_bytes and b"\r\n" not in data:
            raise HeadError(414, "Request line too long")
        line_ends = data.count(b"\r\n")
        if data.count(b"\n") != line_ends or data.count(b"\r", 0, -1) != line_ends or b"\0" in data:
            raise HeadError(400, "Control character or bare line end in the message head")
        if self._read_deadline == _NEVER or self._idle:
            self._read_deadline = self._sweeper.deadline(self._settings.timeouts.head_s)
            self._idle = False

    _idle = False  # whether the read deadline is that of an idle connection

    # -- the request's body
    def _attach_body(self, head: RequestHead, exchange: Exchange) -> Body:
        """The body: in memory when all of it is here already, else a stream that waits for its reader."""
        decoder = LengthDecoder(head.length) if head.length > 0 else ChunkedDecoder()
        data, self._buffer = self._buffer, b""
        try:
            content = decoder.decode(data)
        except FramingError as error:
            raise HeadError(400, str(error)) from None
        exchange.received = len(content)
        if decoder.done:
            self._buffer = decoder.rest
            return Body(content)
        exchange.streams_body = True
        exchange.expects_continue = head.expects_continue and not data
        self._decoder = decoder
        length = head.length if head.length > 0 else None
        self._body = BodyStream(length, self.pause_reading, self._want_body, self._drop_body)
        self.pause_reading()
        if content:
            self._body.feed(content)
        return Body(stream=self._body)

    def _receive_body(self, data: bytes) -> None:
        decoder, exchange = cast(LengthDecoder, self._decoder), self._exchange
        try:
            content = decoder.decode(data)
        except FramingError as error:
            self._break_body(HeadError(400, str(error)))
            return
        self._read_deadline = self._sweeper.deadline(self._settings.timeouts.body_s)
        if exchange is not None:
            exchange.received += len(content)
        if content and self._body is not None:
            self._body.feed(content)
        if decoder.done:
            self._end_body(decoder.rest)

    def _end_body(self, rest: bytes) -> None:
        """The body is complete; *rest* begins the next request."""
        self._decoder = None
        self._buffer = rest
        self._read_deadline = _NEVER
        body, self._body = self._body, None
        self.resume_reading()  # to notice that the client leaves
        if body is not None:
            body.finish()
        if self._exchange is None:
            self._rest()

    def _break_body(self, refusal: HeadError) -> None:
        """The body cannot be read to its end; answer if nothing has been answered yet, and close."""
        body, self._body = self._body, None
        self._decoder = None
        exchange = self._exchange
        if exchange is None or exchange.answered:
            self.abort()
            return
        exchange.refuse(error_response(refusal.status, refusal.message))
        if body is not None:
            body.fail(FramingError(refusal.message))

    def _want_body(self) -> None:
        """Somebody reads the body: let it come."""
        exchange = self._exchange
        if exchange is not None and exchange.expects_continue and not exchange.answered:
            exchange.expects_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._read_deadline = self._sweeper.deadline(self._settings.timeouts.body_s)
        self.resume_reading()

    def _drop_body(self) -> None:
        """Nobody reads the body: throw away what comes, unless the client still waits to send it."""
        self._body = None
        if self._exchange is not None and not self._exchange.expects_continue:
            self._want_body()

    @property
    def must_close(self) -> bool:
        """Whether so much of the request's body is unread that the connection cannot be kept."""
        if self._decoder is None:
            return False
        waiting = self._exchange is not None and self._exchange.expects_continue
        return waiting or not 0 < self._decoder.missing <= _DRAIN_BYTES

    # -- from the exchange
    def exchange_ended(self, keep_alive: bool) -> None:
        """The answer has been written; go on with the next request, or close."""
        self._exchange = None
        self._expiry = _NEVER
        if self._closing:
            return
        if self._decoder is not None and keep_alive and not self._stopping:
            self._body = None
            self._want_body()
        else:
            self._rest(keep_alive)

    def _rest(self, keep_alive: bool = True) -> None:
        """Wait for the next request, begin the one that waits, or close."""
        if self._stopping or not keep_alive:
            self._close_gently()
            return
        self._idle = True
        self._read_deadline = self._sweeper.deadline(self._settings.timeouts.idle_s)
        if not self._reading:
            self.resume_reading()
        if self._buffer:
            self._serve()

    def _close_gently(self) -> None:
        """
        Close, so that the answer arrives: a socket closed with unread bytes resets the connection.

        Source: RFC 9112 §9.6.
        """
        self._closing = True
        if self._decoder is None and not self._buffer:
            self.transport.close()
            return
        self._buffer = b""
        self._decoder = self._body = None
        self._read_deadline = self._sweeper.deadline(self._settings.timeouts.linger_s)
        self.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _refuse(self, refusal: HeadError) -> None:
        """Answer what never reaches the application, and close."""
        self._listener.refused(refusal.status, refusal.message)
        allow = [("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")] if refusal.status == 405 else []
        response = error_response(refusal.status, refusal.message, allow)
        content = response.body.content
        framing = f"Content-Length: {len(content)}\r\nConnection: close\r\n"
        self.transport.write(render_head(response, framing, self.date_line) + content)
        self._exchange = None
        self._buffer = self._buffer or b"\n"  # what has not been read may still be on its way
        self._close_gently()

    def switch(self) -> None:
        """From here on the client's bytes belong to another protocol."""
        if self._exchange is not None and self._exchange.request.upgraded is not None:
            self._body = self._exchange.request.upgraded
            if self._buffer:
                data, self._buffer = self._buffer, b""
                self._body.feed(data)
            self.resume_reading()

    def abort(self) -> None:
        """Close at once, unsent bytes and all: the client sees that the answer is not complete."""
        self._closing = True
        self.transport.abort()

    @property
    def is_lasting(self) -> bool:
        """Whether a tunnel or a stream of events is on this connection."""
        return self._exchange is not None and self._exchange.is_lasting

    @property
    def date_line(self) -> str:
        """The Date field of an answer made now."""
        return self._sweeper.date_line

    # -- flow of reading
    def pause_reading(self) -> None:
        """Leave the client's bytes in the socket."""
        if self._reading:
            self._reading = False
            self._read_deadline = _NEVER
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take the client's bytes again."""
        if not self._reading and not self.transport.is_closing():
            self._reading = True
            self.transport.resume_reading()

    # -- deadlines
    def watch_expiry(self, expires_at: float | None) -> None:
        """End the stream that begins now when its token has expired."""
        if expires_at is not None:
            self._expiry = expires_at + self._settings.timeouts.expiry_grace_s

    def sweep(self, now: float) -> None:
        """Look at the deadlines; *now* is the event loop's time."""
        if now >= self._write_deadline:
            self._sweep_writing()
        elif now >= self._read_deadline:
            self._read_deadline = _NEVER
            self._sweep_reading()
        elif self._expiry != _NEVER and time.time() >= self._expiry:
            if self._exchange is None or self._exchange.expire():
                self._expiry = _NEVER
            elif time.time() >= self._expiry + self._settings.timeouts.linger_s:
                self.abort()

    def _sweep_writing(self) -> None:
        """Close a connection whose client takes nothing."""
        unsent = self.transport.get_write_buffer_size()
        if unsent >= self._unsent_bytes:
            self.abort()
            return
        self._unsent_bytes = unsent
        self._write_deadline = self._sweeper.deadline(self._settings.timeouts.write_s)

    def _sweep_reading(self) -> None:
        if self._closing:
            self.transport.abort()
        elif self._decoder is not None:
            self._break_body(HeadError(408, "Request body not received in time"))
        elif self._buffer:
            self._refuse(HeadError(408, "Request head not received in time"))
        else:
            self._closing = True
            self.transport.close()

    def shutdown(self) -> None:
        """The server stops: let the running exchange end, an idle connection bring a last one."""
        self._stopping = True
        if self._exchange is not None:
            self._exchange.keep_alive = False
        elif not self._closing:
            if self._settings.farewell_s:
                farewell = self._sweeper.deadline(self._settings.farewell_s)
                self._read_deadline = min(self._read_deadline, farewell)
            else:
                self._close_gently()


def _certificate(tls: ssl.SSLObject | None) -> x509.Certificate | None:
    """The client's certificate, if the listener asked for one."""
    encoded = tls.getpeercert(binary_form=True) if tls is not None else None
    return x509.load_der_x509_certificate(encoded) if encoded else None
