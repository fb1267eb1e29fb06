"""The environment over HTTP: reading, starting, refusals, and everything scripted from outside."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from xml.etree import ElementTree

import httpx2
import pytest

from gateway.emulators.d365 import Access, D365Emulator, Job, Life, Step
from gateway.emulators.d365.histories import FIELDS as HISTORY_FIELDS
from gateway.emulators.d365.jobs import STATUSES
from gateway.emulators.d365.lives import BLOG_JOB, deleted, ends
from gateway.emulators.d365.rows import FIELDS
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import CLIENT
from gateway.emulators.serving import serve

BASE = "https://contoso.operations.dynamics.com"
ACTION = "/data/BatchJobs/Microsoft.Dynamics.DataEntities.SetBatchJobToWaiting"
NOW = 1_800_000_000.0


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()
TOKEN = EntraEmulator(clock=lambda: NOW).mint(version=1, aud=BASE, lifetime_s=1e6)


def _d365(**options: Any) -> D365Emulator:
    return D365Emulator(BASE, **{"clock": lambda: NOW, **options})


def _call(d365: D365Emulator, method: str, path: str, token: str = TOKEN, **options: Any) -> httpx2.Response:
    async def main() -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(d365.app), base_url=BASE) as client:
            return await client.request(method, path, headers=headers, **options)

    return asyncio.run(main())


def _values(d365: D365Emulator, query: str) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = _call(d365, "GET", f"/data/BatchJobs?{query}").json()["value"]
    return values


def test_histories() -> None:
    """The history keeps the ends of runs that the row no longer shows, newest first."""
    d365, clock = _d365(clock=CLOCK), CLOCK
    d365.add(Job(7, lives=(Life((*ends("Error", 1, 1).steps, Step(2, "Waiting")), every_s=3600),)))
    _call(d365, "POST", ACTION, json={"batchJobId": 7})
    clock.now += 3605
    found = _call(d365, "GET", "/data/BatchJobHistories?$filter=BatchJobId eq 7&$select=Status,EndDateTime").json()[
        "value"
    ]
    clock.now = NOW
    assert [run["Status"] for run in found] == ["Error", "Error", "Finished"]
    assert [set(run) for run in found] == [{"Status", "EndDateTime"}] * 3
    assert _call(d365, "GET", "/data/BatchJobHistories?$filter=BatchJobId eq 8").json()["value"] == []


@pytest.mark.parametrize(
    "query", ["", "$filter=Status eq 1", "$filter=BatchJobId eq 7&$top=x", "$filter=BatchJobId eq 7&$select=No"]
)
def test_histories_refuse(query: str) -> None:
    """A query of the history that the emulator does not understand is a 400."""
    assert _call(_d365(), "GET", f"/data/BatchJobHistories?{query}").status_code == 400


def test_service_document() -> None:
    """The service document lists BatchJobs."""
    document = _call(_d365(), "GET", "/data").json()
    assert {"name": "BatchJobs", "kind": "EntitySet", "url": "BatchJobs"} in document["value"]


def test_flow() -> None:
    """The blog's flow: start, wait, run, end, seen through ``$filter``."""
    clock = Clock()
    d365 = _d365(clock=clock)
    query = f"$filter=BatchJobRecId eq {BLOG_JOB}&$select=Status"
    seen = []
    assert _call(d365, "POST", ACTION, json={"batchJobId": BLOG_JOB}).json()["IsSuccess"] is True
    for clock.now in (NOW, NOW + 60, NOW + 300):
        seen.append(_values(d365, query)[0]["Status"])
    assert seen == ["Waiting", "Executing", "Finished"]
    assert (d365.starts(BLOG_JOB), d365.requests["batch-jobs"], d365.requests["start"]) == (1, 3, 1)
    assert len(d365.queries) == 3


def test_start_lag() -> None:
    """With a lag the row shows the earlier run for a while after the start."""
    clock = Clock()
    d365 = _d365(clock=clock)
    d365.start_lag_s = 3
    _call(d365, "POST", ACTION, json={"batchJobId": BLOG_JOB})
    assert d365.status(BLOG_JOB) == "Finished"
    clock.now += 3
    assert d365.status(BLOG_JOB) == "Waiting"


