"""cache-lookup-value and its kin, and whole responses: what is kept, for whom, and what runs on a hit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from xml.sax.saxutils import escape

import msgpack
import pytest

from gateway.errors import ExpressionError
from gateway.pipeline.context import Context, GroupInfo, UserInfo
from gateway.pipeline.pipeline import Pipeline
from gateway.tokens.jwt import Jwt
from gateway.value_cache import Caches, MemoryCache
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from tests.policies.bench import Backend, Bench, Ran, get, new_context, request


@dataclass
class LaterCache:
    """A cache that answers with an awaitable, as Redis does."""

    cache: MemoryCache

    async def lookup(self, key: str) -> bytes | None:
        return self.cache.lookup(key)

    async def store(self, key: str, value: bytes, ttl_s: float) -> None:
        self.cache.store(key, value, ttl_s)

    async def remove(self, key: str) -> None:
        self.cache.remove(key)


@pytest.fixture(params=["memory", "later"])
def bench(bench: Bench, request: pytest.FixtureRequest) -> Bench:
    """With a cache that answers at once, and one that does so later."""
    memory = MemoryCache()
    return bench.use(caches=Caches(memory if request.param == "memory" else LaterCache(memory)))


LOOKUP = '<cache-lookup-value key="k" variable-name="v" {0}/>'


@pytest.mark.parametrize("value", ["text", 1, True, None, 1.5, b"\x00", ["a", 1]], ids=repr)
def test_a_value_keeps_its_type(bench: Bench, value: object) -> None:
    """What was stored comes back as it was."""
    bench.run('<cache-store-value key="k" value="@(context.Variables["x"])" duration="60"/>', x=value)
    assert bench.run(LOOKUP.format("")).variables == {"v": value}


EXPRESSIONS = [
    'new JObject(new JProperty("a", 1), new JProperty("b", new JArray(1, null, "x")))',
    'JArray.Parse("[1, {}]")',
    'new JValue("text")',
    "(long)1 << 40",
    "(byte)7",
    "1.5m",
    "'c'",
    "new DateTime(2026, 11, 23, 1, 2, 3, DateTimeKind.Utc)",
    'DateTimeOffset.Parse("2026-11-23T01:02:03+02:00")',
    "TimeSpan.FromMinutes(3)",
    'Guid.Parse("11111111-2222-3333-4444-555555555555")',
    'new string[] { "a", "b" }',
    "new List<int> { 1, 2 }",
    'new Dictionary<string, List<string>> { { "a", new List<string> { "b" } } }',
    'new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { { "A", "b" } }',
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expressions_value_keeps_its_type(bench: Bench, expression: str) -> None:
    """What an expression stores is found again with the same .NET type and the same content."""
    escaped = escape(expression, {'"': "&quot;"})
    bench.run(f'<cache-store-value key="k" value="@({escaped})" duration="60"/>')
    look = (
        '<set-variable name="type" value="@(context.Variables["v"].GetType().ToString())"/>'
        '<set-variable name="text" value="@(JsonConvert.SerializeObject(context.Variables["v"]))"/>'
    )
    found = bench.run(LOOKUP.format("") + look).variables
    fresh = bench.run(f'<set-variable name="v" value="@({escaped})"/>' + look).variables
    assert (found["type"], found["text"]) == (fresh["type"], fresh["text"])


def test_a_token_can_be_kept(bench: Bench) -> None:
    """A verified token's claims come back."""
    jwt = Jwt.of({"alg": "RS256"}, {"sub": "s", "roles": ["a"], "exp": 1})
    bench.run('<cache-store-value key="k" value="@(context.Variables["x"])" duration="60"/>', x=jwt)
    found = bench.run(LOOKUP.format("")).variables["v"]
    assert isinstance(found, Jwt)
    assert (found.subject, found.claims["roles"], found.algorithm) == ("s", ("a",), "RS256")


@pytest.mark.parametrize(
    ("code", "kept"),
    [(2, "{"), (19, "x"), (23, "x"), (24, ["System.Diagnostics.Process", []]), (24, ["int["]), (26, 1), (27, ["", ""])],
)
def test_forged_values_are_a_miss(bench: Bench, code: int, kept: object) -> None:
    """Whoever can write to the cache's server can make values, never types or code."""
    data = bytes(msgpack.packb(msgpack.ExtType(code, msgpack.packb(kept))))
    internal = bench.services.caches.internal
    memory = internal.cache if isinstance(internal, LaterCache) else internal
    memory.store("k", data, 60)
    assert bench.run(LOOKUP.format("")).variables == {}


