"""
What the backend learns about where a request comes from.

X-Forwarded-For, -Proto and -Host are rebuilt from the connection; what the client wrote is believed only when it is a
trusted proxy.

Source: RFC 7239 §8.1; APIM adds X-Forwarded-For as well.
"""

from __future__ import annotations

import re

from gateway.reading.values import Network
from gateway.wire.server.forwarding_fields import is_within, members, node_address

# Fields from which backends take an address, a host, the path, a user or a client certificate, because some proxy or
# platform writes them. Source: RFC 9440 §4.1 for certificates; the products' own documentation for the others.
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


def claims(lines: dict[str, str]) -> list[str]:
    """The names among *lines* that state where a request comes from."""
    if lines.keys() <= _harmless:
        return []
    claiming = [name for name in lines if name not in _harmless and _CLAIM.fullmatch(name)]
    if len(_harmless) < _MAX_KNOWN:
        _harmless.update(lines.keys() - claiming)
    return claiming


class Peer:
    """
    The other end of one client connection.

    Attributes:
        address: Its address; an IPv4 address inside IPv6 is the IPv4 address.
        trusted: Whether its forwarding fields are believed.
    """

    __slots__ = ("_host_line", "_lines", "address", "scheme", "trusted")

    def __init__(self, address: str, scheme: str, trusted_proxies: tuple[Network, ...]) -> None:
        self.address = node_address(address) or address
        self.scheme = scheme
        self.trusted = bool(trusted_proxies and node_address(address)) and is_within(self.address, trusted_proxies)
        self._lines = (f"X-Forwarded-For: {self.address}", f"X-Forwarded-Proto: {scheme}")
        self._host_line = ("", "")

    def rewrite(self, lines: dict[str, str], host: str) -> None:
        """Make the forwarding fields of an untrusted peer's request state what the connection shows."""
        for name in claims(lines):
            del lines[name]
        if self._host_line[0] != host:
            self._host_line = (host, f"X-Forwarded-Host: {host}")
        lines["x-forwarded-for"], lines["x-forwarded-proto"] = self._lines
        if host:
            lines["x-forwarded-host"] = self._host_line[1]

    def extend(self, lines: dict[str, str], host: str) -> None:
        """Add this hop to a trusted peer's forwarding fields."""
        for name in claims(lines):
            _drop_misspelt(lines, name)
        chain = members(lines, "x-forwarded-for")
        lines["x-forwarded-for"] = f"X-Forwarded-For: {', '.join([*chain, self.address])}"
        lines.setdefault("x-forwarded-proto", self._lines[1])
        if host:
            lines.setdefault("x-forwarded-host", f"X-Forwarded-Host: {host}")


def _drop_misspelt(lines: dict[str, str], name: str) -> None:
    """Remove the lines whose name has an underscore: the proxy did not write them."""
    kept = [line for line in lines[name].split("\r\n") if "_" not in line.partition(":")[0]]
    if kept:
        lines[name] = "\r\n".join(kept)
    else:
        del lines[name]
