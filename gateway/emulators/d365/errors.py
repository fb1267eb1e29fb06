"""
OData error bodies as F&O writes them: the useful text is in ``innererror``, the code is empty.

Source: OData JSON Format 4.0, "Error Response".
"""

from __future__ import annotations

from starlette.responses import JSONResponse


class ODataError(Exception):
    """A request that F&O refuses; *status* is HTTP's, *text* the sentence in ``innererror``."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text

    def response(self) -> JSONResponse:
        """The answer, with a stack trace, which clients must never pass on."""
        inner = {
            "message": self.text,
            "type": "System.InvalidOperationException",
            "stacktrace": "   at Emulator.Refuse()",
        }
        body = {"code": "", "message": "An error has occurred.", "innererror": inner}
        return JSONResponse({"error": body}, self.status)
