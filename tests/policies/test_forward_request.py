"""forward-request: what the backend is sent, and what becomes of its answer."""

from __future__ import annotations

import pytest

from gateway.errors import PolicyError, UpstreamError
from gateway.wire.body import Body
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.pending import Pending
from gateway.wire.upstream.way import HttpProxy, StoredCertificate, Way
from tests.policies.bench import Backend, Bench, get, new_context, post


class Watching(Backend):
    """Remembers the options too."""

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        self.sent.append(repr(options))
        return super().send(request, options)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", ForwardOptions()),
        ('timeout="10" follow-redirects="true"', ForwardOptions(10.0, True)),
        ('timeout-ms="1500"', ForwardOptions(1.5)),
        ('timeout-ms="@(2 * 500)" http-version="2or1"', ForwardOptions(1.0, False, "2or1")),
        ('timeout="@(3)" http-version="2"', ForwardOptions(3.0, False, "2")),
    ],
    ids="defaults seconds milliseconds computed-milliseconds computed".split(),
)
def test_how_it_is_sent(bench: Bench, attributes: str, expected: ForwardOptions) -> None:
    """Every attribute reaches the wire."""
    backend = Watching()
    context = new_context(get("/a"))
    context.request.target = backend
    bench.run(f"<forward-request {attributes}/>", section="backend", context=context)
    assert backend.sent == [repr(expected), "GET http://backend.test/base/a"]


def test_the_answer_replaces_an_earlier_one(bench: Bench) -> None:
    """``context.Response`` is the last backend's."""
    context = new_context(get("/"), response=Response(200, body=Body(b"old")))
    context.request.target = Backend(answers=[Response(404)])
    assert bench.run("<forward-request/>", section="backend", context=context).response.status_code == 404


def test_an_error_status_may_be_an_error(bench: Bench) -> None:
    """fail-on-error-status-code sends 400 to 599 to on-error."""
    context = new_context(get("/"))
    context.request.target = Backend(answers=[Response(503)])
    with pytest.raises(PolicyError) as caught:
        bench.run('<forward-request fail-on-error-status-code="true"/>', section="backend", context=context)
    assert (caught.value.status, caught.value.reason) == (503, "BackendErrorStatusCode")


def test_without_a_backend(bench: Bench) -> None:
    """Nothing is sent anywhere."""
    context = new_context(get("/"))
    context.request.target = None
    with pytest.raises(UpstreamError):
        bench.run("<forward-request/>", section="backend", context=context)


CERTIFICATE = StoredCertificate(b"pem", b"key")
PROXY = '<proxy url="http://p.test" username="u" password="w"/>'
WAYS = [
    ("", CERTIFICATE, Way(CERTIFICATE)),
    (PROXY, None, Way(None, HttpProxy("http://p.test", "u", "w"))),
    (PROXY, CERTIFICATE, Way(CERTIFICATE, HttpProxy("http://p.test", "u", "w"))),
    ("", None, None),
]


@pytest.mark.parametrize(("policy", "certificate", "way"), WAYS, ids="certificate proxy both neither".split())
def test_the_way_to_the_backend(
    bench: Bench, policy: str, certificate: StoredCertificate | None, way: Way | None
) -> None:
    """The certificate and the proxy that policies chose go with the request to whichever backend takes it."""
    backend = Watching()
    context = new_context(post("body", "/a"))
    context.request.target = backend
    context.request.client_certificate = certificate
    bench.run(policy, context=context)
    bench.run('<forward-request timeout="7"/>', section="backend", context=context)
    assert backend.sent[0] == repr(ForwardOptions(7.0, way=way))
