"""return-response: the answer, at once."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from tests.policies.bench import Bench, get


def test_without_children_an_empty_200(bench: Bench) -> None:
    """No body, no headers."""
    outcome = bench.run("<return-response/>").outcome
    assert outcome is not None
    assert (outcome.status_code, list(outcome.headers), outcome.body.content) == (200, [], b"")


def test_children_make_the_answer(bench: Bench) -> None:
    """Status, reason, headers and body are the children's."""
    xml = (
        '<return-response><set-status code="401" reason="No"/><set-header name="A"><value>1</value></set-header>'
        "<set-body>text</set-body></return-response>"
    )
    outcome = bench.run(xml).outcome
    assert outcome is not None
    assert (outcome.status_code, outcome.reason, outcome.headers.first("A")) == (401, "No", "1")
    assert outcome.body.content == b"text"


def test_it_starts_from_a_stored_response(bench: Bench) -> None:
    """The stored response is copied, not changed."""
    stored = Response(202, Headers([("A", "1")]), Body(b"old"), "Fine")
    header = '<set-header name="A"><value>2</value></set-header>'
    xml = f'<return-response response-variable-name="r">{header}</return-response>'
    outcome = bench.run(xml, r=stored).outcome
    assert outcome is not None
    assert (outcome.status_code, outcome.reason, outcome.headers.first("A")) == (202, "Fine", "2")
    assert outcome.body.content == b"old"
    assert (stored.headers.first("A"), stored.body.content) == ("1", b"old")


@pytest.mark.parametrize("stored", [None, "text"])
def test_the_variable_must_hold_a_response(bench: Bench, stored: object) -> None:
    """A request that failed (ignore-error) left null: the author has to look first."""
    with pytest.raises(ExpressionError):
        bench.run('<return-response response-variable-name="r"/>', r=stored)


def test_nothing_runs_after_it(bench: Bench) -> None:
    """No backend, no outbound, no on-error."""
    later = '<set-variable name="late" value="1"/>'
    xml = (
        f"<inbound><return-response/>{later}</inbound><backend><forward-request/></backend>"
        f"<outbound>{later}</outbound><on-error>{later}</on-error>"
    )
    ran = bench.execute(xml, get("/"))
    assert ran.response.status_code == 200 or ran.outcome
    assert "late" not in ran.variables
