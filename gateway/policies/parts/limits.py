"""
What rate-limit, rate-limit-by-key, quota and quota-by-key share: what a caller learns, and when a call is counted.

Source: APIM policy reference, "rate-limit-by-key" and "quota-by-key"; docs/reference/apim.md for the texts.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from gateway.counters import Admission, Counters, Demand, Usage
from gateway.counters.windows import Window
from gateway.documents.shape import Attribute, Kind
from gateway.errors import ExpressionError, PolicyError
from gateway.pipeline.changes import Change, variables
from gateway.policies.parts.elements import FIELD_NAME

if TYPE_CHECKING:
    from gateway.pipeline.background import Background
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Response

log = structlog.get_logger("gateway.limits")


def report_attributes(expression: bool) -> tuple[Attribute, ...]:
    """Attributes that tell the caller, or the rest of the pipeline, the state of the limit."""
    header = partial(Attribute, expression=expression, format=FIELD_NAME)
    return (
        header("retry-after-header-name", "Header for the wait.", default="Retry-After"),
        Attribute("retry-after-variable-name", "Variable for the wait, in seconds.", expression=False),
        header("remaining-calls-header-name", "Header for the remaining calls."),
        Attribute("remaining-calls-variable-name", "Variable for the remaining calls.", expression=False),
        header("total-calls-header-name", "Header for the limit."),
    )


def increment_attributes() -> tuple[Attribute, ...]:
    """Attributes that say which calls count, and how much."""
    return (
        Attribute("increment-condition", "Whether this call is counted.", Kind.BOOLEAN, default="true"),
        Attribute("increment-count", "By how much the counter increases.", Kind.INTEGER, default="1", minimum=0),
    )


@dataclass(frozen=True, slots=True)
class LimitReport:
    """Where a limit's state is written."""

    retry_header: Value[str]
    retry_variable: str | None
    remaining_header: Value[str] | None
    remaining_variable: str | None
    total_header: Value[str] | None

    @classmethod
    def compile(cls, settings: Settings) -> LimitReport:
        """From ``report_attributes``."""
        return cls(
            retry_header=settings.text("retry-after-header-name"),
            retry_variable=settings.maybe(settings.constant, "retry-after-variable-name"),
            remaining_header=settings.maybe(settings.text, "remaining-calls-header-name"),
            remaining_variable=settings.maybe(settings.constant, "remaining-calls-variable-name"),
            total_header=settings.maybe(settings.text, "total-calls-header-name"),
        )

    @property
    def changes(self) -> Change | None:
        """The variables."""
        return variables(self.remaining_variable, self.retry_variable)

    def write(self, usage: Usage, limit: int, context: Context) -> None:
        """Variables now, headers on the answer, wherever it comes from."""
        if self.remaining_variable:
            context.variables[self.remaining_variable] = usage.remaining
        fields = [(self.remaining_header, usage.remaining), (self.total_header, limit)]
        lines = [(name(context), str(number)) for name, number in fields if name]
        if lines:
            context.on_answer(partial(_replace, lines))

    def wait(self, wait_s: float, context: Context) -> tuple[int, tuple[tuple[str, str], ...]]:
        """Whole seconds to wait, at least 1, and the header that says so; no header where waiting does not help."""
        if math.isinf(wait_s):
            return 0, ()
        seconds = max(1, math.ceil(wait_s))
        if self.retry_variable:
            context.variables[self.retry_variable] = seconds
        return seconds, ((self.retry_header(context), str(seconds)),)


def _replace(lines: Sequence[tuple[str, str]], answer: Response) -> None:
    for name, text in lines:
        answer.headers.replace(name, text)


@dataclass(frozen=True, slots=True)
class Increment:
    """
    Which calls count, and how much.

    Attributes:
        afterwards: The condition looks at the response, so the call is counted when there is one.
    """

    condition: Value[bool]
    count: Value[int]
    afterwards: bool

    @classmethod
    def compile(cls, settings: Settings, afterwards: bool = False) -> Increment:
        """From ``increment_attributes``."""
        conditions = [settings.node.attribute(name) or "" for name in ("increment-condition", "increment-count")]
        late = any("context.Response" in text for text in conditions)
        return cls(settings.boolean("increment-condition"), settings.integer("increment-count"), afterwards or late)

    def amount(self, context: Context) -> int:
        """What this call counts."""
        return max(0, self.count(context)) if self.condition(context) else 0


def then(
    admission: Admission | Awaitable[Admission], judge: Callable[[Admission, Context], None], context: Context
) -> Awaitable[None] | None:
    """*judge* the admission when it is there; immediately where counters are in memory."""
    if isinstance(admission, Admission):
        judge(admission, context)
        return None
    return _later(admission, judge, context)


async def _later(
    admission: Awaitable[Admission], judge: Callable[[Admission, Context], None], context: Context
) -> None:
    judge(await admission, context)


def count_afterwards(
    demands: Sequence[Demand], increment: Increment, counters: Counters, background: Background, context: Context
) -> None:
    """Count the call once its answer is known; a condition that fails counts it, so that mistakes are not free."""

    def count(answer: Response) -> None:
        context.response = answer
        try:
            amount = increment.amount(context)
        except ExpressionError as error:
            log.warning("increment_condition_failed", error=str(error), request_id=str(context.request_id))
            amount = 1
        if amount:
            start(counters.add([demand._replace(amount=amount) for demand in demands]), background)

    context.on_answer(count)


def start(waiting: Awaitable[Any] | None, background: Background) -> None:
    """Let *waiting* happen, where it is not done already."""
    if waiting is not None:
        background.start(_await(waiting), "count")


async def _await(waiting: Awaitable[Any]) -> None:
    await waiting


def rate_refusal(window: Window, usage: Usage, report: LimitReport, context: Context) -> PolicyError:
    """429, with the text that APIM sends."""
    seconds, headers = report.wait(usage.wait_s, context)
    limit, used = limit_facts(window, usage)
    public = f"Rate limit is exceeded. Try again in {seconds} seconds."
    message = "Rate limit is exceeded"
    return PolicyError(429, "RateLimitExceeded", message, public, headers, expected=limit, found=used)


def quota_refusal(kind: str, window: Window, usage: Usage, report: LimitReport, context: Context) -> PolicyError:
    """403; *kind* is ``call volume`` or ``bandwidth``."""
    seconds, headers = report.wait(usage.wait_s, context)
    limit, used = limit_facts(window, usage)
    message = f"Out of {kind} quota."
    if headers:
        message += f" Quota will be replenished in {_span(seconds)}."
    return PolicyError(403, "QuotaExceeded", message, message, headers, expected=limit, found=used)


def limit_facts(window: Window, usage: Usage) -> tuple[dict[str, object], dict[str, object]]:
    """A limit and what was used of it, for the request log; a period of 0 never ends."""
    wait_s = round(usage.wait_s, 1) if math.isfinite(usage.wait_s) else None
    return {"limit": window.limit, "period_s": window.period_s}, {"used": usage.used, "renewal_in_s": wait_s}


def _span(seconds: int) -> str:
    """``hh:mm:ss``, or days where it is longer."""
    if seconds >= 86_400:
        return f"{seconds / 86_400:.2f} days"
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
