"""
``make mutate``: change the code in small ways and see which tests notice.

First every mutant of the modules that decide who may pass, then a random sample of the others, thirty minutes at most.
What survived, and why, is in docs/mutation.md.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

# All of their mutants are run, and each survivor is killed or explained.
MODULES = (
    "gateway.tokens.checks",
    "gateway.tokens.claims",
    "gateway.tokens.rules",
    "gateway.tokens.selection",
    "gateway.tokens.signature",
    "gateway.pipeline.header_contract",
    "gateway.wire.contract",
    "gateway.assembly.contracts",
    "gateway.notifications.store.jobs",
    "gateway.notifications.workflow.joining",
)
SAMPLE = 300
SEED = 1
LIMIT_S = 30 * 60.0
MUTMUT = str(Path(sys.executable).parent / "mutmut")
_RESULT = re.compile(r"^\s+(?P<name>\S+): (?P<status>.+)$", re.MULTILINE)


def run(names: Iterable[str], limit_s: float) -> None:
    """Run the mutants that *names* match, one after the other; mutmut remembers what it has found when time is up."""
    try:
        subprocess.run([MUTMUT, "run", "--max-children", "1", *names], check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        print("The time is up: the rest was not run.")


def results() -> dict[str, str]:
    """Status of each mutant by its name."""
    listed = subprocess.run([MUTMUT, "results", "--all", "true"], capture_output=True, text=True, check=True).stdout
    return {found["name"]: found["status"] for found in _RESULT.finditer(listed)}


def module_of(name: str) -> str:
    """The module of the mutant *name*: ``gateway.tokens.claims.x_shown__mutmut_3``."""
    return name.rpartition(".")[0]


def table(statuses: dict[str, str]) -> str:
    """Killed and surviving mutants of each module, as text."""
    counts = Counter((module_of(name), status) for name, status in statuses.items() if status != "not checked")
    modules = sorted({module for module, _ in counts})
    lines = [
        f"{module:45} {counts[module, 'killed']:5} killed {counts[module, 'survived']:4} survived "
        f"{sum(counts[module, other] for other in ('timeout', 'suspicious', 'no tests')):4} other"
        for module in modules
    ]
    return "\n".join(lines)


def main() -> None:
    """Run, and print what was found."""
    run([f"{module}.*" for module in MODULES], LIMIT_S * 2 / 3)
    others = sorted(name for name in results() if module_of(name) not in MODULES)
    run(random.Random(SEED).sample(others, min(SAMPLE, len(others))), LIMIT_S / 3)
    statuses = results()
    print(table(statuses))
    print(*sorted(name for name, status in statuses.items() if status == "survived"), sep="\n")


if __name__ == "__main__":
    main()
