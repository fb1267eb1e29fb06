"""Jobs as people read them on a terminal: aligned columns, nothing cut off, so that ids can be copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Row = Mapping[str, object]

# Heading → member; a dot leads into a nested object.
JOBS = {
    "JOB": "id",
    "BATCH JOB": "batchId",
    "STATUS": "status",
    "OUTCOME": "outcome",
    "BATCH STATUS": "batchStatus",
    "CREATED": "createdTime",
    "CALLER": "caller",
}
DEAD_LETTERS = {
    "JOB": "id",
    "BATCH JOB": "batchId",
    "OUTCOME": "outcome",
    "CALLBACK HOST": "callback.host",
    "ATTEMPTS": "callback.attempts",
    "GIVEN UP": "lastUpdatedTime",
    "CALLER": "caller",
}
ATTEMPTS = {
    "SERIES": "series",
    "ATTEMPT": "number",
    "AT": "at",
    "SECONDS": "durationSeconds",
    "STATUS": "status",
    "ERROR": "error",
    "DECISION": "decision",
    "NEXT": "nextAttempt",
}
_DETAILS = {
    "Job": "id",
    "Batch job": "batchId",
    "Environment": "environment",
    "Status": "status",
    "Outcome": "outcome",
    "Message": "message",
    "Batch status": "batchStatus",
    "Scheduled for": "scheduledFor",
    "Caller": "caller",
    "Rule": "rule",
    "Created": "createdTime",
    "Started": "startedTime",
    "Ended": "endedTime",
    "Deadline": "deadline",
    "Callback host": "callback.host",
    "Profile": "callback.profile",
    "Retried until": "callback.deadline",
}


def table(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    """A heading and one line per row, columns aligned; absent values are ``-``."""
    lines = [list(columns), *([_text(row, member) for member in columns.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def details(job: Row, attempts: Sequence[Row]) -> str:
    """One job, one line per fact that is known, and its callback attempts."""
    facts = {name: _text(job, member) for name, member in _DETAILS.items()}
    lines = [f"{name + ':':15}{text}" for name, text in facts.items() if text != "-"]
    return "\n".join([*lines, "", table(attempts, ATTEMPTS) if attempts else "No callback attempts yet."])


def _text(row: Row, member: str) -> str:
    value: object = row
    for name in member.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
