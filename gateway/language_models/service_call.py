"""
A question to a service of the gateway's own, through a backend of the configuration: embeddings, content safety.

The backend brings address, credentials and circuit breaker; nothing of the caller's request goes with it.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

from gateway.errors import ExpressionError, QuestionRefused, UpstreamError
from gateway.pipeline.values import Constant
from gateway.wire.body import Body, BodyTooLarge
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request

if TYPE_CHECKING:
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Target

MAX_ANSWER_BYTES = 1024 * 1024

# Statuses that are about the question, and not about the service.
_REFUSALS = (400, 413, 422)

# What managed identities ask tokens for, where the service is one of Azure's.
COGNITIVE_SERVICES = "https://cognitiveservices.azure.com"


def service_backend(settings: Settings, name: str) -> Value[Target]:
    """The backend that the attribute *name* gives. Raises LoadError: the configuration has none of that id."""
    given, targets = settings.text(name), settings.services.targets
    if isinstance(given, Constant):
        try:
            return Constant(targets.for_id(given.value.strip()))
        except KeyError:
            remedy = "add it under backends in the configuration"
            raise settings.error("unknown-backend", f"no backend {given.value!r}", remedy, at=name) from None

    def find(context: Any) -> Target:
        try:
            return targets.for_id(given(context).strip())
        except KeyError:
            raise ExpressionError("ArgumentException", f"{name} names no backend") from None

    return find


async def ask(
    target: Target, path: str, query: str, document: object, timeout_s: float, authorization: str = ""
) -> dict[str, Any]:
    """
    The JSON object that a POST of *document* is answered with.

    Args:
        path: Behind the backend's own; empty: that alone.
        timeout_s: Seconds for everything.
        authorization: The field of that name; the backend's own credentials replace it.

    Raises:
        UpstreamError: There is no such answer: no connection, too slow, another status than 200, or no JSON object;
            QuestionRefused where the status is about the question.
    """
    headers = Headers([("Content-Type", "application/json"), ("Accept", "application/json")])
    if authorization:
        headers.replace("Authorization", authorization)
    content = json.dumps(document).encode()
    request = Request("POST", path, query, headers, Body(content))
    request.target = target
    try:
        async with asyncio.timeout(timeout_s):
            answer = await target.send(request, ForwardOptions(timeout_s))
            await answer.body.buffer(MAX_ANSWER_BYTES)
    except TimeoutError:
        raise UpstreamError("Timeout", f"no answer within {timeout_s:g} s", 504) from None
    except BodyTooLarge:
        raise UpstreamError("BackendConnectionFailure", "the answer is too long", 502) from None
    if answer.status_code in _REFUSALS:
        raise QuestionRefused("BackendConnectionFailure", f"the service answered {answer.status_code}", 502)
    if answer.status_code != 200:
        raise UpstreamError("BackendConnectionFailure", f"the service answered {answer.status_code}", 502)
    return _object(answer.body.content)


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise UpstreamError("BackendConnectionFailure", "the answer is no JSON object", 502)
    return cast("dict[str, Any]", document)