def test_a_response_can_be_kept(bench: Bench) -> None:
    """The answer of send-request is kept whole, and comes back as a copy."""
    stored = Response(201, Headers([("A", "1"), ("A", "2")]), Body(b"body"), "Made")
    bench.run('<cache-store-value key="k" value="@(context.Variables["x"])" duration="60"/>', x=stored)
    found = bench.run(LOOKUP.format("")).variables["v"]
    assert isinstance(found, Response)
    assert (found.status_code, found.reason, found.headers.values("A")) == (201, "Made", ("1", "2"))
    assert (found.body.content, found is stored) == (b"body", False)


def test_a_miss(bench: Bench) -> None:
    """Without a value the variable stays as it is, or gets the default."""
    assert bench.run(LOOKUP.format("")).variables == {}
    assert bench.run(LOOKUP.format('default-value="@(1 + 1)"')).variables == {"v": 2}


def test_what_is_removed_is_gone(bench: Bench) -> None:
    """cache-remove-value forgets; a duration of 0 keeps nothing."""
    bench.run('<cache-store-value key="k" value="1" duration="60"/><cache-remove-value key="k"/>')
    bench.run('<cache-store-value key="k" value="1" duration="0"/>')
    assert bench.run(LOOKUP.format("")).variables == {}


def test_foreign_bytes_are_a_miss(bench: Bench) -> None:
    """What somebody else wrote under the key is not trusted."""
    internal = bench.services.caches.internal
    memory = internal.cache if isinstance(internal, LaterCache) else internal
    memory.store("k", b"\xc1", 60)
    assert bench.run(LOOKUP.format("")).variables == {}


COMPUTED = (
    '<cache-value key="k" variable-name="v" expires-after="60" refresh-after="10" {0}>'
    '<value><set-variable name="runs" value="@(context.Variables.GetValueOrDefault<int>("runs", 0) + 1)"/>{1}</value>'
    "</cache-value>"
)
SET = '<set-variable name="v" value="@(new string[] { "a" })"/>'


def test_a_value_is_computed_once(bench: Bench) -> None:
    """The policies inside run when nothing is kept, or when it is to be refreshed."""
    now = [1000.0]
    bench.use(now=lambda: now[0])
    xml = COMPUTED.format("", SET).replace("<int>", "&lt;int&gt;")
    assert bench.run(xml).variables == {"runs": 1, "v": ["a"]}
    assert bench.run(xml).variables == {"v": ["a"]}
    now[0] += 10
    assert bench.run(xml).variables["runs"] == 1


def test_what_is_not_computed_has_a_default(bench: Bench) -> None:
    """Without a value from the policies nothing is kept; an answer of theirs ends the pipeline."""
    xml = COMPUTED.format('default-value="d"', "").replace("<int>", "&lt;int&gt;")
    assert bench.run(xml).variables == {"runs": 1, "v": "d"}
    assert bench.run(COMPUTED.format("", "").replace("<int>", "&lt;int&gt;")).variables == {"runs": 1}
    ending = COMPUTED.format("", "<return-response/>").replace("<int>", "&lt;int&gt;")
    assert bench.run(ending).outcome is not None


def test_what_cannot_be_kept_is_an_error(bench: Bench) -> None:
    """A type without a form fails loudly."""
    with pytest.raises(ExpressionError):
        bench.run('<cache-store-value key="k" value="@(context.Variables["x"])" duration="60"/>', x=object())
    xml = COMPUTED.format("", '<set-variable name="v" value="@(context.Variables["x"])"/>')
    with pytest.raises(ExpressionError):
        bench.run(xml.replace("<int>", "&lt;int&gt;"), x=object())


VARY = 'vary-by-developer="{0}" vary-by-developer-groups="{1}"'


def policies(lookup: str = "", inner: str = "", store: str = 'duration="60"', developer: str = "false") -> str:
    vary = VARY.format(developer, developer)
    count = '<set-header name="X-Outbound"><value>ran</value></set-header>'
    return (
        f"<inbound><cache-lookup {vary} {lookup}>{inner}</cache-lookup></inbound>"
        f'<backend><forward-request/></backend><outbound><set-header name="X-Before"><value>1</value></set-header>'
        f"<cache-store {store}/>{count}</outbound>"
    )


def calls(
    bench: Bench, xml: str, *requests: Request, answer: Response | None = None, **attributes: object
) -> tuple[int, Ran]:
    """How often the backend was called for *requests*, and the last run."""
    backend = Backend(answers=[answer or Response(200, Headers([("X-A", "1")]), Body(b"body"))])
    ran = None
    for each in requests:
        each.target = backend
        context = new_context(each)
        for name, value in attributes.items():
            setattr(context, name, value)
        ran = _execute(bench, xml, context)
    assert ran is not None
    return len(backend.sent), ran


def _execute(bench: Bench, xml: str, context: Context) -> Ran:
    return Ran(context, _executed(bench.compile(xml), context))


def _executed(pipeline: Pipeline, context: Context) -> Response:
    async def wait() -> Response:
        answer = pipeline.execute(context)
        response = answer if isinstance(answer, Response) else await answer
        await response.body.buffer(10_000_000)
        return response

    return asyncio.run(wait())


