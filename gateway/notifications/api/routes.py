"""
The HTTP API: accept, show, list, stop, replay.

A status question is answered 202 while the batch job's outcome is open and 200 once it is known, however it ended and
whether or not the callback has arrived: that is what ADF's Web activity, Logic Apps and Durable Functions wait for.

Source: Azure "Asynchronous Request-Reply pattern"; RFC 9110 §15.3.3; draft-ietf-httpapi-idempotency-key-header-07.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

import sqlalchemy as sa
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.notifications.api.callers import identify, rule_for
from gateway.notifications.api.intake import Intake
from gateway.notifications.api.openapi import document
from gateway.notifications.api.problems import HttpProblem
from gateway.notifications.api.schema import moment, parse_request, view
from gateway.notifications.callbacks.profiles import timestamp
from gateway.notifications.engine import Engine
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.store import attempts, jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.workflow.transitions import State
from gateway.notifications.workflow.watched_run import WatchedRun
from gateway.telemetry.calls import request_trace

T = TypeVar("T")

# Of a request's scope: when its time for the store ends, by the monotonic clock.
_UNTIL = "gateway.store_until"

# A structured-field string, or the bare token that most clients send.
_KEY = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})', re.ASCII)
_NOT_STARTED = "The batch job has not been started and will not be."
_TOO_LATE = (
    "Watching has stopped. It was too late to stop the start, which had been sent or was about to be: the batch job "
    "may run, and F&O offers no action to cancel it."
)
_WATCH_ONLY = "Watching has stopped. This request has started nothing."
_WATCHED = "Watching has stopped. The batch job itself continues: F&O offers no action to cancel it."


class JobEndpoints:
    """The endpoints."""

    def __init__(self, settings: NotificationSettings, engine: Engine, intake: Intake) -> None:
        self._settings = settings
        self._engine = engine
        self._intake = intake

    def routes(self) -> list[Route]:
        """What is served."""
        return [
            Route("/jobs", self.create, methods=["POST"]),
            Route("/jobs", self.list, methods=["GET"]),
            Route("/jobs", self.stop_by_key, methods=["DELETE"]),
            Route("/jobs/{id}", self.show, methods=["GET"]),
            Route("/jobs/{id}", self.stop, methods=["DELETE"]),
            Route("/jobs/{id}/replay", self.replay, methods=["POST"]),
            Route("/openapi.json", self.describe, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """Accept a job."""
        caller = identify(request.scope, self._settings.hop)
        rule = rule_for(caller, self._settings)
        key = parse_key(request)
        asked = parse_request(await self._body(request))
        trace = request_trace(request.headers)
        acceptance = await self._intake.accept(caller, rule, replace(asked, trace=trace), key, self._left(request))
        return self._pending(request, acceptance.job)

    async def show(self, request: Request) -> Response:
        """One job: 202 while its outcome is open, 200 after."""
        job = await self._own(request)
        if job.is_pending:
            return self._pending(request, job)
        log = await self._read(request, lambda connection: attempts.listed(connection, job.id))
        shown = view(job, self._prefix(request)) | {"attempts": [attempt_view(entry) for entry in log]}
        return JSONResponse(shown, headers={"cache-control": "no-store"})

    async def list(self, request: Request) -> Response:
        """The caller's jobs, newest first."""
        caller = identify(request.scope, self._settings.hop)
        rule_for(caller, self._settings)
        state, before, limit = parse_query(request)
        found_jobs = await self._read(request, lambda connection: jobs.search(connection, caller, state, before, limit))
        shown = [view(job, self._prefix(request)) for job in found_jobs]
        page: dict[str, object] = {"jobs": shown}
        if len(found_jobs) == limit:
            page["next"] = self._next_page(request, found_jobs[-1])
        return JSONResponse(page, headers={"cache-control": "no-store"})

    def _next_page(self, request: Request, last: StoredJob) -> str:
        query = {**request.query_params, "before": repr(last.created_at)}
        return f"{self._prefix(request)}/jobs?{urlencode(query)}"

    async def stop(self, request: Request) -> Response:
        """Stop watching; the same answer when asked again."""
        return await self._stop(request, await self._own(request))

    async def stop_by_key(self, request: Request) -> Response:
        """Stop the job of a request that was sent with this Idempotency-Key, for callers that do not know its id."""
        caller = identify(request.scope, self._settings.hop)
        rule_for(caller, self._settings)
        key = parse_key(request)
        if key is None:
            raise HttpProblem(400, "key-invalid", "Name the job by its Idempotency-Key, or delete /jobs/{id}.")
        job = await self._read(request, lambda connection: jobs.find_by_key(connection, caller, key))
        if job is None:
            raise HttpProblem(404, "job-unknown", "No such job.")
        return await self._stop(request, job)

    async def _stop(self, request: Request, stored: StoredJob) -> Response:
        job = await self._intake.stop(stored, self._left(request))
        shown = view(job, self._prefix(request))
        return JSONResponse(shown | ({"note": stop_note(job)} if job.state is State.STOPPED else {}))

    async def replay(self, request: Request) -> Response:
        """Send the callback again."""
        rule = rule_for(identify(request.scope, self._settings.hop), self._settings)
        stored = await self._own(request)
        job = await self._intake.replay(stored, rule, self._left(request))
        return JSONResponse(view(job, self._prefix(request)), 202, headers=self._location(request, job))

    async def describe(self, request: Request) -> Response:
        """The OpenAPI document; the one answer that needs no caller."""
        return JSONResponse(document(self._prefix(request)))

    async def _own(self, request: Request) -> StoredJob:
        """The job in the path, if it is the caller's; others' jobs do not exist for them."""
        caller = identify(request.scope, self._settings.hop)
        rule_for(caller, self._settings)
        job_id = request.path_params["id"]
        job = await self._read(request, lambda connection: jobs.find(connection, job_id))
        if job is None or job.caller != caller:
            raise HttpProblem(404, "job-unknown", "No such job.")
        return job

    async def _read(self, request: Request, work: Callable[[sa.Connection], T]) -> T:
        return await self._engine.store.read_by(work, self._left(request))

    def _left(self, request: Request) -> float:
        """Seconds left for the store: what a request asks of it in several steps has one deadline."""
        now = time.monotonic()
        until: float = request.scope.setdefault(_UNTIL, now + self._settings.intake_deadline_s)
        return max(0.0, until - now)

    async def _body(self, request: Request) -> bytes:
        media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise HttpProblem(415, "media-type", "Send Content-Type: application/json.")
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            detail = "Send the body without a Content-Encoding."
            raise HttpProblem(415, "media-type", detail, {"accept-encoding": "identity"})
        try:
            return await _bounded_body(request, self._settings.max_body_bytes)
        except ClientDisconnect as error:
            raise HttpProblem(400, "body-invalid", "The body broke off.") from error

    def _pending(self, request: Request, job: StoredJob) -> Response:
        retry_after = str(max(1, round(self._settings.polling.interval_s)))
        headers = {"retry-after": retry_after, "cache-control": "no-store", **self._location(request, job)}
        return JSONResponse(view(job, self._prefix(request)), 202, headers=headers)

    def _location(self, request: Request, job: StoredJob) -> dict[str, str]:
        if not self._settings.send_location:
            return {}
        return {"location": f"{self._prefix(request)}/jobs/{job.id}"}

    def _prefix(self, request: Request) -> str:
        """Where callers find us: never made from the request's Host, which is theirs to choose."""
        configured = self._settings.public_url
        return configured.rstrip("/") if configured else str(request.scope.get("root_path", "")).rstrip("/")


