"""
What to do where PostgreSQL, or a pooler in front of it, does not let the service in.

Source: libpq's and the server's own words, which tests compare with the real ones.
"""

from __future__ import annotations

# The first one of which any text occurs.
_REMEDIES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("no token of the gateway's identity",), "check managed-identity, and notifications.store-entra"),
    (
        ("password authentication failed", "SASL auth"),
        "check user and password in notifications.store",
    ),
    (("no password supplied",), "write the password in notifications.store, or add store-entra"),
    (
        ("does not match host name",),
        "name the host in notifications.store as the server's certificate does",
    ),
    (
        ("certificate verify failed", "self-signed certificate"),
        "name the file of the server's authority in notifications.store-tls.ca",
    ),
    (("server does not support SSL",), "let the server speak TLS, or remove store-tls"),
    (
        ("requires a valid client certificate", "certificate required", "certificate authentication failed"),
        "add certificate and key under notifications.store-tls",
    ),
    (("no encryption",), "the server accepts connections with TLS only: add store-tls: {ca: FILE}"),
    (("no pg_hba.conf entry",), "let the server's pg_hba.conf admit this host and user"),
    (("unsupported startup parameter",), "remove the parameter from notifications.store: the pooler does not know it"),
    (("does not exist", "no such database"), "create the database and the role that notifications.store names"),
    (("private key file",), "let only the gateway's user read the key file"),
    (("too many connections", "remaining connection slots"), "raise max_connections, or put a pooler in between"),
)


def remedy_for_refusal(words: str) -> str:
    """What to do about the server's *words*; empty where they say nothing that is known."""
    return next((remedy for marks, remedy in _REMEDIES if any(mark in words for mark in marks)), "")
