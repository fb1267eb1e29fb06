"""TokenValidator accepts what is good, refuses the rest with APIM's reason, and never remembers across borders."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import KeysUnavailable, TokenError
from gateway.tokens.cache import MAX_REFUSALS, Refused, TokenCache
from gateway.tokens.decrypt import decryption_key_from_secret
from gateway.tokens.extensions import thumbprint
from gateway.tokens.issuer import Issuer, LifeCycle
from gateway.tokens.jwt import Jwt
from gateway.tokens.keys import public_key, secret_key
from gateway.tokens.registry import IssuerRegistry
from gateway.tokens.rules import RequiredClaim, TokenRules
from gateway.tokens.signature import ALGORITHMS
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens.minting import (
    JWKS_URL,
    METADATA_URL,
    NOW,
    SECRET,
    V1,
    V2,
    Clock,
    Site,
    entra_site,
    jwk,
    metadata,
    part,
    private_key,
    public_part,
    rsa_key,
    token,
)

INLINE = KeySources(inline=(public_key(rsa_key().public_key(), "k1"),))
AUDIENCE = TokenRules(audiences=frozenset({"api"}))


def ready(site: Site | None = None, *urls: str) -> tuple[Issuer, ...]:
    """Issuers whose keys are at hand."""
    registry = IssuerRegistry(site or entra_site(), Clock())
    issuers = tuple(registry.issuer(url) for url in urls or (METADATA_URL,))
    for issuer in issuers:
        asyncio.run(issuer.refresh())
    return issuers


def verdict(validator: TokenValidator, text: str, now: float = NOW, **call: Any) -> str:
    """'accepted', or the reason."""
    try:
        assert isinstance(validator.verify(text, now, **call), Jwt)
    except TokenError as error:
        return error.reason
    return "accepted"


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_each_algorithm_inline(algorithm: str) -> None:
    """Each algorithm verifies with an inline key."""
    material = public_part(private_key(algorithm))
    key = secret_key(material) if isinstance(material, bytes) else public_key(material)
    validator = TokenValidator(AUDIENCE, KeySources(inline=(key,)))
    assert verdict(validator, token(algorithm)) == "accepted"
    assert verdict(validator, token(algorithm, aud="x")) == "TokenAudienceNotAllowed"


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"])
def test_each_algorithm_published(algorithm: str) -> None:
    """Each asymmetric algorithm verifies with a published key."""
    validator = TokenValidator(AUDIENCE, KeySources(issuers=ready(entra_site(jwk(private_key(algorithm))))))
    assert verdict(validator, token(algorithm)) == "accepted"


ORDER: list[tuple[str, dict[str, Any], str]] = [
    ("expired and badly signed", {"key": rsa_key("k2"), "exp": NOW - 1}, "TokenSignatureInvalid"),
    ("expired, audience and issuer wrong", {"exp": NOW - 1, "aud": "x", "iss": V1}, "TokenExpired"),
    ("audience and issuer wrong", {"aud": "x", "iss": V1}, "TokenAudienceNotAllowed"),
    ("issuer wrong and claim missing", {"iss": V1}, "TokenIssuerNotAllowed"),
    ("claim missing", {}, "TokenClaimNotFound"),
    ("good", {"roles": ["r"]}, "accepted"),
]


@pytest.mark.parametrize(("changes", "expected"), [case[1:] for case in ORDER], ids=[case[0] for case in ORDER])
def test_order_of_checks(changes: dict[str, Any], expected: str) -> None:
    """Signature, lifetime, audience, issuer, then required claims."""
    rules = TokenRules(audiences=frozenset({"api"}), required_claims=(RequiredClaim("roles"),))
    validator = TokenValidator(rules, KeySources(issuers=ready()))
    assert verdict(validator, token(**changes)) == expected


def test_issuers_are_a_union() -> None:
    """A v2 metadata URL and a listed v1 issuer let both kinds of token pass."""
    validator = TokenValidator(TokenRules(issuers=frozenset({V1})), KeySources(issuers=ready()))
    assert verdict(validator, token()) == verdict(validator, token(iss=V1)) == "accepted"
    assert verdict(validator, token(iss=V1.rstrip("/"))) == "TokenIssuerNotAllowed"


def test_issuers_do_not_mix() -> None:
    """With two metadata documents, A's claims under B's key are refused although both are configured."""
    b, b_url, b_keys = (
        "https://b.example",
        "https://b.example/.well-known/openid-configuration",
        "https://b.example/keys",
    )
    site = entra_site()
    site.documents |= {b_url: metadata(b, b_keys), b_keys: {"keys": [jwk(rsa_key("b"), "k1")]}}
    validator = TokenValidator(
        TokenRules(issuers=frozenset({V2, b})), KeySources(issuers=ready(site, METADATA_URL, b_url))
    )
    assert verdict(validator, token()) == verdict(validator, token(key=rsa_key("b"), iss=b)) == "accepted"
    assert verdict(validator, token(key=rsa_key("b"))) == verdict(validator, token(iss=b)) == "TokenIssuerNotAllowed"


B_ISSUER, B_URL, B_KEYS = (
    "https://b.example",
    "https://inside.b/.well-known/openid-configuration",
    "https://b.example/keys",
)


def _two_issuers() -> tuple[Site, tuple[Issuer, ...], TokenValidator]:
    """Entra's issuer, which is up, and one that is down, listed by hand because it differs from its URL."""
    site = entra_site()
    rules = TokenRules(issuers=frozenset({B_ISSUER}))
    issuers = ready(site, METADATA_URL, B_URL)
    issuers[1].expected = rules.issuers
    return site, issuers, TokenValidator(rules, KeySources(issuers=issuers), TokenCache())


