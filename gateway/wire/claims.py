"""
Fields that claim something about where a request comes from: an address, a host, a path, a user, a client certificate.

Backends believe them because some proxy or platform writes them, so a stranger's never pass: not in the header, and not
in a trailer, which whoever reads it may merge into the header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Source: RFC 9440 §4.1 for certificates; the products' own documentation for the others.
_CLAIM = re.compile(
    r"""x-forwarded.*|forwarded
    |x-real-ip|x-client-ip|client-ip|true-client-ip|x-cluster-client-ip|fastly-client-ip|cf-connecting-ip(?:v6)?
    |x-azure-(?:clientip|socketip|fdid|ref)|x-appengine-user-ip|x-envoy-external-address|x-envoy-peer-metadata.*
    |x-original-host|x-host|x-http-host-override|x-original-url|x-original-uri|x-rewrite-url
    |client-cert|client-cert-chain|x-client-cert.*|x-client-verify|x-client-dn|x-arr-clientcert
    |(?:x-)?ssl-client.*|x-ssl-cert
    |x-ms-client-principal.*|x-ms-token-.*|remote-user|x-remote-(?:user|group|extra-.*)|x-webauth-user
    |x-auth-request-.*|x-authenticated-user.*|x-amzn-oidc-.*|x-goog-authenticated-user-.*|x-goog-iap-jwt-assertion
    """,
    re.VERBOSE,
)
_MAX_KNOWN = 2048
_harmless: set[str] = set()  # names that were found to claim nothing


def claims(lines: Mapping[str, str]) -> list[str]:
    """The folded names among those of *lines* that say where a request comes from."""
    if lines.keys() <= _harmless:
        return []
    claiming = [name for name in lines if name not in _harmless and _CLAIM.fullmatch(name)]
    if len(_harmless) < _MAX_KNOWN:
        _harmless.update(lines.keys() - claiming)
    return claiming


def is_claim(name: str) -> bool:
    """The same of one folded *name*."""
    return _CLAIM.fullmatch(name) is not None
