"""How a PostgreSQL store is reached, beyond its URL: with a token of the gateway's own identity, and not in clear."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from gateway.outside.settings import ClientTls
from gateway.reading.settings import Block, mistake

_HERE = (None, "", "localhost", "127.0.0.1", "::1")


class StoreLogin(Block):
    """Entra ID in place of a password: a token of the gateway's own identity, newer for newer connections."""

    resource: str = "https://ossrdbms-aad.database.windows.net"
    """What the token is for."""
    client_id: str = ""
    """Identity to use. Empty: the one of *managed-identity*."""


def require_safe(url: str, tls: ClientTls | None, login: StoreLogin | None) -> None:
    """Refuse what would send a token to whoever answers at *url*, or two passwords."""
    if login is None or url.startswith("sqlite"):
        return
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    if parts.password or "password" in options:
        raise mistake("bad-value", "store has a password, and so has store-entra", "remove one of them", at="store")
    if tls is None and parts.hostname not in _HERE and options.get("sslmode") != ["verify-full"]:
        raise mistake("bad-value", "a token would be sent to whoever answers", "add store-tls: {}", at="store-entra")
