"""
The backend's side: one connection of a pool, bound to one exchange at a time.

What it may do next is in the table of ``states``; the parts of an exchange are modules of their own: the head of the
answer (``head_reader``), the answer's body (``answer_body``) and the request's (``request_body``).

Source: RFC 9112 §9.
"""

from __future__ import annotations

import asyncio
import random
import select
from typing import Protocol, cast

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.decoders import FramingError
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from gateway.wire.pace import Pace
from gateway.wire.settings import UpstreamSettings
from gateway.wire.sweeper import sweeper
from gateway.wire.trailers import barred_names
from gateway.wire.upstream.answer_body import AnswerBody
from gateway.wire.upstream.dial import drop_unsent, keep_alive
from gateway.wire.upstream.exchange import UpstreamExchange
from gateway.wire.upstream.head_reader import HeadReader
from gateway.wire.upstream.request_body import RequestBody, send_whole
from gateway.wire.upstream.response_head import UNTIL_CLOSE, ResponseError, ResponseHead
from gateway.wire.upstream.states import ConnectionEvent, ConnectionState, on

# Looked up with every request: names of the module are quicker than attributes of the enumeration.
_IDLE, _AWAITING, _TUNNEL = ConnectionState.IDLE, ConnectionState.AWAITING, ConnectionState.TUNNEL
_CLOSING, _LINGERING = ConnectionState.CLOSING, ConnectionState.LINGERING
_OPENED, _REQUEST, _BODY, _SWITCH, _END, _LEAVE, _CLOSE, _LOST = map(on, ConnectionEvent)

_NEVER = float("inf")
_WRITE_HIGH_BYTES = 256 * 1024
EARLY_S = 1.0  # a backend that closes this soon after an answer did not run into its keep-alive time
CLOSE_TIMEOUT_S = 2.0  # for unsent bytes, and for the TLS closure alert


class ConnectionOwner(Protocol):
    """The pool, as its connections see it."""

    settings: UpstreamSettings
    stopped: bool

    def release(self, connection: UpstreamConnection) -> None:
        """*connection* can carry the next request."""

    def lost(self, connection: UpstreamConnection, resend: UpstreamExchange | None) -> None:
        """*connection* is closed; *resend* was on it, and may be sent once more."""


