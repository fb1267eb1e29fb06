"""Scripted failures: each hits the requests it was scripted for, in order, and wears off."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gateway.emulators.faults import Dropped, Fault, FaultPlan


def _statuses(plan: FaultPlan, *endpoints: str) -> list[int | None]:
    async def main() -> list[int | None]:
        met = [await plan.meet(endpoint) for endpoint in endpoints]
        return [None if response is None else response.status_code for response in met]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        pytest.param([], [None, None, None], id="none"),
        pytest.param([Fault(status=503)], [503, None, None], id="once, anywhere"),
        pytest.param([Fault("b", status=503)], [None, 503, None], id="one endpoint"),
        pytest.param([Fault(times=2, status=500)], [500, 500, None], id="twice"),
        pytest.param([Fault(times=None, status=500)], [500, 500, 500], id="for ever"),
        pytest.param([Fault(status=429), Fault(status=503)], [429, 503, None], id="in order"),
        pytest.param([Fault(delay_s=0.001)], [None, None, None], id="a mere delay"),
    ],
)
def test_due(faults: list[Fault], expected: list[int | None]) -> None:
    """The oldest fault that matches is met, as often as it says."""
    plan = FaultPlan()
    for fault in faults:
        plan.add(fault)
    assert _statuses(plan, "a", "b", "a") == expected
    assert plan.requests == {"a": 2, "b": 1}


def test_clear() -> None:
    """Forgetting the faults keeps the counters."""
    plan = FaultPlan()
    plan.add(Fault(times=None, status=500))
    assert _statuses(plan, "a") == [500]
    plan.clear()
    assert _statuses(plan, "a") == [None]
    assert plan.requests["a"] == 2


def test_delay() -> None:
    """A delayed request is late by what was asked."""
    plan = FaultPlan()
    plan.add(Fault(delay_s=0.05))
    started = time.monotonic()
    _statuses(plan, "a")
    assert time.monotonic() - started >= 0.045


@pytest.mark.parametrize(
    ("fault", "media_type"),
    [(Fault(status=503, body="<html>"), "text/html"), (Fault(status=429, headers={"Retry-After": "7"}), "text/plain")],
    ids=["html", "plain"],
)
def test_answer(fault: Fault, media_type: str) -> None:
    """A failure has the scripted status, fields and body; a body in angle brackets is HTML, as gateways send it."""
    response = fault.answer()
    assert response.status_code == fault.status
    assert str(response.headers["content-type"]).startswith(media_type)
    assert response.headers.get("retry-after") == fault.headers.get("Retry-After")


def test_drop() -> None:
    """A drop is an answer that cuts the connection and waits for the client to be gone."""
    plan = FaultPlan()
    plan.add(Fault(drop=True))
    aborted: list[bool] = []
    messages = [{"type": "http.request"}, {"type": "http.disconnect"}]

    async def main() -> None:
        async def receive() -> Any:
            return messages.pop(0)

        response = await plan.meet("a")
        assert isinstance(response, Dropped)
        await response({"extensions": {"emulator.drop": {"abort": lambda: aborted.append(True)}}}, receive, None)

    asyncio.run(main())
    assert (aborted, messages) == ([True], [])


def test_from_json() -> None:
    """A fault can be scripted as JSON."""
    document = {"endpoint": "keys-v2", "times": None, "status": 429, "headers": {"Retry-After": "1"}}
    assert Fault.from_json(document) == Fault("keys-v2", None, 429, {"Retry-After": "1"})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"statsu": 500}, "unknown members: statsu"),
        ({"status": "500"}, "status must be"),
        ({"times": True}, "times must"),
    ],
    ids=["unknown", "text", "boolean"],
)
def test_from_json_refuses(document: dict[str, Any], message: str) -> None:
    """A typing mistake in a script is an error, not a fault that never comes."""
    with pytest.raises(ValueError, match=message):
        Fault.from_json(document)
