"""Callbacks that hang cost one turn; their host is heard again with its first answer, and is its caller's affair."""

from __future__ import annotations

from gateway.notifications.callbacks.circuits import Circuits


def test_opens_and_closes() -> None:
    """Five failures in a row open the circuit; one success closes it."""
    circuits = Circuits()
    for _ in range(5):
        assert not circuits.is_open("c", "a")
        circuits.record("c", "a", succeeded=False)
    assert circuits.open_hosts == ["a"]
    circuits.record("c", "a", succeeded=True)
    assert not circuits.is_open("c", "a")
    assert circuits.open_hosts == []


def test_callers_are_apart() -> None:
    """One caller's failures at a host open no other caller's circuit there, and another's success closes none."""
    circuits = Circuits()
    for _ in range(5):
        circuits.record("c", "a", succeeded=False)
    circuits.record("d", "a", succeeded=True)
    assert (circuits.is_open("c", "a"), circuits.is_open("d", "a"), circuits.is_open("c", "b")) == (True, False, False)
    assert circuits.open_hosts == ["a"]