def test_a_key_never_speaks_for_metadata_that_is_down() -> None:
    """A token of a listed issuer under another issuer's key is 503 while its metadata is down, and 401 afterwards."""
    site, issuers, validator = _two_issuers()
    forged = token(iss=B_ISSUER)
    with pytest.raises(KeysUnavailable):
        verdict(validator, forged)
    site.documents |= {B_URL: metadata(B_ISSUER, B_KEYS), B_KEYS: {"keys": [jwk(rsa_key("b"), "k1")]}}
    asyncio.run(issuers[1].refresh())
    assert verdict(validator, forged) == "TokenIssuerNotAllowed"
    assert verdict(validator, token(key=rsa_key("b"), iss=B_ISSUER)) == "accepted"


def test_a_verdict_depends_on_every_issuer_that_was_consulted() -> None:
    """A listed issuer that no metadata states passes only until another metadata document turns out to own it."""
    site, issuers, validator = _two_issuers()
    site.documents |= {B_URL: metadata("https://inside.b", B_KEYS), B_KEYS: {"keys": [jwk(rsa_key("b"), "k1")]}}
    asyncio.run(issuers[1].refresh())
    assert verdict(validator, token(iss=B_ISSUER)) == "accepted"
    site.documents[B_URL] = metadata(B_ISSUER, B_KEYS)
    asyncio.run(issuers[1].refresh())
    assert verdict(validator, token(iss=B_ISSUER)) == "TokenIssuerNotAllowed"


def test_unsigned_tokens() -> None:
    """Unsigned tokens pass only where the policy says so; a signature that is there must verify."""
    unsigned = f"{part({'alg': 'none'})}.{token().split('.')[1]}."
    lenient = TokenValidator(TokenRules(require_signed_tokens=False), INLINE)
    assert verdict(TokenValidator(TokenRules(), INLINE), unsigned) == "TokenSignatureInvalid"
    assert verdict(lenient, unsigned) == "accepted"
    assert verdict(lenient, token(key=rsa_key("k2"))) == "TokenSignatureInvalid"


def test_unsigned_tokens_are_remembered_too() -> None:
    """An unsigned token that the policy lets pass keeps its time in the cache."""
    unsigned = f"{part({'alg': 'none'})}.{token().split('.')[1]}."
    validator = TokenValidator(TokenRules(require_signed_tokens=False), INLINE, TokenCache())
    moments = (NOW, NOW, NOW + 9_999)
    assert [verdict(validator, unsigned, now) for now in moments] == ["accepted", "accepted", "TokenExpired"]


def test_no_keys_at_all() -> None:
    """Without keys every signed token is refused."""
    assert verdict(TokenValidator(TokenRules(), KeySources()), token()) == "TokenSignatureKeyNotFound"


def test_too_long() -> None:
    """The size limit is checked before anything else."""
    assert verdict(TokenValidator(TokenRules(max_token_bytes=100), INLINE), token()) == "JwtInvalid"


