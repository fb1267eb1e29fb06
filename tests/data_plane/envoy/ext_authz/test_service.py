"""The decision service: the same documents, the same refusals, and nothing of a client's chooses what is judged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from grpc import aio

from gateway.data_plane.envoy import messages
from gateway.emulators.entra.directory import SERVICE_PRINCIPAL
from gateway.emulators.faults import Fault
from gateway.telemetry.requests.record import RequestRecord
from tests.acceptance.rig import CONFIG, Product, product
from tests.data_plane.envoy.rig import CHECK, ENVOY, Verdict, checked, connected, question
from tests.wire.rig import settled

APIS = """
  - {{id: guarded, path: guarded, service-url: "http://127.0.0.1:9", policy: guarded.xml}}
  - {{id: rewriting, path: rewriting, service-url: "http://127.0.0.1:9", policy: rewriting.xml}}
  - id: browsers
    path: browsers
    service-url: http://127.0.0.1:9
    policy: browsers.xml
    operations: [{{id: read, method: GET, url-template: /x}}]
  - {{id: reading, path: reading, service-url: "http://127.0.0.1:9", policy: reading.xml}}
  - {{id: answering, path: answering, service-url: "http://127.0.0.1:9", policy: answering.xml}}
  - {{id: connected, path: connected, service-url: "http://127.0.0.1:9", policy: connected.xml}}
  - {{id: certified, path: certified, service-url: "http://127.0.0.1:9", policy: certified.xml}}
  - {{id: people, path: people, service-url: "http://127.0.0.1:9", type: graphql, graphql: {{schema-file: s.graphql}}}}
"""
SHELL = "<policies><inbound><base />{}</inbound><backend><base /></backend><outbound><base /></outbound></policies>"
DOCUMENTS = {
    "guarded": '<ip-filter action="forbid"><address-range from="203.0.113.0" to="203.0.113.255" /></ip-filter>',
    "rewriting": """
        <set-query-parameter name="tenant" exists-action="override"><value>mine</value></set-query-parameter>
        <set-query-parameter name="secret" exists-action="delete" />
        <choose><when condition="@(context.Request.Headers.ContainsKey(&quot;X-Twice&quot;))">
          <set-query-parameter name="twice" exists-action="override"><value>1</value><value>2</value>
          </set-query-parameter></when>
          <when condition="@(context.Request.Headers.ContainsKey(&quot;X-Escaped&quot;))">
          <set-query-parameter name="url" exists-action="override"><value>a&amp;b cü</value>
          </set-query-parameter></when></choose>
        <set-header name="Warning" exists-action="override"><value>a</value><value>b, c</value></set-header>
        <set-header name="X-Gone" exists-action="delete" />""",
    "browsers": """
        <cors allow-credentials="true"><allowed-origins><origin>https://app.example.com</origin></allowed-origins>
        <allowed-methods><method>GET</method></allowed-methods></cors>
        <check-header name="X-Key" failed-check-httpcode="401" failed-check-error-message="no key" />""",
    "reading": """
        <set-header name="X-Seen" exists-action="override">
          <value>@(context.Request.Body.As&lt;string&gt;(preserveContent: true))</value></set-header>""",
    "answering": """
        <return-response>
          <set-status code='@(int.Parse(context.Request.OriginalUrl.Query.GetValueOrDefault("status", "299")))' />
          <set-header name="Set-Cookie" exists-action="override"><value>a=1</value><value>b=2</value></set-header>
          <set-header name="WWW-Authenticate" exists-action="override"><value>Basic</value>
            <value>Bearer</value></set-header>
          <set-body>@(context.Request.OriginalUrl.Query.ContainsKey("half") ? "\\uD800" : "hello")</set-body>
        </return-response>""",
    "connected": """
        <set-header name="X-Scheme" exists-action="override">
          <value>@(context.Request.OriginalUrl.Scheme)</value></set-header>""",
    "certified": """
        <set-header name="X-Subject" exists-action="override">
          <value>@(context.Request.Certificate.Subject)</value></set-header>""",
}
CLIENT = "203.0.113.9"


@dataclass(frozen=True)
class Asked:
    """A gateway that several tests ask, and its loop."""

    loop: asyncio.Runner
    whole: Product
    channel: aio.Channel

    def __call__(self, message: Any) -> Verdict:
        """The answer to one question."""
        return self.loop.run(checked(self.channel, message))

    def record(self, verdict: Verdict) -> RequestRecord:
        """What the request log has of it."""
        record: RequestRecord | None = self.whole.gateway.requests.find(verdict.field("x-request-id") or "")
        assert record is not None
        return record


SCHEMA = "type Query { id: ID }"


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("asked")
    for name, policies in DOCUMENTS.items():
        (folder / f"{name}.xml").write_text(SHELL.format(policies))
    (folder / "s.graphql").write_text(SCHEMA)
    with asyncio.Runner() as loop:
        running = AsyncExitStack()
        try:
            config = CONFIG + APIS + ENVOY + "trusted-proxies: [10.0.0.0/8]"
            whole = loop.run(running.enter_async_context(product(folder, config=config)))
            yield Asked(loop, whole, loop.run(running.enter_async_context(connected(whole.envoy))))
        finally:
            loop.run(running.aclose())


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "map"])
def test_a_good_token_passes(ask: Asked, raw: bool) -> None:
    """The verified caller is set, each copy of the client's is removed, metadata has ids and no token."""
    counted = ask.whole.gateway.metrics.operation("orders", "read").statuses[200]
    token = ask.whole.entra.mint()
    fields = [f"authorization: Bearer {token}", "caller-objectid: evil", "caller_objectid: evil"]
    verdict = ask(question("GET /orders/items/7?x=1", *fields, raw=raw))
    assert verdict.passes
    assert verdict.field("caller-objectid") == SERVICE_PRINCIPAL
    assert "caller_objectid" in verdict.removed
    assert "caller-objectid" not in verdict.removed
    assert "evil" not in str(verdict.reply)
    assert verdict.facts["caller_object_id"] == SERVICE_PRINCIPAL
    assert (verdict.facts["api"], verdict.facts["operation"]) == ("orders", "read")
    assert token.rpartition(".")[2] not in str(verdict.reply)
    assert ask.whole.backend.connections == 0
    assert verdict.field("x-request-id") == verdict.facts["request_id"]
    assert ask.whole.gateway.metrics.operation("orders", "read").statuses[200] == counted + 1


