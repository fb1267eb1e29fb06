"""Which traces are kept, for how long, and what a flood costs."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from gateway.errors import UpstreamError
from gateway.pipeline.context import Context
from gateway.pipeline.notes import Mark
from gateway.pipeline.tracing.book import TraceBook, TraceRules
from gateway.pipeline.tracing.reducing import MAX_CHARACTERS
from gateway.pipeline.tracing.wanted import Wanted
from gateway.wire.messages import Ending, Response, WireFault
from tests.pipeline.tracing.rig import book, steps_of, through, trace_of
from tests.policies.bench import Backend, Bench, get, new_context

FORWARD = "<inbound/><backend><forward-request/></backend><outbound/>"
REFUSE = '<return-response><set-status code="{0}"/></return-response>'
FILTER = '<ip-filter action="allow"><address>9.9.9.9</address></ip-filter>'

# Policies, the backend's answer, whether the client leaves: cause, or None.
CAUSES: dict[str, tuple[str, Response | Exception, bool, str | None]] = {
    "good": (FORWARD, Response(200), False, None),
    "the backend's own 404": (FORWARD, Response(404), False, None),
    "the backend's own 500": (FORWARD, Response(500), False, "failed"),
    "no backend": (FORWARD, UpstreamError("Timeout", "too slow", 504), False, "failed"),
    "refused": (FILTER, Response(200), False, "refused"),
    "refused by return-response": (REFUSE.format(404), Response(200), False, "refused"),
    "answered by return-response": (REFUSE.format(204), Response(200), False, None),
    "refused, and mended by on-error": (
        f"<inbound>{FILTER}</inbound><on-error>{REFUSE.format(200)}</on-error>",
        Response(200),
        False,
        "refused",
    ),
    "the client left": (FORWARD, Response(200), True, "left"),
}


@pytest.mark.parametrize("case", CAUSES)
def test_causes(bench: Bench, case: str) -> None:
    """What went wrong is kept with its cause, what did not is not, and without tail tracing nothing is."""
    policies, answer, left, cause = CAUSES[case]

    def prepare(context: Context) -> None:
        context.request.target = Backend(answers=[answer])

    traces, off = book(), book(TraceRules(asked=True, tail=False))
    trace_id = through(bench, traces, policies, left=left, prepare=prepare)
    kept = [summary["cause"] for summary in traces.summaries()]
    assert kept == ([] if cause is None else [cause])
    assert traces.ids() == ([] if trace_id is None else [trace_id])
    assert through(bench, off, policies, left=left, prepare=prepare) is None
    assert off.ids() == []


@pytest.mark.parametrize(("slow_s", "kept"), [(0.0, True), (60.0, False)])
def test_slow(bench: Bench, slow_s: float, kept: bool) -> None:
    """An answer that takes as long as the setting says is kept, although it is good."""
    traces = book(TraceRules(asked=False, tail=True, slow_s=slow_s))
    assert (through(bench, traces, FORWARD) is not None) is kept


def test_a_flood_evicts_itself(bench: Bench) -> None:
    """Thousands of refusals of one kind leave a trace of another kind in place, and no more than there is room for."""
    traces = book(TraceRules(asked=False, tail=True, keep_tail=20))
    rare = through(bench, traces, FILTER)
    pipeline = bench.compile(REFUSE.format(403))
    for _ in range(200):
        refused(traces, pipeline.execute)
    assert len(traces.ids()) == 20
    assert traces.find(rare or "") is not None


@pytest.mark.parametrize(
    ("ending", "cause", "source", "reason"),
    [
        (Ending(200, fault=WireFault("the backend left", cut_short=True)), "failed", "backend", "AnswerCutShort"),
        (Ending(400, fault=WireFault("a chunk is malformed")), "refused", "wire", "BadRequest"),
        (Ending(500, fault=WireFault("broken")), "failed", "wire", "InternalServerError"),
    ],
)
def test_what_the_wire_ends(ending: Ending, cause: str, source: str, reason: str) -> None:
    """An exchange that the wire has ended keeps its trace, as it is in the request log, with the same reason."""
    traces, context = book(), new_context()
    traces.begins(context)
    context.note(Mark.ANSWERED, Response(200))
    traces.ended(context, ending)
    (summary,) = traces.summaries()
    assert (summary["cause"], summary["source"], summary["reason"]) == (cause, source, reason)


def refused(traces: TraceBook, execute: object) -> Context:
    """One request that is refused immediately."""
    context = new_context(get("/", [("Authorization", "Bearer " + "x" * 1_000), ("X-A", "a" * 500)]))
    traces.begins(context)
    execute(context)  # type: ignore[operator]
    traces.ended(context, Ending(403))
    return context


def test_memory_has_a_bound(bench: Bench) -> None:
    """A flood with the longest heads fills the ring and no more; its bodies and requests are not kept alive."""
    traces = book(TraceRules(asked=False, tail=True, keep_tail=10))
    pipeline = bench.compile(f'<set-variable name="v" value="@(new string(\'v\', 60000))"/>{REFUSE.format(403)}')

    def flood(count: int) -> None:
        for number in range(count):
            context = new_context(get("/", [(f"X-{n}", f"{number}" * 3_000) for n in range(20)]))
            traces.begins(context)
            pipeline.execute(context)
            traces.ended(context, Ending(403))

    flood(12)
    tracemalloc.start()
    flood(30)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 10 * 2 * MAX_CHARACTERS


def test_a_flood_costs_little(bench: Bench) -> None:
    """When there is no more room, only a few of a kind are kept in a second; the others are not looked at."""
    traces, pipeline = book(TraceRules(asked=False, tail=True, keep_tail=5)), bench.compile(REFUSE.format(403))
    for _ in range(105):
        refused(traces, pipeline.execute)
    assert traces.throttled >= 90


def test_a_long_trace_is_cut(bench: Bench) -> None:
    """One request with hundreds of long headers keeps a bounded part of them, and says so."""
    traces = book()
    fields = [(f"X-{number}", "y" * 1_000) for number in range(200)]
    trace = trace_of(traces, through(bench, traces, REFUSE.format(403), get("/", fields)))
    text = str(trace)
    assert len(text) < 4 * MAX_CHARACTERS
    assert "left out" in text


def test_the_next_one_that_matches(bench: Bench) -> None:
    """An order is for so many requests that match, good ones too, until its time is over; others leave nothing."""
    traces = book(TraceRules(asked=False, tail=False))
    assert through(bench, traces, FORWARD) is None
    traces.wanted.add(Wanted("/orders/*", count=2, until=time.monotonic() + 60))
    paths = ["/other", "/orders/1", "/orders/2/x", "/orders/3"]
    kept = [through(bench, traces, FORWARD, get(path)) is not None for path in paths]
    assert kept == [False, True, True, False]
    assert [summary["cause"] for summary in traces.summaries()] == ["next", "next"]
    assert traces.wanted.pending() == []
    context = new_context()
    traces.begins(context)
    assert context.notes is None  # nobody wants anything: nothing is noted


def test_an_asked_trace_is_there_before_the_end(bench: Bench) -> None:
    """The trace of a request that is still running can be read."""
    traces = book(TraceRules(asked=True, credential="open sesame"))
    context = new_context(get("/", [("Ocp-Apim-Trace", "true"), ("Apim-Debug-Authorization", "open sesame")]))
    traces.begins(context)
    assert context.tracing
    context.note(Mark.SAID, ("me", "so far", []))
    assert [step["message"] for step in steps_of(trace_of(traces, str(context.request_id)))] == ["so far"]
