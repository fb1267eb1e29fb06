"""``--workers auto``: what the machine has, and what the configuration needs."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from gateway.config import Config
from gateway.serving.machine import Machine
from gateway.serving.resources import MIB
from gateway.serving.worker_count import Workers, worker_count


@pytest.mark.parametrize(
    ("wanted", "processors", "memory", "count"),
    [
        (3, 8.0, None, 3),
        (3, 1.0, 10 * MIB, 3),
        ("auto", 8.0, None, 8),
        ("auto", 2.5, None, 2),
        ("auto", 0.5, None, 1),
        ("auto", 200.0, None, 64),
        ("auto", 8.0, 1_024 * MIB, 4),
        ("auto", 2.0, 1_024 * MIB, 2),
        ("auto", 8.0, 32 * MIB, 1),
    ],
)
def test_auto_is_what_there_is(wanted: Workers, processors: float, memory: int | None, count: int) -> None:
    """As many as processors, fewer if memory does not do; a number that is given is taken, and no reason is said."""
    machine = Mock(Machine, processors=lambda: processors, memory_limit=lambda: memory)
    chosen = worker_count(Config(), wanted, machine)
    assert chosen.count == count
    assert bool(chosen.reason) == (wanted == "auto")
