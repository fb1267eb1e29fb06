"""
What the backend learns about where a request comes from.

X-Forwarded-For, -Proto and -Host are rebuilt from the connection; what the client wrote is believed only when it is a
trusted proxy.

Source: RFC 7239 §8.1; APIM adds X-Forwarded-For as well.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.reading.values import UNIX, Peers
from gateway.wire.claims import claims
from gateway.wire.server.forwarding_fields import is_within, members, node_address
from gateway.wire.server.request_head import HeadError
from gateway.wire.server.sockets import peer_address


@dataclass(frozen=True, slots=True)
class Introduction:
    """
    What a proxy that passes bytes on has said of a connection, before the first of them.

    Attributes:
        client: The client's address; empty: the proxy names none.
        refusal: Why nothing on it is served.
    """

    client: str = ""
    refusal: HeadError | None = None


class Peer:
    """
    The other end of one client connection.

    Attributes:
        address: Its address; an IPv4 address inside IPv6 is the IPv4 address. ``unix:`` on a Unix socket.
        trusted: Whether its forwarding fields are trusted.
    """

    __slots__ = ("_host_line", "_is_named", "_lines", "address", "scheme", "trusted")

    def __init__(self, address: str, scheme: str, trusted_proxies: tuple[Peers, ...], is_named: bool = True) -> None:
        """*is_named*: False where *address* is a proxy's that has not said for whom it has connected."""
        self.address = node_address(address) or address
        self.scheme = scheme
        self._is_named = is_named
        has_address = bool(node_address(address))
        self.trusted = is_named and (has_address or address == UNIX) and is_within(self.address, trusted_proxies)
        # A Unix socket's peer has no address that another server could read.
        self._lines = (f"X-Forwarded-For: {self.address}" if has_address else "", f"X-Forwarded-Proto: {scheme}")
        self._host_line = ("", "")

    @classmethod
    def at(
        cls,
        transport: asyncio.BaseTransport,
        trusted_proxies: tuple[Peers, ...],
        introduction: Introduction | None = None,
    ) -> Peer:
        """The one at the other end of *transport*, or the client for whom it has been introduced."""
        scheme = "https" if transport.get_extra_info("ssl_object") else "http"
        client = None if introduction is None else introduction.client
        return cls(client or peer_address(transport), scheme, trusted_proxies, client != "")

    def renewed(self, trusted_proxies: tuple[Peers, ...]) -> Peer:
        """The same, where other proxies are trusted."""
        return Peer(self.address, self.scheme, trusted_proxies, self._is_named)

    def rewrite(self, lines: dict[str, str], host: str) -> None:
        """Replace the forwarding fields of an untrusted peer's request by what the connection shows."""
        for name in claims(lines):
            del lines[name]
        if self._host_line[0] != host:
            self._host_line = (host, f"X-Forwarded-Host: {host}")
        lines["x-forwarded-for"], lines["x-forwarded-proto"] = self._lines
        if not self._lines[0]:
            del lines["x-forwarded-for"]
        if host:
            lines["x-forwarded-host"] = self._host_line[1]

    def extend(self, lines: dict[str, str], host: str) -> None:
        """Add this hop to a trusted peer's forwarding fields."""
        for name in claims(lines):
            _drop_misspelt(lines, name)
        chain = members(lines, "x-forwarded-for")
        if self._lines[0]:
            chain.append(self.address)
        if chain:
            lines["x-forwarded-for"] = f"X-Forwarded-For: {', '.join(chain)}"
        else:
            lines.pop("x-forwarded-for", None)
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
