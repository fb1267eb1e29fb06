"""Metadata speaks for the URL it came from, and leads only to safe places."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.tokens.discovery import (
    DiscoveryRules,
    fetch_metadata,
    is_issuer_of,
    may_state,
    parse_metadata,
    require_safe_url,
)
from gateway.tokens.fetch import FetchResult
from gateway.tokens.issuer_error import IssuerError
from tests import published
from tests.tokens.minting import JWKS_URL, METADATA_URL, OTHER_TENANT, TENANT, V1, V2, metadata

RULES = DiscoveryRules()


def parsed(document: Any, url: str = METADATA_URL, *expected: str, rules: DiscoveryRules = RULES) -> str:
    """The stated issuer, or why the document is refused."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    try:
        return parse_metadata(body, url, rules, frozenset(expected)).issuer
    except IssuerError as error:
        return f"refused: {error.message}"


REFUSED: dict[str, tuple[Any, str]] = {
    "HTML": (b"<html>", "not a JSON object"),
    "list": ([], "not a JSON object"),
    "duplicate member": (b'{"issuer":"a","issuer":"b","jwks_uri":"c"}', "not a JSON object"),
    "no issuer": ({"jwks_uri": JWKS_URL}, "refused: the metadata lacks issuer or jwks_uri"),
    "no jwks_uri": ({"issuer": V2}, "refused: the metadata lacks issuer or jwks_uri"),
    "issuer of a wrong type": ({"issuer": [V2], "jwks_uri": JWKS_URL}, "lacks"),
    "another issuer": (metadata("https://evil.example"), "another issuer"),
    "another tenant": (metadata(V2.replace(TENANT, OTHER_TENANT)), "another issuer"),
    "template for one tenant": (metadata(V2.replace(TENANT, "{tenantid}")), "another issuer"),
    "plain http": (metadata(jwks_uri="http://login.microsoftonline.com/keys"), "jwks_uri is not an https URL"),
    "file": (metadata(jwks_uri="file:///etc/passwd"), "jwks_uri is not an https URL"),
    "credentials": (metadata(jwks_uri="https://user@login.microsoftonline.com/keys"), "jwks_uri is not an https URL"),
    "no host": (metadata(jwks_uri="https:///keys"), "jwks_uri is not an https URL"),
    "no URL": (metadata(jwks_uri="https://[::1"), "jwks_uri is not a URL"),
}


@pytest.mark.parametrize(("document", "why"), REFUSED.values(), ids=REFUSED)
def test_refused(document: Any, why: str) -> None:
    """Each kind of wrong metadata makes the issuer fail with its reason."""
    assert why in parsed(document)
    assert parsed(document).startswith("refused: ")


@pytest.mark.parametrize(
    ("issuer", "url", "expected"),
    [
        ("https://a.example", "https://a.example/.well-known/openid-configuration", True),
        ("https://a.example/", "https://a.example/.well-known/openid-configuration", True),
        ("https://a.example/t", "https://a.example/t/.well-known/openid-configuration", True),
        ("https://a.example/t", "https://a.example/t/.well-known/openid-configuration?appid=1", True),
        ("https://a.example/t", "https://a.example/.well-known/oauth-authorization-server/t", True),
        ("https://a.example/t", "https://a.example/t/.well-known/oauth-authorization-server", True),
        ("https://a.example/t", "https://a.example/u/.well-known/openid-configuration", False),
        ("https://b.example", "https://a.example/.well-known/openid-configuration", False),
        ("http://a.example", "https://a.example/.well-known/openid-configuration", False),
        ("https://[a", "https://a.example/.well-known/openid-configuration", False),
        ("https://a.example/t", "https://a.example/x/.well-known/openid-configuration/t", False),
        ("https://a.example", "https://a.example/metadata", False),
    ],
)
def test_issuer_of_url(issuer: str, url: str, expected: bool) -> None:
    """OpenID Connect appends the well-known path, RFC 8414 puts it in after the host."""
    assert is_issuer_of(issuer, url) is expected


CUSTOM = "https://login.contoso.com"
B2C_CHINA = "https://contoso.b2clogin.cn"
STATED = [
    ("https://a.example", "https://A.Example/.well-known/openid-configuration", True),
    ("https://A.example:443/", "https://a.example/.well-known/openid-configuration", True),
    ("https://a.example", "https://a.example:443/.well-known/openid-configuration", True),
    ("https://a.example:8443", "https://a.example/.well-known/openid-configuration", False),
    ("https://a.example/T", "https://a.example/t/.well-known/openid-configuration", False),
    ("https://x@a.example", "https://a.example/.well-known/openid-configuration", False),
    (V2, METADATA_URL.replace("login.microsoftonline.com", "Login.MicrosoftOnline.com:443"), True),
    (f"{B2C_CHINA}/{TENANT}/v2.0/", f"{B2C_CHINA}/contoso.cn/b2c_1_in/v2.0/.well-known/openid-configuration", True),
    (f"{CUSTOM}/{TENANT}/v2.0/", f"{CUSTOM}/{TENANT}/b2c_1_in/v2.0/.well-known/openid-configuration", True),
    (f"{CUSTOM}/{TENANT}/v2.0/", f"{CUSTOM}/contoso.com/v2.0/.well-known/openid-configuration?p=b2c_1_in", True),
    (f"{CUSTOM}/tfp/{TENANT}/b2c_1/v2.0/", f"{CUSTOM}/tfp/{TENANT}/b2c_1/v2.0/.well-known/openid-configuration", True),
    (f"{CUSTOM}/{OTHER_TENANT}/v2.0/", f"{CUSTOM}/{TENANT}/b2c_1_in/v2.0/.well-known/openid-configuration", False),
    (f"https://b.example/{TENANT}/v2.0/", f"{CUSTOM}/{TENANT}/b2c_1_in/v2.0/.well-known/openid-configuration", False),
    (
        f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0",
        f"{CUSTOM}/{TENANT}/v2.0/.well-known/openid-configuration",
        True,
    ),
    (
        f"https://{OTHER_TENANT}.ciamlogin.com/{TENANT}/v2.0",
        f"{CUSTOM}/contoso.com/v2.0/.well-known/openid-configuration",
        False,
    ),
]


