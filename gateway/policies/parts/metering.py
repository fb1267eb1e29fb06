"""
What the policies that count tokens share about one request: its answer is read once, and each counter is charged once.

An estimated prompt is charged when the request is admitted. The charge is corrected once the answer has told what the
call has cost, and withdrawn when no backend has answered with 2xx: a later policy refuses, the answer comes from the
cache, or the backend fails, is too slow or answers with an error. Where several answers come, because of ``retry``, the
last one counts.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from gateway.counters import Counters, Demand
from gateway.policies.parts.answer_tokens import AnswerTokens
from gateway.policies.parts.kept_prompt import SHORT, KeptPrompt, kept_prompt_job
from gateway.policies.parts.limits import start
from gateway.policies.parts.prompts import prompt_job, prompt_tokens
from gateway.policies.parts.usage_fields import TokenUsage
from gateway.policies.parts.vocabularies import BYTE_S, BYTES_PER_TOKEN
from gateway.wire.work import Work, WorkExceeded

if TYPE_CHECKING:
    from gateway.pipeline.background import Background
    from gateway.pipeline.context import Context
    from gateway.pipeline.services import Services
    from gateway.policies.parts.completion_text import CompletionText
    from gateway.wire.messages import Ending, Request, Response

# A body up to SHORT is counted in one turn of the loop, one up to LONG in a thread, and a longer one in a process.
LONG = 256 * 1024

# Google's streams of JSON that are no streams of events: streamGenerateContent, streamRawPredict.
_STREAMED = ":stream"
_MODEL_IN_PATH = re.compile(r"/(?:deployments|models)/([^/:]{1,64})")


class UsageListener(Protocol):
    """Is told what a call has cost."""

    def __call__(self, usage: TokenUsage) -> None: ...


@dataclass(frozen=True, slots=True)
class Charge:
    """What a policy has charged when it admitted the request; *at* by the clock of the counters."""

    counters: Counters
    demands: Sequence[Demand]
    at: float

    def correct(self, targets: Sequence[int], background: Background) -> None:
        """Make it *targets*, one for each demand. What the counters cannot withdraw any more stays charged."""
        due = [
            demand._replace(amount=target - demand.amount, counted_at=self.at)
            for demand, target in zip(self.demands, targets, strict=True)
        ]
        due = [demand for demand in due if demand.amount > 0 or (demand.amount < 0 and math.isfinite(self.at))]
        if due:
            start(self.counters.add(due), background)


def meter_of(context: Context, services: Services) -> TokenMeter:
    """The meter of the request; it reads the answers from now on."""
    if isinstance(context.metering, TokenMeter):
        return context.metering
    meter = context.metering = TokenMeter(context.request, services)
    if context.after_response is None:
        context.after_response = []
    context.after_response.append(meter.ended)
    context.on_answer(meter.given)
    if context.response is not None and context.forwarded_at is not None:
        # The first of these policies is in outbound, and a backend has answered: not a cache, nor a policy.
        meter.answered(context.response)
    return meter


class TokenMeter:
    """
    The tokens of one request.

    Attributes:
        usage: What the call has cost; None: not known, or not yet.
        estimate: The tokens of the prompt; None: not counted.
        charged: Storage key -> what was charged on that counter.
        waits: Whether the head of an answer that is no stream waits for what it has cost.
    """

    __slots__ = (
        "_answer",
        "_charges",
        "_deployment",
        "_is_given",
        "_is_streamed",
        "_listeners",
        "_prompt",
        "_services",
        "_watchers",
        "charged",
        "estimate",
        "usage",
        "waits",
    )

    def __init__(self, request: Request, services: Services) -> None:
        self.usage: TokenUsage | None = None
        self.estimate: int | None = None
        self.charged: dict[str, int] = {}
        self.waits = False
        self._services = services
        self._deployment = _deployment(request.original_path)
        self._prompt = KeptPrompt(request, services.max_body_bytes)
        self._answer: AnswerTokens | None = None
        self._charges: list[Charge] = []
        self._listeners: list[UsageListener] = []
        self._watchers: list[UsageListener] = []
        self._is_given = False
        self._is_streamed = _STREAMED in request.original_path

    # -- before the backend
    def count_prompt(self, content: bytes, work: Work) -> int | Awaitable[int]:
        """The tokens of the prompt in the body *content*. Raises WorkExceeded."""
        if self.estimate is not None:
            return self.estimate
        if len(content) > SHORT:
            return self._count_long(content, work)
        self.estimate = prompt_tokens(content, self._deployment)
        return self.estimate

    async def _count_long(self, content: bytes, work: Work) -> int:
        if len(content) > LONG:
            self.estimate = int(await self._services.beside.run(work, prompt_job, content, self._deployment))
        else:
            work.draw(len(content) * BYTE_S)
            loop = asyncio.get_running_loop()
            self.estimate = await loop.run_in_executor(None, prompt_tokens, content, self._deployment)
        return self.estimate

    def charge(self, charge: Charge) -> None:
        """Remember what was charged."""
        self._charges.append(charge)
        if self.estimate is not None:
            self._prompt.drop()
        for demand in charge.demands:
            self.charged[demand.storage_key] = self.charged.get(demand.storage_key, 0) + demand.amount

    def watch(self, watcher: UsageListener) -> None:
        """Tell *watcher* as soon as the model has reported what the call has cost; another answer may still follow."""
        self._watchers.append(watcher)

    def listen(self, listener: UsageListener) -> None:
        """Tell *listener* once what the call has cost; never where that is not known."""
        self._listeners.append(listener)

    # -- the answer
    def answered(self, answer: Response) -> Awaitable[None] | None:
        """A backend has answered. The wait is for what an answer that is no stream has cost."""
        self._answer = None
        if not 200 <= answer.status_code < 300:
            return None
        reading = self._answer = AnswerTokens(answer, self._deployment)
        reading.begin(partial(self._passed, reading))
        if reading.text is not None or not self.waits or self._is_streamed:
            return None
        return reading.hold(self._services.max_body_bytes)

    def given(self, _: Response) -> None:
        """The pipeline has an answer for the caller: no other follows."""
        self._is_given = True
        if self._answer is None:
            self._correct(0)
        elif self._answer.is_over:
            self._settle(self._answer)

    def ended(self, context: Context, _: Ending) -> None:
        """The exchange is over; what has not passed by now never will. Without any answer the charge stays."""
        context.metering = None
        self._is_given = True
        if self._answer is not None and not self._answer.is_over:
            self._answer.end(complete=False)

    def _passed(self, answer: AnswerTokens) -> None:
        if answer is not self._answer:
            return  # another one has come instead
        if (usage := answer.usage) is not None:
            self._tell(usage)
        if self._is_given:
            self._settle(answer)

    def _tell(self, usage: TokenUsage) -> None:
        self.usage = usage
        for watcher in self._watchers:
            watcher(usage)

    # -- the cost
    def _settle(self, answer: AnswerTokens) -> None:
        """Charge what the call has cost; a picture, and an answer that says nothing at all, changes nothing."""
        usage, text = answer.usage, answer.text
        if text is not None and (usage is None or answer.is_cut):
            self._settle_text(usage, text)
        elif usage is not None:
            self._finish(usage)
        elif answer.unreported and self._prompt.is_prompt:
            self._settle_text(None, answer.as_text())
        self._prompt.drop()

    def _settle_text(self, usage: TokenUsage | None, text: CompletionText) -> None:
        """Of a stream whose report is missing or may be: count what it has brought, and its prompt."""
        if usage is None and self.estimate is None:
            self._estimate_kept()
        is_known = usage is not None or self.estimate is not None
        if is_known and text.length <= SHORT:
            self._finish(self._joined(usage, 0, text.count()))
        else:
            content = b"" if is_known else self._prompt.content
            self._services.background.start(self._settle_later(content, usage, text), "count")

    def _estimate_kept(self) -> None:
        """Count the prompt that was kept, if a turn of the loop is enough for that."""
        if not self._prompt.is_there:
            self.estimate = self._prompt.size // BYTES_PER_TOKEN
        elif self._prompt.is_short:
            self.estimate = prompt_tokens(self._prompt.content, self._deployment)

    async def _settle_later(self, content: bytes, usage: TokenUsage | None, text: CompletionText) -> None:
        """The same where it would take too long for a turn of the loop."""
        arguments = (content, self._prompt.codings, self._services.max_body_bytes, self._deployment)
        prompt = 0
        try:
            if content:
                prompt = int(await self._services.beside.run(Work(), kept_prompt_job, *arguments))
        except WorkExceeded:
            prompt = len(content) // BYTES_PER_TOKEN
        completion = await asyncio.get_running_loop().run_in_executor(None, text.count)
        self._finish(self._joined(usage, prompt, completion))

    def _joined(self, usage: TokenUsage | None, prompt: int, completion: int) -> TokenUsage:
        """What was counted, and in what was cut at least what was reported before."""
        if usage is None:
            prompt = prompt if self.estimate is None else self.estimate
            return TokenUsage(prompt, completion, prompt + completion)
        missing = max(0, completion - usage.completion)
        return replace(usage, completion=usage.completion + missing, total=usage.total + missing)

    def _finish(self, usage: TokenUsage) -> None:
        self._tell(usage)
        self._correct(usage.total)
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(usage)

    def _correct(self, total: int) -> None:
        """Once: charge *total* on every counter, of which some may have been charged by several policies."""
        charges, self._charges = self._charges, []
        left = dict.fromkeys(self.charged, total)
        for charge in charges:
            targets = [left.pop(demand.storage_key, 0) for demand in charge.demands]
            charge.correct(targets, self._services.background)


def _deployment(path: str) -> str:
    """The model in the path: Azure's deployment, Gemini's model. Source: their reference pages."""
    named = _MODEL_IN_PATH.search(path)
    return "" if named is None else named[1]
