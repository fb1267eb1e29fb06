"""By which way a backend is reached, where a policy has chosen one: which certificate is shown, which proxy is used."""

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
class Proxy:
    """An HTTP proxy for outgoing calls."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Way:
    """
    How requests get to a backend.

    Attributes:
        certificate: Shown to the backend in place of the configured one.
        proxy: Gone through.
    """

    certificate: StoredCertificate | None = None
    proxy: Proxy | None = None
