"""send-request, send-one-way-request, wait, and the credentials that requests carry."""

from __future__ import annotations

import asyncio
import base64
import datetime
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from gateway.errors import UpstreamError
from gateway.outside.seam import Call
from gateway.pipeline.outcome import finish
from gateway.pipeline.run import run
from gateway.wire.body import Body
from gateway.wire.messages import Request, Response
from gateway.wire.upstream.way import StoredCertificate
from tests.policies.bench import Bench, get, new_context, post
from tests.tokens.minting import rsa_key


@dataclass
class Http:
    """Remembers calls; answers 200 with the URL, or fails."""

    failure: Exception | None = None
    calls: list[Call] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)

    async def send(self, call: Call) -> Response:
        self.calls.append(call)
        await asyncio.sleep(self.delays.get(call.url, 0))
        if self.failure:
            raise self.failure
        return Response(200, body=Body(call.url.encode()))


@dataclass
class Credentials:
    """Gives a token for any resource but ``api://nope``, at once or later."""

    later: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def token(self, resource: str, client_id: str | None) -> object:
        self.asked.append((resource, client_id))
        if self.later:
            return self._later(resource)
        return self._token(resource)

    def _token(self, resource: str) -> str:
        if resource == "api://nope":
            raise UpstreamError("BackendConnectionFailure", "no token")
        return f"token-for-{resource}"

    async def _later(self, resource: str) -> str:
        return self._token(resource)


@pytest.fixture
def http() -> Http:
    """The client behind the policies."""
    return Http()


@pytest.fixture
def bench(bench: Bench, http: Http) -> Bench:
    """With that client and credentials."""
    return bench.use(http=http, credentials=Credentials())


def send(inner: str = "<set-url>http://a.test/x</set-url>", attributes: str = "") -> str:
    return f'<send-request response-variable-name="r" {attributes}>{inner}</send-request>'


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


@pytest.mark.parametrize("failure", [None, UpstreamError("Timeout", "slow"), ZeroDivisionError()])
def test_one_way(bench: Bench, http: Http, failure: Exception | None) -> None:
    """Nobody waits, and a failure is nobody's but the log's."""
    http.failure = failure
    (step,) = bench.compile("<send-one-way-request><set-url>http://a.test</set-url></send-one-way-request>").inbound

    async def scenario() -> None:
        assert await finish(step.apply(new_context(get("/")))) is None
        await bench.services.background.drain(1)

    asyncio.run(scenario())
    assert len(http.calls) == 1


def test_basic_credentials(bench: Bench, http: Http) -> None:
    """authentication-basic replaces Authorization, here and in send-request."""
    xml = '<authentication-basic username="u" password="pä"/>'
    expected = "Basic " + base64.b64encode("u:pä".encode()).decode()
    ran = bench.run(xml, get("/", [("Authorization", "old")]))
    assert ran.request.headers.values("Authorization") == (expected,)
    bench.run(send("<set-url>http://a.test</set-url>" + xml))
    assert http.calls[0].headers.first("Authorization") == expected


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_managed_identity(bench: Bench, http: Http, later: bool) -> None:
    """The token becomes the bearer token, or a variable; a missing one is an error unless that is ignored."""
    source = Credentials(later)
    bench.use(credentials=source)
    xml = '<authentication-managed-identity resource="api://b" client-id="c" {0}/>'
    ran = bench.run(xml.format(""), get("/", [("Authorization", "old")]))
    assert ran.request.headers.values("Authorization") == ("Bearer token-for-api://b",)
    assert source.asked == [("api://b", "c")]
    ran = bench.run(xml.format('output-token-variable-name="t"'), get("/", [("Authorization", "old")]))
    assert (ran.variables["t"], ran.request.headers.first("Authorization")) == ("token-for-api://b", "old")
    bench.run(send("<set-url>http://a.test</set-url>" + xml.format("")))
    assert http.calls[0].headers.first("Authorization") == "Bearer token-for-api://b"


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_no_identity(bench: Bench, later: bool) -> None:
    """Without a token the request fails; with ignore-error the variable is null."""
    bench.use(credentials=Credentials(later))
    xml = '<authentication-managed-identity resource="api://nope" output-token-variable-name="t" {0}/>'
    with pytest.raises(UpstreamError):
        bench.run(xml.format(""))
    assert bench.run(xml.format('ignore-error="true"')).variables == {"t": None}
    with pytest.raises(UpstreamError):
        bench.use(credentials=None).run(xml.format(""))


