"""explain tells the same story as verify, step by step, with a hint for the usual mistakes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.errors import KeysUnavailable, TokenError
from gateway.tokens.checks import CHECKS
from gateway.tokens.descriptions import DESCRIPTIONS
from gateway.tokens.explain import Explanation, explain
from gateway.tokens.hints import HINTS
from gateway.tokens.issuer import Issuer
from gateway.tokens.jwt import Jwt
from gateway.tokens.keys import public_key
from gateway.tokens.registry import IssuerRegistry
from gateway.tokens.rules import RequiredClaim, ScopeOrRole, TokenRules
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens.minting import (
    METADATA_URL,
    NOW,
    OTHER_TENANT,
    TENANT,
    V1,
    V2,
    Clock,
    Site,
    entra_site,
    part,
    rsa_key,
    token,
)

GRAPH = "00000003-0000-0000-c000-000000000000"


def issuer(site: Site) -> Issuer:
    """An issuer after one attempt to fetch."""
    made = IssuerRegistry(site, Clock()).issuer(METADATA_URL)
    asyncio.run(made.refresh())
    return made


def validator(site: Site | None = None, **rules: Any) -> TokenValidator:
    """On published keys."""
    return TokenValidator(TokenRules(**rules), KeySources(issuers=(issuer(site or entra_site()),)))


def verify(on: TokenValidator, text: str) -> str:
    """'', a reason, or '503'."""
    try:
        verified = on.verify(text, NOW)
        return "" if isinstance(verified, Jwt) else asyncio.run(verified) and ""  # type: ignore[arg-type]
    except TokenError as error:
        return error.reason
    except KeysUnavailable:
        return "503"


RULES: dict[str, Any] = {
    "audiences": frozenset({"api"}),
    "required_claims": (RequiredClaim("roles", ("A",), "any"),),
    "types": frozenset({"jwt"}),
    "max_lifetime_s": 7_200,
    "denied_ids": frozenset({"bad"}),
    "client_ids": frozenset({"c"}),
    "scope_or_role": ScopeOrRole(frozenset({"read"}), frozenset({"A"})),
}
GOOD: dict[str, Any] = {"roles": ["A"], "azp": "c"}
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
    """Nothing of the signature is in the story."""
    text = token()
    assert text.rpartition(".")[2][:16] not in repr(explain(validator(), text, NOW))


def test_expected_and_found() -> None:
    """A failed step shows what was wanted and what was there."""
    told = explain(validator(**RULES), token(**GOOD, aud="x"), NOW)
    (step,) = [step for step in told.steps if step.decisive]
    assert (step.name, step.expected, step.found, step.reason) == ("audience", "api", "x", "TokenAudienceNotAllowed")


def test_rules_of_the_call() -> None:
    """Rules that expressions gave are explained in place of those of the document."""
    on = validator(**RULES)
    assert explain(on, token(**GOOD), NOW, rules=on.rules.with_values(audiences=frozenset({"y"}))).reason == (
        "TokenAudienceNotAllowed"
    )


def hint(told: Explanation, name: str) -> str:
    """The hint of one step."""
    return next(step.hint for step in told.steps if step.name == name)


HINT_CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("lifetime", {}, {"exp": NOW - 7}, "expired 7 s ago"),
    ("lifetime", {}, {"nbf": NOW + 7}, "begins in 7 s"),
    ("lifetime", {}, {"exp": None}, ""),
    ("audience", {"audiences": frozenset({f"api://{TENANT}"})}, {"aud": TENANT}, "v2 tokens carry the client id"),
    ("audience", {"audiences": frozenset({TENANT})}, {"aud": f"api://{TENANT}"}, "v1 tokens carry the App ID URI"),
    ("audience", {"audiences": frozenset({"api"})}, {"aud": GRAPH}, "Microsoft Graph"),
    ("audience", {"audiences": frozenset({"api"})}, {"aud": "x"}, ""),
    ("issuer", {}, {"iss": V1}, "v1.0 token"),
    ("issuer", {}, {"iss": V2 + "/"}, "final slash"),
    ("issuer", {}, {"iss": V2.replace(TENANT, OTHER_TENANT), "tid": OTHER_TENANT}, "another tenant"),
    ("issuer", {}, {"iss": "https://x.example"}, ""),
    ("issuer", {}, {"iss": None}, ""),
    ("required claims", {"required_claims": (RequiredClaim("roles"),)}, {}, "No app role"),
    ("required claims", {"required_claims": (RequiredClaim("scp"),)}, {}, "no scp"),
    ("required claims", {"required_claims": (RequiredClaim("scp", ("a",)),)}, {"scp": "a b"}, 'separator=" "'),
    ("required claims", {"required_claims": (RequiredClaim("oid"),)}, {"oid": None}, "profile scope"),
    ("required claims", {"required_claims": (RequiredClaim("r", ("a,b",)),)}, {"r": "a"}, "one value"),
    ("required claims", {"required_claims": (RequiredClaim("r", ("a",)),)}, {"r": "b"}, ""),
    ("scope or role", {"scope_or_role": ScopeOrRole(frozenset({"a"}))}, {"scp": "b"}, "user's token"),
    ("scope or role", {"scope_or_role": ScopeOrRole(frozenset({"a"}))}, {}, "No app role"),
    ("type", {"types": frozenset({"at+jwt"})}, {}, ""),
]


@pytest.mark.parametrize(("name", "rules", "changes", "expected"), HINT_CASES)
def test_hints(name: str, rules: dict[str, Any], changes: dict[str, Any], expected: str) -> None:
    """The usual mistakes with Entra are named; where nothing is known, nothing is guessed."""
    found = hint(explain(validator(**rules), token(**changes), NOW), name)
    assert expected in found
    assert bool(expected) == bool(found)


def test_v2_token_where_v1_is_accepted() -> None:
    """The mirror image of the commonest mistake."""
    keys = KeySources(inline=(public_key(rsa_key().public_key()),))
    told = explain(TokenValidator(TokenRules(issuers=frozenset({V1})), keys), token(), NOW)
    assert "v2.0 token" in hint(told, "issuer")


KEY_HINTS = [
    (entra_site(), {"header": {"nonce": "x", "kid": "k9"}}, "Microsoft Graph"),
    (entra_site(), {"header": {"kid": "k9"}, "aud": GRAPH}, "Microsoft Graph"),
    (entra_site(), {"header": {"kid": "k9"}}, "?appid="),
    (entra_site(), {"header": {"kid": "k9"}, "iss": "https://x.example"}, ""),
    (Site(), {}, "503"),
]


@pytest.mark.parametrize(("site", "changes", "expected"), KEY_HINTS)
def test_key_hints(site: Site, changes: dict[str, Any], expected: str) -> None:
    """A signature that no key made has its own usual causes."""
    assert expected in hint(explain(validator(site), token(**changes), NOW), "signature")


@pytest.mark.parametrize(("changes", "warned"), [({}, True), ({"oid": "s1"}, False), ({"oid": None}, False)])
def test_subject_is_not_the_object_id(changes: dict[str, Any], warned: bool) -> None:
    """Where sub and oid differ, a note says which one is the object id."""
    assert bool(explain(validator(), token(**changes), NOW).note) is warned
