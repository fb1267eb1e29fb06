"""
What a request body may contain, and what an answer contains.

Clients name the two fields differently: ADF adds ``callBackUri`` automatically, people write ``callbackUrl``, F&O calls
the job ``BatchJobRecId``. All are accepted in any case; two that disagree are refused.

Source: ADF "Webhook activity"; Durable Functions "HTTP API" (``runtimeStatus``, ``statusQueryGetUri``).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from gateway.notifications.api.problems import HttpProblem
from gateway.notifications.callbacks.profiles import PROFILES, batch_job, timestamp
from gateway.notifications.store.model import StoredJob
from gateway.notifications.workflow.outcomes import READINGS
from gateway.notifications.workflow.transitions import State
from gateway.notifications.workflow.watched_run import WatchedRun

_BATCH_NAMES = frozenset({"batchid", "batchjobid", "batchjobrecid"})
_URL_NAMES = frozenset({"callbackurl", "callbackuri"})
# Exactly what ADF's Webhook activity adds, in exactly its case.
_ADF_NAME = "callBackUri"
_DIGITS = re.compile("[0-9]{1,9}", re.ASCII)
_MAX_BATCH_ID = 2**63 - 1
_MAX_TIMEOUT_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class JobRequest:
    """
    A checked request body.

    Attributes:
        timeout_s: How long the caller itself waits; None when it sent none.
        trace: The request's own trace, to be stored with the job; None while telemetry is off.
    """

    batch_id: int
    url: str
    from_adf: bool
    profile: str | None
    timeout_s: float | None
    environment: str | None = None
    watched: WatchedRun = WatchedRun.OURS
    follow_up: bool = False
    trace: str | None = None


def parse_request(body: bytes) -> JobRequest:
    """
    Read a request body.

    Raises:
        HttpProblem: 400 with the sentence that helps.
    """
    members = _members(body)
    _refuse_misspelt(members)
    return JobRequest(
        batch_id=_batch_id(_one("batchId", _values(members, _BATCH_NAMES))),
        url=_url(_one("callbackUrl", _values(members, _URL_NAMES))),
        from_adf=any(name == _ADF_NAME for name, _ in members),
        profile=_profile(_one("profile", _values(members, {"profile"}), None)),
        timeout_s=_timeout(_one("timeoutSeconds", _values(members, {"timeoutseconds"}), None)),
        environment=_environment(_one("environment", _values(members, {"environment"}), None)),
        watched=_watched(*(_one(name, _values(members, {name}), None) for name in ("start", "run"))),
        follow_up=bool(_truth("followUp", _one("followUp", _values(members, {"followup"}), None))),
    )


def view(job: StoredJob, prefix: str) -> dict[str, object]:
    """A job as its caller sees it. The callback URL is a bearer secret, so only its host is shown."""
    link = f"{prefix}/jobs/{job.id}"
    shown: dict[str, object] = {
        "id": job.id,
        "batchId": job.batch_id,
        "environment": job.environment,
        "start": job.watched is WatchedRun.OURS,
        "run": "next" if job.watched is WatchedRun.NEXT else None,
        "status": job.state.value,
        "runtimeStatus": runtime_status(job),
        "outcome": None if job.outcome is None else job.outcome.value,
        "message": job.message,
        "error": error_of(job),
        "batchStatus": job.batch_status,
        "scheduledFor": moment(job.scheduled_for),
        "createdTime": moment(job.created_at),
        "lastUpdatedTime": moment(job.updated_at),
        "startedTime": moment(job.started_at) if job.watched is WatchedRun.OURS else None,
        "endedTime": moment(job.ended_at),
        "deadline": moment(job.deadline_at),
        "batchJob": batch_job(job.run_facts, job.link),
        "followsJobId": job.follows,
        "followUpUri": f"{prefix}/jobs/{job.follow_up_id}" if job.outcome and job.follow_until else None,
        "callback": _callback(job),
        "statusQueryGetUri": link,
        "replayPostUri": f"{link}/replay",
    }
    return shown


def runtime_status(job: StoredJob) -> str:
    """The status value that Durable Functions clients look for."""
    if job.outcome is not None:
        return READINGS[job.outcome].runtime_status
    if job.state is State.STOPPED:
        return "Terminated"
    return "Pending" if job.state in (State.ACCEPTED, State.STARTING) else "Running"


def error_of(job: StoredJob) -> dict[str, str] | None:
    """Code and message of an outcome that is not success."""
    code = None if job.outcome is None else READINGS[job.outcome].error_code
    return None if code is None else {"code": code, "message": job.message or ""}


def moment(value: float | None) -> str | None:
    """ISO 8601, or null."""
    return None if value is None else timestamp(value)


def _callback(job: StoredJob) -> dict[str, object]:
    return {
        "host": job.host,
        "profile": job.profile,
        "attempts": job.attempts,
        "nextAttempt": moment(job.next_attempt_at) if job.active else None,
        "deadline": moment(job.callback_deadline_at),
    }


Members = list[tuple[str, Any]]


def _members(body: bytes) -> Members:
    """The members of the object, duplicates included, so that two that disagree are seen."""
    try:
        parsed = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise HttpProblem(400, "body-invalid", "The body is not valid JSON.") from error
    if not isinstance(parsed, _Pairs):
        raise HttpProblem(400, "body-invalid", "The body must be a JSON object.")
    return list(parsed)


class _Pairs(list[tuple[str, Any]]):
    """An object as its members in order."""


_NAMES = (
    "batchId", "batchJobId", "batchJobRecId", "callbackUrl", "callbackUri", "profile", "timeoutSeconds", "environment",
    "start", "run", "followUp",
)  # fmt: skip
_BY_LOWER = {name.lower(): name for name in _NAMES}


def _refuse_misspelt(members: Members) -> None:
    """A member that is nearly one of ours is a mistake, which would be noticed too late; others are ignored."""
    for name, _ in members:
        if name.lower() in _BY_LOWER:  # comparing costs as much as the rest of the reading
            continue
        if near := difflib.get_close_matches(name.lower(), _BY_LOWER, n=1, cutoff=0.8):
            raise HttpProblem(400, "body-invalid", f"Unknown member {name[:64]!r}; did you mean {_BY_LOWER[near[0]]}?")


# Data Factory's expressions make text of truth values.
_TRUTHS = {"true": True, "True": True, "false": False, "False": False}
_REQUIRED: Any = object()


def _values(members: Members, names: Container[str]) -> list[Any]:
    """The values of all members with one of *names*, which are in lower case."""
    return [value for name, value in members if name.lower() in names]


def _one(name: str, values: list[Any], default: Any = _REQUIRED) -> Any:
    if not values and default is _REQUIRED:
        raise HttpProblem(400, "body-invalid", f"{name} is missing.")
    if not values:
        return default
    if any(str(value) != str(values[0]) for value in values):
        raise HttpProblem(400, "body-invalid", f"{name} is given more than once, with different values.")
    return values[0]


def _batch_id(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MAX_BATCH_ID:
        raise HttpProblem(400, "body-invalid", "batchId must be a positive 64-bit integer, the BatchJobRecId.")
    return value


def _url(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise HttpProblem(400, "body-invalid", "callbackUrl must be a URL.")
    return value


def _profile(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value in PROFILES):
        return value
    raise HttpProblem(400, "body-invalid", f"profile must be one of {', '.join(PROFILES)}.")


def _environment(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise HttpProblem(400, "body-invalid", "environment must be the name of an F&O environment.")


def _watched(start: Any, run: Any) -> WatchedRun:
    starts = _truth("start", start)
    if run is None:
        return WatchedRun.CURRENT if starts is False else WatchedRun.OURS
    if run != "next":
        raise HttpProblem(400, "body-invalid", "run must be next, or left out.")
    if starts:
        text = "start and run contradict each other: the next run is watched, and nothing is started."
        raise HttpProblem(400, "body-invalid", text)
    return WatchedRun.NEXT


def _truth(name: str, value: Any) -> bool | None:
    value = _TRUTHS.get(value, value) if isinstance(value, str) else value
    if value is None or isinstance(value, bool):
        return value
    raise HttpProblem(400, "body-invalid", f"{name} must be true or false.")


def _timeout(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= _MAX_TIMEOUT_S:
        return float(value)
    raise HttpProblem(400, "body-invalid", f"timeoutSeconds must be a number from 1 to {_MAX_TIMEOUT_S}.")