async def _bounded_body(request: Request, limit: int) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise HttpProblem(413, "body-too-large", f"At most {limit} bytes.")
    return body


def stop_note(job: StoredJob) -> str:
    """What a stop could still prevent: everything before the start was marked, nothing after."""
    if job.watched is not WatchedRun.OURS:
        return _WATCH_ONLY
    if job.starting_at is not None and job.started_at is None:
        return _TOO_LATE
    return _NOT_STARTED if job.started_at is None else _WATCHED


def attempt_view(entry: dict[str, object]) -> dict[str, object]:
    """One callback attempt as its caller sees it."""
    return {
        "series": entry["series"],
        "number": entry["number"],
        "at": timestamp(float(str(entry["at"]))),
        "durationSeconds": entry["duration_s"],
        "status": entry["status"],
        "error": entry["error"],
        "decision": entry["decision"],
        "nextAttempt": moment(entry["next_at"]),  # type: ignore[arg-type]
    }


def parse_key(request: Request) -> str | None:
    """
    The Idempotency-Key, without quotes.

    Raises:
        HttpProblem: 400 for an empty, overlong, repeated or oddly formed one.
    """
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    match = _KEY.fullmatch(values[0].strip())
    if match is None or len(values) > 1:
        raise HttpProblem(
            400, "key-invalid", "Idempotency-Key must be one string of 1 to 255 visible ASCII characters."
        )
    return match.group(1) or match.group(2)


def parse_query(request: Request) -> tuple[str | None, float | None, int]:
    """
    Filters of a list: state, creation time before (epoch seconds), limit.

    Raises:
        HttpProblem: 400.
    """
    query = request.query_params
    state = query.get("status")
    if state is not None and state not in list(State):
        raise HttpProblem(400, "query-invalid", f"status must be one of {', '.join(State)}.")
    try:
        before = _moment(query["before"]) if "before" in query else None
        limit = int(query.get("limit", "100"))
    except ValueError as error:
        raise HttpProblem(400, "query-invalid", "before must be an ISO time or a number, limit a number.") from error
    if not 1 <= limit <= 1000:
        raise HttpProblem(400, "query-invalid", "limit must be from 1 to 1000.")
    return state, before, limit


def _moment(text: str) -> float:
    """Epoch seconds of a number or of an ISO time, the form in which answers show times. Raises ValueError."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