@pytest.mark.parametrize("path", ["/data/batchjobs", "/data/Batchjobs?$top=1", "/Data/BatchJobs", ACTION.lower()])
def test_case_sensitive(path: str) -> None:
    """A name in the wrong case is a 404."""
    assert _call(_d365(), "POST" if "set" in path else "GET", path).status_code == 404


@pytest.mark.parametrize(
    ("key", "status"), [(f"{BLOG_JOB}", 200), (f"BatchJobRecId={BLOG_JOB}", 200), ("1", 404), ("x", 404)]
)
def test_key_form(key: str, status: int) -> None:
    """A job is read by its key; an unknown key is a 404, where a filter gives an empty list."""
    response = _call(_d365(), "GET", f"/data/BatchJobs({key})")
    assert response.status_code == status
    if status == 200:
        assert response.json()["@odata.context"].endswith("$metadata#BatchJobs/$entity")
    assert _values(_d365(), "$filter=BatchJobRecId eq 1") == []


def test_unfiltered_is_slow() -> None:
    """Listing everything is slow, as in the blog; with ``$top`` it is not."""
    d365 = _d365(speed=10)
    d365.listing_delay_s = 0.5
    started = time.monotonic()
    _values(d365, "$top=1")
    quick = time.monotonic()
    assert len(_values(d365, "")) == len(d365.jobs)
    assert time.monotonic() - quick >= 0.045 > quick - started - 0.04


def test_pages() -> None:
    """Long lists come in pages."""
    d365 = _d365(jobs=[Job(number) for number in range(1, 4)])
    d365.page_size, d365.listing_delay_s = 2, 0
    first = _call(d365, "GET", "/data/BatchJobs").json()
    second = _call(d365, "GET", first["@odata.nextLink"]).json()
    assert [row["BatchJobRecId"] for row in first["value"] + second["value"]] == [1, 2, 3]


def test_ieee754() -> None:
    """A client can ask for ids as strings."""
    accept = {"Accept": "application/json;IEEE754Compatible=true"}
    body = _call(_d365(), "GET", f"/data/BatchJobs({BLOG_JOB})", headers=accept).json()
    assert body["BatchJobRecId"] == str(BLOG_JOB)


def test_unknown_property() -> None:
    """A field that this version lacks is a 400 that names it."""
    response = _call(_d365(), "GET", "/data/BatchJobs?$select=Caption")
    assert response.status_code == 400
    assert "Caption" in response.json()["error"]["innererror"]["message"]


@pytest.mark.parametrize(
    ("job", "asked"), [(Job(1, refusal="The job is withheld."), 1), (Job(1), 2)], ids=["refused", "unknown"]
)
def test_not_started(job: Job, asked: int) -> None:
    """A start that is refused is a 200 with ``IsSuccess`` false, and counts as no start."""
    d365 = _d365(jobs=[job])
    answer = _call(d365, "POST", ACTION, json={"batchJobId": asked}).json()
    assert (answer["IsSuccess"], d365.starts(1)) == (False, 0)
    assert answer["ExceptionDetails"]


def test_deleted() -> None:
    """A deleted job is gone from queries and cannot be started."""
    d365 = _d365()
    assert _call(d365, "DELETE", "/emulator/jobs", json={"id": BLOG_JOB}).status_code == 200
    assert _values(d365, f"$filter=BatchJobRecId eq {BLOG_JOB}") == []
    assert _call(d365, "POST", ACTION, json={"batchJobId": BLOG_JOB}).json()["IsSuccess"] is False


def test_deleted_while_running() -> None:
    """A job that is deleted during its run disappears from queries."""
    clock = Clock()
    d365 = _d365(jobs=[Job(1, lives=(deleted(1),))], clock=clock)
    _call(d365, "POST", ACTION, json={"batchJobId": 1})
    clock.now += 31
    assert _values(d365, "$filter=BatchJobRecId eq 1") == []


def test_unauthorized() -> None:
    """A wrong token gets a 401 without a body."""
    response = _call(_d365(), "GET", "/data", token="x")
    assert (response.status_code, response.content) == (401, b"")


def test_forbidden() -> None:
    """A known application without the privilege gets a 403 with OData's error body."""
    response = _call(_d365(access=Access(forbidden=frozenset({CLIENT}))), "GET", "/data")
    assert response.status_code == 403
    assert "BatchJobEntity" in response.json()["error"]["innererror"]["message"]


