"""set-variable, set-status, set-method, check-header, choose and trace."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.errors import ExpressionError, PolicyError
from tests.policies.bench import Bench, answer, get, new_context


@pytest.mark.parametrize(
    ("value", "expected"), [("1", "1"), ("@(1)", 1), ('@("a")', "a"), ("@(null)", None), ("@(true)", True)]
)
def test_a_variable_keeps_its_type(bench: Bench, value: str, expected: object) -> None:
    """A literal is text, an expression's result stays what it is."""
    assert bench.run(f"<set-variable name='a' value='{value}'/>", a="old").variables == {"a": expected}


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ('<set-status code="404" reason="Nope"/>', (404, "Nope")),
        ('<set-status code="404"/>', (404, "Not Found")),
        ('<set-status code="@(201)" reason="@("Made")"/>', (201, "Made")),
    ],
    ids=["literal", "registered reason", "expression"],
)
def test_status(bench: Bench, xml: str, expected: tuple[int, str]) -> None:
    """Code and reason of the current response."""
    ran = bench.run(xml, section="outbound", context=new_context(response=answer(200)))
    assert (ran.response.status_code, ran.response.reason) == expected


@pytest.mark.parametrize("xml", ['<set-status code="@(101)"/>', '<set-status code="200" reason="@("a\\r\\nb")"/>'])
def test_a_status_line_cannot_be_broken(bench: Bench, xml: str) -> None:
    """No interim status, no second line."""
    with pytest.raises(ExpressionError):
        bench.run(xml, section="outbound")


@pytest.mark.parametrize(("method", "expected"), [("PUT", "PUT"), ('@("PA" + "TCH")', "PATCH"), (" POST ", "POST")])
def test_method(bench: Bench, method: str, expected: str) -> None:
    """The backend gets the new method; the original one stays readable."""
    ran = bench.run(f"<set-method>{method}</set-method>", get("/"))
    assert (ran.request.method, ran.request.original_method) == (expected, "GET")


@pytest.mark.parametrize("method", ["", "G T", "TRACE", "connect", "GET / HTTP/1.1\r\n"])
def test_a_computed_method_is_checked(bench: Bench, method: str) -> None:
    """What is no method, or must not be sent, fails the request."""
    with pytest.raises(ExpressionError):
        bench.run("<set-method>@(context.Variables[&quot;x&quot;])</set-method>", x=method)


def _check(values: str = "", ignore_case: str = "false") -> str:
    return (
        '<check-header name="X" failed-check-httpcode="403" failed-check-error-message="No entry" '
        f'ignore-case="{ignore_case}">{values}</check-header>'
    )


@pytest.mark.parametrize(
    ("headers", "xml", "reason"),
    [
        ([("x", "anything")], _check(), None),
        ([], _check(), "HeaderNotFound"),
        ([("X", "a")], _check("<value>a</value><value>b</value>"), None),
        ([("X", "A")], _check("<value>a</value>"), "HeaderValueNotAllowed"),
        ([("X", "A")], _check("<value>a</value>", "true"), None),
        ([("X", "a"), ("X", "a")], _check("<value>a</value>"), "HeaderValueNotAllowed"),
    ],
    ids="present absent listed case ignored-case twice".split(),
)
def test_check_header(bench: Bench, headers: list[tuple[str, str]], xml: str, reason: str | None) -> None:
    """Presence is enough without values; with values exactly one of them must be there."""
    if reason is None:
        assert bench.run(xml, get("/", headers)).outcome is None
        return
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, get("/", headers))
    assert (caught.value.status, caught.value.reason, caught.value.public_message) == (403, reason, "No entry")


@pytest.mark.parametrize(("x", "expected"), [(1, "one"), (2, "two"), (3, "other")])
def test_choose(bench: Bench, x: int, expected: str) -> None:
    """The first branch that holds runs, and no other."""
    whens = "".join(
        f'<when condition="@((int)context.Variables["x"] == {number})"><set-variable name="r" value="{name}"/></when>'
        for number, name in ((1, "one"), (2, "two"), (2, "never"))
    )
    xml = f'<choose>{whens}<otherwise><set-variable name="r" value="other"/></otherwise></choose>'
    assert bench.run(xml, x=x).variables["r"] == expected


def test_choose_without_a_match(bench: Bench) -> None:
    """Nothing runs."""
    assert bench.run('<choose><when condition="false"><return-response/></when></choose>').outcome is None


class Tracer:
    """Remembers messages; runs nothing itself."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def message(self, source: str, text: str, metadata: Any = ()) -> None:
        self.messages.append((source, text, list(metadata)))


TRACE = '<trace source="s" severity="{0}"><message>@("m" + 1)</message><metadata name="k" value="v"/></trace>'


@pytest.mark.parametrize(("severity", "level"), [("verbose", "debug"), ("information", "info"), ("error", "error")])
def test_trace_writes_a_log_line(bench: Bench, severity: str, level: str) -> None:
    """One structured line of the severity's level; the request is not changed."""
    with capture_logs() as lines:
        ran = bench.run(TRACE.format(severity))
    (line,) = lines
    assert line["log_level"] == level
    assert (line["source"], line["text"], line["metadata"]) == ("s", "m1", {"k": "v"})
    assert line["request_id"] == str(ran.context.request_id)


def test_trace_joins_the_requests_trace(bench: Bench) -> None:
    """A traced request shows the message where it was written."""
    context = new_context(get("/"))
    tracer = Tracer()
    context.tracer = tracer  # type: ignore[assignment]
    (step,) = bench.compile(TRACE.format("verbose")).inbound
    step.apply(context)
    assert tracer.messages == [("s", "m1", [("k", "v")])]
