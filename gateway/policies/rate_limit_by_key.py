"""
rate-limit-by-key: a limited number of calls within any period, for each value of a key.

Source: APIM policy reference, "rate-limit-by-key".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.counters import Admission, Counters, Demand, SlidingWindow
from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.pipeline.changes import Change
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.limits import (
    Increment,
    LimitReport,
    count_afterwards,
    increment_attributes,
    rate_refusal,
    report_attributes,
    then,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.pipeline.background import Background
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class RateLimitByKey(PolicyType):
    """One compiled rate-limit-by-key. Keys are global: the same text in two policies is the same counter."""

    shape: ClassVar[Element] = Element(
        "rate-limit-by-key",
        "Allows a number of calls within any period, for each value of a key; more are answered with 429.",
        attributes=(
            ID,
            Attribute("calls", "Calls within a period.", Kind.INTEGER, required=True, minimum=0),
            Attribute(
                "renewal-period",
                "Length of the period, in seconds.",
                Kind.INTEGER,
                required=True,
                minimum=1,
            ),
            Attribute("counter-key", "Key of the counter.", required=True),
            *increment_attributes(),
            Attribute(
                "increment-after-response",
                "Whether a call is counted after it is answered.",
                Kind.BOOLEAN,
                default="false",
                expression=False,
            ),
            *report_attributes(expression=True),
            Attribute(
                "flexible-retry-window",
                "In APIM, refused calls then do not extend the window; here they never do.",
                Kind.BOOLEAN,
                default="false",
            ),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    calls: Value[int]
    period_s: Value[int]
    key: Value[str]
    increment: Increment
    report: LimitReport
    counters: Counters
    background: Background

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<rate-limit-by-key>``."""
        return cls(
            calls=settings.integer("calls"),
            period_s=settings.integer("renewal-period"),
            key=settings.text("counter-key"),
            increment=Increment.compile(settings, settings.constant_bool("increment-after-response")),
            report=LimitReport.compile(settings),
            counters=settings.services.counters,
            background=settings.services.background,
        )

    @property
    def changes(self) -> Change | None:
        """The variables of its report."""
        return self.report.changes

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the counter is in memory. Raises PolicyError: RateLimitExceeded."""
        window = SlidingWindow(max(0, self.calls(context)), max(1, self.period_s(context)))
        amount = 0 if self.increment.afterwards else self.increment.amount(context)
        demand = Demand(f"key/{self.key(context)}", window, amount)

        def judge(admission: Admission, context: Context) -> None:
            usage = admission.usages[0]
            self.report.write(usage, window.limit, context)
            if admission.exceeded is not None:
                raise rate_refusal(window, usage, self.report, context)
            if self.increment.afterwards:
                count_afterwards([demand], self.increment, self.counters, self.background, context)

        return then(self.counters.admit([demand]), judge, context)
