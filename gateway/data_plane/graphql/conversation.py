"""
GraphQL requests over a WebSocket: each is judged as one over HTTP would be, and written anew for the backend.

What a client sends is read message by message, and only the messages of the protocol go on. What the backend sends
passes as it is; errors of requests that are refused are put in between its frames.

Source: graphql-transport-ws (enisdenjo/graphql-ws, PROTOCOL.md); graphql-ws (apollographql/subscriptions-transport-ws).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence, Set
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from weakref import ref

import structlog

from gateway.data_plane.graphql.frames import TEXT, BadFrame, MessageReader, WholeMessage, frame
from gateway.errors import ExpressionError, PolicyError
from gateway.graphql.envelope import read_json, refuse_parameters
from gateway.graphql.refusals import BAD_REQUEST, GraphQLRefusal, refusal
from gateway.wire.body import BodyStream
from gateway.wire.fields import fold_name
from gateway.wire.slices import Unfinished, in_slices
from gateway.wire.websocket import POLICY_VIOLATION, FrameTracker, close_frame
from gateway.wire.work import Work, WorkExceeded

if TYPE_CHECKING:
    from gateway.graphql.call import GraphQLSession
    from gateway.wire.messages import Request, Response

log = structlog.get_logger("gateway.graphql")

_NEW, _OLD = "graphql-transport-ws", "graphql-ws"
_REQUESTS = {_NEW: "subscribe", _OLD: "start"}
_OTHERS = {
    _NEW: frozenset({"connection_init", "ping", "pong", "complete"}),
    _OLD: frozenset({"connection_init", "connection_terminate", "stop"}),
}
# graphql-transport-ws: "Invalid message received", and what its clients refresh their tokens at; RFC 6455.
_INVALID, _FORBIDDEN, _INTERNAL_ERROR = 4400, 4403, 1011
_LONGEST_S = 365 * 24 * 3600.0  # of a conversation, whatever its token says
_MOST_REFUSED = 50  # requests of one WebSocket; its client would not read their errors either
_LONGEST_ID = 200


def watch(request: Request, session: GraphQLSession) -> None:
    """Have all that comes over the WebSocket that *request* opens read and judged. Raises GraphQLRefusal."""
    offered = [part.strip() for part in (request.headers.joined("Sec-WebSocket-Protocol") or "").split(",")]
    known = [name for name in offered if name in _REQUESTS]
    if not known or request.upgrade != "websocket" or request.upgraded is None:
        raise refusal(BAD_REQUEST, f"A WebSocket for GraphQL speaks {_NEW} or {_OLD}.")
    refuse_parameters(request.query, "A WebSocket has its requests in messages, not in the URL.")
    request.headers.replace("Sec-WebSocket-Protocol", known[0])
    request.headers.remove("Sec-WebSocket-Extensions")  # what is compressed could not be read
    messages = ClientMessages(request.upgraded, session, known[0], request.reserved)
    messages.expire_at(request.expires_at)
    request.upgraded.pipe(messages)  # HTTP/2 goes on feeding it; HTTP/1.1 feeds what the request has now
    request.upgraded = messages


def answer_through(request: Request, response: Response) -> None:
    """The backend has agreed: put errors between its frames."""
    source, watched = response.body.stream, request.upgraded
    if source is not None and isinstance(watched, ClientMessages):
        response.body.stream = watched.back = _Back(source)
        source.pipe(watched.back)
        watched.tell_waiting()


class _Back(BodyStream):
    """The backend's frames on their way to the client."""

    __slots__ = ("_source", "_told", "_tracker")

    def __init__(self, source: BodyStream) -> None:
        super().__init__(None, source.pause, source.resume, source.discard)
        self._source = source
        self._tracker = FrameTracker()
        self._told: list[bytes] = []

    def write(self, data: bytes) -> None:
        """The backend's next bytes."""
        self._tracker.feed(data)
        self.feed(data)
        self._flush()

    def tell(self, message: bytes) -> None:
        """Send a frame of the gateway's own as soon as the backend's is complete."""
        self._told.append(message)
        self._flush()

    def _flush(self) -> None:
        if self._told and self._tracker.between:
            told, self._told = self._told, []
            self.feed(b"".join(told))