def _certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    now = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(rsa_key().public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=9))
    return builder.sign(rsa_key(), hashes.SHA256())


def _stored() -> StoredCertificate:
    key = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return StoredCertificate(_certificate().public_bytes(Encoding.PEM), key)


@pytest.mark.parametrize(
    "attributes",
    [
        'certificate-id="mine"',
        'thumbprint="aa bb"',
        'certificate-id="@("mi" + "ne")"',
        'body="@((byte[])context.Variables["pfx"])" password="word"',
    ],
    ids="id thumbprint expression body".split(),
)
def test_client_certificates(bench: Bench, http: Http, attributes: str) -> None:
    """The certificate is shown to the backend, and by send-request."""
    bench.use(certificates={"mine": _stored(), "AABB": _stored()})
    pfx = serialize_key_and_certificates(b"c", rsa_key(), _certificate(), None, BestAvailableEncryption(b"word"))
    ran = bench.run(f"<authentication-certificate {attributes}/>", pfx=pfx)
    assert ran.request.client_certificate == _stored()
    bench.run(send(f"<set-url>https://a.test</set-url><authentication-certificate {attributes}/>"), pfx=pfx)
    assert http.calls[0].certificate == _stored()


def test_a_proxy(bench: Bench, http: Http) -> None:
    """send-request goes through a proxy."""
    bench.run(send('<set-url>http://a.test</set-url><proxy url="http://p.test" username="u" password="p"/>'))
    proxy = http.calls[0].proxy
    assert proxy is not None
    assert (proxy.url, proxy.username, proxy.password) == ("http://p.test", "u", "p")


def _waits(mode: str) -> str:
    calls = "".join(send(f"<set-url>http://{name}.test/</set-url>").replace('"r"', f'"{name}"') for name in ("a", "b"))
    return f'<wait for="{mode}">{calls}</wait>'


@pytest.mark.parametrize(("mode", "expected"), [("all", {"a", "b"}), ("any", {"b"})])
def test_wait(bench: Bench, http: Http, mode: str, expected: set[str]) -> None:
    """Both run at the same time; any goes on with the first."""
    http.delays = {"http://a.test/": 0.05}
    assert set(bench.run(_waits(mode)).variables) == expected


def test_wait_fails_with_the_first_error(bench: Bench, http: Http) -> None:
    """An error ends the wait, and LastError names the policy that failed."""
    http.failure = UpstreamError("Timeout", "slow")
    context = new_context(get("/"))
    with pytest.raises(UpstreamError):
        bench.run(_waits("all"), context=context)
    assert context.place is not None
    assert context.place.source == "send-request"


def test_wait_may_answer(bench: Bench) -> None:
    """A choose inside may end the pipeline."""
    xml = '<wait><choose><when condition="true"><return-response/></when></choose></wait>'
    assert bench.run(xml).outcome is not None


def test_wait_reads_the_body_once(bench: Bench) -> None:
    """A body that a branch reads is in memory before any branch runs."""
    condition = "@(context.Request.Body.As&lt;string&gt;(preserveContent: true) == &quot;x&quot;)"
    inner = f'<choose><when condition="{condition}"><set-variable name="v" value="1"/></when></choose>'
    request: Request = post("x")
    assert bench.run(f"<wait>{inner}{send()}</wait>", request).variables["v"] == "1"


def test_wait_for_nothing(bench: Bench) -> None:
    """Nothing inside: nothing happens."""
    (step,) = bench.compile("<wait/>").inbound
    assert asyncio.run(finish(run((step,), new_context(get("/"))))) is None
