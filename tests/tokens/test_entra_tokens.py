"""Tokens of every shape that Entra issues, signed with test keys, against the metadata of all tenants."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.errors import TokenError
from gateway.tokens.issuer import Issuer
from gateway.tokens.jwt import Jwt
from gateway.tokens.registry import IssuerRegistry
from gateway.tokens.rules import TokenRules
from gateway.tokens.validator import KeySources, TokenValidator
from tests import published
from tests.tokens.minting import CONSUMERS, Clock, Site, jwk, metadata, raw_token, rsa_key

SAMPLES = published.ENTRA / "tokens.sample.json"
pytestmark = published.needs(published.ENTRA)
TOKENS: list[dict[str, Any]] = json.loads(SAMPLES.read_text())["tokens"] if SAMPLES.exists() else []
REFUSED = {
    "ms-doc-v1-access-delegated",  # iss and tid name different tenants
}
LOGIN = "https://login.microsoftonline.com"
V1_URL = f"{LOGIN}/common/.well-known/openid-configuration"
V2_URL = f"{LOGIN}/common/v2.0/.well-known/openid-configuration"
TEMPLATE = LOGIN + "/{tenantid}/v2.0"


def validator(consumer: bool) -> TokenValidator:
    """Metadata of all tenants in both versions; personal accounts have a key that names their tenant."""
    kids = {sample["header"]["kid"] for sample in TOKENS}
    issuer = TEMPLATE.replace("{tenantid}", CONSUMERS) if consumer else TEMPLATE
    v1 = [jwk(rsa_key(), kid) for kid in sorted(kids)]
    v2 = [jwk(rsa_key(), kid, issuer=issuer) for kid in sorted(kids)]
    site = Site(
        {
            V1_URL: metadata("https://sts.windows.net/{tenantid}/", f"{LOGIN}/common/discovery/keys"),
            V2_URL: metadata(TEMPLATE, f"{LOGIN}/common/discovery/v2.0/keys"),
            f"{LOGIN}/common/discovery/keys": {"keys": v1},
            f"{LOGIN}/common/discovery/v2.0/keys": {"keys": v2},
        }
    )
    registry = IssuerRegistry(site, Clock())
    issuers: tuple[Issuer, ...] = (registry.issuer(V1_URL), registry.issuer(V2_URL))
    for each in issuers:
        asyncio.run(each.refresh())
    return TokenValidator(TokenRules(), KeySources(issuers=issuers))


@pytest.mark.parametrize("sample", TOKENS, ids=lambda sample: sample["id"])
def test_sample(sample: dict[str, Any]) -> None:
    """Each shape passes with its claims readable, but for the ones whose note says that they are wrong."""
    claims, text = sample["claims"], raw_token(sample["header"], sample["claims"])
    on = validator(consumer=claims["tid"] == CONSUMERS)
    if sample["id"] in REFUSED:
        with pytest.raises(TokenError, match="Issuer"):
            on.verify(text, claims["nbf"])
        return
    jwt = on.verify(text, claims["nbf"])
    assert isinstance(jwt, Jwt)
    assert (jwt.subject, jwt.issuer) == (claims.get("sub"), claims["iss"])
    assert set(jwt.claims) == set(claims)


def test_consumer_key_signs_no_work_account() -> None:
    """A key of the personal accounts' tenant is refused for a work tenant, and the other way round."""
    work = next(sample for sample in TOKENS if sample["id"] == "shape-v2-app-only")
    personal = next(sample for sample in TOKENS if sample["id"] == "shape-v2-consumer")
    for sample, consumer in ((work, True), (personal, False)):
        with pytest.raises(TokenError, match="Issuer"):
            validator(consumer).verify(raw_token(sample["header"], sample["claims"]), sample["claims"]["nbf"])
