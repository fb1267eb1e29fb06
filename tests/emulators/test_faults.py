"""Scripted failures: each hits the requests it was scripted for, in order, and wears off."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from starlette.responses import Response

from gateway.emulators.faults import Dropped, Fault, FaultPlan


async def _served() -> Response:
    return Response(status_code=200)


def _statuses(plan: FaultPlan, *endpoints: str) -> list[int]:
    async def main() -> list[int]:
        return [(await plan.around(endpoint, _served)).status_code for endpoint in endpoints]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        pytest.param([], [200, 200, 200], id="none"),
        pytest.param([Fault(status=503)], [503, 200, 200], id="once, anywhere"),
        pytest.param([Fault("b", status=503)], [200, 503, 200], id="one endpoint"),
        pytest.param([Fault(times=2, status=500)], [500, 500, 200], id="twice"),
        pytest.param([Fault(times=None, status=500)], [500, 500, 500], id="for ever"),
        pytest.param([Fault(status=429), Fault(status=503)], [429, 503, 200], id="in order"),
        pytest.param([Fault(delay_s=0.001)], [200, 200, 200], id="a mere delay"),
    ],
)
def test_due(faults: list[Fault], expected: list[int]) -> None:
    """The oldest matching fault applies, as often as it says."""
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
    assert _statuses(plan, "a") == [200]
    assert plan.requests["a"] == 2


def test_delay() -> None:
    """A delayed request is late by the given time."""
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


@pytest.mark.parametrize(("after_effect", "effects"), [(False, 0), (True, 1)], ids=["before", "after"])
def test_effect(after_effect: bool, effects: int) -> None:
    """A fault strikes before the request has its effect, or, when asked for, after it."""
    plan, seen = FaultPlan(), []
    plan.add(Fault(status=502, after_effect=after_effect))

    async def answer() -> Response:
        seen.append(1)
        return Response()

    assert asyncio.run(plan.around("a", answer)).status_code == 502
    assert len(seen) == effects


def test_drop() -> None:
    """A drop cuts the connection and waits until the client is gone."""
    plan = FaultPlan()
    plan.add(Fault(drop=True))
    aborted: list[bool] = []
    messages = [{"type": "http.request"}, {"type": "http.disconnect"}]

    async def main() -> None:
        async def receive() -> Any:
            return messages.pop(0)

        response = await plan.around("a", _served)
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
    """A misspelt member of a script is an error, not a fault that never happens."""
    with pytest.raises(ValueError, match=message):
        Fault.from_json(document)
