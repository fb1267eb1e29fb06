"""Counts of tools, whose names clients bring."""

from __future__ import annotations

from gateway.telemetry.metrics import GatewayMetrics
from gateway.telemetry.tool_calls import MAX_NAMES, OTHERS


def test_names_are_bounded() -> None:
    """However many names a client makes up, the labels are few; the first keep theirs, and strangers have none."""
    metrics = GatewayMetrics()
    calls = metrics.tool_calls("agents")
    for number in range(MAX_NAMES):
        calls.count(f"refused {number}", 401)
    for number in range(3 * MAX_NAMES):
        calls.count(f"t{number}", 200)
    calls.count("t0", 0)
    calls.count("", 200)
    assert len({tool for tool, _ in calls.statuses}) == MAX_NAMES + 1
    assert (calls.statuses["t0", 0], calls.statuses[OTHERS, 200]) == (1, 2 * MAX_NAMES + 1)
    assert calls.statuses[OTHERS, 401] == MAX_NAMES
    (family,) = (family for family in metrics.collect() if family.name == "gateway_mcp_calls")
    assert {sample.labels["api"] for sample in family.samples} == {"agents"}
    assert metrics.tool_calls("agents") is calls
