"""
How a watch can end, and the name of each outcome for each kind of caller.

An outcome is about the batch job; whether the callback about it arrived is a separate matter (see ``transitions``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.notifications.d365.batch_status import Row


class Outcome(StrEnum):
    """The verdict on one watched run of a batch job."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_RUN = "not_run"
    HELD = "held"
    SCHEDULED_NOT_RUN = "scheduled_not_run"
    ALREADY_RUNNING = "already_running"
    START_FAILED = "start_failed"
    START_TIMEOUT = "start_timeout"
    RUN_TIMEOUT = "run_timeout"
    DEADLINE = "deadline"
    NOT_FOUND = "not_found"
    UPSTREAM_AUTH = "upstream_auth"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """
    An outcome and the sentence for people.

    Attributes:
        scheduled_for: Epoch seconds, where a schedule is the cause.
        shown: The row that the verdict is about: F&O's own times of the run.
        is_open: Only a budget is over; the run may still end.
    """

    outcome: Outcome
    message: str
    scheduled_for: float | None = None
    shown: Row | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One outcome as ADF's ``StatusCode`` and ``ErrorCode``, and as Durable Functions' ``runtimeStatus``."""

    status_code: int
    error_code: str | None
    runtime_status: str


# Every ending but success is 400 or above, or ADF would show a failed batch as green.
READINGS: dict[Outcome, Reading] = {
    Outcome.SUCCEEDED: Reading(200, None, "Completed"),
    Outcome.FAILED: Reading(500, "BatchJobFailed", "Failed"),
    Outcome.CANCELLED: Reading(500, "BatchJobCanceled", "Canceled"),
    Outcome.NOT_RUN: Reading(500, "BatchJobNotRun", "Failed"),
    Outcome.HELD: Reading(409, "BatchJobWithheld", "Failed"),
    Outcome.SCHEDULED_NOT_RUN: Reading(409, "BatchJobScheduled", "Failed"),
    Outcome.ALREADY_RUNNING: Reading(409, "BatchJobAlreadyRunning", "Failed"),
    Outcome.START_FAILED: Reading(502, "BatchJobStartFailed", "Failed"),
    Outcome.START_TIMEOUT: Reading(504, "BatchJobStartTimeout", "Failed"),
    Outcome.RUN_TIMEOUT: Reading(504, "BatchJobRunTimeout", "Failed"),
    Outcome.DEADLINE: Reading(504, "BatchJobRunTimeout", "Failed"),
    Outcome.NOT_FOUND: Reading(404, "BatchJobNotFound", "Failed"),
    Outcome.UPSTREAM_AUTH: Reading(502, "UpstreamAuthentication", "Failed"),
    Outcome.UNKNOWN: Reading(502, "UpstreamUnavailable", "Failed"),
}
