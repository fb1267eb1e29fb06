"""Rows on the wire."""

from __future__ import annotations

import pytest

from gateway.emulators.d365.jobs import Job, Snapshot
from gateway.emulators.d365.rows import FIELDS, date_time, row, selected

ROW = row(Job(5637144576, "Nightly export"), Snapshot("Executing", 1_772_326_800.0, 1_772_326_812.5, 0.0))


def test_row() -> None:
    """A row has every field of the entity; unset times are the null date."""
    assert tuple(ROW) == FIELDS
    assert (ROW["OrigStartDateTime"], ROW["StartDateTime"]) == ("2026-03-01T01:00:00Z", "2026-03-01T01:00:12Z")
    assert (ROW["EndDateTime"], ROW["CanceledBy"]) == ("1900-01-01T00:00:00Z", "")


def test_canceled_by() -> None:
    """A cancelled job names who did it."""
    assert row(Job(1), Snapshot("Canceled"))["CanceledBy"] == "Admin"


def test_selected() -> None:
    """Only the fields asked for are sent, with an etag that changes with the row."""
    sent = selected(ROW, ("Status",), ieee754=False)
    assert list(sent) == ["@odata.etag", "Status"]
    assert sent["@odata.etag"] != selected({**ROW, "Status": "Error"}, ("Status",), ieee754=False)["@odata.etag"]
    assert set(selected(ROW, (), ieee754=False)) == {"@odata.etag", *FIELDS}


@pytest.mark.parametrize(
    ("names", "sent"), [((), "5637144576"), (("BatchJobRecId",), "5637144576"), (("Status",), None)], ids=str
)
def test_ieee754(names: tuple[str, ...], sent: str | None) -> None:
    """A client that asks for it gets 64-bit numbers as strings."""
    assert selected(ROW, names, ieee754=True).get("BatchJobRecId") == sent


@pytest.mark.parametrize(
    ("seconds", "precise", "text"),
    [
        (0, False, "1900-01-01T00:00:00Z"),
        (1_772_326_800.25, False, "2026-03-01T01:00:00Z"),
        (1_772_326_800.25, True, "2026-03-01T01:00:00.250Z"),
    ],
)
def test_date_time(seconds: float, precise: bool, text: str) -> None:
    """Times are UTC, to the second as F&O's, or to the millisecond when runs are sped up."""
    assert date_time(seconds, precise) == text
