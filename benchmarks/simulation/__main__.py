"""
Runs the scenarios and writes benchmarks/results/simulation.json, from which ``make docs`` draws the curves.

    python -m benchmarks.simulation [--most JOBS]

Each scenario runs in a process of its own, so that its memory is its own, and is saved when it has ended. Scenarios
whose result is there already are not run again unless the file is deleted.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.simulation.running import Crowd, Scenario, starting, watching

RESULTS = Path(__file__).parents[1] / "results" / "simulation.json"

SCENARIOS = [
    *(Scenario(jobs) for jobs in (1_000, 3_000, 10_000, 20_000, 30_000)),
    *(Scenario(jobs, span_s=1_200) for jobs in (100_000, 300_000)),
    Scenario(10_000, busy_s=600),
    Scenario(100_000, environments=4, span_s=600),
    Scenario(100_000, replicas=2, span_s=600),
    Scenario(100_000, replicas=4, span_s=600),
    Scenario(1_000_000, span_s=600),
    Scenario(1_000_000, environments=50, span_s=60),
]
CROWDS = [Crowd(), Crowd(same=True)]


def main() -> None:
    """Run everything that is not larger than asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=1_000_000, help="largest number of jobs")
    most = parser.parse_args().most
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"fairness": [], "watching": []}
    results["machine"] = _machine()
    done = [
        result.get("crowd", result.get("scenario")) for kind in ("fairness", "watching") for result in results[kind]
    ]
    for crowd in CROWDS:
        if asdict(crowd) not in done:
            results["fairness"].append(_alone(starting, crowd))
            _save(results)
    for scenario in sorted(SCENARIOS, key=lambda scenario: scenario.jobs):
        if scenario.jobs <= most and asdict(scenario) not in done:
            results["watching"].append(_alone(watching, scenario))
            _save(results)


def _alone(work: Callable[[Any], dict[str, object]], argument: object) -> dict[str, object]:
    """The result of *work* in a fresh process, with the load of the machine meanwhile."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result = pool.apply(work, (argument,))
    shown = {key: value for key, value in result.items() if key != "curve"}
    print(f"{time.strftime('%H:%M')} {shown}", flush=True)
    return {**result, "load": round(os.getloadavg()[0], 1)}


def _machine() -> dict[str, object]:
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
    }


def _save(results: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
