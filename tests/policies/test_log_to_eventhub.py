"""log-to-eventhub: log lines for an event hub."""

from __future__ import annotations

from gateway.outside.seam import Event
from tests.policies.bench import Bench
from tests.policies.sinks import Sink


def test_events(bench: Bench) -> None:
    """Texts reach the sink, cut at 200 KB."""
    sink = Sink()
    bench.use(sink=sink)
    bench.run('<log-to-eventhub logger-id="l" partition-key="p">@("x" + 1)</log-to-eventhub>')
    bench.run("<log-to-eventhub logger-id='l'>@(new string('x', 300000))</log-to-eventhub>")
    assert sink.events[0] == Event("eventhub", "l", b"x1", (("partition-key", "p"),))
    assert len(sink.events[1].content) == 200 * 1024


def test_without_a_sink(bench: Bench) -> None:
    """Without a sink events are dropped silently."""
    assert bench.run('<log-to-eventhub logger-id="l">x</log-to-eventhub>').outcome is None
