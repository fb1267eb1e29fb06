"""
OpenID configuration documents: read, checked against the URL they were asked from, and followed to the keys.

Source: OpenID Connect Discovery 1.0 sections 3 and 4.3; RFC 8414 section 3.3; APIM "validate-jwt", openid-config.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.errors import TokenError
from gateway.tokens.entra import is_entra_issuer
from gateway.tokens.fetch import Fetch, FetchResult
from gateway.tokens.issuer_error import IssuerError
from gateway.tokens.jwk import published_keys, read_key_set
from gateway.tokens.keys import Key
from gateway.tokens.strict_json import BYTE_ORDER_MARK, parse_object
from gateway.tokens.urls import comparable_url
from gateway.tokens.weak_rsa import MIN_RSA_BITS

WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Warn = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Metadata:
    """The parts of a metadata document that are used."""

    issuer: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class DiscoveryRules:
    """
    The rules for metadata documents.

    Attributes:
        plain_http_hosts: Hosts from which metadata and keys may be read without TLS; loopback only by default.
        min_rsa_bits: Least size of a published RSA key; 2,048 (RFC 7518), or 1,024 as in APIM's library.
    """

    plain_http_hosts: frozenset[str] = LOOPBACK
    min_rsa_bits: int = MIN_RSA_BITS


async def fetch_metadata(url: str, fetch: Fetch, rules: DiscoveryRules, expected: frozenset[str]) -> Metadata:
    """The checked metadata at *url*; raises IssuerError. *expected*: issuers that the policy lists by hand."""
    require_safe_url(url, rules, "the metadata URL")
    return parse_metadata(_body(await fetch(url), "the metadata"), url, rules, expected)


async def fetch_keys(metadata: Metadata, fetch: Fetch, rules: DiscoveryRules, warn: Warn) -> tuple[Key, ...]:
    """The usable keys at ``jwks_uri``; raises IssuerError if there are none."""
    body = _body(await fetch(metadata.jwks_uri), "the key set")
    try:
        keys = published_keys(read_key_set(body), warn, rules.min_rsa_bits)
    except (ValueError, RecursionError):
        raise IssuerError("the key set is not a JSON Web Key Set") from None
    if not keys:
        raise IssuerError("the key set holds no usable key")
    return keys


def parse_metadata(body: bytes, url: str, rules: DiscoveryRules, expected: frozenset[str] = frozenset()) -> Metadata:
    """Metadata from its JSON. Raises IssuerError: it is malformed, or states an issuer other than that of *url*."""
    try:
        document = parse_object(body.removeprefix(BYTE_ORDER_MARK), "metadata")
    except TokenError:
        raise IssuerError("the metadata is not a JSON object") from None
    issuer, jwks_uri = document.get("issuer"), document.get("jwks_uri")
    if not isinstance(issuer, str) or not isinstance(jwks_uri, str):
        raise IssuerError("the metadata lacks issuer or jwks_uri")
    require_safe_url(jwks_uri, rules, "jwks_uri")
    if not (issuer in expected or may_state(issuer, url)):
        raise IssuerError(
            f"the metadata states another issuer than its URL: {ascii(issuer[:200])}; "
            "if it is the right one, list it in the policy's <issuers>",
            is_down=False,
        )
    return Metadata(issuer, jwks_uri)


def may_state(issuer: str, url: str) -> bool:
    """Whether metadata at *url* may state *issuer* without the policy listing it by hand."""
    try:
        stated = comparable_url(issuer)
    except ValueError:
        return False
    return is_issuer_of(stated, url) or is_entra_issuer(stated, url)


def is_issuer_of(issuer: str, url: str) -> bool:
    """Whether *url* is *issuer* with a well-known path appended (OIDC) or inserted after the host (RFC 8414)."""
    try:
        bare = comparable_url(url).partition("?")[0]  # Entra's ?appid= names an application, not another issuer
    except ValueError:  # not a URL, which fetching reports
        return False
    return any(issuer.rstrip("/") == base for suffix in WELL_KNOWN for base in _bases(bare, suffix))


def _bases(url: str, suffix: str) -> Iterator[str]:
    before, marker, path = url.partition(suffix)
    if marker and not path:
        yield before
    # RFC 8414: the well-known path is between the host and the issuer's own path.
    if marker and path.startswith("/") and before.count("/") == 2:
        yield before + path


def require_safe_url(url: str, rules: DiscoveryRules, what: str) -> None:
    """Raise IssuerError unless *url* is https, or http to a host that the settings name."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise IssuerError(f"{what} is not a URL") from None
    plain = parts.scheme == "http" and host in rules.plain_http_hosts
    if not host or parts.username is not None or not (parts.scheme == "https" or plain):
        raise IssuerError(f"{what} is not an https URL")


def _body(result: FetchResult, what: str) -> bytes:
    if result.status != 200:
        moved = ", and redirects are not followed" if 300 <= result.status < 400 else ""
        raise IssuerError(f"{what} was answered with status {result.status}{moved}", result.retry_after_s)
    return result.body
