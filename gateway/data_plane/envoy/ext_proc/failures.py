"""Answers to requests that do not reach the application, and to those that it has failed: no details."""

from __future__ import annotations

import logging

from gateway.errors import PolicyError, UpstreamError
from gateway.wire.body import BodyTooLarge
from gateway.wire.messages import Response
from gateway.wire.server.answers import error_response
from gateway.wire.server.request_head import HeadError

_log = logging.getLogger(__name__)


def failure(error: Exception, is_answering: bool) -> tuple[int, str]:
    """Status and message. *is_answering*: the backend has answered already."""
    match error:
        case UpstreamError():
            return error.status, "The backend could not be reached."
        case PolicyError():
            return error.status, "The answer cannot be sent."
        case BodyTooLarge():
            return 502 if is_answering else 413, "Body too large"
    _log.error("request failed", exc_info=error)
    return 500, "Internal server error"


def refusal_answer(refusal: HeadError, line: str) -> Response:
    """The answer that refuses a head; *line* is a header line of the gateway's own, or empty."""
    answer = error_response(refusal.status, refusal.message)
    if refusal.status == 405 and isinstance(refusal.expected, list):  # RFC 9110 §15.5.6
        answer.headers.replace("Allow", ", ".join(refusal.expected))
    if line:
        name, _, value = line.strip().partition(": ")
        answer.headers.replace(name, value)
    return answer