def test_a_hit_spares_the_backend(bench: Bench) -> None:
    """The kept response comes with everything that stood before cache-store; what follows it runs again."""
    count, ran = calls(bench, policies(), get("/a"), get("/a"))
    assert count == 1
    assert ran.response.body.content == b"body"
    assert dict(ran.response.headers) == {
        "X-A": "1",
        "X-Before": "1",
        "Cache-Control": "no-store",
        "X-Outbound": "ran",
    }


@pytest.mark.parametrize(
    ("xml", "requests", "expected"),
    [
        (policies(), [get("/a?x=1"), get("/a?x=2")], 2),
        (policies(), [get("/a?x=1&y=2"), get("/a?y=2&x=1")], 1),
        (policies(inner="<vary-by-query-parameter>y;z</vary-by-query-parameter>"), [get("/a?x=1"), get("/a?x=2")], 1),
        (policies(inner="<vary-by-query-parameter>y;X</vary-by-query-parameter>"), [get("/a?x=1"), get("/a?x=2")], 2),
        (policies(inner="<vary-by-header>Accept</vary-by-header>"), [get("/a", [("accept", "a")]), get("/a")], 2),
        (policies(), [get("/a", [("Accept", "a")]), get("/a")], 1),
        (policies(), [get("/a", [("Accept-Encoding", "gzip")]), get("/a")], 2),
        (policies(), [request("POST", "/a"), request("POST", "/a")], 2),
        (policies(), [get("/a", [("Authorization", "x")]), get("/a", [("Authorization", "x")])], 2),
        (
            policies('allow-private-response-caching="true"'),
            [get("/a", [("Authorization", "x")]), get("/a", [("Authorization", "x")])],
            1,
        ),
        (policies(store='duration="0"'), [get("/a"), get("/a")], 2),
        (policies(store='duration="60" cache-response="false"'), [get("/a"), get("/a")], 2),
        (policies(), [get("/a", host="one"), get("/a", host="two")], 2),
    ],
    ids="query order parameter listed header other-header coding method private allowed zero condition host".split(),
)
def test_who_shares_a_response(bench: Bench, xml: str, requests: list[Request], expected: int) -> None:
    """Only requests that cannot tell the difference get the same response."""
    again = [request(each.method, f"{each.path}?{each.query}", list(each.headers), host=each.host) for each in requests]
    assert calls(bench, xml, *again)[0] == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Response(404), 2),
        (Response(200, Headers([("Set-Cookie", "a=b")])), 2),
        (Response(200, Headers([("Vary", "Accept")])), 2),
        (Response(200, Headers([("Vary", "Accept-Encoding, Origin")])), 1),
        (Response(200, body=Body(b"x" * 3_000_000)), 2),
    ],
    ids="status cookie vary vary-known large".split(),
)
def test_what_is_not_kept(bench: Bench, answer: Response, expected: int) -> None:
    """Errors, cookies, huge bodies, and responses that depend on more than the key are not kept."""
    backend = Backend(answers=[answer])
    for _ in range(2):
        asked = get("/a")
        asked.target = backend
        pipeline = bench.compile(policies())
        _executed(pipeline, new_context(asked))
    assert len(backend.sent) == expected


def test_developers_do_not_share(bench: Bench) -> None:
    """vary-by-developer and -groups keep users apart."""
    xml = policies(developer="true")
    first = UserInfo("u1", groups=(GroupInfo("g", "G"),))
    assert calls(bench, xml, get("/a"), get("/a"), user=first)[0] == 1
    assert calls(bench, xml, get("/a"), user=UserInfo("u2"))[0] == 1
    assert calls(bench, xml, get("/a"), user=None)[0] == 1


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('downstream-caching-type="public"', "public, max-age=60, must-revalidate"),
        ('downstream-caching-type="private" must-revalidate="false"', "private, max-age=60"),
        ("", "no-store"),
    ],
)
def test_downstream_caching(bench: Bench, attributes: str, expected: str) -> None:
    """What browsers and proxies may keep is the policy's word."""
    assert calls(bench, policies(attributes), get("/a"))[1].response.headers.first("Cache-Control") == expected


def test_what_waits_behind_cache_store_runs_on_a_hit(bench: Bench) -> None:
    """A policy that waits, or answers, may stand there too; foreign bytes are a miss."""
    waiting = policies().replace("</outbound>", "<retry condition='false' count='1' interval='0'/></outbound>")
    assert calls(bench, waiting, get("/a"), get("/a"))[0] == 1
    answering = policies().replace(
        "</outbound>", "<return-response><set-status code='299'/></return-response></outbound>"
    )
    count, ran = calls(bench, answering, get("/b"), get("/b"))
    assert (count, ran.response.status_code) == (1, 299)
