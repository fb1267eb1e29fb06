"""``$filter`` accepts what F&O accepts, and refuses the rest with a 400 that names it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.emulators.d365.errors import ODataError
from gateway.emulators.d365.filters import parse_filter

ROW: dict[str, Any] = {
    "BatchJobRecId": 7,
    "Status": "Executing",
    "JobDescription": "Nightly 'big' export",
    "StartDateTime": "2026-03-01T01:00:00Z",
    "StartTime": 3600,
}
STATUS = "Microsoft.Dynamics.DataEntities.BatchStatus"


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("BatchJobRecId eq 7", True),
        ("BatchJobRecId ne 7", False),
        ("BatchJobRecId eq 6 or BatchJobRecId eq 7", True),
        ("BatchJobRecId eq 7 and StartTime gt 3600", False),
        ("BatchJobRecId eq 6 or BatchJobRecId eq 7 and StartTime lt 0", False),
        ("(BatchJobRecId eq 6 or BatchJobRecId eq 7) and StartTime ge 3600", True),
        ("not BatchJobRecId eq 6", True),
        ("not (BatchJobRecId eq 7)", False),
        (f"Status eq {STATUS}'Executing'", True),
        (f"Status ne {STATUS}'Executing'", False),
        ("JobDescription eq 'Nightly ''big'' export'", True),
        ("JobDescription eq '*EXPORT'", True),
        ("JobDescription ne '*export*'", False),
        ("StartDateTime le 2026-03-01T01:00:00Z", True),
        ("StartDateTime lt 2026-03-01T01:00:00Z", False),
        ("BatchJobRecId eq '7'", False),
    ],
)
def test_filter(text: str, passes: bool) -> None:
    """Comparisons, precedence, enums, strings with wildcards and dates work as OData says."""
    assert parse_filter(text).test(ROW) is passes


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("BatchJobRecId eq 7", {7}),
        ("BatchJobRecId eq 6 or BatchJobRecId eq 7", {6, 7}),
        ("(BatchJobRecId eq 6 or BatchJobRecId eq 7) and StartTime eq 1", {6, 7}),
        ("StartTime eq 1 and StartTime eq 2", None),
        ("BatchJobRecId eq 6 or StartTime eq 1", None),
        ("not BatchJobRecId eq 6", None),
        ("BatchJobRecId gt 6", None),
    ],
)
def test_ids(text: str, ids: set[int] | None) -> None:
    """A filter that can only pass certain ids knows them, so that ten thousand jobs need not be looked at."""
    assert parse_filter(text).ids == ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BatchJobId eq 7", "No property 'BatchJobId'"),
        ("batchjobrecid eq 7", "No property 'batchjobrecid'"),
        ("BatchJobRecId is 7", "Unknown operator 'is'"),
        ("BatchJobRecId eq", "ends too early"),
        ("BatchJobRecId eq seven", "'seven' is not a literal"),
        ("BatchJobRecId eq 7 BatchJobRecId", "near 'BatchJobRecId'"),
        ("(BatchJobRecId eq 7", r"'\)' is missing"),
        ("BatchJobRecId eq 7 %", "position 18"),
        ("Status eq 'Executing'", "compares only with literals of"),
        ("Status eq Other'Executing'", "compares only with literals of"),
        (f"Status gt {STATUS}'Hold'", "only by eq and ne"),
        ("", "ends too early"),
    ],
)
def test_refused(text: str, message: str) -> None:
    """What F&O does not understand is a 400 with the reason."""
    with pytest.raises(ODataError, match=message) as refused:
        parse_filter(text)
    assert refused.value.status == 400


def test_many_ids() -> None:
    """A filter of two thousand ids neither recurses too deep nor takes long."""
    found = parse_filter(" or ".join(f"BatchJobRecId eq {number}" for number in range(2000)))
    assert found.test(ROW)
    assert len(found.ids or ()) == 2000