@pytest.mark.parametrize(
    ("line", "more"), [("GET /people?query={id}", {}), ("POST /people", {"raw_body": b'{"query":"{id}"}'})]
)
def test_graphql_is_not_decided_on(ask: Asked, line: str, more: dict[str, Any]) -> None:
    """Envoy would carry a GraphQL request as it was written, not as it was judged: none passes."""
    verdict = ask(question(line, "content-type: application/json", **more))
    assert not verdict.passes
    assert verdict.status == 403
    assert verdict.facts["reason"] == "GraphQLNotDecidable"


def test_a_bad_token_is_refused(ask: Asked) -> None:
    """The refusal is the policy's own, and the request log has it under the id in the answer."""

    token = ask.whole.entra.mint(lifetime_s=-9)
    verdict = ask(question("GET /orders/items/7", f"authorization: Bearer {token}"))
    assert not verdict.passes
    assert verdict.status == 401
    assert verdict.reply.denied_response.body == '{ "statusCode": 401, "message": "Token is invalid" }'
    assert verdict.facts["reason"] == "TokenExpired"
    assert "caller_object_id" not in verdict.facts  # nobody has vouched for it
    record = ask.record(verdict)
    assert (record.reason, record.client, record.status) == ("TokenExpired", CLIENT, 401)


