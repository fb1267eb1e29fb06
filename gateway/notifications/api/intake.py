"""
From a checked request to a durable job: rules, callback URL, budgets, one transaction.

The answer is given after the commit. The workflow is started from the row (``dispatch``), so a crash in between loses
nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
import structlog

from gateway.notifications.api.callers import environment_for, require_allowed
from gateway.notifications.api.problems import HttpProblem
from gateway.notifications.api.schema import JobRequest
from gateway.notifications.callbacks.ssrf import (
    CallbackTarget,
    UrlRefused,
    parse_target,
    require_addresses,
    require_host,
)
from gateway.notifications.engine import Engine
from gateway.notifications.settings import DEFAULT_ENVIRONMENT, CallerRule, NotificationSettings
from gateway.notifications.store import jobs
from gateway.notifications.store.jobs import Acceptance, Refusal
from gateway.notifications.store.model import IdempotencyKey, StoredJob, derive_key
from gateway.notifications.workflow.transitions import JobEvent, State
from gateway.notifications.workflow.watched_run import WatchedRun
from gateway.wire.addresses import Resolve

log = structlog.get_logger("gateway.notifications")

T = TypeVar("T")

_RESOLVE_S = 1.0
_REMEMBER_S = 30.0
_REFUSALS = {
    "key-reused": (422, "This Idempotency-Key was used for a different request."),
    "too-many-active": (429, "Wait until one of the caller's jobs is finished."),
    "batch-job-active": (409, "Another job is watching this batch job; on-running is reject."),
}


class Intake:
    """Accepts, stops and replays jobs on behalf of callers."""

    def __init__(self, settings: NotificationSettings, engine: Engine, resolve: Resolve) -> None:
        self._settings = settings
        self._engine = engine
        self._resolve = resolve
        self._checked: dict[CallbackTarget, float] = {}

    async def accept(
        self, caller: str, rule: CallerRule, request: JobRequest, key: str | None, seconds: float
    ) -> Acceptance:
        """
        Make *request* durable within *seconds*, which include the look at its callback URL.

        Raises:
            HttpProblem: 403, 409, 422 or 429, by rule or by state.
        """
        until = time.monotonic() + seconds
        target = await self._require_callable(rule, request)
        began = time.perf_counter()
        job = self._draft(caller, rule, request, target)
        accepted = await self._record(job, request_key(job, request, key), rule, until - time.monotonic())
        if isinstance(accepted, Refusal):
            raise _refusal(accepted, rule)
        self._engine.metrics.accept_time.observe(time.perf_counter() - began)
        self._tell(accepted)
        return accepted

    async def stop(self, job: StoredJob, seconds: float) -> StoredJob:
        """Stop watching, within *seconds*. The batch job itself continues: F&O has no action to cancel one."""
        ids = [job.id, *([job.follow_up_id] if job.follow_until is not None else [])]
        stopped = await self._write(
            lambda connection: [self._stop_one(connection, job_id) for job_id in ids][0], seconds
        )
        for job_id in ids:
            self._engine.stop_watching(job_id)
        if stopped is not None:
            log.info("job_stopped", job=job.id, batch=job.batch_id)
        return stopped or job

    def _stop_one(self, connection: sa.Connection, job_id: str) -> StoredJob | None:
        now = self._engine.parts.clock.now()
        return jobs.move(connection, job_id, JobEvent.STOP, now, next_attempt_at=None)

    async def _write(self, work: Callable[[sa.Connection], T], seconds: float) -> T:
        """Within the deadline. What is still committed remains: a repeated request finds it done."""
        return await self._engine.store.write_by(work, seconds, undo=lambda _: None)

    async def replay(self, job: StoredJob, rule: CallerRule, seconds: float) -> StoredJob:
        """
        Send the callback again, if that can be recorded within *seconds*; never starts the batch job.

        Raises:
            HttpProblem: 409 while the first delivery is not finished, 429 at the caller's limit.
        """
        now = self._engine.parts.clock.now()
        lifetime_s = self._settings.callbacks.lifetime_s
        reopened = await self._write(
            lambda connection: jobs.reopen(connection, job.id, now, lifetime_s, rule.max_active), seconds
        )
        if isinstance(reopened, Refusal):
            raise _refusal(reopened, rule)
        if reopened is None:
            raise HttpProblem(
                409, "job-not-final", "Only a job whose callback is delivered or given up can be replayed."
            )
        self._engine.announce()
        log.info("callback_replayed", job=job.id, series=reopened.series)
        return reopened

    async def _record(
        self, job: StoredJob, key: IdempotencyKey, rule: CallerRule, seconds: float
    ) -> Acceptance | Refusal:
        rejects = self._settings.all_environments[job.environment].on_running == "reject"
        exclusive = rejects and job.watched is WatchedRun.OURS
        recorded = await self._engine.store.write_by(
            lambda connection: jobs.accept(connection, job, key, rule.max_active, exclusive),
            seconds,
            undo=lambda connection: self._withdraw(connection, job),
        )
        self._engine.announce()
        return recorded

    def _withdraw(self, connection: sa.Connection, job: StoredJob) -> None:
        """The caller got 503: a job that was committed too late does not run, unless it was requested again."""
        if jobs.withdraw(connection, job, self._engine.parts.clock.now()) is not None:
            log.warning("job_withdrawn", job=job.id, batch=job.batch_id)

    async def _require_callable(self, rule: CallerRule, request: JobRequest) -> CallbackTarget:
        """Rules first (403), then the URL itself (422); unresolved names get their chance at delivery."""
        try:
            target = parse_target(request.url, self._settings.callbacks)
        except UrlRefused as error:
            raise _refused(error) from error
        require_allowed(rule, request.batch_id, target.host, request.watched is WatchedRun.OURS)
        try:
            require_host(target.host, self._settings.callbacks.hosts)
            await self._require_addresses(target)
        except UrlRefused as error:
            log.warning("callback_refused", host=target.host, reason=str(error))
            raise _refused(error) from error
        return target

    async def _require_addresses(self, target: CallbackTarget) -> None:
        now = time.monotonic()
        if now - self._checked.get(target, -_REMEMBER_S) < _REMEMBER_S:
            return
        # A name that cannot be resolved is remembered like one that passed: its turn comes at delivery, and a name
        # server that is down must not cost every request a second.
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_RESOLVE_S):
                addresses = await self._resolve(target.host, target.port)
            require_addresses(addresses, self._settings.callbacks)
        if len(self._checked) > 1000:
            self._checked.clear()
        self._checked[target] = now

    def _draft(self, caller: str, rule: CallerRule, request: JobRequest, target: CallbackTarget) -> StoredJob:
        now = self._engine.parts.clock.now()
        profile = request.profile or rule.profile or self._profile(request)
        environment = environment_for(rule, request.environment, self._settings)
        deadline_at, callback_deadline_at = self._deadlines(now, profile, rule, request)
        if request.follow_up and profile == "adf":
            text = "followUp needs another profile than adf: Data Factory takes one callback for each URL."
            raise HttpProblem(400, "body-invalid", text)
        return StoredJob(
            id=str(uuid.uuid4()),
            caller=caller,
            rule=rule.name,
            batch_id=request.batch_id,
            environment=environment,
            watched=request.watched,
            url=self._engine.sealer.seal(request.url),
            host=target.host,
            profile=profile,
            state=State.ACCEPTED,
            active=1,
            created_at=now,
            updated_at=now,
            deadline_at=deadline_at,
            callback_deadline_at=callback_deadline_at,
            follow_until=deadline_at + self._settings.budgets.follow_up_s if request.follow_up else None,
            link=self._settings.all_environments[environment].link_to(request.batch_id),
            trace=request.trace,
        )

    def _profile(self, request: JobRequest) -> str:
        if self._settings.callbacks.profile != "auto":
            return self._settings.callbacks.profile
        return "adf" if request.from_adf else "standard"

    def _deadlines(self, now: float, profile: str, rule: CallerRule, request: JobRequest) -> tuple[float, float]:
        """
        When we report at the latest, and until when that report is retried.

        A caller that sent its own time-out hears from us a margin earlier, and nothing afterwards.
        """
        margin_s = self._settings.callbacks.margin_s
        overall_s = rule.overall_s or self._settings.budgets.overall_for(profile)
        if request.timeout_s is not None:
            overall_s = max(request.timeout_s - margin_s, request.timeout_s * 0.9)
            return now + overall_s, now + request.timeout_s
        last_s = overall_s + margin_s if profile == "adf" else overall_s + self._settings.callbacks.lifetime_s
        return now + overall_s, now + last_s

    def _tell(self, acceptance: Acceptance) -> None:
        job = acceptance.job
        if not acceptance.created:
            log.info("job_repeated", job=job.id)
            return
        self._engine.metrics.accepted.inc()
        facts = {"run": job.watched, "caller": job.caller, "rule": job.rule, "host": job.host, "profile": job.profile}
        log.info("job_accepted", job=job.id, batch=job.batch_id, environment=job.environment, **facts)


def request_key(job: StoredJob, request: JobRequest, sent: str | None) -> IdempotencyKey:
    """What makes a request the same as another one; what only some requests say leaves the keys of others alone."""
    special: dict[str, object] = {}
    if job.environment != DEFAULT_ENVIRONMENT:
        special["environment"] = job.environment
    if job.watched is not WatchedRun.OURS:
        special["watched"] = job.watched
    if request.follow_up:
        special["follow_up"] = True
    return derive_key(job.batch_id, request.url, sent, special, request.profile, request.timeout_s)


def _refusal(refusal: Refusal, rule: CallerRule) -> HttpProblem:
    status, detail = _REFUSALS[refusal.reason]
    headers = {"retry-after": "30"} if status == 429 else None
    return HttpProblem(status, refusal.reason, detail, headers, rule=rule.name)


def _refused(error: UrlRefused) -> HttpProblem:
    return HttpProblem(422, "callback-refused", f"Refused: {error}.")
