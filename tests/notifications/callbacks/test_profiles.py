"""Each kind of receiver is told in its own words; ADF sees every failure as one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.notifications.callbacks.profiles import PROFILES, RunReport, render
from gateway.notifications.workflow.outcomes import READINGS, Outcome

LINK = "https://contoso.operations.dynamics.com/data/BatchJobs(5637515827)"


def report(outcome: Outcome = Outcome.FAILED, scheduled_for: float | None = None) -> RunReport:
    """A finished watch."""
    facts = {"description": "Nightly export", "scheduled": 1.0, "start": 1.5, "end": 2.0}
    return RunReport("id-1", 5637515827, outcome, "It failed.", "Error", 1.0, 2.5, scheduled_for, facts, LINK)


def body(profile: str, told: RunReport) -> dict[str, object]:
    """The rendered JSON."""
    found: dict[str, object] = json.loads(render(profile, told, "urn:x")[1])
    return found


def test_adf_failure() -> None:
    """ADF's shape in PascalCase, the status code a string."""
    found = body("adf", report())
    assert found["StatusCode"] == "500"
    assert found["Error"] == {"ErrorCode": "BatchJobFailed", "Message": "It failed."}
    assert found["Output"]["batchId"] == 5637515827  # type: ignore[index]


def test_adf_success() -> None:
    """On success there is no Error member at all."""
    assert "Error" not in body("adf", report(Outcome.SUCCEEDED))


@pytest.mark.parametrize("outcome", Outcome)
def test_status_codes(outcome: Outcome) -> None:
    """Every outcome has a status code, and every one but success is 400 or above."""
    assert (READINGS[outcome].status_code >= 400) == (outcome is not Outcome.SUCCEEDED)


def test_standard() -> None:
    """The envelope of Standard Webhooks."""
    found = body("standard", report())
    assert (found["type"], found["timestamp"]) == ("batch_job.failed", "1970-01-01T00:00:02.500Z")
    assert found["data"]["error"] == {"code": "BatchJobFailed", "message": "It failed."}  # type: ignore[index]


def test_cloudevents() -> None:
    """A CloudEvent in structured mode has its required attributes."""
    found = body("cloudevents", report())
    required = {"specversion": "1.0", "id": "id-1", "source": "urn:x", "type": "batch_job.failed"}
    assert required.items() <= found.items()
    assert render("cloudevents", report(), "")[0] == "application/cloudevents+json"


def test_plain() -> None:
    """Flat JSON with a status word, for Logic Apps."""
    found = body("plain", report(Outcome.SUCCEEDED))
    assert (found["status"], found["error"]) == ("succeeded", None)


@pytest.mark.parametrize(
    ("profile", "member"), [("adf", "Output"), ("standard", "data"), ("cloudevents", "data"), ("plain", None)]
)
def test_batch_job(profile: str, member: str | None) -> None:
    """Every form carries F&O's own description and times, and the link to the batch job."""
    found: Any = body(profile, report())
    assert (found if member is None else found[member])["batchJob"] == {
        "description": "Nightly export",
        "scheduledAt": "1970-01-01T00:00:01.000Z",
        "startedAt": "1970-01-01T00:00:01.500Z",
        "endedAt": "1970-01-01T00:00:02.000Z",
        "link": LINK,
    }


def test_unknown_facts() -> None:
    """Facts that F&O does not show are null."""
    found: Any = body("plain", replace(report(), facts={}, link=None))
    assert set(found["batchJob"].values()) == {None}


@pytest.mark.parametrize("profile", PROFILES)
def test_small(profile: str) -> None:
    """A callback stays far below the 20 kB that webhook receivers recommend."""
    assert len(render(profile, report(scheduled_for=3.0), "urn:x")[1]) < 2000