@pytest.mark.parametrize(
    ("message", "status", "text"),
    [
        (question("GET /nowhere"), 404, "Resource not found"),
        (question("GET /orders/%2e%2e/open"), 400, "Dot segment"),
        (question("GET /orders//open"), 400, "empty segment"),
        (question("GET /orders/a%2Fb"), 400, "%2F"),
        (question("GET /orders/open;x=1"), 400, "Parameter"),
        (question("GET /orders/open%00"), 400, "%00"),
        (question("GET /orders/op\x80en"), 400, "Malformed path"),
        (question("GET /orders/open#x"), 400, "Malformed path"),
        (question("GET /orders/open", fragment="x"), 400, "Malformed path"),
        (question("GET /orders/open x"), 400, "Malformed request line"),
        (question("GET "), 400, "Malformed request target"),
        (question("OPTIONS *"), 400, "Malformed request target"),
        (question("GET http://other/orders/open"), 400, "disagree"),
        (question("get /orders/open"), 403, "upper case"),
        (question("TRACE /orders/open"), 405, "Method not allowed"),
        (question("CONNECT /orders/open"), 405, "Method not allowed"),
        (question("G,T /orders/open"), 400, "Malformed method"),
        (question(" /orders/open"), 403, "upper case"),
        (question("GET /orders/open", host=""), 400, "Host header missing"),
        (question("GET /orders/open", host="a b"), 400, "Malformed Host"),
        (question("GET /orders/open", host="a\r\nx-evil: 1"), 400, "line end"),
        (question("GET /orders/open", "host: other"), 400, "More than one host"),
        (question("GET /orders/open", scheme="ftp"), 400, "scheme"),
        (question("GET /orders/open", client=""), 403, "address"),
        (question("GET /orders/open", client="unknown"), 403, "address"),
        (question("GET /orders/open", "x: 1\r\ny: 2"), 400, "line end"),
        (question("GET /orders/open", "x: 1\ny: 2"), 400, "Control character"),
        (question("GET /orders/open", "x y: 1"), 400, "Malformed header"),
        (question("GET /orders/open", "x\r\ny: 1"), 400, "Malformed header"),
        (question("GET /orders/open", "authorization: a", "authorization: b"), 400, "More than one authorization"),
        (question("GET /orders/open", "connection: authorization"), 400, "nominates"),
        (question("GET /orders/open", "transfer-encoding: chunked", "content-length: 3"), 400, "in one request"),
        (question("GET /orders/open", *[f"x-{number}: 1" for number in range(101)]), 431, "Too many"),
        (question("GET /orders/open", "x: " + "a" * 33_000), 431, "too long"),
        (question("GET /orders/open", *[f"x-{number}: {'a' * 8_000}" for number in range(9)]), 431, "too large"),
        (question("GET /orders/" + "a" * 9_000), 414, "too long"),
        (question("GET /orders/open", certificate="nonsense"), 400, "certificate"),
        (question("GET /orders/open", extensions={"api": "browsers"}), 403, "another API"),
        (question("GET /orders/open", extensions={"api": "orders", "operation": "read"}), 403, "another API"),
        (question("GET /orders/open", extensions={"apis": "orders"}), 403, "Unknown context extension"),
        (question("GET /nowhere", extensions={"api": "orders"}), 403, "another API"),
        (messages.CheckRequest(), 403, "upper case"),
    ],
)
def test_refused(ask: Asked, message: Any, status: int, text: str) -> None:
    """What two receivers could read differently, and what is not what Envoy's route is for, is refused and logged."""

    verdict = ask(message)
    assert (verdict.passes, verdict.status) == (False, status)
    assert text in verdict.reply.denied_response.body
    record = ask.record(verdict)
    assert record.status == status


@pytest.mark.parametrize(
    ("fields", "more", "removed"),
    [
        ((), {}, {"caller-objectid", "caller_objectid"}),
        (("caller_objectid: evil",), {"raw": False}, {"caller-objectid", "caller_objectid"}),
        (("remote-user: me", "x_forwarded_for: 1.1.1.1"), {}, {"remote-user", "x_forwarded_for"}),
        (("x-forwarded-host: evil", "cf-connecting-ip: 1.1.1.1"), {}, {"x-forwarded-host", "cf-connecting-ip"}),
        (("proxy: evil", "proxy-authorization: Basic x"), {}, {"proxy", "proxy-authorization"}),
        (("connection: x-own", "x-own: 1"), {}, {"x-own"}),
        (("x-ms-client-principal-id: me",), {"client": "10.0.0.1"}, set()),
        (("x_ms_client_principal_id: me",), {"client": "10.0.0.1"}, {"x_ms_client_principal_id"}),
        ((f"x-forwarded-for: {CLIENT}", "x-forwarded-proto: http", "x-envoy-external-address: 1.1.1.1"), {}, set()),
        (("x-envoy-peer-metadata: me", "x-envoy-attempt-count: 1"), {}, {"x-envoy-peer-metadata"}),
        (("accept: */*", "te: trailers", "user-agent: x", "content-length: 0"), {}, set()),
    ],
)
def test_what_the_backend_must_not_get(ask: Asked, fields: Any, more: dict[str, Any], removed: set[str]) -> None:
    """Names that only policies may set are removed in every spelling, shown or not; so are a stranger's claims."""
    verdict = ask(question("GET /orders/open", *fields, **more))
    assert verdict.passes
    assert verdict.removed == {"caller-objectid", "caller_objectid"} | removed
    assert [name for name, _ in verdict.fields] == ["x-request-id"]


