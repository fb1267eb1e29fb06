"""send-service-bus-message: a message for a queue or topic."""

from __future__ import annotations

import pytest

from gateway.errors import LoadError, UpstreamError
from gateway.outside.seam import Event
from tests.policies.bench import Bench, codes
from tests.policies.sinks import Sink

PROPERTIES = '<message-properties><message-property name="a">b</message-property></message-properties>'


@pytest.mark.parametrize(
    ("xml", "event"),
    [
        (
            f'<send-service-bus-message topic-name="t">{PROPERTIES}<payload>p</payload></send-service-bus-message>',
            Event("servicebus", "t", b"p", (("a", "b"),)),
        ),
        (
            '<send-service-bus-message queue-name="q"><payload>@("x" + 1)</payload></send-service-bus-message>',
            Event("servicebus", "q", b"x1", ()),
        ),
    ],
    ids=["topic with properties", "queue and expression"],
)
def test_messages(bench: Bench, xml: str, event: Event) -> None:
    """The sink gets the payload and its properties under the name of the queue or topic."""
    sink = Sink()
    bench.use(sink=sink).run(xml)
    assert sink.events == [event]


def test_a_message_is_not_lost(bench: Bench) -> None:
    """Without a sink the request fails: unlike a log line, a message may not be lost."""
    with pytest.raises(UpstreamError):
        bench.run('<send-service-bus-message queue-name="q"><payload>p</payload></send-service-bus-message>')


@pytest.mark.parametrize("names", ["", 'queue-name="q" topic-name="t"'], ids=["neither", "both"])
def test_one_destination(bench: Bench, names: str) -> None:
    """A message goes to one queue or one topic."""
    with pytest.raises(LoadError) as caught:
        bench.compile(f"<send-service-bus-message {names}><payload>p</payload></send-service-bus-message>")
    assert len(codes(caught.value)) == 1
