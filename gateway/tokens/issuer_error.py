"""Why an issuer's metadata or keys cannot be used; shown in readiness, never to a caller."""

from __future__ import annotations

from gateway.errors import GatewayError


class IssuerError(GatewayError):
    """One failed attempt to learn an issuer's keys; *retry_after_s* is what the issuer asked for, if anything."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
