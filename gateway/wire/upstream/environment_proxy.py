"""The HTTP proxy that the process's environment names, as other programs read it: HTTPS_PROXY, ALL_PROXY, NO_PROXY …"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from gateway.errors import GatewayError
from gateway.wire.messages import Url
from gateway.wire.upstream.way import HttpProxy


def environment_proxy(url: Url) -> HttpProxy | None:
    """
    The proxy through which *url* is reached; None: directly.

    Raises:
        GatewayError: It is not an HTTP proxy. The message does not show its URL, which may hold a password.
    """
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    try:
        return _parse(address if "://" in address else f"http://{address}")
    except ValueError:
        name = f"{url.scheme.upper()}_PROXY or ALL_PROXY"
        remedy = f"add {url.host} to NO_PROXY, or correct it"
        raise GatewayError(f"the proxy in {name} has no http or https URL ({remedy})") from None


def _parse(address: str) -> HttpProxy:
    """Raises ValueError: it is not the URL of an HTTP proxy."""
    parts = urlsplit(address)
    port = "" if parts.port is None else f":{parts.port}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an HTTP proxy")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    account = (part if part is None else unquote(part) for part in (parts.username, parts.password))
    return HttpProxy(f"{parts.scheme}://{host}{port}", *account)
