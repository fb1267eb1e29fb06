"""
Bodies that cost more to work on than to send: each is converted, refused in time, or worked on beside the loop.

Times are processor time of the loop's own thread, so that a busy machine changes nothing.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest

from gateway.errors import ExpressionError, GatewayError, PolicyError
from gateway.policies.json_to_xml import XmlStyle, to_xml
from gateway.policies.xml_to_json import to_json
from gateway.wire.body import BodyTooLarge
from gateway.wire.work import Work, WorkExceeded
from tests.policies.bench import Bench, Ran, answer, new_context, post
from tests.speed import on_this_machine

XML = [("Content-Type", "application/xml")]
JSON = [("Content-Type", "application/json")]
TO_JSON = '<xml-to-json kind="direct" apply="always" consider-accept-header="false"/>'
TO_XML = '<json-to-xml apply="always" consider-accept-header="false"/>'
VALIDATE = (
    '<validate-content unspecified-content-type-action="prevent" max-size="{size}" size-exceeded-action="prevent">'
    '<content type="application/json" validate-as="json" action="prevent" schema-id="s"/></validate-content>'
)
READ = '<set-variable name="x" value="@(context.Request.Body.As&lt;string&gt;(true))"/>'
# Wider than the promise of 20 ms: the whole run is measured, with compiling the policy and starting a worker.
LOOP_S = 1.0

ATTRIBUTES = ("<a " + " ".join(f'a{number}="1"' for number in range(40_000)) + "/>").encode()
UNIQUE = json.dumps([{"a": number} for number in range(4_000)]).encode()


def seconds(bench: Bench, xml: str, body: bytes, headers: list[tuple[str, str]]) -> tuple[float, Ran | GatewayError]:
    """Processor time of this thread, and the result or the refusal."""
    begun = time.thread_time()
    result: Ran | GatewayError
    try:
        result = bench.run(xml, post(body, "/", headers))
    except GatewayError as error:
        result = error
    return time.thread_time() - begun, result


def test_many_attributes_are_converted() -> None:
    """An element with 40,000 attributes takes time in proportion to their number, not to its square."""
    begun = time.thread_time()
    (members,) = json.loads(to_json(ATTRIBUTES, True, False)).values()
    assert len(members) == 40_000
    assert time.thread_time() - begun < on_this_machine(3)


@pytest.mark.parametrize(
    ("xml", "body", "headers"),
    [
        (TO_JSON, ATTRIBUTES, XML),
        (TO_XML, json.dumps([1] * 100_000).encode(), JSON),
    ],
    ids=["attributes", "items"],
)
def test_large_conversions_leave_the_loop(bench: Bench, xml: str, body: bytes, headers: list[tuple[str, str]]) -> None:
    """The loop's thread hardly works while a large body is converted, and the body is converted."""
    taken_s, result = seconds(bench, xml, body, headers)
    assert isinstance(result, Ran)
    assert result.request.body is not None
    assert result.request.body.content != body
    assert taken_s < on_this_machine(LOOP_S)


def test_the_sum_is_bounded(bench: Bench) -> None:
    """Conversions that fit one by one are refused with 413 once the request's budget is spent."""
    context = new_context(post(json.dumps([1] * 100_000), "/", JSON))
    context.work.used(Work().time_s - 0.05)
    with pytest.raises(WorkExceeded):
        bench.run(TO_XML, context=context)


def test_unique_items_are_compared_in_linear_time(bench: Bench) -> None:
    """4,000 objects are checked, and two equal ones among them found, without comparing pairs."""
    schema = b'{"type": "array", "uniqueItems": true}'
    bench.use(schemas={"s": schema})
    taken_s, result = seconds(bench, VALIDATE.format(size=10**6), UNIQUE, JSON)
    assert isinstance(result, Ran)
    assert taken_s < on_this_machine(LOOP_S)
    twice = UNIQUE[:-1] + b', {"a": 1.0}]'
    _, refusal = seconds(bench, VALIDATE.format(size=10**6), twice, JSON)
    assert isinstance(refusal, PolicyError)
    assert "uniqueItems" in refusal.message


def test_numbers_that_collide_are_compared_in_linear_time(bench: Bench) -> None:
    """Python hashes multiples of 2**61 - 1 alike; 60,000 of them, and pairs, are checked like any others."""
    bench.use(schemas={"s": b'{"type": "array", "uniqueItems": true}'})
    alike = [number * (2**61 - 1) for number in range(1, 60_001)]
    for items in (alike, [{"a": [number]} for number in alike]):
        _, result = seconds(bench, VALIDATE.format(size=10**7), json.dumps(items).encode(), JSON)
        assert isinstance(result, Ran)


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([1, True], True),
        ([1, 1.0], False),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
        (["1", 1], True),
        ([2**70, 2.0**70], False),
    ],
)
def test_unique_means_what_json_schema_means(bench: Bench, items: list[Any], unique: bool) -> None:
    """Numbers are equal by value, objects without regard to order, and true is not 1."""
    bench.use(schemas={"s": b'{"uniqueItems": true}'})
    _, result = seconds(bench, VALIDATE.format(size=10**6), json.dumps(items).encode(), JSON)
    assert isinstance(result, Ran) is unique


