"""
llm-token-limit and azure-openai-token-limit: a number of tokens of a language model, for each value of a key.

Tokens are counted by the ``usage`` that the model reports; the prompt can be estimated up front.

Source: APIM policy reference, "llm-token-limit" and "azure-openai-token-limit".
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.counters import Admission, Counters, Demand, FixedWindow, SlidingWindow, Usage
from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import PolicyError
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.elements import FIELD_NAME
from gateway.policies.parts.limits import limit_facts, start, then
from gateway.policies.parts.token_usage import TokenUsage, watch_usage

if TYPE_CHECKING:
    from gateway.pipeline.background import Background
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Response

# Seconds; months and years are taken as 30 and 365 days.
PERIODS = {"Hourly": 3_600, "Daily": 86_400, "Weekly": 604_800, "Monthly": 2_592_000, "Yearly": 31_536_000}

# Rough, and on the safe side for English. Source: OpenAI's "a token is about four characters".
BYTES_PER_TOKEN = 4

_REPORTS = {
    "retry-after": "the wait, in seconds",
    "remaining-tokens": "the tokens left in this minute",
    "remaining-quota-tokens": "the tokens left of the quota",
    "tokens-consumed": "the tokens that the call has cost; only where its answer is in memory",
}


def shape(name: str) -> Element:
    """The element called *name*."""
    reports = [
        Attribute(
            f"{report}-{kind}-name",
            f"{kind.capitalize()} for {doc}.",
            expression=False,
            format=FIELD_NAME if kind == "header" else None,
        )
        for report, doc in _REPORTS.items()
        for kind in ("header", "variable")
    ]
    return Element(
        name,
        "Allows a number of tokens of a language model, for each value of a key; more are answered with 429 or 403.",
        attributes=(
            ID,
            Attribute("counter-key", "Key of the counter.", required=True),
            Attribute("tokens-per-minute", "Tokens within any minute.", Kind.INTEGER, minimum=1),
            Attribute("token-quota", "Tokens within a period.", Kind.INTEGER, minimum=1),
            Attribute("token-quota-period", "The period.", choices=tuple(PERIODS)),
            Attribute(
                "estimate-prompt-tokens",
                "Whether the prompt is estimated and counted up front.",
                Kind.BOOLEAN,
                default="false",
            ),
            *reports,
        ),
    )


@dataclass(frozen=True, slots=True)
class TokenLimit(PolicyType):
    """One compiled limit; see the classes below for its names."""

    shape: ClassVar[Element]
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    key: Value[str]
    per_minute: Value[int] | None
    quota: Value[int] | None
    period: Value[str] | None
    estimates: Value[bool]
    names: dict[str, str]
    counters: Counters
    background: Background

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From the element. Raises LoadError: nothing is limited, or a quota without its period."""
        if not settings.has("tokens-per-minute") and not settings.has("token-quota"):
            raise settings.error("missing-attribute", f"{settings.shape.name} has no limit", "add tokens-per-minute")
        if settings.has("token-quota") != settings.has("token-quota-period"):
            raise settings.error("conflict", "token-quota and token-quota-period belong together")
        estimates = settings.boolean("estimate-prompt-tokens")
        settings.reads.request_body |= settings.node.attribute("estimate-prompt-tokens") not in (None, "false")
        written = [f"{report}-{kind}-name" for report in _REPORTS for kind in ("header", "variable")]
        return cls(
            key=settings.text("counter-key"),
            per_minute=settings.maybe(settings.integer, "tokens-per-minute"),
            quota=settings.maybe(settings.integer, "token-quota"),
            period=settings.maybe(settings.text, "token-quota-period"),
            estimates=estimates,
            names={name: settings.constant(name) for name in written if settings.has(name)},
            counters=settings.services.counters,
            background=settings.services.background,
        )

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the counters are in memory. Raises PolicyError: 429 or 403."""
        request = context.request
        # The model's answer is read on its way, so it must not be compressed.
        request.headers.remove("Accept-Encoding")
        body = request.body.read(preserve=True) if request.body and self.estimates(context) else b""
        demands = self._demands(context, len(body) // BYTES_PER_TOKEN)
        return then(self.counters.admit(demands), partial(self._judge, demands), context)

    def _demands(self, context: Context, amount: int) -> list[Demand]:
        key = f"tokens/{self.key(context)}"
        demands = []
        if self.per_minute:
            demands.append(Demand(key, SlidingWindow(self.per_minute(context), 60), amount))
        if self.quota and self.period:
            period_s = PERIODS.get(self.period(context), PERIODS["Monthly"])
            demands.append(Demand(key, FixedWindow(self.quota(context), period_s), amount))
        return demands

    def _judge(self, demands: list[Demand], admission: Admission, context: Context) -> None:
        lines: list[tuple[str, str]] = []
        for demand, usage in zip(demands, admission.usages, strict=True):
            name = "remaining-tokens" if isinstance(demand.window, SlidingWindow) else "remaining-quota-tokens"
            self._tell(name, usage.remaining, lines, context)
        if admission.exceeded is not None:
            raise self._refusal(demands[admission.exceeded], admission.usages[admission.exceeded], context)
        context.on_answer(partial(self._answered, demands, lines, context))

    def _refusal(self, demand: Demand, usage: Usage, context: Context) -> PolicyError:
        seconds = max(1, round(usage.wait_s))
        limit, used = limit_facts(demand.window, usage)
        lines: list[tuple[str, str]] = []
        self._tell("retry-after", seconds, lines, context)
        headers = tuple(lines or [("Retry-After", str(seconds))])
        if isinstance(demand.window, FixedWindow):
            message = "Token quota is exceeded."
            return PolicyError(403, "QuotaExceeded", message, headers=headers, expected=limit, found=used)
        message = f"Token limit is exceeded. Try again in {seconds} seconds."
        return PolicyError(429, "RateLimitExceeded", message, headers=headers, expected=limit, found=used)

    def _answered(
        self, demands: list[Demand], lines: list[tuple[str, str]], context: Context, answer: Response
    ) -> None:
        in_memory = answer.body.buffered

        def count(usage: TokenUsage | None) -> None:
            if usage is None:
                return
            if in_memory:
                self._tell("tokens-consumed", usage.total, lines, context)
            due = [demand._replace(amount=usage.total - demand.amount) for demand in demands]
            start(self.counters.add(due), self.background)

        watch_usage(answer, count)
        for name, text in lines:
            answer.headers.replace(name, text)

    def _tell(self, report: str, number: int, lines: list[tuple[str, str]], context: Context) -> None:
        if variable := self.names.get(f"{report}-variable-name"):
            context.variables[variable] = number
        if header := self.names.get(f"{report}-header-name"):
            lines.append((header, str(number)))


class LlmTokenLimit(TokenLimit):
    """For any model with OpenAI's usage fields."""

    __slots__ = ()
    shape: ClassVar[Element] = shape("llm-token-limit")


class AzureOpenaiTokenLimit(TokenLimit):
    """For Azure OpenAI."""

    __slots__ = ()
    shape: ClassVar[Element] = replace(LlmTokenLimit.shape, name="azure-openai-token-limit")