class ClientMessages(BodyStream):
    """
    The client's messages, as they go to the backend once they have been judged.

    Attributes:
        back: The other direction; None until the backend has agreed.
    """

    __slots__ = (
        "__weakref__",
        "_busy",
        "_ended",
        "_protocol",
        "_reader",
        "_refused",
        "_reserved",
        "_session",
        "_source",
        "_waiting",
        "back",
    )

    def __init__(self, source: BodyStream, session: GraphQLSession, protocol: str, reserved: Set[str] | None) -> None:
        """*reserved*: keys of the header fields that only the gateway may send."""
        super().__init__(None, source.pause, source.resume, source.discard)
        self.back: _Back | None = None
        self._source = source
        self._session = session
        self._protocol = protocol
        self._reserved = reserved or frozenset()
        self._reader = MessageReader(session.api.settings.max_request_bytes)
        self._refused = 0
        self._busy: asyncio.Task[None] | None = None
        self._ended = False
        self._waiting: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """The client's next bytes: judged now, or over several turns of the loop, for which the client waits."""
        if self._ended:
            return
        self._reader.feed(data)
        if self._busy is not None:
            return
        outcome = in_slices(ClientMessages._drain, self)
        if isinstance(outcome, Unfinished):
            self._source.pause()
            self._busy = asyncio.ensure_future(self._wait(outcome))

    write = feed

    async def _wait(self, outcome: Unfinished[None]) -> None:
        await outcome
        self._busy = None
        self._source.resume()
        self.feed(b"")  # what has come meanwhile

    def finish(self) -> None:
        """The client has ended the connection: nothing of it is judged any more."""
        self._ended = True
        super().finish()

    def fail(self, error: Exception) -> None:
        """The client is gone."""
        self._ended = True
        super().fail(error)

    def tell_waiting(self) -> None:
        """Errors that came before the backend's answer."""
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._tell(message)
        if self._ended and self.back is not None:
            self.back.finish()

    def _tell(self, message: bytes) -> None:
        if self.back is None:
            self._waiting.append(message)
        else:
            self.back.tell(message)

    def expire_at(self, expires_at: float | None) -> None:
        """End the conversation when the token does that began it; *expires_at*: seconds since the epoch."""
        if expires_at is not None:
            seconds = min(max(0.0, expires_at - time.time()), _LONGEST_S)
            asyncio.get_running_loop().call_later(seconds, _expire, ref(self))

    def expire(self) -> None:
        """The token has expired."""
        if not self._ended:
            self._close(_FORBIDDEN, "the token has expired")

    # -- messages
    def _drain(self) -> None:
        try:
            for message in takewhile(lambda _: not self._ended, self._reader.messages()):
                self._take(message)
        except BadFrame as bad:
            self._close(bad.code, str(bad))
        except Exception as error:  # a mistake of ours: the client must not wait for ever
            log.exception("internal_error", what="a WebSocket's message", error=type(error).__name__)
            self._close(_INTERNAL_ERROR, "internal error")

    def _take(self, message: WholeMessage) -> None:
        if message.opcode != TEXT:  # a control frame
            self._pass(message.opcode, message.content)
            return
        try:
            members = read_json(message.content.decode("utf-8"), "The message")
        except (UnicodeDecodeError, GraphQLRefusal):
            raise BadFrame(_INVALID, "the message is not JSON that has one meaning") from None
        kind = members.get("type") if isinstance(members, dict) else None
        if kind == _REQUESTS[self._protocol]:
            self._judge(members, len(message.content))
        elif isinstance(kind, str) and kind in _OTHERS[self._protocol]:
            self._pass(TEXT, _written(_without(members, self._reserved) if self._reserved else members))
        else:
            raise BadFrame(_INVALID, "unknown type of message")

    def _judge(self, members: dict[str, Any], size: int) -> None:
        name = members.get("id")
        if not isinstance(name, str) or len(name) > _LONGEST_ID or members.keys() - {"id", "type", "payload"}:
            raise BadFrame(_INVALID, "the request has no id, or members that are not known")
        try:
            call, written = self._session.judged(members.get("payload"), size, Work())
        except GraphQLRefusal as refused:
            self._refuse(name, refused.errors)
        except (PolicyError, ExpressionError, WorkExceeded):
            self._refuse(name, [{"message": "The request could not be judged."}])
        else:
            self._session.kinds[call.kind] += 1
            head = json.dumps({"id": name, "type": members["type"]}, separators=(",", ":")).encode()
            self._pass(TEXT, b'%b,"payload":%b}' % (head[:-1], written))

    def _refuse(self, name: str, errors: Sequence[dict[str, Any]]) -> None:
        self._refused += 1
        if self._refused > _MOST_REFUSED:
            raise BadFrame(POLICY_VIOLATION, "too many requests were refused")
        payload: object = errors if self._protocol == _NEW else errors[0]
        self._tell(frame(TEXT, _written({"id": name, "type": "error", "payload": payload}), masked=False))

    def _pass(self, opcode: int, content: bytes) -> None:
        if not self._ended:  # while the message was judged
            super().feed(frame(opcode, content, masked=True))

    def _close(self, code: int, reason: str) -> None:
        """End the conversation on both sides."""
        self._ended = True
        super().feed(close_frame(code, reason, masked=True))
        super().finish()
        self._tell(close_frame(code, reason, masked=False))
        if self.back is not None:
            self.back.finish()


def _expire(messages: ref[ClientMessages]) -> None:
    """End the conversation unless it has been forgotten."""
    conversation = messages()
    if conversation is not None:
        conversation.expire()


def _without(value: Any, reserved: Set[str]) -> Any:
    """*value* without members that are called like header fields which only the gateway may send: some backends take
    those of ``connection_init`` for header fields."""
    if isinstance(value, list):
        return [_without(item, reserved) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _without(inner, reserved) for name, inner in value.items() if fold_name(name.strip()) not in reserved}


def _written(members: object) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()
