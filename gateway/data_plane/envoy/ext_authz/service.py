"""The service: one question, one decision."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from gateway.data_plane.envoy.answering import Answering
from gateway.data_plane.envoy.ext_authz.query import QueryNotExpressible, query_changes
from gateway.data_plane.envoy.ext_authz.question import AuthorizationQuestion
from gateway.data_plane.envoy.ext_authz.verdict import default_answer, facts_of, instead, passing
from gateway.data_plane.envoy.host import EnvoyHost
from gateway.data_plane.envoy.messages import CheckRequest, CheckResponse
from gateway.data_plane.envoy.mutations import head_changes
from gateway.errors import UpstreamError
from gateway.pipeline.context import Context
from gateway.wire.body import BodyTooLarge
from gateway.wire.messages import Ending, Request, Response
from gateway.wire.server.forwarding_fields import is_within
from gateway.wire.server.request_head import HeadError

_MOST_BODY_BYTES = 1024 * 1024  # of an answer in place of the backend's: Envoy holds it in memory


class ExtAuthz:
    """``envoy.service.auth.v3.Authorization``."""

    name = "envoy.service.auth.v3.Authorization"

    def methods(self, host: EnvoyHost) -> Mapping[str, grpc.RpcMethodHandler]:
        return {"Check": host.unary(self.check, CheckRequest, CheckResponse)}

    def check(self, message: Any, answering: Answering) -> Any:
        """The CheckResponse, or an awaitable of it."""
        question = AuthorizationQuestion.of(message)
        try:
            request = question.request(answering.settings)
            question.require_aim(request, answering.dispatcher)
        except HeadError as refusal:
            answer = default_answer(refusal.status, refusal.message)
            noted = answering.note(refusal, question.head)
            if answering.settings.id_header:
                answer.headers.replace(answering.settings.id_header, noted)
            return instead(answer)
        before = dict(request.headers.lines)
        outcome = answering.dispatcher.decide(request)
        case = _Case(question, request, before, answering)
        return case.later(outcome) if isinstance(outcome, Awaitable) else case.concluded(outcome)


@dataclass(frozen=True, slots=True)
class _Case:
    """One question on its way to a decision."""

    question: AuthorizationQuestion
    request: Request
    before: dict[str, str]
    answering: Answering

    async def later(self, waiting: Awaitable[Response | None]) -> Any:
        try:
            reply = self.concluded(await waiting)
            return await reply if isinstance(reply, Awaitable) else reply
        except asyncio.CancelledError:  # Envoy waits no longer, or its client has left
            self._end(Ending(None, client_left=True))
            raise

    def concluded(self, outcome: Response | None) -> Any:
        """The reply, or an awaitable of it where the answer's body has to be read first."""
        context = self.answering.dispatcher.context_of(self.request)
        if outcome is None:
            return self._pass(context)
        if not outcome.body.buffered:
            return self._with_body(outcome, context)
        return self._instead(outcome, context)

    def _pass(self, context: Context) -> Any:
        try:
            query = query_changes(self.request.original_query, self.request.query)
            answer = context.finished(Response(200)).headers
            if self.request.id_key:
                answer.replace(self.request.id_key, self.request.id)
            reply = passing(self._changes(), query, answer)
        except (QueryNotExpressible, UnicodeDecodeError) as error:
            return self._not_expressible(str(error), context)
        return self._ended(reply, 200, context)

    def _changes(self) -> Any:
        proxies = self.answering.settings.trusted_proxies
        trusted = bool(proxies) and is_within(self.question.head.client, proxies)
        return head_changes(self.request, self.before, self.question.head.fields, trusted)

    async def _with_body(self, answer: Response, context: Context) -> Any:
        try:
            await answer.body.buffer(_MOST_BODY_BYTES)
        except (BodyTooLarge, UpstreamError) as error:
            return self._not_expressible(str(error), context)
        return self._instead(answer, context)

    def _instead(self, answer: Response, context: Context) -> Any:
        if self.request.id_key:
            answer.headers.replace(self.request.id_key, self.request.id)
        try:
            reply = instead(answer)
        except UnicodeDecodeError:
            return self._not_expressible("the answer is not UTF-8", context)
        return self._ended(reply, answer.status_code, context)

    def _not_expressible(self, why: str, context: Context) -> Any:
        """What the policies want is more than Envoy can be told: refused, because the rest would be something else."""
        context.trace(f"ext_authz: {why}")
        return self._ended(instead(default_answer(500, "Internal server error")), 500, context)

    def _ended(self, reply: Any, status: int, context: Context) -> Any:
        reply.dynamic_metadata.update(facts_of(context))
        self._end(Ending(status))
        return reply

    def _end(self, ending: Ending) -> None:
        if self.request.on_end is not None:
            self.request.on_end(ending)
