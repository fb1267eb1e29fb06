"""
quota-by-key: a number of calls, or of kilobytes, within a long period, for each value of a key.

Source: APIM policy reference, "quota-by-key".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.counters import Admission, Counters, Demand, FixedWindow
from gateway.counters.windows import YEAR_ONE_S
from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.pipeline.changes import Change
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.limits import (
    Increment,
    LimitReport,
    count_afterwards,
    increment_attributes,
    quota_refusal,
    report_attributes,
    then,
)
from gateway.policies.quota import BANDWIDTH, BYTES_PER_KB, CALLS, count_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.pipeline.background import Background
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

SHORTEST_PERIOD_S = 300


@dataclass(frozen=True, slots=True)
class QuotaByKey(PolicyType):
    """One compiled quota-by-key. Keys are global: the same text in two policies is the same counter."""

    shape: ClassVar[Element] = Element(
        "quota-by-key",
        "Allows a number of calls, or kilobytes, within a long period, for each value of a key; then 403.",
        attributes=(
            ID,
            Attribute("calls", "Calls within a period.", Kind.INTEGER, minimum=1),
            Attribute("bandwidth", "Kilobytes of bodies, both ways, within a period.", Kind.INTEGER, minimum=1),
            Attribute(
                "renewal-period", "Seconds, at least 300; 0: never renewed.", Kind.INTEGER, required=True, minimum=0
            ),
            Attribute("counter-key", "Key of the counter.", required=True),
            *increment_attributes(),
            Attribute("first-period-start", "When the first period began; periods follow each other from there."),
            *report_attributes(expression=True),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    amounts: tuple[tuple[str, Value[int], int], ...]
    period_s: Value[int]
    start_s: float
    key: Value[str]
    increment: Increment
    report: LimitReport
    counters: Counters
    background: Background

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<quota-by-key>``. Raises LoadError: nothing is limited, a short period, or no date."""
        amounts = tuple(
            (kind, settings.integer(name), unit)
            for name, kind, unit in (("calls", CALLS, 1), ("bandwidth", BANDWIDTH, BYTES_PER_KB))
            if settings.has(name)
        )
        if not amounts:
            raise settings.error("missing-attribute", "quota-by-key has no limit", "add calls or bandwidth")
        return cls(
            amounts=amounts,
            period_s=_period(settings),
            start_s=_start(settings),
            key=settings.text("counter-key"),
            increment=Increment.compile(settings),
            report=LimitReport.compile(settings),
            counters=settings.services.counters,
            background=settings.services.background,
        )

    @property
    def changes(self) -> Change | None:
        """The variables of its report."""
        return self.report.changes

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the counters are in memory. Raises PolicyError: QuotaExceeded."""
        now_amount = 0 if self.increment.afterwards else self.increment.amount(context)
        drawn = self._demands(context, now_amount)

        def judge(admission: Admission, context: Context) -> None:
            self.report.write(admission.usages[0], drawn[0][1].window.limit, context)
            if admission.exceeded is not None:
                (kind, demand), usage = drawn[admission.exceeded], admission.usages[admission.exceeded]
                raise quota_refusal(kind, demand.window, usage, self.report, context)
            self._count_later(drawn, context)

        return then(self.counters.admit([demand for _, demand in drawn]), judge, context)

    def _demands(self, context: Context, calls: int) -> list[tuple[str, Demand]]:
        key, period_s = self.key(context), self.period_s(context)
        return [
            (
                kind,
                Demand(f"key/{kind}/{key}", FixedWindow(limit(context) * unit, period_s, self.start_s), amount, key),
            )
            for kind, limit, unit in self.amounts
            for amount in [calls if kind == CALLS else 0]
        ]

    def _count_later(self, drawn: list[tuple[str, Demand]], context: Context) -> None:
        by_kind = {kind: [demand for drawn_kind, demand in drawn if drawn_kind == kind] for kind in (CALLS, BANDWIDTH)}
        if self.increment.afterwards and by_kind[CALLS]:
            count_afterwards(by_kind[CALLS], self.increment, self.counters, self.background, context)
        count_bytes(by_kind[BANDWIDTH], self.counters, self.background, context)


def _period(settings: Settings) -> Value[int]:
    literal = settings.node.attribute("renewal-period") or ""
    if literal.strip().isdigit() and 0 < int(literal) < SHORTEST_PERIOD_S:
        raise settings.error("bad-value", "renewal-period is 0 or at least 300", "write 300", at="renewal-period")
    return settings.integer("renewal-period")


def _start(settings: Settings) -> float:
    """``first-period-start`` in seconds since the epoch; without it, the year one, as in APIM."""
    text = settings.maybe(settings.constant, "first-period-start")
    if text is None:
        return YEAR_ONE_S
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        remedy = "write 2026-01-01T00:00:00Z"
        raise settings.error("bad-value", f"{text!r} is not a date", remedy, at="first-period-start") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
