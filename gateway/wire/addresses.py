"""
Which addresses may be called when a stranger chose the URL: a caller's callback, a certificate's revocation list.

Checking the text of a host is not enough: ``127.1`` and ``0x7f000001`` are 127.0.0.1 too. The *resolved* addresses
decide, each time, and the connection goes to the very address that was checked.

Source: OWASP "Server-Side Request Forgery Prevention"; IANA special-purpose address registries.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable

import httpx2

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# An explicit list: what ``is_private`` and ``is_global`` say differs between Python's own point releases.
_DENIED_V4 = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier NAT, used inside clouds
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform address; nominally globally routable
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
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo etc., documentation, 6to4
)
# What the development switch opens; multicast, reserved and metadata stay closed.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)

Resolve = Callable[[str, int], Awaitable[list[str]]]


class AddressRefused(ValueError):
    """A host must not be called; the message continues after "the host"."""


def is_denied(text: str, allow_private: bool = False) -> bool:
    """Whether an address (as the resolver wrote it) must not be called, after every disguise has been removed."""
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


def allowed_address(addresses: Iterable[str], allow_private: bool = False) -> str:
    """
    The address to connect to, after *all* of them passed.

    Raises:
        AddressRefused: When there is none, or when any one is denied (a name with one good address is still a trap).
    """
    candidates = list(addresses)
    if not candidates:
        raise AddressRefused("has no address")
    if any(is_denied(address, allow_private) for address in candidates):
        raise AddressRefused("resolves to an address that must not be called")
    return candidates[0]


async def resolve(host: str, port: int) -> list[str]:
    """
    All addresses of *host*, also for its odd spellings (``127.1``, ``0x7f000001``), which the system's resolver knows.

    Raises:
        OSError: When the name cannot be resolved now; ``socket.gaierror`` is one.
    """
    loop = asyncio.get_running_loop()
    try:
        entries = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters
        raise OSError("host name cannot be encoded") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


class PinnedTransport(httpx2.AsyncHTTPTransport):
    """
    Connects to the address in the request's extension ``address``; Host, SNI and certificate check keep the name.

    That defeats DNS rebinding: a name cannot change its address between the check and the connection.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send *request* to its checked address."""
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host=request.extensions["address"])
        return await super().handle_async_request(request)