def test_size_is_checked_first(bench: Bench) -> None:
    """A body over max-size is refused before it is parsed, even if it is not JSON."""
    bench.use(schemas={"s": b"true"})
    _, refusal = seconds(bench, VALIDATE.format(size=10), b"[" * 1_000, JSON)
    assert isinstance(refusal, PolicyError)
    assert "exceeds the configured limit" in refusal.message


def test_doubling_alternatives_end(bench: Bench) -> None:
    """Alternatives that double with each level of the value end when the budget is used up."""
    step = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
    schema = {"anyOf": [{**step, "minProperties": 1}, {**step, "maxProperties": 9}, {"const": 1}]}
    bench.use(schemas={"s": json.dumps(schema).encode()})
    body = b'{"a":' * 40 + b"2" + b"}" * 40
    context = new_context(post(body, "/", JSON))
    context.work.used(Work().time_s - 0.5)
    begun = time.thread_time()
    with pytest.raises(WorkExceeded):
        bench.run(VALIDATE.format(size=10**6), context=context)
    assert time.thread_time() - begun < on_this_machine(LOOP_S)


def test_replacing_does_not_grow_without_bound(bench: Bench) -> None:
    """Replacing many short texts is refused because of the size of the result, before it is made."""
    _, refusal = seconds(bench, f'<find-and-replace from="a" to="{"b" * 1_000}"/>', b"a" * 1_000_000, JSON)
    assert isinstance(refusal, BodyTooLarge)


def test_a_stylesheet_that_never_ends_is_ended(bench: Bench) -> None:
    """An endless recursion in a stylesheet ends when the budget is used up or with its own error, outside the loop."""
    sheet = (
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        '<xsl:template match="/"><xsl:for-each select="//b"><xsl:for-each select="//b"><xsl:value-of select='
        '"count(//b[. = current()])"/></xsl:for-each></xsl:for-each></xsl:template></xsl:stylesheet>'
    )
    context = new_context(post("<a>" + "<b>1</b>" * 3_000 + "</a>", "/", XML))
    context.work.used(Work().time_s - 0.5)
    begun = time.thread_time()
    with pytest.raises((WorkExceeded, ExpressionError)):
        bench.run(f"<xsl-transform>{sheet}</xsl-transform>", context=context)
    assert time.thread_time() - begun < on_this_machine(LOOP_S)


@pytest.mark.parametrize("policy", [TO_JSON, READ])
def test_bombs_do_not_go_off(bench: Bench, policy: str) -> None:
    """A compressed body that unpacks beyond the limit is refused, for conversions and for expressions."""
    bomb = gzip.compress(b"a" * 20_000_000)
    _, refusal = seconds(bench, policy, bomb, [("Content-Encoding", "gzip")])
    assert isinstance(refusal, BodyTooLarge)


def test_depth_ends_conversions() -> None:
    """Deep documents are refused in both directions, without exhausting Python's stack."""
    with pytest.raises(ExpressionError):
        to_json(b"<a>" * 100_000 + b"</a>" * 100_000, True, False)
    with pytest.raises(ExpressionError):
        to_xml(b'{"a":' * 500 + b"1" + b"}" * 500, XmlStyle("_", "xmlns", ""))


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("br", brotli.compress)])
def test_expressions_read_decoded_bodies_and_send_what_was_sent(
    bench: Bench, coding: str, compress: Callable[[bytes], bytes]
) -> None:
    """An expression sees the text of a compressed body; the backend gets the bytes that the client sent."""
    sent = compress(b"hello")
    ran = bench.run(READ, post(sent, "/", [("Content-Encoding", coding)]))
    assert str(ran.variables["x"]) == "hello"
    assert ran.request.body is not None
    assert (ran.request.body.content, ran.request.headers.first("Content-Encoding")) == (sent, coding)


def test_a_coding_that_is_not_known_is_refused(bench: Bench) -> None:
    """No policy gets compressed bytes as the body: 415 lists the supported codings; a backend's answer is 502."""
    with pytest.raises(PolicyError) as caught:
        bench.run(READ, post(b"x", "/", [("Content-Encoding", "gzip, zstd")]))
    assert (caught.value.status, caught.value.headers) == (415, (("Accept-Encoding", "br, deflate, gzip, x-gzip"),))
    response = answer(200, b"x", [("Content-Encoding", "zstd")])
    with pytest.raises(PolicyError) as caught:
        bench.run(READ.replace("Request", "Response"), section="outbound", context=new_context(response=response))
    assert caught.value.status == 502
