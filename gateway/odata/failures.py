"""Why a request does not fit OData or the service's metadata."""

from __future__ import annotations

from gateway.errors import GatewayError


class ODataMismatch(GatewayError):
    """
    A URL or header that the service's metadata does not allow.

    Attributes:
        part: Which part of the request it is: ``path``, ``$filter``, ``OData-Version``.
    """

    def __init__(self, part: str, message: str) -> None:
        super().__init__(f"{part}: {message}")
        self.part = part
        self.message = message


def shown(text: str) -> str:
    """*text* for a message: short, without control characters."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")
