"""Data Factory's Webhook activity at work, against real servers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.emulators.receiver import Activity, CallbackReceiver
from gateway.emulators.receiver.activity import Run
from gateway.emulators.serving import serve_here

FAILED = {"Error": {"ErrorCode": "E", "Message": "m"}, "StatusCode": "500"}


class Endpoint:
    """What the activity calls: it answers *status* and keeps the body it got."""

    def __init__(self, status: int) -> None:
        self.base_url = ""
        self.body: dict[str, Any] = {}
        self.status = status
        self.app = Starlette(routes=[Route("/", self._accept, methods=["POST"])])

    async def _accept(self, request: Request) -> Response:
        self.body = await request.json()
        return JSONResponse({}, self.status)


async def _settled(run: Run) -> Run:
    while run.outcome.status == "InProgress":
        await asyncio.sleep(0.005)
    return run


async def _activity(status: int, callbacks: list[dict[str, Any]], **options: Any) -> tuple[Run, list[int], Endpoint]:
    """Run an activity; after its first call make the *callbacks*; return the run and what they were answered."""
    receiver, endpoint, answers = CallbackReceiver(), Endpoint(status), []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serve_here(receiver))
        url = await stack.enter_async_context(serve_here(endpoint))
        client = await stack.enter_async_context(httpx2.AsyncClient())
        run = receiver.runs.start(Activity(url, {"batchId": 7}, **options), receiver.base_url)
        while run.answer is None:
            await asyncio.sleep(0.005)
        for callback in callbacks:
            answers.append((await client.post(endpoint.body["callBackUri"], **callback)).status_code)
        return await _settled(run), answers, endpoint


def test_success() -> None:
    """The body gets a ``callBackUri``; the callback ends the run; the URL works once."""
    run, answers, endpoint = asyncio.run(_activity(202, [{"json": {}}, {"json": {}}]))
    assert (run.outcome.status, answers) == ("Succeeded", [200, 404])
    assert endpoint.body["batchId"] == 7
    assert endpoint.body["callBackUri"].endswith(run.id)


def test_wrong_content_type() -> None:
    """A callback without a JSON content type is a 415; a right one after it still counts."""
    run, answers, _ = asyncio.run(_activity(200, [{"content": b"{}"}, {"json": {}}]))
    assert (run.outcome.status, answers) == ("Succeeded", [415, 200])


@pytest.mark.parametrize(("report_status", "status"), [(True, "Failed"), (False, "Succeeded")])
def test_report_status(report_status: bool, status: str) -> None:
    """Only with ``reportStatusOnCallBack`` does a reported failure fail the activity."""
    run, _, _ = asyncio.run(_activity(202, [{"json": FAILED}], report_status=report_status))
    assert run.outcome.status == status
    assert (run.outcome.error.get("errorCode") == "E") == report_status


def test_refused() -> None:
    """A first call that fails ends the run immediately."""
    run, _, _ = asyncio.run(_activity(403, []))
    assert (run.outcome.status, run.outcome.error["errorCode"]) == ("Failed", "2108")
    assert run.to_json()["answer"] == {"status": 403, "body": "{}"}


def test_timeout() -> None:
    """Without a callback the run times out; a late callback gets 404."""
    run, answers, _ = asyncio.run(_activity(202, [], timeout_s=0.01))
    assert (run.outcome.status, answers) == ("TimedOut", [])


def test_unreachable() -> None:
    """A host that does not answer fails the run, before there is any answer."""

    async def main() -> Run:
        async with serve_here(CallbackReceiver()):
            return await _settled(CallbackReceiver().runs.start(Activity("http://127.0.0.1:1/"), ""))

    run = asyncio.run(main())
    assert (run.outcome.status, run.outcome.error["errorCode"], run.answer) == ("Failed", "2108", None)
