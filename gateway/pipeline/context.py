"""
The state of one request on its way through the pipeline: what expressions see as ``context``.

Source: APIM policy expressions, "Context variable".
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Protocol

from gateway.backends import Backend, BackendInfo, BackendPool
from gateway.expressions.context_types import CONTEXT
from gateway.expressions.entities import (
    ApiInfo,
    DeploymentInfo,
    ErrorFacts,
    OperationFacts,
    ProductInfo,
    ResolvedField,
    SubscriptionInfo,
    UserInfo,
)
from gateway.expressions.runtime import represent
from gateway.pipeline.notes import MAX_NOTES, WIDTH, Mark, held
from gateway.wire.messages import Ending, Request, Response
from gateway.wire.work import Work

if TYPE_CHECKING:
    from gateway.errors import PolicyError
    from gateway.graphql.call import GraphQLApi, GraphQLCall, GraphQLSession
    from gateway.odata.metadata import ServiceModel
    from gateway.openapi import OperationDefinition
    from gateway.pipeline.outcome import MaybeLater, Outcome
    from gateway.pipeline.place import Place
    from gateway.telemetry.request_span import RequestSpan
    from gateway.tokens.jwt import Jwt


@dataclass(frozen=True, slots=True)
class StoredExample:
    """An example of a response, as the configuration has it; for mock-response."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class OperationInfo(OperationFacts):
    """
    An operation as policies know it.

    Attributes:
        examples: In the order in which mock-response considers them.
        definition: Its description in the API's OpenAPI definition; None where there is none.
        graphql: Of an operation that is a GraphQL endpoint; None for all others.
        model: The OData service that it belongs to; None for every other API.
    """

    examples: tuple[StoredExample, ...] = ()
    definition: OperationDefinition | None = None
    graphql: GraphQLApi | None = None
    model: ServiceModel | None = None


@dataclass(slots=True)  # never changed; freezing would cost more than all the rest of making one
class LastError(ErrorFacts):
    """
    ``context.LastError``, made where a request goes to on-error.

    Attributes:
        logged_message: The message as the log may have it: without what the caller has sent.
        place: Where; None for a built-in step.
        expected, found: See ``PolicyError``.
    """

    logged_message: str
    place: Place | None = None
    expected: object = None
    found: object = None

    @classmethod
    def of(cls, refusal: PolicyError, place: Place | None) -> LastError:
        """What *refusal* means to on-error; without a *place* a built-in step refused, before any policy ran."""
        scope = section = path = ""
        source, policy = "configuration", None
        if place is not None:
            source, scope, section = place.source, place.scope_name, place.section_name
            path, policy = place.path, place.policy_id
        # Positional: keywords would take as long as all the rest of making it.
        return cls(
            source, refusal.reason, refusal.message, scope, section, path, policy,
            refusal.logged_message, place, refusal.expected, refusal.found,
        )  # fmt: skip


@dataclass(slots=True)
class ShownToken:
    """The claims of a token that was refused, and whether its signature was verified."""

    payload: Mapping[str, object]
    verified: bool


class StepWatcher(Protocol):
    """Watches one request step by step; see ``gateway.pipeline.step_spans``."""

    def watch(self, place: Place, apply: Callable[[Context], MaybeLater], context: Context) -> Awaitable[Outcome]:
        """Apply the policy at *place*, and record how long it took and whether it failed."""


class Metering(Protocol):
    """Looks at each answer of a backend as it comes, before any other policy does."""

    def answered(self, answer: Response) -> Awaitable[None] | None:
        """The head of *answer* is there; its body may be replaced by one that is watched. None: go on at once."""


