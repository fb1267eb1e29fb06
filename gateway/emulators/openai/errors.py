"""
Error bodies as OpenAI and Azure OpenAI write them.

Source: OpenAI API reference, "Error codes"; Microsoft Learn, Azure OpenAI "REST API reference" and "Content filtering".
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse

THROTTLED = "Requests have exceeded the rate limit of your current pricing tier. Please retry after {seconds} seconds."
FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
    "Please modify your prompt and retry."
)
_CATEGORIES = ("hate", "self_harm", "sexual", "violence")


class ModelError(Exception):
    """
    A call that the service refuses.

    Attributes:
        status: HTTP status.
        code: Such as ``DeploymentNotFound`` or ``invalid_api_key``.
        param: The member of the body that is wrong.
    """

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param

    def response(self) -> JSONResponse:
        """The answer."""
        return JSONResponse(error_body(self.code, str(self), self.param), self.status)


def error_body(code: str, message: str, param: str | None = None, kind: str = "invalid_request_error") -> Any:
    """The JSON object of an error."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def throttled_body(seconds: float) -> str:
    """The body of a 429."""
    return json.dumps(error_body("429", THROTTLED.format(seconds=max(1, round(seconds))), kind="requests"))


def filtered_body() -> str:
    """The body of the 400 for a prompt that the content filter stops."""
    body = error_body("content_filter", FILTERED, "prompt")
    body["error"]["innererror"] = {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {**safe(), "violence": {"filtered": True, "severity": "medium"}},
    }
    return json.dumps(body)


def safe() -> dict[str, Any]:
    """What the content filter says of harmless text."""
    return {category: {"filtered": False, "severity": "safe"} for category in _CATEGORIES}
