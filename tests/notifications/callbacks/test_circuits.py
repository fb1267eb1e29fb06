"""Callbacks that hang cost one turn; their host is heard again with its first answer, and is its caller's affair."""

from __future__ import annotations

import pytest

from gateway.notifications.callbacks.circuits import CallbackLine, Circuits, group_of

FLOW = "https://prod-12.westeurope.logic.azure.com/workflows/%s/runs/%s/actions/Tell/run?sig=x"
AUTOMATE = "https://h/powerautomate/automations/direct/workflows/%s/runs/1"


def fail(circuits: Circuits, caller: str, host: str, *groups: int) -> None:
    """One failure for each group."""
    for group in groups:
        circuits.record(CallbackLine(caller, host, group), succeeded=False)


def test_opens_and_closes() -> None:
    """Five failures in a row open the circuit of the URLs that begin alike, one success closes it."""
    circuits, line = Circuits(), CallbackLine("c", "a", 7)
    for _ in range(5):
        assert not circuits.is_open(*line)
        circuits.record(line, succeeded=False)
    assert circuits.is_open(*line)
    assert circuits.open_hosts == ["a"]
    circuits.record(line, succeeded=True)
    assert not circuits.is_open(*line)
    assert circuits.open_hosts == []


def test_callers_are_apart() -> None:
    """One caller's failures at a host open no other caller's circuit there, and another's success closes none."""
    circuits = Circuits()
    fail(circuits, "c", "a", *range(5))
    circuits.record(CallbackLine("d", "a"), succeeded=True)
    assert (circuits.is_open("c", "a"), circuits.is_open("d", "a"), circuits.is_open("c", "b")) == (True, False, False)
    assert circuits.open_hosts == ["a"]


def test_groups_are_apart() -> None:
    """However often the URLs of one group fail, those of others are not affected, and their success changes nothing."""
    circuits = Circuits()
    fail(circuits, "c", "a", *[1] * 50)
    assert (circuits.is_open("c", "a"), circuits.is_open("c", "a", 1), circuits.is_open("c", "a", 2)) == (
        False, True, False,
    )  # fmt: skip
    circuits.record(CallbackLine("c", "a", 2), succeeded=True)
    assert circuits.is_open("c", "a", 1)


def test_whole_host() -> None:
    """Five groups that fail without a success in between are the whole host; any success there shows that it is not."""
    circuits = Circuits()
    fail(circuits, "c", "a", 1, 2, 3, 4)
    circuits.record(CallbackLine("c", "a", 9), succeeded=True)
    fail(circuits, "c", "a", 5, 1, 2, 3)
    assert not circuits.is_open("c", "a")
    fail(circuits, "c", "a", 4)
    assert circuits.is_open("c", "a")
    circuits.record(CallbackLine("c", "a", 9), succeeded=True)
    assert not circuits.is_open("c", "a")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (FLOW % ("f1", "1"), FLOW % ("f1", "2"), True),
        (FLOW % ("f1", "1"), FLOW % ("f2", "1"), False),
        (AUTOMATE % "f1", AUTOMATE % "f2", False),
        ("https://h/hooks/a/1?x=1", "https://h/hooks/a/2?x=/y", True),
        ("https://h/hooks/a", "https://h/hooks/b", False),
        ("https://h", "https://h?x", True),
        ("https://h", "https://h/", False),
    ],
)  # fmt: skip
def test_groups(one: str, other: str, alike: bool) -> None:
    """URLs are alike by the first two segments of their path, and those of workflows by the workflow."""
    assert (group_of(one) == group_of(other)) is alike
