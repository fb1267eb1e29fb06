"""validate-azure-ad-token: Entra's facts built in."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import ExpressionError, PolicyError
from gateway.tokens.jwt import Jwt
from gateway.tokens.registry import IssuerRegistry
from tests.policies.bench import NOW, Bench, get
from tests.tokens.minting import JWKS_URL, METADATA_URL, TENANT, V1, V2, Site, jwk, metadata, rsa_key, token

V1_METADATA = f"https://login.microsoftonline.com/{TENANT}/.well-known/openid-configuration"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """With the tenant's metadata of both versions behind it."""
    keys = {"keys": [jwk(rsa_key())]}
    site = Site({METADATA_URL: metadata(), V1_METADATA: metadata(V1), JWKS_URL: keys})
    bench.use(issuers=IssuerRegistry(site, clock=lambda: NOW))
    bench.run(policy(), get("/", [("Authorization", f"Bearer {token()}")]))  # brings the keys
    return bench


def policy(inner: str = "", attributes: str = "") -> str:
    return (
        f'<validate-azure-ad-token tenant-id="{TENANT}" output-token-variable-name="jwt" {attributes}>'
        f"{inner}</validate-azure-ad-token>"
    )


def ids(kind: str, *values: str) -> str:
    return f"<{kind}>" + "".join(f"<application-id>{value}</application-id>" for value in values) + f"</{kind}>"


@pytest.mark.parametrize(
    ("inner", "changes", "reason"),
    [
        ("", {}, None),
        ("", {"iss": V1, "ver": "1.0", "azp": None, "appid": "c"}, None),
        ("", {"iss": V2.replace(TENANT, "0" * 8 + TENANT[8:])}, "TokenIssuerNotAllowed"),
        (ids("client-application-ids", "c", "d"), {"azp": "d"}, None),
        (ids("client-application-ids", "c"), {"iss": V1, "ver": "1.0", "appid": "c"}, None),
        (ids("client-application-ids", "c"), {"azp": "x"}, "TokenClaimValueNotAllowed"),
        (ids("client-application-ids", "c"), {}, "TokenClaimNotFound"),
        ("<audiences><audience>api</audience></audiences>", {}, None),
        ("<audiences><audience>other</audience></audiences>", {}, "TokenAudienceNotAllowed"),
        (ids("backend-application-ids", "b"), {"aud": "api://b"}, None),
        (ids("backend-application-ids", "b"), {"aud": "api://x"}, "TokenAudienceNotAllowed"),
        ('<required-claims><claim name="roles"><value>r</value></claim></required-claims>', {"roles": ["r"]}, None),
    ],
    ids="v2 v1 tenant client client-v1 other-client no-client audience other-audience own other-own claims".split(),
)
def test_which_tokens_pass(bench: Bench, inner: str, changes: dict[str, Any], reason: str | None) -> None:
    """Both token versions of the tenant pass; clients, audiences and claims are checked where they are listed."""
    request = get("/", [("Authorization", f"Bearer {token(**changes)}")])
    if reason is None:
        assert isinstance(bench.run(policy(inner), request).variables["jwt"], Jwt)
    else:
        with pytest.raises(PolicyError) as caught:
            bench.run(policy(inner), request)
        assert (caught.value.status, caught.value.reason) == (401, reason)


@pytest.mark.parametrize(
    ("headers", "attributes", "passes"),
    [
        ([("Authorization", f"Bearer {token()}")], "", True),
        ([("Authorization", token())], "", False),
        ([("X-Token", token())], 'header-name="X-Token"', True),
        ([("X-Token", f"Bearer {token()}")], 'header-name="X-Token"', False),
        ([], f'token-value="{token()}"', True),
    ],
    ids=["default", "no scheme", "custom", "custom with scheme", "value"],
)
def test_where_the_token_stands(bench: Bench, headers: list[tuple[str, str]], attributes: str, passes: bool) -> None:
    """Authorization needs Bearer; any other header holds the bare token."""
    if passes:
        assert bench.run(policy(attributes=attributes), get("/", headers)).outcome is None
    else:
        with pytest.raises(PolicyError):
            bench.run(policy(attributes=attributes), get("/", headers))


def test_the_tenant_may_be_computed(bench: Bench) -> None:
    """An expression names the tenant; one that is none fails the request."""
    xml = '<validate-azure-ad-token tenant-id="@(context.Variables["tenant"])"/>'
    request = get("/", [("Authorization", f"Bearer {token()}")])
    assert bench.run(xml, request, tenant=TENANT).outcome is None
    with pytest.raises(ExpressionError):
        bench.run(xml, request, tenant="not a tenant")
