"""Conversions between XML and JSON: when they apply, and which bodies they refuse."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from tests.policies.bench import Bench, get
from tests.policies.converting import JSON, TO_JSON, TO_XML, XML, converted


@pytest.mark.parametrize(
    ("xml", "headers", "accept", "changed"),
    [
        ('<xml-to-json kind="direct" apply="content-type-xml"/>', XML, None, True),
        ('<xml-to-json kind="direct" apply="content-type-xml"/>', [("Content-Type", "text/plain")], None, False),
        ('<xml-to-json kind="direct" apply="always"/>', XML, "text/html, application/json;q=0.5", True),
        ('<xml-to-json kind="direct" apply="always"/>', XML, "application/xml", False),
        ('<xml-to-json kind="direct" apply="always"/>', XML, "*/*", True),
    ],
    ids="type other-type accepts refuses any".split(),
)
def test_when_it_applies(
    bench: Bench, xml: str, headers: list[tuple[str, str]], accept: str | None, changed: bool
) -> None:
    """Content type and Accept decide."""
    assert (converted(bench, xml, "<a>x</a>", headers, accept)[0] != "<a>x</a>") is changed


@pytest.mark.parametrize(
    ("xml", "body"),
    [
        (TO_JSON.format("direct", ""), "<a>"),
        (TO_JSON.format("direct", ""), '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'),
        (TO_XML.format(""), "{"),
        (TO_XML.format(""), "[" * 100_000),
        (TO_XML.format(""), '{"a":' * 70 + "1" + "}" * 70),
    ],
    ids="xml entities json depth deep".split(),
)
def test_what_cannot_be_converted(bench: Bench, xml: str, body: str) -> None:
    """A body that is not what the policy takes fails the request."""
    with pytest.raises(ExpressionError):
        converted(bench, xml, body, [])


def test_conversions_leave_other_messages_alone(bench: Bench) -> None:
    """No body, another type, a caller that wants something else."""
    assert bench.run(TO_JSON.format("direct", ""), get("/")).request.body is None
    assert bench.run(TO_XML.format(""), get("/")).request.body is None
    assert converted(bench, '<json-to-xml apply="content-type-json"/>', "{}", XML)[0] == "{}"
    assert converted(bench, '<json-to-xml apply="always"/>', "{}", JSON, "application/json")[0] == "{}"
