"""
llm-token-limit and azure-openai-token-limit: a number of tokens of a language model, for each value of a key.

The tokens are those that the model reports. With `estimate-prompt-tokens` the prompt is counted before it is sent, and
a request whose prompt is more than what is left is refused. A stream that reports no usage is counted: its prompt, and
the text that it has brought. Any other answer to a prompt that does not say what it has cost, because the caller asked
for a part of it, for protocol buffers or for Amazon's binary streams, costs its prompt, and a token for four bytes.
Pictures, sounds and films cost what was estimated.

Prompts are counted for Chat Completions, Responses, embeddings and completions of OpenAI, for Anthropic's Messages and
for Gemini's generateContent: the texts, three tokens for each message and for the answer, tools and schemas as the JSON
that they are, and 1,200 tokens for each image, sound or file. The vocabulary is `o200k_base` or `cl100k_base`, by the
`model` in the body, else by the deployment or model in the path; for models that are not OpenAI's the count is an
approximation. Conversations and files that the provider has stored are not counted up front. What is not JSON, such as
an uploaded sound, counts nothing up front; JSON of any other form counts as text.

The estimate is withdrawn when no backend has answered with 2xx: a later policy refuses or answers the request, a
cache answers it, the backend cannot be reached, is too slow, or answers with an error. So a limit before
`llm-semantic-cache-lookup` charges nothing for a hit; but it refuses callers who have no tokens left, which a limit
after the look-up does only for misses. Of several answers, because of `retry`, the last one counts. Several of these
policies with the same key and period charge a request once. Answers that are cut, by the backend or by the caller, cost
what has come. If the caller leaves before there is an answer, the estimate stays.

Tokens per minute are those of any 60 seconds. Periods of a quota are those of the calendar in UTC: weeks begin on
Monday, months and years are as long as they are. With Redis all replicas count together.

With `tokens-consumed-header-name` or `tokens-consumed-variable-name` the head of an answer that is no stream of events
waits for the answer's end, as far as that fits into `limits/body-buffer-bytes`. Streams are never held.

What a WebSocket carries is not counted, so a request that would open one is refused with 501.

Source: APIM policy reference, "llm-token-limit" and "azure-openai-token-limit".
"""

from __future__ import annotations

import math
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.counters import Admission, CalendarWindow, Demand, FixedWindow, SlidingWindow, Usage
from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import ExpressionError, PolicyError
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.elements import FIELD_NAME
from gateway.policies.parts.limits import limit_facts, then
from gateway.policies.parts.metering import Charge, meter_of
from gateway.policies.parts.vocabularies import is_installed, load
from gateway.policies.parts.websockets import refuse_websocket

if TYPE_CHECKING:
    from gateway.counters.windows import Window
    from gateway.pipeline.context import Context
    from gateway.pipeline.services import Services
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.policies.parts.metering import TokenMeter
    from gateway.wire.messages import Response

# In seconds, or in months of the calendar. Year one, from which seconds are counted, begins on a Monday.
PERIODS_S = {"Hourly": 3_600, "Daily": 86_400, "Weekly": 604_800}
PERIODS_MONTHS = {"Monthly": 1, "Yearly": 12}

_REPORTS = {
    "retry-after": "the wait, in seconds",
    "remaining-tokens": "the tokens left in this minute",
    "remaining-quota-tokens": "the tokens left of the quota",
    "tokens-consumed": "the tokens that the call has cost, where they are known before the answer's head is sent",
}
_DEFAULTS = {"retry-after-header-name": "Retry-After"}


