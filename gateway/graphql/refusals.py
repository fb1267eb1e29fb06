"""
How a GraphQL request is refused: an ``errors`` list and no ``data``.

Source: GraphQL specification §7.1.2; "GraphQL over HTTP" §6.4.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gateway.errors import PolicyError

SYNTAX = "GraphQLSyntaxError"
INVALID = "GraphQLValidationFailed"
LIMIT = "GraphQLLimitExceeded"
NOT_ALLOWED = "GraphQLFieldNotAllowed"
BAD_REQUEST = "GraphQLBadRequest"

MOST_ERRORS = 5
_LONGEST = 300  # characters of one message: they repeat what the caller has written


class GraphQLRefusal(PolicyError):
    """
    A request that is not run.

    Attributes:
        errors: Each ``{"message", "locations"?}``, as the answer has them.
    """

    def __init__(self, reason: str, errors: Sequence[dict[str, Any]], logged: str, status: int = 400) -> None:
        self.errors = [*errors]
        message = str(self.errors[0]["message"])
        super().__init__(status, reason, message, logged_message=logged, expected=logged)
        self.body = error_body(self.errors)


def refusal(reason: str, message: str, status: int = 400) -> GraphQLRefusal:
    """A refusal in words of the gateway's own, which the log may have."""
    return GraphQLRefusal(reason, [{"message": message}], message, status)


def error_of(message: str, **more: object) -> dict[str, Any]:
    """One error; *message* may repeat what the caller has written, and is cut."""
    return {"message": message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…", **more}


def error_body(errors: Sequence[dict[str, Any]]) -> bytes:
    """``{"errors": […]}``."""
    return json.dumps({"errors": [*errors]}, separators=(",", ":")).encode()
