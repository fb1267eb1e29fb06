"""A batch job in distributed traces: one trace from its request to the callback, in every process that works on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import endless, ends
from gateway.emulators.entra import EntraEmulator
from gateway.telemetry import spans
from gateway.telemetry.spans import Sampling, Span, SpanRecorder
from tests.notifications.conftest import ALICE, d365_settings, fast_settings, running
from tests.notifications.receiver import Receiver

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"


@pytest.fixture
def taken() -> Iterator[list[Span]]:
    """What is exported by a process that begins no traces of its own."""
    found: list[Span] = []
    spans.use(SpanRecorder(found.append, Sampling(0.0)))
    yield found
    spans.use(None)


def test_one_trace_across_a_restart(
    entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path, taken: list[Span]
) -> None:
    """Start, both watches and the callback are below the request's span; the receiver is told of the trace."""
    settings = fast_settings(f"sqlite:///{tmp_path}/n.db", d365_settings(entra, d365))
    d365.script(901, endless(0))
    body = {"batchId": 901, "callbackUrl": receiver.url("/901")}
    with running(settings) as service:
        headers = {"traceparent": SAMPLED, "tracestate": "vendor=1"}
        job = service.call("POST", "/jobs", ALICE, json=body, headers=headers).json()
        service.until(job["id"], "running")
    d365.script(901, ends("Finished", 0, 0))
    with running(settings) as service:
        service.until(job["id"], "delivered")
    steps = {span.name: span for span in taken if span.kind == "internal"}
    assert steps.keys() == {"start batch job", "watch batch job", "deliver callback"}
    assert sum(span.name == "watch batch job" for span in taken) == 2  # one was cut short by the restart
    assert {span.context.trace_id for span in taken} == {TRACE}
    assert {span.parent.span_id for span in steps.values() if span.parent} == {SPAN}
    calls = {span.name: span for span in taken if span.kind == "client"}
    assert calls["d365 POST"].parent is steps["start batch job"].context
    assert calls["callback POST"].parent is steps["deliver callback"].context
    assert calls["callback POST"].attributes["url.full"] == receiver.url("/901").partition("?")[0]
    (callback,) = receiver.received("/901")
    assert callback.headers["traceparent"] == calls["callback POST"].context.traceparent
    assert callback.headers["tracestate"] == "vendor=1"
    assert "d365 GET" not in calls  # readings serve many jobs: their traces are their own


def test_readings_link_to_their_jobs(
    entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path, taken: list[Span]
) -> None:
    """A reading is a trace of its own, with a link to the watch of each recorded job that it was made for."""
    spans.use(SpanRecorder(taken.append, Sampling(1.0)))
    settings = fast_settings(f"sqlite:///{tmp_path}/n.db", d365_settings(entra, d365))
    traced = {903: SAMPLED, 904: SAMPLED.replace(TRACE, TRACE[::-1]), 905: UNSAMPLED.replace(TRACE, TRACE[2:] + "00")}
    with running(settings) as service:
        for batch_id, parent in traced.items():
            d365.script(batch_id, ends("Finished", 0, 0))
            body = {"batchId": batch_id, "callbackUrl": receiver.url(f"/{batch_id}")}
            job = service.call("POST", "/jobs", ALICE, json=body, headers={"traceparent": parent}).json()
            service.until(job["id"], "delivered")
    watches = {span.context for span in taken if span.name in ("watch batch job", "start batch job")}
    readings = [span for span in taken if span.name == "d365 GET"]
    linked = {link for span in readings for link in span.links}
    assert {span.parent for span in readings} == {None}
    assert linked <= watches
    assert {link.trace_id for link in linked} == {TRACE, TRACE[::-1]}


def test_an_unsampled_job_is_not_traced(
    entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path, taken: list[Span]
) -> None:
    """A job whose request is not recorded exports nothing, and the receiver is told so."""
    settings = fast_settings(f"sqlite:///{tmp_path}/n.db", d365_settings(entra, d365))
    d365.script(902, ends("Finished", 0, 0))
    with running(settings) as service:
        body = {"batchId": 902, "callbackUrl": receiver.url("/902")}
        job = service.call("POST", "/jobs", ALICE, json=body, headers={"traceparent": UNSAMPLED}).json()
        service.until(job["id"], "delivered")
    assert taken == []
    (callback,) = receiver.received("/902")
    assert (callback.headers["traceparent"][3:35], callback.headers["traceparent"][-2:]) == (TRACE, "00")
