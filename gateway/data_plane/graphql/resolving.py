"""
Where requests of a synthetic GraphQL API go: its resolvers, as the target of forward-request.

Source: APIM, "Configure a GraphQL resolver": resolvers run behind the policies of inbound and backend.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from gateway.errors import ExpressionError, PolicyError, UpstreamError
from gateway.expressions.entities import ResolvedField
from gateway.expressions.json.tree import token_of
from gateway.graphql.execution import Execution, ResolverFailed
from gateway.wire.body import Body, BodyTooLarge
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response, Url
from gateway.wire.pending import Pending
from gateway.wire.slices import driven

if TYPE_CHECKING:
    from gateway.graphql.call import GraphQLCall
    from gateway.pipeline.context import Context

log = structlog.get_logger("gateway.graphql")

_ANSWER = {"content-type": "Content-Type: application/json"}


class Resolvers:
    """The target of one request."""

    url = Url("http", "resolvers.invalid", 80, "/")

    def __init__(self, context: Context, call: GraphQLCall) -> None:
        self._context = context
        self._call = call

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Run the query. Errors: GraphQLRefusal, WorkExceeded, UpstreamError: it took longer than *options* allow."""
        task = asyncio.ensure_future(driven(self._answer(options.timeout_s)))
        pending: Pending[Response] = Pending(task.cancel)  # type: ignore[arg-type]
        task.add_done_callback(lambda done: _settle(done, pending))
        return pending

    async def _answer(self, timeout_s: float) -> Response:
        call, context = self._call, self._context
        variables = None if call.envelope.variables is None else dict(call.envelope.variables)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await Execution(call, self._fetch, context.work).run(variables)
        except TimeoutError:
            raise UpstreamError("Timeout", "the resolvers have not answered in time", 504) from None
        content = orjson.dumps(answer, default=str, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
        return Response(200, Headers.from_lines(_ANSWER.copy()), Body(content))

    async def _fetch(self, source: Any, arguments: Mapping[str, Any], parent: Any) -> object:
        """The value that *source* gives; why it has none is for the log alone."""
        branch = self._branch(arguments, parent)
        try:
            return await source.fetch(branch, self._call.api.settings.resolver_timeout_s)
        except (UpstreamError, PolicyError, ExpressionError, BodyTooLarge) as error:
            reason = _reason_of(error)
            log.warning("graphql_resolver_failed", request_id=str(self._context.request_id), reason=reason)
            raise ResolverFailed("The field could not be resolved.") from None

    def _branch(self, arguments: Mapping[str, Any], parent: Any) -> Context:
        """The context of one field: the caller's request with the arguments as its body."""
        original, written = self._context.request, {"arguments": dict(arguments)}
        request = Request(
            "POST",
            original.path,
            original.query,
            original.headers.copy(),
            Body(json.dumps(written, default=str).encode()),
            scheme=original.scheme,
            host=original.host,
            port=original.port,
            ip_address=original.ip_address,
            certificate=original.certificate,
        )
        request.original_path, request.original_query = original.original_path, original.original_query
        request.matched_parameters, request.id_line = original.matched_parameters, original.id_line
        tokens = (token_of(dict(arguments)), None if parent is None else token_of(parent))
        return self._context.branch(request, ResolvedField(*tokens))


def _reason_of(error: Exception) -> str:
    """What the log may have of *error*."""
    match error:
        case UpstreamError() | PolicyError():
            return error.reason
        case ExpressionError():
            return error.exception
    return type(error).__name__


def _settle(done: asyncio.Future[Response], pending: Pending[Response]) -> None:
    if done.cancelled():
        pending.reject(UpstreamError("Timeout", "the request is not wanted any more", 504))
    elif (error := done.exception()) is not None:
        pending.reject(error)  # type: ignore[arg-type]
    else:
        pending.resolve(done.result())
