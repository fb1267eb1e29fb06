"""
``BatchJobHistories``: one row for each run that has ended, newest first.

Of OData only what a reader of one job's runs needs: ``$filter=BatchJobId eq N``, ``$top`` and ``$select``.

Source: Microsoft Learn, "Batch OData API". That ``BatchJobId`` is the job's ``BatchJobRecId`` is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.emulators.d365.errors import ODataError
from gateway.emulators.d365.jobs import Job, Snapshot
from gateway.emulators.d365.rows import date_time

FIELDS = (
    "BatchJobId", "Status", "JobDescription", "StartDateTime", "OrigStartDateTime", "EndDateTime", "Company",
    "BatchCreatedBy", "CanceledBy", "AlertsProcessed",
)  # fmt: skip
_FILTER = re.compile(r"\s*BatchJobId eq (\d{1,19})\s*", re.ASCII)


def requested_histories(given: Mapping[str, str]) -> tuple[int, int, tuple[str, ...]]:
    """
    Which job's runs, how many, and which of their fields.

    Raises:
        ODataError: 400 for anything else.
    """
    match = _FILTER.fullmatch(given.get("$filter", ""))
    top, names = given.get("$top", "10000"), tuple(filter(None, given.get("$select", "").split(",")))
    if match is None or not re.fullmatch(r"\d{1,9}", top, re.ASCII):
        raise ODataError(400, "The emulator reads BatchJobHistories only by '$filter=BatchJobId eq N', with a number.")
    for name in names:
        if name not in FIELDS:
            raise ODataError(400, f"No property '{name}' on type 'Microsoft.Dynamics.DataEntities.BatchJobHistory'.")
    return int(match[1]), int(top), names or FIELDS


def history(job: Job, run: Snapshot, names: tuple[str, ...], precise: bool = False) -> dict[str, Any]:
    """One run as it is sent; *precise* as in ``rows.row``."""
    fields = {
        "BatchJobId": job.id,
        "Status": run.status,
        "JobDescription": job.description,
        "StartDateTime": date_time(run.started, precise),
        "OrigStartDateTime": date_time(run.scheduled, precise),
        "EndDateTime": date_time(run.ended, precise),
        "Company": job.company,
        "BatchCreatedBy": "Admin",
        "CanceledBy": "Admin" if run.status == "Canceled" else "",
        "AlertsProcessed": "No",
    }
    return {name: fields[name] for name in names}
