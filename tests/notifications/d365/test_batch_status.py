"""F&O's rows are read whatever their spelling, and an unknown status is never an end."""

from __future__ import annotations

import pytest

from gateway.notifications.d365.batch_status import STATUSES, Phase, Row, parse_row, parse_status, parse_time


@pytest.mark.parametrize(
    ("value", "name"),
    [
        *((number, name) for number, name in enumerate(STATUSES)),
        *((name.upper(), name) for name in STATUSES),
        ("Canceling", "Cancelling"),
        ("cancelled", "Canceled"),
        ("Didn't run", "NotRun"),
        ("Not Run", "NotRun"),
        (" Executing ", "Executing"),
        ("Withhold", "Hold"),
        ("Pondering", "Pondering"),
        (99, "99"),
        (True, "True"),
        (None, "None"),
        ("x" * 99, "x" * 64),
        ("a\0b\ud800c\n", "abc"),
    ],
    ids=repr,
)
def test_parse_status(value: object, name: str) -> None:
    """Names in any case and spelling, labels and numbers give the documented name; the rest stays as it is."""
    assert parse_status(value) == name


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-03-01T01:00:00Z", 1772326800),
        ("2026-03-01T02:00:00+01:00", 1772326800),
        ("2026-03-01T01:00:00", 1772326800),
        ("1900-01-01T00:00:00Z", None),
        (None, None),
        ("soon", None),
        (5, None),
    ],
)
def test_parse_time(value: object, seconds: float | None) -> None:
    """F&O's null date and unreadable text are no time; a date without a zone is UTC."""
    assert parse_time(value) == seconds


def test_parse_row() -> None:
    """Numbers may come as strings, and fields may be missing."""
    assert parse_row({"BatchJobRecId": "5637144576", "Status": "Finished"}) == Row(5637144576, "Finished")


@pytest.mark.parametrize("status", ["Pondering", "", "Erro"])
def test_unknown(status: str) -> None:
    """An unknown status is not final."""
    assert Row(1, status).phase is Phase.UNKNOWN


@pytest.mark.parametrize(
    ("status", "start", "end"),
    [("Waiting", None, None), ("Executing", 2.0, None), ("Cancelling", 2.0, None), ("Finished", 2.0, 3.0)],
)
def test_facts(status: str, start: float | None, end: float | None) -> None:
    """The times of a row belong to the run that it shows; what is left of the previous run is ignored."""
    row = Row(1, status, start=2.0, end=3.0, scheduled=1.0, description="Nightly")
    assert row.facts() == {"description": "Nightly", "scheduled": 1.0, "start": start, "end": end}


@pytest.mark.parametrize(("value", "kept"), [("a", "a"), ("", None), (None, None), (5, None), ("x" * 900, "x" * 500)])
def test_description(value: object, kept: str | None) -> None:
    """A description is text of bounded length, or nothing."""
    assert parse_row({"BatchJobRecId": 1, "JobDescription": value}).description == kept
