"""Limits of the machine against what the configuration needs: said at the start, measured while it runs."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from unittest.mock import Mock

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.config import Config
from gateway.serving import resources
from gateway.serving.machine import Machine
from gateway.serving.resources import MIB, ResourceWatch, raise_descriptor_limit, shortages
from gateway.telemetry.metrics import GatewayMetrics

BACKEND = {"a": {"url": "http://a"}}


def config(**settings: object) -> Config:
    return Config.model_validate(settings)


@pytest.mark.parametrize(
    ("descriptors", "memory", "workers", "settings", "found"),
    [
        (20_000, None, 1, {}, []),
        (20_000, 2_048 * MIB, 4, {}, []),
        (1_024, None, 1, {}, ["descriptors"]),
        (5_000, None, 1, {"limits": {"connections": 5_000}}, ["descriptors"]),
        (5_100, None, 1, {"limits": {"connections": 5_000}}, []),
        (5_100, None, 1, {"limits": {"connections": 5_000}, "backends": BACKEND}, ["descriptors"]),
        (20_000, 128 * MIB, 1, {}, ["memory"]),
        (20_000, 300 * MIB, 2, {}, ["memory"]),
        (512, 10 * MIB, 1, {}, ["descriptors", "memory"]),
    ],
)  # fmt: skip
def test_what_is_too_low_is_found(
    descriptors: int, memory: int | None, workers: int, settings: dict[str, object], found: list[str]
) -> None:
    """Descriptors against connections and backends, memory against caches and bodies of all workers, with a remedy."""
    machine = Mock(Machine, memory_limit=lambda: memory)
    low = list(shortages(config(**settings), workers, descriptors, machine))
    assert [shortage.what for shortage in low] == found
    assert all(shortage.limit < shortage.wanted and "raise" in shortage.remedy for shortage in low)


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        (1_024, 4_096, 4_096),
        (4_096, 4_096, None),
        (1_024, resource.RLIM_INFINITY, 1_048_576),
        (1_024, 1_073_741_816, 1_048_576),
        (2_000_000, 3_000_000, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_the_soft_limit_is_raised(soft: int, hard: int, raised: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the hard one, and never lowered: what nobody set deliberately is no reason to refuse connections."""
    calls: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (calls[-1] if calls else soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: calls.append(limits[0]))
    raise_descriptor_limit()
    assert calls == ([] if raised is None else [raised])


def test_a_limit_that_is_near_is_logged_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Above 90 % a warning, once until it was below 80 %; the gauges have the numbers."""
    monkeypatch.setattr(resources, "log", structlog.get_logger())
    opened, metrics = [0], GatewayMetrics()
    monkeypatch.setattr(os, "listdir", lambda _: range(opened[0]))
    watch = ResourceWatch(metrics, Mock(Machine, memory_limit=lambda: 1_000, memory_used=lambda: 950))
    watch._limit = 100
    events = []
    for opened[0] in (50, 91, 95, 89, 92, 79, 90):
        with capture_logs() as logged:
            watch.look()
        events.append([line["event"] for line in logged])
    assert events == [
        ["memory_nearly_used_up"],
        ["descriptors_nearly_used_up"],
        *[[]] * 4,
        ["descriptors_nearly_used_up"],
    ]
    values = {name: read() for name, (_, read) in metrics.gauges.items()}
    assert (values["gateway_descriptors"], values["gateway_descriptors_limit"]) == (90, 100)
    assert values["gateway_memory_limit_bytes"] == 1_000
    assert values["gateway_memory_bytes"] > MIB
