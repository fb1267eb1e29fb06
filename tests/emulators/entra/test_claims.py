"""Access tokens say what the real ones say, in each of the four shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.emulators.entra.authority import Authority
from gateway.emulators.entra.claims import TokenKind, Validity, access_token_claims, pairwise
from gateway.emulators.entra.directory import API, CLIENT, TENANT, USER
from tests import published

REAL = Authority("https://login.microsoftonline.com", real_issuers=True)
NOW = 1_700_000_300.0


def _claims(version: int, app_only: bool, **given: Any) -> dict[str, Any]:
    return access_token_claims(TokenKind(version, app_only), REAL, Validity(NOW, 3600), given)


@published.needs(published.ENTRA)
@pytest.mark.parametrize(
    ("shape", "version", "app_only", "given"),
    [
        ("shape-v1-app-only", 1, True, {}),
        ("shape-v1-app-only-cert", 1, True, {"roles": ("Task.Read",), "idtyp": "app", "azpacr": "2"}),
        ("shape-v2-app-only", 2, True, {"roles": ("Reader",)}),
        ("shape-v2-app-only-idtyp", 2, True, {"roles": ("Reader", "Writer"), "idtyp": "app"}),
        ("shape-v2-app-only-noroles", 2, True, {}),
        ("shape-v1-delegated", 1, False, {}),
        ("shape-v2-delegated", 2, False, {"scp": "access_as_user Files.Read"}),
        ("shape-v2-delegated-roles", 2, False, {"roles": ("Approver",)}),
    ],
)
def test_shapes(shape: str, version: int, app_only: bool, given: dict[str, Any]) -> None:
    """A token has exactly the claims of its shape in the corpus, and equal values where they are not random."""
    tokens = json.loads((published.ENTRA / "tokens.sample.json").read_bytes())["tokens"]
    sample = next(token["claims"] for token in tokens if token["id"] == shape)
    claims = _claims(version, app_only, **given)
    assert set(claims) == set(sample)
    fixed = set(sample) - {"aio", "rh", "uti", "sub", "aud", "scp"}
    assert {name: claims[name] for name in fixed} == {name: sample[name] for name in fixed}


@pytest.mark.parametrize("version", [1, 2])
def test_app_only_identity(version: int) -> None:
    """An application's subject is its object id, whichever is given; it has no scopes."""
    claims = _claims(version, True, oid="o-1")
    assert (claims["sub"], claims["oid"]) == ("o-1", "o-1")
    assert "scp" not in claims


def test_delegated_identity() -> None:
    """A user's subject is pairwise: another for each API, never the object id."""
    subjects = {_claims(2, False, aud=audience)["sub"] for audience in (API, "other", "other")}
    assert len(subjects) == 2
    assert USER not in subjects
    assert pairwise(USER, "other") in subjects


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"tid": "t-1"}, "iss", "https://login.microsoftonline.com/t-1/v2.0"),
        ({"iss": "https://other"}, "iss", "https://other"),
        ({"appid": "c-1"}, "azp", "c-1"),
        ({"roles": {"B", "A"}}, "roles", ["A", "B"]),
        ({"aud": ["a", "b"]}, "aud", ["a", "b"]),
        ({"tid": None}, "tid", None),
        ({"extra": {"a": 1}}, "extra", {"a": 1}),
    ],
    ids=["issuer follows tenant", "issuer given", "appid is azp", "set", "list", "removed", "unknown claim"],
)
def test_given(given: dict[str, Any], name: str, value: object) -> None:
    """What is given replaces the default, None removes it, and dependent claims follow."""
    assert _claims(2, True, **given).get(name) == value


def test_azp_is_appid_in_v1() -> None:
    """Version 1 tokens name the client in ``appid``."""
    claims = _claims(1, True, azp=CLIENT)
    assert claims["appid"] == CLIENT
    assert "azp" not in claims


@pytest.mark.parametrize(
    ("lifetime_s", "expected"),
    [(3600, (NOW - 300, NOW + 3600)), (60, (NOW - 300, NOW + 60)), (-60, (NOW - 360, NOW - 60))],
    ids=["hour", "minute", "expired"],
)
def test_validity(lifetime_s: float, expected: tuple[float, float]) -> None:
    """Tokens start five minutes back, as the service's do, and also an expired one was valid once."""
    claims = Validity(NOW, lifetime_s).claims()
    assert (claims["nbf"], claims["exp"]) == expected
    assert claims["iat"] == claims["nbf"]


def test_default_tenant() -> None:
    """Without further words a token is of the documentation tenant."""
    assert _claims(2, True)["tid"] == TENANT
