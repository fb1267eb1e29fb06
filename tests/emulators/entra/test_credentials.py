"""Credentials at the token endpoint: secrets, Basic, assertions, and every way to get them wrong."""

from __future__ import annotations

import base64
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from gateway.emulators.entra.credentials import ASSERTION_TYPE, Assertions, authenticate, with_basic
from gateway.emulators.entra.directory import CLIENT, SERVICE_PRINCIPAL, Application
from gateway.emulators.entra.errors import EntraError
from gateway.emulators.entra.keys import shared_key

KEY = shared_key(0)
PEM = x509.load_der_x509_certificate(KEY.certificate).public_bytes(serialization.Encoding.PEM)
OTHER_PEM = x509.load_der_x509_certificate(shared_key(1).certificate).public_bytes(serialization.Encoding.PEM)
AUDIENCE = "https://127.0.0.1/t/oauth2/v2.0/token"
CLAIMS = {"aud": AUDIENCE, "iss": CLIENT, "sub": CLIENT, "exp": 1100}
APPLICATION = Application(CLIENT, SERVICE_PRINCIPAL, ("right",), ("old",), (OTHER_PEM, PEM))
CHECK = Assertions([AUDIENCE], now=1000.0)


def _assertion(claims: dict[str, Any], alg: str = "RS256") -> dict[str, str]:
    token = jwt.encode(claims, KEY.private, alg)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


@pytest.mark.parametrize(
    ("form", "credential"),
    [
        ({"client_secret": "right"}, "1"),
        (_assertion(CLAIMS), "2"),
        (_assertion(CLAIMS, "PS256"), "2"),
    ],
    ids=["secret", "RS256", "PS256"],
)
def test_accepted(form: dict[str, str], credential: str) -> None:
    """A valid secret gives class 1, a valid assertion class 2."""
    assert authenticate(APPLICATION, form, CHECK) == credential


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ({}, 7000216),
        ({"client_assertion_type": ASSERTION_TYPE}, 7000218),
        ({"client_secret": "wrong"}, 7000215),
        ({"client_secret": "old"}, 7000222),
        ({"client_assertion": "x"}, 900144),
        ({"client_assertion_type": ASSERTION_TYPE, "client_assertion": "x.y.z"}, 700027),
        (_assertion({**CLAIMS, "aud": "https://elsewhere"}), 700027),
        (_assertion({**CLAIMS, "sub": "other"}), 50012),
        (_assertion({**CLAIMS, "iss": "other"}), 50012),
        (_assertion({**CLAIMS, "exp": 1000}), 50012),
        (_assertion({name: value for name, value in CLAIMS.items() if name != "exp"}), 700027),
    ],
    ids=[
        "nothing",
        "type only",
        "wrong secret",
        "expired secret",
        "no type",
        "no token",
        "audience",
        "subject",
        "issuer",
        "expired",
        "no exp",
    ],
)
def test_refused(form: dict[str, str], number: int) -> None:
    """Each mistake has its AADSTS number."""
    with pytest.raises(EntraError) as refused:
        authenticate(APPLICATION, form, CHECK)
    assert refused.value.number == number


def test_no_certificate() -> None:
    """An assertion for an application without certificates is refused."""
    with pytest.raises(EntraError) as refused:
        authenticate(Application(CLIENT, SERVICE_PRINCIPAL), _assertion(CLAIMS), CHECK)
    assert (refused.value.number, refused.value.detail) == (700027, "No certificate is registered.")


def _basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "fields"),
    [
        (_basic("id:s%2Bx"), {"client_id": "id", "client_secret": "s+x", "a": "1"}),
        ("Bearer x", {"a": "1"}),
        ("Basic !", {"a": "1"}),
        ("", {"a": "1"}),
    ],
    ids=["basic", "bearer", "broken", "absent"],
)
def test_with_basic(authorization: str, fields: dict[str, str]) -> None:
    """Basic adds id and secret, decoded; any other authorization does not change the form."""
    assert with_basic({"a": "1"}, authorization) == fields
