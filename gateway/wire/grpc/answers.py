"""
Answers that have no messages: status and metadata in one block of fields (Trailers-Only).

Source: gRPC over HTTP2, "Responses".
"""

from __future__ import annotations

import json
from typing import Any

from gateway.wire.body import Body
from gateway.wire.grpc.status import MESSAGE, STATUS, encode_message, of_http, parse_status
from gateway.wire.messages import Response

_MAX_READ_BYTES = 16 * 1024
_MAX_SHOWN = 1024
_DESCRIBING = ("content-", "transfer-")


def trailers_only(response: Response, media_type: str) -> int:
    """
    Make *response* the end of a call: its own grpc-status, or what its HTTP status means. The status.

    Fields that are not about its body stay, as metadata: WWW-Authenticate, Retry-After, those of cors.
    """
    headers = response.headers
    status = parse_status(headers.first(STATUS))
    if status is None:
        status = int(of_http(response.status_code))
        headers.replace(STATUS, str(status))
        headers.replace(MESSAGE, encode_message(_message(response)))
    for name in [name for name in headers.names() if name.startswith(_DESCRIBING)]:
        del headers.lines[name]
    headers.replace("Content-Type", media_type)
    response.body.discard()
    response.body = Body()
    response.status_code, response.given_reason = 200, None
    return status


def _message(response: Response) -> str:
    """What the answer says to people: the message of an error body, a short text, or the reason phrase."""
    text = _text_of(response)
    if not text:
        text = "The answer is not one to a gRPC call" if response.status_code < 300 else response.reason
    return (text or f"HTTP status {response.status_code}")[:_MAX_SHOWN]


def _text_of(response: Response) -> str:
    content, media_type = response.body.content, response.headers.first("Content-Type") or ""
    if len(content) > _MAX_READ_BYTES:
        return ""
    return _json_message(content) if "json" in media_type else _plain_text(content, media_type)


def _json_message(content: bytes) -> str:
    try:
        value: Any = json.loads(content)
    except ValueError:
        return ""
    message = value.get("message") if isinstance(value, dict) else None
    return message if isinstance(message, str) else ""


def _plain_text(content: bytes, media_type: str) -> str:
    if not media_type.startswith("text/plain") and media_type:
        return ""
    return content.decode(errors="replace").strip()
