"""One call: what becomes of failures, and of a caller that leaves; the rest is in tests/acceptance/test_mcp.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.data_plane.mcp.calls import CallTerms, ToolCall
from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.messages import Ending, Request, Response


def _terms(**changes: Any) -> CallTerms:
    usual: dict[str, Any] = {
        "takes_json": True,
        "takes_events": True,
        "progress_token": None,
        "timeout_s": 5.0,
        "keep_alive_s": 0.01,
        "max_bytes": 100,
        "answer": lambda result: str(result["content"][0]["text"]).encode(),
    }
    return CallTerms(**{**usual, **changes})


def _run(handle: Callable[[Request], Response | Awaitable[Response]], **terms: Any) -> tuple[Any, list[Ending]]:
    endings: list[Ending] = []
    request = Request("GET", "/x")
    request.on_end = endings.append

    async def scenario() -> Any:
        response = await ToolCall(request, handle, _terms(**terms)).start()
        await response.body.buffer(10_000)
        return response

    return asyncio.run(scenario()), endings


async def _never(request: Request) -> Response:
    await asyncio.sleep(60)
    return Response(200)


def _broken_off(request: Request) -> Response:
    stream = BodyStream()
    stream.fail(UpstreamError("BackendConnectionFailure", "gone"))
    return Response(200, body=Body(stream=stream))


def test_an_operation_that_takes_too_long() -> None:
    """Its time-out is an error of the tool, after signs of life."""
    response, (ending,) = _run(_never, timeout_s=0.05)
    assert b": still running" in response.body.content
    assert b"No answer within 0.05 s." in response.body.content
    assert ending.status_code is None


def test_an_answer_that_breaks_off() -> None:
    """Half an answer is no result."""
    response, (ending,) = _run(_broken_off)
    assert response.body.content == b"The backend's answer broke off."
    assert ending.status_code == 502


def test_a_bug_is_told_to_nobody_but_the_log() -> None:
    """The wire answers for it, as for any other request."""

    def bug(request: Request) -> Response:
        raise RuntimeError("secret")

    with pytest.raises(RuntimeError):
        _run(bug)


def test_a_caller_that_leaves() -> None:
    """The operation ends, once."""
    endings: list[Ending] = []

    async def scenario() -> None:
        request = Request("GET", "/x")
        request.on_end = endings.append
        pending = ToolCall(request, _never, _terms(takes_events=False)).start()
        await asyncio.sleep(0)
        pending.cancel()
        await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert [ending.client_left for ending in endings] == [True]
