"""
Which service an issuer belongs to.

Source: the providers' own documentation of their ``iss``: Microsoft identity platform "Access tokens", Azure AD B2C
"Overview of tokens", Auth0 "Access Token Profiles", Okta "Composing your base URL", Keycloak "OIDC endpoints",
Cognito "Verifying a JSON Web Token", Google "OpenID Connect", AD FS "OpenID Connect/OAuth flows".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

ENTRA_V1, ENTRA_V2, B2C, EXTERNAL_ID = "Entra ID v1.0", "Entra ID v2.0", "Azure AD B2C", "Entra External ID"
AUTH0, OKTA, KEYCLOAK, COGNITO = "Auth0", "Okta", "Keycloak", "Amazon Cognito"
GOOGLE, AD_FS, GITHUB, LOCAL = "Google", "AD FS", "GitHub Actions", "a local emulator"

_ENTRA_V1 = frozenset({"sts.windows.net", "sts.chinacloudapi.cn", "sts.microsoftonline.de"})
_ENTRA_V2 = re.compile(
    r"login\.(?:microsoftonline\.(?:com|us)|partner\.microsoftonline\.cn|microsoft\.com|windows\.net)"
)
_OKTA = (".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_BY_PATH: Mapping[str, re.Pattern[str]] = {
    KEYCLOAK: re.compile(r"(?:/auth)?/realms/[^/]+/?"),
    AD_FS: re.compile(r"/adfs(?:/services/trust)?/?"),
}


def split(issuer: str) -> SplitResult | None:
    """*issuer* as a URL, or None if it is not one."""
    try:
        parts = urlsplit(issuer)
        return parts if parts.scheme in {"http", "https"} and parts.hostname else None
    except ValueError:
        return None


def provider_of(issuer: str) -> str:
    """The service that *issuer* belongs to; empty where it is not known."""
    if issuer == "accounts.google.com":
        return GOOGLE
    parts = split(issuer)
    if parts is None:
        return ""
    by_host = _by_host(parts.hostname or "", parts.path)
    return by_host or next((name for name, path in _BY_PATH.items() if path.fullmatch(parts.path)), "")


def _by_host(host: str, path: str) -> str:
    if host in _ENTRA_V1:
        return ENTRA_V1
    if _ENTRA_V2.fullmatch(host):
        return ENTRA_V2 if path.endswith("/v2.0") else B2C
    return next((name for name, is_at in _HOSTS if is_at(host)), "")


_HOSTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    (B2C, lambda host: host.endswith(".b2clogin.com")),
    (EXTERNAL_ID, lambda host: host.endswith(".ciamlogin.com")),
    (AUTH0, lambda host: host.endswith(".auth0.com")),
    (OKTA, lambda host: host.endswith(_OKTA)),
    (COGNITO, lambda host: host.startswith("cognito-idp.") and ".amazonaws.com" in host),
    (GOOGLE, lambda host: host == "accounts.google.com"),
    (GITHUB, lambda host: host == "token.actions.githubusercontent.com"),
    (LOCAL, lambda host: host in _LOOPBACK),
)


def tenant_of(issuer: str) -> str:
    """The tenant's GUID in an issuer of Entra's, lower case; empty if it has none."""
    parts = split(issuer)
    segments = [] if parts is None else [*parts.path.split("/"), (parts.hostname or "").partition(".")[0]]
    return next((segment.lower() for segment in segments if is_guid(segment)), "")


def is_guid(text: str) -> bool:
    """Whether *text* is a GUID with its hyphens."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
