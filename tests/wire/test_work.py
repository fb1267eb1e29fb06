"""The budget of work that one request may have this process compute."""

from __future__ import annotations

import pytest

from gateway.wire.work import Work, WorkExceeded


def test_the_sum_is_bounded() -> None:
    """Several pieces of work that each fit are refused together once the budget is spent."""
    work = Work(time_s=1.0, memory=100)
    work.draw(0.5, 50)
    work.draw(0.4)
    with pytest.raises(WorkExceeded, match="processor time"):
        work.draw(0.2)


def test_memory_is_bounded() -> None:
    """Copies and results count, whatever they cost in time."""
    with pytest.raises(WorkExceeded, match="memory"):
        Work(memory=100).draw(0.0, 101)


def test_a_refusal_leaves_nothing() -> None:
    """After a refusal not even small work is done: catching the error gains no new attempt."""
    work = Work(time_s=1.0)
    with pytest.raises(WorkExceeded):
        work.draw(2.0)
    with pytest.raises(WorkExceeded):
        work.draw(0.001)


def test_measured_work_is_accounted_for() -> None:
    """Work that stops by its own clock uses up the budget without being refused itself."""
    work = Work(time_s=1.0)
    work.used(5.0)
    assert work.time_s == 0
    with pytest.raises(WorkExceeded):
        work.draw(0.001)
