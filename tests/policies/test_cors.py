"""cors: who may call from a browser, and what a preflight is told."""

from __future__ import annotations

import pytest

from gateway.errors import LoadError
from gateway.wire.messages import Request
from tests.policies.bench import Bench, answer, get, new_context, request

ORIGIN = "https://app.test"
LISTS = (
    "<allowed-origins><origin>https://app.test</origin><origin>https://Other.test:8443</origin></allowed-origins>"
    '<allowed-methods preflight-result-max-age="300"><method>GET</method><method>PUT</method></allowed-methods>'
    "<allowed-headers><header>X-A</header></allowed-headers>"
    "<expose-headers><header>X-B</header></expose-headers>"
)
EVERYONE = (
    "<allowed-origins><origin>*</origin></allowed-origins><allowed-methods><method>*</method></allowed-methods>"
    "<allowed-headers><header>*</header></allowed-headers>"
)


def cors(lists: str = LISTS, attributes: str = 'allow-credentials="true"') -> str:
    return f"<cors {attributes}>{lists}</cors>"


def preflight(origin: str = ORIGIN, method: str = "PUT", headers: str = "") -> Request:
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    return request("OPTIONS", "/", fields + ([("Access-Control-Request-Headers", headers)] if headers else []))


def answered(bench: Bench, xml: str, asked: Request) -> dict[str, str]:
    """The CORS headers of the answer to a preflight."""
    response = bench.compile(xml).answer_preflight(new_context(asked))
    assert response.status_code == 200  # type: ignore[union-attr]
    return dict(response.headers)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (preflight(), True),
        (preflight("https://APP.test"), True),
        (preflight("https://other.test:8443", "GET"), True),
        (preflight(headers="x-a, content-type"), True),
        (preflight("https://app.test.evil"), False),
        (preflight("http://app.test"), False),
        (preflight("null"), False),
        (preflight(method="DELETE"), False),
        (preflight(headers="x-a, x-c"), False),
    ],
    ids="listed case port headers suffix scheme null method header".split(),
)
def test_preflights(bench: Bench, asked: Request, granted: bool) -> None:
    """Origin, method and headers must all be listed; else the answer is an empty 200 that grants nothing."""
    headers = answered(bench, cors(), asked)
    assert ("Access-Control-Allow-Origin" in headers) is granted
    if granted:
        assert headers["Access-Control-Allow-Credentials"] == "true"
        assert headers["Access-Control-Max-Age"] == "300"
        assert headers["Vary"] == "Origin"


def test_everyone(bench: Bench) -> None:
    """Stars allow every origin, method and header; the answer names what was asked for."""
    headers = answered(bench, cors(EVERYONE, ""), preflight(method="PATCH", headers="x-anything"))
    assert headers == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "PATCH",
        "Access-Control-Allow-Headers": "x-anything",
    }


def test_the_next_policy_may_know_the_origin(bench: Bench) -> None:
    """terminate-unmatched-request="false" leaves a preflight to the next cors; nothing but cors runs."""
    first = cors(
        "<allowed-origins><origin>https://x.test</origin></allowed-origins>", 'terminate-unmatched-request="false"'
    )
    refuse = '<check-header name="X" failed-check-httpcode="403" failed-check-error-message="" ignore-case="true"/>'
    assert answered(bench, first + refuse + cors(), preflight())["Access-Control-Allow-Origin"] == ORIGIN
    assert answered(bench, first + refuse, preflight()) == {}


def test_a_known_origin_may_read_the_answer(bench: Bench) -> None:
    """Every answer has the headers, whichever policy makes it; the backend's own are replaced."""
    context = new_context(get("/", [("Origin", ORIGIN)]))
    bench.run(cors(), context=context)
    final = context.finished(answer(200, "", [("Access-Control-Allow-Origin", "backend"), ("Vary", "Accept")]))
    assert final.headers.values("Access-Control-Allow-Origin") == (ORIGIN,)
    assert final.headers.first("Access-Control-Expose-Headers") == "X-B"
    assert final.headers.values("Vary") == ("Accept", "Origin")


