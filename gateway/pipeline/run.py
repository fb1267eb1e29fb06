"""
The run loop: policies left to right, synchronously until one has to wait.

No coroutine is made for a list of policies that need none; a list whose last policy waits returns that policy's
awaitable as it is, so that the driver can hang a callback on it instead of starting a task.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable
from time import monotonic
from typing import TYPE_CHECKING

from gateway.errors import CircuitOpen, ClientLeft, ExpressionError, KeysUnavailable, PolicyError, UpstreamError
from gateway.pipeline.changes import EVERYTHING
from gateway.pipeline.notes import MAX_NOTES, WIDTH, Mark
from gateway.wire.body import BodyTooLarge
from gateway.wire.fields import FieldError
from gateway.wire.messages import Response
from gateway.wire.work import WorkExceeded

if TYPE_CHECKING:
    from gateway.pipeline.context import Context, StepWatcher
    from gateway.pipeline.outcome import MaybeLater, Outcome
    from gateway.pipeline.step import Steps

_QUOTED = re.compile("'.*'", re.DOTALL)


def run(steps: Steps, context: Context) -> MaybeLater:
    """
    Apply *steps* in order; the first Response ends the list.

    Raises:
        PolicyError: A policy refused; ``context.place`` shows which.
    """
    if context.step_spans is not None:
        return _with_spans(steps, context, context.step_spans)
    notes = context.notes
    for number, step in enumerate(steps, 1):
        context.place = step.place
        if notes is not None:
            notes += (step, monotonic(), step.before and step.before(context))
        outcome = step.apply(context)
        if outcome is None:
            continue
        if number == len(steps) or isinstance(outcome, Response):
            return outcome
        return _continue(outcome, steps[number:], context)
    return None


def _with_spans(steps: Steps, context: Context, spans: StepWatcher) -> MaybeLater:
    return _run_with_spans(steps, context, spans) if steps else None


async def _run_with_spans(steps: Steps, context: Context, spans: StepWatcher) -> Outcome:
    """The same, each step with a span or an event; here even a policy that need not wait is awaited."""
    for step in steps:
        context.place = step.place
        if context.notes is not None:
            context.note(step, step.before and step.before(context))
        outcome = await spans.watch(step.place, step.apply, context)
        if outcome is not None:
            return outcome
    return None


async def _continue(waiting: Awaitable[Outcome], rest: Steps, context: Context) -> Outcome:
    """Wait for one policy, then run the *rest*."""
    outcome = await waiting
    if outcome is not None:
        return outcome
    later = run(rest, context)
    return later if later is None or isinstance(later, Response) else await later


def make_room(context: Context) -> None:
    """
    Called before policies run once more, so that no loop fills the memory with notes.

    The first ``MAX_NOTES`` stay, then one that says so, and whatever follows the loop.
    """
    notes = context.notes
    if notes is None or len(notes) < MAX_NOTES * WIDTH:
        return
    for position in range(MAX_NOTES * WIDTH, len(notes), WIDTH):
        if notes[position] is Mark.LEFT_OUT:
            del notes[position + WIDTH :]
            return
    context.note(Mark.LEFT_OUT, EVERYTHING.before(context))


def as_policy_error(error: Exception) -> PolicyError | None:
    """What the pipeline reports for an error that a policy let through; None for our own bugs."""
    match error:
        case PolicyError():
            return error
        case ExpressionError() | FieldError():  # a computed header that no header line can carry is one too
            return _failed_expression(f"Expression evaluation failed. {error}")
        case UpstreamError():
            return _unreached(error)
        case KeysUnavailable():
            retry = (("Retry-After", str(error.retry_after)),)
            return PolicyError(503, "KeysUnavailable", error.message, "Service unavailable", retry)
        case BodyTooLarge() | WorkExceeded() | ClientLeft():
            return _body_error(error)
    return None


def _unreached(error: UpstreamError) -> PolicyError:
    public, facts = "The backend could not be reached.", error.found or error.message
    fields = _retry_after(error.for_s) if isinstance(error, CircuitOpen) and error.for_s is not None else ()
    return PolicyError(error.status, error.reason, error.message, public, fields, expected=error.expected, found=facts)


def _retry_after(seconds: float) -> tuple[tuple[str, str], ...]:
    return (("Retry-After", str(max(1, math.ceil(seconds)))),)


def _failed_expression(message: str) -> PolicyError:
    """What .NET's messages quote is what the expression was given: a header, a query, part of a body."""
    logged = _QUOTED.sub("'…'", message)
    return PolicyError(500, "ExpressionValueEvaluationFailure", message, "Internal server error", logged_message=logged)


def _body_error(error: BodyTooLarge | WorkExceeded | ClientLeft) -> PolicyError:
    if isinstance(error, ClientLeft):
        # This answer has no reader; on-error and the log still learn what happened.
        return PolicyError(499, "ClientConnectionFailure", str(error))
    public = "Request body too large"
    return PolicyError(413, "RequestBodyTooLarge", str(error), public, expected="within limits", found=str(error))
