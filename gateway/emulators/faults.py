"""
Scripted failures and request counters, the same for every emulator.

An emulator names its endpoints (``keys-v2``, ``batch-jobs``) and answers each request through ``FaultPlan.around``.
The plan counts the request and, when a fault is due, delays it, answers in the emulator's place, or cuts the
connection.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response

from gateway.emulators.control import optional_number

_MEDIA_TYPES = {"<": "text/html", "{": "application/json"}


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One scripted failure.

    Attributes:
        endpoint: Name of the endpoint it affects; None affects all.
        times: Number of requests still to be affected; None means all.
        status: HTTP status to answer with; None lets the emulator answer (if there is only a delay).
        headers: Header fields of that answer, such as ``Retry-After``.
        body: Text of that answer; sent as HTML or JSON if it looks like that.
        delay_s: Seconds to wait first.
        drop: Cut the connection instead of answering.
        after_effect: Perform the request first and lose only the answer, so that the caller cannot know.
        cut_after: Cut the connection once the head and this many parts of the body are sent: events, if it streams.
    """

    endpoint: str | None = None
    times: int | None = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay_s: float = 0.0
    drop: bool = False
    after_effect: bool = False
    cut_after: int | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """
        Read the body of ``POST /emulator/faults``: the attributes above as members.

        Raises:
            ValueError: A member is unknown or has the wrong type.
        """
        if unknown := set(document) - set(cls.__slots__):
            raise ValueError(f"unknown members: {', '.join(sorted(unknown))}; known are {', '.join(cls.__slots__)}")
        optional_number(document, "delay_s", "status", "times", "cut_after")
        return cls(**document)

    def answer(self) -> Response:
        """The response in place of the emulator's own."""
        media_type = _MEDIA_TYPES.get(self.body[:1], "text/plain")
        return PlainTextResponse(self.body, self.status or 500, dict(self.headers), media_type)


class FaultPlan:
    """
    The failures still to come, in order, and the number of requests to each endpoint.

    Attributes:
        requests: Endpoint name → requests so far, including those that failed on purpose.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Script one more failure; the oldest that matches a request is used first."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Forget the failures still to come; the counters are kept."""
        self._faults.clear()

    async def around(self, endpoint: str, answer: Callable[[], Awaitable[Response]]) -> Response:
        """Count a request and answer it by *answer*, or by the next matching fault."""
        self.requests[endpoint] += 1
        fault = self._take(endpoint)
        if fault is None:
            return await answer()
        await asyncio.sleep(fault.delay_s)
        if fault.after_effect:
            await answer()
        if fault.drop:
            return Dropped()
        response = await answer() if fault.status is None else fault.answer()
        return response if fault.cut_after is None else CutShort(response, fault.cut_after)

    def _take(self, endpoint: str) -> Fault | None:
        for index, fault in enumerate(self._faults):
            if fault.endpoint in (None, endpoint):
                self._use(index, fault)
                return fault
        return None

    def _use(self, index: int, fault: Fault) -> None:
        if fault.times is None:
            return
        left = fault.times - 1
        self._faults[index : index + 1] = [replace(fault, times=left)] if left > 0 else []


class Dropped(Response):
    """A response that cuts the connection: the client sees a protocol error."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _abort(scope)
        while (await receive())["type"] != "http.disconnect":
            pass


class CutShort(Response):
    """*whole*, until *parts* parts of its body are sent; then the connection is cut."""

    def __init__(self, whole: Response, parts: int) -> None:
        super().__init__(status_code=whole.status_code)
        self.raw_headers = whole.raw_headers
        self._whole = whole
        self._parts = parts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        sent = 0

        async def pass_on(message: Any) -> None:
            nonlocal sent
            is_body = message["type"] == "http.response.body"
            if not is_body or sent < self._parts:
                sent += is_body
                await send(message)
                return
            _abort(scope)
            raise ConnectionAbortedError  # ends the response that is being sent

        with suppress(ConnectionAbortedError, ClientDisconnect):
            await self._whole(scope, receive, pass_on)


def _abort(scope: Any) -> None:
    abort = scope.get("extensions", {}).get("emulator.drop", {}).get("abort")
    if abort is None:  # in-process transports have no connection to cut; an exception comes closest
        raise ConnectionAbortedError("the emulator dropped the connection")
    abort()