def shape(name: str) -> Element:
    """The element called *name*."""
    reports = [
        Attribute(
            attribute := f"{report}-{kind}-name",
            f"{kind.capitalize()} for {doc}.",
            expression=False,
            default=_DEFAULTS.get(attribute),
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
            Attribute("token-quota-period", "The period.", choices=(*PERIODS_S, *PERIODS_MONTHS)),
            Attribute(
                "estimate-prompt-tokens",
                "Whether the prompt is counted up front; needs the extra `[ai]`.",
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
    services: Services

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From the element. Raises LoadError: nothing is limited, a quota without its period, no tokeniser."""
        _require_limit(settings)
        estimates = settings.node.attribute("estimate-prompt-tokens") not in (None, "false")
        if estimates:
            _require_tokeniser(settings)
        settings.reads.request_body |= estimates
        load()
        return cls(
            key=settings.text("counter-key"),
            per_minute=settings.maybe(settings.integer, "tokens-per-minute"),
            quota=settings.maybe(settings.integer, "token-quota"),
            period=settings.maybe(settings.text, "token-quota-period"),
            estimates=settings.boolean("estimate-prompt-tokens"),
            names=_report_names(settings),
            services=settings.services,
        )

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when counters are in memory and the prompt is short. Raises PolicyError: 429, 403, 501; WorkExceeded."""
        request = context.request
        refuse_websocket(request, "counted")
        # The model's answer is read on its way, so it should not be compressed.
        request.headers.remove("Accept-Encoding")
        meter = meter_of(context, self.services)
        content = request.body.read(preserve=True) if request.body and self.estimates(context) else b""
        amount = meter.count_prompt(content, context.work) if content else 0
        if isinstance(amount, int):
            return self._admit(amount, meter, context)
        return self._admit_later(amount, meter, context)

    async def _admit_later(self, counting: Awaitable[int], meter: TokenMeter, context: Context) -> None:
        waiting = self._admit(await counting, meter, context)
        if waiting is not None:
            await waiting

    def _admit(self, amount: int, meter: TokenMeter, context: Context) -> Awaitable[None] | None:
        self._watch(amount, meter, context)
        key = f"tokens/{self.key(context)}"
        demands = [_demand(key, window, amount, meter) for window in self._windows(context)]
        return then(self.services.counters.admit(demands), partial(self._judge, demands, meter), context)

    def _windows(self, context: Context) -> list[Window]:
        windows: list[Window] = []
        if self.per_minute:
            windows.append(SlidingWindow(self.per_minute(context), 60))
        if self.quota and self.period:
            windows.append(_quota(self.quota(context), self.period(context)))
        return windows

    def _judge(self, demands: list[Demand], meter: TokenMeter, admission: Admission, context: Context) -> None:
        lines: list[tuple[str, str]] = []
        for demand, usage in zip(demands, admission.usages, strict=True):
            name = "remaining-tokens" if isinstance(demand.window, SlidingWindow) else "remaining-quota-tokens"
            self._tell(name, usage.remaining, lines, context.variables)
        if admission.exceeded is not None:
            raise self._refusal(demands[admission.exceeded], admission.usages[admission.exceeded], context)
        meter.charge(Charge(self.services.counters, demands, admission.at))
        context.on_answer(partial(self._answered, lines, meter))

    def _refusal(self, demand: Demand, usage: Usage, context: Context) -> PolicyError:
        seconds = max(1, math.ceil(usage.wait_s))
        limit, used = limit_facts(demand.window, usage)
        lines: list[tuple[str, str]] = []
        self._tell("retry-after", seconds, lines, context.variables)
        if isinstance(demand.window, SlidingWindow):
            message = f"Token limit is exceeded. Try again in {seconds} seconds."
            return PolicyError(429, "RateLimitExceeded", message, headers=tuple(lines), expected=limit, found=used)
        message = "Token quota is exceeded."
        return PolicyError(403, "QuotaExceeded", message, headers=tuple(lines), expected=limit, found=used)

    def _watch(self, amount: int, meter: TokenMeter, context: Context) -> None:
        """Keep the variable for the tokens that the call has cost; the header waits for the answer's."""
        variable = self.names.get("tokens-consumed-variable-name")
        if variable is None and "tokens-consumed-header-name" not in self.names:
            return
        meter.waits = True
        if variable is not None:
            variables = context.variables
            variables[variable] = amount
            meter.watch(lambda usage: variables.__setitem__(variable, usage.total))

    def _answered(self, lines: list[tuple[str, str]], meter: TokenMeter, answer: Response) -> None:
        header = self.names.get("tokens-consumed-header-name")
        if header is not None and meter.usage is not None:
            lines.append((header, str(meter.usage.total)))
        for name, text in lines:
            answer.headers.replace(name, text)

    def _tell(self, report: str, number: int, lines: list[tuple[str, str]], variables: dict[str, object]) -> None:
        if variable := self.names.get(f"{report}-variable-name"):
            variables[variable] = number
        if header := self.names.get(f"{report}-header-name"):
            lines.append((header, str(number)))


def _require_limit(settings: Settings) -> None:
    """Raises LoadError: nothing is limited, or a quota has no period."""
    if not settings.has("tokens-per-minute") and not settings.has("token-quota"):
        raise settings.error("missing-attribute", f"{settings.shape.name} has no limit", "add tokens-per-minute")
    if settings.has("token-quota") != settings.has("token-quota-period"):
        raise settings.error("conflict", "token-quota and token-quota-period belong together")


def _report_names(settings: Settings) -> dict[str, str]:
    """Attribute -> the header or variable that it names."""
    written = [f"{report}-{kind}-name" for report in _REPORTS for kind in ("header", "variable")]
    names = {name: settings.maybe(settings.constant, name) for name in written}
    return {name: text for name, text in names.items() if text}


def _require_tokeniser(settings: Settings) -> None:
    """Raises LoadError: the prompt is to be counted, and the extra is not installed."""
    if not is_installed():
        remedy = "pip install 'apim-policy-gateway[ai]', or estimate-prompt-tokens=\"false\""
        message = "the tokeniser is not installed"
        raise settings.error("missing-extra", message, remedy, at="estimate-prompt-tokens")


def _demand(key: str, window: Window, amount: int, meter: TokenMeter) -> Demand:
    """What a counter is asked for, less what this request has charged on it already."""
    demand = Demand(key, window, amount, whole=amount > 0)
    return demand._replace(amount=max(0, amount - meter.charged.get(demand.storage_key, 0)))


def _quota(limit: int, period: str) -> Window:
    """Raises ExpressionError: there is no such period."""
    if months := PERIODS_MONTHS.get(period):
        return CalendarWindow(limit, months)
    if period not in PERIODS_S:
        raise ExpressionError("ArgumentException", f"{period[:20]!r} is no period of a quota")
    return FixedWindow(limit, PERIODS_S[period])


class LlmTokenLimit(TokenLimit):
    """For any model with OpenAI's usage fields."""

    __slots__ = ()
    shape: ClassVar[Element] = shape("llm-token-limit")


class AzureOpenaiTokenLimit(TokenLimit):
    """For Azure OpenAI."""

    __slots__ = ()
    shape: ClassVar[Element] = replace(LlmTokenLimit.shape, name="azure-openai-token-limit")
