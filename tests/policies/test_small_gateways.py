"""ip-filter, find-and-replace, redirect-content-urls, jsonp, mock-response, events and metrics."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field

import pytest

from gateway.errors import ExpressionError, PolicyError, UpstreamError
from gateway.outside.seam import Event
from gateway.wire.body import BodyTooLarge
from tests.policies.bench import Bench, answer, get, new_context, post

ALLOW = (
    '<ip-filter action="allow"><address>10.0.0.1</address><address>192.168.0.0/16</address>'
    '<address-range from="10.1.0.0" to="10.1.0.9"/><address>@("::1")</address></ip-filter>'
)


@pytest.mark.parametrize(
    ("address", "listed"),
    [
        ("10.0.0.1", True),
        ("::ffff:10.0.0.1", True),
        ("192.168.7.7", True),
        ("10.1.0.0", True),
        ("10.1.0.9", True),
        ("10.1.0.10", False),
        ("::1", True),
        ("::2", False),
        ("fe80::1%eth0", False),
    ],
)
def test_ip_filter(bench: Bench, address: str, listed: bool) -> None:
    """allow lets only those listed in, forbid only the others; both with APIM's reasons."""
    cases = ((ALLOW, listed, "CallerIpNotAllowed"), (ALLOW.replace("allow", "forbid"), not listed, "CallerIpBlocked"))
    for xml, passes, reason in cases:
        if passes:
            assert bench.run(xml, get("/", ip_address=address)).outcome is None
            continue
        with pytest.raises(PolicyError) as caught:
            bench.run(xml, get("/", ip_address=address))
        assert (caught.value.status, caught.value.reason) == (403, reason)


def test_an_unknown_caller_is_refused(bench: Bench) -> None:
    """A peer without an address (a socket file) does not pass either filter."""
    for xml in (ALLOW, ALLOW.replace("allow", "forbid")):
        with pytest.raises(PolicyError) as caught:
            bench.run(xml, get("/", ip_address=""))
        assert caught.value.reason == "FailedToParseCallerIP"


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"a.b.a", [], b"X.b.X"),
        (b"A", [], b"A"),
        (gzip.compress(b"a!"), [("Content-Encoding", "gzip")], b"X!"),
        (b"\xffa", [], b"\xffX"),
        (b"", [], b""),
    ],
    ids="all case gzip not-utf-8 empty".split(),
)
def test_find_and_replace(bench: Bench, body: bytes, headers: list[tuple[str, str]], expected: bytes) -> None:
    """Every occurrence, exactly; compressed bodies are opened, other bytes stay as they are."""
    context = new_context(response=answer(200, body, headers))
    ran = bench.run('<find-and-replace from="a" to="X"/>', section="outbound", context=context)
    assert ran.response.body.content == expected
    assert "Content-Encoding" not in ran.response.headers


def test_find_and_replace_on_requests(bench: Bench) -> None:
    """In inbound it changes the request; nothing to look for changes nothing."""
    body = bench.run('<find-and-replace from="a" to="X"/>', post("aa")).request.body
    assert body is not None
    assert body.content == b"XX"
    assert bench.run('<find-and-replace from="" to="X"/>', get("/")).request.body is None
    assert bench.run('<find-and-replace from="a" to="X"/>', get("/")).request.body is None


@pytest.mark.parametrize(
    ("body", "coding", "error"),
    [
        (b"x", "br", ExpressionError),
        (b"not gzip", "gzip", PolicyError),
        (gzip.compress(b"a" * 20_000_000), "gzip", BodyTooLarge),
    ],
    ids=["unknown", "broken", "bomb"],
)
def test_a_body_that_cannot_be_read(bench: Bench, body: bytes, coding: str, error: type[Exception]) -> None:
    """An unknown coding, broken bytes and a bomb fail the request."""
    context = new_context(response=answer(200, body, [("Content-Encoding", coding)]))
    with pytest.raises(error):
        bench.run('<find-and-replace from="a" to="X"/>', section="outbound", context=context)


