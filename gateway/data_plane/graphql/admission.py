"""
The last step of a GraphQL API's inbound section: the request is read and bounded, whatever its policies look at.

Source: docs/adr/0096-graphql.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from gateway.data_plane.graphql.conversation import watch
from gateway.data_plane.graphql.joining import JoinErrors
from gateway.data_plane.graphql.resolving import Resolvers
from gateway.documents.model import Scope, Section
from gateway.graphql.refusals import BAD_REQUEST, refusal
from gateway.pipeline.buffering import BufferBody
from gateway.pipeline.place import Place
from gateway.pipeline.step import PipelineStep, Policy
from gateway.wire.slices import sliced

if TYPE_CHECKING:
    from gateway.graphql.call import GraphQLApi
    from gateway.pipeline.context import Context
    from gateway.pipeline.pipeline import Pipeline
    from gateway.telemetry.metrics import OperationMetrics
    from gateway.wire.messages import Ending

_INBOUND = Place("graphql", Scope.API, Section.INBOUND, "")
_OUTBOUND = Place("graphql", Scope.API, Section.OUTBOUND, "")


@dataclass(frozen=True, slots=True)
class GraphQLAdmission(Policy):
    """Reads the request unless a policy has, and sends it to the resolvers of a synthetic API."""

    api: GraphQLApi
    metrics: OperationMetrics
    changes: ClassVar[None] = None

    def apply(self, context: Context) -> None:
        """Raises GraphQLRefusal, WorkExceeded."""
        request = context.request
        context.after_response = [*(context.after_response or ()), self._count]
        if request.upgrade:
            self._admit_session(context)
            return
        call = context.graphql
        if call is None or not call.is_of(request):
            call = context.graphql = self.api.read(request, context.work)
            if self.api.is_synthetic:
                call.validate(context.work)
            call.rewrite(request, context.work)
        if self.api.is_synthetic:
            if call.kind == "subscription":
                raise refusal(BAD_REQUEST, "Subscriptions need a WebSocket.")
            request.target = Resolvers(context, call)

    def _admit_session(self, context: Context) -> None:
        """Have what comes over a WebSocket judged. Raises GraphQLRefusal."""
        if self.api.is_synthetic:
            raise refusal(BAD_REQUEST, "Subscriptions of synthetic APIs are not run.", 501)
        session = context.graphql_session = context.graphql_session or self.api.session()
        watch(context.request, session)

    def _count(self, context: Context, ending: Ending) -> None:
        """The exchange is over: count the request, or all that came over the WebSocket."""
        if context.graphql_session is not None:
            self.metrics.observe_graphql(context.graphql_session.kinds)
        elif context.graphql is not None:
            self.metrics.observe_graphql([context.graphql.kind])


def admitting(pipeline: Pipeline, api: GraphQLApi, metrics: OperationMetrics, max_body_bytes: int) -> Pipeline:
    """*pipeline* for requests of *api*, which *metrics* count."""
    buffer = BufferBody(True, False, max_body_bytes)
    admission, joining = GraphQLAdmission(api, metrics), JoinErrors(max_body_bytes)
    return replace(
        pipeline,
        inbound=(
            *pipeline.inbound,
            PipelineStep(buffer.apply, _INBOUND, buffer),
            PipelineStep(sliced(admission.apply), _INBOUND, admission),
        ),
        outbound=(PipelineStep(joining.apply, _OUTBOUND, joining), *pipeline.outbound),
        may_be_long=True,
    )