@pytest.mark.parametrize(
    ("client", "fields", "passes"),
    [
        ("192.0.2.7", (), True),
        (CLIENT, (), False),
        (f"::ffff:{CLIENT}", (), False),
        (CLIENT, ("x-forwarded-for: 192.0.2.7", "forwarded: for=192.0.2.7", "x-real-ip: 192.0.2.7"), False),
        ("10.0.0.1", (f"x-forwarded-for: {CLIENT}, 10.0.0.1",), False),
        ("10.0.0.1", (f"x-forwarded-for: {CLIENT}, 192.0.2.7, 10.0.0.1",), True),
        ("10.0.0.1", ("x-forwarded-for: unknown, 10.0.0.1",), False),
        ("10.0.0.1", ("x_forwarded_for: 192.0.2.7", f"x-forwarded-for: {CLIENT}"), False),
    ],
)
def test_whose_address(ask: Asked, client: str, fields: tuple[str, ...], passes: bool) -> None:
    """Address filters judge the client as Envoy sees it; behind a trusted proxy, the one that this proxy names."""
    verdict = ask(question("GET /guarded/x", *fields, client=client))
    assert verdict.passes is passes


@pytest.mark.parametrize(
    ("query", "set_", "removed"),
    [
        ("", [("tenant", "mine")], []),
        ("?tenant=mine&a=1&a=2&b", [], []),
        ("?tenant=yours&secret=1", [("tenant", "mine")], ["secret"]),
        ("?tenant=yours&tenant=theirs", [("tenant", "mine")], []),
        ("?t%65nant=yours", [("tenant", "mine")], ["t%65nant"]),
    ],
)
def test_queries(ask: Asked, query: str, set_: list[tuple[str, str]], removed: list[str]) -> None:
    """What policies change in the query is changed in Envoy's, in the client's spelling; the rest stays as it is."""
    reply = ask(question(f"GET /rewriting/x{query}")).reply.ok_response
    assert [(parameter.key, parameter.value) for parameter in reply.query_parameters_to_set] == set_
    assert list(reply.query_parameters_to_remove) == removed


@pytest.mark.parametrize(
    ("client", "fields", "set_"),
    [
        (CLIENT, (f"x-forwarded-for: {CLIENT}",), []),
        (CLIENT, (f"x-forwarded-for: 192.0.2.7,{CLIENT}",), [CLIENT]),
        (CLIENT, ("x-forwarded-for: 192.0.2.7", f"x-forwarded-for: {CLIENT}"), [CLIENT]),
        ("10.0.0.1", ("x-forwarded-for: 192.0.2.7, 10.0.0.1",), []),
    ],
)
def test_the_chain_of_addresses(ask: Asked, client: str, fields: tuple[str, ...], set_: list[str]) -> None:
    """What a client has written before its own address does not reach the backend: the address alone was judged."""
    verdict = ask(question("GET /orders/open", *fields, client=client))
    assert [value for name, value in verdict.fields if name == "x-forwarded-for"] == set_
    assert "x-forwarded-for" not in verdict.removed


@pytest.mark.parametrize(
    ("stated", "fields", "judged"),
    [
        ("http", (), "http"),
        ("https", ("x-forwarded-proto: http",), "http"),
        ("HTTPS", ("x-forwarded-proto: https, http",), "http"),
        ("http", ("x-forwarded-proto: https",), "https"),
        ("https", ("x-forwarded-proto: ftp",), None),
        ("https", ("x_forwarded_proto: https", "x-forwarded-proto: http"), "http"),
    ],
)
def test_how_the_client_is_connected(ask: Asked, stated: str, fields: tuple[str, ...], judged: str | None) -> None:
    """Envoy says whether the client has used TLS; ``:scheme`` is what a client of HTTP/2 has written."""
    verdict = ask(question("GET /connected/x", *fields, scheme=stated))
    assert (verdict.field("x-scheme"), verdict.status) == (judged, 400 if judged is None else 200)


def test_headers(ask: Asked) -> None:
    """Repeated values are one list, and a name that a policy deletes is removed."""
    verdict = ask(question("GET /rewriting/x", "x-gone: 1", "x_gone: 2", "warning: evil"))
    options = [
        (option.header.key, option.header.value, option.append_action)
        for option in verdict.reply.ok_response.headers
        if option.header.key == "warning"
    ]
    assert options == [("warning", "a, b, c", 2)]
    assert {"x-gone", "x_gone"} <= verdict.removed
    assert "warning" not in verdict.removed


