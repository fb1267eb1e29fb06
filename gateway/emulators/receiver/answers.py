"""
Scripted answers of the receiver, in turn; when none is left it answers 200.

Source: Standard Webhooks 1.0.0, "Deliverability and reliability": what a sender must expect of receivers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from starlette.responses import JSONResponse, Response, StreamingResponse

from gateway.emulators.control import optional_number
from gateway.emulators.faults import Dropped

CHUNK = b" " * 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One scripted answer.

    Attributes:
        status: HTTP status.
        times: How many requests get it; None for all that follow.
        path: It applies only to callback paths that start with this.
        headers: Such as ``Retry-After``; a redirect is a 3xx status with ``Location``.
        delay_s: Seconds before the head is sent.
        body_bytes: Size of the body; a careful sender does not read a huge one to its end.
        body_every_s: Seconds between the bytes of that body, to make it slow.
        drop: Cut the connection instead of answering.
    """

    status: int = 200
    times: int | None = 1
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    body_bytes: int = 0
    body_every_s: float = 0.0
    drop: bool = False

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """
        Read the body of ``POST /emulator/answers``: the attributes above as members.

        Raises:
            ValueError: A member is unknown or has the wrong type.
        """
        if unknown := set(document) - set(cls.__slots__):
            raise ValueError(f"unknown members: {', '.join(sorted(unknown))}; known are {', '.join(cls.__slots__)}")
        optional_number(document, "status", "times", "delay_s", "body_bytes", "body_every_s")
        return cls(**document)

    async def response(self) -> Response:
        """The answer, after its delay."""
        await asyncio.sleep(self.delay_s)
        if self.drop:
            return Dropped()
        if self.body_bytes:
            return StreamingResponse(self._body(), self.status, dict(self.headers), "text/plain")
        return JSONResponse({"received": True}, self.status, dict(self.headers))

    async def _body(self) -> AsyncIterator[bytes]:
        size = 1 if self.body_every_s else len(CHUNK)
        for begin in range(0, self.body_bytes, size):
            await asyncio.sleep(self.body_every_s)
            yield CHUNK[: min(size, self.body_bytes - begin)]


class Script:
    """The answers still to come."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []

    def add(self, *answers: Answer) -> None:
        """Append answers; a request gets the first that matches it."""
        self._answers.extend(answers)

    def clear(self) -> None:
        """Answer 200 again."""
        self._answers.clear()

    def next(self, path: str) -> Answer:
        """The answer for a request to *path*."""
        for index, answer in enumerate(self._answers):
            if path.startswith(answer.path):
                self._use(index, answer)
                return answer
        return Answer()

    def _use(self, index: int, answer: Answer) -> None:
        if answer.times is not None:
            left = answer.times - 1
            self._answers[index : index + 1] = [replace(answer, times=left)] if left > 0 else []
