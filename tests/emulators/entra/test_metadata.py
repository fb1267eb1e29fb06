"""Metadata has the shape of the documents that the real service answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.emulators.entra.authority import Authority
from gateway.emulators.entra.directory import API, TENANT
from gateway.emulators.entra.metadata import instance_discovery, openid_configuration
from tests import published

REAL = Authority("https://login.microsoftonline.com", real_issuers=True)


def _real(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((published.ENTRA / name).read_bytes())
    return document


@published.needs(published.ENTRA)
@pytest.mark.parametrize(
    ("name", "version", "tenant", "appid"),
    [
        ("openid-configuration.v1.common.json", 1, "common", None),
        ("openid-configuration.v2.common.json", 2, "common", None),
        ("openid-configuration.v2.organizations.json", 2, "organizations", None),
        ("openid-configuration.v1.tenant.derived.json", 1, TENANT, None),
        ("openid-configuration.v2.tenant.derived.json", 2, TENANT, None),
        ("openid-configuration.v2.tenant.appid.derived.json", 2, TENANT, API),
    ],
)
def test_documents(name: str, version: int, tenant: str, appid: str | None) -> None:
    """Every document of the real service is reproduced, member for member."""
    assert openid_configuration(REAL, version, tenant, appid) == _real(name)


@pytest.mark.parametrize(
    ("version", "tenant", "issuer"),
    [
        (1, TENANT, f"http://127.0.0.1:9/{TENANT}/"),
        (2, TENANT, f"http://127.0.0.1:9/{TENANT}/v2.0"),
        (1, "common", "http://127.0.0.1:9/{tenantid}/"),
        (2, "organizations", "http://127.0.0.1:9/{tenantid}/v2.0"),
    ],
)
def test_issuer(version: int, tenant: str, issuer: str) -> None:
    """The issuer is made from the emulator's own URL, with the template where the real service has it."""
    assert openid_configuration(Authority("http://127.0.0.1:9"), version, tenant)["issuer"] == issuer


def test_instance_discovery() -> None:
    """Instance discovery leads a client back to the emulator."""
    document = instance_discovery(Authority("https://127.0.0.1:9"), TENANT)
    assert document["tenant_discovery_endpoint"].startswith(f"https://127.0.0.1:9/{TENANT}/v2.0/")
    assert document["metadata"][0]["aliases"] == ["127.0.0.1:9"]
