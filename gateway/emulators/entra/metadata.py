"""
OpenID configuration documents, with the members of the service's own.

Source: https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration, and the same without ``/v2.0``.
"""

from __future__ import annotations

from typing import Any

from gateway.emulators.entra.authority import Authority

_SHARED: dict[str, Any] = {
    "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
    "response_modes_supported": ["query", "fragment", "form_post"],
    "subject_types_supported": ["pairwise"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "http_logout_supported": True,
    "frontchannel_logout_supported": True,
    "tenant_region_scope": None,
    "cloud_instance_name": "microsoftonline.com",
    "cloud_graph_host_name": "graph.windows.net",
    "msgraph_host": "graph.microsoft.com",
    "rbac_url": "https://pas.windows.net",
}

_CLAIMS = ["sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host"]
_CLAIMS += ["aud", "exp", "iat", "auth_time", "acr"]

_V1: dict[str, Any] = {
    "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
    "scopes_supported": ["openid"],
    "microsoft_multi_refresh_token": True,
    "claims_supported": [*_CLAIMS, "amr", "nonce", "email", "given_name", "family_name", "nickname"],
}

_V2: dict[str, Any] = {
    "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
    "scopes_supported": ["openid", "profile", "email", "offline_access"],
    "request_uri_parameter_supported": False,
    "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
    "claims_supported": [
        *_CLAIMS,
        *["nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email"],
    ],
}


def openid_configuration(authority: Authority, version: int, tenant: str, appid: str | None = None) -> dict[str, Any]:
    """
    The metadata document of *tenant* (a GUID, ``common`` or ``organizations``).

    Args:
        appid: Client id of an application with keys of its own; it is carried on to ``jwks_uri``.
    """
    root = f"{authority.base_url}/{tenant}"
    own = _v2_endpoints(root) if version == 2 else _v1_endpoints(root)
    if appid is not None:
        own["jwks_uri"] += f"?appid={appid}"
    issuer = authority.issuer(version, tenant)
    return {
        **_SHARED,
        **(_V2 if version == 2 else _V1),
        **own,
        "issuer": issuer,
        "kerberos_endpoint": f"{root}/kerberos",
    }


def instance_discovery(authority: Authority, tenant: str) -> dict[str, Any]:
    """The answer of ``/common/discovery/instance``: this host, which has no aliases."""
    host = authority.base_url.split("://", 1)[1]
    return {
        "tenant_discovery_endpoint": f"{authority.base_url}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def _v1_endpoints(root: str) -> dict[str, str]:
    names = {"token_endpoint": "token", "authorization_endpoint": "authorize", "end_session_endpoint": "logout"}
    names |= {"device_authorization_endpoint": "devicecode", "check_session_iframe": "checksession"}
    own = {member: f"{root}/oauth2/{name}" for member, name in names.items()}
    return {**own, "jwks_uri": f"{root}/discovery/keys", "userinfo_endpoint": f"{root}/openid/userinfo"}


def _v2_endpoints(root: str) -> dict[str, str]:
    names = {"token_endpoint": "token", "authorization_endpoint": "authorize", "end_session_endpoint": "logout"}
    names |= {"device_authorization_endpoint": "devicecode"}
    own = {member: f"{root}/oauth2/v2.0/{name}" for member, name in names.items()}
    return {**own, "jwks_uri": f"{root}/discovery/v2.0/keys"}