def test_links_lead_to_the_gateway(bench: Bench) -> None:
    """The backend's URL in a response becomes the gateway's, and back in a request."""
    context = new_context(get("/", host="gw.test"), answer(200, '{"next": "http://backend.test/base/items?p=2"}'))
    ran = bench.run("<redirect-content-urls/>", section="outbound", context=context)
    assert ran.response.body.content == b'{"next": "http://gw.test/api/items?p=2"}'
    body = bench.run("<redirect-content-urls/>", post("http://gw.test/api/x", host="gw.test")).request.body
    assert body is not None
    assert body.content == b"http://backend.test/base/x"


JSON = [("Content-Type", "application/json; charset=utf-8")]


@pytest.mark.parametrize(
    ("url", "headers", "expected"),
    [
        ("/?cb=a.b", JSON, b'/**/a.b({"x":1});'),
        ("/", JSON, b'{"x":1}'),
        ("/?cb=a", [("Content-Type", "text/html")], b'{"x":1}'),
    ],
    ids=["wrapped", "no callback", "no JSON"],
)
def test_jsonp(bench: Bench, url: str, headers: list[tuple[str, str]], expected: bytes) -> None:
    """JSON is wrapped when a callback is named."""
    context = new_context(get(url), answer(200, '{"x":1}', headers))
    ran = bench.run('<jsonp callback-parameter-name="cb"/>', section="outbound", context=context)
    assert ran.response.body.content == expected


@pytest.mark.parametrize("url", ["/?cb=alert(1)", "/?cb=a&cb=b", "/?cb="])
def test_a_callback_is_a_name(bench: Bench, url: str) -> None:
    """Nothing but an identifier gets into the script."""
    with pytest.raises(PolicyError) as caught:
        bench.run(
            '<jsonp callback-parameter-name="cb"/>',
            section="outbound",
            context=new_context(get(url), answer(200, "{}", JSON)),
        )
    assert caught.value.reason == "CallbackParameterInvalid"


def test_mock_response(bench: Bench) -> None:
    """Status and content type of the author's; no backend."""
    outcome = bench.run('<mock-response status-code="201" content-type="application/json"/>').outcome
    assert outcome is not None
    assert (outcome.status_code, list(outcome.headers)) == (201, [("Content-Type", "application/json")])


@dataclass
class Sink:
    """Keeps events and counts."""

    events: list[Event] = field(default_factory=list)
    counts: list[object] = field(default_factory=list)

    def write(self, event: Event) -> None:
        self.events.append(event)

    def emit(self, *counted: object) -> None:
        self.counts.append(counted)


def test_events(bench: Bench) -> None:
    """Texts reach the sink, cut at 200 KB; a queue gets payload and properties."""
    sink = Sink()
    bench.use(sink=sink)
    bench.run('<log-to-eventhub logger-id="l" partition-key="p">@("x" + 1)</log-to-eventhub>')
    bench.run("<log-to-eventhub logger-id='l'>@(new string('x', 300000))</log-to-eventhub>")
    bench.run(
        '<send-service-bus-message topic-name="t"><message-properties><message-property name="a">b</message-property>'
        "</message-properties><payload>p</payload></send-service-bus-message>"
    )
    assert sink.events[0] == Event("eventhub", "l", b"x1", (("partition-key", "p"),))
    assert len(sink.events[1].content) == 200 * 1024
    assert sink.events[2] == Event("servicebus", "t", b"p", (("a", "b"),))


def test_without_a_sink(bench: Bench) -> None:
    """A log line may be lost, a message may not."""
    assert bench.run('<log-to-eventhub logger-id="l">x</log-to-eventhub>').outcome is None
    with pytest.raises(UpstreamError):
        bench.run('<send-service-bus-message queue-name="q"><payload>p</payload></send-service-bus-message>')


def test_metrics(bench: Bench) -> None:
    """Namespace, name, value and dimensions are counted; without a sink nothing happens."""
    xml = (
        '<emit-metric name="n" value="@(1.5)" namespace="mine"><dimension name="API ID"/>'
        '<dimension name="a" value="@("b" + 1)"/></emit-metric>'
    )
    assert bench.run(xml).outcome is None
    sink = Sink()
    bench.use(metrics=sink).run(xml)
    assert sink.counts == [("mine", "n", 1.5, (("API ID", "api"), ("a", "b1")))]
