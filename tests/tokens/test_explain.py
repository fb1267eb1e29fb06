"""explain tells the same story as verify, step by step."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from gateway.errors import KeysUnavailable, TokenError
from gateway.tokens.base64url import encode
from gateway.tokens.checks import CHECKS
from gateway.tokens.descriptions import DESCRIPTIONS
from gateway.tokens.explain import explain
from gateway.tokens.hints import HINTS
from gateway.tokens.jwt import Jwt
from gateway.tokens.validator import TokenValidator
from tests.tokens.explaining import GOOD, RULES, validator
from tests.tokens.minting import (
    NOW,
    V1,
    Site,
    entra_site,
    part,
    rsa_key,
    token,
)


def verify(on: TokenValidator, text: str) -> str:
    """'', a reason, or '503'."""
    try:
        verified = on.verify(text, NOW)
        return "" if isinstance(verified, Jwt) else asyncio.run(verified) and ""  # type: ignore[arg-type]
    except TokenError as error:
        return error.reason
    except KeysUnavailable:
        return "503"


TOKENS: dict[str, str] = {
    "good": token(**GOOD),
    "malformed": "a.b.c",
    "empty": "",
    "unsigned": f"{part({'alg': 'none', 'typ': 'jwt'})}.{token(**GOOD).split('.')[1]}.",
    "algorithm": token(**GOOD, header={"alg": "RS1"}),
    "bad signature": token(key=rsa_key("k2"), **GOOD),
    "unknown kid": token(key=rsa_key("k2"), header={"kid": "k9"}, **GOOD),
    "expired": token(**GOOD, exp=NOW - 5),
    "not yet": token(**GOOD, nbf=NOW + 5),
    "expired and audience": token(**GOOD, exp=NOW - 5, aud="x"),
    "audience": token(**GOOD, aud="x"),
    "issuer": token(**GOOD, iss=V1),
    "no issuer": token(**GOOD, iss=None),
    "type": token(**GOOD, header={"typ": "id"}),
    "lifetime": token(**GOOD, exp=NOW + 9_999),
    "denied": token(**GOOD, jti="bad"),
    "bound": token(**GOOD, cnf={"jkt": "x"}),
    "client": token(**{**GOOD, "azp": "d"}),
    "role": token(**{**GOOD, "roles": ["B"]}),
    "no role": token(azp="c"),
    "scope": token(azp="c", scp="read"),
}


@pytest.mark.parametrize("text", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("site", [entra_site(), Site()], ids=["up", "down"])
def test_same_verdict_as_verify(text: str, site: Site) -> None:
    """Accepted, reason, or 503: explain and verify agree on every token, with the issuer up and down."""
    on = validator(site, **RULES)
    told = explain(on, text, NOW)
    story = "" if told.accepted else told.reason or "503"
    assert story == verify(on, text)


def test_a_bound_token() -> None:
    """A token that is bound to a certificate passes with that certificate only."""
    bound = token(**GOOD, cnf={"x5t#S256": encode(hashlib.sha256(b"mine").digest())})
    on = validator(**RULES, confirmation="certificate")
    verdicts = {shown: explain(on, bound, NOW, certificate=shown).accepted for shown in (b"mine", b"another", None)}
    assert verdicts == {b"mine": True, b"another": False, None: False}


def test_every_check_is_told() -> None:
    """Each check of the validator has its description, and hints name no check that is not there."""
    names = {name for name, _ in CHECKS}
    assert set(DESCRIPTIONS) == names
    assert set(HINTS) <= names
    assert [step.name for step in explain(validator(), token(), NOW).steps] == [
        "format",
        "algorithm",
        "signature",
        *[name for name, _ in CHECKS],
    ]


def test_signature_is_masked() -> None:
    """The explanation contains nothing of the signature."""
    text = token()
    assert text.rpartition(".")[2][:16] not in repr(explain(validator(), text, NOW))


def test_rules_of_the_call() -> None:
    """Rules that expressions gave are explained in place of those of the document."""
    on = validator(**RULES)
    assert explain(on, token(**GOOD), NOW, rules=on.rules.with_values(audiences=frozenset({"y"}))).reason == (
        "TokenAudienceNotAllowed"
    )
