"""
Which callback URLs may be called: names first, then every address behind the name.

Callback URLs come from callers, so each one is a chance to make us call something of ours. The text of the host is
only the first check: ``127.1`` and ``0x7f000001`` are 127.0.0.1 too. The *resolved* addresses decide, at each attempt.

Source: OWASP "Server-Side Request Forgery Prevention"; IANA special-purpose address registries.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.notifications.settings import CallbackSettings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# An explicit list: what ``is_private`` and ``is_global`` say differs between Python's own point releases.
_DENIED_V4 = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier NAT, used inside clouds
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform address; globally routable by the books
        "169.254.0.0/16",  # link-local and the metadata service
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # old 6to4 relay
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_ALLOWED_V6 = ipaddress.ip_network("2000::/3")
_DENIED_V6 = tuple(
    ipaddress.ip_network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo and kin, documentation, 6to4
)
# What the development switch opens; multicast, reserved and metadata stay shut.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]|[^\x00-\x7f]")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]+", re.ASCII)


class UrlRefused(ValueError):
    """A callback URL may not be called; the message says why and never repeats the URL."""


@dataclass(frozen=True, slots=True)
class Target:
    """A callback URL in parts: *host* in lower-case ASCII without brackets."""

    scheme: str
    host: str
    port: int


def parse_target(url: str, settings: CallbackSettings) -> Target:
    """
    Check the text of a callback URL.

    Raises:
        UrlRefused: Scheme, port, credentials, fragment, odd characters, or no host.
    """
    if len(url) > 4096:
        raise UrlRefused("the callback URL is longer than 4096 characters")
    if _FORBIDDEN.search(url):
        raise UrlRefused("the callback URL has white space, control, backslash or non-ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlRefused("the callback URL cannot be read") from error
    if "@" in parts.netloc or "#" in url:
        raise UrlRefused("the callback URL has credentials or a fragment")
    return _checked(parts.scheme, _host(parts.hostname), port, settings)


def require_host(host: str, patterns: Iterable[str]) -> None:
    """
    Check *host* against an allow-list.

    Raises:
        UrlRefused: When no pattern allows it.
    """
    if not any(matches(host, pattern.lower()) for pattern in patterns):
        raise UrlRefused(f"the callback host {host} is not in the list of allowed hosts")


def matches(host: str, pattern: str) -> bool:
    """Whether an allow-list entry covers *host*: ``*`` all, ``*.example.com`` any depth below, else the exact name."""
    if pattern == "*":
        return True
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def is_denied(text: str, allow_private: bool = False) -> bool:
    """Whether an address (as the resolver wrote it) must not be called, with every disguise taken off first."""
    address = unwrap(ipaddress.ip_address(text.partition("%")[0]))
    if any(address in network for network in _PRIVATE if network.version == address.version):
        return not allow_private
    if isinstance(address, ipaddress.IPv4Address):
        return any(address in network for network in _DENIED_V4)
    return address not in _ALLOWED_V6 or any(address in network for network in _DENIED_V6)


def unwrap(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped one; tunnels (NAT64, 6to4, Teredo) are denied whole instead."""
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def require_addresses(addresses: Iterable[str], settings: CallbackSettings) -> str:
    """
    The address to connect to, after *all* of them passed.

    Raises:
        UrlRefused: When there is none, or when any one is denied (a name with one good address is still a trap).
    """
    found = list(addresses)
    if not found:
        raise UrlRefused("the callback host has no address")
    if any(is_denied(address, settings.allow_private_networks) for address in found):
        raise UrlRefused("the callback host resolves to an address that must not be called")
    return found[0]


def _host(host: str | None) -> str:
    name = (host or "").rstrip(".").lower()
    if not _HOST.fullmatch(name):
        raise UrlRefused("the callback URL has no proper host name")
    return name


def _checked(scheme: str, host: str, port: int | None, settings: CallbackSettings) -> Target:
    if scheme not in ("https", "http") or (scheme == "http" and not settings.allow_http):
        raise UrlRefused("the callback URL must be https")
    number = port if port is not None else (443 if scheme == "https" else 80)
    if not settings.allow_http and number not in settings.ports:
        raise UrlRefused(f"the callback port {number} is not allowed")
    return Target(scheme, host, number)
