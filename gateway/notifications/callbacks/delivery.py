"""
Callback delivery: retry until the receiver accepts, refuses, or time runs out.

An attempt is recorded before it is made. So one that a crash cut short is known to be doubtful, and a receiver
that then says "unknown" has most likely used its URL already.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Callable

import sqlalchemy as sa
import structlog
from cryptography.fernet import InvalidToken

from gateway.notifications.callbacks import consent
from gateway.notifications.callbacks import signature as signatures
from gateway.notifications.callbacks.circuits import CallbackLine, group_of
from gateway.notifications.callbacks.classification import CallbackAnswer, Decision, classify, next_attempt
from gateway.notifications.callbacks.profiles import RunReport, render
from gateway.notifications.callbacks.sending import CallbackSender
from gateway.notifications.metrics import Metrics
from gateway.notifications.store import attempts
from gateway.notifications.store.attempts import Attempt
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.sealing import KeyMissing, Sealer
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.outcomes import Outcome

log = structlog.get_logger("gateway.notifications")

_RECORD_AGAIN_S = 1.0
_RANDOM = random.Random()  # noqa: S311 - for jitter


class Deliverer:
    """Runs the callback steps."""

    def __init__(
        self,
        store: Store,
        sender: CallbackSender,
        sealer: Sealer,
        clock: Clock,
        metrics: Metrics,
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._sender = sender
        self._sealer = sealer
        self._clock = clock
        self._settings = sender.settings
        self._metrics = metrics
        self._may_act = may_act

    async def attempt(self, job: StoredJob) -> StoredJob | None:
        """Make the next attempt; the job afterwards, or None when there was nothing to deliver any more."""
        line = CallbackLine(job.caller, job.host, self._group(job))
        async with self._sender.turn(line):
            await self._until_permitted()
            attempt = Attempt(job.id, job.series, job.attempts + 1, self._clock.now())
            begun = await self._store.write(lambda connection: attempts.begin(connection, attempt, job.owner))
            if begun is None:
                return None
            answer = await self._send(begun)
            self._sender.circuits.record(line, answer.status is not None and answer.status < 500)
        decision = classify(answer, bool(begun.doubted), attempt.number)
        next_at = self._next(begun, attempt.number, answer) if decision is Decision.RETRY else None
        now = self._clock.now()
        record = functools.partial(
            attempts.record, attempt=attempt, answer=answer, decision=decision, next_at=next_at, now=now
        )
        after = await self._record(record)
        self._tell(begun, attempt, answer, decision, next_at)
        return after

    def _group(self, job: StoredJob) -> int:
        try:
            return group_of(self._sealer.open(job.url))
        except (KeyMissing, InvalidToken):  # the attempt reports it
            return 0

    async def _until_permitted(self) -> None:
        """Wait while the lease has ended: it is renewed, or another replica delivers."""
        while not self._may_act():
            await self._clock.sleep_until(self._clock.now() + 0.5)

    async def _record(self, record: Callable[[sa.Connection], StoredJob | None]) -> StoredJob | None:
        """Until it is written: an answer that is lost here would be asked for again."""
        while True:
            try:
                return await self._store.write(record)
            except sa.exc.SQLAlchemyError as error:
                log.warning("record_failed", error=type(error).__name__, again_in_s=_RECORD_AGAIN_S)
            await asyncio.sleep(_RECORD_AGAIN_S)

    async def _send(self, job: StoredJob) -> CallbackAnswer:
        content_type, body = render(job.profile, report_of(job), self._settings.source)
        timestamp = int(self._clock.wall())
        headers = signatures.headers(self._settings.signing_secrets, job.id, timestamp, body)
        try:
            url = self._sealer.open(job.url)
        except KeyMissing:  # the operator can add it: try again until then
            return CallbackAnswer(error="key-missing", excerpt="encryption-key lacks the key that encrypted the URL")
        except InvalidToken:
            return CallbackAnswer(error="url-refused", excerpt="the callback URL in the store cannot be decrypted")
        origin = self._settings.webhook_origin if job.profile == consent.PROFILE else None
        if origin is not None:
            headers |= consent.question(origin)
            refused = consent.refusal(await self._sender.ask(url, consent.question(origin)), origin)
            if refused is not None:
                return refused
        return await self._sender.send(url, {"content-type": content_type, **headers}, body)

    def _next(self, job: StoredJob, number: int, answer: CallbackAnswer) -> float | None:
        """The time of the next attempt, unless the callback's own deadline comes first."""
        jitter = _RANDOM.random()
        at = next_attempt(number, self._clock.now(), jitter, answer, self._settings.max_retry_after_s)
        return at if at <= job.callback_deadline_at else None

    def _tell(
        self, job: StoredJob, attempt: Attempt, answer: CallbackAnswer, decision: Decision, next_at: float | None
    ) -> None:
        self._metrics.attempts.labels(decision).inc()
        facts = {"job": job.id, "host": job.host, "attempt": attempt.number, "series": attempt.series}
        log.info("callback_attempt", **facts, status=answer.status, error=answer.error, decision=decision)
        if next_at is None and decision in (Decision.RETRY, Decision.PERMANENT):
            self._metrics.exhausted.inc()
            log.error("callback_exhausted", **facts, status=answer.status, error=answer.error)


def report_of(job: StoredJob) -> RunReport:
    """The report on a job whose outcome is known."""
    return RunReport(
        job_id=job.id,
        batch_id=job.batch_id,
        outcome=job.outcome or Outcome.UNKNOWN,
        message=job.message or "",
        batch_status=job.batch_status,
        accepted_at=job.created_at,
        ended_at=job.ended_at or job.updated_at,
        scheduled_for=job.scheduled_for,
        facts=job.run_facts,
        link=job.link,
        follows=job.follows,
    )
