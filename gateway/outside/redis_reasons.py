"""
Why Redis refuses, in fixed words: what servers and libraries say may hold addresses, user names and passwords.

Source: Redis's error codes (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors); OpenSSL's
messages.
"""

from __future__ import annotations

from typing import NamedTuple


class Obstacle(NamedTuple):
    """
    Why it does not work.

    Attributes:
        remedy: What to do; empty where time heals it.
    """

    words: str
    remedy: str = ""


UNKNOWN = Obstacle("it cannot be reached", "check redis.url, and whether the server runs")
NO_TOKEN = "the gateway's identity has no token"  # noqa: S105 (a message)

_CLOSED = Obstacle("the server closed the connection", "if it expects TLS, write rediss:// in redis.url")
# In TLS 1.3 the client has finished before the server judges its certificate. A server that refuses it sends an alert
# and closes the connection; the alert is lost if the client is writing just then.
_CLOSED_TLS = Obstacle(
    "the server closed the TLS connection without giving a reason",
    "if it asks for a client certificate, add certificate and key under redis.tls; else look at the server's log",
)

# The first one of which any text occurs; the most telling come first, because libraries wrap one error into another.
_REASONS: tuple[tuple[tuple[str, ...], Obstacle], ...] = (
    ((NO_TOKEN,), Obstacle(NO_TOKEN, "check managed-identity, and redis.entra")),
    (("Cluster mode is not enabled",), Obstacle("the server is not part of a cluster", "remove topology: cluster")),
    (("MOVED ", "MovedError"), Obstacle("the server is a node of a cluster", "add topology: cluster under redis")),
    (
        ("CROSSSLOT", "CrossSlotError"),
        Obstacle("the server is a cluster behind one address, and refuses several keys at once"),
    ),
    (
        ("WRONGPASS", "invalid username-password pair", "invalid password"),
        Obstacle("user or password is refused", "check the user and password in redis.url, or redis.entra.user"),
    ),
    (
        ("without any password configured",),
        Obstacle(
            "the server has no password for the default user", "name the user in redis.url, or remove the password"
        ),
    ),
    (
        ("NOAUTH", "Authentication required", "already authenticated"),
        Obstacle("the server asks for a password", "write redis://user:password@host in redis.url, or add redis.entra"),
    ),
    (
        ("NOPERM", "NoPermissionError", "no permissions to"),
        Obstacle(
            "the user lacks a permission",
            "allow it the keys gateway/* and the commands @read, @write, @scripting, @connection, time, cluster",
        ),
    ),
    (
        ("Hostname mismatch", "IP address mismatch", "doesn't match"),
        Obstacle(
            "the server's certificate is for another name",
            "name the host in redis.url as its certificate does; if a cluster announces addresses, add same-host: true",
        ),
    ),
    (("certificate has expired",), Obstacle("the server's certificate has expired", "renew it")),
    (
        ("certificate verify failed", "CERTIFICATE_VERIFY_FAILED"),
        Obstacle(
            "the server's certificate comes from an unknown authority", "name the authority's file in redis.tls.ca"
        ),
    ),
    (
        (
            "certificate required",
            "CERTIFICATE_REQUIRED",
            "alert certificate unknown",
            "alert unknown ca",
            "handshake failure",
        ),
        Obstacle("the server asks for a client certificate", "add certificate and key under redis.tls"),
    ),
    (
        ("WRONG_VERSION_NUMBER", "wrong version number", "record layer failure", "UNEXPECTED_EOF"),
        Obstacle("the server does not speak TLS at this port", "write redis:// in redis.url, or the TLS port"),
    ),
    (
        ("unknown command 'SENTINEL'", "unknown command `SENTINEL`"),
        Obstacle("the server is not a Sentinel", "name the Sentinels in redis.url, or remove topology: sentinel"),
    ),
    (
        ("No master found", "MasterNotFoundError"),
        Obstacle("the Sentinels name no primary that can be reached", "check redis.service, and the Sentinels' state"),
    ),
    (
        ("unknown command",),
        Obstacle("the server does not know the command: it may be a Sentinel", "add topology: sentinel and service"),
    ),
    (
        ("READONLY", "ReadOnlyError", "read only replica", "is now a slave"),
        Obstacle("the server is a replica", "name the primary in redis.url, or use topology: sentinel or cluster"),
    ),
    (("CLUSTERDOWN", "ClusterDownError", "The cluster is down"), Obstacle("the cluster reports that it is down")),
    (
        ("OOM ", "OutOfMemoryError"),
        Obstacle("the server has no memory left", "set maxmemory-policy, or give it more memory"),
    ),
    (("LOADING", "BusyLoadingError"), Obstacle("the server is loading its data")),
    (
        ("NOREPLICAS",),
        Obstacle("the server has too few replicas to accept writes", "check them, or min-replicas-to-write"),
    ),
    (("MISCONF",), Obstacle("the server cannot save to its disk, and refuses writes", "look at the server's log")),
    (("BUSY ",), Obstacle("the server is busy with a script", "look at the server's log")),
    (("Name or service not known", "name resolution"), Obstacle("the host's name is not known", "check redis.url")),
    (
        ("Timeout", "timeout", "TimeoutError"),
        Obstacle(
            "no answer in time", "check redis.url and the network; without TLS a server does not answer rediss://"
        ),
    ),
    (
        (
            "Connection closed by server",
            "Connection reset",
            "IncompleteReadError",
            "ConnectionResetError",
            "Broken pipe",
        ),
        _CLOSED,
    ),
    (
        ("refused", "ConnectionRefusedError"),
        Obstacle("the connection is refused", "check redis.url, and the server"),
    ),
    (("ResponseError",), Obstacle("the server refuses a command", "look at the server's log")),
)


def explain(error: BaseException, tls: bool = False) -> Obstacle:
    """
    Why *error* happened, without anything that it repeats.

    Args:
        tls: Whether the connection uses TLS.
    """
    text = "\n".join(_texts(error))
    reason = next((reason for marks, reason in _REASONS if any(mark in text for mark in marks)), UNKNOWN)
    return _CLOSED_TLS if tls and reason is _CLOSED else reason


def _texts(error: BaseException) -> list[str]:
    """What *error* and those that led to it say, with the names of their classes."""
    texts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(texts) < 10:
        texts.append(f"{type(current).__name__}: {current}")
        current = current.__cause__ or current.__context__
    return texts
