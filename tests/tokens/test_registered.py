"""Registered members have the type that their standard gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import TokenError
from gateway.tokens import registered
from gateway.tokens.registered import PAYLOAD, check_header, check_payload

ODD: list[Any] = [None, True, 1, 1.5, [], {}, [1], ["a", 1], {"a": 1}]


@pytest.mark.parametrize("name", ["alg", "enc", "zip", "typ", "cty", "kid", "jku", "x5u", "x5t", "x5t#S256"])
@pytest.mark.parametrize("value", [*ODD, ["a"]], ids=repr)
def test_header_text(name: str, value: Any) -> None:
    """Header members that are text are nothing else."""
    with pytest.raises(TokenError, match=f"header {name} has"):
        check_header({"alg": "RS256", name: value})


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "../../etc/passwd",
        "..\\x",
        "a\r\nb",
        "a\0",
        "' OR 1=1--",
        '"',
        "`id`",
        "<a>",
        "x" * 513,
        "\u202e",
        "\x7f",
        "a\tb",
    ],
)
def test_kid_that_is_no_name(kid: str) -> None:
    """A key id that could be taken for a path, a query or a line end is refused."""
    with pytest.raises(TokenError, match="header kid"):
        check_header({"alg": "RS256", "kid": kid})


@pytest.mark.parametrize(
    "kid",
    [
        "i6lGk3FZzxRcUb2C3nEQ7syHJlY",
        "bilbo.baggins@hobbiton.example",
        "https://v.vault.azure.net/keys/a/1",
        "a b",
        "A+/=",
        "é",
    ],
)
def test_kid_that_is_a_name(kid: str) -> None:
    """Key ids as issuers write them pass."""
    check_header({"alg": "RS256", "kid": kid})


@pytest.mark.parametrize("crit", [[], ["exp"], ["b64"], "b64", None, {}, [1], ["unknown"], 1], ids=repr)
def test_crit_in_any_form(crit: Any) -> None:
    """We implement no critical extension, so a token that has one is refused."""
    with pytest.raises(TokenError, match="crit is not supported"):
        check_header({"alg": "RS256", "crit": crit})


@pytest.mark.parametrize("value", [False, True, None, "false"], ids=repr)
def test_b64(value: Any) -> None:
    """The unencoded payload option is refused in any form."""
    with pytest.raises(TokenError, match="b64 is not supported"):
        check_header({"alg": "RS256", "b64": value})


def test_alg_is_required() -> None:
    """A header without alg is not a JWS header."""
    with pytest.raises(TokenError, match="header has no alg"):
        check_header({"kid": "k"})


@pytest.mark.parametrize("name", ["jwk", "x5c"])
def test_embedded_keys_have_types_too(name: str) -> None:
    """Members that point at keys are checked although they are never used."""
    with pytest.raises(TokenError):
        check_header({"alg": "RS256", name: "text"})
    check_header({"alg": "RS256", name: {"kty": "RSA"} if name == "jwk" else ["MII"]})


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value", ["1000", None, True, [1], {}, -1, -0.5, 253_402_300_800, float("inf"), float("nan")], ids=repr
)
def test_times(name: str, value: Any) -> None:
    """A NumericDate is a number of a moment between 1970 and 9999, and nothing else."""
    with pytest.raises(TokenError, match=f"claim {name} has"):
        check_payload({name: value})


@pytest.mark.parametrize("value", [0, 1000, 1000.5, 253_402_300_799], ids=repr)
def test_good_times(value: Any) -> None:
    """Fractions are allowed."""
    check_payload({"exp": value})


@pytest.mark.parametrize("name", ["iss", "sub", "jti"])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_claim_text(name: str, value: Any) -> None:
    """iss, sub and jti are text."""
    with pytest.raises(TokenError, match=f"claim {name} has"):
        check_payload({name: value})


@pytest.mark.parametrize("value", [None, True, 1, {}, [1], ["a", None], [["a"]]], ids=repr)
def test_aud(value: Any) -> None:
    """aud is text or a list of text."""
    with pytest.raises(TokenError, match="claim aud has"):
        check_payload({"aud": value})


def test_cnf() -> None:
    """cnf is an object."""
    with pytest.raises(TokenError, match="claim cnf has"):
        check_payload({"cnf": "x"})


VALUES = ["", "a", ["a"], {}, {"x5t#S256": "a"}, 0, 1.5, -1, 253_402_300_799, 253_402_300_800, True, *ODD]


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from([*PAYLOAD, "roles"]), st.sampled_from(VALUES), max_size=5))
def test_the_quick_look_refuses_the_same(payload: dict[str, Any]) -> None:
    """Whatever the claims are: the one expression for usual types changes neither what is refused nor why."""
    assert refusal(check_payload, payload) == refusal(
        lambda claims: registered._check("claim", claims, PAYLOAD), payload
    )


def refusal(check: Callable[[dict[str, Any]], None], payload: dict[str, Any]) -> str:
    try:
        check(payload)
    except TokenError as error:
        return f"{error.reason}: {error.message}"
    return ""
