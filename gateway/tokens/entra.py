"""
Microsoft Entra ID: clouds, tenants, metadata addresses and issuers.

Source: reference/apim-policies.md sections 2.9 and 3.1; corpus/entra/issuer-rules.json, other_hosts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

GUID_TEXT = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
GUID = re.compile(GUID_TEXT)
DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
SHARED = frozenset({"common", "organizations", "consumers"})
TENANT = "{tenantid}"


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Microsoft's clouds: login hosts (first one is canonical) and the host of its v1 issuers."""

    name: str
    login_hosts: tuple[str, ...]
    v1_issuer_host: str


CLOUDS = (
    Cloud(
        "public",
        ("login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"),
        "sts.windows.net",
    ),
    Cloud("us-government", ("login.microsoftonline.us",), "sts.windows.net"),
    Cloud("china", ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"), "sts.chinacloudapi.cn"),
)
PUBLIC = CLOUDS[0]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})  # where an emulator stands in for any cloud
BOT_FRAMEWORK = ("login.botframework.com", "https://api.botframework.com")


@dataclass(frozen=True, slots=True)
class Tenant:
    """
    Where one tenant, or a group of tenants, publishes its metadata.

    Attributes:
        authority: Scheme and host, without a final slash: ``https://login.microsoftonline.com``.
        name: GUID, domain, ``organizations``, ``common`` or ``consumers``.
    """

    authority: str
    name: str

    @property
    def metadata_urls(self) -> tuple[str, str]:
        """Metadata of v1 and of v2 tokens; both are needed, because the API's registration decides the version."""
        base = f"{self.authority}/{self.name}"
        return f"{base}/.well-known/openid-configuration", f"{base}/v2.0/.well-known/openid-configuration"


def parse_tenant(text: str, authority: str = f"https://{PUBLIC.login_hosts[0]}") -> Tenant:
    """
    ``tenant-id`` of validate-azure-ad-token: GUID, domain, word, or the URL form, whose host then is the authority.

    Raises:
        ValueError: None of these.
    """
    given = text.strip()
    if "://" in given:
        parts = urlsplit(given)
        segments = [segment for segment in parts.path.split("/") if segment]
        if parts.scheme not in {"https", "http"} or not parts.hostname or segments[1:] not in ([], ["v2.0"]):
            raise ValueError("the tenant's URL must look like https://login.microsoftonline.com/TENANT")
        authority, given = f"{parts.scheme}://{parts.netloc}", segments[0] if segments else ""
    if not (GUID.fullmatch(given) or given.lower() in SHARED or DOMAIN.fullmatch(given)):
        raise ValueError("a tenant is a GUID, a domain, organizations or common")
    return Tenant(authority.rstrip("/"), given.lower() if given.lower() in SHARED else given)


def cloud_of(host: str) -> Cloud | None:
    """The cloud that *host* belongs to."""
    return next((cloud for cloud in CLOUDS if host in cloud.login_hosts), None)


def is_entra_issuer(issuer: str, url: str) -> bool:
    """
    Whether Entra metadata at *url* may state *issuer*, which for Entra is not the URL's own base.

    The tenant in the issuer must be the URL's; for a domain any GUID, for common and organizations the template.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:  # a metadata URL that is none; fetching it says so
        return False
    if (host, issuer) == BOT_FRAMEWORK:
        return True
    tenant = _tenant_pattern(parts.path.split("/")[1] if "/" in parts.path else "")
    return any(
        re.fullmatch(form, issuer, re.IGNORECASE)
        for form in _issuer_forms(host, tenant, f"{parts.scheme}://{parts.netloc}")
    )


def _tenant_pattern(name: str) -> str:
    if name in {"common", "organizations"}:
        return re.escape(TENANT)
    return re.escape(name) if GUID.fullmatch(name) else GUID_TEXT


def _issuer_forms(host: str, tenant: str, origin: str) -> list[str]:
    """Patterns of the issuers that metadata on *host* may state."""
    own = re.escape(host)
    if host.endswith(".b2clogin.com"):
        return [f"https://{own}/{GUID_TEXT}/v2\\.0/", f"https://{own}/tfp/{GUID_TEXT}/[^/]+/v2\\.0/"]
    if host.endswith(".ciamlogin.com"):
        return [f"https://{tenant}\\.ciamlogin\\.com/{tenant}/v2\\.0"]
    cloud = cloud_of(host)
    clouds = CLOUDS if host in LOOPBACK else (cloud,) if cloud else ()
    forms = [f"{re.escape(origin)}/{tenant}(?:/|/v2\\.0)"] if host in LOOPBACK else []
    for each in clouds:
        forms.append(f"https://{re.escape(each.v1_issuer_host)}/{tenant}/")
        forms += [f"https://{re.escape(login)}/{tenant}/v2\\.0" for login in each.login_hosts]
    return forms