@pytest.mark.parametrize(("issuer", "url", "expected"), STATED)
def test_addresses_are_compared_as_what_they_mean(issuer: str, url: str, expected: bool) -> None:
    """Letter case of the host and a written default port make no difference; custom domains of B2C are known."""
    assert may_state(issuer, url) is expected


def test_byte_order_mark() -> None:
    """Metadata saved with a byte-order mark is read all the same."""
    assert parsed(b"\xef\xbb\xbf" + json.dumps(metadata()).encode()) == V2


def test_another_issuer_names_the_remedy() -> None:
    """What the metadata states, and what to write, is in the reason that readiness and the log show."""
    refusal = parsed(
        metadata("https://public.example/realms/x"), "https://inside/realms/x/.well-known/openid-configuration"
    )
    assert refusal == (
        "refused: the metadata states another issuer than its URL: 'https://public.example/realms/x'; "
        "if it is the right one, list it in the policy's <issuers>"
    )


def test_listed_issuer() -> None:
    """An issuer that the policy lists by hand is expected, whatever the URL."""
    assert parsed(metadata("https://front.example"), METADATA_URL, "https://front.example") == "https://front.example"


def test_loopback_is_the_only_plain_http() -> None:
    """Plain http works for the hosts that the setting names; these are loopback by default."""
    for url in ("http://127.0.0.1:8080/k", "http://localhost/k", "http://[::1]:1/k", "https://any.example/k"):
        require_safe_url(url, RULES, "x")
    for url in ("http://127.0.0.1.evil.example/k", "http://10.0.0.1/k"):
        with pytest.raises(IssuerError):
            require_safe_url(url, RULES, "x")
    require_safe_url("http://keycloak:8080/k", DiscoveryRules(plain_http_hosts=frozenset({"keycloak"})), "x")
    with pytest.raises(IssuerError):
        require_safe_url("http://127.0.0.1/k", DiscoveryRules(plain_http_hosts=frozenset()), "x")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "the metadata was answered with status 404"),
        (299, "the metadata was answered with status 299"),
        (300, "the metadata was answered with status 300, and redirects are not followed"),
        (399, "the metadata was answered with status 399, and redirects are not followed"),
        (400, "the metadata was answered with status 400"),
    ],
)
def test_other_answers(status: int, reason: str) -> None:
    """Any answer but 200 is refused with its status, a redirect with the reason why, and the pause that it asks for."""

    async def answer(_: str) -> FetchResult:
        return FetchResult(status, b"", 7.0)

    with pytest.raises(IssuerError) as refused:
        asyncio.run(fetch_metadata(METADATA_URL, answer, RULES, frozenset()))
    assert (refused.value.message, refused.value.retry_after_s) == (reason, 7.0)


@pytest.mark.parametrize(("url", "asked"), [("http://127.0.0.1/x", True), ("http://10.0.0.1/x", False)])
def test_metadata_that_is_not_asked_for(url: str, asked: bool) -> None:
    """Nothing is fetched from a place that may change the answer on its way."""
    urls: list[str] = []

    async def answer(url: str) -> FetchResult:
        urls.append(url)
        return FetchResult(404, b"", None)

    with pytest.raises(IssuerError, match="status 404" if asked else "the metadata URL is not an https URL"):
        asyncio.run(fetch_metadata(url, answer, RULES, frozenset()))
    assert urls == [url] * asked


LOGIN = "https://login.microsoftonline.com"
DOCUMENTS = [
    ("openid-configuration.v1.common.json", f"{LOGIN}/common", "https://sts.windows.net/{tenantid}/"),
    ("openid-configuration.v2.common.json", f"{LOGIN}/common/v2.0", LOGIN + "/{tenantid}/v2.0"),
    ("openid-configuration.v2.organizations.json", f"{LOGIN}/organizations/v2.0", LOGIN + "/{tenantid}/v2.0"),
    ("openid-configuration.v1.tenant.derived.json", f"{LOGIN}/{TENANT}", V1),
    ("openid-configuration.v2.tenant.derived.json", f"{LOGIN}/{TENANT}/v2.0", V2),
    ("openid-configuration.v2.tenant.derived.json", f"{LOGIN}/contoso.onmicrosoft.com/v2.0", V2),
]


@published.needs(published.ENTRA)
@pytest.mark.parametrize(("name", "base", "issuer"), DOCUMENTS)
def test_entra_documents(name: str, base: str, issuer: str) -> None:
    """Entra's documents are accepted from their own URLs although they state other issuers."""
    assert parsed((published.ENTRA / name).read_bytes(), f"{base}/.well-known/openid-configuration") == issuer


@published.needs(published.ENTRA)
def test_entra_application_document() -> None:
    """The ?appid= variant leads to the application's own keys."""
    body = (published.ENTRA / "openid-configuration.v2.tenant.appid.derived.json").read_bytes()
    found = parse_metadata(body, f"{METADATA_URL}?appid=x", RULES)
    assert found.issuer == V2
    assert "appid=" in found.jwks_uri
