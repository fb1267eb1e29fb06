"""
Circuit breakers: APIM has one rule for a backend, with an ISO 8601 duration for each time.

Source: "Microsoft.ApiManagement service/backends", BackendCircuitBreaker; ISO 8601-1, section 5.5.2.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.commands.importing.mapping.draft import PlanDraft
from gateway.commands.importing.mapping.taking import Taker
from gateway.reading import durations

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.IGNORECASE)
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0)


def breaker(taker: Taker, draft: PlanDraft) -> dict[str, Any]:
    """``circuit-breaker`` of a backend; empty where it has none."""
    written = taker.inner("circuitBreaker")
    rules = list(written.inners("rules")) if written else []
    for further in rules[1:]:
        draft.left_out(further.location, taker.what, "a second circuit breaker rule: the gateway has one", "join them")
        for _ in further.entries():
            pass
    return _rule(rules[0], draft) if rules else {}


def _rule(rule: Taker, draft: PlanDraft) -> dict[str, Any]:
    rule.skip("name")
    condition = rule.inner("failureCondition")
    settings = _condition(condition, draft) if condition else {}
    settings |= _duration(rule, "tripDuration", "trip-duration", draft)
    if rule.flag("acceptRetryAfter", default=False):
        settings["accept-retry-after"] = True
    return settings if settings.keys() & {"count", "percentage"} else {}


def _condition(condition: Taker, draft: PlanDraft) -> dict[str, Any]:
    """What counts as a failure; reasons that are not written do not count, where statuses are."""
    settings: dict[str, Any] = dict(_threshold(condition, draft))
    settings |= _duration(condition, "interval", "interval", draft)
    ranges = [_range(status) for status in condition.inners("statusCodeRanges")]
    reasons = condition.texts("errorReasons")
    if ranges:
        settings["status-codes"] = ranges
    if reasons or ranges:
        settings["error-reasons"] = reasons
    return settings


def _threshold(condition: Taker, draft: PlanDraft) -> dict[str, int]:
    """How many failures open it: a count, or a percentage."""
    count, percentage = condition.number("count"), condition.number("percentage")
    if count is None and percentage is None:
        message = "the circuit breaker does not say after how many failures it opens; it is left out"
        draft.needs_you(condition.location, condition.what, message, "write circuit-breaker with a count")
    if count is not None:
        return {"count": count}
    return {} if percentage is None else {"percentage": percentage}


def _range(status: Taker) -> str:
    lowest, highest = status.number("min") or 500, status.number("max") or 599
    return str(lowest) if lowest == highest else f"{lowest}-{highest}"


def _duration(taker: Taker, name: str, key: str, draft: PlanDraft) -> dict[str, str]:
    written = taker.text(name)
    match = _DURATION.fullmatch(written)
    if match is None or not any(match.groups()):
        if written:
            draft.needs_you(taker.location_of(name), taker.what, f"{written!r} is not a duration here", f"write {key}")
        return {}
    seconds = sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS, strict=True) if part)
    return {key: durations.format(seconds)}
