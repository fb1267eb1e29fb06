"""
Requests in distributed traces: what a server span says of a request, and its policies' steps.

Source: OpenTelemetry semantic conventions 1.27 and later, "HTTP server".
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from gateway.pipeline.step_spans import StepSpans
from gateway.telemetry.http_metrics import known_method
from gateway.telemetry.request_span import receive

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import RequestWatcher
    from gateway.pipeline.context import Context
    from gateway.telemetry.http_metrics import AttributeValue
    from gateway.telemetry.request_span import Incoming
    from gateway.telemetry.spans import Span, SpanRecorder
    from gateway.wire.messages import Ending

PolicySteps: TypeAlias = Literal["none", "events", "spans"]

CLIENT_LEFT = "ClientLeft"


@dataclass(slots=True)
class RequestSpans:
    """
    A RequestWatcher that gives each request a span.

    Attributes:
        recorder: Makes them.
        incoming: What a client's trace context does, see ``receive``.
        client_address: Whether spans name the client's address.
        policy_steps: What becomes of the policies that run: events of the span, spans of their own, or nothing.
        inner: Another watcher.
    """

    recorder: SpanRecorder
    incoming: Incoming
    client_address: bool
    policy_steps: PolicySteps
    inner: RequestWatcher | None
    looks_for: ClassVar[None] = None
    _routes: dict[tuple[str, str], str | None] = field(default_factory=dict)

    @property
    def takes_notes(self) -> bool:
        """Whether the other watcher does."""
        return self.inner is not None and self.inner.takes_notes

    @property
    def patience_s(self) -> float:
        """That of the other watcher: spans end by themselves."""
        return math.inf if self.inner is None else self.inner.patience_s

    def begins(self, context: Context) -> None:
        """The request has its context; nothing has run."""
        if self.inner is not None:
            self.inner.begins(context)
        span = context.span = receive(self.recorder, context.request, self.incoming)
        context.after_response = [*(context.after_response or ()), self._ended]
        if span.span is not None and self.policy_steps != "none":
            context.step_spans = StepSpans(self.recorder, span, self.policy_steps == "spans")

    def granted(self, context: Context, all_access: bool) -> None:
        """Its subscription key has been accepted."""
        if self.inner is not None:
            self.inner.granted(context, all_access)

    def ended(self, context: Context, ending: Ending) -> str | None:
        """The exchange is over. The id of its trace if another watcher keeps one."""
        return None if self.inner is None else self.inner.ended(context, ending)

    def _ended(self, context: Context, ending: Ending) -> None:
        followed = context.span
        if followed is None:
            return
        error = _error_type(context, ending)
        if self.recorder.metrics is not None:
            self._count(context, ending, error)
        if followed.span is not None:
            self._describe(followed.span, context, ending, error)
        followed.end()

    def _route(self, context: Context) -> str | None:
        """``http.route``: the operation's template below the API's path, both from the configuration."""
        key = context.api.id, context.operation.url_template  # MCP clients choose the ids of operations
        if key not in self._routes:
            template = context.operation.url_template or "/*"
            path = f"/{context.api.path}/{template.lstrip('/')}".replace("//", "/")
            self._routes[key] = path if context.api.id else None
        return self._routes[key]

    def _count(self, context: Context, ending: Ending, error: str) -> None:
        metrics, request = self.recorder.metrics, context.request
        if metrics is None:
            return
        method = known_method(request.original_method)
        series = (method, request.scheme, self._route(context), ending.status_code, error or None)
        metrics.server.observe(series, time.monotonic() - context.started)
        metrics.active[method, request.scheme] -= 1

    def _describe(self, span: Span, context: Context, ending: Ending, error: str) -> None:
        method, path = known_method(context.request.original_method), self._route(context)
        span.name = f"{method} {path}" if path else method
        facts = {**_about_request(context), **_about_gateway(context)}
        facts |= {"http.request.method": method, "http.route": path, "http.response.status_code": ending.status_code}
        facts |= {"http.request.body.size": ending.received_bytes, "http.response.body.size": ending.sent_bytes}
        if self.client_address:
            facts["client.address"] = context.request.ip_address
        span.attributes.update({name: value for name, value in facts.items() if value is not None})
        span.error, span.failed = error, (ending.status_code or 500) >= 500


def _about_request(context: Context) -> dict[str, AttributeValue | None]:
    request = context.request
    return {
        "http.request.method_original": _unknown_method(request.original_method),
        "url.scheme": request.scheme,
        "url.path": request.original_path,
        "server.address": request.host,
        "server.port": request.port,
    }


def _unknown_method(method: str) -> str | None:
    return None if known_method(method) == method else method


def _about_gateway(context: Context) -> dict[str, AttributeValue | None]:
    """What answered, and which policy refused."""
    facts: dict[str, AttributeValue | None] = {
        "gateway.request_id": context.request.id,
        "gateway.api": context.api.id or None,
        "gateway.operation": context.operation.id or None,
        "gateway.product": None if context.product is None else context.product.id,
    }
    error = context.last_error
    if error is None:
        return facts
    refused = {
        "gateway.refused_by": error.source,
        "gateway.refused_in": error.section,
        "gateway.refused_at": error.path,
    }
    return facts | {name: value or None for name, value in refused.items()}


def _error_type(context: Context, ending: Ending) -> str:
    """``error.type``: APIM's reason of a refusal, a status of 500 or more, or that the client left."""
    if context.last_error is not None:
        return context.last_error.reason
    if ending.status_code is None:
        return CLIENT_LEFT
    return str(ending.status_code) if ending.status_code >= 500 else ""
