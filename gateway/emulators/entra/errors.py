"""
Token endpoint errors: the numbers, statuses and body members of the service; the sentences are ours.

Clients should act on ``error``, people on the number in ``error_description``.

Source: "Entra authentication and authorization error codes"; RFC 6749 section 5.2.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """HTTP status, OAuth *error* and sentence of one AADSTS number; ``{detail}`` is filled in per request."""

    status: int
    error: str
    text: str


SHAPES: dict[int, ErrorShape] = {
    7000215: ErrorShape(
        401, "invalid_client", "The client secret sent for '{detail}' is wrong. Send its value, not its id."
    ),
    7000222: ErrorShape(401, "invalid_client", "The client secret sent for '{detail}' has expired."),
    7000216: ErrorShape(401, "invalid_client", "A client_secret, client_assertion or other credential is needed."),
    7000218: ErrorShape(401, "invalid_client", "The body must hold client_assertion or client_secret."),
    700016: ErrorShape(400, "unauthorized_client", "No application '{detail}' in this directory."),
    700027: ErrorShape(401, "invalid_client", "The signature of the client assertion cannot be verified. {detail}"),
    50012: ErrorShape(401, "invalid_client", "Authentication failed. {detail}"),
    90002: ErrorShape(400, "invalid_request", "No tenant '{detail}'."),
    50059: ErrorShape(400, "invalid_request", "The request does not name a tenant; '{detail}' is not one."),
    500011: ErrorShape(400, "invalid_resource", "No resource '{detail}' in this tenant."),
    50001: ErrorShape(400, "invalid_resource", "The resource '{detail}' is disabled or does not exist."),
    70011: ErrorShape(400, "invalid_scope", "The scope '{detail}' is not valid."),
    1002012: ErrorShape(400, "invalid_scope", "The scope '{detail}' must end with /.default in this flow."),
    65001: ErrorShape(400, "invalid_grant", "There is no consent to '{detail}'."),
    70003: ErrorShape(400, "unsupported_grant_type", "The grant type '{detail}' is not supported."),
    900144: ErrorShape(400, "invalid_request", "The body must hold the parameter '{detail}'."),
    53003: ErrorShape(400, "invalid_grant", "A Conditional Access policy blocks the request."),
    50196: ErrorShape(400, "invalid_grant", "The client asks for the same token in a loop."),
    90055: ErrorShape(429, "temporarily_unavailable", "Too many requests."),
    90033: ErrorShape(503, "temporarily_unavailable", "A transient fault; try again."),
    50033: ErrorShape(503, "temporarily_unavailable", "A transient fault; try again."),
    90006: ErrorShape(503, "temporarily_unavailable", "A transient fault; try again."),
}


class EntraError(Exception):
    """The token endpoint refuses; *number* is the AADSTS number, *detail* is inserted into its sentence."""

    def __init__(self, number: int, detail: str = "") -> None:
        super().__init__(f"AADSTS{number}")
        self.number = number
        self.detail = detail

    @property
    def status(self) -> int:
        """HTTP status of the answer."""
        return SHAPES[self.number].status

    def body(self, now: float, correlation_id: str, base_url: str) -> dict[str, Any]:
        """The JSON answer; *correlation_id* is the caller's ``client-request-id`` or a fresh one."""
        shape, trace_id = SHAPES[self.number], str(uuid.uuid4())
        timestamp = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%SZ}"
        ids = f"Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
        return {
            "error": shape.error,
            "error_description": f"AADSTS{self.number}: {shape.text.format(detail=self.detail)} {ids}",
            "error_codes": [self.number],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"{base_url}/error?code={self.number}",
        }