class UpstreamConnection(asyncio.Protocol):
    """
    One connection to a backend.

    Attributes:
        state: What it is doing.
        transport: To the backend, once it is open.
        reused: Whether it has carried a request before the present one.
        closed_early: Whether the backend closed it right after an answer, without announcing that.
    """

    transport: asyncio.Transport

    def __init__(self, owner: ConnectionOwner) -> None:
        self.state = ConnectionState.OPENING
        self._owner = owner
        self._settings = owner.settings
        self._sweeper = sweeper()
        self._heads = HeadReader(owner.settings, self._inform)
        self._exchange: UpstreamExchange | None = None  # while the head of its answer is due
        self._sending: RequestBody | None = None  # while the request's body streams
        self._body: AnswerBody | None = None  # while the answer's body streams
        self._keep_alive = True
        self.closed_early = False
        self._rested_at = self._sweeper.now
        self._old_at = _NEVER  # its greatest age, or the past where the backend's name no longer leads to its address
        self.reused = False
        self._idle_s = owner.settings.idle_timeout_s
        self._deadline = _NEVER  # of whatever the state waits for

    # -- from the pool
    def start(self, exchange: UpstreamExchange) -> None:
        """Send the request of *exchange*."""
        self.state = _REQUEST[self.state]
        self._exchange = exchange
        exchange.carrier = self
        self._deadline = exchange.deadline
        body = exchange.request.body
        if body is None:
            self.transport.write(exchange.head)
        elif body.stream is None:
            send_whole(self.transport, exchange.head, body.content)
        else:
            self.transport.write(exchange.head)
            self._sending = RequestBody(self, self.transport, exchange.chunked)
            if exchange.chunked:
                self._sending.barred = barred_names(exchange.request, exchange.request.headers)
            self._sending.begin(body.stream)

    def rest(self) -> None:
        """Wait in the pool for the next exchange."""
        self.reused = True
        self._rested_at = now = self._sweeper.now
        self._deadline = now + self._sweeper.interval_s + self._idle_s

    def fit_for(self, exchange: UpstreamExchange) -> bool:
        """Whether the backend has not closed its side; the kernel is asked where the request must not be repeated."""
        if self.state is not _IDLE or self.transport.is_closing() or self._sweeper.now >= self._old_at:
            return False
        return exchange.repeatable or not _readable(self.transport)

    @property
    def stalled_at(self) -> float:
        """Since when the client of its answer takes nothing; infinite where that does not hold."""
        return self._body.stalled_at if self._body is not None and self._body.stream.is_taken else _NEVER

    def retire_unless_in(self, addresses: frozenset[str]) -> None:
        """Carry nothing after the present exchange where the backend's name leads to *addresses* only."""
        peer = self.transport.get_extra_info("peername")
        if peer is None or peer[0] in addresses:
            return
        self._old_at = 0.0
        if self.state is _IDLE:
            self.abort()

    def reclaim(self) -> None:
        """Break an answer off whose client takes nothing: requests wait for the connection."""
        body = self._take_body()
        self.abort()
        if body is not None:
            body.stream.fail(UpstreamError("Timeout", "The client reads nothing, and requests wait.", 504))

    # -- from the transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.state = _OPENED[self.state]
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(_WRITE_HIGH_BYTES)
        self._pace = Pace(self.transport)
        keep_alive(self.transport)
        self._old_at = self._sweeper.now + self._settings.max_age_s * random.uniform(0.9, 1.0)  # noqa: S311 (not all together)
        self._sweeper.watch(self)

    def data_received(self, data: bytes) -> None:
        if len(data) > self._pace.limit_bytes:
            self._pace.took()
        if self.state is _AWAITING:
            self._receive_head(data)
        elif self._body is not None:
            self._receive_body(self._body, data)
        elif self.state not in (_CLOSING, _LINGERING):
            self.abort()  # an answer to nothing

    def eof_received(self) -> None:
        """The backend has closed its side; connection_lost follows."""

    def connection_lost(self, error: Exception | None) -> None:
        is_stale = self._is_stale
        self.closed_early = is_stale and self._sweeper.now - self._rested_at < EARLY_S
        self.state = _LOST[self.state]
        self._sweeper.forget(self)
        exchange, body = self._take_exchange(), self._take_body()
        resend = exchange if exchange is not None and is_stale and exchange.may_resend else None
        self._stop_sending()
        self._owner.lost(self, resend)
        if body is not None:
            body.connection_ended(error)
        elif exchange is not None and resend is None:
            exchange.refuse("The backend closed the connection before its answer.")

    @property
    def _is_stale(self) -> bool:
        """Whether its end means that the backend had given it up: nothing of an answer has come since it rested."""
        return self.reused and self.state in (_IDLE, _AWAITING) and not self._heads.has_begun

    def pause_writing(self) -> None:
        if self._sending is not None:
            self._sending.pause()

    def resume_writing(self) -> None:
        if self._sending is not None:
            self._sending.resume()

    # -- the answer
    def _receive_head(self, data: bytes) -> None:
        exchange: UpstreamExchange = self._exchange  # type: ignore[assignment]
        try:
            head = self._heads.read(data, exchange.request.method)
            if head is not None:
                self._answer(exchange, head, self._heads.rest)
        except (ResponseError, FramingError) as error:
            self._break(f"{error}")

    def _inform(self, head: ResponseHead) -> None:
        if self._exchange is not None:
            self._exchange.inform(head)

    def _answer(self, exchange: UpstreamExchange, head: ResponseHead, data: bytes) -> None:
        """The final head is there, and *data* behind it. Raises ResponseError, FramingError: the protocol is broken."""
        if head.status == 101:
            self._switch(exchange, head, data)
            return
        self._keep_alive = head.keep_alive and not exchange.logs_in
        if head.idle_s is not None:
            self._idle_s = min(self._settings.idle_timeout_s, max(0.0, head.idle_s - 1.0))
        response = Response(head.status, Headers.from_lines(head.lines.copy()), None, head.reason)
        if head.length == 0:
            self._settle(data)
        elif head.length == len(data):
            response.body.content = data
            self._settle(b"")
        else:
            self._receive_first(exchange, response, head.length, data)
        exchange.carrier = None
        exchange.resolve(response)

    def _receive_first(self, exchange: UpstreamExchange, response: Response, length: int, data: bytes) -> None:
        """Read what has come of the body; what has not come will flow."""
        body = AnswerBody(self._pace, length, self._receive_body, self._flow_changed, self.abort)
        content = body.decode(data)
        if body.decoder.done:
            if body.decoder.trailers and exchange.request.takes_trailers:
                response.body.stream = BodyStream.whole(content, body.decoder.trailers)
            else:
                response.body.content = content
            self._settle(body.decoder.rest)
            return
        self._exchange = None
        self.state = _BODY[self.state]
        self._begin_body(body, content)
        response.body.stream = body.stream
        exchange.request.lend(body.stream)

    def _begin_body(self, body: AnswerBody, content: bytes) -> None:
        self._body = body
        self._flow_changed()
        if content:
            body.stream.feed(content)

    def _switch(self, exchange: UpstreamExchange, head: ResponseHead, data: bytes) -> None:
        """The backend agrees to the protocol that the client asked for. Raises ResponseError: it asked for none."""
        request = exchange.request
        if not head.upgrade or not request.upgrade or request.upgraded is None:
            raise ResponseError("it switched protocols without being asked")
        self._exchange = None
        self._keep_alive = False
        body = AnswerBody(self._pace, UNTIL_CLOSE, self._receive_body, self._flow_changed, self._leave_tunnel)
        self.state = _SWITCH[self.state]
        self._begin_body(body, data)
        headers = Headers.from_lines(head.lines.copy())
        headers.replace("Upgrade", head.upgrade)
        request.lend(body.stream)
        self._sending = RequestBody(self, self.transport, chunked=False)
        self._sending.begin(request.upgraded)
        exchange.carrier = None
        exchange.resolve(Response(101, headers, Body(stream=body.stream), head.reason))

    def _receive_body(self, body: AnswerBody, data: bytes) -> None:
        try:
            content = body.decode(data)
        except FramingError as error:
            self.abort()
            body.stream.fail(UpstreamError("BackendConnectionFailure", str(error)))
            return
        self._flow_changed()
        done = body.decoder.done
        if done:
            body.let_go()
            self._settle(body.decoder.rest)
        if content:
            body.stream.feed(content)
        if done:
            body.stream.trailers = body.decoder.trailers
            body.stream.finish()

    def _settle(self, rest: bytes) -> None:
        """The answer is complete: back to the pool, unless the connection cannot be used again."""
        self._exchange = self._body = None
        self._deadline = _NEVER
        is_old = self._sweeper.now >= self._old_at
        if rest or not self._keep_alive or self._owner.stopped or is_old or self._is_unsent:
            self._close()
        else:
            self.state = _END[self.state]
            self._owner.release(self)

    @property
    def _is_unsent(self) -> bool:
        """Whether part of the request has not gone out. Source: RFC 9112 §9.3: such a connection is not reused."""
        return self._sending is not None or self.transport.get_write_buffer_size() > 0

    def _break(self, fault: str) -> None:
        """The backend broke the protocol."""
        exchange = self._take_exchange()
        self.abort()
        if exchange is not None:
            exchange.refuse(f"The backend broke the protocol: {fault}.")

    def _flow_changed(self) -> None:
        """The time between two pieces of the answer's body counts while the client takes them."""
        if self.state not in (_CLOSING, _LINGERING):
            flows = self._body is not None and self._body.flows
            self._deadline = self._sweeper.deadline(self._settings.body_timeout_s) if flows else _NEVER

    # -- the request's body
    def body_progressed(self) -> None:
        """The time to answer begins with the end of the request; a tunnel is in use when either side sends."""
        if self._exchange is not None:
            self._deadline = self._sweeper.deadline(self._exchange.timeout_s)
        elif self.state is _TUNNEL:
            self._flow_changed()

    def body_sent(self) -> None:
        """The request's body is complete; a tunnel ends with what the client sends."""
        self._sending = None
        self._leave_tunnel()

    def body_failed(self, error: Exception) -> None:
        """The request's body broke off: the backend must not take it for complete."""
        self._sending = None
        exchange = self._take_exchange()
        self.abort()
        if exchange is not None:
            exchange.reject(error)

    def _stop_sending(self) -> None:
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.stop()

    # -- the end
    def _close(self) -> None:
        """Carry nothing more. After an answer that came before the end of its request the backend may never read."""
        is_unsent = self._is_unsent
        self.state = _CLOSE[self.state]
        self._stop_sending()
        self._deadline = self._sweeper.deadline(CLOSE_TIMEOUT_S)
        if is_unsent:
            self.transport.abort()
        else:
            self.transport.close()

    def _leave_tunnel(self) -> None:
        """End our side, and drop what still comes: a socket closed with unread bytes could cost the close frame."""
        if self.state is not _TUNNEL:
            return
        self.state = _LEAVE[self.state]
        self._stop_sending()
        self._deadline = self._sweeper.deadline(CLOSE_TIMEOUT_S)
        if body := self._take_body():
            body.let_go()
        if self.transport.is_closing() or not self.transport.can_write_eof():  # TLS reads on by itself
            self.transport.close()
        else:
            self.transport.write_eof()

    def stop(self) -> None:
        """The gateway stops: close immediately, unless the end of a tunnel is on its way."""
        if self.state is not _LINGERING:
            self.abort()

    def abort(self) -> None:
        """Close immediately, unsent bytes and all, also those that the kernel would still deliver for minutes."""
        if self.state is _AWAITING:
            drop_unsent(self.transport)
        self.state = _CLOSE[self.state]
        self._body = None
        self._deadline = _NEVER
        self.transport.abort()

    def sweep(self, now: float) -> None:
        """Look at the deadline; *now* is the event loop's time."""
        if now < self._deadline:
            return
        exchange, body = self._take_exchange(), self._take_body()
        self.abort()
        if exchange is not None:
            exchange.time_out()
        elif body is not None:
            body.stream.fail(UpstreamError("Timeout", "The backend stopped sending its answer.", 504))

    def _take_exchange(self) -> UpstreamExchange | None:
        """The exchange whose answer is due, which is on this connection no more."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.carrier = None
        return exchange

    def _take_body(self) -> AnswerBody | None:
        body, self._body = self._body, None
        return body


def _readable(transport: asyncio.Transport) -> bool:
    """Whether the kernel has something to read: on an unused connection that can only be its end."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))
