"""
Bodies stream unless a policy reads them: the step that brings one into memory, put in front of such a policy.

So a request that is refused earlier is refused before its body was read.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from gateway.errors import PolicyError
from gateway.pipeline.step import Policy
from gateway.wire.body import DecodedBody
from gateway.wire.content_coding import KNOWN, CodingError, codings, decode
from gateway.wire.messages import Request, Response
from gateway.wire.slices import in_slices

if TYPE_CHECKING:
    from gateway.pipeline.context import Context


# Processor time for each byte that is read and for each that is made.
DECODING_BYTE_S = 1e-8
DECODED_BYTE_S = 5e-9


@dataclass(frozen=True, slots=True)
class BufferBody(Policy):
    """
    Waits until the bodies that the next policy reads are in memory and decoded; does nothing when they are.

    Attributes:
        before: What that policy does before a body is waited for. It may refuse the message.
    """

    request: bool
    response: bool
    max_bytes: int
    before: Callable[[Context], None] = lambda _: None
    changes: ClassVar[None] = None

    def apply(self, context: Context) -> Coroutine[object, object, None] | None:
        """None, or the wait. Raises BodyTooLarge, WorkExceeded, and what *before* raises."""
        messages = [message for message in self._messages(context) if message.body is not None]
        if any(message.body.stream is not None for message in messages if message.body):
            self.before(context)
            return self._wait(messages, context)
        if any("Content-Encoding" in message.headers for message in messages):
            return in_slices(partial(self._decode_all, messages), context)  # type: ignore[return-value]
        return None

    def _decode_all(self, messages: list[Request | Response], context: Context) -> None:
        for message in messages:
            self._decode(message, context)

    def _messages(self, context: Context) -> list[Request | Response]:
        messages: list[Request | Response] = [context.request] if self.request else []
        if self.response and context.response is not None:
            messages.append(context.response)
        return messages

    async def _wait(self, messages: list[Request | Response], context: Context) -> None:
        for message in messages:
            if message.body is not None:
                await message.body.buffer(self.max_bytes)
        decoding = in_slices(partial(self._decode_all, messages), context)
        if decoding is not None:
            await decoding

    def _decode(self, message: Request | Response, context: Context) -> None:
        """Let policies see the body without its content codings. Raises PolicyError: one is unknown, or broken."""
        body = message.body
        field = message.headers.joined("Content-Encoding")
        if field is None or body is None or not body.content or isinstance(body, DecodedBody):
            return
        applied = codings(field)
        if not KNOWN.issuperset(applied):
            raise _unknown(message, field)
        context.work.draw(len(body.content) * DECODING_BYTE_S)
        try:
            plain = decode(body.content, applied, self.max_bytes)
        except CodingError as error:
            text, status = f"The body cannot be read: {error}.", self._status(message)
            raise PolicyError(status, "BadContentCoding", text, expected={"Content-Encoding": field[:40]}) from None
        context.work.draw(len(plain) * DECODED_BYTE_S, len(plain))
        message.body = DecodedBody(body.content, plain)

    @staticmethod
    def _status(message: Request | Response) -> int:
        return 400 if isinstance(message, Request) else 502


def _unknown(message: Request | Response, field: str) -> PolicyError:
    """A policy has to read a body in a coding that is not supported. Source: RFC 9110 §15.5.16."""
    text = f"The body cannot be read: its Content-Encoding is {field[:40]!r}."
    if not isinstance(message, Request):
        return PolicyError(502, "BadContentCoding", text, expected=sorted(KNOWN), found=field)
    accepted = (("Accept-Encoding", ", ".join(sorted(KNOWN))),)
    return PolicyError(415, "BadContentCoding", text, headers=accepted, expected=sorted(KNOWN), found=field)
