"""``make judge``: what .NET gives for each row of the case tables, or of the files given, beside what we give."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.expressions.judge.dotnet import NotAvailable, set_up
from tests.expressions.judge.rows import Row, rows_of
from tests.expressions.test_cases import CASES, outcome
from tests.expressions.test_systematic import SYSTEMATIC


def same(found: str, verdict: str) -> bool:
    """Whether an outcome and a verdict agree; line ends are those of Windows here, and messages are not compared."""
    wanted = verdict.partition(" | ")[0] if verdict.startswith("!") else verdict
    if wanted.startswith("load "):
        return found.startswith("load ")
    return found.replace("\r\n", "\n") == wanted.replace("\r\n", "\n")


def differences(rows: list[Row], verdicts: list[str]) -> Iterator[tuple[Row, str, str]]:
    """The rows with a different result: the row, our result, .NET's result."""
    for row, verdict in zip(rows, verdicts, strict=True):
        found = outcome(row.expression)
        if not same(found, verdict):
            yield row, found, verdict


def report(rows: list[Row], verdicts: list[str]) -> int:
    """Print the differences and their number; 1 where one has no reason."""
    unexplained = 0
    explained: list[Row] = []
    for row, found, verdict in differences(rows, verdicts):
        if row.reason:
            explained.append(row)
            continue
        unexplained += 1
        print(f"{row.place}: {row.expression}\n    .NET {json.dumps(verdict)}\n    here {json.dumps(found)}")
    equal = len(rows) - unexplained - len(explained)
    print(f"{len(rows)} rows judged: {equal} equal, {len(explained)} differ for a reason, {unexplained} differ")
    for row in explained:
        print(f"    {row.place}: {row.reason}")
    return int(unexplained > 0)


def main(names: list[str]) -> int:
    """Judge the files, or all case tables."""
    files = [Path(name) for name in names] or sorted([*CASES.glob("*.txt"), *SYSTEMATIC.glob("*.txt")])
    rows = [row for file in files for row in rows_of(file)]
    try:
        judge = set_up()
    except NotAvailable as error:
        print(f"The judge is not available: {error}", file=sys.stderr)
        return 2
    return report(rows, judge.verdicts([row.expression for row in rows]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
