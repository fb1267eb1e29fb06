"""validate-parameters: what URL and headers of a request may carry, by template, list and OpenAPI definition."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import PolicyError
from gateway.openapi import OperationDefinition
from gateway.wire.messages import Request
from gateway.wire.work import WorkExceeded
from tests.policies.bench import Bench, Ran, get, post
from tests.policies.operation import called


@pytest.mark.parametrize(
    ("url", "headers", "inner", "refused"),
    [
        ("/?a=1", [], "", False),
        ("/?b=1", [], "", True),
        ("/?b=1", [], '<query><parameter name="B" action="ignore"/></query>', False),
        ("/?c=1", [], '<query unspecified-parameter-action="ignore"/>', False),
        ("/", [("X-A", "1")], "", False),
        ("/", [("X-A", "1")], "<headers/>", True),
        ("/", [("X-A", "1")], '<headers><parameter name="x-a" action="ignore"/></headers>', False),
    ],
    ids="declared unspecified listed kind header-ignored header header-listed".split(),
)
def test_validate_parameters(bench: Bench, url: str, headers: list[tuple[str, str]], inner: str, refused: bool) -> None:
    """What the URL template declares, or the policy lists, may come; headers are looked at where they are named."""
    xml = (
        '<validate-parameters specified-parameter-action="prevent" unspecified-parameter-action="prevent">'
        f"{inner}</validate-parameters>"
    )
    request = get(url, headers)
    request.matched_query = frozenset({"a"})
    if refused:
        with pytest.raises(PolicyError) as caught:
            bench.run(xml, request)
        assert caught.value.status == 400
    else:
        assert bench.run(xml, request).outcome is None


GOOD_HEADERS = [("If-Match", '"x"')]


def _parameters(
    bench: Bench, definition: OperationDefinition, request: Request, path: str, inner: str, act: str
) -> Ran:
    request.matched_parameters = {"id": path}
    xml = (
        f'<validate-parameters specified-parameter-action="{act}" unspecified-parameter-action="{act}"'
        f' errors-variable-name="e">{inner}</validate-parameters>'
    )
    return bench.run(xml, context=called(definition, request))


IGNORE_TAG = '<query><parameter name="tag" action="ignore" /></query>'


PARAMETERS: list[tuple[str, str, list[tuple[str, str]], str, tuple[str, str, str] | None]] = [
    ("1", "/?limit=10&tag=a&tag=b", GOOD_HEADERS, "", None),
    ("0", "/", GOOD_HEADERS, "", ("id", "PathParameter", "IncorrectMessage")),
    ("x", "/", GOOD_HEADERS, "", ("id", "PathParameter", "IncorrectMessage")),
    ("0", "/", GOOD_HEADERS, '<path specified-parameter-action="ignore" />', None),
    ("1", "/?limit=11", GOOD_HEADERS, "", ("limit", "QueryParameter", "IncorrectMessage")),
    ("1", "/?limit=1&LIMIT=2", GOOD_HEADERS, "", ("limit", "QueryParameter", "IncorrectMessage")),
    ("1", "/?%6Cimit=11", GOOD_HEADERS, "", ("limit", "QueryParameter", "IncorrectMessage")),
    ("1", "/?tag=c", GOOD_HEADERS, "", ("tag", "QueryParameter", "IncorrectMessage")),
    ("1", "/?tag=c", GOOD_HEADERS, IGNORE_TAG, None),
    ("1", "/?other=1", GOOD_HEADERS, "", ("other", "QueryParameter", "Unspecified")),
    ("1", "/?other=1", GOOD_HEADERS, '<query unspecified-parameter-action="ignore" />', None),
    ("1", "/", [], "", ("If-Match", "RequestHeader", "IncorrectMessage")),
    ("1", "/", [("If-Match", "x")], "", ("If-Match", "RequestHeader", "IncorrectMessage")),
    ("1", "/", [("if_match", '"x"')], "", None),
    ("1", "/", [*GOOD_HEADERS, ("User-Agent", "x")], "", ("user-agent", "RequestHeader", "Unspecified")),
    ("1", "/", [*GOOD_HEADERS, ("User-Agent", "x")], '<headers unspecified-parameter-action="ignore" />', None),
    ("1", "/", [*GOOD_HEADERS, ("Host", "x"), ("X-Forwarded-For", "192.0.2.1")], "", None),
]


@pytest.mark.parametrize(("path", "url", "headers", "inner", "found"), PARAMETERS)
def test_parameters(
    bench: Bench,
    definition: OperationDefinition,
    path: str,
    url: str,
    headers: list[tuple[str, str]],
    inner: str,
    found: tuple[str, str, str] | None,
) -> None:
    """Path, query and headers are checked against the definition; prevent refuses with 400, detect only tells."""
    if found is None:
        assert _parameters(bench, definition, post("", url, headers), path, inner, "prevent").variables == {}
        return
    with pytest.raises(PolicyError) as caught:
        _parameters(bench, definition, post("", url, headers), path, inner, "prevent")
    assert (caught.value.status, caught.value.reason) == (400, "Bad request")
    told: Any = _parameters(bench, definition, post("", url, headers), path, inner, "detect").variables["e"]
    assert [(each["Name"], each["Type"], each["ValidationRule"]) for each in told] == [found]
    assert {each["Action"] for each in told} == {"detect"}


def test_every_error_is_told(bench: Bench, definition: OperationDefinition) -> None:
    """The variable holds them all, in APIM's form and without any value."""
    told: Any = _parameters(bench, definition, post("", "/?limit=secret&x=1"), "secret", "", "detect").variables["e"]
    assert [each["Details"] for each in told] == [
        "Value of the path parameter id does not conform to the definition. (root): type",
        "Value of the query parameter limit does not conform to the definition. (root): type",
        "Unspecified query parameter x is not allowed.",
        "The required header If-Match is missing.",
    ]


def test_checks_draw_from_the_budget(bench: Bench, definition: OperationDefinition) -> None:
    """The time that checking a parameter takes is the request's; once it is used up, nothing more is checked."""
    context = called(definition, post("{}", "/?tag=a&tag=b", GOOD_HEADERS))
    context.request.matched_parameters = {"id": "7"}
    before = context.work.time_s
    xml = '<validate-parameters specified-parameter-action="prevent" unspecified-parameter-action="ignore"/>'
    bench.run(xml, context=context)
    assert context.work.time_s < before
    context.work.used(before)
    context.request = post("{}", "/?" + "&".join(["tag=a"] * 200), GOOD_HEADERS)
    context.request.matched_parameters = {"id": "7"}
    with pytest.raises(WorkExceeded):
        bench.run(xml, context=context)
