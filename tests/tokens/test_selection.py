"""Which key is tried, and what is said when none fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import TokenError
from gateway.tokens.compact import Jws, parse
from gateway.tokens.keys import Key, public_key, secret_key
from gateway.tokens.keyset import InlineKeys, KeySet
from gateway.tokens.rules import TokenRules
from gateway.tokens.selection import MAX_TRIED, Offer, check_algorithm, find_signer, key_id
from tests.tokens.minting import SECRET, TENANT, V1, V2, part, private_key, public_part, rsa_key, token


def rsa(name: str, kid: str | None = "same", **members: Any) -> Key:
    """The public half of a named key."""
    return public_key(rsa_key(name).public_key(), kid, **members)


def inline(*keys: Key) -> Offer:
    """Keys of the policy."""
    keyset = KeySet(None, keys)
    return InlineKeys(keyset), keyset


def published(issuer: str, *keys: Key) -> Offer:
    """Keys of a metadata document."""
    keyset = KeySet(issuer, keys)
    return InlineKeys(keyset), keyset


def jws(text: str) -> Jws:
    """Parsed."""
    parsed = parse(text)
    assert isinstance(parsed, Jws)
    return parsed


def signed(kid: str | None, name: str = "k1", **header: Any) -> Jws:
    """A token signed with the named RSA key."""
    return jws(token(key=rsa_key(name), header={"kid": kid, **header}))


def outcome(text: Jws, *offers: Offer) -> str:
    """'signed', or the reason."""
    try:
        find_signer(text, [inline(), *offers])
    except TokenError as error:
        return error.reason
    return "signed"


K1, K2 = rsa("k1", "k1"), rsa("k2", "k2")
CASES: dict[str, tuple[Jws, Offer, str]] = {
    "inline, its id": (signed("k1"), inline(K1, K2), "signed"),
    "inline, no kid": (signed(None, "k2"), inline(K1, K2), "signed"),
    "inline, id of another key": (signed("k1", "k2"), inline(K1, K2), "signed"),
    "inline, unknown id": (signed("other", "k2"), inline(K1, K2), "signed"),
    "inline, unknown id and key": (signed("other", "k3"), inline(K1, K2), "TokenSignatureKeyNotFound"),
    "inline, known id, unknown key": (signed("k1", "k3"), inline(K1, K2), "TokenSignatureInvalid"),
    "inline, key without id": (signed("other"), inline(rsa("k1", None)), "signed"),
    "published, its kid": (signed("k1"), published(V2, K1, K2), "signed"),
    "published, no kid": (signed(None, "k2"), published(V2, K1, K2), "signed"),
    "published, kid of another key": (signed("k1", "k2"), published(V2, K1, K2), "TokenSignatureInvalid"),
    "published, unknown kid": (signed("other"), published(V2, K1, K2), "TokenSignatureKeyNotFound"),
    "published, key without kid": (signed("other"), published(V2, rsa("k1", None)), "signed"),
    "published, by x5t": (signed(None, x5t="t"), published(V2, rsa("k1", "z", x5t="t"), K2), "signed"),
    "no keys": (signed("k1"), published(V2), "TokenSignatureKeyNotFound"),
    "no keys, no kid": (signed(None), published(V2), "TokenSignatureKeyNotFound"),
    "key of another type": (jws(token("ES256")), published(V2, K1), "TokenSignatureInvalid"),
    "HMAC against a public key": (jws(token("HS256")), published(V2, K1), "TokenSignatureInvalid"),
    "HMAC": (jws(token("HS256")), inline(secret_key(SECRET)), "signed"),
}


@pytest.mark.parametrize(("text", "offer", "expected"), CASES.values(), ids=CASES)
def test_selection(text: Jws, offer: Offer, expected: str) -> None:
    """In a published set the kid filters; among the policy's own keys it only says which to try first."""
    assert outcome(text, offer) == expected


def test_same_kid_at_two_issuers() -> None:
    """Each issuer's tokens verify with its own key, in whatever order the sets come."""
    a, b = published(V2, rsa("k1")), published(V1, rsa("k2"))
    for offers in ([a, b], [b, a]):
        assert find_signer(jws(token(key=rsa_key("k1"), header={"kid": "same"})), offers).keyset is a[1]
        assert find_signer(jws(token(key=rsa_key("k2"), header={"kid": "same"}, iss=V1)), offers).keyset is b[1]


