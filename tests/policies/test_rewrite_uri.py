"""rewrite-uri: the URL that the backend gets."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError, PolicyError
from tests.policies.bench import Bench, get, new_context


def rewritten(
    bench: Bench,
    template: str,
    url: str = "/get?a=1&c=2",
    copy: str = "true",
    url_template: str = "/get?a={b}",
    **more: str,
) -> str:
    """The URL after rewrite-uri; *more* are the matched parameters."""
    context = new_context(get(url), url_template=url_template)
    context.request.matched_parameters = more or {"b": "1"}
    context.request.matched_query = frozenset({"a"})
    xml = f'<rewrite-uri template="{template}" copy-unmatched-params="{copy}"/>'
    return bench.run(xml, context=context).url


@pytest.mark.parametrize(
    ("template", "copy", "expected"),
    [
        ("/put", "true", "/put?c=2"),
        ("/put", "false", "/put"),
        ("/put/{b}", "true", "/put/1?c=2"),
        ("/put?x={b}", "false", "/put?x=1"),
        ("/put?c=9", "true", "/put?c=9"),
        ("put", "false", "/put"),
        ("/", "false", "/"),
        ("/a%20b/ü/100%", "false", "/a%20b/%C3%BC/100%25"),
        ('@("/x" + "?y=1")', "true", "/x?y=1&c=2"),
    ],
    ids="copied dropped path query clash no-slash root escaped expression".split(),
)
def test_the_table_of_the_reference(bench: Bench, template: str, copy: str, expected: str) -> None:
    """Reference section 11: unmatched query parameters are copied unless that is off or the template has its own."""
    assert rewritten(bench, template, copy=copy) == expected


@pytest.mark.parametrize(
    ("template", "value", "url_template", "expected"),
    [
        ("/x/{b}", "a b/c?d#e", "/{b}", "/x/a%20b%2Fc%3Fd%23e"),
        ("/x?y={b}", "a&b=c+d", "/{b}", "/x?y=a%26b%3Dc%2Bd"),
        ("/x/{b}", "a/b c", "/{*b}", "/x/a/b%20c"),
        ("/x/{*b}", "a/b", "/{*b}", "/x/a/b"),
        ("/x/{b}", "%2e\r\n", "/{b}", "/x/%252e%0D%0A"),
    ],
    ids=["one segment", "query", "rest", "rest written out", "control characters"],
)
def test_parameters_are_encoded(bench: Bench, template: str, value: str, url_template: str, expected: str) -> None:
    """A value stays where it was put: only a wildcard's may bring slashes."""
    assert rewritten(bench, template, copy="false", url_template=url_template, b=value) == expected


def test_a_wildcard_without_a_name(bench: Bench) -> None:
    """``/*`` is matched under the key ``*``."""
    assert rewritten(bench, "/x/{*}", copy="false", url_template="/*", **{"*": "a/b"}) == "/x/a/b"


@pytest.mark.parametrize("value", ["..", "a/../b", "."], ids=["parent", "inside", "self"])
def test_a_parameter_cannot_climb(bench: Bench, value: str) -> None:
    """A parameter from the query is not checked like a path, so dot segments are refused here."""
    with pytest.raises(PolicyError) as caught:
        rewritten(bench, "/x/{b}/y", url_template="/{*b}", b=value)
    assert caught.value.status == 400


def test_a_parameter_must_be_the_operations(bench: Bench) -> None:
    """The operation does not have it: the request fails."""
    with pytest.raises(ExpressionError):
        rewritten(bench, "/x/{nope}")
