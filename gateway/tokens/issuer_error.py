"""Why an issuer's metadata or keys cannot be used; shown in readiness, never to a caller."""

from __future__ import annotations

from gateway.errors import GatewayError


class IssuerError(GatewayError):
    """
    One failed attempt to learn an issuer's keys.

    Attributes:
        retry_after_s: The pause that the issuer asked for, if any.
        is_down: Whether waiting can help; False if the metadata itself is refused, which only the operator can correct.
    """

    def __init__(self, message: str, retry_after_s: float | None = None, is_down: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
        self.is_down = is_down
