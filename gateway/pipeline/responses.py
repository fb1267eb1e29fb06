"""
The default error answer.

Source: docs/reference/apim.md, "Errors": ``{ "statusCode": 401, "message": "…" }``, one space after braces, colons and
commas.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.errors import PolicyError
    from gateway.pipeline.context import Context


# A status comes from expressions too. After any other one the client would wait for a second answer, or give up.
FINAL_STATUSES = range(200, 600)
_REMEMBERED = 1_000  # characters of a message

_HEADERS = {"content-type": "Content-Type: application/json", "cache-control": "Cache-Control: no-store"}


def error_body(status_code: int, message: str, activity_id: str | None = None) -> bytes:
    """The JSON of a default error answer; *activity_id* joins a 500 to its log line."""
    tail = f', "activityId": "{activity_id}"' if activity_id else ""
    return f'{{ "statusCode": {status_code}, "message": {json.dumps(message)}{tail} }}'.encode()


def error_response(refusal: PolicyError, context: Context | None = None) -> Response:
    """The answer that on-error starts from. A refusal is never cacheable."""
    status = refusal.status if refusal.status in FINAL_STATUSES else 500
    unexpected = status == 500 and context is not None
    activity_id = str(context.request_id) if unexpected and context else None
    message = refusal.public_message
    # An author's message can repeat what a caller has sent, of any length, and an id never comes again.
    parts = _parts if activity_id is None and len(message) <= _REMEMBERED else _parts.__wrapped__
    lines, body = parts(status, refusal.headers, message, activity_id)
    return Response(status, Headers.from_lines(lines.copy()), Body(body if refusal.body is None else refusal.body))


@lru_cache(maxsize=256)
def _parts(
    status: int, headers: tuple[tuple[str, str], ...], message: str, activity_id: str | None
) -> tuple[dict[str, str], bytes]:
    """The fields, not to be changed, and the body; refusals come again and again."""
    fields = Headers.from_lines(_HEADERS.copy())
    for name, value in headers:
        fields.append(name, value)
    return fields.lines, error_body(status, message, activity_id)
