"""
How fast is the gateway, against HAProxy, Envoy, nginx and the obvious proxy, in one run?

Run: ``make bench``, or ``make bench-quick`` for a look in under three minutes. Gateway, HAProxy and the rest share one
core, load generator and backend the other; rounds are interleaved, so that a noisy machine is noisy for all; medians
count. Nothing is timed before it answers correctly.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contenders import BATCH, BESIDE, PASSING, Contender, running
from benchmarks.interpreters import advice
from benchmarks.issuer import Issuer
from benchmarks.load import Measurement, measure
from benchmarks.machine import describe, install_missing
from benchmarks.report import Report, Result
from benchmarks.workloads import Workload, prepare, verify, verify_batch

RESULTS = Path(__file__).parent / "results"
IMAGE = Path(__file__).parent.parent / "docs" / "images" / "benchmark.svg"

Runs = dict[tuple[str, str], list[Measurement]]


def main() -> None:
    """Run the suite and print its table."""
    options = _options()
    print(advice())
    install_missing()
    issuer = Issuer.create()
    with TemporaryDirectory(prefix="gateway-bench-") as folder:
        work = Path(folder)
        work.chmod(0o755)  # nginx reads it as another user
        with running(work, issuer, options.without, options.beside) as contenders:
            [batch] = [contender for contender in contenders if BATCH in contender.kinds]
            rivals = [contender for contender in contenders if contender is not batch]
            for contender in rivals:
                verify(contender, issuer)
            job = verify_batch(batch, issuer)
            alone = [contender for contender in rivals if PASSING in contender.kinds]
            idle = {contender.name: contender.idle_mib() for contender in alone}
            workloads = prepare(work, issuer, job, options.rounds, options.only)
            # Not in turn with the others: accepted jobs go on working when their load has ended.
            runs = _run(rivals, workloads, options.rounds, options.seconds)
            runs |= _run([batch], workloads, options.rounds, options.seconds)
            memory = {c.name: {"idle": idle[c.name], "peak": c.peak_mib()} for c in alone}
    report = Report(time.strftime("%Y-%m-%d %H:%M", time.gmtime()), describe(), memory, _results(workloads, runs))
    print(f"\n{report.table()}\n")
    if not options.only and options.beside is None:  # a part is not what the documentation shows
        print("Written:", report.write(RESULTS, IMAGE).relative_to(Path.cwd()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--only", nargs="*", default=[], metavar="W1", help="workloads")
    parser.add_argument("--without", nargs="*", default=[], metavar="naive", help="contenders to leave out")
    parser.add_argument(
        "--beside", type=_tree, metavar="TREE", help="another tree's gateway as a contender, as build/native/tree"
    )
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (2 if options.quick else 5)
    return options


def _tree(name: str) -> Path:
    """The tree called *name*, whose build is shown. Raises ArgumentTypeError: there is no gateway."""
    path = Path(name).resolve()
    if not (path / "gateway").is_dir():
        raise argparse.ArgumentTypeError(f"{name} has no gateway")
    command = [sys.executable, "-m", "gateway", "--version"]
    print(f"{BESIDE}: the gateway in {name}, ", subprocess.check_output(command, cwd=path, text=True), end="")
    return path


def _run(contenders: list[Contender], workloads: list[Workload], rounds: int, seconds: float) -> Runs:
    """Every workload on every contender, in turn, *rounds* times."""
    runs: Runs = defaultdict(list)
    for number in range(rounds):
        for workload in workloads:
            for contender in contenders:
                if workload.fits(contender):
                    run = _checked(workload, contender, seconds, number)
                    runs[workload.name, contender.name].append(run)
                    line = f"{workload.name:10} {contender.name:12} {run.cpu_us:8,.0f} µs of CPU {run.rate:10,.0f}/s"
                    print(f"round {number + 1}  {line}", flush=True)
    return runs


def _checked(workload: Workload, contender: Contender, seconds: float, number: int) -> Measurement:
    """One run of round *number* whose answers were all of the expected kind. Raises SystemExit."""
    before = contender.cpu_s()
    calls = workload.calls[number % len(workload.calls)]
    run = measure(contender.origin, calls, workload.connections, min(seconds, workload.seconds))
    run = replace(run, cpu_us=(contender.cpu_s() - before) / max(1, run.answers) * 1e6)
    expected = run.answers if workload.refuses else 0
    if run.refused != expected or run.broken > max(2, run.answers // 100):
        raise SystemExit(f"{workload.name} on {contender.name}: {run.refused} refused, {run.broken} broken: {run}")
    return run


def _results(workloads: list[Workload], runs: Runs) -> tuple[Result, ...]:
    """The median of each series."""
    found = []
    for workload in workloads:
        for (name, contender), series in runs.items():
            if name == workload.name:
                values = [run.median_us if workload.latency else run.rate for run in series]
                p99 = statistics.median(run.p99_us for run in series)
                cpu = statistics.median(run.cpu_us for run in series)
                value = statistics.median(values)
                found.append(Result(name, workload.title, contender, value, p99, cpu, workload.latency))
    return tuple(found)


if __name__ == "__main__":
    main()
