"""D365Emulator as tests use it: failures of every class on demand."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import httpx2
import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends, stays
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve

ACTION = "/data/BatchJobs/Microsoft.Dynamics.DataEntities.SetBatchJobToWaiting"
Script = Callable[[D365Emulator], None]


def _client(base_url: str) -> httpx2.Client:
    token = EntraEmulator().mint(version=1, aud=base_url)
    return httpx2.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("script", "status", "retry_after", "content"),
    [
        (lambda d365: d365.throttle(retry_after_s=7), 429, "7", "high resource utilization"),
        (lambda d365: d365.throttle(retry_after_s=None), 429, None, "high resource utilization"),
        (lambda d365: d365.fail(status=502), 502, None, "<html>"),
        (lambda d365: d365.unauthorized(), 401, None, ""),
    ],
    ids=["429 seconds", "429 bare", "html", "revoked"],
)
def test_failures(script: Script, status: int, retry_after: str | None, content: str) -> None:
    """Each scripted failure happens once, in its form, and then the environment works again."""
    d365 = D365Emulator()
    with serve(d365) as base_url, _client(base_url) as client:
        script(d365)
        failed = client.get("/data")
        assert (failed.status_code, failed.headers.get("retry-after")) == (status, retry_after)
        assert content in failed.text
        assert client.get("/data").status_code == 200


def test_retry_after_date() -> None:
    """``Retry-After`` can be a date, counted from the emulator's clock."""
    d365 = D365Emulator(clock=lambda: 1_800_000_000.0)
    d365.throttle(retry_after_s=60, as_date=True)
    with serve(d365) as base_url:
        date = httpx2.get(f"{base_url}/data").headers["retry-after"]
    assert parsedate_to_datetime(date).timestamp() == 1_800_000_060.0


@pytest.mark.parametrize(("after_effect", "starts"), [(False, 0), (True, 1)], ids=["before", "after"])
def test_drop(after_effect: bool, starts: int) -> None:
    """A connection is cut before the start, or after it: the caller cannot tell which."""
    d365 = D365Emulator(jobs=[])
    d365.script(1, ends())
    d365.drop(endpoint="start", after_effect=after_effect)
    with serve(d365) as base_url, _client(base_url) as client, pytest.raises(httpx2.TransportError):
        client.post(ACTION, json={"batchJobId": 1})
    assert d365.starts(1) == starts


def test_delay() -> None:
    """A slow answer is correct."""
    d365 = D365Emulator()
    d365.delay(0.1)
    with serve(d365) as base_url, _client(base_url) as client:
        started = time.monotonic()
        assert client.get("/data").status_code == 200
    assert time.monotonic() - started >= 0.09


def test_script() -> None:
    """A job's lives are scripted in one line."""
    d365 = D365Emulator(jobs=[])
    d365.script(1, stays("Pondering")).start(d365.clock() - 10)
    assert d365.status(1) == "Pondering"


def test_answer_form() -> None:
    """Only known forms of the start action's answer can be chosen."""
    d365 = D365Emulator()
    d365.answer_starts_as("wrapped")
    assert d365.answer_form == "wrapped"
    with pytest.raises(ValueError, match="known are sample"):
        d365.answer_starts_as("odd")
