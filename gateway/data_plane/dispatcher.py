"""
The application that the server drives: one request in, one answer out.

Routing chose API, operation and pipeline at load; here a request is matched, cleaned of what only the gateway may say,
given its context, and sent through its pipeline.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from gateway.data_plane.calls import answered, call_of, failed_call
from gateway.data_plane.recording import Ruling, record_of, record_of_question, record_of_wire, ruling_on
from gateway.documents.model import Scope, Section
from gateway.errors import PolicyError
from gateway.pipeline.context import Context
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.place import Place
from gateway.telemetry.requests.access_log import AccessLog
from gateway.telemetry.requests.record import RequestOutcome
from gateway.telemetry.requests.ring import RequestLog
from gateway.telemetry.requests.sampling import RequestSampling
from gateway.wire.grpc.settings import GrpcSettings
from gateway.wire.target import ambiguity

if TYPE_CHECKING:
    from gateway.data_plane.questions import BadQuestion
    from gateway.data_plane.routing import Match, RoutedApi, Router
    from gateway.data_plane.subscriptions import GrantedAccess
    from gateway.expressions.entities import ApiInfo, DeploymentInfo
    from gateway.pipeline.context import OperationInfo
    from gateway.telemetry.metrics import GatewayMetrics, OperationMetrics
    from gateway.telemetry.requests.record import RequestRecord
    from gateway.wire.contract import HeaderContract
    from gateway.wire.messages import Ending, Request, Response, Target
    from gateway.wire.server.listener import WireRefusal

T = TypeVar("T")

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # tried on paths for which there are others
_NOT_FOUND = "Unable to match incoming request to an operation."

# Built-in steps that refuse before any document runs. Source: docs/reference/apim.md, "Errors".
_CONFIGURATION = Place("configuration", Scope.GLOBAL, Section.INBOUND, "")
_AUTHORIZATION = Place("authorization", Scope.GLOBAL, Section.INBOUND, "")


@dataclass(frozen=True, slots=True)
class ApiRuntime:
    """
    One API, ready to run.

    Attributes:
        target: Where its requests go unless a policy says otherwise.
        contract: Headers that its clients may not send.
        path_escapes: What its paths may contain although servers read it differently.
        grpc: How gRPC calls pass; None: there are none, whatever a Content-Type claims.
        is_open: No subscription key is asked for or looked at: it only tells how to get a token.
        whole: Runs for an API without operations, and, on-error only, where no operation matches.
        selector: Chooses the operation of requests whose path does not say which one it is; None: paths say it.
    """

    info: ApiInfo
    target: Target
    contract: HeaderContract
    whole: OperationRuntime
    path_escapes: frozenset[str] = frozenset()
    grpc: GrpcSettings | None = None
    is_open: bool = False
    selector: OperationSelector | None = None


class OperationSelector(Protocol):
    """Chooses the operation of a request by more than its path: a SOAP message, the names of OData."""

    def select(self, context: Context) -> OperationRuntime | Awaitable[OperationRuntime]:
        """The operation that is called, at once or when its body has been read. Raises PolicyError, BodyTooLarge."""


@dataclass(frozen=True, slots=True)
class OperationRuntime:
    """
    One operation, ready to run.

    Attributes:
        pipelines: By product id; None is the pipeline without a product.
    """

    info: OperationInfo
    pipelines: Mapping[str | None, Pipeline]
    metrics: OperationMetrics


class AccessControl(Protocol):
    """Decides on subscription keys; None where the configuration has neither products nor subscriptions."""

    def decide(self, api_id: str, request: Request) -> GrantedAccess:
        """Product, subscription and user of the request. Raises PolicyError."""


class RequestWatcher(Protocol):
    """Looks at requests as they begin: traces, and policy tests."""

    @property
    def takes_notes(self) -> bool:
        """Whether notes are taken of each request, see ``gateway.pipeline.notes``."""

    @property
    def looks_for(self) -> str | None:
        """Key of the field for whose sake ``begins`` is called; None: it is called for each request."""

    @property
    def patience_s(self) -> float:
        """How long a request that ends well may take without ``ended`` being called."""

    def begins(self, context: Context) -> None:
        """The request has its context; nothing has run."""

    def granted(self, context: Context, all_access: bool) -> None:
        """Its subscription key has been accepted."""

    def ended(self, context: Context, ending: Ending) -> str | None:
        """
        The exchange is over. The id of its trace if one is kept.

        Called for requests that were refused, have failed or took long, and where the caller asked for a trace.
        """


class Unwatched:
    """Nobody looks at requests."""

    takes_notes = False
    looks_for = ""  # no field is called so
    patience_s = math.inf

    def begins(self, context: Context) -> None:
        """Never called."""

    def granted(self, context: Context, all_access: bool) -> None:
        """Nothing follows."""

    def ended(self, context: Context, ending: Ending) -> str | None:
        """No trace."""
        return None


UNWATCHED = Unwatched()


def _judge(pipeline: Pipeline, context: Context) -> Response | Awaitable[Response | None] | None:
    """Whether the request may pass unchanged. A GraphQL request may not: the proxy would carry it as it was written."""
    if context.operation.graphql is None:
        return pipeline.judge(context)
    context.place = _CONFIGURATION
    message = "GraphQL requests cannot be decided on, as the gateway has to write them anew"
    return pipeline.recover(PolicyError(403, "GraphQLNotDecidable", message), context)


@dataclass(slots=True)
class _Route:
    """
    What a request's head means here.

    Attributes:
        is_preflight: Whether the operation's cors policies answer it.
        is_forged: Whether it has headers that only the gateway may send.
    """

    match: Match
    api: ApiRuntime
    operation: OperationRuntime
    is_preflight: bool
    is_forged: bool


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Dispatcher:
    """
    The gateway as the server's application.

    Attributes:
        nowhere: Runs when no API matches: on-error of the global scope.
        access_log: Writes the lines of requests.
        sampling: Chooses which ordinary requests are kept and logged.
        requests: Keeps the requests that were refused or failed, and a sample of the others.
    """

    router: Router
    nowhere: ApiRuntime
    deployment: DeploymentInfo
    metrics: GatewayMetrics
    access: AccessControl | None = None
    watcher: RequestWatcher = UNWATCHED
    requests: RequestLog = field(default_factory=RequestLog)
    access_log: AccessLog = field(default_factory=AccessLog)
    sampling: RequestSampling = field(default_factory=RequestSampling)

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """The answer to *request*, now or later."""
        media_type = request.headers.lines.get("content-type")
        if media_type is not None and "application/grpc" in media_type.lower():
            return self._through_as_call(request)
        return self._through(request, Pipeline.execute)

    def _through_as_call(self, request: Request) -> Response | Awaitable[Response]:
        """The same for a request that may be a gRPC call."""
        settings = self._known_route(request).api.grpc
        call = None if settings is None else call_of(request, settings)
        outcome = self._through(request, Pipeline.execute)
        return outcome if call is None else answered(outcome, call)

    def call(self, request: Request, match: Match) -> Response | Awaitable[Response]:
        """The answer to *request*, which is for *match* whatever its path says: a call of a tool."""
        api: ApiRuntime = cast("RoutedApi", match.api).payload
        is_forged = api.contract.is_broken(request.headers)
        request.memo[self] = _Route(match, api, _operation(match, api), False, is_forged)
        return self._through(request, Pipeline.execute)

    def _known_route(self, request: Request) -> _Route:
        """What *request* means, which is remembered."""
        return request.outline.get(self) or request.memo.get(self) or self._remembered_route(request)

    def decide(self, request: Request) -> Response | Awaitable[Response | None] | None:
        """Whether *request* may pass: None, or the refusal. Nothing is sent to a backend."""
        return self._through(request, _judge)

    def aim(self, request: Request) -> tuple[str, str]:
        """Ids of the API and the operation that *request* is for, before anything runs; empty where there is none."""
        route = self._known_route(request)
        return route.api.info.id, "" if route.match.operation is None else route.operation.info.id

    @staticmethod
    def context_of(request: Request) -> Context:
        """The context of a *request* that was handled or decided."""
        return cast(Context, cast(partial[None], request.on_end).args[0])

    def _through(self, request: Request, run: Callable[[Pipeline, Context], T]) -> T | Response | Awaitable[Response]:
        """Match, clean, give a context, check the key, then *run* the operation's pipeline."""
        route = self._known_route(request)
        match, api, operation = route.match, route.api, route.operation
        context = self._context(request, route)
        if match.operation is None:
            context.place = _CONFIGURATION
            return operation.pipelines[None].recover(self._unmatched(request, api), context)
        request.target = api.target
        request.path = match.rest_path
        request.matched_parameters = match.parameters
        request.matched_query = match.matched_query
        if route.is_preflight:
            return operation.pipelines[None].answer_preflight(context)
        if api.selector is not None and operation is api.whole:
            run = partial(self._run_selected, api.selector, run)  # type: ignore[assignment]
        if self.access is None or api.is_open:
            return run(operation.pipelines[None], context)
        return self._with_access(self.access, context, operation, run)

    def _context(self, request: Request, route: _Route) -> Context:
        """The context of *request*, cleaned of what only the gateway may say; most requests are noted and no more."""
        api, watcher = route.api, self.watcher
        context = Context(request, self.deployment, api.info, route.operation.info)
        request.on_end = partial(self._ended, context, route.operation)
        request.reserved = api.contract.names
        if route.is_forged:
            api.contract.strip(request.headers)
        if watcher.takes_notes:
            context.notes = []
        if watcher.looks_for is None or watcher.looks_for in request.headers.lines:
            watcher.begins(context)
        return context

    def _remembered_route(self, request: Request) -> _Route:
        """What *request* means, remembered for others with the same fields where no value of one decides."""
        by_value = self.router.reads_fields or request.method == "OPTIONS"
        route = self._route(request)
        (request.memo if by_value else request.outline)[self] = route
        return route

    def _route(self, request: Request) -> _Route:
        """What *request* means, before any policy has changed it."""
        match, is_preflight = self._match(request)
        api: ApiRuntime = self.nowhere if match.api is None else match.api.payload
        if ambiguity(request.original_path, api.path_escapes):
            match, is_preflight = replace(match, operation=None), False
        return _Route(match, api, _operation(match, api), is_preflight, api.contract.is_broken(request.headers))

    def _match(self, request: Request) -> tuple[Match, bool]:
        """API and operation, and whether *request* is a preflight that the operation's cors policies answer."""
        match = self.router.match(request)
        announced = preflight_method(request)
        if announced is None:
            return match, False
        asked = match if match.operation is not None else self._match_announced(request, announced)
        if asked.api is None or asked.operation is None or asked.operation.method == "OPTIONS":
            return match, False
        answers = bool(_operation(asked, asked.api.payload).pipelines[None].preflight)
        return (asked, True) if answers else (match, False)

    def _match_announced(self, request: Request, method: str) -> Match:
        """What the request means that a preflight announces."""
        request.method = method
        try:
            return self.router.match(request)
        finally:
            request.method = request.original_method

    def _unmatched(self, request: Request, api: ApiRuntime) -> PolicyError:
        """Why no operation answers *request*."""
        escape = ambiguity(request.original_path, api.path_escapes)
        if escape:
            message = f"The path contains {escape}, which this API does not allow"
            return PolicyError(400, "OperationNotFound", _NOT_FOUND, message, expected=f"no {escape}", found="one")
        expected = "the path of an API"
        asked: dict[str, object] = {"method": request.original_method}
        if api.info.id:
            expected = f"an operation of the API {api.info.id}"
            others = (method for method in _METHODS if self._match_announced(request, method).operation is not None)
            asked |= {"allowed": allowed} if (allowed := list(others)) else {}
        return PolicyError(404, "OperationNotFound", _NOT_FOUND, "Resource not found", expected=expected, found=asked)

    def _with_access(
        self,
        access: AccessControl,
        context: Context,
        operation: OperationRuntime,
        run: Callable[[Pipeline, Context], T],
    ) -> T | Response | Awaitable[Response]:
        try:
            granted = access.decide(context.api.id, context.request)
        except PolicyError as refusal:
            context.place = _AUTHORIZATION
            return operation.pipelines[None].recover(refusal, context)
        context.product, context.subscription, context.user = granted.product, granted.subscription, granted.user
        self.watcher.granted(context, granted.all_access)
        product_id = None if granted.product is None else granted.product.id
        return run(operation.pipelines[product_id], context)

    def _run_selected(
        self, selector: OperationSelector, run: Callable[[Pipeline, Context], T], whole: Pipeline, context: Context
    ) -> T | Response | Awaitable[Response]:
        """*run* for the operation that *selector* chooses; *whole* answers where there is none."""
        try:
            chosen = selector.select(context)
        except Exception as error:
            context.place = _CONFIGURATION
            return whole.recover(error, context)
        if isinstance(chosen, OperationRuntime):
            return run(self._become(chosen, context), context)
        return self._run_later(chosen, run, whole, context)

    async def _run_later(
        self,
        waiting: Awaitable[OperationRuntime],
        run: Callable[[Pipeline, Context], T],
        whole: Pipeline,
        context: Context,
    ) -> Response:
        """The same, where a body has to be waited for."""
        try:
            chosen = await waiting
        except Exception as error:
            context.place = _CONFIGURATION
            recovered = whole.recover(error, context)
            return await recovered if isinstance(recovered, Awaitable) else recovered
        outcome: Any = run(self._become(chosen, context), context)
        return await outcome if isinstance(outcome, Awaitable) else outcome  # type: ignore[no-any-return]

    def _become(self, chosen: OperationRuntime, context: Context) -> Pipeline:
        """Let the request be one of *chosen*: in expressions, metrics and logs. Its pipeline for the product."""
        context.operation = chosen.info
        context.request.on_end = partial(self._ended, context, chosen)
        return chosen.pipelines[None if context.product is None else context.product.id]

    def _ended(self, context: Context, operation: OperationRuntime, ending: Ending) -> None:
        """The server has sent the answer, or the client has left: count the exchange; keep and log it if it is due."""
        elapsed_s = monotonic() - context.started
        operation.metrics.observe(ending.status_code or 0, elapsed_s)
        if context.request.call is not None:
            context.request.call.over()
            operation.metrics.observe_call(context.request.call.status)
        if context.after_response or ending.expired:
            self._follow_up(context, ending)
        if has_ended_well(context, ending) and elapsed_s < self.watcher.patience_s:
            self.sampling.left -= 1
            if self.sampling.left < 0:
                self._sample(context, operation, ending)
        else:
            self._look_closer(context, operation, ending)

    def _look_closer(self, context: Context, operation: OperationRuntime, ending: Ending) -> None:
        """Something may have gone wrong, or somebody wants to know."""
        trace_id = self.watcher.ended(context, ending)
        ruling = ruling_on(context, ending)
        if ruling is None:
            self.sampling.left -= 1
            if self.sampling.left < 0:
                self._sample(context, operation, ending, trace_id)
        else:
            self._note_ruling(ruling, record_of(context, ending, ruling, trace_id), operation)

    def _sample(
        self, context: Context, operation: OperationRuntime, ending: Ending, trace_id: str | None = None
    ) -> None:
        """An ordinary request that is one of the sample: keep or log it."""
        self._note(record_of(context, ending, None, trace_id), *self.sampling.choose(), operation)

    def _follow_up(self, context: Context, ending: Ending) -> None:
        if ending.expired:
            self.metrics.expired_streams += 1
        for follow_up in context.after_response or ():
            follow_up(context, ending)

    def _note_ruling(self, ruling: Ruling, record: RequestRecord, operation: OperationRuntime) -> None:
        """Count, keep and log a request that was refused or has failed, or whose client has left."""
        logged = self.access_log.is_on
        if ruling.outcome is RequestOutcome.LEFT:
            logged = bool(self.access_log.share)
        else:
            self.metrics.refusals[ruling.source, ruling.reason] += 1
        self._note(record, True, logged, operation)

    def _note(self, record: RequestRecord, kept: bool, logged: bool, operation: OperationRuntime | None = None) -> None:
        """Keep and log *record*; without an *operation* it never had one."""
        if kept:
            self.requests.add(record)
            if operation is not None:
                elapsed_s = record.elapsed_ms / 1000
                operation.metrics.exemplify(record.id, elapsed_s, record.started_at + elapsed_s)
        if logged:
            self.access_log.write(record)

    def note_refusal(self, refusal: WireRefusal) -> None:
        """Keep and log a request that the wire has refused."""
        self._note(record_of_wire(refusal), True, self.access_log.is_on)

    def note_question(self, request: Request, refusal: BadQuestion) -> None:
        """Count, keep and log a question that the decision endpoint has refused."""
        record = record_of_question(request, refusal)
        self.metrics.refusals[record.source, record.reason] += 1
        self._note(record, True, self.access_log.is_on)


def has_ended_well(context: Context, ending: Ending) -> bool:
    """Whether nothing has gone wrong, and the caller did not ask for a trace. Most requests are no more than that."""
    status = ending.status_code
    well = status is not None and status < 400 and context.last_error is None
    return well and ending.fault is None and not context.tracing and not failed_call(context.request.call)


def preflight_method(request: Request) -> str | None:
    """The method that a CORS preflight announces; None for any other request. Source: Fetch Standard."""
    if request.method != "OPTIONS" or "Origin" not in request.headers:
        return None
    return request.headers.first("Access-Control-Request-Method")


def _operation(match: Match, api: ApiRuntime) -> OperationRuntime:
    """The operation's own runtime; the API's where it has no operations, or where none matched."""
    payload = None if match.operation is None else match.operation.payload
    return payload if isinstance(payload, OperationRuntime) else api.whole
