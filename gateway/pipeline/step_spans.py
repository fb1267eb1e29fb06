"""The steps of a request's policies in its distributed trace: events of its span, or spans of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.pipeline.outcome import finish
from gateway.pipeline.run import as_policy_error
from gateway.telemetry.spans import within

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater, Outcome
    from gateway.pipeline.place import Place
    from gateway.telemetry.http_metrics import AttributeValue
    from gateway.telemetry.request_span import RequestSpan
    from gateway.telemetry.spans import SpanRecorder

MAX_STEPS = 500  # of one request: a policy that repeats others runs them up to fifty times


@dataclass(slots=True)
class StepSpans:
    """
    The steps of one request that is sampled.

    Attributes:
        as_spans: Whether each step gets a span of its own.
    """

    recorder: SpanRecorder
    request: RequestSpan
    as_spans: bool
    _steps: int = 0

    async def watch(self, place: Place, apply: Callable[[Context], MaybeLater], context: Context) -> Outcome:
        """Apply the policy at *place*, and record how long it took and whether it failed."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            return await finish(apply(context))
        return await (self._as_span if self.as_spans else self._as_event)(place, apply, context)

    async def _as_span(self, place: Place, apply: Callable[[Context], MaybeLater], context: Context) -> Outcome:
        span = self.recorder.step(place.source, self.request.parent, _facts(place))
        with within(span):
            try:
                return await finish(apply(context))
            except Exception as error:
                span.fail(_reason(error))
                raise

    async def _as_event(self, place: Place, apply: Callable[[Context], MaybeLater], context: Context) -> Outcome:
        facts, began = _facts(place), time.monotonic()
        try:
            return await finish(apply(context))
        except Exception as error:
            facts["error.type"] = _reason(error)
            raise
        finally:
            facts["gateway.step.ms"] = round((time.monotonic() - began) * 1000, 3)
            self.request.event(place.source, facts)


def _facts(place: Place) -> dict[str, AttributeValue]:
    return {
        "gateway.section": place.section_name,
        "gateway.scope": place.scope_name,
        "gateway.path": place.path,
        **({"gateway.policy_id": place.policy_id} if place.policy_id else {}),
    }


def _reason(error: Exception) -> str:
    refusal = as_policy_error(error)
    return type(error).__name__ if refusal is None else refusal.reason
