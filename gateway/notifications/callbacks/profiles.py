"""
The body of a callback in the form that its receiver understands: one function per profile.

Source: ADF "Webhook activity"; Standard Webhooks 1.0.0; CloudEvents 1.0, JSON format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.notifications.workflow.outcomes import READINGS, Outcome, Reading


@dataclass(frozen=True, slots=True)
class RunReport:
    """One finished watch; times in epoch seconds, *facts* as in ``Row.facts``."""

    job_id: str
    batch_id: int
    outcome: Outcome
    message: str
    batch_status: str | None
    accepted_at: float
    ended_at: float
    scheduled_for: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None
    follows: str | None = None

    @property
    def reading(self) -> Reading:
        """The outcome's codes."""
        return READINGS[self.outcome]

    def data(self) -> dict[str, object]:
        """The facts, the same in every profile."""
        facts: dict[str, object] = {
            "jobId": self.job_id,
            "batchId": self.batch_id,
            "outcome": self.outcome.value,
            "message": self.message,
            "batchStatus": self.batch_status,
            "acceptedAt": timestamp(self.accepted_at),
            "endedAt": timestamp(self.ended_at),
            "batchJob": batch_job(self.facts, self.link),
        }
        if self.follows is not None:
            facts |= {"followUp": True, "followsJobId": self.follows}
        if self.scheduled_for is not None:
            facts["scheduledFor"] = timestamp(self.scheduled_for)
        return facts

    def error(self, code: str, message: str) -> dict[str, str] | None:
        """The error object with the given member names, or None on success."""
        error_code = self.reading.error_code
        return None if error_code is None else {code: error_code, message: self.message}


def batch_job(facts: Mapping[str, Any], link: str | None) -> dict[str, object]:
    """The batch job in F&O's own words: its description, its own times of the run (ISO 8601, or null), its address."""
    times = {
        name: None if (moment := facts.get(known)) is None else timestamp(moment)
        for name, known in (("scheduledAt", "scheduled"), ("startedAt", "start"), ("endedAt", "end"))
    }
    return {"description": facts.get("description"), **times, "link": link}


def timestamp(moment: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def adf(report: RunReport, source: str) -> dict[str, object]:
    """ADF's shape: PascalCase, ``StatusCode`` a string, ``Error`` only on failure."""
    error = report.error("ErrorCode", "Message")
    body: dict[str, object] = {"Output": report.data(), "StatusCode": str(report.reading.status_code)}
    return body if error is None else {**body, "Error": error}


def standard(report: RunReport, source: str) -> dict[str, object]:
    """The Standard Webhooks envelope."""
    error = report.error("code", "message")
    data = report.data() if error is None else {**report.data(), "error": error}
    return {"type": f"batch_job.{report.outcome}", "timestamp": timestamp(report.ended_at), "data": data}


def cloudevents(report: RunReport, source: str) -> dict[str, object]:
    """A CloudEvent in structured mode."""
    return {
        "specversion": "1.0",
        "id": report.job_id,
        "source": source,
        "type": f"batch_job.{report.outcome}",
        "subject": str(report.batch_id),
        "time": timestamp(report.ended_at),
        "datacontenttype": "application/json",
        "data": standard(report, source)["data"],
    }


def plain(report: RunReport, source: str) -> dict[str, object]:
    """Flat JSON for people and Logic Apps."""
    status = "succeeded" if report.outcome is Outcome.SUCCEEDED else "failed"
    return {**report.data(), "status": status, "error": report.error("code", "message")}


PROFILES: dict[str, tuple[str, Callable[[RunReport, str], dict[str, object]]]] = {
    "adf": ("application/json", adf),
    "standard": ("application/json", standard),
    "cloudevents": ("application/cloudevents+json", cloudevents),
    "plain": ("application/json", plain),
}


def render(profile: str, report: RunReport, source: str) -> tuple[str, bytes]:
    """Content type and body of a callback; the bytes are the same on every attempt."""
    content_type, shape = PROFILES[profile]
    return content_type, json.dumps(shape(report, source), separators=(",", ":")).encode()