class Context:
    """
    One request's state; made by the driver, changed by policies, read by expressions.

    Attributes:
        changes: What policies have asked to do with the answer, see ``on_answer``; None where there is nothing.
        guarded: The policies that judge the answer, too, see ``Policy.answer_guard``; None where there are none.
        metering: Counts what the backend's answers cost; None: nothing does.
        token: The caller's token, for the request log: verified, or what was shown instead. The last one of several.
        forwarded_at, answered_at: When the backend stage began and ended, of the monotonic clock; None: not yet.
        span: The request in distributed traces and OpenTelemetry's metrics; None while telemetry is off.
        step_spans: Puts the policies into that trace; None where they are not to be seen there.
        notes: What happens to the request, see ``gateway.pipeline.notes``; None where nothing is noted.
        tracing: Whether the caller may see this request's trace: ``context.Tracing``.
        graphql: The GraphQL request that it is, once it has been read; None for any other.
        graphql_session: The WebSocket over which such requests come; None for any other.
        resolver: What is being resolved, in the context of one field of a GraphQL query; None elsewhere.
    """

    __slots__ = (
        "_request_id",
        "_work",
        "after_response",
        "answered_at",
        "api",
        "cache_plan",
        "changes",
        "deployment",
        "forwarded_at",
        "graphql",
        "graphql_session",
        "guarded",
        "place",
        "last_error",
        "metering",
        "notes",
        "operation",
        "product",
        "request",
        "resolver",
        "response",
        "span",
        "started",
        "started_at",
        "step_spans",
        "subscription",
        "token",
        "tracing",
        "user",
        "variables",
    )

    def __init__(self, request: Request, deployment: DeploymentInfo, api: ApiInfo, operation: OperationInfo) -> None:
        self.request = request
        self.deployment = deployment
        self.api = api
        self.operation = operation
        self.response: Response | None = None
        self.variables: dict[str, object] = {}
        self.product: ProductInfo | None = None
        self.subscription: SubscriptionInfo | None = None
        self.user: UserInfo | None = None
        self.last_error: LastError | None = None
        self.span: RequestSpan | None = None
        self.step_spans: StepWatcher | None = None
        self.notes: list[Any] | None = None
        self.tracing = False
        self.place: Place | None = None
        self.started = monotonic()
        self.started_at = time()
        self.after_response: list[Callable[[Context, Ending], None]] | None = None
        self.cache_plan: object | None = None
        self.metering: Metering | None = None
        self.changes: list[Callable[[Response], None]] | None = None
        self.guarded: list[object] | None = None
        self.token: Jwt | ShownToken | None = None
        self.forwarded_at: float | None = None
        self.answered_at: float | None = None
        self.graphql: GraphQLCall | None = None
        self.graphql_session: GraphQLSession | None = None
        self.resolver: ResolvedField | None = None
        self._request_id: uuid.UUID | None = None
        self._work: Work | None = None

    @property
    def request_id(self) -> uuid.UUID:
        """``context.RequestId``; made when first asked for."""
        if self._request_id is None:
            self._request_id = uuid.UUID(self.request.id)
        return self._request_id

    @property
    def work(self) -> Work:
        """What the policies of this request may still compute; made when work on a body first draws from it."""
        if self._work is None:
            self._work = Work()
        return self._work

    @property
    def timestamp(self) -> datetime:
        """When the request was received, UTC."""
        return datetime.fromtimestamp(self.started_at, UTC)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the request was received."""
        return monotonic() - self.started

    @property
    def answer(self) -> Response:
        """The response that policies change; an empty 200 where nothing has answered yet."""
        if self.response is None:
            self.response = Response(200)
        return self.response

    @property
    def backend(self) -> BackendInfo | None:
        """``context.Backend``: the backend entity in use, or None."""
        target = self.request.target
        return target.info if isinstance(target, Backend | BackendPool) else None

    def branch(self, request: Request, resolver: ResolvedField) -> Context:
        """The context of one field of a GraphQL query: *request* instead of the caller's, variables of its own."""
        branch = Context(request, self.deployment, self.api, self.operation)
        branch.variables = dict(self.variables)
        branch.product, branch.subscription, branch.user = self.product, self.subscription, self.user
        branch.span, branch.place, branch.token = self.span, self.place, self.token
        branch.started, branch.started_at = self.started, self.started_at
        branch.resolver, branch._work = resolver, self.work
        return branch

    def on_answer(self, change: Callable[[Response], None]) -> None:
        """Have *change* made to the answer, wherever it comes from: backend, policy or error. It must not raise."""
        if self.changes is None:
            self.changes = []
        self.changes.append(change)

    def finished(self, answer: Response) -> Response:
        """*answer* with the changes that policies have asked for."""
        changes, self.changes = self.changes, None  # most refer to this context: no cycle may outlive the request
        for change in changes or ():
            change(answer)
        return answer

    def note(self, what: object, value: object = None) -> None:
        """Note *what* happens now, if notes are taken; see ``gateway.pipeline.notes``."""
        if self.notes is not None:
            self.notes += (what, monotonic(), value)

    def trace(self, message: str) -> None:
        """``context.Trace``: one line in this request's trace."""
        self.tell("context.Trace", message)

    def tell(self, source: str, text: str, metadata: Sequence[tuple[str, str]] = ()) -> None:
        """A line from a policy, for every trace that there is of this request."""
        if self.notes is not None and len(self.notes) < MAX_NOTES * WIDTH:
            self.note(Mark.SAID, (source, held(text), [(name, held(value)) for name, value in metadata]))
        if self.span is not None:
            self.span.message(source, text, metadata)

    @property
    def span_ids(self) -> tuple[str, str] | None:
        """OpenTelemetry's trace id and span id, in hexadecimal; None while telemetry is off."""
        return None if self.span is None else (self.span.log_ids["trace_id"], self.span.log_ids["span_id"])

    @property
    def trace_ids(self) -> dict[str, str]:
        """``trace_id`` and ``span_id`` of this request, for lines in the log; empty while telemetry is off."""
        return {} if self.span is None else self.span.log_ids


represent(Context, CONTEXT)