def test_what_cannot_be_expressed_is_refused(ask: Asked) -> None:
    """Several new values of one query parameter are more than Envoy can be told: 500, instead of something else."""
    verdict = ask(question("GET /rewriting/x", "x-twice: 1"))
    assert (verdict.passes, verdict.status) == (False, 500)


def test_browsers(ask: Asked) -> None:
    """A preflight is answered in full, without asking for a key; other answers get the policy's fields."""
    origin = "origin: https://app.example.com"
    announced = "access-control-request-method: GET"

    verdict = ask(question("OPTIONS /browsers/x", origin, announced))
    assert (verdict.passes, verdict.status) == (False, 200)
    assert verdict.field("access-control-allow-origin") == "https://app.example.com"
    other = ask(question("OPTIONS /browsers/x", "origin: https://evil.example", announced))
    assert other.field("access-control-allow-origin") is None
    refused = ask(question("GET /browsers/x", origin))
    assert (refused.status, refused.field("access-control-allow-origin")) == (401, "https://app.example.com")
    passed = ask(question("GET /browsers/x", origin, "x-key: 1"))
    added = {option.header.key: option.header.value for option in passed.reply.ok_response.response_headers_to_add}
    assert added["access-control-allow-origin"] == "https://app.example.com"
    assert added["x-request-id"] == passed.facts["request_id"]


@pytest.mark.parametrize(
    ("fields", "more", "status", "seen"),
    [
        (("content-length: 4",), {"raw_body": b"text", "protocol": "HTTP/1.1"}, 200, "text"),
        (("content-length: 4",), {"body": "text"}, 200, "text"),
        (("content-length: 9", "x-envoy-auth-partial-body: true"), {"raw_body": b"text"}, 413, None),
        (
            ("x-envoy-auth-partial-body: false", "x-envoy-auth-partial-body: true"),
            {"raw_body": b"text"},
            413,
            None,
        ),
        (("content-length: 9", "x-envoy-auth-partial-body: false"), {"raw_body": b"text"}, 413, None),
        (("content-length: 9", "x-envoy-auth-partial-body: false"), {}, 500, None),
    ],
)
def test_bodies(ask: Asked, fields: Any, more: dict[str, Any], status: int, seen: str | None) -> None:
    """A policy reads the body that Envoy has sent in full; a beginning, or nothing, is never taken for all of it."""
    verdict = ask(question("POST /reading/x", *fields, **more))
    assert (verdict.status, verdict.field("x-seen")) == (status, seen)


def test_an_answer_of_a_policy(ask: Asked) -> None:
    """What a policy answers itself reaches the client as it is."""
    verdict = ask(question("GET /answering/x"))
    assert (verdict.passes, verdict.status, verdict.reply.denied_response.body) == (False, 299, "hello")
    assert [value for name, value in verdict.fields if name == "set-cookie"] == ["a=1", "b=2"]


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body(ask: Asked, status: int) -> None:
    """A body that a policy gives them is left out: behind the head, clients read the next answer."""
    verdict = ask(question(f"GET /answering/x?status={status}"))
    assert (verdict.status, verdict.reply.denied_response.body) == (status, "")


def test_certificates(ask: Asked) -> None:
    """Policies see the certificate that Envoy has verified."""
    pem = trustme.CA().issue_cert("client.example", common_name="partner").cert_chain_pems[0].bytes().decode()
    verdict = ask(question("GET /certified/x", certificate=quote(pem, safe="")))
    assert "CN=partner" in (verdict.field("x-subject") or "")
    assert not ask(question("GET /certified/x")).passes


def test_a_question_that_nobody_waits_for(tmp_path: Path) -> None:
    """An Envoy that gives up while a policy waits leaves nothing behind; the request log says that the client left."""

    async def scenario() -> None:
        slow = [Fault(times=None, delay_s=1.0)]
        async with product(tmp_path, config=CONFIG + ENVOY, warm=False, faults=slow) as whole:
            assert whole.live is not None
            assert whole.live.envoy is not None
            async with connected(whole.envoy) as channel:
                message = question("GET /orders/items/7", f"authorization: Bearer {whole.entra.mint()}")
                method = channel.unary_unary(CHECK, request_serializer=messages.CheckRequest.SerializeToString)
                with pytest.raises(aio.AioRpcError):
                    await method(message, timeout=0.2)
                assert await settled(lambda: any(record.client_left for record in whole.gateway.requests))
                assert whole.live.envoy.counts.open == 0

    asyncio.run(scenario())
