"""
Errors of the HTTP API, all in one shape.

Source: RFC 9457.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.notifications.store.store import StoreSlow

log = structlog.get_logger("gateway.notifications")

MEDIA_TYPE = "application/problem+json"

# The stable codes, each with what it means; the OpenAPI document lists them.
SLUGS: dict[str, str] = {
    "caller-unknown": "No trusted gateway named the caller.",
    "caller-rule": "The caller's rule does not allow this.",
    "body-invalid": "The request body cannot be used.",
    "body-too-large": "The request body is too large.",
    "media-type": "The request body must be JSON.",
    "callback-refused": "The callback URL may not be called.",
    "query-invalid": "A query parameter cannot be used.",
    "key-invalid": "The Idempotency-Key header cannot be used.",
    "key-reused": "The Idempotency-Key was used for a different request.",
    "too-many-active": "The caller has as many active jobs as its rule allows.",
    "batch-job-active": "Another job is watching this batch job.",
    "job-unknown": "There is no such job, or it is another caller's.",
    "job-not-final": "The job's callback is not finished yet.",
    "not-ready": "The service is not ready.",
    "store-unavailable": "The store cannot be used at the moment; nothing was accepted.",
}


class HttpProblem(Exception):
    """A request that is answered with an error; *extra* adds members, *headers* adds header fields."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra

    def response(self) -> Response:
        """The answer."""
        body = {
            "type": f"urn:gateway:problem:{self.slug}",
            "title": SLUGS[self.slug],
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }
        return JSONResponse(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def answer_problem(request: Request, error: Exception) -> Response:
    """Starlette's handler for HttpProblem."""
    assert isinstance(error, HttpProblem)  # noqa: S101 - registered for this type
    request.app.state.engine.metrics.refused.labels(error.slug).inc()
    return error.response()


def answer_http(request: Request, error: Exception) -> Response:
    """Starlette's own refusals (unknown path, wrong method) in the same shape."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    body = {"type": "about:blank", "title": HTTPStatus(error.status_code).phrase, "status": error.status_code}
    return JSONResponse(body, error.status_code, headers=error.headers, media_type=MEDIA_TYPE)


def answer_store(request: Request, error: Exception) -> Response:
    """The store is unavailable, locked, full or slow: nothing of the request was done, and it can be repeated."""
    log.warning("store_unavailable", error=type(error).__name__)
    request.app.state.engine.metrics.refused.labels("store-unavailable").inc()
    detail = "The store did not answer in time." if isinstance(error, StoreSlow) else "The store refused."
    return HttpProblem(503, "store-unavailable", detail, {"retry-after": "5"}).response()


def answer_bug(request: Request, error: Exception) -> Response:
    """Anything else is our mistake: logged by the server, not shown."""
    body = {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    return JSONResponse(body, 500, media_type=MEDIA_TYPE)
