"""
What is posted to the management plane, read within bounds.

Source: Fetch Standard, "CORS-safelisted request-header" (a JSON body needs a preflight, so no web page can send one
without asking first).
"""

from __future__ import annotations

from starlette.requests import Request


def is_of_type(request: Request, media_type: str) -> bool:
    """Whether *request* names *media_type*, whatever its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == media_type


async def bounded(request: Request, most_bytes: int) -> bytes | None:
    """The body, or None: it is longer than that, and the rest has not been read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            return None
    return bytes(body)
