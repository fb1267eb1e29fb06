"""
What does a request cost the gateway itself?

Run: ``make bench-own``, or ``python -m benchmarks.own_cost --against REVISION`` to compare this tree with another
commit, or with a folder: the compiled one of ``make native-tree``. Measured is the processor time of one thread: the
real dispatcher and connections, over stand-ins for the kernel and for the waiting of the event loop. Nothing is timed
before it is right, and every answer is looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.issuer import Issuer
from benchmarks.own_cost.measuring import Cost, Costs, Plan, Ratio, measure
from benchmarks.own_cost.trees import ROOT, checked_out, this_tree
from benchmarks.own_cost.workloads import COPIED, OPERATIONS, REMEMBERED, TITLES, UNSEEN_TURN, write_tokens

OWN = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    options = _options(arguments)
    plan = Plan([COPIED, *(options.only or TITLES)], options.processes, options.rounds, options.turn)
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="gateway-own-cost-")))
        trees = [this_tree()]
        if options.against:
            trees.append(running.enter_context(checked_out(options.against)))
        write_files(folder, REMEMBERED, 1 + plan.rounds * UNSEEN_TURN)
        costs = measure(trees, folder, plan)
        print(table(costs, [tree.name for tree in trees]))
        slower = grown(costs, options.most) if options.most else []
        if slower:
            print(f"\nMeasured again, because it costs more than × {options.most:g}: {', '.join(slower)}")
            again = measure(trees, folder, replace(plan, workloads=[COPIED, *slower], rounds=max(1, plan.rounds - 1)))
            print(table(again, [tree.name for tree in trees]))
            slower = grown(again, options.most)
    if slower:
        raise SystemExit(f"Costs more than × {options.most:g} of {trees[1].name}: {', '.join(slower)}")


def grown(costs: Costs, most: float) -> list[str]:
    """The workloads that cost the first tree more than *most* times what they cost the second one."""
    return [name for name in TITLES if name in costs and Ratio.of(*costs[name]).value > most]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.own_cost", description=__doc__)
    parser.add_argument("--against", metavar="REVISION", help="the commit, or the folder of a tree, to compare with")
    parser.add_argument(
        "--most", type=float, metavar="1.1", help="fail if a workload costs more than so many times as much, twice"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", nargs="+", choices=TITLES, metavar="W1", help=f"workloads: {', '.join(TITLES)}")
    parser.add_argument("--processes", type=int, help="how often each gateway is started anew")
    parser.add_argument("--rounds", type=int, help="turns of each workload in each process")
    parser.add_argument("--turn", type=int, default=10_000, help="most requests in a turn")
    options = parser.parse_args(arguments)
    if options.most and not options.against:
        parser.error("--most needs --against")
    options.processes = options.processes or (2 if options.quick else 8)
    options.rounds = options.rounds or (4 if options.quick else 10)
    return options


def write_files(folder: Path, known: int, unseen: int) -> None:
    """What the drivers read: the configuration, an issuer's documents, and so many tokens."""
    issuer = Issuer.create()
    issuer.publish(folder, "http://127.0.0.1:19900")
    write_tokens(folder, issuer, known, unseen)
    operations = [
        f'\n      - {{id: o{n}, method: GET, url-template: "/part{n % 14}/o{n}/{{id}}"}}' for n in range(OPERATIONS)
    ]
    text = (OWN / "config.yaml").read_text(encoding="utf-8")
    folders = {"POLICIES": ROOT / "policies", "CONFIGS": ROOT / "benchmarks" / "configs", "OWN": OWN}
    for name, value in {**folders, "OPERATIONS": "".join(operations)}.items():
        text = text.replace(name, str(value))
    (folder / "config.yaml").write_text(text, encoding="utf-8")


def table(costs: Costs, trees: Sequence[str]) -> str:
    """Microseconds per request and how far processes differ; of two trees also the ratio, with its outermost pairs."""
    head = f"{'µs of processor time per request':50}" + "".join(f"{name:>24}" for name in trees)
    rows = [_row(f"{name:16}{title:34}", costs[name]) for name, title in TITLES.items() if name in costs]
    stand_ins = " and ".join(f"{cost.value:.2f}" for cost in costs[COPIED])
    return "\n".join([head, *rows, f"The stand-ins' own cost is part of it: {stand_ins} µs."])


def _row(name: str, costs: Sequence[Cost]) -> str:
    cells = "".join(f"{cost.value:16.1f} ±{cost.spread:6.1%}" for cost in costs)
    if len(costs) == 1:
        return f"{name}{cells}"
    ratio = Ratio.of(*costs)
    return f"{name}{cells}    × {ratio.value:.3f}  ({ratio.low:.3f} to {ratio.high:.3f})"


if __name__ == "__main__":
    main()
