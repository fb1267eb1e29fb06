"""
Which callback URLs may be called: names first, then every address behind the name.

Callback URLs come from callers, so each one is a chance to make us call something of ours. The text of the host is
only the first check; the *resolved* addresses decide, at each attempt (``gateway.wire.addresses``).

Source: OWASP "Server-Side Request Forgery Prevention".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.notifications.settings import CallbackSettings
from gateway.wire.addresses import AddressRefused, allowed_address

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]|[^\x00-\x7f]")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]+", re.ASCII)


class UrlRefused(ValueError):
    """A callback URL may not be called; the message says why and never repeats the URL."""


@dataclass(frozen=True, slots=True)
class CallbackTarget:
    """A callback URL in parts: *host* in lower-case ASCII without brackets."""

    scheme: str
    host: str
    port: int


def parse_target(url: str, settings: CallbackSettings) -> CallbackTarget:
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


def require_addresses(addresses: Iterable[str], settings: CallbackSettings) -> str:
    """
    The address to connect to, after *all* of them passed.

    Raises:
        UrlRefused: There is none, or one of them is denied.
    """
    try:
        return allowed_address(addresses, settings.allow_private_networks)
    except AddressRefused as error:
        raise UrlRefused(f"the callback host {error}") from None


def _host(host: str | None) -> str:
    name = (host or "").rstrip(".").lower()
    if not _HOST.fullmatch(name) or len(name) > 253 or any(len(label) > 63 for label in name.split(".")):
        raise UrlRefused("the callback URL has no proper host name")
    return name


def _checked(scheme: str, host: str, port: int | None, settings: CallbackSettings) -> CallbackTarget:
    if scheme not in ("https", "http") or (scheme == "http" and not settings.allow_http):
        raise UrlRefused("the callback URL must be https")
    number = port if port is not None else (443 if scheme == "https" else 80)
    if not settings.allow_http and number not in settings.ports:
        raise UrlRefused(f"the callback port {number} is not allowed")
    return CallbackTarget(scheme, host, number)