def test_shared_key_counts_for_the_named_issuer() -> None:
    """A key in both of a tenant's sets counts as that of the issuer that the token names."""
    v2, v1 = published(V2, rsa("k1")), published(V1, rsa("k1"))
    assert find_signer(jws(token(header={"kid": "same"}, iss=V1)), [v2, v1]).keyset is v1[1]


def test_tries_are_bounded() -> None:
    """A token without kid costs a bounded number of verifications."""
    others = [rsa("k2", str(number)) for number in range(MAX_TRIED)]
    assert outcome(signed(None), published(V2, *others, K1)) == "TokenSignatureInvalid"
    assert outcome(signed(None), published(V2, *others[:-1], K1)) == "signed"


def test_keys_that_do_not_suit_are_not_tried() -> None:
    """Keys of another type cost no verification, so however many there are, the right one has its turn."""
    others = [public_key(public_part(private_key("ES256")), str(number)) for number in range(MAX_TRIED)]
    assert outcome(signed(None), published(V2, *others, K1)) == "signed"


@pytest.mark.parametrize(
    "algorithm", ["None", "NONE", "nOnE", "", "RS1", "HS1", "ES256K", "RSA-OAEP", "rs256", "RS256 "]
)
def test_algorithms_outside_the_list(algorithm: str) -> None:
    """Any other spelling or algorithm is refused before a key is looked for."""
    text = jws(f"{part({'alg': algorithm})}.{part({})}.AAAA")
    with pytest.raises(TokenError) as refused:
        check_algorithm(text, TokenRules(require_signed_tokens=False))
    assert refused.value.reason == "JwtInvalid"


@pytest.mark.parametrize(
    ("signature", "required", "passes"),
    [("", True, False), ("", False, True), ("AAAA", False, False), ("AAAA", True, False)],
)
def test_unsigned(signature: str, required: bool, passes: bool) -> None:
    """alg none passes only where the policy says so, and only without a signature."""
    text = jws(f"{part({'alg': 'none'})}.{part({})}.{signature}")
    rules = TokenRules(require_signed_tokens=required)
    if passes:
        check_algorithm(text, rules)
        assert find_signer(text, [inline(K1)]).key is None
        return
    with pytest.raises(TokenError) as refused:
        check_algorithm(text, rules)
    assert refused.value.reason == "TokenSignatureInvalid"


def test_allow_list_binds_rightly_signed_tokens() -> None:
    """An algorithm outside the policy's list is refused even with a good signature."""
    with pytest.raises(TokenError, match="algorithm is not allowed"):
        check_algorithm(signed("k1"), TokenRules(algorithms=frozenset({"ES256"})))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"kid": "k", "x5t": "t"}, "k"),
        ({"x5t": "t"}, "t"),
        ({"x5t#S256": "t"}, None),
        ({}, None),
    ],
    ids=["both", "thumbprint", "other thumbprint", "neither"],
)
def test_key_id(header: dict[str, Any], expected: str | None) -> None:
    """kid comes before x5t."""
    assert key_id(jws(f"{part({'alg': 'RS256', **header})}.{part({})}.AAAA")) == expected


def test_key_id_that_is_no_text() -> None:
    """Whatever else stands there names no key."""
    text = jws(f"{part({'alg': 'RS256'})}.{part({})}.AAAA")
    assert key_id(replace(text, header={"alg": "RS256", "kid": 7})) is None


def test_a_template_speaks_for_the_tenant_of_the_token() -> None:
    """A key of a tenant's set and of all tenants' counts as that of the template which names the token's issuer."""
    tenant, template = published(V1, rsa("k1")), published(V2.replace(TENANT, "{tenantid}"), rsa("k1"))
    found = find_signer(jws(token(header={"kid": "same"}, iss=V2, tid=TENANT)), [tenant, template])
    assert found.keyset is template[1]


def test_messages() -> None:
    """Each refusal has its own text: on-error sections and logs tell them apart by it."""
    unsigned, foreign = jws(f"{part({'alg': 'none'})}.{part({})}."), jws(f"{part({'alg': 'X'})}.{part({})}.AAAA")
    offer = published(V2, K2)
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: check_algorithm(unsigned, TokenRules()), "The token is unsigned."),
        (lambda: check_algorithm(foreign, TokenRules()), "The token's algorithm is not allowed."),
        (lambda: find_signer(signed("k1"), [offer]), "No key matches."),
        (lambda: find_signer(signed("k2"), [offer]), "Keys were tried, none matches."),
    ]
    for refuse, text in refusals:
        with pytest.raises(TokenError) as refused:
            refuse()
        assert refused.value.message == f"Signature validation failed. {text} Access denied."
