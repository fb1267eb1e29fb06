"""Runs every document and writes docs/ai-labs.md."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from gateway.commands.check.report import check_text, offline_services
from gateway.telemetry import logs
from tests.ai_labs.kinds import place
from tests.ai_labs.page import write
from tests.ai_labs.repository import Document, commit, documents
from tests.ai_labs.runs import Outcome, Runner
from tests.ai_labs.surroundings import emulated, gateway_with


def main(repository: Path) -> None:
    """Write the page, and say what did not run."""
    logs.configure(os.environ.get("LEVEL", "error"), "console")
    labs = sorted(documents(repository), key=lambda lab: place(lab.path))
    outcomes = asyncio.run(run(labs))
    write(commit(repository), outcomes, dict(_unloaded(labs)))
    for outcome in outcomes:
        if not outcome.runs:
            print(outcome.path, outcome.refused or {name: why for name, why in outcome.results.items() if why})
    print(f"{sum(outcome.runs for outcome in outcomes)} of {len(outcomes)} run")


async def run(labs: list[Document]) -> list[Outcome]:
    """What became of each."""
    with tempfile.TemporaryDirectory(prefix="ai-labs-") as folder:
        async with emulated() as around:
            texts = {lab.path: lab.filled(around.values(lab.path)) for lab in labs}
            async with gateway_with(around, texts, Path(folder)) as loaded:
                runner = Runner(around, loaded)
                outcomes = [await runner.run(number, path, text) for number, (path, text) in enumerate(texts.items())]
                return sorted(outcomes, key=lambda outcome: outcome.path)


def _unloaded(labs: list[Document]) -> list[tuple[str, str]]:
    """The documents that do not load as they are, and why."""
    services = offline_services()
    reports = [(lab.path, check_text(lab.content, "policy.xml", services)) for lab in labs]
    return [(path, str(report.problems[0].message)) for path, report in reports if not report.ok]


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["AI_GATEWAY_LABS"]))
