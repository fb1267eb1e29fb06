"""
How a batch job looks on the wire.

Source: Microsoft Learn, "Batch OData API"; unset date-times are the platform's null date, not JSON null.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from gateway.emulators.d365.jobs import Job, Snapshot

NULL_DATE = "1900-01-01T00:00:00Z"
FIELDS = (
    "BatchJobRecId",
    "Status",
    "JobDescription",
    "StartDateTime",
    "OrigStartDateTime",
    "EndDateTime",
    "StartDate",
    "StartTime",
    "ExecutingBy",
    "CompanyAccounts",
    "CanceledBy",
    "RuntimeJob",
    "Finishing",
    "SaveJobToHistory",
    "Recurrence",
    "PartitionKey",
)


def row(job: Job, snapshot: Snapshot, precise: bool = False) -> dict[str, Any]:
    """
    All fields of a job that exists, without annotations.

    Args:
        precise: Write milliseconds. Unlike real runs, two accelerated runs may fall into the same second.
    """
    started = date_time(snapshot.started, precise)
    times = {"StartDateTime": started, "OrigStartDateTime": date_time(snapshot.scheduled, precise)}
    fields = {"BatchJobRecId": job.id, "Status": snapshot.status, "JobDescription": job.description, **times}
    fields |= {
        "EndDateTime": date_time(snapshot.ended, precise),
        "StartDate": f"{started[:10]}T12:00:00Z",
        "StartTime": 0,
    }
    fields |= {"ExecutingBy": "Admin", "CompanyAccounts": job.company, "PartitionKey": "initial", "Recurrence": ""}
    canceled_by = "Admin" if snapshot.status in ("Cancelling", "Canceled") else ""
    fields |= {"CanceledBy": canceled_by, "RuntimeJob": "No", "Finishing": 0, "SaveJobToHistory": "Always"}
    return {name: fields[name] for name in FIELDS}


def selected(fields: dict[str, Any], names: tuple[str, ...], ieee754: bool) -> dict[str, Any]:
    """
    A row as it is sent: its etag, and the requested fields (by default all).

    Args:
        ieee754: The client asked for ``IEEE754Compatible=true``: 64-bit numbers come as strings.
    """
    etag = hashlib.sha256(repr(fields).encode()).hexdigest()[:24]
    chosen = {name: fields[name] for name in names or FIELDS}
    if ieee754 and "BatchJobRecId" in chosen:
        chosen["BatchJobRecId"] = str(chosen["BatchJobRecId"])
    return {"@odata.etag": f'W/"{etag}"', **chosen}


def date_time(seconds: float, precise: bool = False) -> str:
    """Seconds since the epoch as F&O writes them, to the second or *precise* to the millisecond; 0 is its null date."""
    if not seconds:
        return NULL_DATE
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds" if precise else "seconds")
    return text.replace("+00:00", "Z")
