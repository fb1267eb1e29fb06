"""Interleaved rounds over gateway processes, and what can be read from them."""

from __future__ import annotations

import compileall
import itertools
import operator
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.own_cost.trees import ROOT, Tree


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How often what is measured.

    Attributes:
        workloads: Their names.
        processes: Times that every gateway is started anew: addresses and hashes differ from process to process.
        rounds: Turns of each workload in each process.
        turn: Most requests in a turn.
    """

    workloads: Sequence[str]
    processes: int
    rounds: int
    turn: int = 10_000


class Gateway:
    """One process with the gateway of one tree, its files in *folder*; *seed* decides how its strings are hashed."""

    def __init__(self, tree: Tree, folder: Path, seed: int) -> None:
        self.tree = tree
        arguments = ["-m", "benchmarks.own_cost.driver", str(tree.path), str(folder)]
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**environment, "PYTHONHASHSEED": str(seed)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def process_id(self) -> int:
        """Of the process."""
        return self._process.pid

    def turn(self, workload: str, size: int) -> float:
        """Microseconds per request. Raises SystemExit: the process has said on standard error what is wrong."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            print(workload, size, sep="\t", file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.tree.name} has ended with {self._process.wait()}; it was asked for {workload}")
        return float(line) / 1_000

    def stop(self) -> None:
        """End it."""
        try:
            self._process.communicate(timeout=30)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True, slots=True)
class Cost:
    """
    Of one workload in one tree: microseconds of processor time per request.

    Attributes:
        rounds: By process.
    """

    rounds: Sequence[Sequence[float]]

    @property
    def by_process(self) -> list[float]:
        """The quickest turn of each process: all that disturbs a turn makes it longer."""
        return [min(rounds) for rounds in self.rounds]

    @property
    def value(self) -> float:
        """The median of the processes."""
        return statistics.median(self.by_process)

    @property
    def spread(self) -> float:
        """How far the processes are from the value, as a part of it."""
        return max(abs(each / self.value - 1) for each in self.by_process)


@dataclass(frozen=True, slots=True)
class Ratio:
    """What one tree costs, as a multiple of another: the median of the pairs of processes, and the outermost two."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, cost: Cost, base: Cost) -> Ratio:
        """*cost* over *base*, turn by turn: what disturbs one turn mostly disturbs the one beside it."""
        pairs = zip(cost.rounds, base.rounds, strict=True)
        ratios = [statistics.median(map(operator.truediv, mine, other)) for mine, other in pairs]
        return cls(statistics.median(ratios), min(ratios), max(ratios))


Costs = Mapping[str, Sequence[Cost]]
"""By workload: what it costs in each tree."""


def measure(trees: Sequence[Tree], folder: Path, plan: Plan) -> Costs:
    """What *plan* asks for. Raises SystemExit: a gateway answers wrongly."""
    for tree in trees:  # what is compiled while it is imported leaves its objects elsewhere in memory
        compileall.compile_dir(tree.path / "gateway", quiet=2)
    found = [_process(trees, folder, plan, seed) for seed in range(1, 1 + plan.processes)]
    return {
        workload: [Cost([rounds[workload][position] for rounds in found]) for position in range(len(trees))]
        for workload in plan.workloads
    }


def _process(trees: Sequence[Tree], folder: Path, plan: Plan, seed: int) -> dict[str, list[list[float]]]:
    """All rounds with one process per tree: by workload and position of the tree."""
    rounds: dict[str, list[list[float]]] = {workload: [[] for _ in trees] for workload in plan.workloads}
    with ExitStack() as running:
        gateways = [Gateway(tree, folder, seed) for tree in trees]
        for gateway in gateways:
            running.callback(gateway.stop)
        for number, workload in itertools.product(range(plan.rounds), plan.workloads):
            for position in _alternating(len(trees), number):
                rounds[workload][position].append(gateways[position].turn(workload, plan.turn))
    return rounds


def _alternating(trees: int, number: int) -> Sequence[int]:
    """Side by side, and now one first, now the other."""
    return range(trees) if number % 2 else range(trees)[::-1]
