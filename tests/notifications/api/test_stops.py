"""DELETE tells the truth: the start is prevented, or it is too late and nothing is called again."""

from __future__ import annotations

import time

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from tests.notifications.conftest import Running
from tests.notifications.receiver import Receiver


def test_during_the_start(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A stop during the start call is answered that it is too late, and ends the retries."""
    d365.script(960, ends("Finished", 10, 20))
    d365.delay(1.0, 1, "start")
    d365.fail(1, 503, "start")
    job = service.create(receiver.url("/960"), 960).json()
    service.until(job["id"], "starting")
    stopped = service.call("DELETE", f"/jobs/{job['id']}").json()
    assert stopped["status"] == "stopped"
    assert "too late to stop the start" in stopped["note"]
    calls = d365.requests["start"]
    time.sleep(2.5)
    assert d365.requests["start"] <= calls + 1
    assert receiver.received("/960") == []


def test_before_the_start(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A stop before the start prevents it, and the answer says so."""
    d365.script(961, ends("Finished", 10, 20))
    d365.throttle(1, retry_after_s=2)
    job = service.create(receiver.url("/961"), 961).json()
    stopped = service.call("DELETE", f"/jobs/{job['id']}").json()
    assert stopped["note"] == "The batch job has not been started and will not be."
    time.sleep(3)
    assert d365.starts(961) == 0


def test_while_running(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A later stop ends only the watch."""
    d365.script(962, ends("Finished", 10, 4000))
    job = service.create(receiver.url("/962"), 962).json()
    service.until(job["id"], "running")
    assert "itself continues" in service.call("DELETE", f"/jobs/{job['id']}").json()["note"]
