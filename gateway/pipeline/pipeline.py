"""
One operation's compiled policy, and how a request runs through it: inbound → backend → outbound, or on-error.

The usual request needs no task: inbound runs synchronously, the backend's answer arrives by callback, and outbound runs
in that callback. Whatever has to wait elsewhere continues in a coroutine.

Source: APIM "Error handling in API Management policies".
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog

from gateway.errors import PolicyError, Problem
from gateway.pipeline.changes import RESPONSE
from gateway.pipeline.context import LastError
from gateway.pipeline.destination import Destination
from gateway.pipeline.notes import Mark, held
from gateway.pipeline.outcome import MaybeLater, Outcome, finish
from gateway.pipeline.responses import error_response
from gateway.pipeline.run import as_policy_error, run
from gateway.pipeline.step import Steps
from gateway.wire.messages import Response
from gateway.wire.pending import Pending
from gateway.wire.slices import Unfinished, in_slices

if TYPE_CHECKING:
    from gateway.pipeline.context import Context

log = structlog.get_logger("gateway.pipeline")

# Members of an enumeration take longer to look up.
ANSWERED, POLICY_ANSWERED, FAILED = Mark.ANSWERED, Mark.POLICY_ANSWERED, Mark.FAILED


@dataclass(frozen=True, slots=True)
class Pipeline:
    """
    The effective policy of one operation.

    Attributes:
        owned_headers: Lower-case names that only the gateway may send to this API's backends.
        guarded_headers: Lower-case names that clients may send in their own spelling only.
        destinations: Where its policies send the client's headers besides the API's backend.
        preflight: The policies that answer preflights; see ``cors``.
        may_be_long: One of its policies works in slices; then all of them do, because entering a slice once is cheaper.
        notes: What in the documents is worth a second look and only shows when they are joined.
        body_work: The policies that read or replace bodies of the client or backend, as mistakes: they are some where
            bodies are gRPC's streams of messages.
    """

    inbound: Steps = ()
    backend: Steps = ()
    outbound: Steps = ()
    on_error: Steps = ()
    owned_headers: frozenset[str] = frozenset()
    guarded_headers: frozenset[str] = frozenset()
    destinations: frozenset[Destination] = frozenset()
    preflight: Steps = ()
    may_be_long: bool = False
    notes: tuple[Problem, ...] = ()
    body_work: tuple[Problem, ...] = ()

    def execute(self, context: Context) -> Response | Awaitable[Response]:
        """The answer to ``context.request``: at once, or later. Never raises for what a request can cause."""
        if not self.may_be_long:
            return self._execute(context)
        answer = in_slices(self._execute, context)
        return _later(answer) if isinstance(answer, Unfinished) else answer  # type: ignore[return-value]

    def _execute(self, context: Context) -> Response | Awaitable[Response]:
        try:
            outcome = run(self.inbound, context)
            if outcome is not None:
                return self._then(outcome, (self.backend, self.outbound), context)
            outcome = run(self.backend, context)
            if isinstance(outcome, Pending):
                return self._follow(outcome, context)
            return self._then(outcome, (self.outbound,), context)
        except Exception as error:
            return self.recover(error, context)

    def answer_preflight(self, context: Context) -> Response | Awaitable[Response]:
        """The answer to a CORS preflight: nothing but the policies for it runs, and no key or token is asked for."""
        try:
            return self._preflight_answer(context)
        except Exception as error:
            return self.recover(error, context)

    def _preflight_answer(self, context: Context) -> Response:
        for step in self.preflight:
            context.place = step.place
            context.note(step)
            answer = step.policy.preflight(context)
            if answer is not None:
                context.note(POLICY_ANSWERED, answer)
                return answer
        return Response(200)

    def judge(self, context: Context) -> Response | Awaitable[Outcome] | None:
        """The result of inbound alone: None lets ``context.request`` pass, a Response is the answer instead."""
        try:
            outcome = run(self.inbound, context)
        except Exception as error:
            return self.recover(error, context)
        return outcome if outcome is None or isinstance(outcome, Response) else self._judge_later(outcome, context)

    async def _judge_later(self, waiting: Awaitable[Outcome], context: Context) -> Outcome:
        try:
            return await waiting
        except Exception as error:
            recovered = self.recover(error, context)
            return recovered if isinstance(recovered, Response) else await recovered

    def recover(self, error: Exception, context: Context) -> Response | Awaitable[Response]:
        """The answer after *error*: what on-error makes, or the default error answer."""
        refusal = error if isinstance(error, PolicyError) else as_policy_error(error) or _our_bug(error, context)
        _note_failure(refusal, context)
        default = error_response(refusal, context)
        if context.response is not None:
            context.response.body.discard()
        context.response = default
        context.last_error = LastError.of(refusal, context.place)
        try:
            outcome = run(self.on_error, context) if self.on_error else None
        except Exception as second:
            return _last_resort(second, context)
        if outcome is None or isinstance(outcome, Response):
            return _answer(outcome, context)
        return self._finish_on_error(outcome, context)

    def _follow(self, backend: Pending[Outcome], context: Context) -> Pending[Response]:
        """Run outbound in the callback that brings the backend's answer."""

        def answered(outcome: MaybeLater) -> Any:
            if outcome is not None and not isinstance(outcome, Response):
                return self._continue(outcome, (self.outbound,), context)
            later = run(self.outbound, context) if outcome is None and self.outbound else outcome
            if later is None or isinstance(later, Response):
                return _answer(later, context)
            return self._continue(later, (), context)

        return backend.map(answered, lambda error: self.recover(error, context))

    def _then(self, outcome: MaybeLater, stages: tuple[Steps, ...], context: Context) -> Response | Awaitable[Response]:
        """Run the remaining *stages*, synchronously while nothing has to wait."""
        for index, steps in enumerate(stages):
            if outcome is not None:
                break
            outcome = run(steps, context)
            if outcome is not None and not isinstance(outcome, Response):
                return self._continue(outcome, stages[index + 1 :], context)
        if outcome is None or isinstance(outcome, Response):
            return _answer(outcome, context)
        return self._continue(outcome, stages, context)

    async def _continue(self, waiting: Awaitable[Outcome], stages: tuple[Steps, ...], context: Context) -> Response:
        """Wait, then run the remaining *stages*."""
        try:
            return _answer(await _finish_stages(waiting, stages, context), context)
        except Exception as error:
            recovered = self.recover(error, context)
            return recovered if isinstance(recovered, Response) else await recovered

    async def _finish_on_error(self, waiting: Awaitable[Outcome], context: Context) -> Response:
        try:
            return _answer(await waiting, context)
        except Exception as second:
            return _last_resort(second, context)