def test_encrypted_token_without_key() -> None:
    """An encrypted token without decryption keys is JwtInvalid."""
    assert (
        verdict(TokenValidator(TokenRules(), INLINE), part({"alg": "dir", "enc": "A128GCM"}) + "..AA.AA.AA")
        == "JwtInvalid"
    )


def test_cache_answers_again() -> None:
    """The second look is a hit and the same object."""
    cache = TokenCache()
    validator, text = TokenValidator(AUDIENCE, INLINE, cache), token()
    assert validator.verify(text, NOW) is validator.verify(text, NOW)
    assert (cache.hits, cache.misses) == (1, 1)


def test_cache_can_be_off() -> None:
    """Without a cache, or with an empty one, each look is a full one."""
    text = token()
    for cache in (None, TokenCache(max_entries=0)):
        validator = TokenValidator(AUDIENCE, INLINE, cache)
        assert validator.verify(text, NOW) is not validator.verify(text, NOW)


def test_cached_verdict_ends_with_the_token() -> None:
    """A remembered token is refused at the same moment as a new one, at both ends of its life."""
    validator, text = TokenValidator(AUDIENCE, INLINE, TokenCache()), token(nbf=NOW, exp=NOW + 10)
    moments = {NOW: "accepted", NOW + 10: "accepted", NOW + 10.001: "TokenExpired", NOW - 0.001: "JwtInvalid"}
    for now, expected in moments.items():
        assert verdict(validator, text, now) == expected


def test_cached_verdict_keeps_the_skew() -> None:
    """Clock skew counts in the cache as it does outside."""
    validator = TokenValidator(TokenRules(clock_skew_s=5), INLINE, TokenCache())
    text = token(nbf=NOW, exp=NOW + 10)
    for now, expected in {NOW: "accepted", NOW - 5: "accepted", NOW + 15: "accepted", NOW + 16: "TokenExpired"}.items():
        assert verdict(validator, text, now) == expected


def test_cached_verdicts_without_end() -> None:
    """A token without exp and nbf stays good where exp is not required."""
    rules = TokenRules(require_expiration_time=False)
    validator, text = TokenValidator(rules, INLINE, TokenCache()), token(exp=None, nbf=None)
    assert [verdict(validator, text, now) for now in (0, NOW, 10 * NOW)] == ["accepted"] * 3


def test_cached_verdicts_never_cross_rules_or_validators() -> None:
    """One cache for all: another policy's or another call's rules look for themselves."""
    cache, text = TokenCache(), token()
    one = TokenValidator(AUDIENCE, INLINE, cache)
    other = TokenValidator(AUDIENCE, KeySources(inline=(public_key(rsa_key("k2").public_key(), "k1"),)), cache)
    assert verdict(one, text) == "accepted"
    assert verdict(one, text, rules=AUDIENCE.with_values(audiences=frozenset({"x"}))) == "TokenAudienceNotAllowed"
    assert verdict(other, text) == "TokenSignatureInvalid"
    assert verdict(TokenValidator(TokenRules(types=frozenset({"at+jwt"})), INLINE, cache), text) == "JwtInvalid"


@given(st.integers(0, 400), st.characters(min_codepoint=33, max_codepoint=0x2FF))
def test_cached_verdicts_never_cross_tokens(index: int, character: str) -> None:
    """Changing any character of a remembered token is noticed."""
    validator, text = TokenValidator(AUDIENCE, INLINE, TokenCache()), token()
    assert verdict(validator, text) == "accepted"
    changed = text[:index] + character + text[index + 1 :]
    assert (verdict(validator, changed) == "accepted") == (changed == text)


