"""
HTTP as the service on its own reads it: what is not a request is refused in the shape of every other refusal.

Source: RFC 9457.
"""

from __future__ import annotations

import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.notifications.api.problems import MEDIA_TYPE


class ProblemProtocol(HttpToolsProtocol):
    """uvicorn's protocol, whose own refusals are problems too."""

    def send_400_response(self, msg: str) -> None:
        """Answer 400 and close."""
        body = json.dumps({"type": "about:blank", "title": "Bad Request", "status": 400, "detail": msg})
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(f"{head}connection: close\r\n\r\n{body}".encode("ascii"))
        self.transport.close()
