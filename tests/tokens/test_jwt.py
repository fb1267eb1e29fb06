"""Jwt shows a token's members as APIM's type does; read_unverified never raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tokens.jwt import Jwt, claim_values, read_unverified, without_scheme
from tests.tokens.minting import part, token

TEXTS: list[tuple[Any, tuple[str, ...]]] = [
    ("a", ("a",)),
    ("", ("",)),
    (None, ("",)),
    (True, ("true",)),
    (False, ("false",)),
    (1, ("1",)),
    (-7, ("-7",)),
    (1.0, ("1",)),
    (1.5, ("1.5",)),
    (1e20, ("1E+20",)),
    (["a", "b"], ("a", "b")),
    ([], ()),
    ([1, True, None, {"x": 1}, ["y"]], ("1", "true", "", '{"x":1}', '["y"]')),
    ({"x": [1, "é"]}, ('{"x":[1,"é"]}',)),
]


@pytest.mark.parametrize(("value", "expected"), TEXTS, ids=[repr(value).replace("é", "e") for value, _ in TEXTS])
def test_claim_text(value: Any, expected: tuple[str, ...]) -> None:
    """Claims become text as in APIM."""
    assert claim_values(value) == expected


def test_members() -> None:
    """Every member comes from its header or claim."""
    payload = {"aud": ["a", "b"], "exp": 1000.9, "iat": 0, "nbf": 5, "jti": "j", "iss": "i", "sub": "s", "n": 1}
    jwt = Jwt.of({"alg": "RS256", "typ": "JWT"}, payload)
    assert (jwt.algorithm, jwt.type, jwt.audiences, jwt.id, jwt.issuer, jwt.subject) == (
        ("RS256", "JWT", ("a", "b"), "j", "i", "s")
    )
    assert jwt.expiration_time == datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC)
    assert jwt.issued_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert jwt.not_before == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert jwt.claims["n"] == ("1",)


def test_absent_members() -> None:
    """What a token lacks is None, or no audience at all."""
    jwt = Jwt.of({"alg": "RS256"}, {})
    assert jwt.audiences == ()
    assert [jwt.type, jwt.id, jwt.issuer, jwt.subject, jwt.expiration_time, jwt.issued_at, jwt.not_before] == [None] * 7


@pytest.mark.parametrize("value", ["1000", True, 1e18, 10**19, None], ids=repr)
def test_moments_that_are_none(value: Any) -> None:
    """A time that is no number, or beyond the calendar, is None."""
    assert Jwt.of({}, {"exp": value}).expiration_time is None


def test_read_only() -> None:
    """A cached token is shared between requests, so no policy can change it."""
    jwt = Jwt.of({"alg": "RS256"}, {"sub": "s"})
    for mapping in (jwt.header, jwt.payload, jwt.claims):
        with pytest.raises(TypeError):
            mapping["x"] = "y"  # type: ignore[index]


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer   ", "BEARER ", " Bearer "])
def test_read_unverified(prefix: str) -> None:
    """A bare token and a whole header value are both read."""
    jwt = read_unverified(prefix + token())
    assert jwt is not None
    assert jwt.subject == "s1"


def test_padding_is_forgiven_when_nothing_is_verified() -> None:
    """AsJwt reads tokens as sloppy tools write them."""
    assert read_unverified(f"{part({'alg': 'x'})}==.{part({'sub': 'é'})}=.") is not None


UNREADABLE = {
    "empty": "",
    "Basic": "Basic YTpi",
    "two parts": "a.b",
    "not base64": "?.?.?",
    "no alg": f"{part({})}.{part({})}.",
    "payload is a list": f"{part({'alg': 'x'})}.{part([])}.",
    "surrogate": "\ud800.a.b",
    "too long": f"{part({'alg': 'x'})}.{part({'a': 'b' * 200_000})}.",
    "deep": part({"alg": "x"}) + "." + part(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}") + ".",
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable(text: str) -> None:
    """What is not a JWT is None."""
    assert read_unverified(text) is None


@given(st.text(max_size=60))
def test_read_unverified_never_raises(text: str) -> None:
    """Any text gives a Jwt or None."""
    assert read_unverified(text) is None or isinstance(read_unverified(text), Jwt)


@pytest.mark.parametrize(
    ("text", "rest"),
    [("Bearer x", "x"), ("bEARER   x ", "x"), ("Basic x", None), ("Bearer", None), ("", None), ("Bearerx", None)],
)
def test_scheme(text: str, rest: str | None) -> None:
    """The scheme is compared in any case, with one space or more behind it."""
    assert without_scheme(text) == rest
