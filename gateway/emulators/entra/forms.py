"""
Form bodies, urlencoded and multipart. The blog's Postman request sends its token request as multipart "form-data".

Source: URL standard, application/x-www-form-urlencoded; RFC 7578.
"""

from __future__ import annotations

from email import message_from_bytes, policy
from urllib.parse import parse_qsl


def parse_form(content_type: str, body: bytes) -> dict[str, str]:
    """Field name → value; a repeated field has its last value. Anything that is not a form has no fields."""
    if content_type.lower().startswith("multipart/form-data"):
        return _multipart(content_type, body)
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=policy.HTTP)
    fields = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            payload = part.get_payload(decode=True)
            fields[name] = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return fields
