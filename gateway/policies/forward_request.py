"""
forward-request: send the request to the backend and take its response.

Source: APIM policy reference, "forward-request".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import PolicyError, UpstreamError
from gateway.pipeline.changes import RESPONSE, Change
from gateway.pipeline.outcome import finish
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant
from gateway.policies.parts.elements import timeout
from gateway.wire.messages import ForwardOptions
from gateway.wire.upstream.way import Way

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.body import Body
    from gateway.wire.messages import Request, Response, Target
    from gateway.wire.pending import Pending


@dataclass(frozen=True, slots=True)
class ForwardRequest(PolicyType):
    """
    One compiled forward-request.

    Attributes:
        options: Ready when every setting is a literal, else None and made for each request.
    """

    shape: ClassVar[Element] = Element(
        "forward-request",
        "Sends the request to the backend; its response becomes `context.Response`.",
        attributes=(
            ID,
            timeout("timeout", "Seconds until the response head must have arrived.", "300"),
            Attribute("timeout-ms", "The same in milliseconds; instead of `timeout`.", Kind.NUMBER, minimum=1),
            timeout("continue-timeout", "Seconds to wait for `100 Continue`."),
            Attribute(
                "http-version",
                "HTTP version towards the backend; `2or1` uses HTTP/1.1 if the backend does not offer 2 over TLS.",
                default="1",
                choices=("1", "2or1", "2"),
                expression=False,
            ),
            Attribute("follow-redirects", "Whether the gateway follows redirects.", Kind.BOOLEAN, default="false"),
            Attribute(
                "buffer-request-body",
                "Hold the request body in memory, so that it can be sent again.",
                Kind.BOOLEAN,
                default="false",
                expression=False,
            ),
            Attribute(
                "buffer-response",
                "Whether APIM buffers the response; here it is streamed in any case.",
                Kind.BOOLEAN,
                default="true",
                expression=False,
            ),
            Attribute(
                "fail-on-error-status-code",
                "Go to on-error when the backend answers 400 to 599.",
                Kind.BOOLEAN,
                default="false",
                expression=False,
            ),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.BACKEND})
    changes: ClassVar[Change] = RESPONSE

    timeout_s: Value[float]
    follow_redirects: Value[bool]
    http_version: str
    buffer_request: bool
    fail_on_error: bool
    max_body_bytes: int
    options: ForwardOptions | None

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<forward-request>``. Raises LoadError: two time-outs."""
        if settings.has("timeout") and settings.has("timeout-ms"):
            raise settings.error("conflict", "timeout and timeout-ms cannot both be given", "keep one", at="timeout-ms")
        timeout, follow = _timeout(settings), settings.boolean("follow-redirects")
        version = settings.constant("http-version")
        if version != "1":
            import_module("gateway.wire.http2")  # now, not with the first request
        return cls(
            timeout_s=timeout,
            follow_redirects=follow,
            http_version=version,
            buffer_request=settings.constant_bool("buffer-request-body"),
            fail_on_error=settings.constant_bool("fail-on-error-status-code"),
            max_body_bytes=settings.services.max_body_bytes,
            options=_ready_options(timeout, follow, version),
        )

    @property
    def works_on_bodies(self) -> bool:
        """Whether it holds the request's body in memory."""
        return self.buffer_request

    def apply(self, context: Context) -> MaybeLater:
        """A Pending that ends when the response head is there. Errors: Timeout, BackendConnectionFailure."""
        request = context.request
        if self.buffer_request and (body := _unread(request)) is not None:
            return self._buffer_and_send(body, context)
        target = request.target
        if target is None:
            raise UpstreamError("BackendConnectionFailure", "no backend is set for this request", 500)
        options = _adapted(self.options or self._options(context), request)
        if context.forwarded_at is None:  # a retry is part of the same stage
            context.forwarded_at = monotonic()
        return _sent(context, target, options).map(partial(self._take, context))

    def _options(self, context: Context) -> ForwardOptions:
        return ForwardOptions(self.timeout_s(context), self.follow_redirects(context), self.http_version)

    async def _buffer_and_send(self, body: Body, context: Context) -> None:
        await body.buffer(self.max_body_bytes)
        await finish(self.apply(context))

    def _take(self, context: Context, response: Response) -> Any:
        """None, or an awaitable of it."""
        context.answered_at = monotonic()
        previous, context.response = context.response, response
        if previous is not None:
            previous.body.discard()
        waiting = None if context.metering is None else context.metering.answered(response)
        if self.fail_on_error and response.status_code >= 400:
            message = f"The backend answered {response.status_code}."
            raise PolicyError(
                response.status_code,
                "BackendErrorStatusCode",
                message,
                response.reason,
                expected="a status below 400",
                found=response.status_code,
            )
        return waiting


def _adapted(options: ForwardOptions, request: Request) -> ForwardOptions:
    """*options* as policies and the kind of request want them. Raises what ``RemoteCall.forwarding`` does."""
    if request.client_certificate is not None or request.proxy is not None:
        options = replace(options, way=Way(request.client_certificate, request.proxy))
    return options if request.call is None else request.call.forwarding(options)


def _sent(context: Context, target: Target, options: ForwardOptions) -> Pending[Response]:
    """The answer to come, which telemetry follows where it is on."""
    request, span = context.request, context.span
    if span is None:
        return target.send(request, options)
    return span.followed(request, target.url, partial(target.send, request, options))


def _ready_options(timeout: Value[float], follow: Value[bool], version: str) -> ForwardOptions | None:
    if isinstance(timeout, Constant) and isinstance(follow, Constant):
        return ForwardOptions(timeout.value, follow.value, version)
    return None


def _timeout(settings: Settings) -> Value[float]:
    """Seconds, from either attribute."""
    if not settings.has("timeout-ms"):
        return settings.number("timeout")
    milliseconds = settings.number("timeout-ms")
    if isinstance(milliseconds, Constant):
        return Constant(milliseconds.value / 1000)
    return lambda context: milliseconds(context) / 1000


def _unread(request: Request) -> Body | None:
    """The request's body, if it is still to be read."""
    body = request.body
    return None if body is None or body.stream is None else body
