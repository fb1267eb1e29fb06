"""cache-lookup: who gets a kept response, and what runs on a hit."""

from __future__ import annotations

import pytest

from gateway.expressions.entities import GroupInfo, ProductInfo
from gateway.wire.messages import Request
from tests.entities import user
from tests.policies.bench import Bench, get, request
from tests.policies.caching import calls, policies

pytestmark = pytest.mark.usefixtures("cached")


def test_a_hit_spares_the_backend(bench: Bench) -> None:
    """The stored response includes the effects of the policies before cache-store; those after it run again."""
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
        (policies(), [get("/a?x=1&x=2"), get("/a?x=2&x=1")], 2),
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
    ids="query order values parameter listed header other coding method private allowed zero condition host".split(),
)
def test_who_shares_a_response(bench: Bench, xml: str, requests: list[Request], expected: int) -> None:
    """Only requests that cannot tell the difference get the same response."""
    again = [request(each.method, f"{each.path}?{each.query}", list(each.headers), host=each.host) for each in requests]
    assert calls(bench, xml, *again)[0] == expected


def test_developers_do_not_share(bench: Bench) -> None:
    """vary-by-developer and -groups keep users apart."""
    xml = policies(developer="true")
    first = user("u1", groups=(GroupInfo("g", "G"),))
    assert calls(bench, xml, get("/a"), get("/a"), user=first)[0] == 1
    assert calls(bench, xml, get("/a"), user=user("u2"))[0] == 1
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
    """The policy determines what browsers and proxies may keep."""
    assert calls(bench, policies(attributes), get("/a"))[1].response.headers.first("Cache-Control") == expected


def test_each_product_has_its_own_responses(bench: Bench) -> None:
    """The policies of a product have changed the response that is kept, so another product's caller does not get it."""
    for name, count in (("free", 1), ("premium", 1), ("free", 0)):
        product = ProductInfo(name, name, False, True, None, "Published", ())
        assert calls(bench, policies(), get("/a"), product=product)[0] == count