def test_an_error_may_be_read_too(bench: Bench) -> None:
    """A page's script sees the 403, not a network error."""
    refuse = '<check-header name="X" failed-check-httpcode="403" failed-check-error-message="" ignore-case="true"/>'
    ran = bench.execute(cors() + refuse, get("/", [("Origin", ORIGIN)]))
    assert ran.response.status_code == 403
    assert ran.response.headers.first("Access-Control-Allow-Origin") == ORIGIN


@pytest.mark.parametrize(
    ("method", "attributes", "ends"),
    [
        ("GET", "", True),
        ("HEAD", "", True),
        ("POST", "", False),
        ("GET", 'terminate-unmatched-request="false"', False),
    ],
)
def test_strangers(bench: Bench, method: str, attributes: str, ends: bool) -> None:
    """A simple call of an unknown origin is answered with an empty 200; others go on without any grant."""
    ran = bench.run(cors(attributes=attributes), request(method, "/", [("Origin", "https://evil.test")]))
    assert (ran.outcome is not None) is ends
    assert "Access-Control-Allow-Origin" not in ran.context.finished(ran.outcome or answer()).headers


def test_other_callers_notice_nothing(bench: Bench) -> None:
    """Without an Origin nothing changes."""
    ran = bench.run(cors(), get("/"))
    assert list(ran.context.finished(answer()).headers) == []


def test_a_failing_expression_is_an_error(bench: Bench) -> None:
    """A preflight whose policy fails gets the default error answer."""
    xml = cors(
        "<allowed-origins><origin>@(context.Variables[&quot;nope&quot;].ToString())</origin></allowed-origins>", ""
    )
    response = bench.compile(xml).answer_preflight(new_context(preflight()))
    assert response.status_code == 500  # type: ignore[union-attr]


def test_nobody_answers(bench: Bench) -> None:
    """Without a cors policy there is nothing for the dispatcher to ask."""
    assert bench.compile("<set-method>GET</set-method>").preflight == ()


def one(origin: str) -> str:
    """cors for a single origin."""
    return cors(f"<allowed-origins><origin>{origin}</origin></allowed-origins>", "")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("http://localhost:8080/", "http://localhost:8080"),
        ("https://p.example.com:443", "https://p.example.com"),
        ("http://p.example.com:80/", "http://p.example.com"),
        ("HTTPS://P.Example.com", "https://p.example.com"),
        ("https://p.example.com", "https://p.example.com:443"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("capacitor://localhost", "capacitor://localhost"),
        ('@("https://P.example.com:443/")', "https://p.example.com"),
    ],
)
def test_origins_are_compared_as_what_they_mean(bench: Bench, written: str, sent: str) -> None:
    """Case, a final slash, the scheme's own port and the spelling of the host make no difference."""
    headers = answered(bench, one(written.replace('"', "&quot;")), preflight(sent, "GET"))
    assert headers["Access-Control-Allow-Origin"] == sent


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("https://*.example.com", "wildcard"),
        ("app.example.com", "scheme"),
        ("https://a/app", "path"),
        ("https://a/?q", "path"),
        ("https://user@a", "host"),
        ("https://", "host"),
        ("https://a:99999", "host"),
    ],
)
def test_what_apim_refuses_is_refused_at_load(bench: Bench, written: str, reason: str) -> None:
    """A wildcard inside, a missing scheme and a path never match anything, so they do not load."""
    with pytest.raises(LoadError, match=reason):
        bench.compile(one(written))


def test_a_computed_origin_that_is_none_allows_nothing(bench: Bench) -> None:
    """An expression's result is judged like a literal; an invalid origin grants nothing, not even to the same text."""
    headers = answered(bench, one("@(&quot;https://*.example.com&quot;)"), preflight("https://*.example.com", "GET"))
    assert headers == {}