def test_date() -> None:
    """Answers carry the emulator's own time, once, also over a real connection."""
    assert _call(_d365(), "GET", "/data").headers["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    d365 = D365Emulator(clock=lambda: NOW)
    with serve(d365) as base_url:
        dates = [value for name, value in httpx2.get(f"{base_url}/data").headers.multi_items() if name == "date"]
    assert dates == ["Fri, 15 Jan 2027 08:00:00 GMT"]


def test_control() -> None:
    """Jobs, settings and failures are scripted from outside, and the state shows them."""
    d365 = _d365(jobs=[])
    steps = {"id": 1, "steps": [[0, "Waiting"], [1, None]], "slot_s": 5, "before": "Hold", "description": "d"}
    assert _call(d365, "POST", "/emulator/jobs", json=steps).json()["status"] == "Hold"
    _call(d365, "POST", "/emulator/jobs", json={"id": 2, "life": "fails", "refusal": "no"})
    _call(d365, "POST", "/emulator/settings", json={"speed": 60, "answer_form": "text"})
    _call(d365, "POST", "/emulator/faults", json={"status": 503})
    assert _call(d365, "GET", "/data").status_code == 503
    _call(d365, "POST", "/emulator/faults", json={"status": 503})
    _call(d365, "DELETE", "/emulator/faults")
    assert _call(d365, "GET", "/data").status_code == 200
    state = _call(d365, "GET", "/emulator").json()
    assert [job["id"] for job in state["jobs"]] == [1, 2]
    assert (d365.speed, d365.answer_form, d365.jobs[2].lives) == (60, "text", (ends("Error"),))
    assert d365.jobs[1].lives[0].slot_s == 5


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/emulator/jobs", {"id": 1, "live": "x"}, "unknown members: live"),
        ("/emulator/jobs", {"id": 1, "life": "x"}, "unknown life"),
        ("/emulator/jobs", {"id": "1"}, "id must be a number"),
        ("/emulator/jobs", {"id": 1, "steps": [[1, "Waiting"]]}, "forward in time"),
        ("/emulator/settings", {"sped": 1}, "unknown settings: sped"),
        ("/emulator/settings", {"speed": "1"}, "speed must be a number"),
        ("/emulator/settings", {"answer_form": "x"}, "unknown form"),
    ],
)
def test_control_refuses(path: str, body: dict[str, Any], message: str) -> None:
    """A misspelt member of a script is an error."""
    response = _call(_d365(), "POST", path, json=body)
    assert response.status_code == 400
    assert message in response.json()["error"]


def test_metadata() -> None:
    """The metadata names every field, status and entity set that the emulator answers with, and the action."""
    found = _call(_d365(), "GET", "/data/$metadata")
    assert found.headers["content-type"] == "application/xml"
    root = ElementTree.fromstring(found.content)
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    named = {tag: {element.get("Name") for element in root.iter(edm + tag)} for tag in ("Property", "Member", "Action")}
    assert {*FIELDS, *HISTORY_FIELDS} == named["Property"]
    assert (named["Member"], named["Action"]) == (set(STATUSES), {"SetBatchJobToWaiting"})
    assert {element.get("Name") for element in root.iter(edm + "EntitySet")} == {"BatchJobs", "BatchJobHistories"}


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [("", 200, "3"), ("?$filter=BatchJobRecId eq 2", 200, "1"), ("?$filter=BatchJobRecId eq 9", 200, "0")],
)
def test_count(query: str, status: int, text: str) -> None:
    """``$count`` is the number of jobs that pass the filter, as text."""
    found = _call(_d365(jobs=[Job(number) for number in (1, 2, 3)]), "GET", f"/data/BatchJobs/$count{query}")
    assert (found.status_code, found.text) == (status, text)


def test_bad_count() -> None:
    """A filter with an unknown property is refused, as elsewhere."""
    assert _call(_d365(), "GET", "/data/BatchJobs/$count?$filter=Nope eq 1").status_code == 400


def test_begin() -> None:
    """A job that is started in F&O runs, and is not counted as one of our starts."""
    d365 = _d365(jobs=[Job(7, lives=(ends(),))])
    assert _call(d365, "POST", "/emulator/begin", json={"id": 7}).json() == {"ok": True}
    assert (d365.status(7), d365.starts(7)) == ("Waiting", 0)
