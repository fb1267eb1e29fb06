"""send-request: a call of its own, with an answer in a variable."""

from __future__ import annotations

import pytest

from gateway.errors import UpstreamError
from gateway.wire.messages import Response
from tests.policies.bench import Bench, get, post
from tests.policies.outgoing import Http, send

pytestmark = pytest.mark.usefixtures("outgoing")


def test_a_new_request(bench: Bench, http: Http) -> None:
    """Nothing of the current request goes along; the answer is in the variable."""
    inner = (
        '<set-url>@("http://a.test/" + context.Request.Method)</set-url><set-method>POST</set-method>'
        '<set-header name="A"><value>1</value></set-header><set-body>@("b" + 1)</set-body>'
    )
    ran = bench.run(send(inner, 'timeout="7"'), get("/", [("Authorization", "secret")]))
    (call,) = http.calls
    assert (call.method, call.url, call.body, call.timeout_s) == ("POST", "http://a.test/GET", b"b1", 7.0)
    assert list(call.headers) == [("A", "1")]
    stored = ran.variables["r"]
    assert isinstance(stored, Response)
    assert stored.body.content == b"http://a.test/GET"
    assert ran.request.headers.first("Authorization") == "secret"


def test_defaults(bench: Bench, http: Http) -> None:
    """GET, no headers, no body, 60 seconds."""
    bench.run(send())
    (call,) = http.calls
    assert (call.method, call.body, call.timeout_s, list(call.headers)) == ("GET", b"", 60.0, [])


def test_a_copy(bench: Bench, http: Http) -> None:
    """Method, URL, headers and body of the current request, but nothing of its connection; it stays intact."""
    headers = [("X", "1"), ("Host", "h"), ("Connection", "close"), ("Content-Length", "4")]
    request = post("body", "/p?q=1", headers)
    ran = bench.run(send('<set-header name="Y"><value>2</value></set-header>', 'mode="copy"'), request)
    (call,) = http.calls
    assert (call.method, call.url, call.body) == ("POST", "http://backend.test/base/p?q=1", b"body")
    assert list(call.headers) == [("X", "1"), ("Y", "2")]
    assert ran.request.body is not None
    assert ran.request.body.content == b"body"
    assert "Y" not in ran.request.headers


@pytest.mark.parametrize(
    ("attributes", "url", "failure"),
    [("", "http://a.test", UpstreamError("Timeout", "slow")), ("", "nowhere", None), ("", "http://a.test:port/", None)],
    ids=["failure", "no URL", "no port"],
)
def test_failures(bench: Bench, http: Http, attributes: str, url: str, failure: Exception | None) -> None:
    """A failure is an error; with ignore-error it leaves null."""
    http.failure = failure
    inner = f"<set-url>{url}</set-url>"
    with pytest.raises(UpstreamError):
        bench.run(send(inner))
    assert bench.run(send(inner, 'ignore-error="true"')).variables == {"r": None}


@pytest.mark.parametrize("xml", [send(), send().replace("send-request", "send-one-way-request")])
def test_without_a_client(bench: Bench, xml: str) -> None:
    """Nothing is configured to send with: an error, not silence."""
    xml = xml.replace('<send-one-way-request response-variable-name="r" ', "<send-one-way-request ")
    with pytest.raises(UpstreamError):
        bench.use(http=None).run(xml)
