"""
The life of a job, checked: every state of the model is visited, and what broke once breaks again without its mend.

The counts are in docs/notifications-contract.md; a change of the engine's decisions that changes them is looked at.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.start_picture import STEPS
from gateway.notifications.workflow.watched_run import WatchedRun
from tests.notifications.model.decisions import Mends, Timing
from tests.notifications.model.explore import Explored, explore
from tests.notifications.model.states import Step
from tests.notifications.model.steps import Scenario

# Minutes on a machine that is busy otherwise, seconds on one that is not.
pytestmark = pytest.mark.timeout(900)

PAGE = (Path(__file__).parents[3] / "docs" / "notifications-contract.md").read_text()

SCENARIOS = {
    "two replicas, one request, two faults, one clock jump": Scenario(),
    "two replicas, two requests, no fault": Scenario(requests=2, faults=0, jumps=0),
    "one process on SQLite, two faults, one clock jump": Scenario(
        replicas=1, embedded=True, kinds=frozenset({"crash", "silent"})
    ),
    "the same without a new start of the machine": Scenario(
        replicas=1, embedded=True, same_boot=True, kinds=frozenset({"crash", "silent"})
    ),
    "two replicas, a request and one that only watches, no fault": Scenario(
        requests=2, faults=0, jumps=0, watched=(WatchedRun.OURS, WatchedRun.CURRENT)
    ),
    "two replicas, one that waits for the next run and a request, no fault": Scenario(
        requests=2, faults=0, jumps=0, watched=(WatchedRun.NEXT, WatchedRun.OURS)
    ),
    "two replicas, one request with a second report, two faults": Scenario(
        jumps=0, follow_up=True, kinds=frozenset({"crash", "cut", "silent", "late", "error"})
    ),
}


# The longest of those whose rules the others visit as well; `make test-slow` has them.
SLOW = (
    "two replicas, one request with a second report, two faults",
    "the same without a new start of the machine",
)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in SCENARIOS]
)
def test_every_state(name: str) -> None:
    """
    No state breaks a promise: no request is started twice, none is told of a run that is not its own, none is lost.

    Double starts after a pause that is longer than the contract covers are counted apart.
    """
    found = explore(SCENARIOS[name])
    print(f"{name}: {found}")
    assert found.broken is None, str(found)
    assert f"| {name} | {found.states:,} | {found.steps:,} | {found.residue:,} |" in PAGE


def only(*kinds: str) -> frozenset[str]:
    """These faults and no others."""
    return frozenset(kinds)


TAKEN_AWAY: dict[str, tuple[Scenario, str]] = {
    "a job joins what another one watches, not what its reading shows": (
        Scenario(requests=2, faults=0, jumps=0, mends=Mends(joins_by_reading=False)),
        "was told succeeded, which none of its runs was",
    ),
    "permission is asked before the queue, and the replica is cut off": (
        Scenario(faults=1, jumps=0, kinds=only("cut"), mends=Mends(checks_before_call=False)),
        "started 2 times",
    ),
    "permission is asked before the queue, and the replica is frozen": (
        Scenario(faults=1, jumps=0, kinds=only("freeze"), mends=Mends(checks_before_call=False)),
        "started 2 times",
    ),
    "doubt is counted from the mark, not from the end of the call": (
        Scenario(faults=1, jumps=0, kinds=only("silent"), mends=Mends(doubt_from_end=False)),
        "started 2 times",
    ),
    "a second call is made under the first one's mark": (
        Scenario(
            faults=3, jumps=0, kinds=only("refused", "silent", "cut"), timing=Timing(call=3),
            mends=Mends(void_mark_after_note=False),
        ),
        "started 2 times",
    ),
    "a second report of a start in doubt is not waited for": (
        Scenario(faults=1, jumps=0, follow_up=True, kinds=only("late", "silent"), mends=Mends(follows_in_doubt=False)),
        "was told that its start had no effect, and it had",
    ),
    "the clock is set after the last heartbeat of an embedded store": (
        Scenario(
            replicas=1, embedded=True, kinds=only("silent", "crash"), mends=Mends(doubts_of_the_dead=False)
        ),
        "started 2 times",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mend", TAKEN_AWAY)
def test_mend_taken_away(mend: str) -> None:
    """Without its mend each fault comes back, and the model shows how; with it, the same scenario breaks nothing."""
    scenario, promise = TAKEN_AWAY[mend]
    found = explore(scenario)
    print(found)
    assert found.broken is not None, str(found)
    assert promise in found.broken
    assert found.trace[0].startswith(("replica", "request", "the wall clock"))


def test_pause_before_the_call() -> None:
    """
    A freeze between check and call doubles nothing as long as it is not longer than ``settle``, however slow F&O is.

    Also where ``settle`` is longer than the longest call.
    """
    found = explore(Scenario(jumps=0, kinds=only("freeze", "silent"), timing=Timing(settle=3, call=1)))
    assert found.broken is None, str(found)
    assert found.residue > 0


def test_picture() -> None:
    """The contract's picture has exactly the model's steps."""
    assert set(STEPS) == {step.value for step in Step}
    assert "images/start.svg" in PAGE


def test_trace_is_readable() -> None:
    """A counter-example is a numbered list of what happened, below the promise that it breaks."""
    text = str(Explored(5, 6, 0, "request 0 was started 2 times", ("replica A crashes", "time passes")))
    assert text.splitlines() == ["request 0 was started 2 times:", "  1  replica A crashes", "  2  time passes"]
