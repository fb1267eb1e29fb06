"""
rate-limit: a limited number of calls within any period, for each subscription.

Source: APIM policy reference, "rate-limit".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.counters import Admission, Counters, SlidingWindow
from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element, Kind
from gateway.pipeline.changes import Change
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.limits import LimitReport, rate_refusal, report_attributes, then
from gateway.policies.parts.subscription_limits import Limit, demands, limits

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.counters.windows import Window
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings

_CALLS = Attribute("calls", "Calls within a period.", Kind.INTEGER, required=True, expression=False, minimum=0)
_PERIOD = Attribute(
    "renewal-period",
    "Length of the period, in seconds.",
    Kind.INTEGER,
    required=True,
    expression=False,
    minimum=1,
)
_INNER_PERIOD = replace(_PERIOD, required=False, doc="The same; the outer value if absent.")
_NAMES = (
    Attribute("name", "Name; this or `id`.", expression=False),
    Attribute("id", "Id; takes precedence over `name`.", expression=False),
)
_OPERATION = Element("operation", "An inner limit for one operation.", attributes=(*_NAMES, _CALLS, _INNER_PERIOD))
_API = Element(
    "api",
    "An inner limit for one API.",
    attributes=(*_NAMES, _CALLS, _INNER_PERIOD),
    children=(Child(_OPERATION, maximum=None),),
)


@dataclass(frozen=True, slots=True)
class RateLimit(PolicyType):
    """One compiled rate-limit; all limits that apply must admit the call, and then all count it."""

    shape: ClassVar[Element] = Element(
        "rate-limit",
        "Allows each subscription a number of calls within any period; more are answered with 429.",
        attributes=(ID, _CALLS, _PERIOD, *report_attributes(expression=False)),
        children=(Child(_API, maximum=None),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    limits: tuple[Limit, ...]
    report: LimitReport
    counters: Counters

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<rate-limit>``."""
        return cls(
            limits(settings, _windows, settings.constant_int("renewal-period")),
            LimitReport.compile(settings),
            settings.services.counters,
        )

    @property
    def changes(self) -> Change | None:
        """The variables of its report."""
        return self.report.changes

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the counters are in memory. Raises PolicyError: RateLimitExceeded."""
        drawn = [demand for _, demand in demands(self.limits, context)]
        if not drawn:
            return None

        def judge(admission: Admission, context: Context) -> None:
            tightest = min(range(len(drawn)), key=lambda index: admission.usages[index].remaining)
            self.report.write(admission.usages[tightest], drawn[tightest].window.limit, context)
            if admission.exceeded is not None:
                window, usage = drawn[admission.exceeded].window, admission.usages[admission.exceeded]
                raise rate_refusal(window, usage, self.report, context)

        return then(self.counters.admit(drawn), judge, context)


def _windows(settings: Settings, period_s: int) -> tuple[tuple[str, Window], ...]:
    return (("rate", SlidingWindow(settings.constant_int("calls"), period_s)),)
