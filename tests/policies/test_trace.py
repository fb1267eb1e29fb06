"""trace: a log line, and a message in the trace of the request."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from gateway.pipeline.notes import Mark
from tests.policies.bench import Bench, get, new_context

TRACE = '<trace source="s" severity="{0}"><message>@("m" + 1)</message><metadata name="k" value="v"/></trace>'


@pytest.mark.parametrize(("severity", "level"), [("verbose", "debug"), ("information", "info"), ("error", "error")])
def test_trace_writes_a_log_line(bench: Bench, severity: str, level: str) -> None:
    """One structured line of the severity's level; the request is not changed."""
    with capture_logs() as lines:
        ran = bench.run(TRACE.format(severity))
    (line,) = lines
    assert line["log_level"] == level
    assert (line["source"], line["text"], line["metadata"]) == ("s", "m1", {"k": "v"})
    assert line["request_id"] == str(ran.context.request_id)


def test_trace_joins_the_requests_trace(bench: Bench) -> None:
    """A traced request shows the message where it was written."""
    context = new_context(get("/"))
    context.notes = []
    (step,) = bench.compile(TRACE.format("verbose")).inbound
    step.apply(context)
    assert context.notes[::2] == [Mark.SAID, ("s", "m1", [("k", "v")])]
