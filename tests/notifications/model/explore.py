"""
Visits every state of a scenario, breadth first, and shows the shortest way to the first one that breaks a promise.

    python -m tests.notifications.model.explore [--faults 2] [--jumps 1] [--requests 1] [--embedded]
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import deque
from dataclasses import dataclass

from gateway.notifications.workflow.watched_run import WatchedRun
from tests.notifications.model.states import World
from tests.notifications.model.steps import DEADLINE, Model, Scenario
from tests.notifications.model.symmetry import canonical

_NAMES = ("replica A", "replica B")


@dataclass(frozen=True, slots=True)
class Explored:
    """
    What came of it.

    Attributes:
        states: How many different states there are; mirror images count once.
        steps: How many ways lead from one to the next.
        residue: States in which a request was started twice after a pause longer than the contract covers.
        broken: The first promise that was broken.
        trace: What happened until then.
    """

    states: int
    steps: int
    residue: int
    broken: str | None = None
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.broken is None:
            return f"{self.states:,} states, {self.steps:,} steps, {self.residue:,} states of residue"
        lines = [f"{number:>3}  {label}" for number, label in enumerate(self.trace, 1)]
        return "\n".join([f"{self.broken}:", *lines])


class Exploration:
    """The states of a scenario, numbered in the order in which they were found."""

    def __init__(self, scenario: Scenario) -> None:
        self.model = Model(scenario)
        self._numbers: dict[World, int] = {}
        self._came_from: list[tuple[int, str, bool]] = []
        self._back: list[list[int]] = []  # from where each state is reached without a fault
        self._over: list[int] = []
        self._steps = 0
        self._residue = 0

    def run(self) -> Explored:
        """Every state, or as far as the first broken promise."""
        first, _ = canonical(self.model.initial())
        waiting = deque([first])
        self._found(first, 0, "", mirrored=False)
        while waiting:
            world = waiting.popleft()
            number = self._numbers[world]
            for label, after in self.model.successors(world):
                self._steps += 1
                image, mirrored = canonical(after)
                known = self._numbers.get(image)
                if known is None:
                    known = self._found(image, number, label, mirrored)
                    if (broken := self.model.broken(image)) is not None:
                        return self._result(broken, known)
                    waiting.append(image)
                if after.faults == world.faults and DEADLINE not in label:
                    self._back[known].append(number)
        stuck = self._stuck()
        return self._result(None, 0) if stuck is None else self._result("from here no outcome is reached", stuck)

    def _found(self, world: World, before: int, label: str, mirrored: bool) -> int:
        number = self._numbers[world] = len(self._numbers)
        self._came_from.append((before, label, mirrored))
        self._back.append([])
        twice = any(job is not None and job.starts > 1 for job in world.jobs)
        self._residue += twice
        if twice or self.model.is_over(world) or self.model.waits_for_others(world):
            self._over.append(number)
        return number

    def _stuck(self) -> int | None:
        """The first state from which no end is reached, however long nothing else fails."""
        reached = set(self._over)
        waiting = deque(self._over)
        while waiting:
            for before in self._back[waiting.popleft()]:
                if before not in reached:
                    reached.add(before)
                    waiting.append(before)
        return next((number for number in range(len(self._numbers)) if number not in reached), None)

    def _result(self, broken: str | None, number: int) -> Explored:
        return Explored(len(self._numbers), self._steps, self._residue, broken, self._trace(number))

    def _trace(self, number: int) -> tuple[str, ...]:
        """What happened until then; which replica is which follows from where its mirror image was taken."""
        steps: list[tuple[str, bool]] = []
        while number:
            number, label, mirrored = self._came_from[number]
            steps.append((label, mirrored))
        labels, names = [], _NAMES
        for label, mirrored in reversed(steps):
            labels.append(label.replace("replica 0", names[0]).replace("replica 1", names[1]))
            names = names[::-1] if mirrored else names
        return tuple(labels)


def explore(scenario: Scenario) -> Explored:
    """Every state of *scenario*, or the way to the first broken promise."""
    gc.disable()  # no circles here, and looking through a million tuples again and again takes half of the time
    try:
        return Exploration(scenario).run()
    finally:
        gc.enable()


def main() -> None:
    """Explore and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("faults", 2), ("jumps", 1), ("requests", 1), ("replicas", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--kinds", type=lambda text: frozenset(text.split(",")), default=Scenario().kinds)
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--stops", action="store_true")
    parser.add_argument("--same-boot", action="store_true")
    parser.add_argument("--follow-up", action="store_true")
    parser.add_argument("--watched", type=lambda text: tuple(map(WatchedRun, text.split(","))), default=())
    given = vars(parser.parse_args())
    if given["embedded"]:
        given["replicas"] = 1
    began = time.process_time()
    print(explore(Scenario(**given)), f"{time.process_time() - began:.1f} s of processor time", sep="\n")


if __name__ == "__main__":
    main()
