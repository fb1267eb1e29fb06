"""Entra's clouds, tenants and issuers."""

from __future__ import annotations

import pytest

from gateway.tokens.entra import cloud_of, is_entra_issuer, parse_tenant
from tests.tokens.minting import CONSUMERS, OTHER_TENANT, TENANT, V1, V2

LOGIN = "https://login.microsoftonline.com"


@pytest.mark.parametrize(
    ("text", "authority", "name"),
    [
        (TENANT, LOGIN, TENANT),
        (f" {TENANT}\n", LOGIN, TENANT),
        ("contoso.onmicrosoft.com", LOGIN, "contoso.onmicrosoft.com"),
        ("Organizations", LOGIN, "organizations"),
        ("common", LOGIN, "common"),
        (f"{LOGIN}/{TENANT}", LOGIN, TENANT),
        (f"{LOGIN}/{TENANT}/v2.0/", LOGIN, TENANT),
        (f"{LOGIN}/common", LOGIN, "common"),
        (f"https://login.microsoftonline.us/{TENANT}", "https://login.microsoftonline.us", TENANT),
        (f"http://127.0.0.1:9000/{TENANT}", "http://127.0.0.1:9000", TENANT),
    ],
)
def test_tenant(text: str, authority: str, name: str) -> None:
    """Every form of tenant-id leads to an authority and a name."""
    tenant = parse_tenant(text)
    assert (tenant.authority, tenant.name) == (authority, name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a b.com",
        "../x.com",
        f"{LOGIN}/",
        f"{LOGIN}/a/b",
        f"ftp://x.com/{TENANT}",
        f"{LOGIN}/{TENANT}/v1.0",
        "@(x)",
    ],
)
def test_no_tenant(text: str) -> None:
    """Anything else is a mistake at load."""
    with pytest.raises(ValueError):
        parse_tenant(text)


def test_metadata_urls() -> None:
    """Both versions are read, because the API's registration decides which one its tokens have."""
    assert parse_tenant(TENANT).metadata_urls == (
        f"{LOGIN}/{TENANT}/.well-known/openid-configuration",
        f"{LOGIN}/{TENANT}/v2.0/.well-known/openid-configuration",
    )
    assert parse_tenant(TENANT, "http://localhost:1/").metadata_urls[0].startswith(f"http://localhost:1/{TENANT}/")


def test_clouds() -> None:
    """Hosts of the national clouds are known."""
    names = {
        host: cloud.name for host in ("login.microsoftonline.us", "login.chinacloudapi.cn") if (cloud := cloud_of(host))
    }
    assert names == {"login.microsoftonline.us": "us-government", "login.chinacloudapi.cn": "china"}
    assert cloud_of("login.evil.example") is None


CHINA = "https://login.partner.microsoftonline.cn"
EMULATOR = "http://127.0.0.1:9000"
B2C = "https://contoso.b2clogin.com"
ISSUERS = [
    (V2, f"{LOGIN}/{TENANT}/v2.0", True),
    (V1, f"{LOGIN}/{TENANT}", True),
    (V1, f"{LOGIN}/{TENANT.upper()}", True),
    (V2, f"{LOGIN}/{OTHER_TENANT}/v2.0", False),
    (V1, f"{LOGIN}/contoso.com", True),
    (V1.replace(TENANT, "{tenantid}"), f"{LOGIN}/common", True),
    (V1, f"{LOGIN}/common", False),
    (f"{LOGIN}/{CONSUMERS}/v2.0", f"{LOGIN}/consumers/v2.0", True),
    (f"https://sts.chinacloudapi.cn/{TENANT}/", f"{CHINA}/{TENANT}", True),
    (V1, f"{CHINA}/{TENANT}", False),
    (f"https://login.microsoftonline.us/{TENANT}/v2.0", f"https://login.microsoftonline.us/{TENANT}/v2.0", True),
    (f"{B2C}/{TENANT}/v2.0/", f"{B2C}/contoso.onmicrosoft.com/b2c_1_in/v2.0", True),
    (f"{B2C}/tfp/{TENANT}/b2c_1_in/v2.0/", f"{B2C}/contoso.onmicrosoft.com/b2c_1_in/v2.0", True),
    (f"https://other.b2clogin.com/{TENANT}/v2.0/", f"{B2C}/contoso.onmicrosoft.com/b2c_1_in/v2.0", False),
    (f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0", f"https://contoso.ciamlogin.com/{TENANT}/v2.0", True),
    (V2, f"{EMULATOR}/{TENANT}/v2.0", True),
    (f"{EMULATOR}/{{tenantid}}/v2.0", f"{EMULATOR}/organizations/v2.0", True),
    (V2, f"{EMULATOR}/{OTHER_TENANT}/v2.0", False),
    ("https://evil.example/", f"{EMULATOR}/{TENANT}/v2.0", False),
    (V2, f"https://evil.example/{TENANT}/v2.0", False),
    (V2, f"https://login.microsoftonline.com.evil.example/{TENANT}/v2.0", False),
    (f"https://sts.windows.net.evil.example/{TENANT}/", f"{LOGIN}/{TENANT}", False),
    (V2 + "\n", f"{LOGIN}/{TENANT}/v2.0", False),
]


@pytest.mark.parametrize(("issuer", "base", "expected"), ISSUERS)
def test_stated_issuers(issuer: str, base: str, expected: bool) -> None:
    """Which issuers metadata at which URL may state."""
    assert is_entra_issuer(issuer, f"{base}/.well-known/openid-configuration") is expected


def test_bot_framework() -> None:
    """The bot service's metadata and issuer live on two hosts."""
    url = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    assert is_entra_issuer("https://api.botframework.com", url)
    assert not is_entra_issuer("https://api.botframework.com", "https://login.evil.example/v1")


@pytest.mark.parametrize("url", ["https://a.example", "https://[a", "", "x"])
def test_url_without_a_tenant(url: str) -> None:
    """A bare host, or what is no URL at all, names no tenant."""
    assert not is_entra_issuer(V2, url)
