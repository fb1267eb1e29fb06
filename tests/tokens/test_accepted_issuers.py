"""A key speaks for its own issuer, and for nobody else's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.errors import TokenError
from gateway.tokens.accepted_issuers import IssuerUndecided, check_issuer, matches
from gateway.tokens.keys import Key, public_key
from gateway.tokens.keyset import InlineKeys, KeySet, Signer
from tests import published
from tests.tokens.minting import CONSUMERS, OTHER_TENANT, TENANT, V1, V2, rsa_key

RULES = published.ENTRA / "issuer-rules.json"
TEMPLATE = "https://login.microsoftonline.com/{tenantid}/v2.0"
V1_TEMPLATE = "https://sts.windows.net/{tenantid}/"


@dataclass(frozen=True)
class Metadata:
    """A metadata document that states one issuer."""

    stated_issuer: str | None

    def owns(self, issuer: str, payload: Mapping[str, object]) -> bool:
        """As Issuer.owns does after the first fetch."""
        return self.stated_issuer is not None and matches(self.stated_issuer, issuer, payload)


def signer(stated: str | None, key_issuer: str | None = None) -> Signer:
    """A key of the metadata that states *stated*, or an inline one."""
    key: Key = public_key(rsa_key().public_key(), "k", key_issuer)
    keyset = KeySet(stated, (key,))
    return Signer(key, keyset, InlineKeys(keyset))


def passes(by: Signer, payload: dict[str, Any], listed: set[str], *stated: str) -> bool:
    """Whether the issuer check lets *payload* through."""
    try:
        check_issuer(payload, frozenset(listed), [Metadata(each) for each in stated], by)
    except TokenError as error:
        assert error.reason == "TokenIssuerNotAllowed"  # noqa: PT017
        return False
    return True


A, B = "https://a.example", "https://b.example"
CASES: dict[str, tuple[Signer, Any, set[str], tuple[str, ...], bool]] = {
    "neither issuers nor metadata": (signer(None), None, set(), (), True),
    "listed": (signer(None), A, {A}, (), True),
    "not listed": (signer(None), B, {A}, (), False),
    "missing": (signer(None), None, {A}, (), False),
    "slash": (signer(None), A + "/", {A}, (), False),
    "case": (signer(None), A.upper(), {A}, (), False),
    "own metadata": (signer(A), A, set(), (A,), True),
    "A's claims under B's key": (signer(B), A, set(), (A, B), False),
    "A's claims under B's key, A listed too": (signer(B), A, {A, B}, (A, B), False),
    "listed beside its metadata": (signer(V2), V1, {V1}, (V2,), True),
    "inline key for a metadata issuer": (signer(None), A, set(), (A,), True),
    "inline key, unknown issuer": (signer(None), B, set(), (A,), False),
    "listed, of no metadata, under either key": (signer(B), "https://c.example", {"https://c.example"}, (A, B), True),
}


@pytest.mark.parametrize(("by", "issuer", "listed", "stated", "expected"), CASES.values(), ids=CASES)
def test_issuer(by: Signer, issuer: Any, listed: set[str], stated: tuple[str, ...], expected: bool) -> None:
    """Union of metadata and list, byte for byte, and bound to the key's own metadata."""
    payload = {} if issuer is None else {"iss": issuer}
    assert passes(by, payload, listed, *stated) is expected


TENANTS: dict[str, tuple[Signer, str, Any, bool]] = {
    "tenant": (signer(TEMPLATE, TEMPLATE), V2, TENANT, True),
    "tid of another tenant": (signer(TEMPLATE, TEMPLATE), V2, OTHER_TENANT, False),
    "no tid": (signer(TEMPLATE, TEMPLATE), V2, None, False),
    "tid of another type": (signer(TEMPLATE, TEMPLATE), V2, [TENANT], False),
    "tid with a tail": (signer(TEMPLATE, TEMPLATE), V2, TENANT + "\n", False),
    "literal template": (signer(TEMPLATE, TEMPLATE), TEMPLATE, "{tenantid}", False),
    "key of that tenant": (signer(TEMPLATE, V2), V2, TENANT, True),
    "key of another tenant": (signer(TEMPLATE, V2.replace(TENANT, OTHER_TENANT)), V2, TENANT, False),
    "v1 template, keys without issuer": (signer(V1_TEMPLATE), V1, TENANT, True),
    "v1 template, personal accounts": (signer(V1_TEMPLATE), V1.replace(TENANT, CONSUMERS), CONSUMERS, False),
}


