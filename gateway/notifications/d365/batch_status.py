"""
The ``BatchJobs`` row of F&O: what its fields mean, whatever form they arrive in.

Source: Microsoft.Dynamics.Ax.Xpp "BatchStatus"; F&O "Batch OData API".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum


class Phase(Enum):
    """What a status means for a watch."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"
    WITHHELD = "withheld"
    UNKNOWN = "unknown"


# Order is the enum's own numbering: an environment may answer with the integer.
STATUSES: dict[str, Phase] = {
    "Hold": Phase.WITHHELD,
    "Waiting": Phase.PENDING,
    "Executing": Phase.RUNNING,
    "Error": Phase.ENDED,
    "Finished": Phase.ENDED,
    "Ready": Phase.PENDING,
    "NotRun": Phase.ENDED,
    "Cancelling": Phase.RUNNING,
    "Canceled": Phase.ENDED,
    "Scheduled": Phase.PENDING,
}

_MAX_DESCRIPTION = 500
_MAX_STATUS = 64

# Microsoft spells Cancelling with two l and Canceled with one; people and older versions do as they like.
_ALIASES = {name.lower(): name for name in STATUSES} | {
    "canceling": "Cancelling",
    "cancelled": "Canceled",
    "didntrun": "NotRun",
    "didn'trun": "NotRun",
    "withhold": "Hold",
    "ended": "Finished",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One batch job as F&O shows it; times in epoch seconds, None where F&O has none."""

    batch_id: int
    status: str
    start: float | None = None
    end: float | None = None
    scheduled: float | None = None
    description: str | None = None

    @property
    def phase(self) -> Phase:
        """The meaning of the status; an undocumented status is UNKNOWN, never an end."""
        return STATUSES.get(self.status, Phase.UNKNOWN)

    def dump(self) -> dict[str, object]:
        """Plain form for the store, with what a later row is compared with."""
        return {
            "batch_id": self.batch_id,
            "status": self.status,
            "start": self.start,
            "end": self.end,
            "scheduled": self.scheduled,
        }

    def facts(self) -> dict[str, object]:
        """What the row shows of its run: a job that waits still has the times of its last run."""
        began, ended = self.phase in (Phase.RUNNING, Phase.ENDED), self.phase is Phase.ENDED
        return {
            "description": self.description,
            "scheduled": self.scheduled,
            "start": self.start if began else None,
            "end": self.end if ended else None,
        }


def parse_status(value: object) -> str:
    """The documented name for any spelling or number of a status; unknown ones come back as text that can be stored."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(STATUSES):
        return tuple(STATUSES)[value]
    text = "".join(mark for mark in str(value)[:_MAX_STATUS] if mark.isprintable()).strip()
    return _ALIASES.get(text.replace(" ", "").lower(), text)


def parse_time(value: object) -> float | None:
    """Epoch seconds of an OData date-time; the platform's null date (1900) and anything unreadable are None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.year <= 1900:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def parse_description(value: object) -> str | None:
    """The job's caption, bounded; None where there is none."""
    return value[:_MAX_DESCRIPTION] if isinstance(value, str) and value else None


def parse_row(fields: Mapping[str, object]) -> Row:
    """
    A Row from one element of the answer's ``value``; numbers may come as strings (``IEEE754Compatible``).

    Raises:
        ValueError, KeyError: When the key field is missing or not a number.
    """
    return Row(
        batch_id=int(str(fields["BatchJobRecId"])),
        status=parse_status(fields.get("Status")),
        start=parse_time(fields.get("StartDateTime")),
        end=parse_time(fields.get("EndDateTime")),
        scheduled=parse_time(fields.get("OrigStartDateTime")),
        description=parse_description(fields.get("JobDescription")),
    )
