"""Parts of the documentation that come from the tables: the list of outcomes."""

from __future__ import annotations

from gateway.notifications.workflow.outcomes import READINGS, Outcome

CAUSES: dict[Outcome, str] = {
    Outcome.SUCCEEDED: "`Finished`",
    Outcome.FAILED: "`Error`",
    Outcome.CANCELLED: "`Canceled`",
    Outcome.NOT_RUN: "`NotRun`",
    Outcome.HELD: "`Hold` for longer than the grace period",
    Outcome.SCHEDULED_NOT_RUN: "`Waiting` for a scheduled start in the future",
    Outcome.ALREADY_RUNNING: "queued or running already, and `on-running: reject`",
    Outcome.START_FAILED: "F&O refused to start the job",
    Outcome.START_TIMEOUT: "not executing at the end of the start budget",
    Outcome.RUN_TIMEOUT: "still executing at the end of the run budget",
    Outcome.DEADLINE: "not ended at the end of the overall budget",
    Outcome.NOT_FOUND: "no such job, or deleted while it was watched",
    Outcome.UPSTREAM_AUTH: "Entra or F&O refused the service's credentials; the message names what to check",
    Outcome.UNKNOWN: "F&O could not be reached before the deadline, or the job was rescheduled and has no history",
}


def outcome_rows() -> str:
    """The table of outcomes, without its head."""
    rows = []
    for outcome, reading in READINGS.items():
        code = f"`{reading.error_code}`" if reading.error_code else ""
        rows.append(f"| `{outcome}` | {CAUSES[outcome]} | `{reading.status_code}` | {code} |")
    return "\n".join(rows)