async def _later(waiting: Awaitable[Response | Awaitable[Response]]) -> Response:
    """The answer, where the first slice has to be waited for, and perhaps what comes after it."""
    answer = await waiting
    return answer if isinstance(answer, Response) else await answer


async def _finish_stages(waiting: Awaitable[Outcome], stages: tuple[Steps, ...], context: Context) -> Outcome:
    outcome = await waiting
    for steps in stages:
        if outcome is not None:
            break
        outcome = await finish(run(steps, context))
    return outcome


def _answer(outcome: Outcome, context: Context) -> Response:
    """The policy's own response, else the context's; without either an empty 200 (nothing was forwarded)."""
    answer = outcome or context.response or Response(200)
    if context.response is not None and context.response is not answer:
        context.response.body.discard()
    if context.changes is not None:
        context.finished(answer)
    if context.notes is not None:
        context.notes += (ANSWERED if outcome is None else POLICY_ANSWERED, monotonic(), answer)
    return answer


def _note_failure(refusal: PolicyError, context: Context) -> None:
    if context.notes is not None:
        before = None if context.response is None else RESPONSE.before(context)
        context.notes += (FAILED, monotonic(), (refusal.reason, held(refusal.message), before))


def _our_bug(error: Exception, context: Context) -> PolicyError:
    log.error("internal_error", request_id=str(context.request_id), error=type(error).__name__, exc_info=error)
    return PolicyError(500, "InternalError", "Internal server error")


def _last_resort(error: Exception, context: Context) -> Response:
    """on-error itself failed: the default 500, and no second round."""
    refusal = as_policy_error(error)
    log.error(
        "on_error_failed", request_id=str(context.request_id), reason=refusal.reason if refusal else "InternalError"
    )
    _note_failure(refusal or PolicyError(500, "InternalError", type(error).__name__), context)
    answer = context.finished(error_response(PolicyError(500, "InternalError", "Internal server error"), context))
    context.note(ANSWERED, answer)
    return answer
