"""set-header: exactly the header lines that the author meant."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from gateway.tokens.jwt import Jwt
from tests.policies.bench import Bench, answer, get, new_context


def set_header(action: str, *values: str, name: str = "X-A") -> str:
    inner = "".join(f"<value>{value}</value>" for value in values)
    return f'<set-header name="{name}" exists-action="{action}">{inner}</set-header>'


@pytest.mark.parametrize(
    ("present", "action", "values", "expected"),
    [
        ([], "override", ["1"], ["1"]),
        (["0", "9"], "override", ["1", "2"], ["1,2"]),
        (["0"], "skip", ["1"], ["0"]),
        ([""], "skip", ["1"], [""]),
        ([], "skip", ["1"], ["1"]),
        (["0"], "append", ["1", "2"], ["0", "1,2"]),
        ([], "append", ["1"], ["1"]),
        (["0", "9"], "delete", [], []),
        ([], "delete", [], []),
        (["0"], "override", [""], [""]),
        (["0"], "override", ['@("")'], []),
        (["0"], "override", ["@(null)"], []),
        (["0"], "override", ["a", '@("")'], ["a"]),
        (["0"], "append", ["@(null)"], ["0"]),
        (["0"], "override", ['@(" ")'], []),
        (["0"], "override", ["a", '@("\t ")'], ["a"]),
    ],
    ids=(
        "set override skip skip-empty skip-absent append append-absent delete delete-absent literal-empty empty null"
        " one-of-two append-null blank one-blank"
    ).split(),
)
def test_each_action(bench: Bench, present: list[str], action: str, values: list[str], expected: list[str]) -> None:
    """override, skip, append and delete; an expression without a value makes no header (ADR 0044)."""
    ran = bench.run(set_header(action, *values), get("/", [("x-a", value) for value in present]))
    assert list(ran.request.headers.values("X-A")) == expected


def test_every_spelling_is_overridden(bench: Bench) -> None:
    """Any case and underscores for hyphens are the same header."""
    forged = [("caller-objectid", "1"), ("CALLER-ObjectId", "2"), ("caller_objectid", "3")]
    ran = bench.run(set_header("override", "s1", name="Caller-ObjectId"), get("/", forged))
    assert list(ran.request.headers) == [("Caller-ObjectId", "s1")]


def test_lists_that_must_stay_apart(bench: Bench) -> None:
    """Set-Cookie has one line a value."""
    xml = set_header("override", "a=1", "b=2", name="Set-Cookie")
    ran = bench.run(xml, section="outbound", context=new_context(response=answer()))
    assert list(ran.response.headers) == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\x00b", "a\x7fb", "a\x85b", "a\xa0", "\xe9", "a\u2028b"])
def test_a_value_is_one_line_of_ascii(bench: Bench, value: str) -> None:
    """CR, LF, NUL, other controls and characters beyond ASCII fail the request (ADR 0049)."""
    with pytest.raises(ExpressionError):
        bench.run(set_header("override", "@(context.Variables[&quot;x&quot;])"), x=value)


@pytest.mark.parametrize("name", ["a b", "", "Content-Length", "transfer-encoding", "a:b", "a\r\nb"])
def test_a_computed_name_is_checked(bench: Bench, name: str) -> None:
    """A name that is none, or belongs to the connection, fails the request."""
    with pytest.raises(ExpressionError):
        bench.run(set_header("override", "1", name="@(context.Variables[&quot;x&quot;])"), x=name)


TOKEN = "@(((Jwt)context.Variables[&quot;token&quot;]).Subject)"


@pytest.mark.parametrize(
    ("value", "sent"),
    [("alice", ["alice"]), ("al ice", ["al ice"]), (" alice", None), ("alice ", None), ("\talice", None), (" ", [])],
)
@pytest.mark.parametrize("action", ["override", "append", "skip"])
def test_white_space_around_a_claim_is_refused(bench: Bench, action: str, value: str, sent: list[str] | None) -> None:
    """A header cannot carry it, and one identity must not become another (ADR 0049)."""
    token = Jwt.of({}, {"sub": value})
    if sent is None:
        with pytest.raises(ExpressionError):
            bench.run(set_header(action, TOKEN), token=token)
    else:
        assert list(bench.run(set_header(action, TOKEN), token=token).request.headers.values("X-A")) == sent


def test_white_space_around_other_values_is_stripped(bench: Bench) -> None:
    """It is no part of a header's value: RFC 9110 §5.5."""
    xml = set_header("override", "@(&quot;Bearer abc&quot;.Replace(&quot;Bearer&quot;, &quot;&quot;))")
    assert list(bench.run(xml, get("/")).request.headers) == [("X-A", "abc")]


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("a.example", True),
        ("A:8080", True),
        ("[::1]:1", True),
        *[(bad, False) for bad in ["a b", "a/b", "u@a", "a:99999", "a,b", "https://a", "a\r\nb: c", "b\xfccher", "a:"]],
    ],
)
def test_a_computed_host_is_a_host(bench: Bench, host: str, good: bool) -> None:
    """Another backend than the policy's author meant cannot be named by what a caller sent."""
    xml = set_header("override", "@(context.Variables[&quot;x&quot;])", name="Host")
    if good:
        assert list(bench.run(xml, get("/", [("Host", "front")]), x=host).request.headers) == [("Host", host)]
    else:
        with pytest.raises(ExpressionError):
            bench.run(xml, x=host)


@pytest.mark.parametrize(("action", "values"), [("append", ["a"]), ("override", ["a", "b"])])
def test_a_request_has_one_host(bench: Bench, action: str, values: list[str]) -> None:
    """Two of them, on two lines or in one list, never go out."""
    with pytest.raises(ExpressionError):
        bench.run(set_header(action, *values, name="Host"), get("/", [("Host", "front")]))


def test_a_computed_action_is_checked(bench: Bench) -> None:
    """Another action fails the request."""
    with pytest.raises(ExpressionError):
        bench.run(set_header("@(context.Variables[&quot;x&quot;])", "1"), x="keep")


@pytest.mark.parametrize(
    ("xml", "owned"),
    [
        (set_header("override", "1", name="Caller-ObjectId"), {"caller-objectid"}),
        (set_header("skip", "1"), set()),
        (set_header("delete"), set()),
        (set_header("override", "1", name="Authorization"), set()),
    ],
    ids=["override", "skip", "delete", "standard"],
)
def test_what_the_contract_owns(bench: Bench, xml: str, owned: set[str]) -> None:
    """override makes a header the gateway's own on every route of the API."""
    assert bench.compile(xml).owned_headers == owned
