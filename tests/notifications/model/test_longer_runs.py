"""Long runs of the model with more of everything than can be visited completely, chosen by hypothesis."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.notifications.model.decisions import Timing
from tests.notifications.model.states import World
from tests.notifications.model.steps import Model, Scenario

# The defaults' order: a mark is shorter than a lease, a lease than settling, settling than the longest call.
_TIMINGS = (Timing(), Timing(lease=2, call=4, settle=3), Timing(lease=3, valid=2, call=2, settle=4))


class LongRun(RuleBasedStateMachine):
    """Three replicas, three requests, any faults, in any order."""

    model: Model
    world: World

    @initialize(timing=st.sampled_from(_TIMINGS))
    def begin(self, timing: Timing) -> None:
        """A new world."""
        self.model = Model(Scenario(replicas=3, requests=3, faults=8, jumps=1, stops=True, timing=timing))
        self.world = self.model.initial()

    @rule(choice=st.integers(0, 10_000))
    def step(self, choice: int) -> None:
        """Whatever can happen."""
        if found := list(self.model.successors(self.world)):
            self.world = found[choice % len(found)][1]

    @precondition(lambda self: self.world.faults > 0)
    @rule(choice=st.integers(0, 10_000))
    def goes_on(self, choice: int) -> None:
        """Something other than a fault; otherwise everything is broken before anything has happened."""
        found = [after for _, after in self.model.successors(self.world) if after.faults == self.world.faults]
        if found:
            self.world = found[choice % len(found)]

    @invariant()
    def promises_hold(self) -> None:
        """Nothing is doubled, and nobody is told of a run that is not theirs."""
        if hasattr(self, "world"):
            assert self.model.broken(self.world) is None


TestLongRuns = LongRun.TestCase
TestLongRuns.settings = settings(
    max_examples=40, stateful_step_count=120, deadline=None, suppress_health_check=list(HealthCheck)
)
