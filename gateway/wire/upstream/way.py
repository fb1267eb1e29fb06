"""How a backend is reached, where a policy decides: with which client certificate, through which proxy."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """
    A certificate of the configuration.

    Attributes:
        pem: The certificate, then its chain, PEM.
        private_key: Its key, PEM without password; None where only the public part is known.
    """

    pem: bytes
    private_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """An HTTP proxy for outgoing calls."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Way:
    """
    How requests get to a backend.

    Attributes:
        certificate: Presented to the backend instead of the configured one.
        proxy: Requests go through it.
        next_address_s: Seconds after which a name's next address is tried as well (RFC 8305); None: once the one before
            has failed. Not every event loop offers this.
    """

    certificate: StoredCertificate | None = None
    proxy: HttpProxy | None = None
    next_address_s: float | None = None
