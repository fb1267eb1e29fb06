"""
Who the client is, and what the backend is told about it.

X-Forwarded-For, -Proto and -Host are rebuilt from the connection; what the client wrote is believed only when it is a
trusted proxy.

Source: RFC 7239 §8.1; APIM adds X-Forwarded-For (reference: apim-policies.md 8).
"""

from __future__ import annotations

import ipaddress

from gateway.reading.values import Network
from gateway.wire.fields import tokens

# Beside X-Forwarded-*: fields from which backends take an address, a host, the path or a client certificate.
# Source: RFC 9440 §4.1 for certificates.
_CLAIMS = frozenset(
    """
    forwarded x-real-ip x-client-ip client-ip true-client-ip x-cluster-client-ip
    x-original-host x-host x-http-host-override x-original-url x-rewrite-url
    client-cert client-cert-chain x-client-cert x-arr-clientcert ssl-client-cert x-ssl-client-cert
    """.split()
)


class Peer:
    """
    The other end of one client connection.

    Attributes:
        trusted: Whether its forwarding fields are believed.
    """

    __slots__ = ("_host_line", "_lines", "address", "scheme", "trusted")

    def __init__(self, address: str, scheme: str, trusted_proxies: tuple[Network, ...]) -> None:
        self.address = address
        self.scheme = scheme
        self.trusted = bool(trusted_proxies) and _within(address, trusted_proxies)
        self._lines = (f"X-Forwarded-For: {address}", f"X-Forwarded-Proto: {scheme}")
        self._host_line = ("", "")

    def rewrite(self, lines: dict[str, str], host: str) -> None:
        """Make the forwarding fields of an untrusted peer's request say what the connection says."""
        if "x-forwarded" in "\n".join(lines) or not _CLAIMS.isdisjoint(lines):
            for name in [name for name in lines if name.startswith("x-forwarded") or name in _CLAIMS]:
                del lines[name]
        if self._host_line[0] != host:
            self._host_line = (host, f"X-Forwarded-Host: {host}")
        lines["x-forwarded-for"], lines["x-forwarded-proto"] = self._lines
        if host:
            lines["x-forwarded-host"] = self._host_line[1]

    def extend(self, lines: dict[str, str], host: str) -> None:
        """Add this hop to a trusted peer's forwarding fields."""
        chain = _chain(lines)
        lines["x-forwarded-for"] = f"X-Forwarded-For: {', '.join([*chain, self.address])}"
        lines.setdefault("x-forwarded-proto", self._lines[1])
        if host:
            lines.setdefault("x-forwarded-host", f"X-Forwarded-Host: {host}")


def client_address(lines: dict[str, str], peer: Peer, trusted_proxies: tuple[Network, ...]) -> str:
    """The nearest address that is not a trusted proxy's, read from the right; the peer's own where there is none."""
    for address in reversed(_chain(lines)):
        if not _is_address(address):
            return peer.address
        if not _within(address, trusted_proxies):
            return address
    return peer.address


def forwarded_value(lines: dict[str, str], name: str) -> str:
    """The first value of one X-Forwarded field of a trusted peer, or empty."""
    return tokens(lines[name])[0] if name in lines else ""


def _chain(lines: dict[str, str]) -> list[str]:
    return [address for address in tokens(lines.get("x-forwarded-for", ":")) if address]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    if not _is_address(address):
        return False
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in networks)
