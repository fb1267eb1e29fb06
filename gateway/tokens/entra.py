"""
Microsoft Entra ID: clouds, tenants, metadata addresses and issuers.

Source: Microsoft identity platform, "Access tokens" and "National clouds"; Azure AD B2C and External ID, "Custom
domains".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from gateway.tokens.urls import comparable_url

GUID_TEXT = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
GUID = re.compile(GUID_TEXT)
DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
SHARED = frozenset({"common", "organizations", "consumers"})
TENANT = "{tenantid}"


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Microsoft's clouds: its login hosts (the first is canonical) and the host of its v1 issuers."""

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
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})  # hosts on which an emulator represents any cloud
_V2_METADATA = r"/v2\.0/\.well-known/openid-configuration"
_B2C_PATH = re.compile(rf"/(?:tfp/)?[^/]+/[^/]+{_V2_METADATA}")
_V2_PATH = re.compile(rf"/[^/]+{_V2_METADATA}")
_POLICY_PARAMETER = re.compile(r"(?:^|&)p=[^&]")
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
        """Metadata URLs of v1 and v2 tokens; both are needed, because the API's registration determines the version."""
        base = f"{self.authority}/{self.name}"
        return f"{base}/.well-known/openid-configuration", f"{base}/v2.0/.well-known/openid-configuration"


def parse_tenant(text: str, authority: str = f"https://{PUBLIC.login_hosts[0]}") -> Tenant:
    """
    ``tenant-id`` of validate-azure-ad-token: a GUID, a domain, a keyword, or a URL, whose host is then the authority.

    Raises:
        ValueError: It is none of these.
    """
    name = text.strip()
    if "://" in name:
        authority, name = _authority_and_name(name)
    if name.lower() in SHARED:
        return Tenant(authority.rstrip("/"), name.lower())
    if not (GUID.fullmatch(name) or DOMAIN.fullmatch(name)):
        raise ValueError("a tenant is a GUID, a domain, organizations or common")
    return Tenant(authority.rstrip("/"), name)


def _authority_and_name(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    if parts.scheme not in {"https", "http"} or not parts.hostname or segments[1:] not in ([], ["v2.0"]):
        raise ValueError("the tenant's URL must look like https://login.microsoftonline.com/TENANT")
    return f"{parts.scheme}://{parts.netloc}", segments[0] if segments else ""


def cloud_of(host: str) -> Cloud | None:
    """The cloud that *host* belongs to."""
    return next((cloud for cloud in CLOUDS if host in cloud.login_hosts), None)


def is_entra_issuer(issuer: str, url: str) -> bool:
    """
    Whether Entra metadata at *url* may state *issuer*, which for Entra is not the URL's own base.

    The tenant in the issuer must be the URL's; a domain allows any GUID, common and organizations the template.
    """
    try:
        parts = urlsplit(comparable_url(url))
    except ValueError:  # not a URL, which fetching reports
        return False
    if (parts.hostname, issuer) == BOT_FRAMEWORK:
        return True
    return any(re.fullmatch(form, issuer, re.IGNORECASE) for form in _issuer_forms(parts))


def _tenant_pattern(name: str) -> str:
    if name in {"common", "organizations"}:
        return re.escape(TENANT)
    return re.escape(name) if GUID.fullmatch(name) else GUID_TEXT


def _issuer_forms(url: SplitResult) -> list[str]:
    """Patterns of the issuers that metadata at *url* may state."""
    host = url.hostname or ""
    tenant = _tenant_pattern(url.path.removeprefix("/tfp").split("/")[1] if "/" in url.path else "")
    if host in LOOPBACK:
        own = f"{re.escape(f'{url.scheme}://{url.netloc}')}/{tenant}(?:/|/v2\\.0)"
        return [own, *(form for cloud in CLOUDS for form in _cloud_forms(cloud, tenant))]
    cloud = cloud_of(host)
    if cloud is None:
        return [*_b2c_forms(url, tenant), *_external_id_forms(url, tenant)]
    return [*_cloud_forms(cloud, tenant), *_b2c_forms(url, tenant)]


def _cloud_forms(cloud: Cloud, tenant: str) -> list[str]:
    v1 = f"https://{re.escape(cloud.v1_issuer_host)}/{tenant}/"
    return [v1, *(f"https://{re.escape(login)}/{tenant}/v2\\.0" for login in cloud.login_hosts)]


# The custom domain of a B2C or External ID tenant can have any name, so the path must show which service it is.
def _b2c_forms(url: SplitResult, tenant: str) -> list[str]:
    """The issuers of B2C, which are on the requested host."""
    names_policy = _V2_PATH.fullmatch(url.path) and _POLICY_PARAMETER.search(url.query)
    if not (names_policy or _B2C_PATH.fullmatch(url.path)):
        return []
    origin = re.escape(f"https://{url.netloc}")
    return [f"{origin}/{tenant}/v2\\.0/", f"{origin}/tfp/{tenant}/[^/]+/v2\\.0/"]


def _external_id_forms(url: SplitResult, tenant: str) -> list[str]:
    """The issuers of External ID, which are on the tenant's own host, whichever was requested."""
    return [f"https://({tenant})\\.ciamlogin\\.com/\\1/v2\\.0"] if _V2_PATH.fullmatch(url.path) else []
