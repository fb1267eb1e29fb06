"""One request through its pipeline: inbound → backend → outbound, or on-error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable

import pytest

from gateway.errors import UpstreamError
from gateway.pipeline.context import Context
from gateway.pipeline.pipeline import Pipeline
from gateway.wire.body import Body, BodyStream
from gateway.wire.messages import Response
from gateway.wire.pending import Pending
from tests.pipeline.conftest import Backend, CompileXml

FORWARD = "<backend><forward-request/></backend>"


def answer(pipeline: Pipeline, context: Context) -> Response:
    async def wait() -> Response:
        outcome = pipeline.execute(context)
        return await outcome if isinstance(outcome, Awaitable) else outcome

    return asyncio.run(wait())


@pytest.mark.parametrize("kind", ["note", "later"])
def test_sections_run_in_order(compile_xml: CompileXml, context: Context, kind: str) -> None:
    """inbound, backend and outbound run in this order, whether a policy waits or not."""
    text = f'<inbound><{kind} text="i"/></inbound>{FORWARD}<outbound><{kind} text="o"/></outbound>'
    assert answer(compile_xml(text), context).status_code == 200
    assert context.variables["notes"] == ["i", "o"]


@pytest.mark.parametrize("section", ["inbound", "backend", "outbound"])
@pytest.mark.parametrize("before", ["", '<later text="x"/>'], ids=["at once", "after a wait"])
def test_an_answer_ends_the_request(compile_xml: CompileXml, context: Context, section: str, before: str) -> None:
    """A policy's own response is the answer: no later section, no on-error."""
    sections = {"inbound": "", "backend": "<forward-request/>", "outbound": '<note text="out"/>'}
    sections[section] = f"{before}<answer/>"
    text = "".join(f"<{name}>{content}</{name}>" for name, content in sections.items())
    assert answer(compile_xml(text + '<on-error><note text="err"/></on-error>'), context).status_code == 299
    assert context.variables.get("notes") in (None, ["x"])


def test_the_usual_request_needs_no_task(compile_xml: CompileXml, context: Context, backend: Backend) -> None:
    """Synchronous sections around a backend give a Pending, and outbound runs in its callback."""
    backend.waiting = Pending()
    outcome = compile_xml(FORWARD + '<outbound><note text="o"/></outbound>').execute(context)
    assert isinstance(outcome, Pending)
    assert not outcome.done
    backend.waiting.resolve(Response(201))
    assert outcome.result().status_code == 201
    assert context.variables["notes"] == ["o"]


def test_without_forward_the_answer_is_an_empty_200(compile_xml: CompileXml, context: Context) -> None:
    """An effective backend section without forward-request sends nothing."""
    assert answer(compile_xml("<backend/>"), context).status_code == 200


@pytest.mark.parametrize("section", ["inbound", "backend", "outbound"])
@pytest.mark.parametrize("before", ["", '<later text="x"/>'], ids=["at once", "after a wait"])
@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [("refuse", 403, "Refused"), ("bug", 500, "InternalError"), ("upstream", 504, "Timeout")],
)
def test_a_failure_goes_to_on_error(
    compile_xml: CompileXml, context: Context, section: str, before: str, how: str, status: int, reason: str
) -> None:
    """A failing policy anywhere jumps to on-error with LastError set, and the default answer has its status."""
    text = f'<{section}>{before}<fail how="{how}"/></{section}><on-error><note text="err"/></on-error>'
    response = answer(compile_xml(text), context)
    assert response.status_code == status
    assert context.last_error is not None
    assert (context.last_error.reason, context.last_error.section) == (reason, section)
    assert context.variables["notes"] == (["x", "err"] if before else ["err"])


def test_the_default_error_body(compile_xml: CompileXml, context: Context) -> None:
    """The caller reads the public message in APIM's JSON, never the detail, and may not cache it."""
    response = answer(compile_xml("<inbound><fail/></inbound>"), context)
    assert response.body.content == b'{ "statusCode": 403, "message": "the message" }'
    assert response.headers.first("Cache-Control") == "no-store"


def test_an_internal_error_names_its_log_line(compile_xml: CompileXml, context: Context) -> None:
    """A 500 shows nothing of the exception but the request's id."""
    body = json.loads(answer(compile_xml('<inbound><fail how="bug"/></inbound>'), context).body.content)
    expected = {"statusCode": 500, "message": "Internal server error", "activityId": str(context.request_id)}
    assert body == expected


@pytest.mark.parametrize("before", ["", '<later text="x"/>'], ids=["at once", "after a wait"])
def test_on_error_may_answer(compile_xml: CompileXml, context: Context, before: str) -> None:
    """What on-error answers replaces the default error."""
    text = f"<inbound><fail/></inbound><on-error>{before}<answer/></on-error>"
    assert answer(compile_xml(text), context).status_code == 299


@pytest.mark.parametrize("before", ["", '<later text="x"/>'], ids=["at once", "after a wait"])
def test_an_error_in_on_error_does_not_loop(compile_xml: CompileXml, context: Context, before: str) -> None:
    """When on-error fails itself, the answer is the default 500."""
    text = f"<inbound><fail/></inbound><on-error>{before}<fail/></on-error>"
    assert answer(compile_xml(text), context).status_code == 500


def test_a_backend_failure_goes_to_on_error(compile_xml: CompileXml, context: Context, backend: Backend) -> None:
    """A Pending that is rejected is a failure of forward-request."""
    backend.waiting = Pending()
    backend.waiting.reject(UpstreamError("BackendConnectionFailure", "refused"))
    response = answer(compile_xml(FORWARD), context)
    assert response.status_code == 502
    assert context.last_error is not None
    assert context.last_error.source == "forward-request"


@pytest.mark.parametrize("outbound", ["<answer/>", "<fail/>", '<later text="x"/><fail/>'])
def test_a_replaced_response_is_discarded(
    compile_xml: CompileXml, context: Context, backend: Backend, outbound: str
) -> None:
    """When the backend's answer is not used, its body is dropped, so that its connection is not held."""
    dropped: list[bool] = []
    backend.answer = Response(200, body=Body(stream=BodyStream(discard=lambda: dropped.append(True))))
    answer(compile_xml(f"{FORWARD}<outbound>{outbound}</outbound>"), context)
    assert dropped == [True]


def test_cancelling_reaches_the_backend(compile_xml: CompileXml, context: Context, backend: Backend) -> None:
    """When the client leaves, the backend's exchange is cancelled."""
    cancelled: list[bool] = []
    backend.waiting = Pending(lambda: cancelled.append(True))
    outcome = compile_xml(FORWARD).execute(context)
    assert isinstance(outcome, Pending)
    outcome.cancel()
    assert cancelled == [True]
