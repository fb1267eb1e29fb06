"""
The processor's messages to Envoy.

Source: Envoy, ``ProcessingResponse`` in ``envoy/service/ext_proc/v3/external_processor.proto``.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from gateway.data_plane.envoy.ext_proc.mutations import Mutation
from gateway.data_plane.envoy.messages import HeaderMutation, ProcessingResponse

Side: TypeAlias = Literal["request", "response"]

_OVERWRITE = 2
_SEND = 1
_NONE, _BUFFERED, _BUFFERED_PARTIAL, _FULL_DUPLEX = 0, 2, 3, 4
_REPLACE = 1


def passed(side: Side, part: Literal["headers", "body"]) -> Any:
    """Go on, nothing has changed."""
    reply = ProcessingResponse()
    _common(reply, side, part).SetInParent()
    if part == "headers":
        _mode(reply, _NONE, _NONE)
    return reply


def _mode(reply: Any, request: int, response: int) -> None:
    """
    How the bodies are sent from now on; said with every head.

    Envoy is configured to hold answers until this is said: one that ignores it lets none of them pass.
    """
    mode = reply.mode_override
    mode.request_header_mode = mode.response_header_mode = _SEND
    mode.request_trailer_mode = mode.response_trailer_mode = _SEND
    mode.request_body_mode, mode.response_body_mode = request, response


def _common(reply: Any, side: Side, part: str) -> Any:
    """The ``CommonResponse`` of one part."""
    match side, part:
        case "request", "headers":
            return reply.request_headers.response
        case "request", _:
            return reply.request_body.response
        case _, "headers":
            return reply.response_headers.response
    return reply.response_body.response


def streamed(mutation: Mutation) -> Any:
    """Pass the answer's head on, and send its body here and back, piece by piece."""
    reply = changed("response", "headers", mutation)
    _mode(reply, _NONE, _FULL_DUPLEX)
    return reply


def piece(content: bytes, is_last: bool) -> Any:
    """The next bytes of the answer's body."""
    reply = ProcessingResponse()
    streamed_response = reply.response_body.response.body_mutation.streamed_response
    streamed_response.body = content
    streamed_response.end_of_stream = is_last
    return reply


def changed(side: Side, part: Literal["headers", "body"], mutation: Mutation, body: bytes | None = None) -> Any:
    """Pass the message on with these changes; *body* replaces what Envoy has, None leaves it."""
    reply = passed(side, part)
    common = _common(reply, side, part)
    fill(common.header_mutation, mutation)
    if side == "request":
        common.clear_route_cache = True
    if body is not None:
        if part == "headers":
            common.status = _REPLACE
        common.body_mutation.body = body
    return reply


def body_wanted(side: Side, mutation: Mutation, is_announced: bool) -> Any:
    """
    Hold the message, and bring all of its body first, or as much as Envoy can hold.

    Args:
        is_announced: Whether its length is known. Of one without, Envoy brings what it can hold; if it had to bring
            all, and held more than its limit already, it would wait for ever. With a length, this mode forbids another.
        mutation: What makes the message harmless if Envoy passes it on all the same: ``allow_mode_override`` is off.
    """
    reply = changed(side, "headers", mutation)
    held = _BUFFERED if is_announced else _BUFFERED_PARTIAL
    _mode(reply, *((held, _NONE) if side == "request" else (_NONE, held)))
    return reply


def immediate(status: int, mutation: Mutation, body: bytes) -> Any:
    """Answer the client; nothing is sent to a backend."""
    reply = ProcessingResponse()
    answer = reply.immediate_response
    answer.status.code = status
    answer.body = body
    answer.details = "gateway"
    fill(answer.headers, mutation)
    return reply


def trailers_passed(side: Side, removed: list[str]) -> Any:
    """Pass the trailers on without those *removed*."""
    reply = ProcessingResponse()
    part = reply.request_trailers if side == "request" else reply.response_trailers
    part.SetInParent()
    part.header_mutation.remove_headers.extend(removed)
    return reply


def fill(message: HeaderMutation, mutation: Mutation) -> None:
    """Write *mutation* into Envoy's form of it."""
    message.remove_headers.extend(mutation.removed)
    for name, value in mutation.put:
        _option(message, name, value).append_action = _OVERWRITE
    for name, value in mutation.added:
        _option(message, name, value).append.value = True  # ext_proc of Envoy 1.40 appends for the sake of this alone


def _option(message: HeaderMutation, name: str, value: str) -> Any:
    option = message.set_headers.add()
    option.keep_empty_value = True
    option.header.key = name
    option.header.raw_value = value.encode("latin-1")
    return option
