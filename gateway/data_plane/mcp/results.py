"""
What an operation has answered, as the result of a tool.

An error of the operation is a result too: the model that called may learn from it and try again.

Source: Model Context Protocol 2025-11-25 and 2026-07-28, "Tools" ("Tool Result", "Error Handling").
"""

from __future__ import annotations

import base64
from typing import Any

from gateway.data_plane.mcp.messages import is_shallow
from gateway.reading.json_text import read_json
from gateway.wire.body import BodyTooLarge
from gateway.wire.content_coding import CodingError, codings, decode
from gateway.wire.messages import Response

MAX_STRUCTURED_BYTES = 256 * 1024  # what takes longer to read is a text alone
_SHOWN_AS = {"image": "image", "audio": "audio"}


def text_result(text: str, *, is_error: bool) -> dict[str, Any]:
    """A result that is one text."""
    return {"content": [{"type": "text", "text": text}], "isError": is_error}


async def result_of(response: Response, max_bytes: int, uri: str) -> dict[str, Any]:
    """
    The result that *response* is; *uri* names content that is neither text, image nor sound.

    Raises:
        Whatever its body fails with.
    """
    try:
        await response.body.buffer(max_bytes)
        content = decode(response.body.content, codings(response.headers.joined("Content-Encoding")), max_bytes)
    except BodyTooLarge:
        return text_result(f"The answer is larger than {max_bytes} bytes.", is_error=True)
    except CodingError as error:
        return text_result(f"The answer cannot be read: {error}.", is_error=True)
    media_type = (response.headers.first("Content-Type") or "").partition(";")[0].strip().lower()
    return _result(response.status_code, media_type, content, uri)


def _result(status: int, media_type: str, content: bytes, uri: str) -> dict[str, Any]:
    is_error = status >= 400
    if not is_error and not _is_text(media_type, content):
        return {"content": [_binary(media_type, content, uri)], "isError": False}
    text = content.decode("utf-8", "replace")
    result = text_result(f"HTTP {status}\n{text}".rstrip() if is_error else text, is_error=is_error)
    value = _structured(media_type, text) if len(content) <= MAX_STRUCTURED_BYTES else None
    return {**result, "structuredContent": value} if isinstance(value, dict) else result


def _structured(media_type: str, text: str) -> Any:
    """The value of a JSON text; None where it is none, or clients may not be able to read it again."""
    if not (media_type == "application/json" or media_type.endswith("+json")):
        return None
    try:
        value = read_json(text)
    except (ValueError, RecursionError):
        return None
    return value if is_shallow(value) else None


def _is_text(media_type: str, content: bytes) -> bool:
    major, _, minor = media_type.partition("/")
    if major == "text" or minor in ("json", "xml", "javascript") or minor.endswith(("+json", "+xml")) or not content:
        return True
    if media_type:
        return minor == "x-www-form-urlencoded"
    return b"\0" not in content


def _binary(media_type: str, content: bytes, uri: str) -> dict[str, Any]:
    data, kind = base64.b64encode(content).decode(), _SHOWN_AS.get(media_type.partition("/")[0])
    name = media_type or "application/octet-stream"
    if kind is not None:
        return {"type": kind, "data": data, "mimeType": name}
    return {"type": "resource", "resource": {"uri": uri, "mimeType": name, "blob": data}}