def test_cached_verdict_ends_with_its_key() -> None:
    """When a key's day after vanishing is over, remembered tokens end with it; any change of the set is a new look."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = IssuerRegistry(site, clock).issuer(METADATA_URL)
        await issuer.refresh()
        cache = TokenCache()
        validator, text = TokenValidator(TokenRules(), KeySources(issuers=(issuer,)), cache), token(exp=NOW + 999_999)
        assert verdict(validator, text) == verdict(validator, text) == "accepted"
        site.documents[JWKS_URL] = {"keys": [jwk(rsa_key("k2"), "k2")]}
        await issuer.refresh()
        assert verdict(validator, text) == "accepted"
        assert cache.hits == 2
        issuer.due = clock.now = NOW + 86_401
        with pytest.raises(TokenError):
            await validator.verify(text, clock.now)  # type: ignore[misc]

    asyncio.run(scenario())


def test_refusals_that_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged or expired token that comes again costs no second signature, and has the same reason."""
    validator = TokenValidator(AUDIENCE, INLINE, TokenCache())
    texts = [token(key=rsa_key("k2"), header={"kid": "k1"}), token(exp=NOW - 1)]
    first = [verdict(validator, text) for text in texts]
    assert first == ["TokenSignatureInvalid", "TokenExpired"]
    monkeypatch.setattr("gateway.tokens.selection.is_signed_by", _never)
    assert [verdict(validator, text) for text in texts] == first


def _never(*_: object) -> bool:
    raise AssertionError("a signature was checked")


def test_a_refusal_ends_when_the_clock_goes_back() -> None:
    """A token that was called expired by a clock running ahead passes once the clock is right."""
    validator, text = TokenValidator(AUDIENCE, INLINE, TokenCache()), token()
    assert verdict(validator, text, NOW + 99_999) == "TokenExpired"
    assert verdict(validator, text) == "accepted"


def test_a_refusal_ends_with_the_keys_it_was_made_under() -> None:
    """A signature that no published key had made is looked at again when other keys are published."""

    async def scenario() -> None:
        site = entra_site()
        issuer = Issuer(METADATA_URL, site, Clock(), LifeCycle())
        await issuer.refresh()
        validator = TokenValidator(TokenRules(), KeySources(issuers=(issuer,)), TokenCache())
        text = token(key=rsa_key("k2"), header={"kid": "k1"})
        assert verdict(validator, text) == "TokenSignatureInvalid"
        site.documents[JWKS_URL] = {"keys": [jwk(rsa_key("k2"), "k1")]}
        await issuer.refresh()
        assert verdict(validator, text) == "accepted"

    asyncio.run(scenario())


def test_other_refusals_are_not_remembered() -> None:
    """A refusal that could later become an acceptance is judged again each time."""
    validator, text = TokenValidator(AUDIENCE, INLINE, TokenCache()), token(nbf=NOW + 10)
    assert verdict(validator, text) == "JwtInvalid"
    assert verdict(validator, text, NOW + 20) == "accepted"


def test_a_flood_of_refusals_pushes_no_verdict_out() -> None:
    """Refusals are bounded, and have their own table."""
    cache = TokenCache()
    validator, good = TokenValidator(AUDIENCE, INLINE, cache), token()
    assert verdict(validator, good) == "accepted"
    refused = Refused.of(TokenError("TokenExpired", ""), (), NOW)
    for number in range(3 * MAX_REFUSALS):
        cache.keep_refused(number.to_bytes(4, "big"), refused)
    assert cache.find_refused((0).to_bytes(4, "big")) is None
    assert cache.find_refused((3 * MAX_REFUSALS - 1).to_bytes(4, "big")) is refused
    assert len(cache) == 1


def test_cached_verdict_needs_its_certificate_again() -> None:
    """A bound token that was seen with its certificate does not pass without it afterwards."""
    certificate = b"DER"
    rules = TokenRules(confirmation="certificate")
    validator, text = TokenValidator(rules, INLINE, TokenCache()), token(cnf={"x5t#S256": thumbprint(certificate)})
    assert verdict(validator, text, certificate=certificate) == "accepted"
    assert verdict(validator, text, certificate=certificate) == "accepted"
    assert verdict(validator, text) == verdict(validator, text, certificate=b"x") == "JwtInvalid"


def test_secret_never_in_repr() -> None:
    """A validator's repr and its keys' reprs show no secret."""
    sources = KeySources(
        inline=(secret_key(SECRET),), decryption=(decryption_key_from_secret("c2VjcmV0c2VjcmV0c2Vjcg=="),)
    )
    assert "secretsecret" not in repr(sources)
    assert "\\x00\\x01" not in repr(sources)


@given(st.text(max_size=80))
def test_any_text_is_refused_with_a_reason(text: str) -> None:
    """No text but a good token passes, and none raises anything but TokenError."""
    assert verdict(TokenValidator(TokenRules(), INLINE, TokenCache()), text) == "JwtInvalid"
