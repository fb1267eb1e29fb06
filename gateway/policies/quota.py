"""
quota: a number of calls, or of kilobytes, within a long period, for each subscription.

Source: APIM policy reference, "quota".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.counters import Admission, Counters, Demand, FixedWindow
from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element, Kind
from gateway.pipeline.changes import Change
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.limits import LimitReport, quota_refusal, report_attributes, start, then
from gateway.policies.parts.subscription_limits import Limit, demands, limits

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.counters.windows import Window
    from gateway.pipeline.background import Background
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.wire.messages import Ending

CALLS, BANDWIDTH = "call volume", "bandwidth"
BYTES_PER_KB = 1024

_AMOUNTS = (
    Attribute("calls", "Calls within a period.", Kind.INTEGER, expression=False, minimum=1),
    Attribute(
        "bandwidth", "Kilobytes of bodies, both ways, within a period.", Kind.INTEGER, expression=False, minimum=1
    ),
    Attribute("renewal-period", "Seconds; 0: never renewed.", Kind.INTEGER, required=True, expression=False, minimum=0),
)
_INNER = (*_AMOUNTS[:2], replace(_AMOUNTS[2], required=False, doc="The same; the outer value if absent."))
_NAMES = (
    Attribute("name", "Name; this or `id`.", expression=False),
    Attribute("id", "Id; takes precedence over `name`.", expression=False),
)
_OPERATION = Element("operation", "An inner quota for one operation.", attributes=(*_NAMES, *_INNER))
_API = Element(
    "api",
    "An inner quota for one API.",
    attributes=(*_NAMES, *_INNER),
    children=(Child(_OPERATION, maximum=None),),
)


@dataclass(frozen=True, slots=True)
class Quota(PolicyType):
    """One compiled quota."""

    shape: ClassVar[Element] = Element(
        "quota",
        "Allows each subscription a number of calls, or kilobytes, within a long period; more are answered with 403.",
        attributes=(ID, *_AMOUNTS, *report_attributes(expression=False)),
        children=(Child(_API, maximum=None),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    limits: tuple[Limit, ...]
    report: LimitReport
    counters: Counters
    background: Background

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<quota>``. Raises LoadError: nothing is limited."""
        services = settings.services
        return cls(
            limits(settings, _windows, settings.constant_int("renewal-period")),
            LimitReport.compile(settings),
            services.counters,
            services.background,
        )

    @property
    def changes(self) -> Change | None:
        """The variables of its report."""
        return self.report.changes

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the counters are in memory. Raises PolicyError: QuotaExceeded."""
        drawn = [(kind, demand._replace(amount=amount(kind))) for kind, demand in demands(self.limits, context)]
        if not drawn:
            return None

        def judge(admission: Admission, context: Context) -> None:
            self.report.write(admission.usages[0], drawn[0][1].window.limit, context)
            if admission.exceeded is not None:
                (kind, demand), usage = drawn[admission.exceeded], admission.usages[admission.exceeded]
                raise quota_refusal(kind, demand.window, usage, self.report, context)
            count_bytes(
                [demand for kind, demand in drawn if kind == BANDWIDTH], self.counters, self.background, context
            )

        return then(self.counters.admit([demand for _, demand in drawn]), judge, context)


def amount(kind: str) -> int:
    """What a call draws when it arrives: its bytes are known only when it is over."""
    return 1 if kind == CALLS else 0


def count_bytes(drawn: list[Demand], counters: Counters, background: Background, context: Context) -> None:
    """Count the bytes of both bodies on *drawn* when the exchange is over."""
    if not drawn:
        return

    def count(_: Context, ending: Ending) -> None:
        size = ending.received_bytes + ending.sent_bytes
        start(counters.add([demand._replace(amount=size) for demand in drawn]), background)

    if context.after_response is None:
        context.after_response = []
    context.after_response.append(count)


def _windows(settings: Settings, period_s: int) -> tuple[tuple[str, Window], ...]:
    calls, kilobytes = (settings.maybe(settings.constant_int, name) for name in ("calls", "bandwidth"))
    if calls is None and kilobytes is None:
        raise settings.error("missing-attribute", f"{settings.shape.name} has no limit", "add calls or bandwidth")
    amounts = ((CALLS, calls), (BANDWIDTH, kilobytes and kilobytes * BYTES_PER_KB))
    return tuple((kind, FixedWindow(limit, period_s)) for kind, limit in amounts if limit is not None)
