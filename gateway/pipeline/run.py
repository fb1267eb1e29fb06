"""
The run loop: policies left to right, synchronously until one has to wait.

No coroutine is made for a list of policies that need none; a list whose last policy waits returns that policy's
awaitable as it is, so that the driver can hang a callback on it instead of starting a task.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from gateway.errors import ClientLeft, ExpressionError, KeysUnavailable, PolicyError, UpstreamError
from gateway.wire.body import BodyTooLarge
from gateway.wire.fields import FieldError
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.policy import MaybeLater, Outcome, Steps


def run(steps: Steps, context: Context) -> MaybeLater:
    """
    Apply *steps* in order; the first Response ends the list.

    Raises:
        PolicyError: A policy refused; ``context.place`` says which.
    """
    if context.tracer is not None:
        return context.tracer.run(steps, context)
    for number, step in enumerate(steps, 1):
        context.place = step.place
        outcome = step.apply(context)
        if outcome is None:
            continue
        if number == len(steps) or isinstance(outcome, Response):
            return outcome
        return _go_on(outcome, steps[number:], context)
    return None


async def _go_on(waiting: Awaitable[Outcome], rest: Steps, context: Context) -> Outcome:
    """Wait for one policy, then run the *rest*."""
    outcome = await waiting
    if outcome is not None:
        return outcome
    later = run(rest, context)
    return later if later is None or isinstance(later, Response) else await later


async def finish(outcome: MaybeLater) -> Outcome:
    """Wait for *outcome* where it is still to come."""
    return outcome if outcome is None or isinstance(outcome, Response) else await outcome


def as_policy_error(error: Exception) -> PolicyError | None:
    """What the pipeline reports for an error that a policy let through; None for our own bugs."""
    match error:
        case PolicyError():
            return error
        case ExpressionError() | FieldError():  # a computed header that no header line can carry is one too
            message = f"Expression evaluation failed. {error}"
            return PolicyError(500, "ExpressionValueEvaluationFailure", message, "Internal server error")
        case UpstreamError():
            return PolicyError(error.status, error.reason, error.message, "The backend could not be reached.")
        case KeysUnavailable():
            retry = (("Retry-After", str(error.retry_after)),)
            return PolicyError(503, "KeysUnavailable", error.message, "Service unavailable", retry)
        case BodyTooLarge() | ClientLeft():
            return _unread_body(error)
    return None


def _unread_body(error: BodyTooLarge | ClientLeft) -> PolicyError:
    if isinstance(error, BodyTooLarge):
        return PolicyError(413, "RequestBodyTooLarge", str(error), "Request body too large")
    # Nobody reads this answer; on-error and the log still learn what happened.
    return PolicyError(499, "ClientConnectionFailure", str(error))
