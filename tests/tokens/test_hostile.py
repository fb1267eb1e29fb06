"""Hostile tokens of every class that we know, put to one validator on published keys: refused, and no fetch made."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import TokenError
from gateway.tokens.base64url import encode
from gateway.tokens.cache import TokenCache
from gateway.tokens.issuer import Issuer
from gateway.tokens.registry import IssuerRegistry
from gateway.tokens.rules import RequiredClaim, TokenRules
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens.minting import (
    METADATA_URL,
    NOW,
    Clock,
    Site,
    claims,
    entra_site,
    jwk,
    part,
    private_key,
    raw_token,
    rsa_key,
    token,
)

ATTACKER = rsa_key("attacker")
PEM = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
GOOD = claims(roles=["A"])
HEADER: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": "k1"}


def forged(**header: Any) -> str:
    """Signed by the attacker, with header members that offer his key."""
    return raw_token({**HEADER, **header}, GOOD, ATTACKER)


def payload(text: str) -> str:
    """Rightly signed, over a payload written by hand."""
    return raw_token(HEADER, text)


def without(name: str) -> dict[str, Any]:
    """Good claims without one."""
    return {key: value for key, value in GOOD.items() if key != name}


def unsigned(algorithm: str, signature: str = "") -> str:
    """No signature, or a made-up one."""
    return f"{part({**HEADER, 'alg': algorithm})}.{part(GOOD)}.{signature}"


def hmac_token(secret: bytes) -> str:
    """HMAC with a secret of the attacker's choice, named after the issuer's key."""
    return raw_token({**HEADER, "alg": "HS256"}, GOOD, secret, "HS256")


PUBLIC = rsa_key().public_key()
TEXT = json.dumps(GOOD)
CRITS: tuple[Any, ...] = ([], ["exp"], "b64", None, [1], {})
HOSTILE: dict[str, str] = {
    **{f"alg {name!r}": unsigned(name) for name in ("none", "None", "NONE", "nOnE", "none ", "", "\u212aone")},
    "none with a signature": unsigned("none", "AAAA"),
    "signature cut off": unsigned("RS256"),
    "HMAC with the PEM": hmac_token(b"x" + PEM),
    "HMAC with the DER": hmac_token(PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    "HMAC with n": hmac_token(PUBLIC.public_numbers().n.to_bytes(256, "big")),
    "HMAC with the JWK": hmac_token(json.dumps(jwk(rsa_key())).encode()),
    "algorithm of another key type": raw_token({**HEADER, "alg": "ES256"}, GOOD, private_key("ES256"), "ES256"),
    "algorithm outside the list": raw_token({**HEADER, "alg": "PS384"}, GOOD, None, "PS384"),
    "jwk": forged(jwk=jwk(ATTACKER)),
    "jku": forged(jku="https://evil.example/keys"),
    "jku to the issuer's host": forged(jku="https://login.microsoftonline.com@evil.example/keys"),
    "x5u": forged(x5u="file:///etc/passwd"),
    "x5c": forged(x5c=["AAAA"]),
    "jwk with kid of its own": forged(jwk=jwk(ATTACKER, "mine"), kid="mine"),
    **{
        f"kid {ascii(kid)[:30]}": raw_token({**HEADER, "kid": kid}, GOOD)
        for kid in (
            "../../dev/null",
            "k1\r\n",
            "k1'--",
            "K1",
            "k1 ",
            " k1",
            "",
            "x" * 5_000,
            1,
            None,
            ["k1"],
            {"k1": 1},
            True,
        )
    },
    **{f"crit {crit!r}": raw_token({**HEADER, "crit": crit}, GOOD) for crit in CRITS},
    "b64 false": raw_token({**HEADER, "b64": False, "crit": ["b64"]}, GOOD),
    "duplicate alg": raw_token('{"alg":"RS256","kid":"k1","alg":"RS256"}', GOOD),
    "duplicate sub": payload(TEXT[:-1] + ',"sub":"admin"}'),
    "duplicate by escape": payload(TEXT[:-1] + ',"s\\u0075b":"admin"}'),
    "byte-order mark": payload("\ufeff" + TEXT),
    "half surrogate": payload(TEXT[:-1] + ',"x":"\\ud800"}'),
    "deep": payload(TEXT[:-1] + ',"x":' + "[" * 5_000 + "]" * 5_000 + "}"),
    "list as payload": payload("[" + TEXT + "]"),
    "JSON text as payload": payload(json.dumps(TEXT)),
    "huge number elsewhere": payload(TEXT[:-1] + ',"x":1e999}'),
    **{
        f"exp {exp}": payload(json.dumps(without("exp"))[:-1] + f',"exp":{exp}}}')
        for exp in (
            '"9999999999"',
            "1e400",
            "Infinity",
            "NaN",
            "-1",
            "null",
            "true",
            "[]",
            "9" * 400,
            "1e15",
            str(NOW - 1),
        )
    },
    "no exp": raw_token(HEADER, without("exp")),
    "nbf after now": token(nbf=NOW + 1, roles=["A"]),
    "nbf after exp": token(nbf=NOW, exp=NOW - 1, roles=["A"]),
    "iat as text": token(iat="x", roles=["A"]),
    **{
        f"aud {aud!r}": raw_token(HEADER, {**GOOD, "aud": aud})
        for aud in ("ap", "apis", "API", "api ", "xapi", ["ap", "i"], [["api"]], {"api": 1}, 1, [], "", "api//")
    },
    **{
        f"iss {iss!r}"[-50:]: raw_token(HEADER, {**GOOD, "iss": iss})
        for iss in (
            GOOD["iss"] + "/",
            GOOD["iss"].upper(),
            GOOD["iss"] + "\u200b",
            "https://evil.example",
            [GOOD["iss"]],
            1,
            "",
            GOOD["iss"].replace("https", "http"),
            GOOD["iss"].replace("login.microsoftonline.com", "login.microsoftonline.com.evil.example"),
        )
    },
    **{
        f"roles {roles!r}": raw_token(HEADER, {**GOOD, "roles": roles})
        for roles in ("AA", "a", ["AB"], "A B", "A,B", ["A "], {"A": 1}, [["A"]], None, True)
    },
    "bound to a key": raw_token(HEADER, {**GOOD, "cnf": {"jkt": "x"}}),
    "encrypted": part({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "k1"}) + ".AAAA.AAAA.AAAA.AAAA",
    "too long": token(roles=["A"], x="y" * 200_000),
    "scheme inside": "Bearer " + token(roles=["A"]),
    "two tokens": token(roles=["A"]) + "," + token(roles=["A"]),
    "line end": token(roles=["A"]) + "\n",
    "NUL": token(roles=["A"]) + "\0",
    "padding": token(roles=["A"]) + "==",
    "other alphabet": encode(b"\xfb" * 9).join(token(roles=["A"]).rsplit(".", 1)).replace("-", "+"),
    "signature of another token": ".".join(
        [*token(roles=["A"], sub="x").split(".")[:2], token(roles=["A"]).split(".")[2]]
    ),
}


@pytest.fixture(scope="module")
def site() -> Site:
    """The issuer, with keys that must not verify anything beside the good one."""
    return entra_site(jwk(rsa_key()), jwk(ATTACKER, "mine", use="enc"), jwk(rsa_key("small", 1024), "short"))


@pytest.fixture(scope="module")
def validator(site: Site) -> TokenValidator:
    """As a careful policy would have it."""
    issuer: Issuer = IssuerRegistry(site, Clock()).issuer(METADATA_URL)
    asyncio.run(issuer.refresh())
    rules = TokenRules(
        audiences=frozenset({"api"}),
        required_claims=(RequiredClaim("roles", ("A",), "any"),),
        algorithms=frozenset({"RS256"}),
    )
    return TokenValidator(rules, KeySources(issuers=(issuer,)), TokenCache())


def test_the_good_one_passes(validator: TokenValidator) -> None:
    """The token that all others are made from is good."""
    validator.verify(raw_token(HEADER, GOOD), NOW)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=[ascii(name).replace("\\", "/") for name in HOSTILE])
def test_refused(text: str, validator: TokenValidator, site: Site) -> None:
    """Refused with one of APIM's reasons, the signature nowhere in the message; at most the budget is fetched."""
    outcome = _outcome(validator, text)
    assert outcome.reason in {
        "JwtInvalid",
        "TokenSignatureInvalid",
        "TokenSignatureKeyNotFound",
        "TokenExpired",
        "TokenAudienceNotAllowed",
        "TokenIssuerNotAllowed",
        "TokenClaimNotFound",
        "TokenClaimValueNotAllowed",
    }
    assert outcome.message.isprintable()
    assert len(outcome.message) < 300
    assert set(site.fetched) == set(entra_site().documents)  # never anywhere else
    assert len(site.fetched) <= 4


def _outcome(validator: TokenValidator, text: str) -> TokenError:
    async def scenario() -> None:
        verified = validator.verify(text, NOW)
        await verified  # type: ignore[misc]

    with pytest.raises(TokenError) as refused:
        asyncio.run(scenario())
    return refused.value


@pytest.mark.parametrize("kid", ["mine", "short"])
def test_keys_that_must_not_verify(kid: str, validator: TokenValidator) -> None:
    """A published encryption key and a published short key verify nothing."""
    key = ATTACKER if kid == "mine" else rsa_key("small", 1024)
    assert _outcome(validator, raw_token({**HEADER, "kid": kid}, GOOD, key)).reason == "TokenSignatureKeyNotFound"