@pytest.mark.parametrize(("by", "issuer", "tenant", "expected"), TENANTS.values(), ids=TENANTS)
def test_templates(by: Signer, issuer: str, tenant: Any, expected: bool) -> None:
    """A template is bound to tid and to the key's own issuer."""
    payload = {"iss": issuer} | ({} if tenant is None else {"tid": tenant})
    assert passes(by, payload, set(), str(by.keyset.issuer)) is expected


LISTED: dict[str, tuple[Signer, str, set[str], tuple[str, ...], bool]] = {
    "the listed tenant": (signer(TEMPLATE, TEMPLATE), V2, {V2}, (TEMPLATE,), True),
    "another tenant": (signer(TEMPLATE, TEMPLATE), V2, {V2.replace(TENANT, OTHER_TENANT)}, (TEMPLATE,), False),
    "the template itself": (signer(TEMPLATE, TEMPLATE), V2, {TEMPLATE}, (TEMPLATE,), True),
    "v1 of a listed v2 tenant": (signer(V1_TEMPLATE), V1, {V2}, (TEMPLATE, V1_TEMPLATE), False),
    "inline key, another tenant": (signer(None), V2, {V1}, (TEMPLATE,), False),
    "inline key, the listed tenant": (signer(None), V2, {V2}, (TEMPLATE,), True),
    "concrete metadata adds to the list": (signer(V2), V2, {V1}, (V2,), True),
}


@pytest.mark.parametrize(("by", "issuer", "listed", "stated", "expected"), LISTED.values(), ids=LISTED)
def test_listed_issuers_choose_among_tenants(
    by: Signer, issuer: str, listed: set[str], stated: tuple[str, ...], expected: bool
) -> None:
    """Where metadata states a template, ``<issuers>`` is an allow-list: no other tenant of it passes."""
    assert passes(by, {"iss": issuer, "tid": TENANT}, listed, *stated) is expected


def test_unread_metadata_may_own_a_listed_issuer() -> None:
    """While one metadata document has not been read, another's key cannot sign for an issuer that is only listed."""
    unread = Metadata(None)
    with pytest.raises(IssuerUndecided):
        check_issuer({"iss": B}, frozenset({B}), [Metadata(A), unread], signer(A))
    check_issuer({"iss": A}, frozenset({B}), [Metadata(A), unread], signer(A))
    with pytest.raises(TokenError) as refused:
        check_issuer({"iss": "https://c.example"}, frozenset({B}), [Metadata(A), unread], signer(A))
    assert not isinstance(refused.value, IssuerUndecided)
    check_issuer({"iss": V1}, frozenset({V1}), [Metadata(V2), unread], signer(V2))


def test_v2_key_signs_a_listed_v1_issuer_of_its_tenant_only() -> None:
    """The v1 and v2 issuers of a tenant share keys, so a listed v1 issuer passes under that tenant's key."""
    assert passes(signer(V2, V2), {"iss": V1, "tid": TENANT}, {V1}, V2)
    assert not passes(signer(V2, V2.replace(TENANT, OTHER_TENANT)), {"iss": V1, "tid": TENANT}, {V1}, V2)
    assert not passes(signer(A, "https://else.example"), {"iss": A}, set(), A)


DOCUMENTS = {
    "v2 common": TEMPLATE,
    "v1 common": V1_TEMPLATE,
    "v2 tenant": V2,
    "v2 organizations": TEMPLATE,
}


@published.needs(published.ENTRA)
def test_entra_rules() -> None:
    """Every published case has the result that it states."""
    for case in json.loads(RULES.read_text())["cases"]:
        stated = DOCUMENTS[case["metadata"]]
        payload = {"iss": case["iss"]} | ({} if case["tid"] is None else {"tid": case["tid"]})
        expected = case["expected"].startswith("accept")
        assert passes(signer(stated, case["key_issuer"]), payload, set(), stated) is expected, case
