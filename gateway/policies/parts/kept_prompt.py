"""
A copy of a request's body that is sent on, for streams that do not report how long their prompt was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.policies.parts.answer_tokens import Tap
from gateway.policies.parts.prompts import BEFORE_JSON, prompt_job
from gateway.policies.parts.vocabularies import BYTES_PER_TOKEN
from gateway.wire.body import Body, BodyStream, BodyTooLarge, DecodedBody
from gateway.wire.content_coding import CodingError, codings, decode

if TYPE_CHECKING:
    from gateway.wire.messages import Request

# A body up to this size is counted in one turn of the loop.
SHORT = 16 * 1024
_MOST_DIGITS = 16


class KeptPrompt:
    """
    A copy of the request's body, which is needed where nothing else says how long the prompt was.

    Attributes:
        size: Of the body so far; where somebody else sends it, see ``Request.outlet``, what its head announces.
        codings: Its content codings.
        is_prompt: Whether it may be a prompt: JSON, whatever its encoding, or compressed.
        is_there: Whether there is a copy. A body that somebody else sends is only asked for where a policy reads it.
    """

    __slots__ = ("_content", "_is_open", "_max_bytes", "codings", "is_prompt", "is_there", "size")

    def __init__(self, request: Request, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._content = bytearray()
        self.size = 0
        self.codings: list[str] = []
        self._is_open, self.is_prompt, self.is_there = True, False, True
        body = request.body
        if body is None:
            return
        if not isinstance(body, DecodedBody):
            self.codings = codings(request.headers.joined("Content-Encoding"))
        if body.stream is None:
            self._take(body.read(preserve=True))
        elif request.outlet is None:
            self._copy(body, body.stream)
        else:
            self.is_there, self.size, self.is_prompt = False, _announced(request), True

    def _copy(self, body: Body, stream: BodyStream) -> None:
        if stream.is_taken:  # it has been sent already
            return
        tap = Tap(stream, self._take, _nothing)
        body.stream = tap.passed_on
        stream.pipe(tap)

    @property
    def content(self) -> bytes:
        """The body; where it was longer than what may be held in memory, its beginning."""
        return bytes(self._content)

    @property
    def is_short(self) -> bool:
        """Whether it can be counted in one turn of the loop."""
        return self.size <= SHORT and not self.codings

    def drop(self) -> None:
        """It is not needed any more, whatever still comes."""
        self._max_bytes = 0
        self._content = bytearray()

    def _take(self, data: bytes) -> None:
        if self._is_open:
            self._look(data)
        self.size += len(data)
        if self.size <= self._max_bytes:
            self._content += data

    def _look(self, data: bytes) -> None:
        """Whether it is a prompt, or a file, which has none; white space says nothing."""
        begun = data if self.codings else data.lstrip(BEFORE_JSON)
        if begun:
            self._is_open, self.is_prompt = False, bool(self.codings) or begun.startswith(b"{")
            if not self.is_prompt:
                self.drop()


def _announced(request: Request) -> int:
    length = request.headers.first("Content-Length") or ""
    return int(length) if length.isdecimal() and len(length) < _MOST_DIGITS else 0


def _nothing(_: bool) -> None:
    """The body has been sent."""


def kept_prompt_job(content: bytes, applied: list[str], max_bytes: int, deployment: str) -> bytes:
    """In a worker process: the tokens of a prompt as it was sent, as text."""
    try:
        plain = decode(content, applied, max_bytes) if applied else content
    except (CodingError, BodyTooLarge):
        return str(len(content) // BYTES_PER_TOKEN).encode()
    return prompt_job(plain, deployment)
